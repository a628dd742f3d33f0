//! What callers learn of a past that is not kept any more.

use std::time::Duration;

use jmap_domain::{DataRevision, ElementId, Permission};

use super::{World, call, run};
use crate::{
    conformance::{
        creation, done, edit, history::deletion, kept_for, layer, make_layer_of, named, pruning,
        renaming, rows,
    },
    edit::{ExpectedRevision, Intent},
    edits::{EditError, Past, ReversalError, ReversalInput},
    feed::{FeedError, FeedInput, FeedPlace, FeedProgress},
    history::{AsOf, ChangeKind, Deeds, HistoryStart},
    ports::LayerStore,
    query::{OutputInput, QueryInput, SelectionInput},
    reads::{PageStart, ReadError, ReadPurpose},
};

const ANY: ExpectedRevision = ExpectedRevision::Any;

const ALL: [Permission; 6] = [
    Permission::View,
    Permission::CopyExport,
    Permission::AddElements,
    Permission::ModifyElements,
    Permission::DeleteElements,
    Permission::ModifyAttributes,
];

/// A layer that keeps its history for an hour; its element 1 was made by revision 1, then renamed, and so on.
fn world(renamings: usize) -> (World, ElementId) {
    let world = World::empty();
    let hour = Some(Duration::from_hours(1));
    run(make_layer_of(&*world.store, kept_for(hour)));
    for permission in ALL {
        world.say(permission, jmap_domain::Decision::All);
    }
    let made = run(done(&*world.store, creation(1.0, 2.0, named("made")))).element;
    for _ in 0..renamings {
        run(done(&*world.store, renaming(made, ANY, "renamed")));
    }
    (world, made)
}

fn prune(world: &World, limit: u32) -> HistoryStart {
    run(pruning::prune(&*world.store, limit));
    let stored = run(world.store.layer(layer())).unwrap();
    stored.unwrap().history
}

fn revision(number: i64) -> DataRevision {
    DataRevision::new(number).unwrap()
}

fn as_of(number: i64) -> QueryInput {
    QueryInput {
        layer: layer(),
        selection: SelectionInput {
            as_of: Some(AsOf::Revision(revision(number))),
            ..SelectionInput::default()
        },
        output: OutputInput::default(),
        maximum: None,
    }
}

fn is_pruned(error: &ReadError) -> bool {
    matches!(error, ReadError::HistoryPruned(_))
}

#[test]
fn a_state_before_the_start_is_refused_and_the_start_is_not() {
    let (world, _) = world(3);
    assert_eq!(prune(&world, 2).revision, revision(3));
    let (call, start) = (call(11), PageStart::default());
    let page = |number| {
        let page = world
            .service
            .page(&call, as_of(number), start.clone(), rows(9));
        run(page).map(|page| page.elements.len())
    };
    assert!(is_pruned(&page(2).unwrap_err()));
    assert_eq!(page(3).unwrap(), 1);
    let summed = |number| {
        let selection = as_of(number).selection;
        run(world.service.summarize(&call, layer(), selection)).map(|(_, summary)| summary.count)
    };
    assert!(is_pruned(&summed(2).unwrap_err()));
    assert_eq!(summed(3).unwrap(), 1);
}

#[test]
fn a_read_that_the_start_has_passed_ends_with_it() {
    let (world, _) = world(3);
    let call = call(11);
    let begin = || {
        let start = PageStart::default();
        let read = world
            .service
            .read(&call, as_of(2), ReadPurpose::Display, start);
        run(read).unwrap()
    };
    let mut reader = begin();
    assert_eq!(prune(&world, 1).revision, revision(2));
    let chunk = run(reader.next(rows(9))).unwrap().unwrap();
    assert_eq!(chunk.elements.len(), 1);
    let mut reader = begin();
    prune(&world, 1);
    let ended = run(reader.next(rows(9))).unwrap_err();
    assert!(is_pruned(&ended), "{ended:?}");
}

#[test]
fn an_elements_history_begins_with_the_oldest_version_that_is_kept() {
    // R106.
    let (world, element) = world(3);
    let call = call(11);
    let page = |told, limit| {
        let output = OutputInput::default();
        let page = world
            .service
            .changes(&call, (layer(), element), output, (told, rows(limit)));
        run(page)
    };
    let first = page(None, 1).unwrap();
    assert_eq!(first.changes[0].kind, ChangeKind::Created);
    prune(&world, 2);
    let kinds = page(None, 9).unwrap().changes;
    let kinds: Vec<_> = kinds.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [ChangeKind::Oldest, ChangeKind::Updated]);
    // What followed the first page is gone in part: it is not told as if the element had been away.
    assert!(is_pruned(&page(first.next, 9).unwrap_err()));
}

#[test]
fn what_was_pruned_is_not_brought_back_and_the_caller_learns_why() {
    // R109.
    let (world, element) = world(0);
    run(done(&*world.store, deletion(element)));
    let call = call(11);
    let reverse = |past| {
        let input = ReversalInput {
            layer: layer(),
            past,
            intent: Intent::Commit,
            request: None,
        };
        run(world.service.reverse(&call, input))
    };
    prune(&world, 9);
    for past in [
        Past::Deleted(vec![element]),
        Past::Before(Deeds::Of(revision(2))),
    ] {
        let refused = reverse(past).unwrap_err();
        assert!(
            matches!(&refused, ReversalError::Read(error) if is_pruned(error)),
            "{refused:?}"
        );
    }
    // Of an element that never was nothing was pruned.
    let never = reverse(Past::Deleted(vec![ElementId::new(99).unwrap()]));
    assert_eq!(never.unwrap().conflicts.len(), 1);
    let later = run(done(&*world.store, creation(1.0, 2.0, named("later")))).element;
    run(done(&*world.store, deletion(later)));
    assert_eq!(reverse(Past::Deleted(vec![later])).unwrap().count, 1);
    let both: Result<_, ReversalError> = reverse(Past::Deleted(vec![later, element]));
    assert!(!matches!(
        both,
        Err(ReversalError::Edit(EditError::PermitsExpired))
    ));
    assert!(both.is_err());
}

#[test]
fn a_feed_goes_on_from_the_start_and_not_from_before_it() {
    let (world, element) = world(0);
    let more = creation(1.0, 2.0, named("more"));
    let other = run(done(&*world.store, more)).element;
    let both = [element, other].map(|id| renaming(id, ANY, "both"));
    run(edit(&*world.store, both.to_vec()));
    run(done(&*world.store, renaming(other, ANY, "last")));
    let call = call(11);
    let input = FeedInput {
        layer: layer(),
        bbox: None,
        output: OutputInput::default(),
    };
    assert_eq!(prune(&world, 2).revision, revision(3));
    let back = |place| {
        let mut follower = run(world.service.follow(&call, input.clone())).unwrap();
        let back = follower.go_back(FeedProgress { place, behind: 0 });
        back.map(|()| follower)
    };
    let is_refused = |place| {
        let refused = back(place).map(drop);
        matches!(refused, Err(FeedError::Read(error)) if is_pruned(&error))
    };
    assert!(is_refused(FeedPlace::after(revision(2))));
    // In the middle of the first revision that is kept: its other half is gone.
    let within = FeedPlace {
        element: Some(element),
        ..FeedPlace::after(revision(3))
    };
    assert!(is_refused(within));
    let mut follower = back(FeedPlace::after(revision(3))).unwrap();
    let told = run(follower.next(rows(9))).unwrap();
    let crate::feed::FeedNews::Events(events) = told.unwrap() else {
        panic!("no events")
    };
    let told: Vec<_> = events.iter().map(|event| event.element).collect();
    assert_eq!(told, [other]);
}
