//! A snapshot as the records that make it, and back.

use super::Snapshot;
use crate::{
    change::{PolicyChange, StoredPolicy},
    model::{GrantRow, ProjectGrantRow},
};

impl Snapshot {
    /// Builds the snapshot from what a store kept.
    #[must_use]
    pub fn rebuild(stored: &StoredPolicy) -> Self {
        Self::empty(stored.epoch).with(&stored.records, stored.revision, stored.marks)
    }

    /// The records that make this snapshot from nothing, in the order that a store reads them.
    #[must_use]
    pub fn records(&self) -> Vec<PolicyChange> {
        self.principal_records()
            .chain(self.project_records())
            .chain(self.layer_records())
            .chain(
                self.tombstones
                    .values()
                    .copied()
                    .map(PolicyChange::TombstonePut),
            )
            .collect()
    }

    fn principal_records(&self) -> impl Iterator<Item = PolicyChange> {
        let users = self
            .users
            .values()
            .map(|user| PolicyChange::UserPut((**user).clone()));
        let groups = self
            .groups
            .values()
            .map(|group| PolicyChange::GroupPut((**group).clone()));
        let services = self
            .services
            .values()
            .map(|s| PolicyChange::ServicePut((**s).clone()));
        let members = self.groups_of.iter().flat_map(|(user, groups)| {
            groups.iter().map(|group| {
                if self.is_federated(*group, *user) {
                    PolicyChange::FederatedMemberAdded(*group, *user)
                } else {
                    PolicyChange::MemberAdded(*group, *user)
                }
            })
        });
        let globals = self
            .globals_table()
            .map(|(who, set)| PolicyChange::GlobalsSet(who, set));
        users
            .chain(groups)
            .chain(services)
            .chain(members)
            .chain(globals)
    }

    fn project_records(&self) -> impl Iterator<Item = PolicyChange> {
        self.projects.iter().flat_map(|(id, entry)| {
            let rows = entry.grants.iter();
            let rows = rows.map(|(&principal, &rights)| ProjectGrantRow { principal, rights });
            [
                PolicyChange::ProjectPut((*entry.project).clone()),
                PolicyChange::ProjectGrantsSet {
                    project: *id,
                    revision: entry.grants_revision,
                    rows: rows.collect(),
                },
            ]
        })
    }

    fn layer_records(&self) -> impl Iterator<Item = PolicyChange> {
        self.layers.iter().flat_map(|(id, entry)| {
            let rows = entry.grants.iter();
            let rows = rows.map(|(&principal, &grant)| GrantRow { principal, grant });
            [
                PolicyChange::LayerPut((*entry.layer).clone()),
                PolicyChange::LayerGrantsSet {
                    layer: *id,
                    revision: entry.grants_revision,
                    rows: rows.collect(),
                },
            ]
        })
    }
}
