//! Edits: revisions, owners, batches, retries and permits.

use std::time::{Duration, Instant};

use jmap_domain::{DataRevision, Decision};

use super::{
    actor, batch, batch_until, change, creation, done, edit, is_expired, make_layer, name_of,
    named, point, read_all, renaming, revision,
};
use crate::{
    edit::{
        BatchOutcome, Edit, EditMode, EditRefusal, EditResult, ExpectedRevision, Intent, RequestKey,
    },
    element::ChangeInput,
    ports::{LayerStore, StoreError},
};

/// R104: what was written reads back.
pub async fn a_created_element_reads_back(store: &impl LayerStore) {
    make_layer(store).await;
    let edited = done(store, creation(8.5, 47.25, named("Zürich"))).await;
    let elements = read_all(store).await;
    let [element] = elements.as_slice() else {
        panic!("one element: {elements:?}")
    };
    assert_eq!(
        (element.id, element.revision),
        (edited.element, edited.revision)
    );
    assert_eq!(
        element.geometry.as_deref(),
        Some(point(8.5, 47.25).as_slice())
    );
    assert_eq!(name_of(element), "Zürich");
}

/// R54, R106: creator and times are the server's; the creator stays, the editor changes.
pub async fn stamps_are_the_servers(store: &impl LayerStore) {
    make_layer(store).await;
    let answer = store
        .edit(batch(
            actor(11),
            Decision::All,
            vec![creation(1.0, 2.0, named("a"))],
        ))
        .await;
    assert_eq!(answer.unwrap().outcome, BatchOutcome::Committed);
    let before = read_all(store).await.remove(0);
    assert_eq!(
        (before.stamps.created_by, before.stamps.updated_by),
        (Some(actor(11)), Some(actor(11)))
    );
    let end = Instant::now() + Duration::from_secs(5);
    let after = loop {
        let update = renaming(before.id, ExpectedRevision::Any, "b");
        let changed = store.edit(batch(actor(12), Decision::All, vec![update]));
        changed.await.unwrap();
        let after = read_all(store).await.remove(0);
        // Times are in milliseconds: a change may still bear that of the creation.
        if after.stamps.update_time > before.stamps.update_time || Instant::now() > end {
            break after;
        }
    };
    assert_eq!(
        (after.stamps.created_by, after.stamps.updated_by),
        (Some(actor(11)), Some(actor(12)))
    );
    assert_eq!(after.stamps.create_time, before.stamps.create_time);
    assert!(after.stamps.update_time > before.stamps.update_time);
}

/// R107: an update changes only what it names.
pub async fn an_update_changes_only_what_it_names(store: &impl LayerStore) {
    make_layer(store).await;
    let id = done(store, creation(1.0, 2.0, named("before")))
        .await
        .element;
    let moving = ChangeInput {
        geometry: Some(point(3.0, 4.0)),
        values: Vec::new(),
    };
    done(store, change(id, ExpectedRevision::Any, moving)).await;
    let moved = read_all(store).await.remove(0);
    assert_eq!(
        (moved.geometry, name_of(&read_all(store).await[0])),
        (Some(point(3.0, 4.0)), "before")
    );
    done(store, renaming(id, ExpectedRevision::Any, "after")).await;
    let renamed = read_all(store).await.remove(0);
    assert_eq!(
        (renamed.geometry.as_deref(), name_of(&renamed)),
        (Some(point(3.0, 4.0).as_slice()), "after")
    );
}

/// R108: a stale revision is refused with the current one, and nothing is overwritten.
pub async fn a_stale_revision_is_refused(store: &impl LayerStore) {
    make_layer(store).await;
    let first = done(store, creation(1.0, 2.0, named("first"))).await;
    let expected = ExpectedRevision::Revision(first.revision);
    let second = done(store, renaming(first.element, expected, "second")).await;
    assert!(second.revision > first.revision);
    for late in [
        renaming(first.element, expected, "late"),
        Edit::Delete {
            element: first.element,
            expected,
        },
    ] {
        let answer = edit(store, vec![late]).await;
        let refusal = EditRefusal::Stale {
            element: first.element,
            current: second.revision,
        };
        assert_eq!(answer.results, [(0, EditResult::Refused(refusal))]);
        assert_eq!(answer.outcome, BatchOutcome::Refused);
    }
    assert_eq!(name_of(&read_all(store).await[0]), "second");
    done(store, renaming(first.element, ExpectedRevision::Any, "any")).await;
}

/// R51, R58: with *own* no statement reaches another's element; R55: nor nobody's.
pub async fn own_reaches_only_own_elements(store: &impl LayerStore) {
    make_layer(store).await;
    let (ana, ben) = (actor(21), actor(22));
    let own = |creator| Decision::Own { creator };
    let create = |who| {
        store.edit(batch(
            who,
            Decision::All,
            vec![creation(1.0, 2.0, named("x"))],
        ))
    };
    let (of_ana, of_ben) = (create(ana).await.unwrap(), create(ben).await.unwrap());
    let id = |answer: &crate::edit::StoredAnswer| match answer.results.as_slice() {
        [(0, EditResult::Done(edited))] => edited.element,
        other => panic!("not created: {other:?}"),
    };
    let (of_ana, of_ben) = (id(&of_ana), id(&of_ben));
    let expected = ExpectedRevision::Any;
    for foreign in [
        renaming(of_ben, expected, "no"),
        Edit::Delete {
            element: of_ben,
            expected,
        },
    ] {
        let answer = store
            .edit(batch(ana, own(ana), vec![foreign]))
            .await
            .unwrap();
        assert_eq!(
            answer.results,
            [(0, EditResult::Refused(EditRefusal::NotOwn(of_ben)))]
        );
    }
    for mine in [
        renaming(of_ana, expected, "yes"),
        Edit::Delete {
            element: of_ana,
            expected,
        },
    ] {
        let answer = store.edit(batch(ana, own(ana), vec![mine])).await.unwrap();
        assert_eq!(answer.outcome, BatchOutcome::Committed);
    }
    let left = read_all(store).await;
    assert_eq!(
        left.iter()
            .map(|element| (element.id, name_of(element)))
            .collect::<Vec<_>>(),
        [(of_ben, "x")]
    );
}

/// Absent, foreign and stale are told apart, in this order.
pub async fn an_absent_element_is_neither_foreign_nor_stale(store: &impl LayerStore) {
    make_layer(store).await;
    let gone = done(store, creation(1.0, 2.0, named("x"))).await;
    let expected = ExpectedRevision::Revision(gone.revision);
    done(
        store,
        Edit::Delete {
            element: gone.element,
            expected,
        },
    )
    .await;
    let own = Decision::Own { creator: actor(5) };
    let answer = store
        .edit(batch(
            actor(5),
            own,
            vec![Edit::Delete {
                element: gone.element,
                expected,
            }],
        ))
        .await;
    let refusal = EditRefusal::NoSuchElement(gone.element);
    assert_eq!(answer.unwrap().results, [(0, EditResult::Refused(refusal))]);
}

/// R57, R109: an atomic batch changes all or nothing, and names each edit that failed.
pub async fn an_atomic_batch_is_all_or_nothing(store: &impl LayerStore) {
    make_layer(store).await;
    let old = done(store, creation(1.0, 2.0, named("old"))).await;
    let before = revision(store).await;
    let stale = ExpectedRevision::Revision(DataRevision::default());
    let edits = vec![
        creation(3.0, 4.0, named("new")),
        renaming(old.element, stale, "no"),
        renaming(old.element, ExpectedRevision::Any, "yes"),
    ];
    let answer = edit(store, edits).await;
    assert_eq!(answer.outcome, BatchOutcome::Refused);
    let refusal = EditRefusal::Stale {
        element: old.element,
        current: old.revision,
    };
    let expected = [
        (0, EditResult::NotAttempted),
        (1, EditResult::Refused(refusal)),
        (2, EditResult::NotAttempted),
    ];
    assert_eq!(answer.results, expected);
    assert_eq!(
        read_all(store)
            .await
            .iter()
            .map(name_of)
            .collect::<Vec<_>>(),
        ["old"]
    );
    assert_eq!(revision(store).await, before);
}

/// R57, R109: a partial batch does what it can and reports exactly what it could not.
pub async fn a_partial_batch_reports_each_edit(store: &impl LayerStore) {
    make_layer(store).await;
    let (ana, ben) = (actor(31), actor(32));
    let create = |who, name| {
        store.edit(batch(
            who,
            Decision::All,
            vec![creation(1.0, 2.0, named(name))],
        ))
    };
    create(ana, "ana").await.unwrap();
    create(ben, "ben").await.unwrap();
    let ids: Vec<_> = read_all(store)
        .await
        .iter()
        .map(|element| element.id)
        .collect();
    let edits = ids
        .iter()
        .map(|id| renaming(*id, ExpectedRevision::Any, "renamed"))
        .collect();
    let partial = crate::edit::PermittedBatch {
        mode: EditMode::Partial,
        ..batch(ana, Decision::Own { creator: ana }, edits)
    };
    let answer = store.edit(partial).await.unwrap();
    assert_eq!(answer.outcome, BatchOutcome::Committed);
    assert!(matches!(answer.results[0], (0, EditResult::Done(_))));
    assert_eq!(
        answer.results[1],
        (1, EditResult::Refused(EditRefusal::NotOwn(ids[1])))
    );
    assert_eq!(
        read_all(store)
            .await
            .iter()
            .map(name_of)
            .collect::<Vec<_>>(),
        ["renamed", "ben"]
    );
}

/// All edits of a call carry one revision; later calls carry greater ones.
pub async fn a_call_takes_one_revision(store: &impl LayerStore) {
    make_layer(store).await;
    assert_eq!(revision(store).await, DataRevision::default());
    let answer = edit(
        store,
        vec![
            creation(1.0, 1.0, named("a")),
            creation(2.0, 2.0, named("b")),
        ],
    )
    .await;
    let revisions: Vec<_> = read_all(store)
        .await
        .iter()
        .map(|element| element.revision)
        .collect();
    assert_eq!(answer.outcome, BatchOutcome::Committed);
    assert_eq!(revisions, [revision(store).await; 2]);
    let later = done(store, creation(3.0, 3.0, named("c"))).await;
    assert!(later.revision > revisions[0]);
    assert_eq!(revision(store).await, later.revision);
}

/// R109: a retry with the same request id is answered as the first call was, and creates once.
pub async fn a_retried_request_is_done_once(store: &impl LayerStore) {
    make_layer(store).await;
    let request = RequestKey {
        id: [1; 16],
        content: [2; 32],
    };
    let ask = |who: i64, request| {
        let edits = vec![creation(1.0, 2.0, named("once"))];
        store.edit(crate::edit::PermittedBatch {
            request: Some(request),
            ..batch(actor(who), Decision::All, edits)
        })
    };
    let first = ask(1, request).await.unwrap();
    assert_eq!(ask(1, request).await.unwrap(), first);
    assert_eq!(read_all(store).await.len(), 1);
    // Request ids are kept per actor.
    assert_ne!(ask(2, request).await.unwrap(), first);
    let other = RequestKey {
        id: [1; 16],
        content: [3; 32],
    };
    assert!(matches!(
        ask(1, other).await,
        Err(StoreError::RequestReused)
    ));
    assert_eq!(read_all(store).await.len(), 2);
}

/// R109: what a request was answered can be asked for without making it again.
pub async fn an_answer_is_remembered(store: &impl LayerStore) {
    make_layer(store).await;
    let key = |id, content| RequestKey {
        id: [id; 16],
        content: [content; 32],
    };
    let batch = crate::edit::PermittedBatch {
        request: Some(key(1, 2)),
        ..batch(
            actor(1),
            Decision::All,
            vec![creation(1.0, 2.0, named("once"))],
        )
    };
    let answer = store.edit(batch).await.unwrap();
    let known = store.remembered(actor(1), key(1, 2)).await.unwrap();
    assert_eq!(known, Some(answer));
    for (who, unknown) in [(2, key(1, 2)), (1, key(2, 2))] {
        let known = store.remembered(actor(who), unknown).await.unwrap();
        assert_eq!(known, None);
    }
    assert!(matches!(
        store.remembered(actor(1), key(1, 3)).await,
        Err(StoreError::RequestReused)
    ));
}

/// Validating answers what would have been, and changes nothing.
pub async fn validating_changes_nothing(store: &impl LayerStore) {
    make_layer(store).await;
    let edits = vec![creation(1.0, 2.0, named("not really"))];
    let validate = crate::edit::PermittedBatch {
        intent: Intent::Validate,
        ..batch(actor(1), Decision::All, edits)
    };
    let answer = store.edit(validate).await.unwrap();
    assert_eq!(answer.outcome, BatchOutcome::Validated);
    assert!(matches!(
        answer.results.as_slice(),
        [(0, EditResult::Done(_))]
    ));
    assert_eq!(read_all(store).await.len(), 0);
    assert_eq!(revision(store).await, DataRevision::default());
}

/// R121, R123: nothing commits under a permit that has run out, and others are not held up by it.
pub async fn an_expired_permit_commits_nothing(store: &impl LayerStore) {
    make_layer(store).await;
    let now = Instant::now();
    let late = |until| {
        batch_until(
            actor(1),
            Decision::All,
            vec![creation(1.0, 2.0, named("late"))],
            until,
        )
    };
    assert!(is_expired(&store.edit(late(now)).await));
    // Within the margin that a commit needs.
    assert!(is_expired(
        &store
            .edit(late(Instant::now() + Duration::from_millis(1)))
            .await
    ));
    assert_eq!(read_all(store).await.len(), 0);
    done(store, creation(1.0, 2.0, named("in time"))).await;
    assert_eq!(read_all(store).await.len(), 1);
}

/// A layer that the store does not have is refused, with nothing changed.
pub async fn a_missing_layer_is_refused(store: &impl LayerStore) {
    let answer = store
        .edit(batch(
            actor(1),
            Decision::All,
            vec![creation(1.0, 2.0, named("x"))],
        ))
        .await;
    assert!(matches!(answer, Err(StoreError::LayerMissing(_))));
}
