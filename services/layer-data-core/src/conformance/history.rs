//! History: what elements were like, and layers as they were.

use jmap_domain::{DataRevision, Decision, ElementId};

use super::{
    actor, batch, change, creation, definition, done, edit, later, layer, make_layer, name_of,
    named, point, query, read, read_all, renaming, revision, rows,
};
use crate::{
    edit::{Edit, EditedElement, ExpectedRevision},
    element::{ChangeInput, Element},
    history::{AsOf, Versions},
    ports::{LayerStore, Removal},
    query::{BoxInput, SelectionInput},
};

const ANY: ExpectedRevision = ExpectedRevision::Any;

pub(crate) fn deletion(element: ElementId) -> Edit {
    Edit::Delete {
        element,
        expected: ANY,
    }
}

fn then(as_of: AsOf) -> SelectionInput {
    SelectionInput {
        as_of: Some(as_of),
        ..SelectionInput::default()
    }
}

pub(super) async fn at(store: &impl LayerStore, revision: DataRevision) -> Vec<Element> {
    let selection = then(AsOf::Revision(revision));
    read(store, query(selection), rows(3)).await
}

pub(super) async fn versions(
    store: &impl LayerStore,
    element: ElementId,
    after: Option<DataRevision>,
    most: u32,
) -> Versions {
    let selection = SelectionInput {
        ids: Some(vec![element]),
        ..SelectionInput::default()
    };
    let query = query(selection).check(&definition()).unwrap();
    let read = store.versions(&query, after, rows(most), later());
    read.await.unwrap()
}

/// Each version of an element is kept, with who ended it and when; one that was deleted has its history still.
pub async fn an_element_keeps_its_versions(store: &impl LayerStore) {
    // R106.
    make_layer(store).await;
    let made = done(store, creation(1.0, 2.0, named("one"))).await;
    let other = done(store, creation(5.0, 5.0, named("other"))).await;
    let renaming = renaming(made.element, ANY, "two");
    let renamed = batch(actor(2), Decision::All, vec![renaming]);
    store.edit(renamed).await.unwrap();
    let deleted = batch(actor(3), Decision::All, vec![deletion(made.element)]);
    store.edit(deleted).await.unwrap();
    let Versions {
        versions: all,
        more,
    } = versions(store, made.element, None, 10).await;
    assert!(!more);
    let [first, second] = all.as_slice() else {
        panic!("not two versions: {all:?}");
    };
    assert_eq!(name_of(&first.element), "one");
    assert_eq!(first.element.geometry, Some(point(1.0, 2.0)));
    let (end, last) = (first.end.unwrap(), second.end.unwrap());
    assert_eq!(end.revision, second.element.revision);
    assert_eq!(end.time, second.element.stamps.update_time);
    assert_eq!([end.by, last.by], [actor(2), actor(3)]);
    assert_eq!(name_of(&second.element), "two");
    assert_eq!(second.element.stamps.created_by, Some(actor(1)));
    assert!(last.revision > end.revision && last.time >= end.time);
    assert!(
        read_all(store)
            .await
            .iter()
            .all(|left| left.id == other.element)
    );
    let present = versions(store, other.element, None, 10).await;
    assert_eq!(present.versions.len(), 1);
    assert_eq!(present.versions[0].end, None);
}

/// Versions come in parts, and the parts join.
pub async fn versions_join_to_the_whole(store: &impl LayerStore) {
    make_layer(store).await;
    let made = done(store, creation(1.0, 2.0, named("0"))).await;
    for n in 1..5 {
        done(store, renaming(made.element, ANY, &n.to_string())).await;
    }
    let whole = versions(store, made.element, None, 10).await;
    assert_eq!(whole.versions.len(), 5);
    let first = versions(store, made.element, None, 2).await;
    assert!(first.more);
    let after = Some(first.versions[1].element.revision);
    let rest = versions(store, made.element, after, 3).await;
    assert!(!rest.more);
    assert_eq!([first.versions, rest.versions].concat(), whole.versions);
}

/// What was refused is no version.
pub async fn refused_edits_leave_no_history(store: &impl LayerStore) {
    // R57, R108.
    make_layer(store).await;
    let made = done(store, creation(1.0, 2.0, named("one"))).await;
    let stale = ExpectedRevision::Revision(DataRevision::default());
    let edits = vec![
        renaming(made.element, ANY, "two"),
        renaming(made.element, stale, "three"),
    ];
    edit(store, edits).await;
    let foreign = Decision::Own { creator: actor(9) };
    let foreign = batch(actor(9), foreign, vec![deletion(made.element)]);
    store.edit(foreign).await.unwrap();
    let all = versions(store, made.element, None, 10).await.versions;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].end, None);
}

/// Every state of a layer reads as it was, whatever was done since, whole and in a box.
pub async fn every_revision_reads_as_it_was(store: &impl LayerStore) {
    // R110.
    make_layer(store).await;
    let mut states = vec![(revision(store).await, Vec::new())];
    let mut numbers = Numbers(20_261_122);
    for step in 0..60 {
        let ids: Vec<ElementId> = read_all(store).await.iter().map(|one| one.id).collect();
        let chosen = ids.get(numbers.below(ids.len().max(1)));
        let x = f64::from(u32::try_from(numbers.below(8)).unwrap());
        let act = match (chosen, numbers.below(5)) {
            (None, _) | (_, 0 | 1) => creation(x, x, named(&step.to_string())),
            (Some(id), 2) => renaming(*id, ANY, &step.to_string()),
            (Some(id), 3) => moving(*id, x),
            (Some(id), _) => deletion(*id),
        };
        let answer = edit(store, vec![act]).await;
        assert_eq!(answer.results.len(), 1);
        states.push((revision(store).await, read_all(store).await));
    }
    let bbox = BoxInput {
        min_x: 2.0,
        min_y: 2.0,
        max_x: 4.0,
        max_y: 4.0,
        epsg: None,
    };
    let inside = |element: &&Element| {
        let corners = [2.0, 3.0, 4.0].map(|x| Some(point(x, x)));
        corners.contains(&element.geometry)
    };
    for (revision, state) in states {
        assert_eq!(at(store, revision).await, state, "at {revision:?}");
        let selection = SelectionInput {
            bbox: Some(bbox),
            ..then(AsOf::Revision(revision))
        };
        let boxed = read(store, query(selection), rows(2)).await;
        let expected: Vec<Element> = state.iter().filter(inside).cloned().collect();
        assert_eq!(boxed, expected, "in a box at {revision:?}");
    }
}

/// A time is the state of the newest edit that was stamped by then.
pub async fn times_read_as_their_revisions(store: &impl LayerStore) {
    make_layer(store).await;
    let made = done(store, creation(1.0, 2.0, named("one"))).await;
    for name in ["two", "three"] {
        done(store, renaming(made.element, ANY, name)).await;
    }
    for version in versions(store, made.element, None, 10).await.versions {
        let time = version.element.stamps.update_time;
        let then = read(store, query(then(AsOf::Time(time))), rows(10)).await;
        let [then] = then.as_slice() else {
            panic!("not one element: {then:?}");
        };
        // Edits of the same millisecond are one state.
        assert!(then.revision >= version.element.revision);
        assert_eq!(then.stamps.update_time, time);
    }
    let created = store.layer(layer()).await.unwrap().unwrap().created;
    let before = crate::value::DateTime::from_millis(created.millis() - 1).unwrap();
    let before = read(store, query(then(AsOf::Time(before))), rows(10)).await;
    assert_eq!(before, []);
}

/// A layer that is deleted takes its history along.
pub async fn a_dropped_layer_has_no_history(store: &impl LayerStore) {
    // R25.
    make_layer(store).await;
    let made = done(store, creation(1.0, 2.0, named("one"))).await;
    done(store, renaming(made.element, ANY, "two")).await;
    let removal = Removal { layer: layer() };
    store.drop_layer(removal).await.unwrap();
    make_layer(store).await;
    let all = versions(store, made.element, None, 10).await;
    assert_eq!(all.versions, []);
}

/// What a store has before its history is taken away, as if it were older than history is kept: one element.
pub async fn before_history(store: &impl LayerStore) -> EditedElement {
    make_layer(store).await;
    done(store, creation(1.0, 2.0, named("one"))).await
}

/// The history of such a layer begins when its store is opened.
pub async fn after_history_began(store: &impl LayerStore, made: EditedElement) {
    let stored = store.layer(layer()).await.unwrap().unwrap();
    assert_eq!(stored.history.revision, made.revision);
    assert!(stored.history.time >= stored.created);
    let renamed = done(store, renaming(made.element, ANY, "two")).await;
    let then = at(store, made.revision).await;
    assert_eq!(then.iter().map(name_of).collect::<Vec<_>>(), ["one"]);
    let all = versions(store, made.element, None, 10).await.versions;
    let revisions = all.iter().map(|version| version.element.revision);
    let expected = [made.revision, renamed.revision];
    assert_eq!(revisions.collect::<Vec<_>>(), expected);
}

pub(super) fn moving(element: ElementId, x: f64) -> Edit {
    let input = ChangeInput {
        geometry: Some(point(x, x)),
        values: Vec::new(),
    };
    change(element, ANY, input)
}

/// Numbers that look random, and are the same in every run and for every store.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}
