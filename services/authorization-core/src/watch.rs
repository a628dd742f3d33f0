//! Watching the policy: the recorded sets after a point of its history, in order and without gaps.

use jmap_domain::{Caller, GlobalPermission, PolicyRevision, PolicyToken, Question, Scope};

use crate::{
    Authority, CheckError, Refusal,
    change::ChangeSet,
    check::fresh_enough,
    ports::{Platform, PolicyStore},
};

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Lets in those who may watch everything: services with scope *check*, and super administrators (R15). To be asked
    /// again while they watch (R119).
    ///
    /// # Errors
    /// [`Refusal`] for everybody else.
    pub fn admit_watcher(&self, caller: &Caller) -> Result<(), Refusal> {
        match caller {
            Caller::Anonymous => Err(Refusal::NotSignedIn),
            Caller::Service(_) => self.admit_service(caller, Scope::Check).map(drop),
            Caller::Session(_) => {
                let everything = Question::Global(GlobalPermission::SuperAdministrator);
                self.require(&self.snapshot(), caller, everything)
            }
        }
    }

    /// The next sets after a point of the policy's history, oldest first, as many as are read at once; none when the
    /// point is the present. Whoever is slow reads them later from the store, so nothing is queued for it.
    ///
    /// # Errors
    /// [`CheckError::HistoryPruned`] when some of them are not kept any more, and as for any other token.
    pub async fn changes_after(&self, token: PolicyToken) -> Result<Vec<ChangeSet>, CheckError> {
        let now = self.snapshot();
        fresh_enough(&now, Some(token))?;
        let mut sets = if token.revision < now.revision() {
            self.sets_after(token.revision).await?
        } else {
            Vec::new()
        };
        // What is recorded already, but not yet decided by here, comes when it is.
        sets.retain(|set| set.revision <= now.revision());
        Ok(sets)
    }

    /// Completes when the policy is newer than a revision.
    pub async fn newer_than(&self, revision: PolicyRevision) {
        loop {
            let changed = self.changed.listen();
            if self.token().revision > revision {
                return;
            }
            changed.await;
        }
    }
}
