//! THE rules: who may do what. Pure and total; everything else only carries questions here and answers away.

use jmap_domain::{
    Decision, DenyReason, EffectivePermissions, GlobalPermission, LayerAct, LayerId, Permission,
    PermissionSet, PrincipalId, ProjectAct, ProjectId, Question, UserId,
};

use crate::{
    Facts, Home, LayerEntry, Path, Snapshot,
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
    let entry = snapshot.layer(layer);
    let flags = entry.and_then(|entry| flags(snapshot, facts, entry));
    flags.unwrap_or_default()
}

/// The flags of a layer that the subject sees; `None` for one that does not exist for it.
pub(crate) fn flags(
    snapshot: &Snapshot,
    facts: &Facts<'_>,
    entry: &LayerEntry,
) -> Option<EffectivePermissions> {
    seen(snapshot, facts, entry).map(|held| flags_of(facts, entry, held))
}

/// The layers of a project that the subject sees, each with its flags, in the administrator's order (R23). Whether the
/// project is open is asked once for all.
pub(crate) fn flags_in<'s>(
    snapshot: &'s Snapshot,
    facts: &Facts<'s>,
    project: ProjectId,
) -> impl Iterator<Item = (&'s LayerEntry, EffectivePermissions)> {
    let opened = opens(snapshot, facts, project);
    let layers = opened.then(|| snapshot.layers_in(Home::Project(project)));
    let active = layers.into_iter().flatten().filter(|e| e.is_active());
    active.filter_map(|entry| {
        let held = seen_in_open(facts, entry)?;
        Some((entry, flags_of(facts, entry, held)))
    })
}

fn flags_of(facts: &Facts<'_>, entry: &LayerEntry, held: Held) -> EffectivePermissions {
    let none = EffectivePermissions::default();
    Permission::ALL.into_iter().fold(none, |flags, permission| {
        flags.with(permission, permitted(facts, entry, held, permission))
    })
}

/// What the grants of all paths give on a layer, implied permissions included (R6, R34).
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    all: PermissionSet,
    /// What at least one path gives on own elements.
    own: PermissionSet,
}

impl Held {
    /// The least restrictive path wins, per permission (R56).
    const fn or(self, other: Self) -> Self {
        Self {
            all: self.all.union(other.all),
            own: self.own.union(other.own),
        }
    }
}

/// The right to act on elements, with everything that it needs folded in.
fn elements(snapshot: &Snapshot, facts: &Facts<'_>, id: LayerId, wanted: Permission) -> Decision {
    let seen = |entry| seen(snapshot, facts, entry).map(|held| (entry, held));
    match snapshot.layer(id).and_then(seen) {
        Some((entry, held)) => permitted(facts, entry, held, wanted),
        None => Decision::Denied(DenyReason::NotVisible),
    }
}

/// The right to act on the elements of a layer that the subject sees.
fn permitted(facts: &Facts<'_>, entry: &LayerEntry, held: Held, wanted: Permission) -> Decision {
    let all = held.all.contains(wanted);
    if !all && !held.own.contains(wanted) {
        return Decision::Denied(DenyReason::NoGrant);
    }
    // R31: stored grants sleep while editing is disabled.
    if wanted.needs_editing() && !editing_enabled(entry) {
        return Decision::Denied(DenyReason::EditingDisabled);
    }
    match facts.actor() {
        _ if all => Decision::All,
        Some(creator) => Decision::Own { creator },
        None => Decision::Denied(DenyReason::OwnsNothing),
    }
}

/// Whether the layer exists for the subject.
pub(crate) fn sees(snapshot: &Snapshot, facts: &Facts<'_>, entry: &LayerEntry) -> bool {
    seen(snapshot, facts, entry).is_some()
}

/// What the subject holds on a layer that exists for it: that can be reached, and on which *view* is held (R20, R40,
/// R86).
fn seen(snapshot: &Snapshot, facts: &Facts<'_>, entry: &LayerEntry) -> Option<Held> {
    let opened = entry.project().is_none_or(|id| opens(snapshot, facts, id));
    opened.then(|| seen_in_open(facts, entry)).flatten()
}

/// The same where the project is known to be open to the subject, or there is none.
fn seen_in_open(facts: &Facts<'_>, entry: &LayerEntry) -> Option<Held> {
    let held = held(facts, entry);
    let let_in = !facts.is_server() || held.all.contains(Permission::RemoteAccess);
    (let_in && held.all.contains(Permission::View)).then_some(held)
}

fn held(facts: &Facts<'_>, entry: &LayerEntry) -> Held {
    let granted = if owns(facts, entry) {
        Held {
            all: PermissionSet::ALL,
            own: PermissionSet::EMPTY,
        }
    } else {
        let rows = facts.paths().filter_map(|(path, id)| {
            let row = entry.grants.get(&id)?;
            Some(given(*row, counts_for(entry, path, id)))
        });
        rows.fold(Held::default(), Held::or)
    };
    // R88: it is a server's right to come in, and gives nothing else.
    if facts.is_server() {
        return granted;
    }
    Held {
        all: granted.all.without(Permission::RemoteAccess),
        own: granted.own,
    }
}

/// What one row gives of those permissions; the option narrows only what it is about (R51, R52).
fn given(row: LayerGrant, counted: PermissionSet) -> Held {
    let given = row.permissions.with_implied().intersection(counted);
    let own = if row.own_only {
        given.intersection(PermissionSet::NARROWED_TO_OWN)
    } else {
        PermissionSet::EMPTY
    };
    Held {
        all: given.difference(own),
        own,
    }
}

/// The permissions that a path can give on a layer: special groups and anonymous have no part in personal layers (R68),
/// nor in server sessions' way in (R100).
fn counts_for(entry: &LayerEntry, path: Path, principal: PrincipalId) -> PermissionSet {
    if is_named(path, principal) {
        PermissionSet::ALL
    } else if entry.project().is_none() {
        PermissionSet::EMPTY
    } else {
        PermissionSet::ALL.without(Permission::RemoteAccess)
    }
}

/// The paths that count for a permission on a layer.
pub(crate) fn paths_to(
    facts: &Facts<'_>,
    entry: &LayerEntry,
    wanted: Permission,
) -> impl Iterator<Item = (Path, PrincipalId)> {
    facts
        .paths()
        .filter(move |(path, id)| counts_for(entry, *path, *id).contains(wanted))
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
