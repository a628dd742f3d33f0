//! Restoring, and undoing edits.

use jmap_domain::{
    DataRevision, Decision, DenyReason, ElementId,
    Permission::{self, CopyExport, View},
};

use super::{World, call, run};
use crate::{
    conformance::{
        actor, batch, change, creation, layer, name_of, named, point, read_all, renaming, revision,
    },
    edit::{Edit, EditRefusal, ExpectedRevision, Intent, RequestKey},
    edits::{EditError, Past, Reversal, ReversalError, ReversalInput},
    element::ChangeInput,
    history::{AsOf, Deeds},
    ports::LayerStore,
    reads::ReadError,
};

const CALLER: i64 = 11;
const ANY: ExpectedRevision = ExpectedRevision::Any;
const EDITS: [Permission; 4] = [
    Permission::AddElements,
    Permission::ModifyElements,
    Permission::ModifyAttributes,
    Permission::DeleteElements,
];

fn by(world: &World, who: i64, edits: Vec<Edit>) -> DataRevision {
    run(world.store.edit(batch(actor(who), Decision::All, edits))).unwrap();
    run(revision(&*world.store))
}

const fn deletion(element: ElementId) -> Edit {
    Edit::Delete {
        element,
        expected: ANY,
    }
}

fn input(past: Past) -> ReversalInput {
    ReversalInput {
        layer: layer(),
        past,
        intent: Intent::Commit,
        request: None,
    }
}

fn reverse(world: &World, past: Past) -> Result<Reversal, ReversalError> {
    run(world.service.reverse(&call(CALLER), input(past)))
}

fn id(number: i64) -> ElementId {
    ElementId::new(number).unwrap()
}

/// An element's id, name and place.
type Told = (i64, String, Option<Vec<u8>>);

/// What there is.
fn state(world: &World) -> Vec<Told> {
    let all = run(read_all(&*world.store)).into_iter();
    all.map(|element| {
        let name = name_of(&element).to_owned();
        (element.id.get(), name, element.geometry)
    })
    .collect()
}

/// Three elements by actor 1; then actor 5 moves the first, renames the second, deletes the third and adds a fourth.
fn meddled() -> (World, DataRevision, Vec<Told>) {
    let world = World::with(&EDITS);
    let three = ["a", "b", "c"].map(|name| creation(1.0, 2.0, named(name)));
    let before = by(&world, 1, three.to_vec());
    let was = state(&world);
    let moved = ChangeInput {
        geometry: Some(point(9.0, 9.0)),
        values: Vec::new(),
    };
    by(
        &world,
        5,
        vec![change(id(1), ANY, moved), renaming(id(2), ANY, "B")],
    );
    by(
        &world,
        5,
        vec![deletion(id(3)), creation(7.0, 7.0, named("d"))],
    );
    (world, before, was)
}

fn since(before: DataRevision) -> Past {
    Past::Before(Deeds::By(actor(5), AsOf::Revision(before)))
}

#[test]
fn deleted_elements_come_back_and_others_are_in_the_way() {
    // R103, R106.
    let (world, ..) = meddled();
    let there = reverse(&world, Past::Deleted(vec![id(2), id(3), id(99)])).unwrap();
    let conflicts: Vec<_> = there.conflicts.iter().map(|(id, _)| id.get()).collect();
    assert_eq!((there.count, conflicts), (0, vec![2, 99]));
    assert_eq!(there.conflicts[1].1, EditRefusal::NoSuchElement(id(99)));
    let done = reverse(&world, Past::Deleted(vec![id(3)])).unwrap();
    assert_eq!(done.revision, Some(run(revision(&*world.store))));
    assert_eq!((done.count, done.conflicts), (1, Vec::new()));
    assert_eq!(state(&world)[2].1, "c");
}

#[test]
fn an_actors_edits_are_undone() {
    // R106, R107.
    let (world, before, was) = meddled();
    let undone = reverse(&world, since(before)).unwrap();
    assert_eq!((undone.count, undone.conflicts), (4, Vec::new()));
    assert_eq!(state(&world), was);
    // What is undone may be undone.
    let back = Past::Before(Deeds::Of(run(revision(&*world.store))));
    assert_eq!(reverse(&world, back).unwrap().count, 4);
    assert_eq!(state(&world)[1].1, "B");
    let nobody = Past::Before(Deeds::By(actor(6), AsOf::Revision(before)));
    assert_eq!(reverse(&world, nobody).unwrap(), Reversal::default());
}

#[test]
fn one_revision_is_undone_and_no_other() {
    let (world, before, _) = meddled();
    let first = DataRevision::new(before.get() + 1).unwrap();
    assert_eq!(
        reverse(&world, Past::Before(Deeds::Of(first)))
            .unwrap()
            .count,
        2
    );
    let names: Vec<_> = state(&world)
        .into_iter()
        .map(|(id, name, _)| (id, name))
        .collect();
    let expected = [(1, "a"), (2, "b"), (4, "d")].map(|(id, name)| (id, name.to_owned()));
    assert_eq!(names, expected);
}

#[test]
fn what_others_did_since_is_never_overwritten() {
    // R108.
    let (world, before, _) = meddled();
    let current = by(&world, 1, vec![renaming(id(2), ANY, "mine")]);
    let is = state(&world);
    // Who may not copy the layer is not told what others did to its elements (R38).
    let denied = Decision::Denied(DenyReason::NoGrant);
    for (permission, decision) in [(View, Decision::All), (CopyExport, denied)] {
        world.say(permission, decision);
    }
    let hidden = reverse(&world, since(before)).unwrap_err();
    let needs_copy = matches!(
        &hidden,
        ReversalError::Read(ReadError::NotPermitted {
            permission: CopyExport,
            ..
        })
    );
    assert!(needs_copy, "{hidden}");
    world.say(CopyExport, Decision::All);
    let refused = reverse(&world, since(before)).unwrap();
    let stale = EditRefusal::Stale {
        element: id(2),
        current,
    };
    let expected = Reversal {
        conflicts: vec![(id(2), stale)],
        ..Reversal::default()
    };
    assert_eq!(refused, expected);
    assert_eq!(state(&world), is);
}

#[test]
fn undoing_needs_the_rights_to_the_edits_that_undo() {
    // R33, R34, R35, R37, R51.
    let (world, before, _) = meddled();
    let is = state(&world);
    for missing in [
        Permission::AddElements,
        Permission::ModifyElements,
        Permission::DeleteElements,
    ] {
        world.say(missing, Decision::Denied(DenyReason::NoGrant));
        let error = reverse(&world, since(before)).unwrap_err();
        let is_missing = matches!(
            &error,
            ReversalError::Edit(EditError::Refused(EditRefusal::NotPermitted { permission, .. }))
                if *permission == missing
        );
        assert!(is_missing, "{error}");
        world.say(missing, Decision::All);
    }
    for missing in [Permission::AddElements, Permission::DeleteElements] {
        world.say(missing, Decision::Denied(DenyReason::NoGrant));
        assert!(reverse(&world, Past::Deleted(vec![id(3)])).is_err());
        world.say(missing, Decision::All);
    }
    let creator = actor(CALLER);
    for permission in [View, CopyExport] {
        world.say(permission, Decision::All);
    }
    world.say(Permission::DeleteElements, Decision::Own { creator });
    for past in [since(before), Past::Deleted(vec![id(3)])] {
        let refused = reverse(&world, past).unwrap();
        let foreign = |(id, why): &(ElementId, EditRefusal)| *why == EditRefusal::NotOwn(*id);
        assert!(!refused.conflicts.is_empty());
        assert!(refused.conflicts.iter().all(foreign), "{refused:?}");
    }
    assert_eq!(state(&world), is);
}

#[test]
fn who_may_do_nothing_of_it_learns_nothing() {
    // R40, R113.
    let (world, before, _) = meddled();
    for reason in [DenyReason::NotVisible, DenyReason::NoGrant] {
        for act in EDITS {
            world.say(act, Decision::Denied(reason));
        }
        let mut told = Vec::new();
        let future = DataRevision::new(99).unwrap();
        for past in [
            since(before),
            Past::Before(Deeds::Of(future)),
            Past::Before(Deeds::Of(before)),
        ] {
            told.push(reverse(&world, past).unwrap_err().to_string());
        }
        told.dedup();
        assert_eq!(told.len(), 1, "{told:?}");
    }
}

#[test]
fn a_retry_is_answered_as_the_first_call_was_and_checking_changes_nothing() {
    // R109.
    let (world, before, was) = meddled();
    let dry = ReversalInput {
        intent: Intent::Validate,
        ..input(since(before))
    };
    let answer = run(world.service.reverse(&call(CALLER), dry)).unwrap();
    assert_eq!((answer.count, answer.revision), (4, None));
    let request = Some(RequestKey {
        id: [9; 16],
        content: [3; 32],
    });
    let keyed = || ReversalInput {
        request,
        ..input(since(before))
    };
    let first = run(world.service.reverse(&call(CALLER), keyed())).unwrap();
    by(&world, 5, vec![renaming(id(2), ANY, "B")]);
    let again = run(world.service.reverse(&call(CALLER), keyed())).unwrap();
    assert_eq!(again, first);
    assert_ne!(state(&world), was);
}

#[test]
fn what_is_too_much_or_yet_to_come_is_refused() {
    // R112.
    let (world, before, _) = meddled();
    by(&world, 5, vec![creation(1.0, 1.0, named("e")); 2]);
    let error = reverse(&world, since(before)).unwrap_err();
    assert!(
        matches!(&error, ReversalError::Read(ReadError::TooManyElements { maximum }) if maximum.get() == 5),
        "{error}"
    );
    let future = DataRevision::new(99).unwrap();
    for past in [Past::Before(Deeds::Of(future)), since(future)] {
        let error = reverse(&world, past).unwrap_err();
        assert!(
            matches!(error, ReversalError::Read(ReadError::Future)),
            "{error}"
        );
    }
    let many = Past::Deleted((1..=6).map(id).collect());
    let error = reverse(&world, many).unwrap_err();
    assert!(
        matches!(error, ReversalError::Edit(EditError::TooManyEdits(5))),
        "{error}"
    );
}
