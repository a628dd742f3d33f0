//! Users and groups in answers.

use authorization_core::{
    Principal, Snapshot,
    model::{AccountPolicy, FederatedId, Group, User},
};
use jmap_domain::{PolicyRevision, PrincipalId};
use jmap_proto::{authorization as pb, types};

/// A revision on the wire. One change a nanosecond reaches the end of the range in 292 years.
pub(crate) fn revision(revision: PolicyRevision) -> i64 {
    i64::try_from(revision.0).unwrap_or(i64::MAX)
}

/// A user as the contract shows it.
pub(crate) fn user(user: &User) -> pb::User {
    let policy = match user.policy {
        AccountPolicy::Ordinary => pb::AccountPolicy::Ordinary,
        AccountPolicy::Server => pb::AccountPolicy::Server,
    };
    pb::User {
        user_id: user.id.get(),
        name: user.name.as_str().to_owned(),
        display_name: user
            .display_name
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        enabled: user.is_enabled(),
        policy: policy.into(),
        revision: revision(user.revision),
        federated_identity: user.identity.as_ref().map(identity),
    }
}

fn identity(identity: &FederatedId) -> pb::FederatedIdentity {
    let FederatedId { issuer, subject } = identity.clone();
    pb::FederatedIdentity { issuer, subject }
}

/// A group as the contract shows it.
pub(crate) fn group(group: &Group) -> pb::Group {
    pb::Group {
        group_id: group.id.get(),
        name: group.name.as_str().to_owned(),
        description: group.description.as_str().to_owned(),
        revision: revision(group.revision),
    }
}

/// A principal with its name; one that has just gone is named by nothing.
pub(crate) fn principal(snapshot: &Snapshot, id: PrincipalId) -> (types::Principal, String) {
    let as_user = types::principal::Principal::UserId(id.get());
    let (principal, name) = match snapshot.principal(id) {
        Some(Principal::User(user)) => (as_user, user.name.to_string()),
        Some(Principal::Group(group)) => (
            types::principal::Principal::GroupId(id.get()),
            group.name.to_string(),
        ),
        None => (as_user, String::new()),
    };
    (
        types::Principal {
            principal: Some(principal),
        },
        name,
    )
}
