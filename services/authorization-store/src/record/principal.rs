//! Users, groups, memberships, global permissions and service accounts.

use authorization_core::model::{
    AccountPolicy, AccountState, Description, FederatedId, GlobalSet, Group, Service, User,
};
use jmap_domain::{GroupId, Name, PrincipalId, ScopeSet, ServiceId, UserId};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::{Unreadable, bits, revision, revision_to_row};

#[derive(Debug, Serialize, Deserialize, FromRow)]
pub(crate) struct UserRow {
    pub(crate) user_id: i64,
    pub(crate) name: String,
    pub(crate) display_name: Option<String>,
    pub(crate) for_servers: bool,
    pub(crate) enabled: bool,
    /// Of accounts that a federated sign-in made; what was recorded before there were any has neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    pub(crate) revision: i64,
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        let User {
            id,
            name,
            display_name,
            policy,
            state,
            identity,
            revision,
        } = user;
        let identity = identity.as_ref();
        Self {
            user_id: id.get(),
            name: name.as_str().to_owned(),
            display_name: display_name.as_ref().map(|name| name.as_str().to_owned()),
            for_servers: match policy {
                AccountPolicy::Ordinary => false,
                AccountPolicy::Server => true,
            },
            enabled: match state {
                AccountState::Enabled => true,
                AccountState::Disabled => false,
            },
            issuer: identity.map(|identity| identity.issuer.clone()),
            subject: identity.map(|identity| identity.subject.clone()),
            revision: revision_to_row(*revision),
        }
    }
}

impl TryFrom<UserRow> for User {
    type Error = Unreadable;

    fn try_from(row: UserRow) -> Result<Self, Unreadable> {
        Ok(Self {
            id: UserId::new(row.user_id)?,
            name: Name::parse(&row.name)?,
            display_name: row.display_name.as_deref().map(Name::parse).transpose()?,
            policy: if row.for_servers {
                AccountPolicy::Server
            } else {
                AccountPolicy::Ordinary
            },
            state: if row.enabled {
                AccountState::Enabled
            } else {
                AccountState::Disabled
            },
            identity: match (row.issuer, row.subject) {
                (Some(issuer), Some(subject)) => Some(FederatedId { issuer, subject }),
                (None, None) => None,
                (Some(_), None) | (None, Some(_)) => return Err(Unreadable::Contradiction),
            },
            revision: revision(row.revision)?,
        })
    }
}

#[derive(Debug, Serialize, Deserialize, FromRow)]
pub(crate) struct GroupRow {
    pub(crate) group_id: i64,
    pub(crate) name: String,
    /// What was recorded before groups had descriptions has none.
    #[serde(default)]
    pub(crate) description: String,
    pub(crate) revision: i64,
}

impl From<&Group> for GroupRow {
    fn from(group: &Group) -> Self {
        let Group {
            id,
            name,
            description,
            revision,
        } = group;
        Self {
            group_id: id.get(),
            name: name.as_str().to_owned(),
            description: description.as_str().to_owned(),
            revision: revision_to_row(*revision),
        }
    }
}

impl TryFrom<GroupRow> for Group {
    type Error = Unreadable;

    fn try_from(row: GroupRow) -> Result<Self, Unreadable> {
        Ok(Self {
            id: GroupId::new(row.group_id)?,
            name: Name::parse(&row.name)?,
            description: Description::parse(&row.description)?,
            revision: revision(row.revision)?,
        })
    }
}

#[derive(Debug, Serialize, Deserialize, FromRow)]
pub(crate) struct MemberRow {
    pub(crate) group_id: i64,
    pub(crate) user_id: i64,
}

impl From<(GroupId, UserId)> for MemberRow {
    fn from((group, user): (GroupId, UserId)) -> Self {
        Self {
            group_id: group.get(),
            user_id: user.get(),
        }
    }
}

impl TryFrom<MemberRow> for (GroupId, UserId) {
    type Error = Unreadable;

    fn try_from(row: MemberRow) -> Result<Self, Unreadable> {
        Ok((GroupId::new(row.group_id)?, UserId::new(row.user_id)?))
    }
}

#[derive(Debug, Serialize, Deserialize, FromRow)]
pub(crate) struct GlobalRow {
    pub(crate) principal_id: i64,
    pub(crate) permissions: i64,
}

impl From<(PrincipalId, GlobalSet)> for GlobalRow {
    fn from((principal, set): (PrincipalId, GlobalSet)) -> Self {
        Self {
            principal_id: principal.get(),
            permissions: set.bits().into(),
        }
    }
}

impl TryFrom<GlobalRow> for (PrincipalId, GlobalSet) {
    type Error = Unreadable;

    fn try_from(row: GlobalRow) -> Result<Self, Unreadable> {
        Ok((
            PrincipalId::new(row.principal_id)?,
            bits(row.permissions, GlobalSet::from_bits)?,
        ))
    }
}

#[derive(Debug, Serialize, Deserialize, FromRow)]
pub(crate) struct ServiceRow {
    pub(crate) service_id: i64,
    pub(crate) name: String,
    pub(crate) scopes: i64,
    pub(crate) revision: i64,
}

impl From<&Service> for ServiceRow {
    fn from(service: &Service) -> Self {
        let Service {
            id,
            name,
            scopes,
            revision,
        } = service;
        Self {
            service_id: id.get(),
            name: name.as_str().to_owned(),
            scopes: scopes.bits().into(),
            revision: revision_to_row(*revision),
        }
    }
}

impl TryFrom<ServiceRow> for Service {
    type Error = Unreadable;

    fn try_from(row: ServiceRow) -> Result<Self, Unreadable> {
        Ok(Self {
            id: ServiceId::new(row.service_id)?,
            name: Name::parse(&row.name)?,
            scopes: bits(row.scopes, ScopeSet::from_bits)?,
            revision: revision(row.revision)?,
        })
    }
}
