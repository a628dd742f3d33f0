//! Revocations: which changes take a right away, and how long permits given before must be waited for (R123).

use std::{
    sync::atomic::{AtomicU64, Ordering, fence},
    time::Duration,
};

use crate::{
    Snapshot,
    change::{ChangeSet, PolicyChange},
    model::{Editing, GrantRow, Layer, LayerGrant, ProjectGrantRow, ProjectRights, User},
    ports::Clock,
};

/// Whether somebody may hold less after the changes than before. Too much caution costs a short wait, never a right.
pub(crate) fn takes_away(before: &Snapshot, set: &ChangeSet) -> bool {
    set.changes
        .iter()
        .any(|change| one_takes_away(before, change))
}

fn one_takes_away(before: &Snapshot, change: &PolicyChange) -> bool {
    match change {
        PolicyChange::UserPut(user) => disables(before, user),
        PolicyChange::GlobalsSet(who, set) => !before.globals(*who).difference(*set).is_empty(),
        PolicyChange::ProjectGrantsSet {
            project,
            revision: _,
            rows,
        } => {
            let table = before.project(*project).map(|entry| &entry.grants);
            rows.iter().any(|ProjectGrantRow { principal, rights }| {
                let held = table.and_then(|table| table.get(principal)).copied();
                !held
                    .unwrap_or(ProjectRights::EMPTY)
                    .difference(*rights)
                    .is_empty()
            })
        }
        PolicyChange::LayerPut(layer) => restricts(before, layer),
        PolicyChange::LayerGrantsSet {
            layer,
            revision: _,
            rows,
        } => {
            let table = before.registered_layer(*layer).map(|entry| &entry.grants);
            rows.iter().any(|GrantRow { principal, grant }| {
                let held = table.and_then(|table| table.get(principal)).copied();
                narrows(held.unwrap_or_default(), *grant)
            })
        }
        PolicyChange::UserDeleted(_)
        | PolicyChange::GroupDeleted(_)
        | PolicyChange::MemberRemoved(_, _)
        | PolicyChange::ServicePut(_)
        | PolicyChange::ServiceDeleted(_)
        | PolicyChange::ProjectDeleted(_)
        | PolicyChange::TombstonePut(_) => true,
        PolicyChange::PasswordSet(_)
        | PolicyChange::GroupPut(_)
        | PolicyChange::MemberAdded(_, _)
        | PolicyChange::FederatedMemberAdded(_, _)
        | PolicyChange::ServiceKeySet(_)
        | PolicyChange::ProjectPut(_) => false,
    }
}

fn disables(before: &Snapshot, user: &User) -> bool {
    before.user(user.id).is_some_and(|held| held.is_enabled()) && !user.is_enabled()
}

fn restricts(before: &Snapshot, layer: &Layer) -> bool {
    let Some(entry) = before.layer(layer.id) else {
        return false;
    };
    let closes = entry.layer.editing == Editing::Enabled && layer.editing == Editing::Disabled;
    let moves = crate::Home::from(entry.layer.placement) != crate::Home::from(layer.placement);
    closes || moves
}

const fn narrows(held: LayerGrant, granted: LayerGrant) -> bool {
    let takes = !held.permissions.difference(granted.permissions).is_empty();
    takes || (!held.own_only && granted.own_only)
}

/// Remembers until when permits given to services can still be used.
#[derive(Debug)]
pub(crate) struct Permits {
    life: Duration,
    latest: AtomicU64,
}

impl Permits {
    /// Permits live that long on the asker's clock, counted from before it asked.
    pub(crate) const fn new(life: Duration) -> Self {
        Self {
            life,
            latest: AtomicU64::new(0),
        }
    }

    /// How long a permit lives.
    pub(crate) const fn life(&self) -> Duration {
        self.life
    }

    /// Notes that a permit is being given. The giver must look again, afterwards, whether the snapshot that it
    /// decided on is still the current one: either it sees the change, or the change's author sees the note.
    pub(crate) fn note(&self, elapsed: Duration) {
        self.latest.fetch_max(micros(elapsed), Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Waits until every permit noted so far has run out. To be called after the swap.
    pub(crate) async fn run_out<C: Clock>(&self, clock: &C) {
        fence(Ordering::SeqCst);
        let latest = self.latest.load(Ordering::SeqCst);
        if latest == 0 {
            return;
        }
        let end = Duration::from_micros(latest) + self.life;
        if let Some(left) = end.checked_sub(clock.elapsed()) {
            clock.sleep(left).await;
        }
    }
}

/// Rounded up and never 0, which stands for "none yet".
fn micros(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_micros())
        .unwrap_or(u64::MAX)
        .saturating_add(1)
}
