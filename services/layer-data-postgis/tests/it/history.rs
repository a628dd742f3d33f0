//! A database that is older than history is kept, and what other programs see of history.

use layer_data_core::{
    conformance::{creation, done, history, make_layer, named, renaming},
    edit::ExpectedRevision,
};
use layer_data_postgis::PostGis;

use crate::fixture::{connector, fresh, run, scalar};

/// Makes the database what it was before its migration, but for columns that are empty then.
const TAKE_AWAY: &str = "drop table jmap_layers_20.h_7;
    update jmap_catalogue.layer set history_from = null, history_since = null;
    update jmap_catalogue.counters set edit_time = 0;";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_history_of_older_layers_begins_with_the_opening() {
    let Some(fresh) = fresh("older").await else {
        return;
    };
    let made = history::before_history(&fresh.store).await;
    let mut other = fresh.other().await;
    fresh.store.close().await;
    drop(fresh.store);
    run(&mut other, TAKE_AWAY).await;
    let store = PostGis::open(&connector(&fresh.database)).await.unwrap();
    history::after_history_began(&store, made).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn stamps_never_go_back() {
    // A clock that was an hour ahead, and is set right.
    let Some(fresh) = fresh("stamps").await else {
        return;
    };
    make_layer(&fresh.store).await;
    let made = done(&fresh.store, creation(1.0, 2.0, named("one"))).await;
    let mut other = fresh.other().await;
    fresh.store.close().await;
    drop(fresh.store);
    let ahead = "update jmap_catalogue.counters set edit_time = edit_time + 3600000";
    run(&mut other, ahead).await;
    let newest = "select edit_time from jmap_catalogue.counters";
    let before = scalar(&mut other, newest).await;
    let store = PostGis::open(&connector(&fresh.database)).await.unwrap();
    let expected = ExpectedRevision::Any;
    done(&store, renaming(made.element, expected, "two")).await;
    assert_eq!(scalar(&mut other, newest).await, before);
    let stamp =
        "select (extract(epoch from \"_update_time\") * 1000)::bigint from jmap_layers_20.l_7";
    assert_eq!(scalar(&mut other, stamp).await, before);
}
