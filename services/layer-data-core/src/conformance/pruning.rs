//! Pruning: what is older than a layer keeps goes, and every state that is left is whole.

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use jmap_domain::{DataRevision, Decision, ElementId};

use super::{
    actor, batch, creation, definition, done, edit,
    feed::{everything, told},
    history::{Numbers, at, deletion, moving, versions},
    kept_for, layer, make_layer_of, name_of, named, read_all, renaming, revision, rows,
    structure::redefined,
};
use crate::{
    definition::DefinitionChange,
    edit::{Edit, EditRefusal, EditResult, ExpectedRevision, Restored},
    element::Element,
    feed::{EventKind, FeedPlace},
    history::{HistoryStart, Pruned},
    ports::LayerStore,
    value::DateTime,
};

const ANY: ExpectedRevision = ExpectedRevision::Any;
const HOUR: Duration = Duration::from_hours(1);
const HOUR_MILLIS: i64 = 3_600_000;
const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;

/// The suite's layer, which keeps its history for an hour.
pub(super) async fn make_forgetful(store: &impl LayerStore) {
    make_layer_of(store, kept_for(Some(HOUR))).await;
}

async fn start(store: &impl LayerStore) -> HistoryStart {
    store.layer(layer()).await.unwrap().unwrap().history
}

/// Prunes what the layer keeps no longer at a time.
async fn prune_at(store: &impl LayerStore, now: i64, limit: u32) -> Pruned {
    let (now, limit) = (DateTime::from_millis(now), NonZeroU32::new(limit));
    let pruning = store.prune(layer(), now.unwrap(), limit.unwrap());
    pruning.await.unwrap()
}

/// Prunes when all that was done is long ago.
pub async fn prune(store: &impl LayerStore, limit: u32) -> Pruned {
    prune_at(store, DateTime::now().millis() + DAY_MILLIS, limit).await
}

const fn pruned(versions: u64, more: bool) -> Pruned {
    Pruned { versions, more }
}

type States = Vec<(DataRevision, Vec<Element>)>;

/// Many edits, each of one revision, and the states that they made.
async fn lived(store: &impl LayerStore, steps: usize) -> States {
    let mut states = vec![(revision(store).await, Vec::new())];
    let mut numbers = Numbers(20_261_123);
    for step in 0..steps {
        let ids: Vec<ElementId> = read_all(store).await.iter().map(|one| one.id).collect();
        let chosen = ids.get(numbers.below(ids.len().max(1)));
        let x = f64::from(u32::try_from(numbers.below(8)).unwrap());
        let act = match (chosen, numbers.below(6)) {
            (None, _) | (_, 0 | 1) => creation(x, x, named(&step.to_string())),
            (Some(id), 2 | 3) => renaming(*id, ANY, &step.to_string()),
            (Some(id), 4) => moving(*id, x),
            (Some(id), _) => deletion(*id),
        };
        edit(store, vec![act]).await;
        states.push((revision(store).await, read_all(store).await));
    }
    states
}

/// What a state has become by what the feed tells after it.
async fn replayed(store: &impl LayerStore, from: &(DataRevision, Vec<Element>)) -> Vec<Element> {
    let place = FeedPlace::after(from.0);
    let events = told(store, &everything(&definition()), place, rows(3)).await;
    let state = from.1.iter().map(|one| (one.id, one.clone()));
    let mut state: BTreeMap<ElementId, Element> = state.collect();
    for event in events {
        match event.what {
            EventKind::Created(after) => {
                let before = state.insert(after.id, after);
                assert_eq!(before, None, "created twice");
            }
            EventKind::Updated(after) => {
                let before = state.insert(after.id, after);
                assert!(before.is_some(), "changed, and was not there");
            }
            EventKind::Deleted | EventKind::Left => {
                assert!(state.remove(&event.element).is_some());
            }
        }
    }
    state.into_values().collect()
}

/// Whatever part of a pruning came last, every state from the start on reads as it was, and the feed after it tells each
/// change once.
pub async fn states_from_the_start_on_stay_whole(store: &impl LayerStore) {
    // R106, R110.
    make_forgetful(store).await;
    let states = lived(store, 40).await;
    let now = read_all(store).await;
    let mut before = start(store).await;
    loop {
        let part = prune(store, 1).await;
        let begun = start(store).await;
        if part.versions == 0 {
            assert_eq!((part, begun), (Pruned::default(), before));
            break;
        }
        assert!(begun.revision > before.revision && begun.time >= before.time);
        assert_eq!(part, pruned(1, true));
        let kept = states.iter().filter(|(at, _)| *at >= begun.revision);
        for state in kept {
            assert_eq!(at(store, state.0).await, state.1, "at {:?}", state.0);
            assert_eq!(replayed(store, state).await, now, "from {:?}", state.0);
        }
        before = begun;
    }
    assert!(before.revision > DataRevision::default());
    assert_eq!(read_all(store).await, now);
    for element in now {
        let left = versions(store, element.id, None, 9).await.versions;
        assert_eq!(left.len(), 1, "only what it is now is left");
    }
}

/// What ended by the horizon goes, and nothing that ended later.
pub async fn only_what_ended_by_the_horizon_goes(store: &impl LayerStore) {
    make_forgetful(store).await;
    let made = done(store, creation(1.0, 2.0, named("0"))).await.element;
    for n in 1..5 {
        done(store, renaming(made, ANY, &n.to_string())).await;
        let_the_clock_go_on();
    }
    let all = versions(store, made, None, 9).await.versions;
    let first = all[0].end.unwrap();
    let horizon = first.time.millis();
    assert_eq!(
        prune_at(store, horizon + HOUR_MILLIS - 1, 9).await,
        Pruned::default()
    );
    assert_eq!(start(store).await.revision, DataRevision::default());
    assert_eq!(versions(store, made, None, 9).await.versions, all);
    let part = prune_at(store, horizon + HOUR_MILLIS, 9).await;
    let is_kept =
        |version: &&crate::history::Version| version.end.is_none_or(|end| end.time > first.time);
    let kept: Vec<_> = all.iter().filter(is_kept).cloned().collect();
    assert_eq!(part, pruned((all.len() - kept.len()) as u64, false));
    assert!(kept.len() > 1, "the edits were made at several times");
    assert_eq!(versions(store, made, None, 9).await.versions, kept);
    let begun = start(store).await;
    assert_eq!(
        (begun.time, begun.revision),
        (first.time, kept[0].element.revision)
    );
}

/// Edits of the same millisecond are one state.
fn let_the_clock_go_on() {
    std::thread::sleep(Duration::from_millis(3));
}

/// However little is to be removed at once, all that an edit ended goes together.
pub async fn a_part_of_a_pruning_ends_with_an_edit(store: &impl LayerStore) {
    make_forgetful(store).await;
    let creations = (0..5).map(|n| creation(f64::from(n), 0.0, named("made")));
    edit(store, creations.collect()).await;
    let ids: Vec<ElementId> = read_all(store).await.iter().map(|one| one.id).collect();
    let renamings = ids.iter().map(|id| renaming(*id, ANY, "renamed"));
    edit(store, renamings.collect()).await;
    let renamed = (revision(store).await, read_all(store).await);
    done(store, deletion(ids[0])).await;
    assert_eq!(prune(store, 1).await, pruned(5, true));
    assert_eq!(start(store).await.revision, renamed.0);
    assert_eq!(at(store, renamed.0).await, renamed.1);
    assert_eq!(prune(store, 9).await, pruned(1, false));
}

/// Where history is kept for ever, nothing goes; that can be changed at any time.
pub async fn only_what_the_definition_lets_go_goes(store: &impl LayerStore) {
    make_layer_of(store, definition()).await;
    let made = done(store, creation(1.0, 2.0, named("0"))).await.element;
    for n in 1..3 {
        done(store, renaming(made, ANY, &n.to_string())).await;
    }
    let keep = |keep| vec![DefinitionChange::KeepHistory(keep)];
    let left = async || versions(store, made, None, 9).await.versions.len();
    assert_eq!(prune(store, 9).await, Pruned::default());
    assert_eq!(left().await, 3);
    redefined(store, keep(Some(HOUR))).await;
    assert_eq!(prune(store, 1).await, pruned(1, true));
    let before = start(store).await;
    redefined(store, keep(None)).await;
    assert_eq!(start(store).await, before);
    assert_eq!(prune(store, 9).await, Pruned::default());
    assert_eq!(left().await, 2);
    redefined(store, keep(Some(HOUR))).await;
    assert_eq!(prune(store, 9).await, pruned(1, false));
    assert_eq!(left().await, 1);
}

/// A deleted element comes back as long as its last version is kept, and no longer; its id stays its own.
pub async fn what_was_pruned_does_not_come_back(store: &impl LayerStore) {
    // R103.
    make_forgetful(store).await;
    let mut gone = Vec::new();
    for name in ["pruned", "kept"] {
        let made = done(store, creation(1.0, 2.0, named(name))).await;
        let deleted = done(store, deletion(made.element)).await.revision;
        gone.push(Restored {
            element: made.element,
            version: made.revision,
            deleted,
            checked: definition().version(),
        });
    }
    assert_eq!(prune(store, 1).await, pruned(1, true));
    let kept = gone.pop().unwrap();
    let pruned = gone.pop().unwrap();
    let element = pruned.element;
    let tried = batch(actor(1), Decision::All, vec![Edit::Restore(pruned)]);
    let answer = store.edit(tried).await.unwrap();
    let refusal = EditRefusal::NoSuchElement(element);
    assert_eq!(answer.results, [(0, EditResult::Refused(refusal))]);
    done(store, Edit::Restore(kept)).await;
    let names = read_all(store).await;
    assert_eq!(names.iter().map(name_of).collect::<Vec<_>>(), ["kept"]);
    let next = done(store, creation(1.0, 2.0, named("next"))).await.element;
    assert!(next > names[0].id);
}

/// What a pruning that was cut short leaves in a store: the states that it had.
pub async fn before_reopening(
    store: &impl LayerStore,
) -> (HistoryStart, Vec<(DataRevision, Vec<Element>)>) {
    make_forgetful(store).await;
    let states = lived(store, 20).await;
    assert_eq!(prune(store, 1).await, pruned(1, true));
    assert_eq!(prune(store, 1).await, pruned(1, true));
    (start(store).await, states)
}

/// The same store, opened again, knows what is whole, and goes on.
pub async fn after_reopening(
    store: &impl LayerStore,
    (begun, states): (HistoryStart, Vec<(DataRevision, Vec<Element>)>),
) {
    assert_eq!(start(store).await, begun);
    for state in states.iter().filter(|(at, _)| *at >= begun.revision) {
        assert_eq!(at(store, state.0).await, state.1);
        assert_eq!(replayed(store, state).await, states.last().unwrap().1);
    }
    let rest = prune(store, 1_000).await;
    assert!(rest.versions > 0 && !rest.more, "{rest:?}");
    assert_eq!(read_all(store).await, states.last().unwrap().1);
}
