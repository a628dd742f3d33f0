//! Imports, and what they ask first.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use jmap_domain::{Decision, DenyReason, LayerAct, Permission};

use super::{World, call, run};
use crate::{
    conformance::{actor, layer, named, point, read_all},
    edit::Intent,
    element::ElementInput,
    transfer::{ImportCounts, ImportError, ImportRow},
};

fn row(row: u64, geometry: Vec<u8>) -> ImportRow {
    ImportRow {
        row,
        element: ElementInput {
            geometry,
            values: named("row"),
        },
    }
}

#[test]
fn an_import_needs_add_elements_and_stamps_whoever_runs_it() {
    // R33, R39, R54.
    let world = World::with(&[]);
    let refused = run(world.service.import(&call(11), layer(), Intent::Commit)).unwrap_err();
    assert!(matches!(
        refused,
        ImportError::NotPermitted {
            permission: Permission::AddElements,
            ..
        }
    ));
    world.say(Permission::AddElements, Decision::All);
    let mut import = run(world.service.import(&call(11), layer(), Intent::Commit)).unwrap();
    assert!(
        run(import.push(vec![row(1, point(1.0, 2.0))]))
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        run(read_all(&*world.store))[0].stamps.created_by,
        Some(actor(11))
    );
}

#[test]
fn bad_rows_are_reported_by_number_and_do_not_stop_the_others() {
    // R109.
    let world = World::with(&[Permission::AddElements]);
    let mut import = run(world.service.import(&call(11), layer(), Intent::Commit)).unwrap();
    let rows = vec![
        row(1, point(1.0, 2.0)),
        row(2, vec![9]),
        row(3, point(0.0, 200.0)),
        row(4, point(3.0, 4.0)),
    ];
    let refused: Vec<u64> = run(import.push(rows))
        .unwrap()
        .iter()
        .map(|refusal| refusal.row)
        .collect();
    assert_eq!(refused, [2, 3]);
    assert_eq!(
        import.counts(),
        ImportCounts {
            created: 2,
            promoted: 0,
            repaired: 0,
            refused: 2
        }
    );
    assert_eq!(run(read_all(&*world.store)).len(), 2);
}

#[test]
fn a_validating_import_writes_nothing() {
    let world = World::with(&[Permission::AddElements]);
    let mut import = run(world.service.import(&call(11), layer(), Intent::Validate)).unwrap();
    run(import.push(vec![row(1, point(1.0, 2.0)), row(2, vec![9])])).unwrap();
    assert_eq!(
        import.counts(),
        ImportCounts {
            created: 1,
            promoted: 0,
            repaired: 0,
            refused: 1
        }
    );
    assert!(run(read_all(&*world.store)).is_empty());
}

#[test]
fn an_import_ends_when_the_right_is_taken_away() {
    // R123.
    let world = World::with(&[Permission::AddElements]);
    let mut import = run(world.service.import(&call(11), layer(), Intent::Commit)).unwrap();
    run(import.push(vec![row(1, point(1.0, 2.0))])).unwrap();
    world.say(
        Permission::AddElements,
        Decision::Denied(DenyReason::EditingDisabled),
    );
    let ended = run(import.push(vec![row(2, point(1.0, 2.0))]));
    assert!(matches!(
        ended,
        Err(ImportError::NotPermitted {
            reason: DenyReason::EditingDisabled,
            ..
        })
    ));
    assert_eq!(run(read_all(&*world.store)).len(), 1);
}

#[test]
fn what_is_not_written_in_time_is_written_in_smaller_parts() {
    // R109, R123: as on a machine that is too busy for so many rows within the life of a permit.
    let world = World::with(&[Permission::AddElements]);
    let mut import = run(world.service.import(&call(11), layer(), Intent::Commit)).unwrap();
    let rows = || (1..=8).map(|number| row(number, point(1.0, 2.0))).collect();
    world.authorizer.stale_answers.store(4, Ordering::Relaxed);
    assert_eq!(run(import.push(rows())).unwrap(), []);
    assert_eq!(import.counts().created, 8);
    let written = run(read_all(&*world.store));
    let parts: BTreeSet<_> = written.iter().map(|element| element.revision).collect();
    assert_eq!((written.len(), parts.len()), (8, 3));
    world.authorizer.stale_answers.store(99, Ordering::Relaxed);
    let ended = run(import.push(rows()));
    assert!(matches!(ended, Err(ImportError::PermitsExpired)));
    assert_eq!(run(read_all(&*world.store)).len(), 8);
}

#[test]
fn read_only_values_are_taken_from_administrators_alone() {
    // R105.
    let world = World::empty();
    let definition =
        crate::conformance::definition_with(|draft| draft.read_only = draft.name == "string");
    run(async {
        let new = crate::ports::NewLayer {
            layer: layer(),
            label: String::new(),
            definition,
        };
        crate::ports::LayerStore::create_layer(&*world.store, new)
            .await
            .unwrap();
        world.say(Permission::AddElements, Decision::All);
        let mut import = world
            .service
            .import(&call(11), layer(), Intent::Commit)
            .await
            .unwrap();
        assert_eq!(
            import
                .push(vec![row(1, point(1.0, 2.0))])
                .await
                .unwrap()
                .len(),
            1
        );
        world
            .authorizer
            .say(LayerAct::ChangeStructure, Decision::All);
        assert_eq!(
            import
                .push(vec![row(1, point(1.0, 2.0))])
                .await
                .unwrap()
                .len(),
            0
        );
    });
}
