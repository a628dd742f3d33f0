//! A database that is killed in the middle of edits, imports, and layers that are made and removed.

use fresh_database::Cluster;
use testkit::{Home, Places};

use crate::work::{OF_THE_DATABASE, Town, Work};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_killed_at_work_loses_nothing() {
    let Some(mut cluster) = Cluster::start("killed").await else {
        return;
    };
    let town = Town::found(Home::at(Places::both(&cluster.url())), &[]).await;
    let work = Work::begin(&town, OF_THE_DATABASE);
    for _ in 0..3 {
        work.goes_on().await;
        cluster.kill().await;
        cluster.restart().await;
        town.answers().await;
    }
    work.goes_on().await;
    work.ends_whole().await;
}
