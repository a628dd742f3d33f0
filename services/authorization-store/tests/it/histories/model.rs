//! A naive model of an installation: plain collections of what there is. Nothing here asks the code that it is compared with.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jmap_domain::{DenyReason, GlobalPermission, Permission, ProjectAct};

use super::act::Die;

pub(crate) const ADMINISTRATOR: i64 = 1;
pub(crate) const ANONYMOUS: i64 = 2;
pub(crate) const EVERYONE: i64 = 3;
pub(crate) const AUTHENTICATED: i64 = 4;
/// An id that is never given out.
pub(crate) const NOBODY: i64 = 999_999;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) server: bool,
    pub(crate) enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Project {
    pub(crate) name: String,
    pub(crate) position: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    Project { project: i64, position: u32 },
    Personal { owner: i64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Reserved,
    RunOut,
    Active,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    pub(crate) name: String,
    pub(crate) site: Site,
    pub(crate) editing: bool,
    pub(crate) offered_to: Option<i64>,
    pub(crate) life: Life,
    pub(crate) by: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) permissions: BTreeSet<Permission>,
    pub(crate) own_only: bool,
}

/// What is stored of the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) users: BTreeMap<i64, User>,
    pub(crate) groups: BTreeMap<i64, String>,
    /// Group and user.
    pub(crate) members: BTreeSet<(i64, i64)>,
    pub(crate) globals: BTreeSet<(i64, GlobalPermission)>,
    pub(crate) projects: BTreeMap<i64, Project>,
    /// By project and principal; no row is empty.
    pub(crate) offices: BTreeMap<(i64, i64), HashSet<ProjectAct>>,
    pub(crate) layers: BTreeMap<i64, Layer>,
    /// By layer and principal; no row is empty.
    pub(crate) grants: BTreeMap<(i64, i64), Grant>,
    pub(crate) removed: BTreeSet<i64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) user: i64,
    pub(crate) server: bool,
    pub(crate) open: bool,
}

/// The installation, and what was ever in it.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) stored: Stored,
    pub(crate) sessions: BTreeMap<i64, Session>,
    pub(crate) last_principal: i64,
    pub(crate) last_project: i64,
    pub(crate) last_layer: i64,
    pub(crate) last_session: i64,
    ever_users: Vec<i64>,
    ever_groups: Vec<i64>,
}

/// Who somebody is, once let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Anonymous,
    Person(i64),
    Server(i64),
}

/// Who somebody is, or why it is nobody any more (R117).
pub(crate) type Admitted = Result<Who, DenyReason>;

/// What a name is compared by (R26).
pub(crate) fn key(name: &str) -> String {
    name.to_lowercase()
}

/// One of a few names, some of which differ in case alone.
pub(crate) fn name_of(what: &str, die: Die) -> String {
    let number = die % 8 / 2;
    if die.is_multiple_of(2) {
        format!("{what} {number}")
    } else {
        format!("{} {number}", what.to_uppercase())
    }
}

fn pick(pool: &[i64], die: Die) -> i64 {
    pool[usize::from(die) % pool.len()]
}

impl Model {
    /// A new installation with the administrator's and layer-data's session.
    pub(crate) fn new() -> Self {
        let user = |name: &str| User {
            name: name.to_owned(),
            server: false,
            enabled: true,
        };
        let stored = Stored {
            users: [
                (ADMINISTRATOR, user("administrator")),
                (ANONYMOUS, user("anonymous")),
            ]
            .into(),
            groups: [
                (EVERYONE, "everyone".to_owned()),
                (AUTHENTICATED, "authenticated".to_owned()),
            ]
            .into(),
            globals: [(ADMINISTRATOR, GlobalPermission::SuperAdministrator)].into(),
            ..Stored::default()
        };
        let session = Session {
            user: ADMINISTRATOR,
            server: false,
            open: true,
        };
        Self {
            stored,
            sessions: [(1, session)].into(),
            last_principal: 4,
            last_project: 0,
            last_layer: 0,
            last_session: 2,
            ever_users: vec![ADMINISTRATOR, ANONYMOUS],
            ever_groups: vec![EVERYONE, AUTHENTICATED],
        }
    }

    pub(crate) fn user(&self, die: Die) -> i64 {
        pick(&[self.ever_users.as_slice(), &[NOBODY]].concat(), die)
    }

    pub(crate) fn group(&self, die: Die) -> i64 {
        pick(&[self.ever_groups.as_slice(), &[NOBODY]].concat(), die)
    }

    pub(crate) fn principal(&self, die: Die) -> i64 {
        pick(
            &[self.ever_users.as_slice(), &self.ever_groups, &[NOBODY]].concat(),
            die,
        )
    }

    pub(crate) fn project(&self, die: Die) -> i64 {
        pick(&(1..=self.last_project + 1).collect::<Vec<_>>(), die)
    }

    pub(crate) fn layer(&self, die: Die) -> i64 {
        pick(&(1..=self.last_layer + 1).collect::<Vec<_>>(), die)
    }

    pub(crate) fn session(&self, die: Die) -> i64 {
        pick(&self.sessions.keys().copied().collect::<Vec<_>>(), die)
    }

    pub(crate) fn next_user(&mut self) -> i64 {
        self.last_principal += 1;
        self.ever_users.push(self.last_principal);
        self.last_principal
    }

    pub(crate) fn next_group(&mut self) -> i64 {
        self.last_principal += 1;
        self.ever_groups.push(self.last_principal);
        self.last_principal
    }

    /// Who a session stands for by now (R9, R117).
    pub(crate) fn admitted(&self, session: i64) -> Admitted {
        let Some(session) = self.sessions.get(&session).filter(|session| session.open) else {
            return Err(DenyReason::SessionClosed);
        };
        match self.stored.users.get(&session.user) {
            Some(user) if user.enabled && session.server => Ok(Who::Server(session.user)),
            Some(user) if user.enabled => Ok(Who::Person(session.user)),
            _ => Err(DenyReason::AccountDisabled),
        }
    }
}
