//! Services that are killed in the middle of everything, on whichever engine (R109).

use testkit::Home;

use crate::work::{OF_THE_SERVICE, Town, Work};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_that_are_killed_at_work_lose_nothing_and_do_nothing_twice() {
    let mut town = Town::found(Home::fresh().await, &[]).await;
    let work = Work::begin(&town, OF_THE_SERVICE);
    work.goes_on().await;
    town.executables.layer_data.kill();
    town.executables.restart_layer_data().await;
    work.goes_on().await;
    town.executables.authorization.kill();
    town.executables.restart_authorization().await;
    work.goes_on().await;
    town.executables.layer_data.kill();
    town.executables.authorization.kill();
    town.executables.restart_authorization().await;
    town.executables.restart_layer_data().await;
    work.goes_on().await;
    work.ends_whole().await;
}
