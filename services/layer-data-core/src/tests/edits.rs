//! Edits, and what they ask first.

use jmap_domain::{Decision, DenyReason, ElementId, Permission};

use super::{World, call, run};
use crate::{
    AskError,
    conformance::{actor, layer, named, point, read_all},
    edit::{
        BatchInput, BatchOutcome, EditInput, EditMode, EditRefusal, EditResult, ExpectedRevision,
        Intent,
    },
    edits::{BatchReport, EditError},
    element::{ChangeInput, ElementInput, InputError},
};

fn create(name: &str) -> EditInput {
    EditInput::Create(ElementInput {
        geometry: point(1.0, 2.0),
        values: named(name),
    })
}

fn rename(element: ElementId) -> EditInput {
    let change = ChangeInput {
        geometry: None,
        values: named("renamed"),
    };
    EditInput::Update {
        element,
        expected: ExpectedRevision::Any,
        change,
    }
}

fn move_and_rename(element: ElementId) -> EditInput {
    let change = ChangeInput {
        geometry: Some(point(3.0, 4.0)),
        values: named("moved"),
    };
    EditInput::Update {
        element,
        expected: ExpectedRevision::Any,
        change,
    }
}

fn delete(element: ElementId) -> EditInput {
    EditInput::Delete {
        element,
        expected: ExpectedRevision::Any,
    }
}

fn batch(world: &World, edits: Vec<EditInput>, mode: EditMode) -> Result<BatchReport, EditError> {
    let edits = edits.into_iter().map(|edit| (layer(), edit)).collect();
    let batch = BatchInput {
        edits,
        mode,
        intent: Intent::Commit,
        request: None,
    };
    run(world.service.edit_batch(&call(11), batch))
}

fn edit(world: &World, edit: EditInput) -> Result<ElementId, EditError> {
    run(world.service.edit(&call(11), layer(), edit, None)).map(|done| done.edited.element)
}

fn refusal(result: Result<ElementId, EditError>) -> EditRefusal {
    match result {
        Err(EditError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn missing(permission: Permission) -> EditRefusal {
    EditRefusal::NotPermitted {
        layer: layer(),
        permission,
        reason: DenyReason::NoGrant,
    }
}

#[test]
fn adding_includes_entering_values_and_stamps_the_caller() {
    // R33, R54.
    let world = World::with(&[Permission::AddElements]);
    edit(&world, create("entered")).unwrap();
    let element = run(read_all(&*world.store)).remove(0);
    assert_eq!(element.stamps.created_by, Some(actor(11)));
    assert_eq!(crate::conformance::name_of(&element), "entered");
}

#[test]
fn each_edit_needs_its_own_permission() {
    // R33, R34, R35, R37.
    let id = ElementId::new(1).unwrap();
    let cases = [
        (create("x"), Permission::AddElements),
        (move_and_rename(id), Permission::ModifyElements),
        (rename(id), Permission::ModifyAttributes),
        (delete(id), Permission::DeleteElements),
    ];
    for (input, needed) in cases {
        let others: Vec<_> = Permission::ALL
            .into_iter()
            .filter(|permission| *permission != needed)
            .collect();
        let world = World::with(&others);
        assert_eq!(refusal(edit(&world, input)), missing(needed));
    }
}

#[test]
fn values_alone_may_be_changed_and_a_geometry_with_them_refuses_the_whole() {
    // R35, R36.
    let world = World::with(&[Permission::AddElements, Permission::ModifyAttributes]);
    let id = edit(&world, create("before")).unwrap();
    assert_eq!(
        refusal(edit(&world, move_and_rename(id))),
        missing(Permission::ModifyElements)
    );
    assert_eq!(
        crate::conformance::name_of(&run(read_all(&*world.store))[0]),
        "before"
    );
    edit(&world, rename(id)).unwrap();
    assert_eq!(
        crate::conformance::name_of(&run(read_all(&*world.store))[0]),
        "renamed"
    );
}

#[test]
fn an_invisible_layer_answers_as_an_absent_one() {
    // R40.
    let world = World::with(&[]);
    world.say(
        Permission::AddElements,
        Decision::Denied(DenyReason::NotVisible),
    );
    let invisible = refusal(edit(&world, create("x")));
    assert_eq!(invisible, EditRefusal::NoSuchLayer(layer()));
    let absent = World::empty();
    absent.say(
        Permission::AddElements,
        Decision::Denied(DenyReason::NotVisible),
    );
    assert_eq!(
        invisible.to_string(),
        refusal(edit(&absent, create("x"))).to_string()
    );
}

#[test]
fn whoever_may_not_edit_learns_nothing_about_the_payload() {
    // R113: rights come before validation.
    let world = World::with(&[]);
    let broken = EditInput::Create(ElementInput {
        geometry: vec![1],
        values: Vec::new(),
    });
    assert_eq!(
        refusal(edit(&world, broken.clone())),
        missing(Permission::AddElements)
    );
    world.say(Permission::AddElements, Decision::All);
    assert!(matches!(
        refusal(edit(&world, broken)),
        EditRefusal::Input(InputError::Geometry(_))
    ));
}

#[test]
fn an_edit_without_an_answer_is_refused() {
    // R121.
    let world = World::with(&[Permission::AddElements]);
    *world.authorizer.down.lock().unwrap() = true;
    assert!(matches!(
        edit(&world, create("x")),
        Err(EditError::Ask(AskError::Unavailable))
    ));
    assert!(run(read_all(&*world.store)).is_empty());
}

#[test]
fn a_closed_session_is_no_refusal_of_a_right() {
    // R117.
    for reason in [
        DenyReason::SessionClosed,
        DenyReason::SessionExpired,
        DenyReason::AccountDisabled,
    ] {
        let world = World::with(&[]);
        world.say(Permission::AddElements, Decision::Denied(reason));
        let Err(EditError::Ask(AskError::SignedOut(found))) = edit(&world, create("x")) else {
            panic!("{reason:?}");
        };
        assert_eq!(found, reason);
    }
}

#[test]
fn a_batch_asks_once_for_everything() {
    let world = World::with(&Permission::ALL);
    let first = edit(&world, create("a")).unwrap();
    let before = world.asked();
    let edits = vec![
        create("b"),
        rename(first),
        move_and_rename(first),
        delete(first),
    ];
    assert_eq!(
        batch(&world, edits, EditMode::Atomic).unwrap().outcome,
        BatchOutcome::Committed
    );
    assert_eq!(world.asked(), before + 1);
}

#[test]
fn an_atomic_batch_with_one_foreign_element_is_refused_whole() {
    // R57.
    let world = World::with(&[Permission::AddElements]);
    let foreign = run(world
        .service
        .edit(&call(12), layer(), create("foreign"), None))
    .unwrap()
    .edited
    .element;
    let mine = edit(&world, create("mine")).unwrap();
    world.say(
        Permission::ModifyAttributes,
        Decision::Own { creator: actor(11) },
    );
    let report = batch(
        &world,
        vec![rename(mine), rename(foreign)],
        EditMode::Atomic,
    )
    .unwrap();
    assert_eq!(report.outcome, BatchOutcome::Refused);
    let refused = EditResult::Refused(EditRefusal::NotOwn(foreign));
    assert_eq!(report.results, [EditResult::NotAttempted, refused.clone()]);
    let report = batch(
        &world,
        vec![rename(mine), rename(foreign)],
        EditMode::Partial,
    )
    .unwrap();
    assert_eq!(report.outcome, BatchOutcome::Committed);
    assert!(matches!(report.results[0], EditResult::Done(_)));
    assert_eq!(report.results[1], refused);
}

#[test]
fn a_partial_batch_reports_rights_payload_and_success_side_by_side() {
    // R109.
    let world = World::with(&[Permission::AddElements]);
    let broken = EditInput::Create(ElementInput {
        geometry: Vec::new(),
        values: Vec::new(),
    });
    let edits = || {
        vec![
            create("a"),
            delete(ElementId::new(1).unwrap()),
            broken.clone(),
            create("b"),
        ]
    };
    let report = batch(&world, edits(), EditMode::Partial).unwrap();
    assert!(matches!(report.results[0], EditResult::Done(_)));
    assert_eq!(
        report.results[1],
        EditResult::Refused(missing(Permission::DeleteElements))
    );
    assert!(matches!(
        report.results[2],
        EditResult::Refused(EditRefusal::Input(_))
    ));
    assert!(matches!(report.results[3], EditResult::Done(_)));
    // Atomically, the missing right is all that is told.
    let report = batch(&world, edits(), EditMode::Atomic).unwrap();
    let only = EditResult::Refused(missing(Permission::DeleteElements));
    let none = EditResult::NotAttempted;
    assert_eq!(report.results, [none.clone(), only, none.clone(), none]);
    assert_eq!(run(read_all(&*world.store)).len(), 2);
}

#[test]
fn a_permit_that_ran_out_is_asked_for_again_and_not_for_ever() {
    // R123.
    let world = World::with(&[Permission::AddElements]);
    world
        .authorizer
        .stale_answers
        .store(2, std::sync::atomic::Ordering::Relaxed);
    edit(&world, create("third time")).unwrap();
    assert_eq!(world.asked(), 3);
    world
        .authorizer
        .stale_answers
        .store(9, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(
        edit(&world, create("never")),
        Err(EditError::PermitsExpired)
    ));
    assert_eq!(run(read_all(&*world.store)).len(), 1);
}

#[test]
fn batches_are_neither_empty_nor_too_long() {
    let world = World::with(&[Permission::AddElements]);
    assert!(matches!(
        batch(&world, Vec::new(), EditMode::Atomic),
        Err(EditError::Empty)
    ));
    let many = vec![create("x"); 6];
    assert!(matches!(
        batch(&world, many, EditMode::Atomic),
        Err(EditError::TooManyEdits(5))
    ));
}

#[test]
fn a_change_of_nothing_is_refused() {
    // R107.
    let world = World::with(&Permission::ALL);
    let id = edit(&world, create("x")).unwrap();
    let change = ChangeInput {
        geometry: None,
        values: Vec::new(),
    };
    let nothing = EditInput::Update {
        element: id,
        expected: ExpectedRevision::Any,
        change,
    };
    assert_eq!(
        refusal(edit(&world, nothing)),
        EditRefusal::Input(InputError::EmptyChange)
    );
}
