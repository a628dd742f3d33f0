//! Users: create, change, delete, look up (R1, R7, R8, R9, R15, R16).

use std::sync::Arc;

use jmap_domain::{Caller, Name, PolicyRevision, UserId};

use super::{DirectoryError, is_special_user, require_directory};
use crate::{
    Authority, Facts, Refusal, Resource,
    change::{Changed, PolicyChange},
    draft::Draft,
    model::{AccountPolicy, AccountState, User},
    personal,
    ports::{Platform, PolicyStore},
    secret::{NewPassword, SecretChange},
};

/// A user to create.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Its name, for ever (R7).
    pub name: Name,
    /// How people see it.
    pub display_name: Option<Name>,
    /// Which sessions it opens (R100).
    pub policy: AccountPolicy,
    /// Its first password; without one it cannot sign in.
    pub password: Option<NewPassword>,
}

/// What changes of a user. Its name and policy never do (R7, R100).
#[derive(Clone, Debug)]
pub struct UserUpdate {
    /// The revision that the caller has read; `None` for any.
    pub expected: Option<PolicyRevision>,
    /// The new display name, or none; unset keeps it.
    pub display_name: Option<Option<Name>>,
    /// Enabled or not; unset keeps it.
    pub state: Option<AccountState>,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Creates a user.
    ///
    /// # Errors
    /// [`DirectoryError::NameTaken`]; [`Refusal::Forbidden`] unless a super administrator asks.
    pub async fn create_user(
        &self,
        caller: &Caller,
        new: NewUser,
    ) -> Result<Changed<Arc<User>>, DirectoryError> {
        // Hashing is slow on purpose: asked for by those who may, and not while others wait to write.
        self.admit_directory(caller)?;
        let hash = match &new.password {
            Some(password) => Some(
                self.platform
                    .hash(password.secret())
                    .await
                    .map_err(Refusal::from)?,
            ),
            None => None,
        };
        self.change(caller, |draft| {
            let user = draft_user(draft, new)?;
            if let Some(hash) = hash {
                draft.keep(SecretChange::Password {
                    user: user.id,
                    hash,
                });
            }
            Ok(Arc::new(user))
        })
        .await
    }

    /// Changes a user. Disabling it takes effect on its next call.
    ///
    /// # Errors
    /// [`Refusal::Stale`]; [`Refusal::LastSuperAdministrator`] and [`Refusal::LastOwner`] (R16);
    /// [`DirectoryError::Special`] for disabling anonymous.
    pub async fn update_user(
        &self,
        caller: &Caller,
        id: UserId,
        update: UserUpdate,
    ) -> Result<Changed<Arc<User>>, DirectoryError> {
        self.change(caller, |draft| draft_user_update(draft, id, update))
            .await
    }

    /// Deletes a user, with its memberships and grants (R9). Its personal layers stay (R79); offers by it and to it end.
    ///
    /// # Errors
    /// [`DirectoryError::Special`] for the two that always exist (R1); the last holders are kept (R16).
    pub async fn delete_user(
        &self,
        caller: &Caller,
        id: UserId,
    ) -> Result<Changed<()>, DirectoryError> {
        self.change(caller, |draft| draft_user_deletion(draft, id))
            .await
    }

    /// A user: oneself, or any for those who may list users.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when it does not exist, or [`Refusal::Forbidden`].
    pub fn user(&self, caller: &Caller, id: UserId) -> Result<Arc<User>, Refusal> {
        let own = matches!(caller, Caller::Session(session) if session.user == id);
        let snapshot = if own {
            self.admit(caller)?;
            self.snapshot()
        } else {
            self.admit_reader(caller)?
        };
        snapshot
            .user(id)
            .cloned()
            .ok_or(Refusal::NotFound(Resource::User(id)))
    }

    /// The user of that name, for any account that could share something with it.
    ///
    /// # Errors
    /// [`Refusal::NotSignedIn`] for anonymous.
    pub fn find_user(&self, caller: &Caller, name: &Name) -> Result<Option<Arc<User>>, Refusal> {
        let snapshot = self.snapshot();
        let standing = self.admit(caller)?;
        Facts::of(&snapshot, standing)
            .person()
            .ok_or(Refusal::NotSignedIn)?;
        Ok(snapshot.user_named(name).cloned())
    }

    /// Users in the order of their names' keys, after a key, at most `limit`.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] unless the caller administers something.
    pub fn list_users(
        &self,
        caller: &Caller,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Arc<User>>, Refusal> {
        let snapshot = self.admit_reader(caller)?;
        Ok(snapshot.users_after(after).take(limit).cloned().collect())
    }

    /// Refuses early whoever is no super administrator (R15).
    pub(crate) fn admit_directory(&self, caller: &Caller) -> Result<(), Refusal> {
        let snapshot = self.snapshot();
        match (self.admit(caller)?, caller) {
            (_, Caller::Anonymous) => Err(Refusal::NotSignedIn),
            (standing, _) if Facts::of(&snapshot, standing).is_super_administrator() => Ok(()),
            _ => Err(Refusal::Forbidden(Resource::Installation)),
        }
    }
}

fn draft_user(draft: &mut Draft, new: NewUser) -> Result<User, DirectoryError> {
    require_directory(draft)?;
    let NewUser {
        name,
        display_name,
        policy,
        password,
    } = new;
    if draft.snapshot().user_named(&name).is_some() {
        return Err(DirectoryError::NameTaken(name));
    }
    let user = User {
        id: draft.next_principal()?,
        name,
        display_name,
        policy,
        state: AccountState::Enabled,
        identity: None,
        revision: draft.revision(),
    };
    draft.push(PolicyChange::UserPut(user.clone()));
    if password.is_some() {
        draft.push(PolicyChange::PasswordSet(user.id));
    }
    Ok(user)
}

pub(crate) fn draft_user_update(
    draft: &mut Draft,
    id: UserId,
    update: UserUpdate,
) -> Result<Arc<User>, DirectoryError> {
    require_directory(draft)?;
    let snapshot = draft.snapshot();
    let before = snapshot
        .user(id)
        .ok_or(Refusal::NotFound(Resource::User(id)))?;
    let UserUpdate {
        expected,
        display_name,
        state,
    } = update;
    if expected.is_some_and(|expected| expected != before.revision) {
        return Err(Refusal::Stale(Resource::User(id)).into());
    }
    let state = state.unwrap_or(before.state);
    // Whoever is not signed in is anonymous: that cannot be switched off, only left without grants.
    if id == UserId::ANONYMOUS && state == AccountState::Disabled {
        return Err(DirectoryError::Special(before.name.clone()));
    }
    let display_name = display_name.unwrap_or_else(|| before.display_name.clone());
    let revision = draft.revision();
    let user = User {
        display_name,
        state,
        revision,
        ..(**before).clone()
    };
    draft.push(PolicyChange::UserPut(user.clone()));
    Ok(Arc::new(user))
}

pub(crate) fn draft_user_deletion(draft: &mut Draft, id: UserId) -> Result<(), DirectoryError> {
    require_directory(draft)?;
    let snapshot = draft.snapshot();
    let user = snapshot
        .user(id)
        .ok_or(Refusal::NotFound(Resource::User(id)))?;
    if is_special_user(user) {
        return Err(DirectoryError::Special(user.name.clone()));
    }
    personal::end_offers(draft, id);
    draft.push(PolicyChange::UserDeleted(id));
    Ok(())
}
