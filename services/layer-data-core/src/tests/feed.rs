//! Following a layer, under the rights that the caller has at each moment.

use std::sync::atomic::Ordering;

use jmap_domain::{DataRevision, Decision, DenyReason, Permission};

use super::{World, call, run};
use crate::{
    conformance::{creation, done, edit, layer, named, rows},
    feed::{FeedError, FeedInput, FeedNews, FeedPlace, FeedProgress},
    query::{BoxInput, OutputInput},
    reads::ReadError,
};

const COPIER: [Permission; 2] = [Permission::View, Permission::CopyExport];

fn everything() -> FeedInput {
    FeedInput {
        layer: layer(),
        bbox: None,
        output: OutputInput::default(),
    }
}

fn in_a_box() -> FeedInput {
    let bbox = BoxInput {
        min_x: -9.0,
        min_y: -9.0,
        max_x: 9.0,
        max_y: 9.0,
        epsg: None,
    };
    FeedInput {
        bbox: Some(bbox),
        ..everything()
    }
}

fn add(world: &World, elements: usize) {
    let edits = (0..elements).map(|_| creation(1.0, 1.0, named("one")));
    run(edit(&*world.store, edits.collect()));
}

fn at(place: FeedPlace) -> FeedProgress {
    FeedProgress { place, behind: 0 }
}

fn beginning() -> FeedProgress {
    at(FeedPlace::after(DataRevision::default()))
}

fn events(news: Option<FeedNews>) -> usize {
    match news {
        Some(FeedNews::Events(events)) => events.len(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_right_is_judged_before_each_message() {
    // R40, R119.
    let world = World::with(&COPIER);
    let caller = call(11);
    world.authorizer.stale_answers.store(9, Ordering::Relaxed);
    let mut follower = run(world.service.follow(&caller, everything())).unwrap();
    add(&world, 1);
    assert_eq!(events(run(follower.next(rows(5))).unwrap()), 1);
    add(&world, 1);
    let denied = Decision::Denied(DenyReason::NoGrant);
    world.say(Permission::CopyExport, denied);
    let ended = run(follower.next(rows(5))).unwrap_err();
    assert!(matches!(ended, ReadError::NotPermitted { .. }), "{ended:?}");
    world.authorizer.stale_answers.store(9, Ordering::Relaxed);
    let mut viewer = run(world.service.follow(&caller, in_a_box())).unwrap();
    world.say(Permission::View, denied);
    let ended = run(viewer.next(rows(5))).unwrap_err();
    assert!(matches!(ended, ReadError::NoSuchLayer(_)), "{ended:?}");
}

#[test]
fn who_may_not_copy_catches_up_within_the_display_limit() {
    // R38. The limit of these tests is 3.
    let world = World::with(&[Permission::View]);
    let caller = call(11);
    let whole = run(world.service.follow(&caller, everything())).unwrap_err();
    assert!(matches!(whole, ReadError::NotPermitted { .. }), "{whole:?}");
    let mut viewer = run(world.service.follow(&caller, in_a_box())).unwrap();
    for _ in 0..3 {
        add(&world, 2);
        assert_eq!(events(run(viewer.next(rows(5))).unwrap()), 2);
        assert_eq!(run(viewer.next(rows(5))).unwrap(), None);
    }
    viewer.go_back(beginning()).unwrap();
    assert_eq!(events(run(viewer.next(rows(2))).unwrap()), 2);
    let ended = run(viewer.next(rows(2))).unwrap_err();
    assert!(
        matches!(ended, ReadError::TooManyElements { .. }),
        "{ended:?}"
    );
}

#[test]
fn whoever_was_ended_by_the_display_limit_is_so_again() {
    // R38: as with the pages of a read.
    let world = World::with(&[Permission::View]);
    let caller = call(11);
    add(&world, 8);
    let mut viewer = run(world.service.follow(&caller, in_a_box())).unwrap();
    viewer.go_back(beginning()).unwrap();
    assert_eq!(events(run(viewer.next(rows(2))).unwrap()), 2);
    run(viewer.next(rows(2))).unwrap_err();
    let progress = viewer.progress();
    for _ in 0..2 {
        let mut again = run(world.service.follow(&caller, in_a_box())).unwrap();
        again.go_back(progress).unwrap();
        let ended = run(again.next(rows(2))).unwrap_err();
        assert!(
            matches!(ended, ReadError::TooManyElements { .. }),
            "{ended:?}"
        );
    }
}

#[test]
fn the_past_from_a_revision_on_needs_the_right_to_copy() {
    // R38: as a read of many elements as of a revision.
    let world = World::with(&[Permission::View]);
    let caller = call(11);
    add(&world, 1);
    let mut viewer = run(world.service.follow(&caller, in_a_box())).unwrap();
    for revision in [DataRevision::default(), DataRevision::new(1 << 40).unwrap()] {
        let refused = run(viewer.go_back_to(revision)).unwrap_err();
        assert!(
            matches!(refused, FeedError::Read(ReadError::NotPermitted { .. })),
            "{refused:?}"
        );
    }
    let world = World::with(&COPIER);
    add(&world, 1);
    let mut copier = run(world.service.follow(&caller, in_a_box())).unwrap();
    run(copier.go_back_to(DataRevision::default())).unwrap();
    assert_eq!(events(run(copier.next(rows(5))).unwrap()), 1);
}

#[test]
fn a_place_that_has_not_been_yet_is_refused() {
    let world = World::with(&COPIER);
    run(done(&*world.store, creation(1.0, 1.0, named("one"))));
    let caller = call(11);
    let mut follower = run(world.service.follow(&caller, everything())).unwrap();
    let now = follower.progress().place;
    for place in [
        FeedPlace::after(now.revision.next()),
        FeedPlace {
            next_element: now.next_element + 1,
            ..now
        },
    ] {
        let refused = follower.go_back(at(place)).unwrap_err();
        assert!(matches!(refused, FeedError::Future), "{refused:?}");
    }
    follower.go_back(beginning()).unwrap();
    assert_eq!(events(run(follower.next(rows(5))).unwrap()), 1);
}
