//! Definitions that change again and again, beside writers, and over restarts.

use futures::future::join_all;
use jmap_domain::Decision;
use layer_data_core::{
    conformance::{
        actor, batch, histories, later, layer, make_layer,
        structure::{self, creation_under, current, read_under, redefine_until},
    },
    definition::DefinitionChange,
    ports::{LayerStore, Removal, StoreError},
    value::AttributeType,
};
use layer_data_postgis::PostGis;
use proptest::test_runner::{Config, TestRunner};

use crate::fixture::{TABLE, connector, fresh, scalar};

/// R114. Each history has a database of its own: the ids of layers, which connections know statements by, never come
/// again.
#[tokio::test(flavor = "multi_thread")]
async fn every_element_reads_right_after_each_change() {
    let runtime = tokio::runtime::Handle::current();
    let lived = tokio::task::spawn_blocking(move || {
        let config = Config {
            cases: 16,
            ..Config::default()
        };
        TestRunner::new(config).run(&histories::histories(), |acts| {
            runtime.block_on(async {
                if let Some(fresh) = fresh("histories").await {
                    histories::every_element_reads_right_after_each_act(&fresh.store, acts).await;
                }
            });
            Ok(())
        })
    });
    lived.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_slips_in_while_a_rule_is_made() {
    // R105, R114: each edit is done before the change, and looked at, or not done.
    let Some(fresh) = fresh("two_writers").await else {
        return;
    };
    make_layer(&fresh.store).await;
    let store = &fresh.store;
    for less in 1..10 {
        let before = structure::current(store).await;
        let edits = structure::writing_integers(&before).into_iter();
        let edits = join_all(edits.map(|batch| store.edit(batch)));
        let change = store.redefine(structure::limiting_integers(&before, less));
        let (answers, changed) = if less % 2 == 0 {
            tokio::join!(edits, change)
        } else {
            let (changed, answers) = tokio::join!(change, edits);
            (answers, changed)
        };
        changed.unwrap();
        structure::no_value_slipped_in(store, answers).await;
        let removal = Removal { layer: layer() };
        store.drop_layer(removal).await.unwrap();
        make_layer(store).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_change_lasts_when_the_process_is_killed_after_it() {
    // R114: the store is dropped as a killed process would drop it.
    let Some(fresh) = fresh("changed_and_killed").await else {
        return;
    };
    structure::before_reopening(&fresh.store).await;
    drop(fresh.store);
    let store = PostGis::open(&connector(&fresh.database)).await.unwrap();
    structure::after_reopening(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_change_that_somebody_elses_lock_holds_up_changes_nothing() {
    // R114: the definition and the table stay together.
    let Some(fresh) = fresh("locked").await else {
        return;
    };
    make_layer(&fresh.store).await;
    let before = current(&fresh.store).await;
    let mut other = fresh.other().await;
    let lock = format!("begin; lock table {TABLE} in access share mode");
    crate::fixture::run(&mut other, &lock).await;
    let changes = vec![structure::renaming_string(&before, "name")];
    let held_up = redefine_until(&fresh.store, changes.clone(), later()).await;
    assert!(
        matches!(held_up, Err(StoreError::Overloaded)),
        "{held_up:?}"
    );
    assert_eq!(current(&fresh.store).await.version(), before.version());
    let edits = vec![creation_under(&before, &[])];
    fresh
        .store
        .edit(batch(actor(1), Decision::All, edits))
        .await
        .unwrap();
    crate::fixture::run(&mut other, "rollback").await;
    let after = structure::redefined(&fresh.store, changes).await;
    assert_eq!(read_under(&fresh.store, &after).await.len(), 1);
    let named = format!("select count(name) from {TABLE}");
    assert_eq!(scalar(&mut other, &named).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_view_of_somebody_else_keeps_its_column() {
    // R114, R120.
    let Some(fresh) = fresh("view").await else {
        return;
    };
    make_layer(&fresh.store).await;
    let before = current(&fresh.store).await;
    let mut other = fresh.other().await;
    let view = format!("create view numbers as select \"integer\" from {TABLE}");
    crate::fixture::run(&mut other, &view).await;
    let attribute = before.attribute_named("integer").unwrap().id;
    let to = AttributeType::Double;
    let widen = vec![DefinitionChange::Widen { attribute, to }];
    let purge = vec![
        DefinitionChange::Drop(attribute),
        DefinitionChange::Purge(attribute),
    ];
    for change in [widen.clone(), purge] {
        let kept = redefine_until(&fresh.store, change, later()).await;
        assert!(matches!(kept, Err(StoreError::Dependent(_))), "{kept:?}");
    }
    assert_eq!(current(&fresh.store).await.version(), before.version());
    crate::fixture::run(&mut other, "drop view numbers").await;
    structure::redefined(&fresh.store, widen).await;
}
