//! The policy at one revision: immutable, cheap to copy, read without locks and without queries.
//!
//! Persistent maps share what a change does not touch, so the next snapshot costs a few nodes, not a copy.

mod apply;
mod image;
mod names;

use std::{ops::Bound, sync::Arc};

use imbl::{OrdMap, OrdSet};
use jmap_domain::{
    Epoch, GroupId, LayerId, Name, PolicyRevision, PolicyToken, PrincipalId, ProjectId, ServiceId,
    UserId,
};

use crate::{
    change::HighWaterMarks,
    model::{
        FederatedId, GlobalSet, Group, Layer, LayerGrant, LayerState, Project, ProjectRights,
        RequestId, Service, Tombstone, User,
    },
};
pub use names::Home;
use names::Names;

/// The policy at one revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    token: PolicyToken,
    marks: HighWaterMarks,
    users: OrdMap<UserId, Arc<User>>,
    groups: OrdMap<GroupId, Arc<Group>>,
    services: OrdMap<ServiceId, Arc<Service>>,
    groups_of: OrdMap<UserId, OrdSet<GroupId>>,
    members_of: OrdMap<GroupId, OrdSet<UserId>>,
    /// The memberships among them that an OpenID provider gave.
    federated: OrdSet<(UserId, GroupId)>,
    globals: OrdMap<PrincipalId, GlobalSet>,
    projects: OrdMap<ProjectId, ProjectEntry>,
    layers: OrdMap<LayerId, LayerEntry>,
    names: Names,
    requests: OrdMap<(UserId, RequestId), LayerId>,
    ordered_layers: OrdMap<Home, OrdSet<(u32, LayerId)>>,
    project_grants_of: OrdMap<PrincipalId, OrdSet<ProjectId>>,
    layer_grants_of: OrdMap<PrincipalId, OrdSet<LayerId>>,
    pending: OrdSet<LayerId>,
    /// By the account that they are offered to.
    offers: OrdMap<UserId, OrdSet<LayerId>>,
    tombstones: OrdMap<LayerId, Tombstone>,
    removals: OrdMap<PolicyRevision, OrdSet<LayerId>>,
}

/// A project and its permission table.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectEntry {
    /// The project.
    pub project: Arc<Project>,
    /// The change that last touched the table.
    pub grants_revision: PolicyRevision,
    /// The table.
    pub grants: OrdMap<PrincipalId, ProjectRights>,
}

/// A layer and its permission table.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerEntry {
    /// The registration.
    pub layer: Arc<Layer>,
    /// The change that last touched the table; deleting a principal takes its row without touching this.
    pub grants_revision: PolicyRevision,
    /// The table.
    pub grants: OrdMap<PrincipalId, LayerGrant>,
}

impl Snapshot {
    /// A policy with nothing in it, not even the special principals.
    #[must_use]
    pub fn empty(epoch: Epoch) -> Self {
        Self {
            token: PolicyToken {
                epoch,
                revision: PolicyRevision::default(),
            },
            marks: HighWaterMarks::START,
            users: OrdMap::new(),
            groups: OrdMap::new(),
            services: OrdMap::new(),
            groups_of: OrdMap::new(),
            members_of: OrdMap::new(),
            federated: OrdSet::new(),
            globals: OrdMap::new(),
            projects: OrdMap::new(),
            layers: OrdMap::new(),
            names: Names::default(),
            requests: OrdMap::new(),
            ordered_layers: OrdMap::new(),
            project_grants_of: OrdMap::new(),
            layer_grants_of: OrdMap::new(),
            pending: OrdSet::new(),
            offers: OrdMap::new(),
            tombstones: OrdMap::new(),
            removals: OrdMap::new(),
        }
    }

    /// Which point of the policy's history this is.
    #[must_use]
    pub const fn token(&self) -> PolicyToken {
        self.token
    }

    /// The number of the last change.
    #[must_use]
    pub const fn revision(&self) -> PolicyRevision {
        self.token.revision
    }

    /// The highest ids given out.
    #[must_use]
    pub const fn marks(&self) -> HighWaterMarks {
        self.marks
    }

    /// A user.
    #[must_use]
    pub fn user(&self, id: UserId) -> Option<&Arc<User>> {
        self.users.get(&id)
    }

    /// The user of that name, compared by its key (R26).
    #[must_use]
    pub fn user_named(&self, name: &Name) -> Option<&Arc<User>> {
        self.names
            .users
            .get(&name.key())
            .and_then(|id| self.users.get(id))
    }

    /// The user that was made for a person whom an OpenID provider knows (R11).
    #[must_use]
    pub fn user_identified(&self, identity: &FederatedId) -> Option<&Arc<User>> {
        let id = self.names.identities.get(identity)?;
        self.users.get(id)
    }

    /// Users in the order of their names' keys, after a key.
    pub fn users_after<'s>(&'s self, key: &str) -> impl Iterator<Item = &'s Arc<User>> {
        self.named_users_after(key).map(|(_, user)| user)
    }

    /// The same, each with its key.
    pub(crate) fn named_users_after<'s>(
        &'s self,
        key: &str,
    ) -> impl Iterator<Item = (&'s String, &'s Arc<User>)> {
        names::after(&self.names.users, key)
            .filter_map(|(key, id)| self.users.get(id).map(|user| (key, user)))
    }

    /// Users by id, after an id.
    pub(crate) fn users_by_id(&self, after: Option<UserId>) -> impl Iterator<Item = &Arc<User>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.users
            .range((start, Bound::Unbounded))
            .map(|(_, user)| user)
    }

    /// A group.
    #[must_use]
    pub fn group(&self, id: GroupId) -> Option<&Arc<Group>> {
        self.groups.get(&id)
    }

    /// The group of that name, compared by its key (R26).
    #[must_use]
    pub fn group_named(&self, name: &Name) -> Option<&Arc<Group>> {
        self.names
            .groups
            .get(&name.key())
            .and_then(|id| self.groups.get(id))
    }

    /// Groups in the order of their names' keys, after a key.
    pub fn groups_after<'s>(&'s self, key: &str) -> impl Iterator<Item = &'s Arc<Group>> {
        self.named_groups_after(key).map(|(_, group)| group)
    }

    /// The same, each with its key.
    pub(crate) fn named_groups_after<'s>(
        &'s self,
        key: &str,
    ) -> impl Iterator<Item = (&'s String, &'s Arc<Group>)> {
        names::after(&self.names.groups, key)
            .filter_map(|(key, id)| self.groups.get(id).map(|group| (key, group)))
    }

    /// The groups that a user was put into.
    #[must_use]
    pub fn groups_of(&self, user: UserId) -> Option<&OrdSet<GroupId>> {
        self.groups_of.get(&user)
    }

    /// The groups among them that a user is in because its OpenID provider says so (R11), by id.
    pub fn federated_groups_of(&self, user: UserId) -> impl Iterator<Item = GroupId> {
        let all = self.groups_of.get(&user).into_iter().flatten();
        all.copied()
            .filter(move |group| self.is_federated(*group, user))
    }

    /// Whether an OpenID provider gave a membership.
    #[must_use]
    pub fn is_federated(&self, group: GroupId, user: UserId) -> bool {
        self.federated.contains(&(user, group))
    }

    /// The users that were put into a group, by id.
    pub fn members_of(&self, group: GroupId) -> impl Iterator<Item = UserId> {
        self.members_of.get(&group).into_iter().flatten().copied()
    }

    /// A user or a group as a principal: whether it exists.
    #[must_use]
    pub fn principal(&self, id: PrincipalId) -> Option<Principal<'_>> {
        let user = UserId::new(id.get())
            .ok()
            .and_then(|id| self.user(id))
            .map(Principal::User);
        user.or_else(|| {
            GroupId::new(id.get())
                .ok()
                .and_then(|id| self.group(id))
                .map(Principal::Group)
        })
    }

    /// A service account.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> Option<&Arc<Service>> {
        self.services.get(&id)
    }

    /// The service account of that name, compared by its key.
    #[must_use]
    pub fn service_named(&self, name: &Name) -> Option<&Arc<Service>> {
        self.names
            .services
            .get(&name.key())
            .and_then(|id| self.services.get(id))
    }

    /// All service accounts, by id.
    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.values()
    }

    /// The global permissions granted to one principal itself.
    #[must_use]
    pub fn globals(&self, principal: PrincipalId) -> GlobalSet {
        self.globals.get(&principal).copied().unwrap_or_default()
    }

    /// Every principal that holds a global permission itself.
    pub fn globals_table(&self) -> impl Iterator<Item = (PrincipalId, GlobalSet)> {
        self.globals
            .iter()
            .map(|(principal, set)| (*principal, *set))
    }

    /// A project with its table.
    #[must_use]
    pub fn project(&self, id: ProjectId) -> Option<&ProjectEntry> {
        self.projects.get(&id)
    }

    /// The project of that name, compared by its key (R26).
    #[must_use]
    pub fn project_named(&self, name: &Name) -> Option<ProjectId> {
        self.names.projects.get(&name.key()).copied()
    }

    /// All projects, by id.
    pub fn projects(&self) -> impl Iterator<Item = &ProjectEntry> {
        self.projects.values()
    }

    /// The projects on which a principal has a row of its own.
    pub fn projects_granted_to(&self, principal: PrincipalId) -> impl Iterator<Item = ProjectId> {
        self.project_grants_of
            .get(&principal)
            .into_iter()
            .flatten()
            .copied()
    }

    /// A layer with its table, pending or active.
    #[must_use]
    pub fn registered_layer(&self, id: LayerId) -> Option<&LayerEntry> {
        self.layers.get(&id)
    }

    /// A layer that exists for somebody: a pending one is absent.
    #[must_use]
    pub fn layer(&self, id: LayerId) -> Option<&LayerEntry> {
        self.layers.get(&id).filter(|entry| entry.is_active())
    }

    /// The layer of that name where it stands, pending or active, compared by its key (R26, R64).
    #[must_use]
    pub fn layer_named(&self, home: Home, name: &Name) -> Option<LayerId> {
        self.names.layers.get(&(home, name.key())).copied()
    }

    /// The layers of a project or of an owner, pending ones included, in the administrator's order (R23).
    pub fn layers_in(&self, home: Home) -> impl Iterator<Item = &LayerEntry> {
        let ordered = self.ordered_layers.get(&home).into_iter().flatten();
        ordered.filter_map(|(_, id)| self.layers.get(id))
    }

    /// The last layer of a project or of an owner in that order, without a look at the others.
    #[must_use]
    pub fn last_layer_in(&self, home: Home) -> Option<&LayerEntry> {
        let (_, id) = self.ordered_layers.get(&home)?.get_max()?;
        self.layers.get(id)
    }

    /// Everybody's personal layers, pending ones included, by owner.
    pub fn personal_layers(&self) -> impl Iterator<Item = &LayerEntry> {
        let homes = self.ordered_layers.range(Home::FIRST_PERSONAL..);
        homes
            .flat_map(|(_, layers)| layers)
            .filter_map(|(_, id)| self.layers.get(id))
    }

    /// The layers on which a principal has a row of its own, by id.
    pub fn layers_granted_to(&self, principal: PrincipalId) -> impl Iterator<Item = LayerId> {
        self.layers_granted_after(principal, None)
    }

    /// The same, after an id.
    pub(crate) fn layers_granted_after(
        &self,
        principal: PrincipalId,
        after: Option<LayerId>,
    ) -> impl Iterator<Item = LayerId> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let granted = self.layer_grants_of.get(&principal).into_iter();
        granted
            .flat_map(move |layers| layers.range((start, Bound::Unbounded)))
            .copied()
    }

    /// The layer that a user's request made, while it exists.
    #[must_use]
    pub fn layer_requested(&self, by: UserId, request: RequestId) -> Option<&LayerEntry> {
        self.requests
            .get(&(by, request))
            .and_then(|id| self.layers.get(id))
    }

    /// Reservations that are neither activated nor abandoned.
    pub fn pending_layers(&self) -> impl Iterator<Item = &LayerEntry> {
        self.pending.iter().filter_map(|id| self.layers.get(id))
    }

    /// The layers that are offered to an account, by id (R81).
    pub fn layers_offered_to(&self, user: UserId) -> impl Iterator<Item = &LayerEntry> {
        let offered = self.offers.get(&user).into_iter().flatten();
        offered.filter_map(|id| self.layers.get(id))
    }

    /// What stays of a deleted layer.
    #[must_use]
    pub fn tombstone(&self, id: LayerId) -> Option<&Tombstone> {
        self.tombstones.get(&id)
    }

    /// Tombstones put after a revision, oldest first.
    pub fn removals_after(&self, revision: PolicyRevision) -> impl Iterator<Item = &Tombstone> {
        let later = self
            .removals
            .range((Bound::Excluded(revision), Bound::Unbounded));
        later
            .flat_map(|(_, layers)| layers)
            .filter_map(|id| self.tombstones.get(id))
    }
}

/// A user or a group.
#[derive(Clone, Copy, Debug)]
pub enum Principal<'s> {
    /// A user.
    User(&'s Arc<User>),
    /// A group.
    Group(&'s Arc<Group>),
}

impl LayerEntry {
    /// Whether the layer exists for anybody.
    #[must_use]
    pub fn is_active(&self) -> bool {
        match self.layer.state {
            LayerState::Active => true,
            LayerState::Pending { expires_at: _ } => false,
        }
    }

    /// The project that contains the layer; `None` for a personal one.
    #[must_use]
    pub fn project(&self) -> Option<ProjectId> {
        self.layer.placement.project()
    }
}
