//! Reading a layer's table, each row with what makes it sleep.

use std::sync::Arc;

use jmap_domain::{
    Caller, GlobalPermission, LayerAct, LayerId, Permission, PermissionSet, PolicyRevision,
    PolicyToken, Question,
};

use crate::{
    Authority, Facts, LayerEntry, Principal, Refusal, Resource, Snapshot, Standing,
    explain::{Ineffective, asleep},
    may_open,
    model::{GrantRow, Layer},
    ports::{Platform, PolicyStore},
    rules,
};

/// The permission table of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerTable {
    /// The registration.
    pub layer: Arc<Layer>,
    /// The change that last touched the table.
    pub revision: PolicyRevision,
    /// Its rows, by principal.
    pub rows: Vec<TableRow>,
}

/// A row, and what of it gives nothing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// The row as stored.
    pub row: GrantRow,
    /// Why the whole row gives its principal nothing now (R9, R22, R40). Who is in a group may have other paths; those of
    /// others are not told to the owner of a personal layer, where a row is judged by itself.
    pub ineffective: Option<Ineffective>,
    /// Permissions that give nothing while editing is disabled (R31).
    pub asleep: PermissionSet,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// The permission tables of layers, in their order, all at one state of the policy.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] or [`Refusal::Forbidden`] unless the caller sees the configuration of each from the
    /// administration plane (R46): *view* is not enough.
    pub fn layer_tables(
        &self,
        caller: &Caller,
        ids: &[LayerId],
    ) -> Result<(Vec<LayerTable>, PolicyToken), Refusal> {
        let snapshot = self.snapshot();
        let facts = Facts::of(&snapshot, self.admit(caller)?);
        let read = |id: &LayerId| inspected(&snapshot, &facts, *id);
        let tables = ids.iter().map(read).collect::<Result<_, _>>()?;
        Ok((tables, snapshot.token()))
    }

    /// The permission table of a layer.
    ///
    /// # Errors
    /// As [`Authority::layer_tables`].
    pub fn layer_table(&self, caller: &Caller, id: LayerId) -> Result<LayerTable, Refusal> {
        let snapshot = self.snapshot();
        let facts = Facts::of(&snapshot, self.admit(caller)?);
        inspected(&snapshot, &facts, id)
    }
}

/// A layer's table for somebody who sees it from the administration plane.
fn inspected(snapshot: &Snapshot, facts: &Facts<'_>, id: LayerId) -> Result<LayerTable, Refusal> {
    let read = Question::Layer(id, LayerAct::ReadConfiguration);
    Refusal::unless_allowed(read, rules::decide(snapshot, facts, read))?;
    let entry = snapshot
        .layer(id)
        .ok_or(Refusal::NotFound(Resource::Layer(id)))?;
    if !rules::inspects(snapshot, facts, entry) {
        return Err(Refusal::Forbidden(Resource::Layer(id)));
    }
    Ok(table(snapshot, facts, entry))
}

/// A layer's table as it is at a snapshot, for somebody who may read it.
pub(crate) fn table(snapshot: &Snapshot, reader: &Facts<'_>, entry: &LayerEntry) -> LayerTable {
    let by = By::told_to(reader, entry);
    let rows = entry.grants.iter().map(|(&principal, &grant)| {
        let row = GrantRow { principal, grant };
        TableRow {
            row,
            ineffective: sleeping(snapshot, entry, (row, by)),
            asleep: frozen(entry, row),
        }
    });
    let rows = rows.collect();
    LayerTable {
        layer: Arc::clone(&entry.layer),
        revision: entry.grants_revision,
        rows,
    }
}

/// By what it is judged whether a row gives something.
#[derive(Clone, Copy)]
enum By {
    /// By all paths of its principal.
    Paths,
    /// By itself: who owns a layer does not learn from it who is in which group.
    Itself,
}

impl By {
    fn told_to(reader: &Facts<'_>, entry: &LayerEntry) -> Self {
        let oversees = reader.holds(GlobalPermission::AdministerPersonalLayers);
        if entry.project().is_none() && !oversees {
            Self::Itself
        } else {
            Self::Paths
        }
    }
}

/// Why the whole row gives nothing now.
fn sleeping(
    snapshot: &Snapshot,
    entry: &LayerEntry,
    (row, by): (GrantRow, By),
) -> Option<Ineffective> {
    let user = match snapshot.principal(row.principal) {
        Some(Principal::User(user)) => Some(user),
        Some(Principal::Group(_)) | None => None,
    };
    if user.is_some_and(|user| !user.is_enabled()) {
        return Some(Ineffective::AccountDisabled);
    }
    let project = entry.project();
    if project.is_some_and(|project| !may_open(snapshot, row.principal, project)) {
        return Some(Ineffective::CannotOpen);
    }
    let user = user?;
    match by {
        By::Paths => {
            let facts = Facts::of(snapshot, Standing::of_account(user));
            asleep(snapshot, &facts, entry, Permission::View)
        }
        By::Itself => {
            let given = row.grant.permissions.with_implied();
            (!given.contains(Permission::View)).then_some(Ineffective::CannotView)
        }
    }
}

/// What of the row needs editing while it is disabled.
fn frozen(entry: &LayerEntry, row: GrantRow) -> PermissionSet {
    if rules::editing_enabled(entry) {
        return PermissionSet::EMPTY;
    }
    row.grant
        .permissions
        .iter()
        .filter(|permission| permission.needs_editing())
        .collect()
}
