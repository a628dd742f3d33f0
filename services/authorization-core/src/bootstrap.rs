//! A new installation: the principals that always exist (R1).

use jmap_domain::{GlobalPermission, GroupId, Name, PolicyRevision, UserId};
use secrecy::SecretString;

use crate::{
    Authority, Timestamp,
    audit::ChangeNote,
    change::{Author, ChangeSet, HighWaterMarks, PolicyChange},
    model::{AccountPolicy, AccountState, Description, GlobalSet, Group, User},
    ports::{Platform, PolicyStore},
    refusal::Refusal,
    secret::{NewPassword, SecretChange},
};

/// The first change of all.
pub(crate) fn first_set(at: Timestamp) -> ChangeSet {
    let revision = PolicyRevision::default().next();
    let users = [
        (UserId::ADMINISTRATOR, "administrator"),
        (UserId::ANONYMOUS, "anonymous"),
    ];
    let groups = [
        (GroupId::EVERYONE, "everyone"),
        (GroupId::AUTHENTICATED, "authenticated"),
    ];
    let users = users
        .into_iter()
        .filter_map(|(id, name)| Some(first_user(id, Name::parse(name).ok()?)));
    let groups = groups.into_iter().filter_map(|(id, name)| {
        Some(PolicyChange::GroupPut(Group {
            id,
            name: Name::parse(name).ok()?,
            description: Description::default(),
            revision,
        }))
    });
    let administers = GlobalSet::of(GlobalPermission::SuperAdministrator);
    let globals = PolicyChange::GlobalsSet(UserId::ADMINISTRATOR.into(), administers);
    ChangeSet {
        revision,
        at,
        by: Author::System,
        changes: users.chain(groups).chain([globals]).collect(),
        marks: HighWaterMarks::START,
        secrets: Vec::new(),
        note: ChangeNote::default(),
    }
}

fn first_user(id: UserId, name: Name) -> PolicyChange {
    PolicyChange::UserPut(User {
        id,
        name,
        display_name: None,
        policy: AccountPolicy::Ordinary,
        state: AccountState::Enabled,
        identity: None,
        revision: PolicyRevision::default().next(),
    })
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Whether the first administrator still waits for a password, and so cannot sign in.
    ///
    /// # Errors
    /// [`Refusal::Store`] when the store cannot answer.
    pub async fn needs_first_password(&self) -> Result<bool, Refusal> {
        Ok(self.store.password(UserId::ADMINISTRATOR).await?.is_none())
    }

    /// Sets the first administrator's password, unless it has one already.
    ///
    /// # Errors
    /// [`Refusal`] when hashing or the store fails.
    pub async fn set_first_password(&self, password: &NewPassword) -> Result<(), Refusal> {
        if !self.needs_first_password().await? {
            return Ok(());
        }
        let secret: &SecretString = password.secret();
        let hash = self.platform.hash(secret).await?;
        self.change_by_itself(|draft| {
            draft.push(PolicyChange::PasswordSet(UserId::ADMINISTRATOR));
            draft.keep(SecretChange::Password {
                user: UserId::ADMINISTRATOR,
                hash,
            });
            Ok(())
        })
        .await
    }
}
