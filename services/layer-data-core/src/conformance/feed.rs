//! The change feed: every change once, in order, from anywhere.

use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use jmap_domain::ElementId;

use super::{
    creation, definition, done, edit,
    history::{Numbers, deletion, moving},
    later, layer, make_layer, named, point, query, read_all, renaming, revision, rows,
};
use crate::{
    definition::LayerDefinition,
    edit::{Edit, ExpectedRevision, Restored},
    element::Element,
    feed::{ElementEvent, EventKind, FeedPlace, Seen},
    ports::{ChunkLimit, LayerStore},
    query::{BoxInput, CheckedQuery, SelectionInput},
};

const ANY: ExpectedRevision = ExpectedRevision::Any;

type State = BTreeMap<ElementId, Element>;

pub(super) fn everything(definition: &LayerDefinition) -> CheckedQuery {
    let input = query(SelectionInput::default());
    input.check(definition).unwrap()
}

fn in_box(bbox: BoxInput) -> CheckedQuery {
    let selection = SelectionInput {
        bbox: Some(bbox),
        ..SelectionInput::default()
    };
    query(selection).check(&definition()).unwrap()
}

async fn newest(store: &impl LayerStore) -> FeedPlace {
    store.newest(layer()).await.unwrap()
}

/// All that comes after a place, read part by part, each once and in order.
pub(super) async fn told(
    store: &impl LayerStore,
    query: &CheckedQuery,
    mut place: FeedPlace,
    limit: ChunkLimit,
) -> Vec<ElementEvent> {
    let mut events: Vec<ElementEvent> = Vec::new();
    loop {
        let part = store.feed(query, place, limit, later()).await.unwrap();
        assert!(part.events.len() <= limit.rows.get() as usize);
        assert!(part.place.key() > place.key() || !part.more, "{part:?}");
        events.extend(part.events);
        place = part.place;
        if !part.more {
            break;
        }
    }
    let newest = newest(store).await;
    assert_eq!((place.revision, place.element), (newest.revision, None));
    assert_eq!(place.next_element, newest.next_element);
    let in_order = |pair: &[ElementEvent]| {
        let [before, after] = pair else { return false };
        (before.revision, before.element) < (after.revision, after.element)
    };
    assert!(events.windows(2).all(in_order), "{events:?}");
    events
}

/// What a state has become by what was told of it.
fn replayed(mut state: State, events: &[ElementEvent]) -> State {
    for event in events {
        match &event.what {
            EventKind::Created(after) | EventKind::Updated(after) => {
                assert_eq!((after.id, after.revision), (event.element, event.revision));
                state.insert(event.element, after.clone());
            }
            EventKind::Deleted | EventKind::Left => {
                let was_there = state.remove(&event.element).is_some();
                assert!(was_there, "{event:?}");
            }
        }
    }
    state
}

async fn state(store: &impl LayerStore) -> State {
    let all = read_all(store).await.into_iter();
    all.map(|element| (element.id, element)).collect()
}

/// Some edits of different elements, as one batch.
fn batch_of(numbers: &mut Numbers, state: &State, step: usize) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut left: Vec<ElementId> = state.keys().copied().collect();
    for _ in 0..=numbers.below(4) {
        let x = f64::from(u32::try_from(numbers.below(8)).unwrap());
        let name = step.to_string();
        let act = numbers.below(6);
        if left.is_empty() || act < 2 {
            edits.push(creation(x, x, named(&name)));
            continue;
        }
        let chosen = left.swap_remove(numbers.below(left.len()));
        edits.push(match act {
            2 => renaming(chosen, ANY, &name),
            3 | 4 => moving(chosen, x),
            _ => deletion(chosen),
        });
    }
    edits
}

/// What was brought back is told as created, under its old id and in its turn, from wherever one goes on.
pub async fn a_feed_tells_what_came_back(store: &impl LayerStore) {
    make_layer(store).await;
    let made = done(store, creation(1.0, 1.0, named("gone"))).await;
    let mut states = vec![(newest(store).await, state(store).await)];
    let deleted = done(store, deletion(made.element)).await;
    let restoration = Edit::Restore(Restored {
        element: made.element,
        version: made.revision,
        deleted: deleted.revision,
        checked: definition().version(),
    });
    let acts = [
        creation(2.0, 2.0, named("before")),
        restoration,
        creation(3.0, 3.0, named("after")),
        renaming(made.element, ANY, "back"),
        creation(4.0, 4.0, named("last")),
    ];
    for act in acts {
        states.push((newest(store).await, state(store).await));
        edit(store, vec![act]).await;
    }
    states.push((newest(store).await, state(store).await));
    let now = state(store).await;
    for length in 1..5 {
        for (place, before) in &states {
            let events = told(store, &everything(&definition()), *place, rows(length)).await;
            assert_eq!(replayed(before.clone(), &events), now, "{place:?}");
        }
    }
    let events = told(
        store,
        &everything(&definition()),
        FeedPlace::after(deleted.revision),
        rows(9),
    )
    .await;
    let made_of = |event: &ElementEvent| matches!(event.what, EventKind::Created(_));
    let of_it = events.iter().filter(|event| event.element == made.element);
    assert_eq!(of_it.map(made_of).collect::<Vec<_>>(), [true, false]);
}

/// A feed replayed from any state rebuilds the present one, in parts of any length, whole and in a box.
pub async fn a_feed_from_anywhere_rebuilds_the_layer(store: &impl LayerStore) {
    // R106, R108.
    make_layer(store).await;
    let mut states = vec![(newest(store).await, State::new())];
    let mut numbers = Numbers(20_261_122);
    for step in 0..25 {
        let edits = batch_of(&mut numbers, &states.last().unwrap().1, step);
        edit(store, edits).await;
        states.push((newest(store).await, state(store).await));
    }
    let last = states.last().unwrap().1.clone();
    let bbox = BoxInput {
        min_x: 2.0,
        min_y: 2.0,
        max_x: 4.0,
        max_y: 4.0,
        epsg: None,
    };
    let corners = [2.0, 3.0, 4.0].map(|x| Some(point(x, x)));
    let inside = |state: &State| -> State {
        let is_in = |(_, element): &(&ElementId, &Element)| corners.contains(&element.geometry);
        let inside = state.iter().filter(is_in);
        inside.map(|(id, element)| (*id, element.clone())).collect()
    };
    for (index, (place, state)) in states.iter().enumerate() {
        let limit = rows(u32::try_from(index % 6).unwrap() + 1);
        let unknown = FeedPlace::after(place.revision);
        for place in [*place, unknown] {
            let events = told(store, &everything(&definition()), place, limit).await;
            assert_eq!(replayed(state.clone(), &events), last, "from {place:?}");
            let events = told(store, &in_box(bbox), place, limit).await;
            assert_eq!(
                replayed(inside(state), &events),
                inside(&last),
                "from {place:?}"
            );
        }
    }
}

/// What was told says who did it and when, and what the element was like then, whatever has become of it since.
pub async fn events_tell_what_was_then(store: &impl LayerStore) {
    // R106.
    make_layer(store).await;
    let begin = newest(store).await;
    let made = done(store, creation(1.0, 2.0, named("one"))).await;
    done(store, renaming(made.element, ANY, "two")).await;
    done(store, deletion(made.element)).await;
    let events = told(store, &everything(&definition()), begin, rows(10)).await;
    let [created, updated, deleted] = events.as_slice() else {
        panic!("not three: {events:?}");
    };
    let (EventKind::Created(one), EventKind::Updated(two)) = (&created.what, &updated.what) else {
        panic!("{events:?}");
    };
    let names = [one, two].map(super::name_of);
    assert_eq!(names, ["one", "two"]);
    assert_eq!(one.geometry, Some(point(1.0, 2.0)));
    assert_eq!(deleted.what, EventKind::Deleted);
    assert_eq!(deleted.revision, revision(store).await);
    assert!(events.iter().all(|event| event.by == Some(super::actor(1))));
    assert!(created.time <= updated.time && updated.time <= deleted.time);
}

/// Large elements come in small parts.
pub async fn parts_hold_no_more_than_was_asked_for(store: &impl LayerStore) {
    // R112.
    make_layer(store).await;
    let begin = newest(store).await;
    let long = "x".repeat(10_000);
    let edits = (0..20).map(|_| creation(1.0, 1.0, named(&long)));
    edit(store, edits.collect()).await;
    let first = done(store, creation(1.0, 1.0, named("last"))).await.element;
    done(store, renaming(first, ANY, &long)).await;
    let limit = ChunkLimit {
        bytes: 30_000,
        ..rows(100)
    };
    let events = told(store, &everything(&definition()), begin, limit).await;
    assert_eq!(events.len(), 22);
}

/// Whoever waits for news of a layer hears of the next edit, and at once of one that was made before.
pub async fn edits_are_news(store: &impl LayerStore) {
    make_layer(store).await;
    let seen = Seen {
        revision: revision(store).await,
        definition: definition().version(),
    };
    let mut news = pin!(store.news(layer(), seen));
    let is_ready = poll_fn(|context| Poll::Ready(news.as_mut().poll(context).is_ready())).await;
    assert!(!is_ready, "nothing happened");
    done(store, creation(1.0, 2.0, named("one"))).await;
    news.await;
    store.news(layer(), seen).await;
}
