//! Every statement fits the schema.

use std::{fs, path::Path};

use sqlx::{AssertSqlSafe, Connection, Executor, SqlSafeStr, SqliteConnection};

use crate::support::{Place, connector};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_statement_prepares_against_the_schema_in_a_file() {
    let place = Place::folder();
    let _store = place.store().await;
    let Place::Folder(folder) = &place else {
        return;
    };
    let path = folder.path().join("policy.db");
    let mut db = SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
    for (name, text) in statements() {
        let result = db.prepare(AssertSqlSafe(text).into_sql_str()).await;
        assert!(result.is_ok(), "{name}: {:?}", result.err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_statement_prepares_against_the_schema_on_a_server() {
    let Some(place) = Place::server("statements").await else {
        return;
    };
    let _store = place.store().await;
    let Place::Server(database) = &place else {
        return;
    };
    let mut db = connector(&database.url()).connect().await.unwrap();
    for (name, text) in statements() {
        let result = db.prepare(AssertSqlSafe(text).into_sql_str()).await;
        assert!(result.is_ok(), "{name}: {:?}", result.err());
    }
}

/// All files under `sql/`, by name.
fn statements() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for table in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("sql")).unwrap() {
        for file in fs::read_dir(table.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            found.push((
                file.display().to_string(),
                fs::read_to_string(&file).unwrap(),
            ));
        }
    }
    assert!(
        found.len() > 40,
        "only {} statements were found",
        found.len()
    );
    found
}
