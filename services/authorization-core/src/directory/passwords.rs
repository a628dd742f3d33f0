//! Passwords: one's own with the current one, anybody's by a super administrator.

use jmap_domain::{Caller, GlobalPermission, Question, SessionCaller, SessionId, UserId};
use secrecy::SecretString;

use super::DirectoryError;
use crate::{
    Authority, Origin, Refusal, Resource,
    audit::{Closing, Who},
    change::{Changed, PolicyChange},
    draft::Draft,
    ports::{Platform, PolicyStore},
    secret::{NewPassword, PasswordHash, SecretChange},
    throttle::{Attempt, Claimed},
};

/// A password to be set.
struct Change {
    /// Whose.
    user: UserId,
    /// The hash of what the caller has proved to know, which must still be the present one; `None` for administrators.
    verified: Option<PasswordHash>,
    /// The user's session that stays open.
    session: Option<SessionId>,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Changes the caller's own password, and closes its other sessions.
    ///
    /// # Errors
    /// [`DirectoryError::WrongPassword`] when the current one is not right; [`Refusal::TooManyAttempts`].
    pub async fn change_own_password(
        &self,
        caller: &Caller,
        current: &SecretString,
        new: &NewPassword,
        from: Origin,
    ) -> Result<Changed<()>, DirectoryError> {
        self.admit(caller)?;
        let Caller::Session(SessionCaller {
            user,
            session,
            kind: _,
        }) = *caller
        else {
            return Err(Refusal::NotSignedIn.into());
        };
        let claimed = match self.snapshot().user(user) {
            Some(user) => Claimed::user(&user.name),
            None => return Err(Refusal::AccountDisabled.into()),
        };
        let attempt = Attempt { claimed, from };
        let is_wrong = |error: &DirectoryError| *error == DirectoryError::WrongPassword;
        let verified = self
            .slowed(attempt, is_wrong, self.verify_current(user, current))
            .await?;
        let change = Change {
            user,
            verified,
            session: Some(session),
        };
        self.put_password(caller, change, new).await
    }

    /// The hash that the current password was verified against.
    async fn verify_current(
        &self,
        user: UserId,
        current: &SecretString,
    ) -> Result<Option<PasswordHash>, DirectoryError> {
        let kept = self.store.password(user).await.map_err(Refusal::from)?;
        let verifying = self.platform.verify(current, kept.as_ref());
        if verifying.await.map_err(Refusal::from)? {
            Ok(kept)
        } else {
            Err(DirectoryError::WrongPassword)
        }
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
    ) -> Result<Changed<()>, DirectoryError> {
        self.admit_directory(caller)?;
        if user == UserId::ANONYMOUS {
            return Err(DirectoryError::NoPasswordAllowed);
        }
        let session = match caller {
            Caller::Session(own) if own.user == user => Some(own.session),
            Caller::Session(_) | Caller::Anonymous | Caller::Service(_) => None,
        };
        let change = Change {
            user,
            verified: None,
            session,
        };
        self.put_password(caller, change, new).await
    }

    /// Sets a password and closes the sessions of the user, as one step among those that open sessions. The sessions go
    /// first: whoever gives the call up half-way must not leave them open under a new password.
    async fn put_password(
        &self,
        caller: &Caller,
        change: Change,
        new: &NewPassword,
    ) -> Result<Changed<()>, DirectoryError> {
        let Change {
            user,
            verified,
            session,
        } = change;
        let hash = self
            .platform
            .hash(new.secret())
            .await
            .map_err(Refusal::from)?;
        let mut writer = self.session_writer.lock().await;
        if verified.is_some() && self.store.password(user).await.map_err(Refusal::from)? != verified
        {
            return Err(DirectoryError::WrongPassword);
        }
        let closing = Closing::because("PASSWORD_SET", Who::of(caller, None));
        self.close_others(&mut writer, closing, user, session)
            .await?;
        let plan = |draft: &mut Draft| {
            if draft.facts().account() != Some(user) {
                draft.require(Question::Global(GlobalPermission::SuperAdministrator))?;
            }
            draft
                .snapshot()
                .user(user)
                .ok_or(Refusal::NotFound(Resource::User(user)))?;
            draft.push(PolicyChange::PasswordSet(user));
            draft.keep(SecretChange::Password { user, hash });
            Ok::<_, DirectoryError>(())
        };
        let changed = self.change(caller, plan).await?;
        drop(writer);
        self.permits.run_out(&self.platform).await;
        Ok(changed)
    }
}
