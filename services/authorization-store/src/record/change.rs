//! Changes, as history keeps them: JSON of the same shapes as the columns.

use authorization_core::change::PolicyChange;
use jmap_domain::{GroupId, LayerId, ProjectId, ServiceId, UserId};
use serde::{Deserialize, Serialize};

use super::{
    GlobalRow, GroupRow, LayerGrantRow, LayerRow, MemberRow, ProjectGrantRow, ProjectRow,
    ServiceRow, TombstoneRow, Unreadable, UserRow, revision, revision_to_row,
};

/// A change of the policy. Names of variants and fields stand in databases: they are added to, never changed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChangeRecord {
    UserPut(UserRow),
    PasswordSet(i64),
    UserDeleted(i64),
    GroupPut(GroupRow),
    GroupDeleted(i64),
    MemberAdded(MemberRow),
    FederatedMemberAdded(MemberRow),
    MemberRemoved(MemberRow),
    GlobalsSet(GlobalRow),
    ServicePut(ServiceRow),
    ServiceKeySet(i64),
    ServiceDeleted(i64),
    ProjectPut(ProjectRow),
    ProjectDeleted(i64),
    ProjectGrantsSet {
        project_id: i64,
        revision: i64,
        rows: Vec<ProjectGrantRow>,
    },
    LayerPut(LayerRow),
    LayerGrantsSet {
        layer_id: i64,
        revision: i64,
        rows: Vec<LayerGrantRow>,
    },
    TombstonePut(TombstoneRow),
}

impl From<&PolicyChange> for ChangeRecord {
    fn from(change: &PolicyChange) -> Self {
        match change {
            PolicyChange::UserPut(user) => Self::UserPut(user.into()),
            PolicyChange::PasswordSet(user) => Self::PasswordSet(user.get()),
            PolicyChange::UserDeleted(user) => Self::UserDeleted(user.get()),
            PolicyChange::GroupPut(group) => Self::GroupPut(group.into()),
            PolicyChange::GroupDeleted(group) => Self::GroupDeleted(group.get()),
            PolicyChange::MemberAdded(group, user) => Self::MemberAdded((*group, *user).into()),
            PolicyChange::FederatedMemberAdded(group, user) => {
                Self::FederatedMemberAdded((*group, *user).into())
            }
            PolicyChange::MemberRemoved(group, user) => Self::MemberRemoved((*group, *user).into()),
            PolicyChange::GlobalsSet(principal, set) => Self::GlobalsSet((*principal, *set).into()),
            PolicyChange::ServicePut(service) => Self::ServicePut(service.into()),
            PolicyChange::ServiceKeySet(service) => Self::ServiceKeySet(service.get()),
            PolicyChange::ServiceDeleted(service) => Self::ServiceDeleted(service.get()),
            PolicyChange::ProjectPut(project) => Self::ProjectPut(project.into()),
            PolicyChange::ProjectDeleted(project) => Self::ProjectDeleted(project.get()),
            PolicyChange::ProjectGrantsSet {
                project,
                revision,
                rows,
            } => Self::ProjectGrantsSet {
                project_id: project.get(),
                revision: revision_to_row(*revision),
                rows: rows.iter().map(Into::into).collect(),
            },
            PolicyChange::LayerPut(layer) => Self::LayerPut(layer.into()),
            PolicyChange::LayerGrantsSet {
                layer,
                revision,
                rows,
            } => Self::LayerGrantsSet {
                layer_id: layer.get(),
                revision: revision_to_row(*revision),
                rows: rows.iter().map(Into::into).collect(),
            },
            PolicyChange::TombstonePut(tombstone) => Self::TombstonePut(tombstone.into()),
        }
    }
}

impl TryFrom<ChangeRecord> for PolicyChange {
    type Error = Unreadable;

    fn try_from(record: ChangeRecord) -> Result<Self, Unreadable> {
        Ok(match record {
            ChangeRecord::UserPut(row) => Self::UserPut(row.try_into()?),
            ChangeRecord::PasswordSet(user) => Self::PasswordSet(UserId::new(user)?),
            ChangeRecord::UserDeleted(user) => Self::UserDeleted(UserId::new(user)?),
            ChangeRecord::GroupPut(row) => Self::GroupPut(row.try_into()?),
            ChangeRecord::GroupDeleted(group) => Self::GroupDeleted(GroupId::new(group)?),
            ChangeRecord::MemberAdded(row) => {
                let (group, user) = row.try_into()?;
                Self::MemberAdded(group, user)
            }
            ChangeRecord::FederatedMemberAdded(row) => {
                let (group, user) = row.try_into()?;
                Self::FederatedMemberAdded(group, user)
            }
            ChangeRecord::MemberRemoved(row) => {
                let (group, user) = row.try_into()?;
                Self::MemberRemoved(group, user)
            }
            ChangeRecord::GlobalsSet(row) => {
                let (principal, set) = row.try_into()?;
                Self::GlobalsSet(principal, set)
            }
            ChangeRecord::ServicePut(row) => Self::ServicePut(row.try_into()?),
            ChangeRecord::ServiceKeySet(service) => Self::ServiceKeySet(ServiceId::new(service)?),
            ChangeRecord::ServiceDeleted(service) => Self::ServiceDeleted(ServiceId::new(service)?),
            ChangeRecord::ProjectPut(row) => Self::ProjectPut(row.try_into()?),
            ChangeRecord::ProjectDeleted(project) => Self::ProjectDeleted(ProjectId::new(project)?),
            ChangeRecord::ProjectGrantsSet {
                project_id,
                revision: number,
                rows,
            } => Self::ProjectGrantsSet {
                project: ProjectId::new(project_id)?,
                revision: revision(number)?,
                rows: rows
                    .into_iter()
                    .map(TryInto::try_into)
                    .collect::<Result<_, _>>()?,
            },
            ChangeRecord::LayerPut(row) => Self::LayerPut(row.try_into()?),
            ChangeRecord::LayerGrantsSet {
                layer_id,
                revision: number,
                rows,
            } => Self::LayerGrantsSet {
                layer: LayerId::new(layer_id)?,
                revision: revision(number)?,
                rows: rows
                    .into_iter()
                    .map(TryInto::try_into)
                    .collect::<Result<_, _>>()?,
            },
            ChangeRecord::TombstonePut(row) => Self::TombstonePut(row.try_into()?),
        })
    }
}
