//! Upserts: each is judged by what it turns out to be, and done once (R33–R35, R51, R105, R109).

use std::sync::atomic::Ordering;

use jmap_domain::{Decision, DenyReason, Permission};

use super::{World, call, run, run_both, unique::make_two_unique};
use crate::{
    conformance::{actor, layer, name_of, point, read_all, unique::made},
    edit::{
        BatchInput, BatchOutcome, EditInput, EditMode, EditRefusal, EditResult, ExpectedRevision,
        Intent, RequestKey, UpsertError, UpsertInput,
    },
    edits::{BatchReport, DoneEdit, EditError},
    element::{AttributeRef, ElementInput, InputError},
    value::Value,
};

/// A layer whose `string` is unique, and a caller who may do this.
fn world(permissions: &[Permission]) -> World {
    let world = World::empty();
    run(made(&*world.store));
    for permission in permissions {
        world.say(*permission, Decision::All);
    }
    world
}

const ALL: [Permission; 3] = [
    Permission::AddElements,
    Permission::ModifyElements,
    Permission::ModifyAttributes,
];

fn named(name: &str) -> AttributeRef {
    AttributeRef::Name(name.to_owned())
}

fn text(text: &str) -> Value {
    Value::text(text).unwrap()
}

/// An upsert of the key `code` with a number, and with a geometry unless it is to be left out.
fn upsert(code: &str, number: i64, geometry: Option<Vec<u8>>) -> EditInput {
    EditInput::Upsert(UpsertInput {
        key: named("string"),
        geometry,
        values: vec![
            (named("string"), text(code)),
            (named("integer"), Value::Integer(number)),
        ],
    })
}

fn creation(code: &str) -> EditInput {
    EditInput::Create(ElementInput {
        geometry: point(1.0, 2.0),
        values: vec![(named("string"), text(code))],
    })
}

fn one(world: &World, edit: EditInput) -> Result<DoneEdit, EditError> {
    run(world.service.edit(&call(11), layer(), edit, None))
}

fn batch(world: &World, mode: EditMode, edits: Vec<EditInput>) -> BatchReport {
    requested(world, mode, edits, None).unwrap()
}

fn requested(
    world: &World,
    mode: EditMode,
    edits: Vec<EditInput>,
    request: Option<RequestKey>,
) -> Result<BatchReport, EditError> {
    let batch = BatchInput {
        edits: edits.into_iter().map(|edit| (layer(), edit)).collect(),
        mode,
        intent: Intent::Commit,
        request,
    };
    run(world.service.edit_batch(&call(11), batch))
}

fn refusal(error: EditError) -> EditRefusal {
    let EditError::Refused(refusal) = error else {
        panic!("{error:?}")
    };
    refusal
}

fn is_created(result: &EditResult) -> bool {
    let EditResult::Done(done) = result else {
        panic!("{result:?}")
    };
    done.created
}

/// The keys of all elements, each with its number.
fn stored(world: &World) -> Vec<(String, Value)> {
    let elements = run(read_all(&*world.store)).into_iter();
    elements
        .map(|element| (name_of(&element).to_owned(), element.values[1].clone()))
        .collect()
}

#[test]
fn an_upsert_creates_and_then_changes() {
    // R105, R107: what is not mentioned stays, and the geometry may be left out of a change.
    let world = world(&ALL);
    let first = one(&world, upsert("a", 1, Some(point(1.0, 2.0))))
        .unwrap()
        .edited;
    let second = one(&world, upsert("a", 2, None)).unwrap().edited;
    assert!(first.created && !second.created);
    assert_eq!(first.element, second.element);
    assert!(second.revision > first.revision);
    assert_eq!(stored(&world), [("a".to_owned(), Value::Integer(2))]);
    let key_alone = EditInput::Upsert(UpsertInput {
        key: named("string"),
        geometry: None,
        values: vec![(named("string"), text("a"))],
    });
    assert!(one(&world, key_alone).is_ok());
    let without = one(&world, upsert("b", 1, None)).map_err(refusal);
    let no_geometry = InputError::Upsert(UpsertError::NoGeometry);
    assert_eq!(without, Err(EditRefusal::Input(no_geometry)));
}

#[test]
fn each_outcome_needs_its_own_right() {
    // R33–R36, R51.
    let denied = |permission| EditRefusal::NotPermitted {
        layer: layer(),
        permission,
        reason: DenyReason::NoGrant,
    };
    let world = world(&[Permission::AddElements]);
    let made = one(&world, upsert("a", 1, Some(point(1.0, 2.0))))
        .unwrap()
        .edited;
    for (geometry, needed) in [
        (Some(point(1.0, 2.0)), Permission::ModifyElements),
        (None, Permission::ModifyAttributes),
    ] {
        let refused = one(&world, upsert("a", 2, geometry)).map_err(refusal);
        assert_eq!(refused, Err(denied(needed)));
    }
    world.say(
        Permission::AddElements,
        Decision::Denied(DenyReason::NoGrant),
    );
    world.say(Permission::ModifyAttributes, Decision::All);
    assert!(one(&world, upsert("a", 2, None)).is_ok());
    let refused = one(&world, upsert("b", 2, None)).map_err(refusal);
    assert_eq!(refused, Err(denied(Permission::AddElements)));
    let own = Decision::Own { creator: actor(12) };
    world.say(Permission::ModifyAttributes, own);
    let foreign = run(world
        .service
        .edit(&call(12), layer(), upsert("a", 3, None), None));
    let foreign = foreign.map_err(refusal);
    assert_eq!(foreign, Err(EditRefusal::NotOwn(made.element)));
    assert_eq!(stored(&world), [("a".to_owned(), Value::Integer(2))]);
}

#[test]
fn who_has_no_right_learns_nothing_of_the_key() {
    // R113: whether the attribute is there, is unique, or has the value.
    let world = world(&ALL);
    one(&world, upsert("a", 1, Some(point(1.0, 2.0)))).unwrap();
    for permission in ALL {
        world.say(permission, Decision::Denied(DenyReason::NoGrant));
    }
    let unknown = EditInput::Upsert(UpsertInput {
        key: named("nowhere"),
        geometry: None,
        values: Vec::new(),
    });
    let edits = [
        upsert("a", 1, Some(point(1.0, 2.0))),
        upsert("b", 1, Some(point(1.0, 2.0))),
        unknown,
    ];
    for edit in edits {
        let refused = one(&world, edit).map_err(refusal);
        assert!(
            matches!(refused, Err(EditRefusal::NotPermitted { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn a_key_is_a_unique_attribute_with_a_value() {
    let world = world(&ALL);
    let keyed = |key: &str, value: Value| {
        let upsert = UpsertInput {
            key: named(key),
            geometry: Some(point(1.0, 2.0)),
            values: vec![(named("string"), value)],
        };
        let refused = refusal(one(&world, EditInput::Upsert(upsert)).unwrap_err());
        let EditRefusal::Input(InputError::Upsert(error)) = refused else {
            panic!("{refused:?}")
        };
        error
    };
    let name = |name: &str| name.to_owned();
    assert_eq!(
        keyed("nowhere", text("a")),
        UpsertError::UnknownKey(name("nowhere"))
    );
    assert_eq!(
        keyed("integer", text("a")),
        UpsertError::KeyNotUnique(name("integer"))
    );
    assert_eq!(
        keyed("string", Value::Null),
        UpsertError::NoKeyValue(name("string"))
    );
}

#[test]
fn a_batch_upserts_each_element_once() {
    // R57, R109: what another edit of the batch is about is refused, whichever comes first.
    let world = world(&ALL);
    let a = one(&world, upsert("a", 1, Some(point(1.0, 2.0))))
        .unwrap()
        .edited
        .element;
    let change = EditInput::Update {
        element: a,
        expected: ExpectedRevision::Any,
        change: crate::element::ChangeInput {
            geometry: None,
            values: vec![(named("integer"), Value::Integer(9))],
        },
    };
    let entangled =
        |other| EditResult::Refused(InputError::Upsert(UpsertError::Entangled(other)).into());
    let cases = [
        (
            vec![
                upsert("b", 1, Some(point(1.0, 2.0))),
                upsert("b", 2, Some(point(1.0, 2.0))),
            ],
            1,
            0,
        ),
        (vec![upsert("a", 1, None), upsert("a", 2, None)], 1, 0),
        (
            vec![upsert("b", 1, Some(point(1.0, 2.0))), creation("b")],
            0,
            1,
        ),
        (vec![upsert("a", 1, None), change], 0, 1),
    ];
    for (edits, refused, other) in cases {
        let report = batch(&world, EditMode::Atomic, edits);
        assert_eq!(report.outcome, BatchOutcome::Refused);
        assert_eq!(report.results[refused], entangled(other));
        assert_eq!(report.results[1 - refused], EditResult::NotAttempted);
    }
    let edits = vec![
        upsert("a", 5, None),
        upsert("b", 6, Some(point(1.0, 2.0))),
        creation("c"),
    ];
    let report = batch(&world, EditMode::Atomic, edits);
    let created = report.results.iter().map(is_created);
    assert_eq!(created.collect::<Vec<_>>(), [false, true, true]);
}

#[test]
fn a_batch_gives_a_value_of_another_unique_attribute_once() {
    // R105, R109: one edit is refused, and the others are done; it is not looked for again and again.
    let world = World::empty();
    make_two_unique(&world);
    world.say(Permission::AddElements, Decision::All);
    let by_number = EditInput::Upsert(UpsertInput {
        key: named("integer"),
        geometry: Some(point(1.0, 2.0)),
        values: vec![(named("integer"), Value::Integer(2))],
    });
    let edits = vec![
        upsert("a", 2, Some(point(1.0, 2.0))),
        by_number,
        creation("c"),
    ];
    let report = batch(&world, EditMode::Partial, edits);
    let entangled = InputError::Upsert(UpsertError::Entangled(0));
    assert_eq!(report.results[1], EditResult::Refused(entangled.into()));
    assert!(is_created(&report.results[0]) && is_created(&report.results[2]));
}

#[test]
fn a_value_that_is_taken_is_named_by_its_place() {
    // R105: the second value that was given.
    let world = world(&ALL);
    one(&world, creation("a")).unwrap();
    let values = vec![
        (named("integer"), Value::Integer(1)),
        (named("string"), text("a")),
    ];
    let create = EditInput::Create(ElementInput {
        geometry: point(1.0, 2.0),
        values,
    });
    let refused = refusal(one(&world, create).unwrap_err());
    let EditRefusal::NotUnique { name, index, .. } = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((name.as_str(), index), ("string", Some(1)));
}

#[test]
fn a_retry_is_told_what_the_first_call_did() {
    // R109: although the element is there by now, and the caller may not change it.
    let request = RequestKey {
        id: [1; 16],
        content: [2; 32],
    };
    for mode in [EditMode::Atomic, EditMode::Partial] {
        let world = world(&[Permission::AddElements]);
        let edits = || {
            vec![
                upsert("a", 1, Some(point(1.0, 2.0))),
                upsert("b", 2, Some(point(1.0, 2.0))),
            ]
        };
        let first = requested(&world, mode, edits(), Some(request)).unwrap();
        let again = requested(&world, mode, edits(), Some(request)).unwrap();
        assert_eq!(again, first);
        assert_eq!(stored(&world).len(), 2);
        // R109: rights are asked for again.
        world.say(
            Permission::AddElements,
            Decision::Denied(DenyReason::NoGrant),
        );
        let later = requested(&world, mode, edits(), Some(request)).unwrap();
        assert!(later.results.iter().all(|result| matches!(
            result,
            EditResult::Refused(EditRefusal::NotPermitted { .. })
        )));
    }
}

#[test]
fn of_two_callers_one_creates_and_the_other_changes() {
    // R109: exactly one element, in both modes, whoever else is in the batch.
    for mode in [EditMode::Atomic, EditMode::Partial] {
        let world = world(&ALL);
        world.authorizer.pauses.store(true, Ordering::Relaxed);
        let edits = |number, other: &str| {
            let upserts = [
                upsert("a", number, Some(point(1.0, 2.0))),
                upsert(other, 0, Some(point(1.0, 2.0))),
            ];
            BatchInput {
                edits: upserts.map(|edit| (layer(), edit)).to_vec(),
                mode,
                intent: Intent::Commit,
                request: None,
            }
        };
        let (one, two) = (call(11), call(12));
        let both = run_both(
            world.service.edit_batch(&one, edits(1, "b")),
            world.service.edit_batch(&two, edits(2, "c")),
        );
        let created = both.into_iter().map(|report| {
            let report = report.unwrap();
            assert_eq!(report.outcome, BatchOutcome::Committed);
            is_created(&report.results[0])
        });
        assert_eq!(created.filter(|created| *created).count(), 1);
        let mut keys: Vec<String> = stored(&world).into_iter().map(|(key, _)| key).collect();
        keys.sort();
        assert_eq!(keys, ["a", "b", "c"]);
    }
}
