//! Passwords: one's own with the current one, anybody's by a super administrator.

use jmap_domain::{Caller, GlobalPermission, Question, SessionCaller, UserId};
use secrecy::SecretString;

use super::DirectoryError;
use crate::{
    Authority, Refusal, Resource,
    change::PolicyChange,
    ports::{Platform, PolicyStore},
    secret::{NewPassword, SecretChange},
};

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Changes the caller's own password, and closes its other sessions.
    ///
    /// # Errors
    /// [`DirectoryError::WrongPassword`] when the current one is not right.
    pub async fn change_own_password(
        &self,
        caller: &Caller,
        current: &SecretString,
        new: &NewPassword,
    ) -> Result<(), DirectoryError> {
        self.admit(caller)?;
        let Caller::Session(SessionCaller {
            user,
            session,
            kind: _,
        }) = *caller
        else {
            return Err(Refusal::NotSignedIn.into());
        };
        let kept = self.store.password(user).await.map_err(Refusal::from)?;
        if !self
            .platform
            .verify(current, kept.as_ref())
            .await
            .map_err(Refusal::from)?
        {
            return Err(DirectoryError::WrongPassword);
        }
        self.put_password(caller, user, new).await?;
        Ok(self.close_others(user, Some(session)).await?)
    }

    /// Sets a user's password as a super administrator, and closes the user's sessions.
    ///
    /// # Errors
    /// [`DirectoryError::NoPasswordAllowed`] for anonymous; [`Refusal::NotFound`].
    pub async fn set_password(
        &self,
        caller: &Caller,
        user: UserId,
        new: &NewPassword,
    ) -> Result<(), DirectoryError> {
        self.admit_directory(caller)?;
        if user == UserId::ANONYMOUS {
            return Err(DirectoryError::NoPasswordAllowed);
        }
        self.put_password(caller, user, new).await?;
        let own = match caller {
            Caller::Session(own) if own.user == user => Some(own.session),
            Caller::Session(_) | Caller::Anonymous | Caller::Service(_) => None,
        };
        Ok(self.close_others(user, own).await?)
    }

    async fn put_password(
        &self,
        caller: &Caller,
        user: UserId,
        new: &NewPassword,
    ) -> Result<(), DirectoryError> {
        let hash = self
            .platform
            .hash(new.secret())
            .await
            .map_err(Refusal::from)?;
        self.change(caller, |draft| {
            if draft.facts().account() != Some(user) {
                draft.require(Question::Global(GlobalPermission::SuperAdministrator))?;
            }
            draft
                .snapshot()
                .user(user)
                .ok_or(Refusal::NotFound(Resource::User(user)))?;
            draft.push(PolicyChange::PasswordSet(user));
            draft.keep(SecretChange::Password { user, hash });
            Ok(())
        })
        .await
    }
}
