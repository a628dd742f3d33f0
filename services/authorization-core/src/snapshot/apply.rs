//! The next snapshot: what each change does to the maps and their indexes.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use jmap_domain::{GroupId, LayerId, PolicyRevision, PrincipalId, ProjectId, ServiceId, UserId};

use super::{Home, LayerEntry, ProjectEntry, Snapshot};
use crate::{
    change::{ChangeSet, HighWaterMarks, PolicyChange},
    model::{
        GlobalSet, GrantRow, Group, Layer, LayerState, Placement, Project, ProjectGrantRow,
        Service, Tombstone, User,
    },
};

impl Snapshot {
    /// The policy after a set of changes.
    #[must_use]
    pub fn apply(&self, set: &ChangeSet) -> Self {
        self.with(&set.changes, set.revision, set.marks)
    }

    /// The policy after some changes, at a revision and with marks that are known otherwise.
    pub(super) fn with(
        &self,
        changes: &[PolicyChange],
        revision: PolicyRevision,
        marks: HighWaterMarks,
    ) -> Self {
        let mut next = self.clone();
        for change in changes {
            next.apply_one(change);
        }
        next.token.revision = revision;
        next.marks = marks;
        next
    }

    fn apply_one(&mut self, change: &PolicyChange) {
        match change {
            PolicyChange::UserPut(user) => self.put_user(user),
            PolicyChange::UserDeleted(user) => self.delete_user(*user),
            PolicyChange::GroupPut(group) => self.put_group(group),
            PolicyChange::GroupDeleted(group) => self.delete_group(*group),
            PolicyChange::MemberAdded(group, user) => self.add_member(*group, *user),
            PolicyChange::FederatedMemberAdded(group, user) => {
                self.add_member(*group, *user);
                self.federated.insert((*user, *group));
            }
            PolicyChange::MemberRemoved(group, user) => self.remove_member(*group, *user),
            PolicyChange::GlobalsSet(principal, set) => self.set_globals(*principal, *set),
            PolicyChange::ServicePut(service) => self.put_service(service),
            PolicyChange::ServiceDeleted(service) => self.delete_service(*service),
            PolicyChange::ProjectPut(project) => self.put_project(project),
            PolicyChange::ProjectDeleted(project) => self.delete_project(*project),
            PolicyChange::ProjectGrantsSet {
                project,
                revision,
                rows,
            } => {
                self.set_project_grants(*project, *revision, rows);
            }
            PolicyChange::LayerPut(layer) => self.put_layer(layer),
            PolicyChange::LayerGrantsSet {
                layer,
                revision,
                rows,
            } => {
                self.set_layer_grants(*layer, *revision, rows);
            }
            PolicyChange::TombstonePut(tombstone) => self.put_tombstone(tombstone),
            // Secrets are no part of a snapshot.
            PolicyChange::PasswordSet(_) | PolicyChange::ServiceKeySet(_) => {}
        }
    }

    fn put_user(&mut self, user: &User) {
        self.names.users.insert(user.name.key(), user.id);
        if let Some(identity) = &user.identity {
            self.names.identities.insert(identity.clone(), user.id);
        }
        self.users.insert(user.id, Arc::new(user.clone()));
    }

    fn delete_user(&mut self, id: UserId) {
        if let Some(user) = self.users.remove(&id) {
            self.names.users.remove(&user.name.key());
            if let Some(identity) = &user.identity {
                self.names.identities.remove(identity);
            }
        }
        for group in self.groups_of.remove(&id).unwrap_or_default() {
            remove_from(&mut self.members_of, &group, &id);
            self.federated.remove(&(id, group));
        }
        self.forget_principal(id.into());
    }

    fn put_group(&mut self, group: &Group) {
        if let Some(before) = self.groups.insert(group.id, Arc::new(group.clone())) {
            self.names.groups.remove(&before.name.key());
        }
        self.names.groups.insert(group.name.key(), group.id);
    }

    fn delete_group(&mut self, id: GroupId) {
        if let Some(group) = self.groups.remove(&id) {
            self.names.groups.remove(&group.name.key());
        }
        for user in self.members_of.remove(&id).unwrap_or_default() {
            remove_from(&mut self.groups_of, &user, &id);
            self.federated.remove(&(user, id));
        }
        self.forget_principal(id.into());
    }

    fn add_member(&mut self, group: GroupId, user: UserId) {
        self.members_of.entry(group).or_default().insert(user);
        self.groups_of.entry(user).or_default().insert(group);
    }

    fn remove_member(&mut self, group: GroupId, user: UserId) {
        remove_from(&mut self.members_of, &group, &user);
        remove_from(&mut self.groups_of, &user, &group);
        self.federated.remove(&(user, group));
    }

    fn set_globals(&mut self, principal: PrincipalId, set: GlobalSet) {
        if set.is_empty() {
            self.globals.remove(&principal);
        } else {
            self.globals.insert(principal, set);
        }
    }

    fn put_service(&mut self, service: &Service) {
        if let Some(before) = self.services.insert(service.id, Arc::new(service.clone())) {
            self.names.services.remove(&before.name.key());
        }
        self.names.services.insert(service.name.key(), service.id);
    }

    fn delete_service(&mut self, id: ServiceId) {
        if let Some(service) = self.services.remove(&id) {
            self.names.services.remove(&service.name.key());
        }
    }

    fn put_project(&mut self, project: &Project) {
        let (grants, grants_revision) = match self.projects.get(&project.id) {
            Some(before) => {
                self.names.projects.remove(&before.project.name.key());
                (before.grants.clone(), before.grants_revision)
            }
            None => (OrdMap::new(), project.revision),
        };
        self.names.projects.insert(project.name.key(), project.id);
        let entry = ProjectEntry {
            project: Arc::new(project.clone()),
            grants_revision,
            grants,
        };
        self.projects.insert(project.id, entry);
    }

    fn delete_project(&mut self, id: ProjectId) {
        if let Some(entry) = self.projects.remove(&id) {
            self.names.projects.remove(&entry.project.name.key());
            for principal in entry.grants.keys() {
                remove_from(&mut self.project_grants_of, principal, &id);
            }
        }
    }

    fn set_project_grants(
        &mut self,
        id: ProjectId,
        revision: PolicyRevision,
        rows: &[ProjectGrantRow],
    ) {
        let Some(entry) = self.projects.get_mut(&id) else {
            return;
        };
        entry.grants_revision = revision;
        for ProjectGrantRow { principal, rights } in rows {
            if rights.is_empty() {
                entry.grants.remove(principal);
                remove_from(&mut self.project_grants_of, principal, &id);
            } else {
                entry.grants.insert(*principal, *rights);
                self.project_grants_of
                    .entry(*principal)
                    .or_default()
                    .insert(id);
            }
        }
    }

    fn put_layer(&mut self, layer: &Layer) {
        let (grants, grants_revision) = match self.layers.get(&layer.id).cloned() {
            Some(before) => {
                self.unindex(&before.layer);
                (before.grants, before.grants_revision)
            }
            None => (OrdMap::new(), layer.revision),
        };
        self.index(layer);
        let entry = LayerEntry {
            layer: Arc::new(layer.clone()),
            grants_revision,
            grants,
        };
        self.layers.insert(layer.id, entry);
    }

    fn set_layer_grants(&mut self, id: LayerId, revision: PolicyRevision, rows: &[GrantRow]) {
        let Some(entry) = self.layers.get_mut(&id) else {
            return;
        };
        entry.grants_revision = revision;
        for GrantRow { principal, grant } in rows {
            if grant.is_empty() {
                entry.grants.remove(principal);
                remove_from(&mut self.layer_grants_of, principal, &id);
            } else {
                entry.grants.insert(*principal, *grant);
                self.layer_grants_of
                    .entry(*principal)
                    .or_default()
                    .insert(id);
            }
        }
    }

    fn put_tombstone(&mut self, tombstone: &Tombstone) {
        if let Some(entry) = self.layers.remove(&tombstone.layer) {
            self.unindex(&entry.layer);
            for principal in entry.grants.keys() {
                remove_from(&mut self.layer_grants_of, principal, &tombstone.layer);
            }
        }
        self.removals
            .entry(tombstone.revision)
            .or_default()
            .insert(tombstone.layer);
        self.tombstones.insert(tombstone.layer, *tombstone);
    }

    fn index(&mut self, layer: &Layer) {
        let home = Home::from(layer.placement);
        self.names.layers.insert((home, layer.name.key()), layer.id);
        let place = (position(layer.placement), layer.id);
        self.ordered_layers.entry(home).or_default().insert(place);
        self.requests
            .insert((layer.request.by, layer.request.id), layer.id);
        match layer.state {
            LayerState::Pending { expires_at: _ } => self.pending.insert(layer.id),
            LayerState::Active => self.pending.remove(&layer.id),
        };
        if let Some(user) = layer.offered_to {
            self.offers.entry(user).or_default().insert(layer.id);
        }
    }

    fn unindex(&mut self, layer: &Layer) {
        let home = Home::from(layer.placement);
        self.names.layers.remove(&(home, layer.name.key()));
        let place = (position(layer.placement), layer.id);
        remove_from(&mut self.ordered_layers, &home, &place);
        let request = (layer.request.by, layer.request.id);
        if self.requests.get(&request) == Some(&layer.id) {
            self.requests.remove(&request);
        }
        self.pending.remove(&layer.id);
        if let Some(user) = layer.offered_to {
            remove_from(&mut self.offers, &user, &layer.id);
        }
    }

    /// Takes a principal's global permissions and its rows in every table (R9).
    fn forget_principal(&mut self, id: PrincipalId) {
        self.globals.remove(&id);
        for project in self.project_grants_of.remove(&id).unwrap_or_default() {
            if let Some(entry) = self.projects.get_mut(&project) {
                entry.grants.remove(&id);
            }
        }
        for layer in self.layer_grants_of.remove(&id).unwrap_or_default() {
            if let Some(entry) = self.layers.get_mut(&layer) {
                entry.grants.remove(&id);
            }
        }
    }
}

/// Personal layers have no order of their own.
const fn position(placement: Placement) -> u32 {
    match placement {
        Placement::Project {
            project: _,
            position,
        } => position,
        Placement::Personal { owner: _ } => 0,
    }
}

/// Takes an item out of a set, and the set out of the map when it is empty.
fn remove_from<K: Ord + Clone, V: Ord + Clone>(
    sets: &mut OrdMap<K, OrdSet<V>>,
    key: &K,
    value: &V,
) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(value);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}
