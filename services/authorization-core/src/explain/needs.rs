//! The needs of each act, and the grants that are about them.

use jmap_domain::{
    GlobalPermission, LayerAct, LayerId, Permission, PrincipalId, ProjectAct, ProjectId, Question,
    SessionKind,
};

use super::{Contribution, Ineffective, Need, NeedKind};
use crate::{Facts, LayerEntry, Path, Snapshot, model::Placement, rules};

/// What an act needs, each with what gives it to the subject.
pub(super) fn of(snapshot: &Snapshot, facts: &Facts<'_>, question: Question) -> Vec<Need> {
    match question {
        Question::Layer(id, act) => layer_needs(snapshot, facts, id, act),
        Question::Project(id, act) => project_needs(snapshot, facts, id, act),
        Question::Connection(_, _) => vec![existence(false)],
        Question::Global(permission) => vec![global_need(snapshot, facts, permission)],
    }
}

fn layer_needs(snapshot: &Snapshot, facts: &Facts<'_>, id: LayerId, act: LayerAct) -> Vec<Need> {
    let Some(entry) = snapshot.layer(id) else {
        return vec![existence(false)];
    };
    let needs = match act {
        LayerAct::Elements(permission) => element_needs(snapshot, facts, entry, permission),
        LayerAct::ReadConfiguration if rules::sees(snapshot, facts, entry) => {
            element_needs(snapshot, facts, entry, Permission::View)
        }
        LayerAct::ReadConfiguration | LayerAct::ChangeStructure | LayerAct::Delete => {
            administration(snapshot, facts, entry, act)
        }
    };
    std::iter::once(existence(true)).chain(needs).collect()
}

/// What an act on elements needs: to get in, to see, and the right itself.
fn element_needs(
    snapshot: &Snapshot,
    facts: &Facts<'_>,
    entry: &LayerEntry,
    wanted: Permission,
) -> Vec<Need> {
    let mut needs = Vec::new();
    if let Some(project) = entry.project() {
        needs.push(right(snapshot, facts, project, ProjectAct::Open));
    }
    if facts.is_server() {
        needs.push(permission_need(
            snapshot,
            facts,
            entry,
            Permission::RemoteAccess,
        ));
    } else if wanted == Permission::RemoteAccess {
        needs.push(bare(NeedKind::Session(SessionKind::Server), false));
    }
    needs.push(permission_need(snapshot, facts, entry, Permission::View));
    if wanted != Permission::View && !(wanted == Permission::RemoteAccess && facts.is_server()) {
        needs.push(permission_need(snapshot, facts, entry, wanted));
    }
    if wanted.needs_editing() {
        needs.push(bare(NeedKind::Editing, rules::editing_enabled(entry)));
    }
    if wanted.narrows_to_own() && only_own(&needs, wanted) {
        needs.push(bare(NeedKind::Actor, facts.actor().is_some()));
    }
    needs
}

/// Whether every grant of the permission reaches only own elements.
fn only_own(needs: &[Need], wanted: Permission) -> bool {
    let about = needs
        .iter()
        .filter(|need| need.kind == NeedKind::Permission(wanted));
    let mut grants = about.flat_map(|need| &need.grants).peekable();
    grants.peek().is_some() && grants.all(|grant| grant.own_only)
}

fn permission_need(
    snapshot: &Snapshot,
    facts: &Facts<'_>,
    entry: &LayerEntry,
    wanted: Permission,
) -> Need {
    let owner = rules::owns(facts, entry).then_some(Path::Owner);
    let owner = owner.map(|path| Contribution {
        path,
        own_only: false,
        ineffective: asleep(snapshot, facts, entry, wanted),
    });
    let rows = rules::paths_to(facts, entry, wanted).filter_map(|(path, id)| {
        let row = entry.grants.get(&id).filter(|row| row.gives(wanted))?;
        let own_only = row.own_only && wanted.narrows_to_own();
        let ineffective = asleep(snapshot, facts, entry, wanted)
            .or_else(|| (own_only && facts.actor().is_none()).then_some(Ineffective::OwnsNothing));
        Some(Contribution {
            path,
            own_only,
            ineffective,
        })
    });
    let grants: Vec<_> = owner.into_iter().chain(rows).collect();
    // A sleeping grant is not missing: what is missing is what it sleeps for, and that is a need of its own.
    let usable = wanted != Permission::RemoteAccess || facts.is_server();
    Need {
        kind: NeedKind::Permission(wanted),
        met: usable && !grants.is_empty(),
        grants,
    }
}

/// Why a permission that reaches the subject gives it nothing now.
pub(crate) fn asleep(
    snapshot: &Snapshot,
    facts: &Facts<'_>,
    entry: &LayerEntry,
    wanted: Permission,
) -> Option<Ineffective> {
    let granted = |permission| {
        let paths = rules::paths_to(facts, entry, permission);
        let mut rows = paths.filter_map(|(_, id)| entry.grants.get(&id));
        rules::owns(facts, entry) || rows.any(|row| row.gives(permission))
    };
    let closed = |id| !rules::opens(snapshot, facts, id);
    if entry.project().is_some_and(closed) {
        Some(Ineffective::CannotOpen)
    } else if wanted == Permission::RemoteAccess && !facts.is_server() {
        Some(Ineffective::ServerSessionsOnly)
    } else if facts.is_server() && !granted(Permission::RemoteAccess) {
        Some(Ineffective::NoRemoteAccess)
    } else if !granted(Permission::View) {
        Some(Ineffective::CannotView)
    } else if wanted.needs_editing() && !rules::editing_enabled(entry) {
        Some(Ineffective::EditingDisabled)
    } else {
        None
    }
}

/// What an administrative act on a layer needs.
fn administration(
    snapshot: &Snapshot,
    facts: &Facts<'_>,
    entry: &LayerEntry,
    act: LayerAct,
) -> Vec<Need> {
    let reads = act == LayerAct::ReadConfiguration;
    match entry.layer.placement {
        Placement::Project {
            project,
            position: _,
        } => {
            let needed = if reads {
                ProjectAct::Access
            } else {
                ProjectAct::Administrate
            };
            project_needs(snapshot, facts, project, needed)
        }
        Placement::Personal { owner: _ } if rules::owns(facts, entry) => {
            vec![bare(NeedKind::Ownership, true)]
        }
        Placement::Personal { owner: _ } if reads || act == LayerAct::Delete => {
            vec![global_need(
                snapshot,
                facts,
                GlobalPermission::AdministerPersonalLayers,
            )]
        }
        Placement::Personal { owner: _ } => vec![bare(NeedKind::Ownership, false)],
    }
}

fn project_needs(
    snapshot: &Snapshot,
    facts: &Facts<'_>,
    id: ProjectId,
    act: ProjectAct,
) -> Vec<Need> {
    let exists = existence(snapshot.project(id).is_some());
    let kind = NeedKind::Session(SessionKind::Ordinary);
    let person = (act != ProjectAct::Open).then(|| bare(kind, facts.person().is_some()));
    [Some(exists), person, Some(right(snapshot, facts, id, act))]
        .into_iter()
        .flatten()
        .collect()
}

/// A right on a project, with the rows that give it.
fn right(snapshot: &Snapshot, facts: &Facts<'_>, id: ProjectId, act: ProjectAct) -> Need {
    let given = |principal: PrincipalId| {
        let row = snapshot
            .project(id)
            .and_then(|entry| entry.grants.get(&principal));
        row.is_some_and(|rights| rights.gives(act))
    };
    let rows = facts
        .paths()
        .filter(|(_, principal)| given(*principal))
        .map(|(path, _)| path);
    let administrator = act != ProjectAct::Open && facts.is_super_administrator();
    let grants: Vec<_> = administrator
        .then_some(Path::SuperAdministrator)
        .into_iter()
        .chain(rows)
        .map(|path| Contribution {
            path,
            own_only: false,
            ineffective: None,
        })
        .collect();
    Need {
        kind: NeedKind::Project(id, act),
        met: !grants.is_empty(),
        grants,
    }
}

fn global_need(snapshot: &Snapshot, facts: &Facts<'_>, permission: GlobalPermission) -> Need {
    let implied = facts.is_super_administrator() && facts.holds(permission);
    let rows = facts.paths().filter(|(path, principal)| {
        *path != Path::Everyone && snapshot.globals(*principal).contains(permission)
    });
    let grants = implied
        .then_some(Path::SuperAdministrator)
        .into_iter()
        .chain(rows.map(|(path, _)| path))
        .map(|path| Contribution {
            path,
            own_only: false,
            ineffective: None,
        })
        .collect();
    Need {
        kind: NeedKind::Global(permission),
        met: facts.holds(permission),
        grants,
    }
}

const fn existence(met: bool) -> Need {
    bare(NeedKind::Existence, met)
}

const fn bare(kind: NeedKind, met: bool) -> Need {
    Need {
        kind,
        met,
        grants: Vec::new(),
    }
}
