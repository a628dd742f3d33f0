//! A way to the database that is cut, slow, or falls silent while neither end is told.

use std::time::Duration;

use fresh_database::{CuttingProxy, FreshDatabase};
use testkit::{Home, Places};

use crate::work::{OF_THE_DATABASE, Town, Work};

/// Short, so that a test need not wait long for answers that never come.
const SHORT: [&str; 2] = ["--database-statement-timeout", "2s"];

/// Both services with a way to their database that can be disturbed.
struct Disturbed {
    town: Town,
    way: CuttingProxy,
    _database: FreshDatabase,
}

impl Disturbed {
    async fn start(name: &str) -> Option<Self> {
        let database = FreshDatabase::create(name).await?;
        let way = CuttingProxy::before(&database.url()).await;
        let home = Home::at(Places::both(&way.url(&database.url())));
        Some(Self {
            town: Town::found(home, &SHORT).await,
            way,
            _database: database,
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_that_is_cut_again_and_again_loses_nothing() {
    let Some(disturbed) = Disturbed::start("cut").await else {
        return;
    };
    let Disturbed { town, way, .. } = &disturbed;
    let work = Work::begin(town, OF_THE_DATABASE);
    for _ in 0..3 {
        work.goes_on().await;
        way.close();
        way.open();
        town.answers().await;
    }
    work.goes_on().await;
    work.ends_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_way_is_slow_and_nothing_else() {
    let Some(disturbed) = Disturbed::start("slow").await else {
        return;
    };
    let Disturbed { town, way, .. } = &disturbed;
    let work = Work::begin(town, OF_THE_DATABASE);
    work.goes_on().await;
    way.delay(Duration::from_millis(20));
    work.goes_on().await;
    town.answers().await;
    way.delay(Duration::ZERO);
    work.goes_on().await;
    work.ends_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_that_falls_silent_is_given_up_for_another() {
    let Some(disturbed) = Disturbed::start("silent").await else {
        return;
    };
    let Disturbed { town, way, .. } = &disturbed;
    let work = Work::begin(town, OF_THE_DATABASE);
    work.goes_on().await;
    way.silence();
    town.answers().await;
    work.goes_on().await;
    work.ends_whole().await;
}
