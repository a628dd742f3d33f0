//! Statements that remove versions. They go along the index on when versions ended, beginning where the last ones were
//! removed, and so cost what they remove, whatever else is kept.

use std::num::NonZeroU32;

use layer_data_core::{history::HistoryStart, value::DateTime};
use sqlx::{Postgres, QueryBuilder};

use super::Table;
use crate::values::Instant;

impl Table {
    /// Of the oldest versions, which ended after the start of history, at most so many, those that ended by a time: which
    /// edit ended the last one, when, and how many they are. Stamps never go back, so what is left out ended later than the
    /// others.
    pub(crate) fn edge(
        &self,
        from: i64,
        horizon: DateTime,
        limit: NonZeroU32,
    ) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new(
            "select max(e.\"_until\"), max(e.\"_until_time\"), count(*) from (select h.\"_until\", h.\"_until_time\" from ",
        );
        sql.push(&self.versions)
            .push(" as h where h.\"_until\" > ")
            .push_bind(from);
        sql.push(" order by h.\"_until\", h.\"fid\" limit ")
            .push_bind(i64::from(limit.get()));
        sql.push(") as e where e.\"_until_time\" <= ")
            .push_bind(Instant(horizon));
        sql
    }

    /// Removes the versions that ended after one start of history and by another.
    pub(crate) fn prune(&self, from: i64, to: HistoryStart) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("delete from ");
        sql.push(&self.versions)
            .push(" as h where h.\"_until\" > ")
            .push_bind(from);
        sql.push(" and h.\"_until\" <= ")
            .push_bind(to.revision.get());
        sql
    }
}
