//! Snapshots: what changes make, a rebuild makes alike.

use authorization_core::{
    Snapshot, Timestamp,
    change::{PolicyChange, StoredPolicy},
    model::Tombstone,
};
use jmap_domain::{GroupId, PolicyRevision, UserId};
use proptest::prelude::*;

use crate::world::{ANA, TEAM, World, change_set, layer_id, project_id, worlds};

/// What may happen to a world after it was made.
fn later_changes() -> impl Strategy<Value = Vec<PolicyChange>> {
    let ana = UserId::new(ANA).unwrap();
    let team = GroupId::new(TEAM).unwrap();
    let tombstone = Tombstone {
        layer: layer_id(),
        at: Timestamp::from_millis(5),
        by: None,
        revision: PolicyRevision(2),
        confirmed: false,
    };
    let one = prop_oneof![
        Just(PolicyChange::UserDeleted(ana)),
        Just(PolicyChange::GroupDeleted(team)),
        Just(PolicyChange::MemberRemoved(team, ana)),
        Just(PolicyChange::MemberAdded(team, ana)),
        Just(PolicyChange::FederatedMemberAdded(team, ana)),
        Just(PolicyChange::TombstonePut(tombstone)),
        Just(PolicyChange::TombstonePut(Tombstone {
            confirmed: true,
            ..tombstone
        })),
        Just(PolicyChange::ProjectDeleted(project_id())),
    ];
    prop::collection::vec(one, 0..4)
}

fn rebuilt(snapshot: &Snapshot) -> Snapshot {
    Snapshot::rebuild(&StoredPolicy {
        epoch: snapshot.token().epoch,
        revision: snapshot.revision(),
        marks: snapshot.marks(),
        records: snapshot.records(),
        sessions: vec![],
        last_session: 0,
    })
}

/// A member that was deleted cannot be added: the use cases never do it.
fn possible(changes: &[PolicyChange]) -> bool {
    let gone = changes.iter().position(|change| {
        matches!(
            change,
            PolicyChange::UserDeleted(_) | PolicyChange::GroupDeleted(_)
        )
    });
    let added = changes.iter().rposition(|change| {
        matches!(
            change,
            PolicyChange::MemberAdded(_, _) | PolicyChange::FederatedMemberAdded(_, _)
        )
    });
    !matches!((gone, added), (Some(gone), Some(added)) if gone < added)
}

proptest! {
    #[test]
    fn a_changed_snapshot_equals_one_rebuilt_from_its_records(world in worlds(), later in later_changes()) {
        prop_assume!(possible(&later));
        let changed = world.snapshot().apply(&change_set(2, later));
        prop_assert_eq!(&rebuilt(&changed), &changed);
    }

    /// R8, R9.
    #[test]
    fn a_deleted_principal_leaves_no_grant_behind(world in worlds()) {
        let ana = UserId::new(ANA).unwrap();
        let after = world.snapshot().apply(&change_set(2, vec![PolicyChange::UserDeleted(ana)]));
        let entry = after.registered_layer(layer_id()).unwrap();
        prop_assert!(entry.grants.keys().all(|id| *id != ana.into()));
        prop_assert!(after.project(project_id()).unwrap().grants.keys().all(|id| *id != ana.into()));
        prop_assert!(after.globals(ana.into()).is_empty() && after.groups_of(ana).is_none());
        prop_assert_eq!(after.layers_granted_to(ana.into()).count(), 0);
    }
}

#[test]
fn a_snapshot_is_not_touched_by_the_next_one() {
    let world = World {
        members: vec![(TEAM, ANA)],
        globals: vec![],
        project: vec![],
        layer: vec![],
        editing: false,
        personal_of: None,
        pending: false,
        ana_enabled: true,
    };
    let before = world.snapshot();
    let team = GroupId::new(TEAM).unwrap();
    let after = before.apply(&change_set(2, vec![PolicyChange::GroupDeleted(team)]));
    assert!(before.group(team).is_some() && after.group(team).is_none());
    assert_eq!(
        (before.revision(), after.revision()),
        (PolicyRevision(1), PolicyRevision(2))
    );
}
