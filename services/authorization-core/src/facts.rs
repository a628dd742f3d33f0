//! What the rules need to know about a subject: who it is, and by which paths grants reach it.

use std::cell::OnceCell;

use imbl::OrdSet;
use jmap_domain::{
    ActorId, DenyReason, GlobalPermission, GroupId, PrincipalId, ProjectAct, ProjectId,
    SessionKind, UserId,
};

use crate::{
    Principal, Snapshot,
    model::{GlobalSet, User},
};

/// Who a subject turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Nobody signed in (R118).
    Anonymous,
    /// A user, in a session of that kind.
    User {
        /// The account.
        user: UserId,
        /// What its session may be used for (R100).
        kind: SessionKind,
    },
    /// A service, which holds no grants of its own.
    Service,
    /// Nobody any more: the session is over, or the account may not be used (R9, R117).
    Barred(DenyReason),
}

impl Standing {
    /// An account as if it had just signed in.
    #[must_use]
    pub fn of_account(user: &User) -> Self {
        match user.id {
            UserId::ANONYMOUS => Self::Anonymous,
            id => Self::User {
                user: id,
                kind: user.policy.session_kind(),
            },
        }
    }
}

/// By which path a grant reaches a subject (R6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Path {
    /// Granted to the account itself.
    Direct,
    /// Granted to a group that the account is in (R5).
    Group(GroupId),
    /// Granted to every signed-in account (R2).
    Authenticated,
    /// Granted to everyone (R3, R4).
    Everyone,
    /// The subject owns the personal layer (R69).
    Owner,
    /// The subject is a super administrator (R15).
    SuperAdministrator,
}

/// A subject at one snapshot.
#[derive(Clone, Debug)]
pub struct Facts<'s> {
    snapshot: &'s Snapshot,
    standing: Standing,
    groups: Option<&'s OrdSet<GroupId>>,
    /// Looked up when first asked for: most questions are about elements, and are not decided by these.
    globals: OnceCell<GlobalSet>,
}

impl<'s> Facts<'s> {
    /// Looks a subject up. An account that is gone or disabled is barred (R9).
    #[must_use]
    pub fn of(snapshot: &'s Snapshot, standing: Standing) -> Self {
        Self::reached(snapshot, standing, User::is_enabled)
    }

    /// Looks a subject up as if its account were enabled: grants are given to disabled accounts, too, and are told.
    pub(crate) fn if_enabled(snapshot: &'s Snapshot, standing: Standing) -> Self {
        Self::reached(snapshot, standing, |_| true)
    }

    fn reached(
        snapshot: &'s Snapshot,
        standing: Standing,
        is_let_in: impl FnOnce(&User) -> bool,
    ) -> Self {
        let (standing, groups) = match standing {
            Standing::User { user, kind: _ } => match snapshot.user(user) {
                Some(account) if is_let_in(account) => (standing, snapshot.groups_of(user)),
                Some(_) | None => (Standing::Barred(DenyReason::AccountDisabled), None),
            },
            Standing::Anonymous | Standing::Service | Standing::Barred(_) => (standing, None),
        };
        Self {
            snapshot,
            standing,
            groups,
            globals: OnceCell::new(),
        }
    }

    /// What the subject's account and its groups were granted; never by `everyone` (R27).
    fn globals(&self) -> GlobalSet {
        *self.globals.get_or_init(|| {
            let paths = self.paths().filter(|(path, _)| *path != Path::Everyone);
            let sets = paths.map(|(_, principal)| self.snapshot.globals(principal));
            sets.fold(GlobalSet::EMPTY, GlobalSet::union)
        })
    }

    /// Whether the subject is nobody any more, and why.
    #[must_use]
    pub const fn barred(&self) -> Option<DenyReason> {
        match self.standing {
            Standing::Barred(reason) => Some(reason),
            Standing::Anonymous | Standing::User { user: _, kind: _ } | Standing::Service => None,
        }
    }

    /// The account behind the subject, whatever the session is for; `None` for anonymous.
    #[must_use]
    pub const fn account(&self) -> Option<UserId> {
        match self.standing {
            Standing::User { user, kind: _ } => Some(user),
            Standing::Anonymous | Standing::Service | Standing::Barred(_) => None,
        }
    }

    /// The account, when it works in an ordinary session. Server sessions never act as one (R100).
    #[must_use]
    pub const fn person(&self) -> Option<UserId> {
        match self.standing {
            Standing::User {
                user,
                kind: SessionKind::Ordinary,
            } => Some(user),
            Standing::User {
                user: _,
                kind: SessionKind::Server,
            }
            | Standing::Anonymous
            | Standing::Service
            | Standing::Barred(_) => None,
        }
    }

    /// Whether the subject is another instance (R86).
    #[must_use]
    pub const fn is_server(&self) -> bool {
        matches!(
            self.standing,
            Standing::User {
                user: _,
                kind: SessionKind::Server
            }
        )
    }

    /// As whom the subject can own elements. Anonymous cannot (R55), and a server session has no asserted end user (R59).
    #[must_use]
    pub fn actor(&self) -> Option<ActorId> {
        self.person().map(ActorId::from)
    }

    /// With what the subject's edits are stamped (R54, R59). Whoever has a stamp need not be able to own.
    #[must_use]
    pub fn stamp(&self) -> Option<ActorId> {
        match self.standing {
            Standing::Anonymous => Some(UserId::ANONYMOUS.into()),
            Standing::User { user, kind: _ } => Some(user.into()),
            Standing::Service | Standing::Barred(_) => None,
        }
    }

    /// Whether the subject may do everything in the administration plane (R15).
    #[must_use]
    pub fn is_super_administrator(&self) -> bool {
        self.person().is_some()
            && self
                .globals()
                .contains(GlobalPermission::SuperAdministrator)
    }

    /// Whether the subject holds a global permission, by itself or as a super administrator (R15).
    #[must_use]
    pub fn holds(&self, permission: GlobalPermission) -> bool {
        let implied = match permission {
            // Personal layers hold data, so nobody has this one by default, whatever it administers (R12).
            GlobalPermission::CreatePersonalLayers => false,
            GlobalPermission::SuperAdministrator
            | GlobalPermission::CreateProjects
            | GlobalPermission::CreateRemoteConnections
            | GlobalPermission::AdministerPersonalLayers => self.is_super_administrator(),
        };
        implied || (self.person().is_some() && self.globals().contains(permission))
    }

    /// The principals whose grants reach the subject, each with its path (R6).
    pub fn paths(&self) -> impl Iterator<Item = (Path, PrincipalId)> + use<'s> {
        let (account, signed_in, known) = match self.standing {
            Standing::Anonymous => (Some(UserId::ANONYMOUS), false, true),
            Standing::User { user, kind: _ } => (Some(user), true, true),
            Standing::Service | Standing::Barred(_) => (None, false, false),
        };
        let direct = account.map(|user| (Path::Direct, user.into()));
        let groups = self.groups.into_iter().flatten();
        let groups = groups.map(|group| (Path::Group(*group), PrincipalId::from(*group)));
        let authenticated = signed_in.then(|| (Path::Authenticated, GroupId::AUTHENTICATED.into()));
        let everyone = known.then(|| (Path::Everyone, GroupId::EVERYONE.into()));
        direct
            .into_iter()
            .chain(groups)
            .chain(authenticated)
            .chain(everyone)
    }
}

/// Whether a principal may open a project: who may, can be granted permissions on its layers (R28).
/// A user counts with all its paths; a group with its own row and those of the special groups that contain it.
/// On a layer `everyone` means whoever can open the project (R4), and those may by definition.
#[must_use]
pub fn may_open(snapshot: &Snapshot, principal: PrincipalId, project: ProjectId) -> bool {
    let Some(entry) = snapshot.project(project) else {
        return false;
    };
    if principal == GroupId::EVERYONE.into() {
        return true;
    }
    let opens = |id: PrincipalId| {
        entry
            .grants
            .get(&id)
            .is_some_and(|rights| rights.contains(ProjectAct::Open))
    };
    match snapshot.principal(principal) {
        Some(Principal::User(user)) => {
            let facts = Facts::if_enabled(snapshot, Standing::of_account(user));
            facts.paths().any(|(_, id)| opens(id))
        }
        Some(Principal::Group(group)) => containing(group.id).any(opens),
        None => false,
    }
}

/// A group and the special groups that contain all its members.
pub(crate) fn containing(group: GroupId) -> impl Iterator<Item = PrincipalId> {
    let everyone = (group != GroupId::EVERYONE).then_some(GroupId::EVERYONE);
    let signed_in = everyone.is_some() && group != GroupId::AUTHENTICATED;
    let authenticated = signed_in.then_some(GroupId::AUTHENTICATED);
    [Some(group), authenticated, everyone]
        .into_iter()
        .flatten()
        .map(PrincipalId::from)
}
