//! Which databases are refused for how they keep text.

use fresh_database::FreshDatabase;
use jmap_postgres::{DatabaseOptions, DatabaseUrl, Purpose, Schema, SchemaError};
use sqlx::{AssertSqlSafe, Connection, PgConnection, migrate::Migrator, raw_sql};

static NOTHING: Migrator = Migrator::DEFAULT;
const SCHEMA: Schema = Schema {
    name: "jmap_test",
    migrations: &NOTHING,
    command: "test migrate",
};
const PURPOSE: Purpose = Purpose {
    application: "jmap-test",
    search_path: "jmap_test",
};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_database_that_is_not_in_utf8_is_refused() {
    // R115: text is the same on every engine.
    let Some(database) = FreshDatabase::create("encoding").await else {
        return;
    };
    let bytes = format!("{}_bytes", database.name());
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    let options = "encoding 'SQL_ASCII' locale 'C' template template0";
    run(
        &mut connection,
        format!("create database {bytes} {options}"),
    )
    .await;
    let url = database.url().replace(database.name(), &bytes);
    let connector = DatabaseOptions::default().connector(&DatabaseUrl::new(&url), PURPOSE);
    let prepared = SCHEMA.prepare(&connector.unwrap()).await;
    run(
        &mut connection,
        format!("drop database {bytes} with (force)"),
    )
    .await;
    let Err(SchemaError::Encoding(_, encoding)) = prepared else {
        panic!("{prepared:?}");
    };
    assert_eq!(encoding, "SQL_ASCII");
}

async fn run(connection: &mut PgConnection, statement: String) {
    raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .unwrap();
}
