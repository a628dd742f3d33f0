//! Deletions of what a selection finds.

use std::sync::atomic::Ordering;

use jmap_domain::{Decision, DenyReason, Permission};

use super::{World, call, run};
use crate::{
    conformance::{actor, batch, creation, done, layer, named, read_all, renaming, revision},
    edit::{EditRefusal, ExpectedRevision, Intent, RequestKey},
    edits::{Deleted, DeletionError, DeletionInput, EditError},
    element::AttributeRef,
    history::AsOf,
    ports::LayerStore,
    query::{Comparison, Condition, SelectionInput},
    reads::ReadError,
    value::Value,
};

const CALLER: i64 = 11;

/// Elements of the caller and of others, by their names.
fn world(names: &[(&str, i64)]) -> World {
    let world = World::with(&[Permission::View, Permission::DeleteElements]);
    for (name, by) in names {
        let edits = vec![creation(1.0, 2.0, named(name))];
        run(world.store.edit(batch(actor(*by), Decision::All, edits))).unwrap();
    }
    world
}

fn called(name: &str) -> SelectionInput {
    let condition = Condition::Compare {
        attribute: AttributeRef::Name("string".to_owned()),
        comparison: Comparison::Equal,
        value: Value::text(name).unwrap(),
    };
    SelectionInput {
        condition: Some(condition),
        ..SelectionInput::default()
    }
}

fn deletion(selection: SelectionInput, maximum: u32) -> DeletionInput {
    DeletionInput {
        layer: layer(),
        selection,
        maximum: maximum.try_into().unwrap(),
        intent: Intent::Commit,
        request: None,
    }
}

fn delete(world: &World, input: DeletionInput) -> Result<Deleted, DeletionError> {
    run(world.service.delete_selected(&call(CALLER), input))
}

fn left(world: &World) -> usize {
    run(read_all(&*world.store)).len()
}

#[test]
fn what_is_found_is_deleted_at_one_revision() {
    // R109, R110.
    let world = world(&[("old", 1), ("new", 1), ("old", CALLER)]);
    let deleted = delete(&world, deletion(called("old"), 2)).unwrap();
    let expected = Deleted {
        count: 2,
        revision: Some(run(revision(&*world.store))),
    };
    assert_eq!(deleted, expected);
    assert_eq!(left(&world), 1);
    let nothing = delete(&world, deletion(called("old"), 2)).unwrap();
    assert_eq!(nothing, Deleted::default());
}

#[test]
fn more_than_the_declared_maximum_deletes_nothing() {
    // R112.
    let world = world(&[("old", 1), ("old", 1), ("old", 1)]);
    let error = delete(&world, deletion(called("old"), 2)).unwrap_err();
    let DeletionError::Read(ReadError::TooManyElements { maximum }) = error else {
        panic!("{error}")
    };
    assert_eq!((maximum.get(), left(&world)), (2, 3));
    let whole = deletion(SelectionInput::default(), 6);
    let error = delete(&world, whole).unwrap_err();
    assert!(
        matches!(error, DeletionError::MaximumTooLarge(5)),
        "{error}"
    );
    let whole = deletion(SelectionInput::default(), 3);
    assert_eq!(delete(&world, whole).unwrap().count, 3);
}

#[test]
fn without_the_right_nothing_is_told_of_the_layer() {
    // R37, R40, R113.
    let world = world(&[("old", 1)]);
    let unknown = Condition::IsNull(AttributeRef::Name("colour".to_owned()));
    let misled = SelectionInput {
        condition: Some(unknown),
        ..SelectionInput::default()
    };
    for (reason, hidden) in [(DenyReason::NotVisible, true), (DenyReason::NoGrant, false)] {
        world.say(Permission::DeleteElements, Decision::Denied(reason));
        for selection in [called("old"), misled.clone()] {
            let error = delete(&world, deletion(selection, 1)).unwrap_err();
            let DeletionError::Edit(EditError::Refused(refusal)) = error else {
                panic!("{error}")
            };
            let is_hidden = refusal == EditRefusal::NoSuchLayer(layer());
            assert_eq!(is_hidden, hidden, "{refusal}");
        }
    }
    assert_eq!(left(&world), 1);
}

#[test]
fn another_users_element_refuses_the_whole() {
    // R51, R57, R58.
    let world = world(&[("old", CALLER), ("old", 1)]);
    let own = Decision::Own {
        creator: actor(CALLER),
    };
    world.say(Permission::DeleteElements, own);
    let error = delete(&world, deletion(called("old"), 5)).unwrap_err();
    let foreign = run(read_all(&*world.store))[1].id;
    let expected = EditRefusal::NotOwn(foreign);
    let is_foreign =
        matches!(&error, DeletionError::Edit(EditError::Refused(why)) if *why == expected);
    assert!(is_foreign, "{error}");
    assert_eq!(left(&world), 2);
}

#[test]
fn a_retry_is_answered_as_the_first_call_was() {
    // R109.
    let world = world(&[("old", 1), ("old", 1)]);
    let request = Some(RequestKey {
        id: [7; 16],
        content: [1; 32],
    });
    let input = DeletionInput {
        request,
        ..deletion(called("old"), 2)
    };
    let first = delete(&world, input.clone()).unwrap();
    run(done(&*world.store, creation(3.0, 4.0, named("old"))));
    assert_eq!(delete(&world, input.clone()).unwrap(), first);
    assert_eq!(left(&world), 1);
    world.say(
        Permission::DeleteElements,
        Decision::Denied(DenyReason::NoGrant),
    );
    assert!(delete(&world, input).is_err(), "rights are asked again");
}

#[test]
fn checking_deletes_nothing() {
    // R109.
    let world = world(&[("old", 1), ("old", 1)]);
    let dry = DeletionInput {
        intent: Intent::Validate,
        ..deletion(called("old"), 2)
    };
    let expected = Deleted {
        count: 2,
        revision: None,
    };
    assert_eq!(delete(&world, dry).unwrap(), expected);
    assert_eq!(left(&world), 2);
}

#[test]
fn the_past_is_not_deleted() {
    let world = world(&[("old", 1)]);
    let past = SelectionInput {
        as_of: Some(AsOf::Revision(run(revision(&*world.store)))),
        ..called("old")
    };
    let error = delete(&world, deletion(past, 1)).unwrap_err();
    assert!(matches!(error, DeletionError::Past), "{error}");
}

#[test]
fn a_right_that_has_run_out_is_asked_for_anew() {
    // R123.
    let world = world(&[("old", 1)]);
    let id = run(read_all(&*world.store))[0].id;
    run(done(
        &*world.store,
        renaming(id, ExpectedRevision::Any, "older"),
    ));
    world.authorizer.stale_answers.store(2, Ordering::Relaxed);
    assert_eq!(
        delete(&world, deletion(called("older"), 1)).unwrap().count,
        1
    );
    world.authorizer.stale_answers.store(9, Ordering::Relaxed);
    run(done(&*world.store, creation(1.0, 2.0, named("late"))));
    let error = delete(&world, deletion(called("late"), 1)).unwrap_err();
    assert!(
        matches!(error, DeletionError::Edit(EditError::PermitsExpired)),
        "{error}"
    );
    assert_eq!(left(&world), 1);
}
