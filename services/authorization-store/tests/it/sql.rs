//! Every statement fits the schema.

use std::{fs, path::Path};

use sqlx::{AssertSqlSafe, Connection, Executor, SqlSafeStr, SqliteConnection};

use crate::support::store;

#[tokio::test]
async fn every_statement_prepares_against_the_migrated_schema() {
    let (folder, _store) = store().await;
    let path = folder.path().join("policy.db");
    let mut db = SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
    let mut prepared = 0;
    for table in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("sql")).unwrap() {
        for file in fs::read_dir(table.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            let text = fs::read_to_string(&file).unwrap();
            let result = db.prepare(AssertSqlSafe(text).into_sql_str()).await;
            assert!(result.is_ok(), "{}: {:?}", file.display(), result.err());
            prepared += 1;
        }
    }
    assert!(prepared > 40, "only {prepared} statements were found");
}
