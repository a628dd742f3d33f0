//! What the model says about each act: whether it may be done, what is wrong with it, and what it changes.

use jmap_domain::{Decision, DenyReason, GlobalPermission, LayerAct, ProjectAct, Question};

use super::{
    act::{Act, Die, OnAccounts, OnGroups, Read},
    model::{
        ADMINISTRATOR, ANONYMOUS, AUTHENTICATED, EVERYONE, Life, Model, Session, Site, Stored,
        User, Who, key, name_of,
    },
    words::{layer_id, project_id},
};

/// Why an act is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Sign in first.
    NotSignedIn,
    /// The session or the account is over (R9, R117).
    Over,
    /// It does not exist for the caller (R40).
    Hidden,
    /// The caller knows of it, and may not.
    Forbidden,
    /// The caller has read something older.
    Stale,
    /// Nobody would be left to administer or to own (R16).
    Last,
    /// The act makes no sense: names that are taken, ids of nothing, grants that are refused.
    Wrong,
}

pub(crate) type Verdict = Result<(), Why>;

/// Who changes something.
#[derive(Clone, Copy)]
pub(super) struct Author {
    pub(super) session: i64,
    pub(super) who: Who,
}

/// Fails unless something is so.
pub(super) fn ensure(so: bool, why: Why) -> Verdict {
    if so { Ok(()) } else { Err(why) }
}

impl Model {
    /// Does what the act does, or says why not. A model that refused is to be thrown away.
    pub(crate) fn perform(&mut self, session: Option<i64>, act: &Act) -> Verdict {
        let before = self.stored.clone();
        match act {
            Act::SignIn { user } => self.sign_in(self.user(*user)),
            Act::RunOut { swept } => {
                self.run_out(*swept);
                Ok(())
            }
            Act::Accounts(act) => self.on_accounts(self.author(session)?, act),
            Act::Groups(act) => self.on_groups(self.author(session)?, act),
            Act::Projects(act) => self.on_projects(self.author(session)?, act),
            Act::Layers(act) => self.on_layers(self.author(session)?, act),
        }?;
        self.stored.keeps_holders(&before)
    }

    /// Whoever changes something is signed in (R117, R118).
    fn author(&self, session: Option<i64>) -> Result<Author, Why> {
        let session = session.ok_or(Why::NotSignedIn)?;
        let who = self
            .admitted(session)
            .map_err(|_reason: DenyReason| Why::Over)?;
        Ok(Author { session, who })
    }

    fn on_accounts(&mut self, Author { session, who }: Author, act: &OnAccounts) -> Verdict {
        match act {
            OnAccounts::CreateUser { name, server } => self.create_user(who, *name, *server),
            OnAccounts::SetEnabled { user, enabled } => self.set_enabled(who, *user, *enabled),
            OnAccounts::DeleteUser { user } => self.delete_user(who, *user),
            OnAccounts::SignOut => {
                self.close(session);
                Ok(())
            }
            OnAccounts::CloseSession { session } => self.close_other(who, self.session(*session)),
        }
    }

    fn on_groups(&mut self, Author { session: _, who }: Author, act: &OnGroups) -> Verdict {
        self.require(who, Question::Global(GlobalPermission::SuperAdministrator))?;
        match act {
            OnGroups::CreateGroup { name } => self.create_group(*name),
            OnGroups::RenameGroup { group, name } => self.rename_group(*group, *name),
            OnGroups::DeleteGroup { group } => self.delete_group(*group),
            OnGroups::Members { group, add, remove } => self.members(*group, add, remove),
            OnGroups::Globals {
                principal,
                add,
                remove,
            } => self.globals(*principal, add, remove),
        }
    }

    /// Goes on only if the rules' page lets somebody.
    pub(super) fn require(&self, who: Who, question: Question) -> Verdict {
        match self.stored.decide(Ok(who), question) {
            Decision::All | Decision::Own { creator: _ } => Ok(()),
            Decision::Denied(DenyReason::NotVisible) => Err(Why::Hidden),
            Decision::Denied(_) => Err(Why::Forbidden),
        }
    }

    pub(super) fn require_project(&self, who: Who, project: i64, act: ProjectAct) -> Verdict {
        self.require(who, Question::Project(project_id(project), act))
    }

    pub(super) fn require_layer(&self, who: Who, layer: i64, act: LayerAct) -> Verdict {
        self.require(who, Question::Layer(layer_id(layer), act))
    }

    pub(super) fn require_office(&self, who: Who) -> Verdict {
        self.require(who, Question::Global(GlobalPermission::SuperAdministrator))
    }

    /// R9: a deleted account cannot sign in; R118: nobody signs in as anonymous.
    fn sign_in(&mut self, user: i64) -> Verdict {
        let account = self.stored.users.get(&user).filter(|_| user != ANONYMOUS);
        let account = account.ok_or(Why::Wrong)?;
        ensure(account.enabled, Why::Over)?;
        let server = account.server;
        self.last_session += 1;
        let session = Session {
            user,
            server,
            open: true,
        };
        self.sessions.insert(self.last_session, session);
        Ok(())
    }

    fn close(&mut self, id: i64) {
        self.sessions.get_mut(&id).unwrap().open = false;
    }

    fn close_other(&mut self, who: Who, id: i64) -> Verdict {
        let owner = self.sessions[&id].user;
        let own = who == Who::Person(owner) || who == Who::Server(owner);
        let all = self.stored.holds(who, GlobalPermission::SuperAdministrator);
        ensure(own || all, Why::Wrong)?;
        self.close(id);
        Ok(())
    }

    fn create_user(&mut self, who: Who, name: Die, server: bool) -> Verdict {
        self.require_office(who)?;
        let name = name_of("user", name);
        let taken = self
            .stored
            .users
            .values()
            .any(|other| key(&other.name) == key(&name));
        ensure(!taken, Why::Wrong)?;
        let user = User {
            name,
            server,
            enabled: true,
        };
        let id = self.next_user();
        self.stored.users.insert(id, user);
        Ok(())
    }

    fn set_enabled(&mut self, who: Who, user: Die, enabled: bool) -> Verdict {
        self.require_office(who)?;
        let id = self.user(user);
        let user = self.stored.users.get_mut(&id).ok_or(Why::Wrong)?;
        ensure(enabled || id != ANONYMOUS, Why::Wrong)?;
        user.enabled = enabled;
        Ok(())
    }

    /// R1, R9; R79: its personal layers stay.
    fn delete_user(&mut self, who: Who, user: Die) -> Verdict {
        self.require_office(who)?;
        let id = self.user(user);
        let exists = self.stored.users.contains_key(&id);
        ensure(exists && id != ADMINISTRATOR && id != ANONYMOUS, Why::Wrong)?;
        self.stored.users.remove(&id);
        self.stored.members.retain(|(_, user)| *user != id);
        self.stored.forget_grants_to(id);
        for layer in self.stored.layers.values_mut() {
            if layer.site == (Site::Personal { owner: id }) || layer.offered_to == Some(id) {
                layer.offered_to = None;
            }
        }
        Ok(())
    }

    fn create_group(&mut self, name: Die) -> Verdict {
        let name = name_of("group", name);
        ensure(self.stored.group_named(&name).is_none(), Why::Wrong)?;
        let id = self.next_group();
        self.stored.groups.insert(id, name);
        Ok(())
    }

    fn rename_group(&mut self, group: Die, name: Die) -> Verdict {
        let (id, name) = (self.group(group), name_of("group", name));
        ensure(self.stored.is_ordinary_group(id), Why::Wrong)?;
        let holder = self.stored.group_named(&name);
        ensure(holder.is_none_or(|holder| holder == id), Why::Wrong)?;
        self.stored.groups.insert(id, name);
        Ok(())
    }

    fn delete_group(&mut self, group: Die) -> Verdict {
        let id = self.group(group);
        ensure(self.stored.is_ordinary_group(id), Why::Wrong)?;
        self.stored.groups.remove(&id);
        self.stored.members.retain(|(group, _)| *group != id);
        self.stored.forget_grants_to(id);
        Ok(())
    }

    /// All or nothing; whoever is in both lists goes.
    fn members(&mut self, group: Die, add: &[Die], remove: &[Die]) -> Verdict {
        let group = self.group(group);
        ensure(self.stored.is_ordinary_group(group), Why::Wrong)?;
        let users = |dice: &[Die]| dice.iter().map(|die| self.user(*die)).collect::<Vec<_>>();
        let (add, remove) = (users(add), users(remove));
        for user in add.iter().chain(&remove) {
            let exists = self.stored.users.contains_key(user);
            ensure(
                exists && *user != ADMINISTRATOR && *user != ANONYMOUS,
                Why::Wrong,
            )?;
        }
        self.stored
            .members
            .extend(add.iter().map(|user| (group, *user)));
        self.stored
            .members
            .retain(|(g, user)| *g != group || !remove.contains(user));
        Ok(())
    }

    /// R27.
    fn globals(
        &mut self,
        principal: Die,
        add: &[GlobalPermission],
        remove: &[GlobalPermission],
    ) -> Verdict {
        let id = self.principal(principal);
        ensure(self.stored.is_principal(id), Why::Wrong)?;
        ensure(id != EVERYONE && id != ANONYMOUS, Why::Wrong)?;
        self.stored
            .globals
            .extend(add.iter().map(|permission| (id, *permission)));
        self.stored
            .globals
            .retain(|(p, permission)| *p != id || !remove.contains(permission));
        Ok(())
    }
}

impl Stored {
    pub(super) fn is_principal(&self, id: i64) -> bool {
        self.users.contains_key(&id) || self.groups.contains_key(&id)
    }

    fn is_ordinary_group(&self, id: i64) -> bool {
        self.groups.contains_key(&id) && id != EVERYONE && id != AUTHENTICATED
    }

    fn group_named(&self, name: &str) -> Option<i64> {
        let found = self
            .groups
            .iter()
            .find(|(_, other)| key(other) == key(name));
        found.map(|(id, _)| *id)
    }

    fn forget_grants_to(&mut self, id: i64) {
        self.globals.retain(|(principal, _)| *principal != id);
        self.offices.retain(|(_, principal), _| *principal != id);
        self.grants.retain(|(_, principal), _| *principal != id);
    }

    pub(super) fn bury(&mut self, layer: i64) {
        self.layers.remove(&layer);
        self.grants.retain(|(id, _), _| *id != layer);
        self.removed.insert(layer);
    }
}

pub(super) fn up_to_date(read: Read) -> Verdict {
    ensure(!matches!(read, Read::Older), Why::Stale)
}

pub(super) fn all_differ(ids: &[i64]) -> bool {
    ids.iter()
        .enumerate()
        .all(|(at, id)| !ids[..at].contains(id))
}

/// Those named first, the others after them as they were; wrong when one is unknown or named twice (R23).
pub(super) fn reordered(all: Vec<i64>, first: &[i64]) -> Result<Vec<i64>, Why> {
    let known = first.iter().all(|id| all.contains(id));
    ensure(known && all_differ(first), Why::Wrong)?;
    let rest = all.into_iter().filter(|id| !first.contains(id));
    Ok(first.iter().copied().chain(rest).collect())
}

/// Whether a layer stands for nobody yet, and never will.
pub(super) const fn has_run_out(life: Life) -> bool {
    matches!(life, Life::RunOut)
}
