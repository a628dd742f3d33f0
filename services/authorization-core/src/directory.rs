//! Users, groups and memberships: managed by super administrators alone (R15).

mod groups;
mod passwords;
mod users;

use std::sync::Arc;

use jmap_domain::{Caller, GlobalPermission, GroupId, Name, ProjectAct, Question, UserId};

pub use groups::{GroupUpdate, MembersUpdate};
pub(crate) use groups::{draft_group, draft_group_deletion, draft_members};
pub use users::{NewUser, UserUpdate};
pub(crate) use users::{draft_user_deletion, draft_user_update};

use crate::{
    Authority, Facts, Refusal, Resource, Snapshot, Standing,
    draft::Draft,
    model::{Group, User},
    ports::{Platform, PolicyStore},
};

/// Why a user, a group or a membership is not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// Another one bears the name, perhaps in other case (R26).
    #[error("the name `{0}` is taken")]
    NameTaken(Name),
    /// `administrator`, `anonymous`, `everyone` and `authenticated` stay as they are (R1).
    #[error("`{0}` is special and stays as it is")]
    Special(Name),
    /// Nobody signs in as anonymous (R118).
    #[error("anonymous cannot have a password")]
    NoPasswordAllowed,
    /// The current password, which changing one's own needs, is not right.
    #[error("the current password is wrong")]
    WrongPassword,
    /// Everything else.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Managing users and groups is for super administrators (R15).
fn require_directory(draft: &Draft) -> Result<(), Refusal> {
    draft.require(Question::Global(GlobalPermission::SuperAdministrator))
}

const fn is_special_user(user: &User) -> bool {
    user.id.get() == UserId::ADMINISTRATOR.get() || user.id.get() == UserId::ANONYMOUS.get()
}

pub(crate) const fn is_special_group(group: &Group) -> bool {
    group.id.get() == GroupId::EVERYONE.get() || group.id.get() == GroupId::AUTHENTICATED.get()
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Whether a caller may list principals: super administrators, administrators of any project, who grant to them, and
    /// whoever administers personal layers, which belong to them (R71).
    pub(crate) fn admit_reader(&self, caller: &Caller) -> Result<Arc<Snapshot>, Refusal> {
        let snapshot = self.snapshot();
        let standing = self.admit(caller)?;
        let facts = Facts::of(&snapshot, standing);
        if facts.is_super_administrator()
            || facts.holds(GlobalPermission::AdministerPersonalLayers)
            || administers_any_project(&snapshot, &facts)
        {
            return Ok(snapshot);
        }
        if standing == Standing::Anonymous {
            return Err(Refusal::NotSignedIn);
        }
        Err(Refusal::Forbidden(Resource::Installation))
    }
}

fn administers_any_project(snapshot: &Snapshot, facts: &Facts<'_>) -> bool {
    let projects = facts.paths().flat_map(|(_, id)| {
        snapshot
            .projects_granted_to(id)
            .filter_map(move |project| snapshot.project(project)?.grants.get(&id).copied())
    });
    facts.person().is_some()
        && projects
            .into_iter()
            .any(|rights| rights.gives(ProjectAct::Administrate))
}
