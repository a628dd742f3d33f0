//! Global permissions, granted by super administrators (R12, R14, R15, R16, R27).

use jmap_domain::{Caller, GlobalPermission, GroupId, PrincipalId, Question, UserId};

use crate::{
    Authority, Facts, Refusal, Resource,
    change::{Changed, PolicyChange},
    draft::Draft,
    model::GlobalSet,
    ports::{Platform, PolicyStore},
};

/// Why global permissions are not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GlobalsError {
    /// They are never granted to `everyone` or anonymous (R27).
    #[error("global permissions are never granted to everyone or anonymous")]
    NotForAnybody,
    /// Everything else.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// What is added to and removed from a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GlobalsAmendment {
    /// Permissions to add.
    pub add: GlobalSet,
    /// Permissions to remove; one that is in both is removed.
    pub remove: GlobalSet,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Adds to and removes from the global permissions of one principal; what is not mentioned stays.
    ///
    /// # Errors
    /// [`GlobalsError::NotForAnybody`] (R27); [`Refusal::LastSuperAdministrator`] (R16).
    pub async fn amend_globals(
        &self,
        caller: &Caller,
        principal: PrincipalId,
        amendment: GlobalsAmendment,
    ) -> Result<Changed<()>, GlobalsError> {
        self.change(caller, |draft| draft_amendment(draft, principal, amendment))
            .await
    }

    /// Who was granted which global permissions.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] unless a super administrator asks.
    pub fn list_globals(&self, caller: &Caller) -> Result<Vec<(PrincipalId, GlobalSet)>, Refusal> {
        let snapshot = self.snapshot();
        self.admit_directory(caller)?;
        Ok(snapshot.globals_table().collect())
    }

    /// What the caller itself holds, by all paths.
    ///
    /// # Errors
    /// [`Refusal`] when the caller's session is over.
    pub fn own_globals(&self, caller: &Caller) -> Result<GlobalSet, Refusal> {
        let snapshot = self.snapshot();
        let standing = self.admit(caller)?;
        let facts = Facts::of(&snapshot, standing);
        Ok(GlobalPermission::ALL
            .into_iter()
            .filter(|permission| facts.holds(*permission))
            .collect())
    }
}

pub(crate) fn draft_amendment(
    draft: &mut Draft,
    principal: PrincipalId,
    amendment: GlobalsAmendment,
) -> Result<(), GlobalsError> {
    draft.require(Question::Global(GlobalPermission::SuperAdministrator))?;
    let snapshot = draft.snapshot();
    snapshot
        .principal(principal)
        .ok_or(Refusal::NotFound(Resource::Principal(principal)))?;
    if is_anybody(principal) {
        return Err(GlobalsError::NotForAnybody);
    }
    let GlobalsAmendment { add, remove } = amendment;
    let held = snapshot.globals(principal);
    let set = held.union(add).difference(remove);
    if held != set {
        draft.push(PolicyChange::GlobalsSet(principal, set));
    }
    Ok(())
}

/// Whether the principal stands for anybody, signed in or not.
pub(crate) fn is_anybody(principal: PrincipalId) -> bool {
    principal == GroupId::EVERYONE.into() || principal == UserId::ANONYMOUS.into()
}
