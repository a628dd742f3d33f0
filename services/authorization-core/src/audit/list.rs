//! Reading the record: super administrators everything, who administrates a project what concerns it (R122).

use std::collections::BTreeSet;

use jmap_domain::{
    Caller, LayerAct, LayerId, PolicyRevision, ProjectAct, ProjectId, Question, Resource,
};

use super::{AuditFilter, AuditRecord, Order, RecordsWanted, SHOWN_CONCERNS, Span};
use crate::{
    Authority, Facts, LayerEntry, Refusal,
    change::PolicyChange,
    check::may_inspect,
    ports::{Platform, PolicyStore},
    rules,
};

/// Numbers that one statement looks through, so that none takes long however few records are wanted.
const STRETCH: i64 = 20_000;
/// Stretches that one part looks through; a part may then be short, or empty, and the next one goes on.
const STRETCHES: usize = 20;

/// Which records are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditAsked {
    /// Which records.
    pub filter: AuditFilter,
    /// Only what concerns that project. Who is no super administrator names one, or a layer in the filter.
    pub project: Option<ProjectId>,
}

/// Where a part begins, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditPortion {
    /// The number that was looked at last; `None` at the beginning.
    pub after: Option<i64>,
    /// In which order.
    pub order: Order,
    /// Most records.
    pub limit: usize,
}

/// A part of the record.
#[derive(Clone, Debug)]
pub struct AuditPart {
    /// The records.
    pub records: Vec<ShownRecord>,
    /// The number that was looked at last: where the next part begins.
    pub looked_at: i64,
    /// Whether nothing is behind it, for now.
    pub is_last: bool,
}

/// A record with the changes that it is about, as far as whoever asks may see them.
#[derive(Clone, Debug)]
pub struct ShownRecord {
    /// The record.
    pub record: AuditRecord,
    /// The changes, at most [`SHOWN_CONCERNS`].
    pub changes: Vec<PolicyChange>,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// A part of the record, by the caller's rights of this moment.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] and [`Refusal::NotFound`] unless the caller is a super administrator, or names a project
    /// or a layer and administrates it; [`Refusal::Store`] when the store cannot be read.
    pub async fn audit_part(
        &self,
        caller: &Caller,
        asked: &AuditAsked,
        portion: AuditPortion,
    ) -> Result<AuditPart, Refusal> {
        let project = self.audited_project(caller, asked)?;
        let newest = self.store.last_record().await?;
        let (mut records, mut looked_at) = (Vec::new(), start(portion, newest));
        for _ in 0..STRETCHES {
            let Some(span) = stretch(portion.order, looked_at, newest) else {
                break;
            };
            let wanted = RecordsWanted {
                filter: &asked.filter,
                project,
                span,
                order: portion.order,
                limit: portion.limit - records.len(),
            };
            records.extend(self.store.records(&wanted).await?);
            if records.len() >= portion.limit {
                looked_at = records.last().map_or(looked_at, |last| last.id);
                break;
            }
            looked_at = end(portion.order, span);
        }
        let is_last = stretch(portion.order, looked_at, newest).is_none();
        let mut shown = Vec::with_capacity(records.len());
        for record in records {
            shown.push(self.shown(record, project).await?);
        }
        Ok(AuditPart {
            records: shown,
            looked_at,
            is_last,
        })
    }

    /// The number of the newest record, for whoever follows from now on.
    ///
    /// # Errors
    /// [`Refusal::Store`] when the store cannot be read.
    pub async fn last_record(&self) -> Result<i64, Refusal> {
        Ok(self.store.last_record().await?)
    }

    /// The project that the caller is limited to; `None` for none.
    fn audited_project(
        &self,
        caller: &Caller,
        asked: &AuditAsked,
    ) -> Result<Option<ProjectId>, Refusal> {
        let standing = self.admit(caller)?;
        let snapshot = self.snapshot();
        let facts = Facts::of(&snapshot, standing);
        if facts.is_super_administrator() {
            return Ok(asked.project);
        }
        facts.person().ok_or_else(|| nobody(caller))?;
        let forbidden = Refusal::Forbidden(Resource::Installation);
        let project = match (asked.project, asked.filter.about) {
            (Some(project), _) | (None, Some(Resource::Project(project))) => project,
            (None, Some(Resource::Layer(layer))) => {
                may_inspect(
                    (&snapshot, &snapshot),
                    &facts,
                    Question::Layer(layer, LayerAct::ReadConfiguration),
                )?;
                let entry = snapshot.layer(layer);
                entry.and_then(LayerEntry::project).ok_or(forbidden)?
            }
            (None, _) => return Err(forbidden),
        };
        let question = Question::Project(project, ProjectAct::Administrate);
        Refusal::unless_allowed(question, rules::decide(&snapshot, &facts, question))?;
        Ok(Some(project))
    }

    /// The record as somebody may see it who is limited to a project: with what concerns that project alone.
    async fn shown(
        &self,
        mut record: AuditRecord,
        project: Option<ProjectId>,
    ) -> Result<ShownRecord, Refusal> {
        let mut changes = match record.entry.revision {
            Some(revision) => self.changes_of(revision).await?,
            None => Vec::new(),
        };
        if let Some(project) = project {
            // Neither what concerns others nor how much that is.
            record
                .entry
                .concerns
                .retain(|one| one.project == Some(project));
            record.concerns_in_all = record.entry.concerns.len() as u64;
            let layers = layers_of(&record);
            changes.retain(|change| concerns(change, project, &layers));
            let published = publications(&changes);
            for change in &mut changes {
                forget_shares(change, &published);
            }
        }
        changes.truncate(SHOWN_CONCERNS);
        Ok(ShownRecord { record, changes })
    }

    /// The changes of a set; none when history does not reach back to it.
    async fn changes_of(&self, revision: PolicyRevision) -> Result<Vec<PolicyChange>, Refusal> {
        let before = PolicyRevision(revision.0.saturating_sub(1));
        let sets = self.store.history(before, 1).await?;
        let set = sets.into_iter().find(|set| set.revision == revision);
        Ok(set.map(|set| set.changes).unwrap_or_default())
    }
}

const fn nobody(caller: &Caller) -> Refusal {
    match caller {
        Caller::Anonymous => Refusal::NotSignedIn,
        Caller::Session(_) | Caller::Service(_) => Refusal::Forbidden(Resource::Installation),
    }
}

/// The number that counts as looked at before anything was.
fn start(portion: AuditPortion, newest: i64) -> i64 {
    match portion.order {
        Order::OldestFirst => portion.after.unwrap_or(0),
        Order::NewestFirst => portion.after.unwrap_or(newest.saturating_add(1)),
    }
}

/// The next numbers to look through; `None` at the end.
fn stretch(order: Order, looked_at: i64, newest: i64) -> Option<Span> {
    let span = match order {
        Order::OldestFirst => Span {
            after: looked_at,
            until: looked_at.saturating_add(STRETCH).min(newest),
        },
        Order::NewestFirst => Span {
            after: looked_at.saturating_sub(STRETCH + 1).max(0),
            until: looked_at - 1,
        },
    };
    (span.until > span.after).then_some(span)
}

/// The number looked at last, after a whole stretch.
const fn end(order: Order, span: Span) -> i64 {
    match order {
        Order::OldestFirst => span.until,
        Order::NewestFirst => span.after + 1,
    }
}

fn layers_of(record: &AuditRecord) -> BTreeSet<LayerId> {
    let concerns = record.entry.concerns.iter();
    let layer = |resource| match resource {
        Resource::Layer(layer) => Some(layer),
        Resource::User(_)
        | Resource::Group(_)
        | Resource::Principal(_)
        | Resource::Service(_)
        | Resource::Session(_)
        | Resource::Project(_)
        | Resource::Connection(_)
        | Resource::Installation => None,
    };
    concerns.filter_map(|one| layer(one.resource)).collect()
}

/// The layers that a set puts into a project and takes rows from at once. Nothing but a publication does both: a layer that
/// is created starts with rows and loses none.
fn publications(changes: &[PolicyChange]) -> BTreeSet<LayerId> {
    let mut published = BTreeSet::new();
    for change in changes {
        if let PolicyChange::LayerPut(layer) = change {
            published.insert(layer.id);
        }
    }
    published
}

/// Takes out of a publication what the layer was shared for while it was somebody's own: that is no matter of the project's.
fn forget_shares(change: &mut PolicyChange, published: &BTreeSet<LayerId>) {
    if let PolicyChange::LayerGrantsSet {
        layer,
        revision: _,
        rows,
    } = change
        && published.contains(layer)
    {
        rows.retain(|row| !row.grant.is_empty());
    }
}

/// Whether a change is about a project or the layers that were in it.
fn concerns(change: &PolicyChange, project: ProjectId, layers: &BTreeSet<LayerId>) -> bool {
    match change {
        PolicyChange::ProjectPut(changed) => changed.id == project,
        PolicyChange::ProjectDeleted(id)
        | PolicyChange::ProjectGrantsSet {
            project: id,
            revision: _,
            rows: _,
        } => *id == project,
        PolicyChange::LayerPut(layer) => layer.placement.project() == Some(project),
        PolicyChange::LayerGrantsSet {
            layer,
            revision: _,
            rows: _,
        } => layers.contains(layer),
        PolicyChange::TombstonePut(tombstone) => layers.contains(&tombstone.layer),
        PolicyChange::UserPut(_)
        | PolicyChange::PasswordSet(_)
        | PolicyChange::UserDeleted(_)
        | PolicyChange::GroupPut(_)
        | PolicyChange::GroupDeleted(_)
        | PolicyChange::MemberAdded(_, _)
        | PolicyChange::FederatedMemberAdded(_, _)
        | PolicyChange::MemberRemoved(_, _)
        | PolicyChange::GlobalsSet(_, _)
        | PolicyChange::ServicePut(_)
        | PolicyChange::ServiceKeySet(_)
        | PolicyChange::ServiceDeleted(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_cover_every_number_once_in_both_orders() {
        for newest in [0, 1, STRETCH, STRETCH + 1, 3 * STRETCH + 5] {
            for order in [Order::OldestFirst, Order::NewestFirst] {
                let portion = AuditPortion {
                    after: None,
                    order,
                    limit: 1,
                };
                let (mut looked_at, mut covered) = (start(portion, newest), 0);
                while let Some(span) = stretch(order, looked_at, newest) {
                    covered += span.until - span.after;
                    looked_at = end(order, span);
                }
                assert_eq!(covered, newest, "{order:?}");
            }
        }
    }
}
