//! Retries of what was done before the definition changed, and of what is being done (R109, R114).

use std::sync::atomic::Ordering;

use jmap_domain::{Decision, DenyReason, LayerAct, Permission};

use super::{World, call, run, run_both};
use crate::{
    conformance::{layer, named, point, read_all, structure},
    definition::{AttributeConstraints, AttributeRules, DefinitionChange, DefinitionVersion},
    edit::{
        BatchInput, BatchOutcome, EditInput, EditMode, EditRefusal, EditResult, Intent, RequestKey,
    },
    edits::{BatchReport, EditError},
    element::ElementInput,
    ports::StoreError,
    structure::{StructureChange, StructureError},
};

const REQUEST: RequestKey = RequestKey {
    id: [1; 16],
    content: [2; 32],
};

fn world() -> World {
    let world = World::with(&[Permission::AddElements]);
    let authorizer = &world.authorizer;
    authorizer.say(LayerAct::ChangeStructure, Decision::All);
    world
}

/// The creation of elements with these names.
fn creations(
    world: &World,
    mode: EditMode,
    request: RequestKey,
    names: &[&str],
) -> Result<BatchReport, EditError> {
    let create = |name: &&str| {
        let element = ElementInput {
            geometry: point(1.0, 2.0),
            values: named(name),
        };
        (layer(), EditInput::Create(element))
    };
    let batch = BatchInput {
        edits: names.iter().map(create).collect(),
        mode,
        intent: Intent::Commit,
        request: Some(request),
    };
    run(world.service.edit_batch(&call(11), batch))
}

/// The change after which a name has at most so many characters.
fn limiting(length: u32) -> DefinitionChange {
    let constraints = AttributeConstraints {
        max_length: Some(length),
        ..AttributeConstraints::default()
    };
    DefinitionChange::Constrain {
        attribute: crate::conformance::definition().attributes()[0].id,
        rules: AttributeRules {
            constraints: Some(constraints),
            ..AttributeRules::default()
        },
    }
}

/// Changes the definition so that names which the layer has had do not fit any more.
fn forbid_long_names(world: &World) {
    for element in run(read_all(&*world.store)) {
        let delete = crate::edit::Edit::Delete {
            element: element.id,
            expected: crate::edit::ExpectedRevision::Any,
        };
        run(crate::conformance::done(&*world.store, delete));
    }
    run(structure::redefined(&*world.store, vec![limiting(4)]));
}

fn done(report: &BatchReport) -> usize {
    let is_done = |result: &&EditResult| matches!(result, EditResult::Done(_));
    report.results.iter().filter(is_done).count()
}

#[test]
fn a_retry_is_answered_whatever_the_definition_has_become() {
    // R109, R114.
    for mode in [EditMode::Atomic, EditMode::Partial] {
        let world = world();
        let first = creations(&world, mode, REQUEST, &["long name", "name"]).unwrap();
        assert_eq!(done(&first), 2);
        forbid_long_names(&world);
        let again = creations(&world, mode, REQUEST, &["long name", "name"]).unwrap();
        assert_eq!(again, first);
        assert!(run(read_all(&*world.store)).is_empty());
    }
}

#[test]
fn what_was_not_done_before_is_checked_against_the_new_definition() {
    // R105, R109.
    let world = world();
    forbid_long_names(&world);
    let report = creations(&world, EditMode::Atomic, REQUEST, &["long name"]).unwrap();
    assert_eq!(report.outcome, BatchOutcome::Refused);
    assert_eq!(done(&report), 0);
}

#[test]
fn another_request_under_a_known_id_is_refused_before_its_payload_is_judged() {
    // R109.
    let world = world();
    creations(&world, EditMode::Atomic, REQUEST, &["long name"]).unwrap();
    forbid_long_names(&world);
    let other = RequestKey {
        content: [3; 32],
        ..REQUEST
    };
    assert!(matches!(
        creations(&world, EditMode::Atomic, other, &["longer name"]),
        Err(EditError::Store(StoreError::RequestReused))
    ));
}

#[test]
fn a_retry_without_the_right_is_refused_all_the_same() {
    // R109, R123.
    let world = world();
    creations(&world, EditMode::Atomic, REQUEST, &["long name"]).unwrap();
    forbid_long_names(&world);
    let denied = Decision::Denied(DenyReason::NoGrant);
    world.say(Permission::AddElements, denied);
    for mode in [EditMode::Atomic, EditMode::Partial] {
        let report = creations(&world, mode, REQUEST, &["long name"]).unwrap();
        assert!(matches!(
            report.results.as_slice(),
            [EditResult::Refused(EditRefusal::NotPermitted { .. })]
        ));
    }
}

#[test]
fn one_change_that_is_asked_for_twice_at_once_is_made_once() {
    // R109: whichever comes second gets the answer of the first.
    let world = world();
    world.authorizer.pauses.store(true, Ordering::Relaxed);
    let change = |content| StructureChange {
        layer: layer(),
        expected: DefinitionVersion(1),
        changes: vec![limiting(4)],
        intent: Intent::Commit,
        request: Some(RequestKey {
            content: [content; 32],
            ..REQUEST
        }),
    };
    let (service, caller) = (&world.service, call(11));
    let ask = |content| service.change_structure(&caller, change(content));
    let made = run_both(ask(1), ask(1));
    let versions = made.map(|made| made.unwrap().definition.version());
    assert_eq!(versions, [DefinitionVersion(2); 2]);
    let [_, other] = run_both(ask(1), ask(2));
    assert!(matches!(
        other,
        Err(StructureError::Store(StoreError::RequestReused))
    ));
}
