//! What pruning costs.

use std::{num::NonZeroU32, time::Duration};

use layer_data_core::{
    conformance::{creation, done, kept_for, layer, make_layer_of, named, renaming},
    edit::ExpectedRevision,
    ports::LayerStore,
    value::DateTime,
};

use crate::fixture::{fresh, run, scalar};

/// Many more versions, that ended later.
const MANY: &str = "insert into jmap_layers_20.h_7 (fid, geom, _revision, _created_by, _updated_by, _create_time,
        _update_time, _until, _until_by, _until_time)
    select 1, h.geom, 100 + n, 1, 1, h._create_time, h._update_time, 101 + n, 1, now() + interval '1 year'
    from jmap_layers_20.h_7 as h, generate_series(1, 20000) as n";

const LOOKED_AT: &str =
    "select seq_tup_read + idx_tup_fetch from pg_stat_user_tables where relname = 'h_7'";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_pruning_does_not_look_at_what_it_leaves() {
    let Some(fresh) = fresh("cost").await else {
        return;
    };
    let store = &fresh.store;
    let hour = Some(Duration::from_hours(1));
    make_layer_of(store, kept_for(hour)).await;
    let made = done(store, creation(1.0, 2.0, named("one"))).await.element;
    done(store, renaming(made, ExpectedRevision::Any, "two")).await;
    let mut other = fresh.other().await;
    run(&mut other, MANY).await;
    run(&mut other, "analyze jmap_layers_20.h_7").await;
    run(&mut other, "select pg_stat_force_next_flush()").await;
    let before = scalar(&mut other, LOOKED_AT).await;
    let now = DateTime::from_millis(DateTime::now().millis() + 7_200_000).unwrap();
    let limit = NonZeroU32::new(100).unwrap();
    let pruned = store.prune(layer(), now, limit).await.unwrap();
    assert_eq!((pruned.versions, pruned.more), (1, false));
    // A session tells of what it did when it ends, if not before.
    store.close().await;
    let mut looked_at = 0;
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        looked_at = scalar(&mut other, LOOKED_AT).await - before;
        if looked_at > 0 {
            break;
        }
    }
    assert!((1..1_000).contains(&looked_at), "{looked_at}");
}
