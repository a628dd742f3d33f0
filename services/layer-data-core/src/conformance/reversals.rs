//! Elements that come back, and the trail that edits leave.

use jmap_domain::{DataRevision, Decision, ElementId};

use super::{
    actor, batch, creation, definition, done, edit, later, layer, make_layer, name_of, named,
    point, query, read, read_all, renaming, revision, rows,
};
use crate::{
    edit::{Edit, EditRefusal, EditResult, EditedElement, ExpectedRevision, Restored},
    history::{AsOf, Deeds, Touched, Version},
    ports::LayerStore,
    query::{BoxInput, GeometryOutput, OutputInput, QueryInput, SelectionInput},
    value::DateTime,
};

const ANY: ExpectedRevision = ExpectedRevision::Any;

const fn deletion(element: ElementId) -> Edit {
    Edit::Delete {
        element,
        expected: ANY,
    }
}

fn restoration(made: EditedElement, deleted: DataRevision) -> Edit {
    Edit::Restore(Restored {
        element: made.element,
        version: made.revision,
        deleted,
        checked: definition().version(),
    })
}

/// An element of actor 11, and the revision of its deletion by actor 12.
async fn deleted(store: &impl LayerStore) -> (EditedElement, DataRevision) {
    make_layer(store).await;
    let created = batch(
        actor(11),
        Decision::All,
        vec![creation(1.0, 2.0, named("gone"))],
    );
    let answer = store.edit(created).await.unwrap();
    let [(_, EditResult::Done(made))] = answer.results[..] else {
        panic!("{answer:?}")
    };
    let deletion = batch(actor(12), Decision::All, vec![deletion(made.element)]);
    store.edit(deletion).await.unwrap();
    (made, revision(store).await)
}

/// Tries an edit by actor 13 with this right.
async fn tried(store: &impl LayerStore, decision: Decision, edit: Edit) -> EditResult {
    let answer = store.edit(batch(actor(13), decision, vec![edit])).await;
    answer.unwrap().results.remove(0).1
}

/// R103, R106: an element comes back under its id, with its creator and its time of creation.
pub async fn a_deleted_element_comes_back_as_it_was(store: &impl LayerStore) {
    let (made, deleted) = deleted(store).await;
    let before = SelectionInput {
        as_of: Some(AsOf::Revision(made.revision)),
        ..SelectionInput::default()
    };
    let before = read(store, query(before), rows(9)).await.remove(0);
    let result = tried(store, Decision::All, restoration(made, deleted)).await;
    let now = revision(store).await;
    let EditResult::Done(restored) = result else {
        panic!("{result:?}")
    };
    assert_eq!((restored.element, restored.revision), (made.element, now));
    let element = read_all(store).await.remove(0);
    assert_eq!((element.id, element.revision), (made.element, now));
    assert_eq!(element.values, before.values);
    assert_eq!(element.geometry, before.geometry);
    let (stamps, old) = (element.stamps, before.stamps);
    assert_eq!(
        (stamps.created_by, stamps.updated_by),
        (Some(actor(11)), Some(actor(13)))
    );
    assert_eq!(stamps.create_time, old.create_time);
    // What was before it came back is as it was, and the next element has an id of its own.
    let gone = SelectionInput {
        as_of: Some(AsOf::Revision(deleted)),
        ..SelectionInput::default()
    };
    assert!(read(store, query(gone), rows(9)).await.is_empty());
    let next = done(store, creation(1.0, 2.0, named("next"))).await;
    assert!(next.element > made.element);
    // It may be changed and deleted again.
    done(store, renaming(made.element, ANY, "again")).await;
    done(store, self::deletion(made.element)).await;
    assert_eq!(read_all(store).await.len(), 1);
}

/// R51, R58, R108: whose it was, and that nothing was done to it since, is decided by the statement that writes.
pub async fn a_restoration_is_part_of_its_conditions(store: &impl LayerStore) {
    let (made, deleted) = deleted(store).await;
    let own = |creator| Decision::Own {
        creator: actor(creator),
    };
    let element = made.element;
    let foreign = tried(store, own(13), restoration(made, deleted)).await;
    assert_eq!(foreign, EditResult::Refused(EditRefusal::NotOwn(element)));
    let stale = |current| EditResult::Refused(EditRefusal::Stale { element, current });
    let early = tried(store, Decision::All, restoration(made, made.revision)).await;
    assert_eq!(early, stale(deleted));
    let unknown = EditedElement {
        created: true,
        element: ElementId::new(99).unwrap(),
        ..made
    };
    let nothing = tried(store, Decision::All, restoration(unknown, deleted)).await;
    let refusal = EditRefusal::NoSuchElement(unknown.element);
    assert_eq!(nothing, EditResult::Refused(refusal));
    assert!(read_all(store).await.is_empty());
    let mine = tried(store, own(11), restoration(made, deleted)).await;
    assert!(matches!(mine, EditResult::Done(_)), "{mine:?}");
    let twice = tried(store, Decision::All, restoration(made, deleted)).await;
    assert_eq!(twice, stale(revision(store).await));
    // Deleted once more, it does not come back for whoever knows of the first deletion only.
    done(store, deletion(element)).await;
    let late = tried(store, Decision::All, restoration(made, deleted)).await;
    assert_eq!(late, stale(revision(store).await));
}

/// R57: several come back together, or not at all.
pub async fn several_elements_come_back_together(store: &impl LayerStore) {
    let (made, deleted) = deleted(store).await;
    let second = done(store, creation(3.0, 4.0, named("second"))).await;
    done(store, deletion(second.element)).await;
    let gone = revision(store).await;
    let both = |first| vec![restoration(made, first), restoration(second, gone)];
    let refused = edit(store, both(gone)).await;
    assert!(
        refused
            .results
            .iter()
            .any(|(_, result)| *result == EditResult::NotAttempted)
    );
    assert!(read_all(store).await.is_empty());
    edit(store, both(deleted)).await;
    let all = read_all(store).await;
    let names: Vec<&str> = all.iter().map(name_of).collect();
    assert_eq!(names, ["gone", "second"]);
}

/// What came back is in the index of boxes.
pub async fn a_restored_element_is_found_in_its_box(store: &impl LayerStore) {
    // R110.
    let (made, deleted) = deleted(store).await;
    done(store, restoration(made, deleted)).await;
    let bbox = BoxInput {
        min_x: 0.5,
        min_y: 1.5,
        max_x: 1.5,
        max_y: 2.5,
        epsg: None,
    };
    let here = SelectionInput {
        bbox: Some(bbox),
        ..SelectionInput::default()
    };
    let found = read(store, query(here), rows(9)).await;
    assert_eq!(found[0].geometry, Some(point(1.0, 2.0)));
}

/// The trail of edits has the versions that they found, and all later ones; that of elements has all of them.
pub async fn a_trail_has_the_elements_that_were_touched(store: &impl LayerStore) {
    let (made, deleted) = deleted(store).await;
    let kept = done(store, creation(3.0, 4.0, named("kept"))).await;
    let by = |who, edit| store.edit(batch(actor(who), Decision::All, vec![edit]));
    by(12, renaming(kept.element, ANY, "renamed"))
        .await
        .unwrap();
    let renamed = revision(store).await;
    by(13, renaming(kept.element, ANY, "later")).await.unwrap();
    let last = revision(store).await;
    let other = done(store, creation(5.0, 6.0, named("other"))).await;
    done(store, renaming(other.element, ANY, "untouched")).await;
    let one = (made.element, made.revision, Some(deleted));
    let found = (kept.element, kept.revision, Some(renamed));
    let made_of_it = (kept.element, renamed, Some(last));
    let present = (kept.element, last, None);
    let epoch = AsOf::Time(DateTime::EPOCH);
    let cases = [
        (Touched::By(Deeds::Of(deleted)), vec![one]),
        (Touched::By(Deeds::Of(made.revision)), vec![one]),
        (
            Touched::By(Deeds::Of(renamed)),
            vec![found, made_of_it, present],
        ),
        (
            Touched::By(Deeds::By(actor(12), epoch)),
            vec![one, found, made_of_it, present],
        ),
        (
            Touched::By(Deeds::By(actor(12), AsOf::Revision(deleted))),
            vec![found, made_of_it, present],
        ),
        (
            Touched::By(Deeds::By(actor(13), AsOf::Revision(deleted))),
            vec![found, made_of_it, present],
        ),
        (Touched::By(Deeds::By(actor(14), epoch)), Vec::new()),
        (
            Touched::Elements(vec![kept.element, made.element]),
            vec![one, found, made_of_it, present],
        ),
    ];
    for (touched, expected) in cases {
        let told = trail(store, &touched, 99).await;
        assert_eq!(told, expected, "{touched:?}");
        let beginning = trail(store, &touched, 1).await;
        assert_eq!(beginning, expected[..expected.len().min(1)]);
    }
}

async fn trail(
    store: &impl LayerStore,
    touched: &Touched,
    most: u32,
) -> Vec<(ElementId, DataRevision, Option<DataRevision>)> {
    let output = OutputInput {
        geometry: GeometryOutput::Omit,
        attributes: Some(Vec::new()),
        order: Vec::new(),
    };
    let query = QueryInput {
        output,
        ..query(SelectionInput::default())
    };
    let query = query.check(&definition()).unwrap();
    assert_eq!(query.layer(), layer());
    let read = store.trail(&query, touched, rows(most), later());
    let told = |version: &Version| {
        let end = version.end.map(|end| end.revision);
        (version.element.id, version.element.revision, end)
    };
    read.await.unwrap().versions.iter().map(told).collect()
}
