//! THE rules: who may do what. Pure and total; everything else only carries questions here and answers away.

use jmap_domain::{
    Decision, DenyReason, EffectivePermissions, GlobalPermission, LayerAct, LayerId, Permission,
    PrincipalId, ProjectAct, ProjectId, Question, UserId,
};

use crate::{
    Facts, LayerEntry, Path, Snapshot,
    model::{Editing, LayerGrant, Placement, ProjectRights},
};

/// Decides one question about one subject.
///
/// *Not visible* comes before every other reason, so that a refusal never tells that something exists (R40).
#[must_use]
pub fn decide(snapshot: &Snapshot, facts: &Facts<'_>, question: Question) -> Decision {
    if let Some(reason) = facts.barred() {
        return Decision::Denied(reason);
    }
    match question {
        Question::Layer(id, LayerAct::Elements(permission)) => {
            elements(snapshot, facts, id, permission)
        }
        Question::Layer(id, LayerAct::ReadConfiguration) => {
            administered(snapshot, facts, id, |entry| {
                sees(snapshot, facts, entry) || inspects(snapshot, facts, entry)
            })
        }
        Question::Layer(id, LayerAct::ChangeStructure) => {
            administered(snapshot, facts, id, |entry| manages(snapshot, facts, entry))
        }
        Question::Layer(id, LayerAct::Delete) => administered(snapshot, facts, id, |entry| {
            may_delete(snapshot, facts, entry)
        }),
        Question::Project(id, act) => project(snapshot, facts, id, act),
        // No connection can be registered yet, so none exists for anybody.
        Question::Connection(_, _) => Decision::Denied(DenyReason::NotVisible),
        Question::Global(permission) => yes_if(facts.holds(permission)),
    }
}

/// What a subject may do on a layer, as flags: the same decisions, one per permission (R43, R44).
#[must_use]
pub fn effective_permissions(
    snapshot: &Snapshot,
    facts: &Facts<'_>,
    layer: LayerId,
) -> EffectivePermissions {
    Permission::ALL
        .into_iter()
        .fold(EffectivePermissions::default(), |flags, permission| {
            let question = Question::Layer(layer, LayerAct::Elements(permission));
            flags.with(permission, decide(snapshot, facts, question))
        })
}

/// How far the grants of a permission reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Nothing,
    Own,
    All,
}

/// The right to act on elements, with everything that it needs folded in.
fn elements(snapshot: &Snapshot, facts: &Facts<'_>, id: LayerId, wanted: Permission) -> Decision {
    let Some(entry) = snapshot
        .layer(id)
        .filter(|entry| sees(snapshot, facts, entry))
    else {
        return Decision::Denied(DenyReason::NotVisible);
    };
    // R31: stored grants sleep while editing is disabled.
    let asleep = wanted.needs_editing() && !editing_enabled(entry);
    match reach(facts, entry, wanted) {
        Reach::Nothing => Decision::Denied(DenyReason::NoGrant),
        Reach::Own | Reach::All if asleep => Decision::Denied(DenyReason::EditingDisabled),
        Reach::All => Decision::All,
        Reach::Own => {
            let own = |creator| Decision::Own { creator };
            facts
                .actor()
                .map_or(Decision::Denied(DenyReason::OwnsNothing), own)
        }
    }
}

/// Whether the layer exists for the subject: it can be reached, and *view* is held (R20, R40, R86).
pub(crate) fn sees(snapshot: &Snapshot, facts: &Facts<'_>, entry: &LayerEntry) -> bool {
    let opened = entry.project().is_none_or(|id| opens(snapshot, facts, id));
    let let_in = !facts.is_server() || reach(facts, entry, Permission::RemoteAccess) == Reach::All;
    opened && let_in && reach(facts, entry, Permission::View) == Reach::All
}

/// The least restrictive path wins, per permission (R6, R56).
fn reach(facts: &Facts<'_>, entry: &LayerEntry, wanted: Permission) -> Reach {
    // R88: it is a server's right to come in, and gives nothing else.
    if wanted == Permission::RemoteAccess && !facts.is_server() {
        return Reach::Nothing;
    }
    if owns(facts, entry) {
        return Reach::All;
    }
    let rows = paths_to(facts, entry, wanted).filter_map(|(_, id)| entry.grants.get(&id));
    rows.map(|row| row_reach(*row, wanted))
        .max()
        .unwrap_or(Reach::Nothing)
}

/// How far one row reaches; the option narrows only what it is about (R51, R52).
fn row_reach(row: LayerGrant, wanted: Permission) -> Reach {
    match (row.gives(wanted), row.own_only && wanted.narrows_to_own()) {
        (false, _) => Reach::Nothing,
        (true, true) => Reach::Own,
        (true, false) => Reach::All,
    }
}

/// The paths that count for a permission on a layer: special groups and anonymous have no part in personal
/// layers (R68), nor in server sessions' way in (R100).
pub(crate) fn paths_to<'s>(
    facts: &Facts<'s>,
    entry: &LayerEntry,
    wanted: Permission,
) -> impl Iterator<Item = (Path, PrincipalId)> + use<'s> {
    let named_only = entry.project().is_none() || wanted == Permission::RemoteAccess;
    facts
        .paths()
        .filter(move |(path, id)| !named_only || is_named(*path, *id))
}

/// Whether the path is a grant to a chosen account or group.
fn is_named(path: Path, principal: PrincipalId) -> bool {
    match path {
        Path::Direct => principal != UserId::ANONYMOUS.into(),
        Path::Group(_) => true,
        Path::Authenticated | Path::Everyone | Path::Owner | Path::SuperAdministrator => false,
    }
}

/// Whether editing is enabled; on a personal layer it always is (R83).
pub(crate) fn editing_enabled(entry: &LayerEntry) -> bool {
    entry.project().is_none() || entry.layer.editing == Editing::Enabled
}

/// Whether the subject owns the personal layer (R69).
pub(crate) fn owns(facts: &Facts<'_>, entry: &LayerEntry) -> bool {
    match entry.layer.placement {
        Placement::Personal { owner } => facts.person() == Some(owner),
        Placement::Project {
            project: _,
            position: _,
        } => false,
    }
}

/// An act of the administration plane on a layer; who may not even know of the layer learns nothing else (R46).
fn administered(
    snapshot: &Snapshot,
    facts: &Facts<'_>,
    id: LayerId,
    allowed: impl Fn(&LayerEntry) -> bool,
) -> Decision {
    match snapshot.layer(id) {
        Some(entry) if allowed(entry) => Decision::All,
        Some(entry) if sees(snapshot, facts, entry) || inspects(snapshot, facts, entry) => {
            Decision::Denied(DenyReason::NoGrant)
        }
        Some(_) | None => Decision::Denied(DenyReason::NotVisible),
    }
}

/// Whether the subject sees the configuration from the administration plane (R46, R72).
pub(crate) fn inspects(snapshot: &Snapshot, facts: &Facts<'_>, entry: &LayerEntry) -> bool {
    match entry.layer.placement {
        Placement::Project {
            project,
            position: _,
        } => administers(snapshot, facts, project, ProjectAct::Access),
        Placement::Personal { owner: _ } => {
            owns(facts, entry) || facts.holds(GlobalPermission::AdministerPersonalLayers)
        }
    }
}

/// Whether the subject changes structure, name and permissions (R17, R41, R69).
pub(crate) fn manages(snapshot: &Snapshot, facts: &Facts<'_>, entry: &LayerEntry) -> bool {
    match entry.layer.placement {
        Placement::Project {
            project,
            position: _,
        } => administers(snapshot, facts, project, ProjectAct::Administrate),
        Placement::Personal { owner: _ } => owns(facts, entry),
    }
}

/// Whether the subject deletes the layer (R17, R69, R73).
fn may_delete(snapshot: &Snapshot, facts: &Facts<'_>, entry: &LayerEntry) -> bool {
    let for_others =
        entry.project().is_none() && facts.holds(GlobalPermission::AdministerPersonalLayers);
    for_others || manages(snapshot, facts, entry)
}

/// An act on a project; a project that the subject may neither open nor access does not exist for it (R21).
fn project(snapshot: &Snapshot, facts: &Facts<'_>, id: ProjectId, act: ProjectAct) -> Decision {
    let open = opens(snapshot, facts, id);
    let held = match act {
        ProjectAct::Open => open,
        ProjectAct::Access | ProjectAct::Administrate | ProjectAct::Own => {
            administers(snapshot, facts, id, act)
        }
    };
    if held || open || administers(snapshot, facts, id, ProjectAct::Access) {
        return yes_if(held);
    }
    Decision::Denied(DenyReason::NotVisible)
}

/// Whether the subject may use the project's layers (R20); administration does not include it (R18).
pub(crate) fn opens(snapshot: &Snapshot, facts: &Facts<'_>, id: ProjectId) -> bool {
    rights(snapshot, facts, id).contains(ProjectAct::Open)
}

/// Whether the subject holds a right of the administration plane on a project (R15, R17).
fn administers(snapshot: &Snapshot, facts: &Facts<'_>, id: ProjectId, act: ProjectAct) -> bool {
    let exists = snapshot.project(id).is_some();
    let granted = facts.person().is_some() && rights(snapshot, facts, id).gives(act);
    exists && (granted || facts.is_super_administrator())
}

/// The union of what all paths give on a project (R6).
fn rights(snapshot: &Snapshot, facts: &Facts<'_>, id: ProjectId) -> ProjectRights {
    let Some(entry) = snapshot.project(id) else {
        return ProjectRights::EMPTY;
    };
    let rows = facts
        .paths()
        .filter_map(|(_, principal)| entry.grants.get(&principal));
    rows.fold(ProjectRights::EMPTY, |all, row| all.union(*row))
}

/// A decision without a limit.
const fn yes_if(held: bool) -> Decision {
    if held {
        Decision::All
    } else {
        Decision::Denied(DenyReason::NoGrant)
    }
}
