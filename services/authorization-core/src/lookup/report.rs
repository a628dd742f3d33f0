//! The permission report (R19): all that a principal holds on every resource, each entry by its path.

use std::{collections::BTreeSet, ops::Bound, sync::Arc};

use jmap_domain::{
    GlobalPermission, GroupId, LayerAct, LayerId, Permission, PrincipalId, ProjectAct, ProjectId,
    Question, UserId,
};

use super::Portion;
use crate::{
    Facts, Home, LayerEntry, Path, Principal, Snapshot, Standing,
    explain::{Ineffective, asleep},
    facts::containing,
    may_open,
    model::{GlobalSet, Layer, LayerGrant, Project, ProjectRights},
    rules,
};

/// A resource's place in a report: what belongs to none, then projects, then layers, each by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportPlace {
    /// The global permissions.
    Globals,
    /// A project.
    Project(ProjectId),
    /// A layer.
    Layer(LayerId),
}

/// All that the principal holds on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Which.
    pub place: ReportPlace,
    /// What, one entry for each path.
    pub holdings: Vec<Holding>,
}

/// What one path gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// By which path it reaches the principal.
    pub path: Path,
    /// Whose row it is.
    pub holder: PrincipalId,
    /// What it gives.
    pub held: Held,
}

/// What one row gives, or the ownership of a personal layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Global permissions.
    Globals(GlobalSet),
    /// Rights on a project.
    Project(Arc<Project>, ProjectRights),
    /// A row of a layer's table, and what of it gives the principal nothing now.
    Layer(Arc<Layer>, LayerGrant, Vec<(Permission, Ineffective)>),
    /// Every right on a personal layer (R69), and what of them gives its owner nothing now.
    Owned(Arc<Layer>, Vec<(Permission, Ineffective)>),
}

/// Who is told.
#[derive(Clone, Debug)]
pub struct Audience<F> {
    /// Whether it may know what a question is about.
    pub told: F,
    /// The only layers that it may know of; `None` when `told` alone says so.
    pub within: Option<BTreeSet<LayerId>>,
}

/// About whom a report is.
struct About<'s> {
    policy: &'s Snapshot,
    /// The rows that reach it, each by its path.
    paths: Vec<(Path, PrincipalId)>,
    /// An account; `None` for a group.
    account: Option<Facts<'s>>,
    principal: PrincipalId,
    disabled: bool,
}

/// All that a principal holds, resource by resource, as far as the one who asks is told. `limit` counts resources.
#[must_use]
pub fn holdings(
    policy: &Snapshot,
    principal: PrincipalId,
    portion: Portion<ReportPlace>,
    audience: Audience<impl Fn(Question) -> bool>,
) -> Vec<Reported> {
    let Audience { told, within } = audience;
    let Some(about) = About::of(policy, principal) else {
        return Vec::new();
    };
    let Portion { after, limit } = portion;
    let globals = after.is_none().then_some(ReportPlace::Globals);
    let globals = globals.filter(|_| told_of_globals(&about, &told));
    let projects = about.projects().into_iter().map(ReportPlace::Project);
    let first = globals.into_iter().chain(projects);
    let first = first.filter(|place| Some(*place) > after);
    let last = match after {
        Some(ReportPlace::Layer(layer)) => Some(layer),
        Some(ReportPlace::Globals | ReportPlace::Project(_)) | None => None,
    };
    let places = first.chain(about.layers_after(last, within).map(ReportPlace::Layer));
    let reported = places.filter_map(|place| {
        let question = question(place);
        if question.is_some_and(|question| !told(question)) {
            return None;
        }
        let holdings = about.held(place);
        (!holdings.is_empty()).then_some(Reported { place, holdings })
    });
    reported.take(limit).collect()
}

/// Global permissions are super administrators' to see, and one's own.
fn told_of_globals(about: &About<'_>, told: &impl Fn(Question) -> bool) -> bool {
    let all = GlobalPermission::ALL.into_iter();
    let mut set = all.filter(|permission| about.globals().contains(*permission));
    set.all(|permission| told(Question::Global(permission)))
}

/// The question whose answer tells whether the place may be known.
const fn question(place: ReportPlace) -> Option<Question> {
    match place {
        ReportPlace::Globals => None,
        ReportPlace::Project(project) => Some(Question::Project(project, ProjectAct::Access)),
        ReportPlace::Layer(layer) => Some(Question::Layer(layer, LayerAct::ReadConfiguration)),
    }
}

impl<'s> About<'s> {
    fn of(policy: &'s Snapshot, principal: PrincipalId) -> Option<Self> {
        match policy.principal(principal)? {
            Principal::User(user) => {
                let facts = Facts::if_enabled(policy, Standing::of_account(user));
                Some(Self {
                    policy,
                    paths: facts.paths().collect(),
                    account: Some(facts),
                    principal,
                    disabled: !user.is_enabled(),
                })
            }
            Principal::Group(group) => Some(Self {
                policy,
                paths: containing(group.id)
                    .map(|id| (path(id, principal), id))
                    .collect(),
                account: None,
                principal,
                disabled: false,
            }),
        }
    }

    fn globals(&self) -> GlobalSet {
        let sets = self.paths.iter().map(|(_, id)| self.policy.globals(*id));
        sets.fold(GlobalSet::EMPTY, GlobalSet::union)
    }

    fn projects(&self) -> BTreeSet<ProjectId> {
        let granted = self
            .paths
            .iter()
            .flat_map(|(_, id)| self.policy.projects_granted_to(*id));
        granted.collect()
    }

    fn owner(&self) -> Option<UserId> {
        self.account.as_ref().and_then(Facts::person)
    }

    /// The layers with a row that reaches it, and those that it owns, by id; or those that may be told at all.
    fn layers_after(
        &self,
        after: Option<LayerId>,
        within: Option<BTreeSet<LayerId>>,
    ) -> Box<dyn Iterator<Item = LayerId> + '_> {
        if let Some(within) = within {
            return Box::new(within.into_iter().filter(move |id| Some(*id) > after));
        }
        let owned: BTreeSet<LayerId> = self
            .owner()
            .into_iter()
            .flat_map(|owner| self.policy.layers_in(Home::Personal(owner)))
            .map(|entry| entry.layer.id)
            .collect();
        let mut last = after;
        Box::new(std::iter::from_fn(move || {
            let next = self.next_granted(last);
            let from = last.map_or(Bound::Unbounded, Bound::Excluded);
            let owned = owned.range((from, Bound::Unbounded)).next().copied();
            last = [next, owned].into_iter().flatten().min();
            last
        }))
    }

    /// The least of what the paths have next.
    fn next_granted(&self, after: Option<LayerId>) -> Option<LayerId> {
        let paths = self.paths.iter();
        let next = paths.filter_map(|(_, id)| self.policy.layers_granted_after(*id, after).next());
        next.min()
    }

    fn held(&self, place: ReportPlace) -> Vec<Holding> {
        match place {
            ReportPlace::Globals => self.each(|_, id| {
                let set = self.policy.globals(id);
                (!set.is_empty()).then_some(Held::Globals(set))
            }),
            ReportPlace::Project(project) => self.each(|_, id| {
                let entry = self.policy.project(project)?;
                let rights = *entry.grants.get(&id)?;
                Some(Held::Project(Arc::clone(&entry.project), rights))
            }),
            ReportPlace::Layer(layer) => self
                .policy
                .layer(layer)
                .map_or_else(Vec::new, |entry| self.on_layer(entry)),
        }
    }

    fn each(&self, held: impl Fn(Path, PrincipalId) -> Option<Held>) -> Vec<Holding> {
        let paths = self.paths.iter();
        paths
            .filter_map(|&(path, holder)| {
                let held = held(path, holder)?;
                Some(Holding { path, holder, held })
            })
            .collect()
    }

    fn on_layer(&self, entry: &LayerEntry) -> Vec<Holding> {
        let layer = || Arc::clone(&entry.layer);
        let mut held = self.each(|path, id| {
            let grant = *entry.grants.get(&id)?;
            self.reaches(path, entry)
                .then(|| Held::Layer(layer(), grant, self.ineffective(entry, grant)))
        });
        if self
            .account
            .as_ref()
            .is_some_and(|facts| rules::owns(facts, entry))
        {
            let everything = LayerGrant {
                permissions: Permission::ALL.into_iter().collect(),
                own_only: false,
            };
            held.push(Holding {
                path: Path::Owner,
                holder: self.principal,
                held: Held::Owned(layer(), self.ineffective(entry, everything)),
            });
        }
        held
    }

    /// Whether a row can ever reach it by the path: `everyone` never reaches anyone who cannot open the project (R4),
    /// and special groups have no part in personal layers (R68).
    fn reaches(&self, path: Path, entry: &LayerEntry) -> bool {
        match path {
            Path::Everyone => entry.project().is_some() && self.opens(entry),
            Path::Authenticated => entry.project().is_some(),
            Path::Direct | Path::Group(_) | Path::Owner | Path::SuperAdministrator => true,
        }
    }

    fn opens(&self, entry: &LayerEntry) -> bool {
        let project = entry.project();
        project.is_none_or(|project| may_open(self.policy, self.principal, project))
    }

    fn ineffective(&self, entry: &LayerEntry, grant: LayerGrant) -> Vec<(Permission, Ineffective)> {
        let reason = |permission: Permission| {
            let narrowed = grant.own_only && permission.narrows_to_own();
            match &self.account {
                Some(_) if self.disabled => Some(Ineffective::AccountDisabled),
                Some(facts) => asleep(self.policy, facts, entry, permission).or_else(|| {
                    (narrowed && facts.actor().is_none()).then_some(Ineffective::OwnsNothing)
                }),
                None if !self.opens(entry) => Some(Ineffective::CannotOpen),
                None => (permission.needs_editing() && !rules::editing_enabled(entry))
                    .then_some(Ineffective::EditingDisabled),
            }
        };
        let permissions = grant.permissions.iter();
        permissions
            .filter_map(|permission| Some((permission, reason(permission)?)))
            .collect()
    }
}

/// How a row of a group, or of one that contains it, reaches the group.
fn path(row: PrincipalId, principal: PrincipalId) -> Path {
    if row == principal {
        Path::Direct
    } else if row == GroupId::AUTHENTICATED.into() {
        Path::Authenticated
    } else {
        Path::Everyone
    }
}
