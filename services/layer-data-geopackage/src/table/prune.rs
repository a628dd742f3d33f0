//! Statements that remove versions. They go along the index on when versions ended, beginning where the last ones were
//! removed, and so cost what they remove, whatever else is kept.

use std::num::NonZeroU32;

use layer_data_core::{history::HistoryStart, value::DateTime};
use sqlx::{QueryBuilder, Sqlite};

use super::Table;

impl Table {
    /// Of the oldest versions, which ended after the start of history, at most so many, those that ended by a time: which
    /// edit ended the last one, when, and how many they are. Stamps never go back, so what is left out ended later than the
    /// others.
    pub(crate) fn edge(
        &self,
        from: i64,
        horizon: DateTime,
        limit: NonZeroU32,
    ) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new(
            "select max(e.\"_until\"), max(e.\"_until_time\"), count(*) from (select h.\"_until\", h.\"_until_time\" from ",
        );
        sql.push(&self.versions)
            .push(" as h where h.\"_until\" > ")
            .push_bind(from);
        sql.push(" order by h.\"_until\", h.\"fid\" limit ")
            .push_bind(limit.get());
        sql.push(") as e where e.\"_until_time\" <= ")
            .push_bind(horizon.millis());
        sql
    }

    /// Removes the versions that ended after one start of history and by another.
    pub(crate) fn prune(&self, from: i64, to: HistoryStart) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("delete from ");
        sql.push(&self.versions)
            .push(" where \"_until\" > ")
            .push_bind(from);
        sql.push(" and \"_until\" <= ").push_bind(to.revision.get());
        sql
    }
}

#[cfg(test)]
mod tests {
    use layer_data_core::conformance::{definition, layer};
    use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};

    use super::*;

    #[tokio::test]
    async fn a_pruning_costs_what_it_removes() {
        let table = Table::new(layer(), &definition());
        let mut database = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let mut made = vec![table.create_history("POINT")];
        made.extend(table.index_feed());
        for mut sql in made {
            sql.build().execute(&mut database).await.unwrap();
        }
        let now = DateTime::now();
        let statements = [
            table.edge(5, now, NonZeroU32::MIN),
            table.prune(5, HistoryStart::new(now)),
        ];
        for statement in statements {
            let explain = format!("explain query plan {}", statement.into_string());
            let query = sqlx::query(AssertSqlSafe(explain));
            let steps = query.fetch_all(&mut database).await.unwrap();
            let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
            let by_index = |step: &String| step.contains("USING") && step.contains("h_7_until");
            assert!(steps.iter().any(by_index), "{steps:?}");
            let is_slow =
                |step: &String| step.starts_with("SCAN h") || step.contains("TEMP B-TREE");
            assert!(!steps.iter().any(is_slow), "{steps:?}");
        }
    }
}
