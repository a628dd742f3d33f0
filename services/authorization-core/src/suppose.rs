//! What-if: changes that are planned and judged as if they were made, and never committed.

use std::sync::Arc;

use jmap_domain::{Caller, GroupId, LayerId, PrincipalId, ProjectId, UserId};

use crate::{
    Authority, Refusal, Snapshot,
    directory::{self, DirectoryError, MembersUpdate, UserUpdate},
    draft::Draft,
    globals::{self, GlobalsAmendment, GlobalsError},
    guard,
    layer_permissions::{self, TableEdit, TableError},
    lookup::InquiryError,
    ports::{Platform, PolicyStore},
    projects::{self, ProjectAmendment, ProjectError},
    registry::{self, LayerUpdate, RegistryError},
};

/// A change that is proposed: one that its proposer could make.
#[derive(Clone, Debug)]
pub enum Proposal {
    /// A layer's permission table is changed.
    LayerTable(TableEdit),
    /// Rows of a project's permission table are amended.
    ProjectTable(ProjectId, Vec<ProjectAmendment>),
    /// Users join and leave a group.
    Members(GroupId, MembersUpdate),
    /// A principal's global permissions are amended.
    Globals(PrincipalId, GlobalsAmendment),
    /// An account is enabled or disabled.
    User(UserId, UserUpdate),
    /// A layer's editing switch is turned.
    Layer(LayerId, LayerUpdate),
    /// A user is deleted.
    UserDeleted(UserId),
    /// A group is deleted.
    GroupDeleted(GroupId),
}

/// Why a proposed change would be refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposalError {
    /// By a layer's table.
    #[error(transparent)]
    LayerTable(#[from] TableError),
    /// By a project's table.
    #[error(transparent)]
    ProjectTable(#[from] ProjectError),
    /// By the directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// By the global permissions.
    #[error(transparent)]
    Globals(#[from] GlobalsError),
    /// By the registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// By the guard of the last ones (R16).
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Proposal {
    /// Plans the change, exactly as if it were to be made.
    fn plan(&self, draft: &mut Draft) -> Result<(), ProposalError> {
        match self {
            Self::LayerTable(edit) => layer_permissions::draft_edit(draft, edit.clone())?,
            Self::ProjectTable(id, rows) => projects::draft_amendments(draft, *id, rows)?,
            Self::Members(group, update) => directory::draft_members(draft, *group, update)?,
            Self::Globals(id, amendment) => globals::draft_amendment(draft, *id, *amendment)?,
            Self::User(id, update) => {
                directory::draft_user_update(draft, *id, update.clone())?;
            }
            Self::Layer(id, update) => {
                registry::draft_update(draft, *id, update.clone())?;
            }
            Self::UserDeleted(id) => directory::draft_user_deletion(draft, *id)?,
            Self::GroupDeleted(id) => directory::draft_group_deletion(draft, *id)?,
        }
        Ok(())
    }
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// The policy as it would be after some changes, each judged on what the ones before it make.
    pub(crate) fn suppose(
        &self,
        caller: &Caller,
        now: &Arc<Snapshot>,
        proposals: &[Proposal],
    ) -> Result<Arc<Snapshot>, InquiryError> {
        let (standing, author) = self.admit_author(caller)?;
        let at = self.platform.now();
        let mut policy = Arc::clone(now);
        for (index, proposal) in proposals.iter().enumerate() {
            let refused = |error| InquiryError::Proposal { index, error };
            let mut draft = Draft::new(Arc::clone(&policy), standing, author, at);
            proposal.plan(&mut draft).map_err(refused)?;
            if let Some((before, set)) = draft.finish() {
                let after = before.apply(&set);
                guard::keep_holders(&before, &after, &set.changes)
                    .map_err(|refusal| refused(refusal.into()))?;
                policy = Arc::new(after);
            }
        }
        Ok(policy)
    }
}
