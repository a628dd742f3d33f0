//! Federated sign-in: accounts and memberships that OpenID providers vouch for (R8, R11, R16).
//!
//! An account is made at a person's first sign-in and found by issuer and subject ever after, never by its name. Group
//! names are compared exactly. At each sign-in the person joins the groups that the token names, and leaves those that
//! an earlier token gave and this one does not; memberships that an administrator gave stay. A membership without which
//! nobody could administer is kept until somebody else can: the provider cannot lock the installation.

use std::collections::{BTreeMap, BTreeSet};

use jmap_domain::{GroupId, Name, UserId};

use crate::{
    Authority, Refusal, Snapshot, Timestamp,
    change::PolicyChange,
    directory::{draft_group, is_special_group},
    draft::Draft,
    model::{Account, AccountPolicy, AccountState, Description, FederatedId, User},
    ports::{Platform, PolicyStore},
    secret::SecretHash,
    sessions::SignInError,
};

/// What a verified token says.
#[derive(Clone, Debug)]
pub struct Identified {
    /// Whom it was issued to.
    pub identity: FederatedId,
    /// The name that a new account gets.
    pub name: Name,
    /// How people see a new account.
    pub display_name: Option<Name>,
    /// The names of groups, as the token has them.
    pub groups: Vec<String>,
    /// What the issuer's configuration says about groups.
    pub rules: GroupRules,
    /// What the token is recognised by when it comes again.
    pub token: SecretHash,
    /// When it would no longer be accepted.
    pub accepted_until: Timestamp,
}

/// What becomes of the groups that an issuer's tokens name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRules {
    /// What becomes of names that no group here bears.
    pub unknown: UnknownGroups,
    /// Joined by whom no other group is given; made if there is none.
    pub default_group: Option<Name>,
}

/// What becomes of names of groups that no group here bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownGroups {
    /// Nothing.
    Ignored,
    /// The group is made.
    Created,
}

/// Why a token identifies nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FederationError {
    /// No configured provider has issued it for this installation: its issuer, audience, algorithm, key, signature or
    /// shape is another.
    #[error("the token is not one of a configured OpenID provider for this installation")]
    Untrusted,
    /// It was valid once, or will be, or was issued too long ago.
    #[error("the token is no longer valid, or not yet")]
    Expired,
    /// It was exchanged for a session before.
    #[error("the token was used before")]
    Spent,
    /// It lacks the claim that names the account, or a claim has not the shape that it should have.
    #[error("the token's claims do not name an account")]
    Nameless,
    /// The provider's keys cannot be had now.
    #[error("the keys of the OpenID provider cannot be fetched")]
    Unavailable,
}

/// Why a membership is not as the token has it. Names are the provider's, and are shown with their oddities escaped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupRemark {
    /// Names match exactly or not at all (R11).
    #[error(
        "group {claimed:?} is not joined: the name differs from that of group `{known}` in case"
    )]
    DiffersInCase {
        /// The name in the token.
        claimed: String,
        /// The name here.
        known: Name,
    },
    /// No group can bear it (R26).
    #[error("group {0:?} is not joined: it is not a name that a group can have")]
    NotAName(String),
    /// Who is in it follows from what an account is (R1).
    #[error("group {0:?} is not joined: it is special")]
    Special(String),
    /// No group bears it, and none is made.
    #[error("group {0:?} is not joined: there is none")]
    Unknown(String),
    /// Without the membership nobody could administer (R16).
    #[error("group `{0}` is not left: nobody would be left to administer")]
    LastHolder(Name),
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// The account behind a verified token, made at the first sign-in, with its memberships as the token has them.
    /// The token is spent first, so that whatever follows happens once.
    pub(crate) async fn admit_identified(
        &self,
        identified: Identified,
    ) -> Result<(Account, Vec<GroupRemark>), SignInError> {
        let spending = self
            .store
            .spend_token(identified.token, identified.accepted_until);
        if !spending.await.map_err(Refusal::from)? {
            return Err(FederationError::Spent.into());
        }
        self.change_by_itself(|draft| {
            let user = draft_account(draft, &identified)?;
            let account = Account::User {
                user: user.id,
                kind: user.policy.session_kind(),
            };
            Ok((account, draft_memberships(draft, user.id, &identified)?))
        })
        .await
    }
}

/// The person's account; a new one never takes a name that is taken, by whomever.
fn draft_account(draft: &mut Draft, identified: &Identified) -> Result<User, SignInError> {
    let snapshot = draft.snapshot();
    match snapshot.user_identified(&identified.identity) {
        Some(user) if !user.is_enabled() => return Err(Refusal::AccountDisabled.into()),
        Some(user) => return Ok((**user).clone()),
        None => {}
    }
    let name = identified.name.clone();
    if snapshot.user_named(&name).is_some() {
        return Err(SignInError::NameTaken(name));
    }
    let user = User {
        id: draft.next_principal()?,
        name,
        display_name: identified.display_name.clone(),
        policy: AccountPolicy::Ordinary,
        state: AccountState::Enabled,
        identity: Some(identified.identity.clone()),
        revision: draft.revision(),
    };
    draft.push(PolicyChange::UserPut(user.clone()));
    Ok(user)
}

fn draft_memberships(
    draft: &mut Draft,
    user: UserId,
    identified: &Identified,
) -> Result<Vec<GroupRemark>, Refusal> {
    let snapshot = draft.snapshot();
    let mut named = Named::new(&snapshot);
    for claimed in &identified.groups {
        named.add(draft, claimed, identified.rules.unknown)?;
    }
    if let (true, Some(default)) = (named.groups.is_empty(), &identified.rules.default_group) {
        named.add(draft, default.as_str(), UnknownGroups::Created)?;
    }
    let Named {
        groups,
        mut remarks,
        ..
    } = named;
    let held = snapshot.groups_of(user);
    for group in &groups {
        if !held.is_some_and(|held| held.contains(group)) {
            draft.push(PolicyChange::FederatedMemberAdded(*group, user));
        }
    }
    for group in snapshot.federated_groups_of(user) {
        let stays = groups.contains(&group);
        if !stays && !draft.push_if_kept(PolicyChange::MemberRemoved(group, user)) {
            let name = snapshot.group(group).map(|group| group.name.clone());
            remarks.extend(name.map(GroupRemark::LastHolder));
        }
    }
    Ok(remarks)
}

/// The groups that a token's names lead to.
struct Named<'s> {
    snapshot: &'s Snapshot,
    /// Made on the way, by their keys.
    made: BTreeMap<String, (GroupId, Name)>,
    groups: BTreeSet<GroupId>,
    remarks: Vec<GroupRemark>,
}

impl<'s> Named<'s> {
    const fn new(snapshot: &'s Snapshot) -> Self {
        Self {
            snapshot,
            made: BTreeMap::new(),
            groups: BTreeSet::new(),
            remarks: Vec::new(),
        }
    }

    fn add(
        &mut self,
        draft: &mut Draft,
        claimed: &str,
        unknown: UnknownGroups,
    ) -> Result<(), Refusal> {
        let group = match self.find(claimed) {
            Ok(Some(group)) => group,
            Ok(None) => match (unknown, Name::parse(claimed)) {
                (UnknownGroups::Created, Ok(name)) => {
                    let group = draft_group(draft, name, Description::default())?;
                    self.made
                        .insert(group.name.key(), (group.id, group.name.clone()));
                    group.id
                }
                (UnknownGroups::Created | UnknownGroups::Ignored, _) => {
                    self.remarks.push(GroupRemark::Unknown(claimed.to_owned()));
                    return Ok(());
                }
            },
            Err(remark) => {
                self.remarks.push(remark);
                return Ok(());
            }
        };
        self.groups.insert(group);
        Ok(())
    }

    /// The group of exactly that name; `None` when the name is free.
    fn find(&self, claimed: &str) -> Result<Option<GroupId>, GroupRemark> {
        let not_a_name = || GroupRemark::NotAName(claimed.to_owned());
        let name = Name::parse(claimed)
            .ok()
            .filter(|name| name.as_str() == claimed)
            .ok_or_else(not_a_name)?;
        let known = self.snapshot.group_named(&name);
        if known.is_some_and(|group| is_special_group(group)) {
            return Err(GroupRemark::Special(claimed.to_owned()));
        }
        let known = known.map(|group| (group.id, group.name.clone()));
        match known.or_else(|| self.made.get(&name.key()).cloned()) {
            None => Ok(None),
            Some((id, known)) if known == name => Ok(Some(id)),
            Some((_, known)) => Err(GroupRemark::DiffersInCase {
                claimed: claimed.to_owned(),
                known,
            }),
        }
    }
}
