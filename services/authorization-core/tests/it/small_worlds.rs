//! Every small world of one layer, one user and one group, against the naive reference.

use authorization_core::model::{LayerGrant, ProjectRights};
use jmap_domain::{LayerAct, Permission, PermissionSet, ProjectAct, Question};

use crate::world::{ANA, TEAM, Who, World, decide, layer_id};

/// Rows of the group that differ in what they can change of the user's own row.
fn group_rows() -> Vec<Option<LayerGrant>> {
    let view = PermissionSet::of(Permission::View);
    let edits = view
        .with(Permission::ModifyElements)
        .with(Permission::DeleteElements)
        .with(Permission::RemoteAccess);
    let row = |permissions, own_only| {
        Some(LayerGrant {
            permissions,
            own_only,
        })
    };
    vec![
        None,
        row(view, false),
        row(edits, false),
        row(edits, true),
        row(PermissionSet::of(Permission::ModifyAttributes), true),
        row(PermissionSet::EMPTY, true),
    ]
}

#[test]
fn every_small_world_is_decided_as_the_rules_page_says() {
    // R5, R6, R20, R31-R37, R40, R44, R51-R56, R59, R86-R88.
    let mut asked = 0;
    for bits in 0..128 {
        for own_only in [false, true] {
            for group in group_rows() {
                let permissions = PermissionSet::from_bits(bits).unwrap();
                asked += ask_all(
                    LayerGrant {
                        permissions,
                        own_only,
                    },
                    group,
                );
            }
        }
    }
    assert_eq!(asked, 128 * 2 * 6 * 2 * 3 * 3 * 7);
}

fn ask_all(own: LayerGrant, group: Option<LayerGrant>) -> usize {
    let mut asked = 0;
    for editing in [false, true] {
        for opener in [None, Some(ANA), Some(TEAM)] {
            let open = ProjectRights::of(ProjectAct::Open);
            let world = World {
                members: vec![(TEAM, ANA)],
                globals: vec![],
                project: opener.map(|id| (id, open)).into_iter().collect(),
                layer: [Some((ANA, own)), group.map(|row| (TEAM, row))]
                    .into_iter()
                    .flatten()
                    .collect(),
                editing,
                personal_of: None,
                pending: false,
                ana_enabled: true,
            };
            asked += compare(&world);
        }
    }
    asked
}

fn compare(world: &World) -> usize {
    let snapshot = world.snapshot();
    let mut asked = 0;
    for who in [Who::Nobody, Who::Ordinary(ANA), Who::Server(ANA)] {
        for permission in Permission::ALL {
            let question = Question::Layer(layer_id(), LayerAct::Elements(permission));
            let decided = decide(&snapshot, who, question);
            assert_eq!(
                decided,
                world.expected(who, question),
                "{who:?} {permission:?} {world:?}"
            );
            asked += 1;
        }
    }
    asked
}
