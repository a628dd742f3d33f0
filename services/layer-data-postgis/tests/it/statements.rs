//! Every statement of a file prepares against the migrated schema. Those of the audited writer are run by the other
//! tests, each of them.

use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use crate::fixture::fresh;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_statement_prepares() {
    let Some(fresh) = fresh("statements").await else {
        return;
    };
    let mut database = fresh.other().await;
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
