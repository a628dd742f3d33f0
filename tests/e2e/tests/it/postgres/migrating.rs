//! Processes that bring the schemas up to date at once.

use std::process::Stdio;

use fresh_database::FreshDatabase;
use testkit::{Home, Places, program};

use crate::work::Town;

/// So many of each service.
const PROCESSES: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_migrate_at_once_make_one_schema_that_serves() {
    let Some(database) = FreshDatabase::create("migrating").await else {
        return;
    };
    let kinds = [
        ("authorization-server", "--database"),
        ("layer-data-server", "--storage"),
    ];
    let all = kinds.iter().cycle().take(PROCESSES * kinds.len());
    let running: Vec<_> = all
        .map(|(name, flag)| {
            let mut command = program(name);
            command.args(["migrate", flag, &database.url()]);
            command.stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for process in running {
        let ended = process.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{told}");
    }
    let home = Home::at(Places::both(&database.url()));
    let town = Town::found(home, &["--database-migrate=never"]).await;
    town.answers().await;
}
