//! What a change concerns: the things that it touches, and in which project.

use std::{collections::BTreeSet, sync::Arc};

use jmap_domain::{
    GlobalPermission, LayerId, Name, PrincipalId, ProjectAct, ProjectId, Resource, UserId,
};

use super::{AuditEntry, CallInfo, ChangeNote, Concern, Who};
use crate::{
    Facts, Path, Principal, Snapshot, Standing,
    change::{ChangeSet, PolicyChange},
    model::{GrantRow, Layer, Project},
};

/// The policy before and after a change.
#[derive(Clone, Copy, Debug)]
struct Both<'s> {
    before: &'s Snapshot,
    after: &'s Snapshot,
}

/// What is recorded of a set besides its changes.
pub(crate) fn change_note(
    before: &Snapshot,
    after: &Snapshot,
    set: &ChangeSet,
    standing: Standing,
    call: Option<CallInfo>,
) -> ChangeNote {
    let both = Both { before, after };
    let touched: BTreeSet<_> = set
        .changes
        .iter()
        .flat_map(|one| both.touched(one))
        .collect();
    let concerns: Vec<Concern> = touched
        .into_iter()
        .map(|(resource, project)| Concern {
            resource,
            project,
            name: both.name(resource),
        })
        .collect();
    ChangeNote {
        call,
        name: name_of(before, set.by.into()).or_else(|| name_of(after, set.by.into())),
        path: right(before, &Facts::of(before, standing), &concerns),
        concerns,
    }
}

/// What is known of one thing now.
pub(crate) fn concern_of(snapshot: &Snapshot, resource: Resource) -> Concern {
    let both = Both {
        before: snapshot,
        after: snapshot,
    };
    let resource = both.exact(resource);
    let project = match resource {
        Resource::Project(project) => Some(project),
        Resource::Layer(layer) => both.homes(layer).next(),
        Resource::User(_)
        | Resource::Group(_)
        | Resource::Principal(_)
        | Resource::Service(_)
        | Resource::Session(_)
        | Resource::Connection(_)
        | Resource::Installation => None,
    };
    Concern {
        resource,
        project,
        name: both.name(resource),
    }
}

/// The name that an actor has.
pub(super) fn name_of(snapshot: &Snapshot, who: Who) -> Option<Name> {
    let service = || snapshot.service(who.service()?).map(|one| one.name.clone());
    match who {
        Who::System | Who::Unknown { via: _ } => None,
        Who::Anonymous { via: _ } | Who::User { .. } => {
            snapshot.user(who.user()?).map(|user| user.name.clone())
        }
        Who::Service { .. } => service(),
    }
}

impl AuditEntry {
    /// The same, with the names that things have now.
    pub(super) fn about(self, snapshot: &Snapshot, resources: &[Resource]) -> Self {
        let concerns = resources.iter().map(|one| concern_of(snapshot, *one));
        Self {
            name: name_of(snapshot, self.who),
            concerns: concerns.collect(),
            ..self
        }
    }
}

type Touched = (Resource, Option<ProjectId>);

impl Both<'_> {
    fn touched(self, change: &PolicyChange) -> Vec<Touched> {
        let alone = |resource| vec![(resource, None)];
        match change {
            PolicyChange::UserPut(user) => alone(Resource::User(user.id)),
            PolicyChange::PasswordSet(user) | PolicyChange::UserDeleted(user) => {
                alone(Resource::User(*user))
            }
            PolicyChange::GroupPut(group) => alone(Resource::Group(group.id)),
            PolicyChange::GroupDeleted(group) => alone(Resource::Group(*group)),
            PolicyChange::MemberAdded(group, user)
            | PolicyChange::FederatedMemberAdded(group, user)
            | PolicyChange::MemberRemoved(group, user) => {
                vec![
                    (Resource::Group(*group), None),
                    (Resource::User(*user), None),
                ]
            }
            PolicyChange::GlobalsSet(principal, _) => alone(self.principal(*principal)),
            PolicyChange::ServicePut(service) => alone(Resource::Service(service.id)),
            PolicyChange::ServiceKeySet(service) | PolicyChange::ServiceDeleted(service) => {
                alone(Resource::Service(*service))
            }
            PolicyChange::ProjectPut(Project { id, .. }) | PolicyChange::ProjectDeleted(id) => {
                vec![(Resource::Project(*id), Some(*id))]
            }
            PolicyChange::ProjectGrantsSet {
                project,
                revision: _,
                rows,
            } => {
                let holders = rows.iter().map(|row| row.principal);
                self.table(Resource::Project(*project), &[Some(*project)], holders)
            }
            PolicyChange::LayerPut(layer) => {
                let mut touched = vec![(Resource::Layer(layer.id), layer.placement.project())];
                // Offers are made of personal layers: they are no matter of a project's.
                let offerees = self.offerees(layer).map(Resource::User);
                touched.extend(offerees.map(|user| (user, None)));
                touched
            }
            PolicyChange::LayerGrantsSet {
                layer,
                revision: _,
                rows,
            } => self.layer_rows(*layer, rows),
            PolicyChange::TombstonePut(tombstone) => self.table(
                Resource::Layer(tombstone.layer),
                &self.places(tombstone.layer),
                std::iter::empty(),
            ),
        }
    }

    /// A table and those whose rows change, in each of its projects.
    fn table(
        self,
        of: Resource,
        projects: &[Option<ProjectId>],
        holders: impl Iterator<Item = PrincipalId>,
    ) -> Vec<Touched> {
        let things: Vec<Resource> = std::iter::once(of)
            .chain(holders.map(|holder| self.principal(holder)))
            .collect();
        let within = |project: &Option<ProjectId>| {
            let project = *project;
            things.iter().map(move |thing| (*thing, project))
        };
        projects.iter().flat_map(within).collect()
    }

    /// The projects that a layer is in, before and after.
    fn homes(self, layer: LayerId) -> impl Iterator<Item = ProjectId> {
        let home = |snapshot: &Snapshot| snapshot.registered_layer(layer)?.project();
        let (before, after) = (home(self.before), home(self.after));
        before.into_iter().chain(after.filter(|_| after != before))
    }

    /// A layer's table and those whose rows change. What it was shared for while it was somebody's own is no matter of the
    /// project that it comes to.
    fn layer_rows(self, layer: LayerId, rows: &[GrantRow]) -> Vec<Touched> {
        let published = self.is_published(layer);
        let (shares, rows): (Vec<&GrantRow>, Vec<&GrantRow>) = rows
            .iter()
            .partition(|row| published && row.grant.is_empty());
        let holders = rows.iter().map(|row| row.principal);
        let mut touched = self.table(Resource::Layer(layer), &self.places(layer), holders);
        let former = shares.iter().map(|row| self.principal(row.principal));
        touched.extend(former.map(|sharee| (sharee, None)));
        touched
    }

    /// Whom a layer was or is offered to, where the change is about that.
    fn offerees(self, layer: &Layer) -> impl Iterator<Item = UserId> + use<> {
        let before = self.before.registered_layer(layer.id);
        let before = before.and_then(|entry| entry.layer.offered_to);
        let changed = before != layer.offered_to;
        let both = [before, layer.offered_to].into_iter().flatten();
        both.filter(move |_| changed)
    }

    /// Whether the change makes a personal layer one of a project.
    fn is_published(self, layer: LayerId) -> bool {
        let before = self.before.registered_layer(layer);
        let after = self.after.registered_layer(layer);
        before.is_some_and(|entry| entry.project().is_none())
            && after.is_some_and(|entry| entry.project().is_some())
    }

    /// The same; nothing in particular for a layer in none.
    fn places(self, layer: LayerId) -> Vec<Option<ProjectId>> {
        let homes: Vec<_> = self.homes(layer).map(Some).collect();
        if homes.is_empty() { vec![None] } else { homes }
    }

    /// The user or group that a principal is or was.
    fn principal(self, id: PrincipalId) -> Resource {
        match self
            .after
            .principal(id)
            .or_else(|| self.before.principal(id))
        {
            Some(Principal::User(user)) => Resource::User(user.id),
            Some(Principal::Group(group)) => Resource::Group(group.id),
            None => Resource::Principal(id),
        }
    }

    fn exact(self, resource: Resource) -> Resource {
        match resource {
            Resource::Principal(id) => self.principal(id),
            Resource::User(_)
            | Resource::Group(_)
            | Resource::Service(_)
            | Resource::Session(_)
            | Resource::Project(_)
            | Resource::Layer(_)
            | Resource::Connection(_)
            | Resource::Installation => resource,
        }
    }

    /// The name after the change, or before it for what is gone.
    fn name(self, resource: Resource) -> Option<Name> {
        name_in(self.after, resource).or_else(|| name_in(self.before, resource))
    }
}

fn name_in(snapshot: &Snapshot, resource: Resource) -> Option<Name> {
    match resource {
        Resource::User(id) => Some(snapshot.user(id)?.name.clone()),
        Resource::Group(id) => Some(snapshot.group(id)?.name.clone()),
        Resource::Service(id) => Some(snapshot.service(id)?.name.clone()),
        Resource::Project(id) => Some(snapshot.project(id)?.project.name.clone()),
        Resource::Layer(id) => {
            let layer = Arc::clone(&snapshot.registered_layer(id)?.layer);
            Some(layer.name.clone())
        }
        Resource::Principal(_)
        | Resource::Session(_)
        | Resource::Connection(_)
        | Resource::Installation => None,
    }
}

/// By which path a change is its author's to make: as a super administrator, or with *administrate* on a project that
/// it concerns. Nothing for what everybody may do for itself.
fn right(snapshot: &Snapshot, facts: &Facts<'_>, concerns: &[Concern]) -> Option<Path> {
    let held_by = |holds: &dyn Fn(PrincipalId) -> bool| {
        let mut paths = facts.paths();
        paths.find_map(|(path, principal)| holds(principal).then_some(path))
    };
    if facts.is_super_administrator() {
        return held_by(&|principal| {
            let held = snapshot.globals(principal);
            held.contains(GlobalPermission::SuperAdministrator)
        });
    }
    let project = concerns.iter().find_map(|concern| concern.project)?;
    let entry = snapshot.project(project)?;
    held_by(&|principal| {
        let row = entry.grants.get(&principal);
        row.is_some_and(|rights| {
            rights.contains(ProjectAct::Administrate) || rights.contains(ProjectAct::Own)
        })
    })
}
