//! The past, and who may read it.

use jmap_domain::{DataRevision, Decision, DenyReason, ElementId, Permission};

use super::{World, call, run};
use crate::{
    conformance::{actor, batch, creation, done, edit, layer, named, query, renaming, rows},
    edit::{Edit, ExpectedRevision},
    history::{AsOf, Change, ChangeKind},
    ports::LayerStore,
    query::{OutputInput, QueryInput, SelectionInput},
    reads::{PageStart, ReadError, ReadPurpose},
    value::DateTime,
};

const ALL: i64 = 11;

fn then(ids: Option<Vec<ElementId>>, as_of: AsOf) -> QueryInput {
    query(SelectionInput {
        ids,
        as_of: Some(as_of),
        ..SelectionInput::default()
    })
}

fn revision(number: i64) -> AsOf {
    AsOf::Revision(DataRevision::new(number).unwrap())
}

fn count(world: &World, input: QueryInput) -> Result<u64, ReadError> {
    run(async {
        let (call, start) = (call(ALL), PageStart::default());
        let display = ReadPurpose::Display;
        let mut reader = world.service.read(&call, input, display, start).await?;
        while reader.next(rows(2)).await?.is_some() {}
        Ok(reader.seen())
    })
}

/// One element that was made, changed and deleted, and another one.
fn world(permissions: &[Permission]) -> (World, ElementId) {
    let world = World::with(permissions);
    let store = &*world.store;
    let element = run(done(store, creation(1.0, 2.0, named("one")))).element;
    run(done(store, creation(3.0, 4.0, named("other"))));
    run(done(store, renaming(element, ExpectedRevision::Any, "two")));
    let expected = ExpectedRevision::Any;
    let deletion = Edit::Delete { element, expected };
    run(store.edit(batch(actor(5), Decision::All, vec![deletion]))).unwrap();
    (world, element)
}

fn changes(world: &World, element: ElementId, most: u32) -> Result<Vec<Change>, ReadError> {
    let (call, mut all, mut told) = (call(ALL), Vec::new(), None);
    loop {
        let part = world.service.changes(
            &call,
            (layer(), element),
            OutputInput::default(),
            (told, rows(most)),
        );
        let part = run(part)?;
        all.extend(part.changes);
        told = part.next;
        if told.is_none() {
            return Ok(all);
        }
    }
}

#[test]
fn viewers_read_what_happened_to_one_element_even_a_deleted_one() {
    // R38, R106.
    let (world, element) = world(&[Permission::View]);
    let all = changes(&world, element, 10).unwrap();
    let told = |change: &Change| (change.revision.get(), change.kind, change.after.is_some());
    let expected = [
        (1, ChangeKind::Created, true),
        (3, ChangeKind::Updated, true),
        (4, ChangeKind::Deleted, false),
    ];
    assert_eq!(all.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!(all[2].by, Some(actor(5)));
    assert_eq!(changes(&world, element, 1).unwrap(), all);
    assert_eq!(
        count(&world, then(Some(vec![element]), revision(3))).unwrap(),
        1
    );
    assert_eq!(
        count(&world, then(Some(vec![element]), revision(4))).unwrap(),
        0
    );
}

#[test]
fn nothing_is_told_of_the_past_without_view() {
    // R40, R113.
    let (world, element) = world(&[Permission::CopyExport]);
    world.say(Permission::View, Decision::Denied(DenyReason::NotVisible));
    let unknown = ElementId::new(99).unwrap();
    for element in [element, unknown] {
        let error = changes(&world, element, 10).unwrap_err();
        assert!(matches!(error, ReadError::NoSuchLayer(_)), "{error}");
    }
    for as_of in [revision(1), revision(99)] {
        let error = count(&world, then(None, as_of)).unwrap_err();
        assert!(matches!(error, ReadError::NoSuchLayer(_)), "{error}");
    }
}

#[test]
fn the_past_of_more_than_one_element_needs_copy_and_export() {
    // R38.
    let (viewer, element) = world(&[Permission::View]);
    let two = vec![element, ElementId::new(2).unwrap()];
    for ids in [None, Some(two)] {
        let input = then(ids, revision(3));
        let (call, selection) = (call(ALL), input.selection.clone());
        let summary = viewer.service.summarize(&call, layer(), selection);
        let summary = run(summary).map(drop);
        for refused in [summary, count(&viewer, input).map(drop)] {
            let error = refused.unwrap_err();
            assert!(matches!(error, ReadError::NotPermitted { .. }), "{error}");
        }
    }
    let (copier, _) = world(&[Permission::View, Permission::CopyExport]);
    assert_eq!(count(&copier, then(None, revision(3))).unwrap(), 2);
}

#[test]
fn states_that_have_not_been_yet_are_refused() {
    let (world, _) = world(&[Permission::View, Permission::CopyExport]);
    let tomorrow = DateTime::from_millis(DateTime::now().millis() + 86_400_000).unwrap();
    for as_of in [revision(5), AsOf::Time(tomorrow)] {
        let error = count(&world, then(None, as_of)).unwrap_err();
        assert!(matches!(error, ReadError::Future), "{error}");
    }
    assert_eq!(count(&world, then(None, revision(0))).unwrap(), 0);
    assert_eq!(
        count(&world, then(None, AsOf::Time(DateTime::EPOCH))).unwrap(),
        0
    );
}

#[test]
fn an_element_that_never_was_has_no_history() {
    let (world, _) = world(&[Permission::View]);
    let unknown = ElementId::new(99).unwrap();
    let error = changes(&world, unknown, 10).unwrap_err();
    assert!(matches!(error, ReadError::NoSuchElement(id) if id == unknown));
    // Those of an edit that was refused are none.
    let stale = ExpectedRevision::Revision(DataRevision::default());
    let other = ElementId::new(2).unwrap();
    run(edit(&*world.store, vec![renaming(other, stale, "never")]));
    assert_eq!(changes(&world, other, 10).unwrap().len(), 1);
}
