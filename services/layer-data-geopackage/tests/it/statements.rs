//! Every statement of a file prepares against the migrated schema.

use sqlx::{AssertSqlSafe, Connection, Executor, SqlSafeStr, SqliteConnection};

use crate::fixture::fresh;

#[tokio::test]
async fn every_statement_prepares() {
    let (folder, _store) = fresh().await;
    let url = format!("sqlite://{}", folder.path().join("layers.gpkg").display());
    let mut database = SqliteConnection::connect(&url).await.unwrap();
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/sql")).unwrap();
    let mut count = 0;
    for file in files {
        let path = file.unwrap().path();
        let statement = std::fs::read_to_string(&path).unwrap();
        // One statement a file.
        assert!(!statement.contains(';'), "{}", path.display());
        let prepared = database
            .prepare(AssertSqlSafe(statement).into_sql_str())
            .await;
        assert!(prepared.is_ok(), "{}: {:?}", path.display(), prepared.err());
        count += 1;
    }
    assert_ne!(count, 0);
}
