//! Who may do something, and why.

use std::sync::Arc;

use jmap_domain::{
    Decision, GlobalPermission, LayerAct, LayerId, Permission, PrincipalId, ProjectAct, ProjectId,
    Question, UserId,
};

use super::Portion;
use crate::{
    Explanation, Facts, LayerEntry, Snapshot, Standing,
    crowd::Crowd,
    explain,
    model::{Placement, User},
    rules,
};

/// An account that may do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSubject {
    /// The account.
    pub user: Arc<User>,
    /// How far, and by which grants.
    pub explanation: Explanation,
}

/// The accounts that may do something, by id, each as if it had just signed in: exactly those for which the rules say
/// so. Anonymous is one of them.
#[must_use]
pub fn allowed_subjects(
    policy: &Snapshot,
    question: Question,
    portion: Portion<UserId>,
) -> Vec<FoundSubject> {
    let Portion { after, limit } = portion;
    let crowd = crowd(policy, question);
    let allowed = crowd.by_id(policy, after).filter_map(|user| {
        let standing = Standing::of_account(user);
        let decision = rules::decide(policy, &Facts::of(policy, standing), question);
        let allowed = match decision {
            Decision::All | Decision::Own { creator: _ } => true,
            Decision::Denied(_) => false,
        };
        allowed.then(|| FoundSubject {
            user: Arc::clone(user),
            explanation: explain::explain(policy, standing, question),
        })
    });
    allowed.take(limit).collect()
}

/// The accounts among which all that may do it are.
fn crowd(policy: &Snapshot, question: Question) -> Crowd {
    match question {
        Question::Layer(id, act) => layer_crowd(policy, id, act),
        Question::Project(id, ProjectAct::Open) => granted(policy, id, ProjectAct::Open),
        Question::Project(id, act) => administrators(policy, id, act),
        // No connection can be registered yet, so none exists for anybody.
        Question::Connection(_, _) => Crowd::NOBODY,
        Question::Global(permission) => {
            holders(policy, permission).or(holders(policy, GlobalPermission::SuperAdministrator))
        }
    }
}

fn layer_crowd(policy: &Snapshot, id: LayerId, act: LayerAct) -> Crowd {
    let Some(entry) = policy.layer(id) else {
        return Crowd::NOBODY;
    };
    match act {
        LayerAct::Elements(permission) => editors(policy, entry, permission),
        LayerAct::ReadConfiguration => {
            editors(policy, entry, Permission::View).or(managers(policy, entry, ProjectAct::Access))
        }
        LayerAct::ChangeStructure | LayerAct::Delete => {
            managers(policy, entry, ProjectAct::Administrate)
        }
    }
}

/// Those with a grant of the permission who may open the project as well.
fn editors(policy: &Snapshot, entry: &LayerEntry, permission: Permission) -> Crowd {
    let rows = entry.grants.iter().filter(|(_, row)| row.gives(permission));
    let granted_here = Crowd::behind(policy, rows.map(|(principal, _)| *principal));
    match entry.layer.placement {
        Placement::Project {
            project,
            position: _,
        } => granted_here.and(granted(policy, project, ProjectAct::Open)),
        Placement::Personal { owner } => granted_here.or(one(policy, owner)),
    }
}

fn managers(policy: &Snapshot, entry: &LayerEntry, act: ProjectAct) -> Crowd {
    match entry.layer.placement {
        Placement::Project {
            project,
            position: _,
        } => administrators(policy, project, act),
        Placement::Personal { owner } => one(policy, owner)
            .or(holders(policy, GlobalPermission::AdministerPersonalLayers))
            .or(holders(policy, GlobalPermission::SuperAdministrator)),
    }
}

fn administrators(policy: &Snapshot, project: ProjectId, act: ProjectAct) -> Crowd {
    granted(policy, project, act).or(holders(policy, GlobalPermission::SuperAdministrator))
}

fn granted(policy: &Snapshot, project: ProjectId, act: ProjectAct) -> Crowd {
    let rows = policy.project(project).into_iter();
    let rows = rows.flat_map(|entry| &entry.grants);
    let giving = rows.filter(|(_, rights)| rights.gives(act));
    Crowd::behind(policy, giving.map(|(principal, _)| *principal))
}

fn holders(policy: &Snapshot, permission: GlobalPermission) -> Crowd {
    let rows = policy.globals_table();
    let giving = rows.filter(|(_, set)| set.contains(permission));
    Crowd::behind(policy, giving.map(|(principal, _)| principal))
}

fn one(policy: &Snapshot, user: UserId) -> Crowd {
    Crowd::behind(policy, std::iter::once(PrincipalId::from(user)))
}
