//! Edits of several layers that wait together: they share commits, and nothing else.

use std::collections::BTreeSet;

use futures::future::join_all;
use jmap_domain::{Decision, LayerId};
use layer_data_core::{
    conformance::{actor, creation, definition, later, named, renaming},
    edit::{
        Edit, EditMode, EditRefusal, EditResult, ExpectedRevision, Intent, PermittedBatch,
        PermittedEdit, StoredAnswer,
    },
    permit::{Permit, Validity},
    ports::{LayerStore, NewLayer, StoreError},
};

use crate::fixture::{Fresh, fresh, run, scalar};

const LAYERS: i64 = 12;

async fn fresh_with_layers(name: &str) -> Option<Fresh> {
    let fresh = fresh(name).await?;
    for layer in layers() {
        let new = NewLayer {
            layer,
            label: format!("layer {layer}"),
            definition: definition(),
        };
        fresh.store.create_layer(new).await.unwrap();
    }
    Some(fresh)
}

fn layers() -> impl Iterator<Item = LayerId> {
    (1..=LAYERS).map(|id| LayerId::new(id).unwrap())
}

fn on(layer: LayerId, edit: Edit) -> PermittedBatch {
    let validity = Validity {
        actor: actor(1),
        until: later(),
    };
    let permit = Permit::from_decision(layer, edit.permission(), Decision::All, validity).unwrap();
    PermittedBatch {
        edits: vec![PermittedEdit::new(0, permit, edit).unwrap()],
        actor: actor(1),
        mode: EditMode::Atomic,
        intent: Intent::Commit,
        request: None,
    }
}

fn created(name: &str) -> Edit {
    creation(1.0, 2.0, named(name))
}

fn only_result(answer: &Result<StoredAnswer, StoreError>) -> &EditResult {
    match answer.as_ref().map(|answer| answer.results.as_slice()) {
        Ok([(0, result)]) => result,
        other => panic!("not one result: {other:?}"),
    }
}

fn numbers(answer: &Result<StoredAnswer, StoreError>) -> (i64, i64) {
    match only_result(answer) {
        EditResult::Done(edited) => (edited.element.get(), edited.revision.get()),
        EditResult::Refused(_) | EditResult::NotAttempted => panic!("not done: {answer:?}"),
    }
}

/// The table of a layer, by the catalogue of PostGIS.
async fn table(fresh: &Fresh, layer: LayerId) -> String {
    let mut other = fresh.other().await;
    let find = "select (regexp_match(f_table_schema, '\\d+$'))[1]::bigint from geometry_columns where f_table_name = ";
    let bucket = scalar(&mut other, &format!("{find}'l_{layer}'")).await;
    format!("jmap_layers_{bucket:02}.l_{layer}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_of_several_layers_share_commits_and_each_layer_counts_by_itself() {
    let Some(fresh) = fresh_with_layers("across").await else {
        return;
    };
    let edits = (0..5).flat_map(|_| layers());
    let edits = edits.map(|layer| fresh.store.edit(on(layer, created("new"))));
    let answers = join_all(edits).await;
    let seen: BTreeSet<(usize, (i64, i64))> = answers
        .iter()
        .enumerate()
        .map(|(place, answer)| (place % layers().count(), numbers(answer)))
        .collect();
    let expected = layers().enumerate();
    let expected = expected.flat_map(|(place, _)| (1..=5).map(move |n| (place, (n, n))));
    assert_eq!(seen, expected.collect());
    let mut rows = Vec::new();
    for layer in layers() {
        let table = table(&fresh, layer).await;
        rows.push(format!("select xmin::text as x from {table}"));
    }
    let rows = rows.join(" union all ");
    let commits = format!("select count(distinct x) from ({rows}) as rows");
    let commits = scalar(&mut fresh.other().await, &commits).await;
    assert!((1..LAYERS).contains(&commits), "{commits}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_edit_of_one_layer_undoes_nothing_of_another() {
    let Some(fresh) = fresh_with_layers("across_refused").await else {
        return;
    };
    let missing = jmap_domain::ElementId::new(99).unwrap();
    let edits = layers().map(|layer| {
        let edit = if layer.get() % 2 == 0 {
            created("new")
        } else {
            renaming(missing, ExpectedRevision::Any, "nobody")
        };
        fresh.store.edit(on(layer, edit))
    });
    let answers = join_all(edits).await;
    for (layer, answer) in layers().zip(&answers) {
        if layer.get() % 2 == 0 {
            assert_eq!(numbers(answer), (1, 1));
        } else {
            let refused = EditResult::Refused(EditRefusal::NoSuchElement(missing));
            assert_eq!(*only_result(answer), refused);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_that_somebody_has_locked_holds_up_no_other_whose_edits_wait_with_it() {
    let Some(fresh) = fresh_with_layers("across_locked").await else {
        return;
    };
    let locked = LayerId::new(5).unwrap();
    let mut other = fresh.other().await;
    let table = table(&fresh, locked).await;
    run(
        &mut other,
        &format!("begin; lock table {table} in exclusive mode"),
    )
    .await;
    let held_up = fresh.store.edit(on(locked, created("held up")));
    let free = layers().filter(|layer| *layer != locked);
    let free = join_all(free.map(|layer| fresh.store.edit(on(layer, created("free")))));
    let freed = async {
        let answers = free.await;
        assert!(answers.iter().all(|answer| numbers(answer) == (1, 1)));
        // Only now: the others did not wait for this.
        run(&mut other, "rollback").await;
    };
    let (held_up, ()) = tokio::join!(held_up, freed);
    assert_eq!(numbers(&held_up), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_whose_edit_the_database_refuses_spoils_no_other() {
    let Some(fresh) = fresh_with_layers("across_spoilt").await else {
        return;
    };
    let spoilt = LayerId::new(5).unwrap();
    let table = table(&fresh, spoilt).await;
    let spoil = format!("alter table {table} add constraint none check (false)");
    run(&mut fresh.other().await, &spoil).await;
    let edits = layers().map(|layer| fresh.store.edit(on(layer, created("new"))));
    let answers = join_all(edits).await;
    for (layer, answer) in layers().zip(&answers) {
        if layer == spoilt {
            assert!(
                matches!(answer, Err(StoreError::Unexpected(_))),
                "{answer:?}"
            );
        } else {
            assert_eq!(numbers(answer), (1, 1));
        }
    }
}
