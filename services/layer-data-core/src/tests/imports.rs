//! Imports, and what they ask first.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use jmap_domain::{Decision, DenyReason, LayerAct, Permission};

use super::{World, call, run};
use crate::{
    conformance::{
        actor, layer, named, point, read_all,
        structure::{current, read_under, redefined},
    },
    definition::DefinitionChange,
    edit::Intent,
    element::{AttributeRef, ElementInput},
    transfer::{ImportCounts, ImportError, ImportRow},
    value::{AttributeType, MAX_EXACT, Value},
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

#[test]
fn an_import_goes_on_when_attributes_become_wider() {
    // R105, R114: what the file said before is what it says still, and what never fitted does not now.
    let world = World::with(&[Permission::AddElements]);
    let before = run(current(&*world.store));
    let numbered = |at, value| ImportRow {
        row: at,
        element: ElementInput {
            geometry: point(1.0, 2.0),
            values: vec![(AttributeRef::Name("integer".to_owned()), value)],
        },
    };
    let mut import = run(world.service.import(&call(11), layer(), Intent::Commit)).unwrap();
    let widen = |name, to| {
        let attribute = before.attribute_named(name).unwrap().id;
        let change = DefinitionChange::Widen { attribute, to };
        run(redefined(&*world.store, vec![change]))
    };
    assert!(
        run(import.push(vec![numbered(1, Value::Integer(1))]))
            .unwrap()
            .is_empty()
    );
    let now = widen("integer", AttributeType::Double);
    let rows = vec![
        numbered(2, Value::Integer(2)),
        numbered(3, Value::Boolean(true)),
        numbered(4, Value::Integer(MAX_EXACT + 1)),
    ];
    let refused = run(import.push(rows)).unwrap();
    let refused: Vec<u64> = refused.iter().map(|refused| refused.row).collect();
    assert_eq!(refused, [3, 4]);
    let elements = run(read_under(&*world.store, &now));
    let place = now
        .place(now.attribute_named("integer").unwrap().id)
        .unwrap();
    let numbers: Vec<&Value> = elements.iter().map(|one| &one.values[place]).collect();
    let double = |number| Value::double(number).unwrap();
    assert_eq!(numbers, [&double(1.0), &double(2.0)]);
    assert_eq!(import.definition().version(), before.version());
}
