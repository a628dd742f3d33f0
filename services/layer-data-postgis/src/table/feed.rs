//! What happened to a layer's elements since a place in its feed.
//!
//! What was changed or deleted is found by the index on when versions ended, to whose end each edit adds; what was created
//! by the ids, of which the present ones are the table's key and those of replaced first versions have an index of their
//! own. None of them is on a column that edits of elements change.

use jmap_postgres::quoted;
use layer_data_core::{
    feed::FeedSearch,
    history::{Rows, VersionKey},
};
use sqlx::{Postgres, QueryBuilder};

use super::{Column, GeometryColumn, Table};

impl Table {
    /// The statements that make what the feed is searched by, where it is not there.
    pub(crate) fn index_feed(&self) -> String {
        let (name, [ended, first]) = (&self.versions, self.feed_indexes());
        format!(
            "create index if not exists {ended} on {name} (\"_until\", \"fid\"); \
             create index if not exists {first} on {name} (\"fid\") where \"_create_time\" = \"_update_time\""
        )
    }

    fn feed_indexes(&self) -> [String; 2] {
        let layer = self.layer;
        [
            quoted(&format!("h_{layer}_until")),
            quoted(&format!("h_{layer}_first")),
        ]
    }

    /// The versions that ended after a place, with who ended each, when, and whether none began then.
    pub(crate) fn ended(&self, search: FeedSearch) -> QueryBuilder<Postgres> {
        let (elements, versions) = (&self.marked, &self.versions);
        let (revision, element) = search.after.key();
        let mut sql = QueryBuilder::new(
            "select h.\"_until\", h.\"fid\", h.\"_until_by\", h.\"_until_time\", not exists (select from ",
        );
        sql.push(elements);
        sql.push(" as p where p.\"fid\" = h.\"fid\" and p.\"_revision\" = h.\"_until\")");
        sql.push(" and not exists (select from ").push(versions);
        sql.push(" as n where n.\"fid\" = h.\"fid\" and n.\"_revision\" = h.\"_until\") from ");
        sql.push(versions)
            .push(" as h where (h.\"_until\", h.\"fid\") > (");
        sql.push_bind(revision.get()).push(", ").push_bind(element);
        sql.push(") and h.\"_until\" <= ")
            .push_bind(search.newest.revision.get());
        sql.push(" order by h.\"_until\", h.\"fid\" limit ")
            .push_bind(i64::from(search.limit.rows.get()));
        sql
    }

    /// The elements that were created or brought back after a place. Ids ascend as the revisions of creations do, so the
    /// order of the one is that of the other.
    pub(crate) fn created(&self, search: FeedSearch) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("select c.\"fid\", c.\"_revision\" from ((select ");
        self.push_created(&mut sql, &self.marked, search);
        sql.push(") union all (select ");
        self.push_created(&mut sql, &self.versions, search);
        sql.push(if search.any_id {
            ")) as c order by c.\"_revision\", c.\"fid\" limit "
        } else {
            ")) as c order by c.\"fid\" limit "
        })
        .push_bind(i64::from(search.limit.rows.get()));
        sql
    }

    fn push_created(&self, sql: &mut QueryBuilder<Postgres>, table: &str, search: FeedSearch) {
        let (revision, element) = search.after.key();
        sql.push("t.\"fid\", t.\"_revision\" from ").push(table);
        sql.push(" as t where t.\"fid\" >= ")
            .push_bind(search.after.next_element);
        if table == self.versions && !search.any_id {
            sql.push(" and t.\"_create_time\" = t.\"_update_time\"");
        }
        sql.push(" and (t.\"_revision\", t.\"fid\") > (")
            .push_bind(revision.get());
        sql.push(", ").push_bind(element);
        sql.push(") and t.\"_revision\" <= ")
            .push_bind(search.newest.revision.get());
        sql.push(" and not exists (select from ")
            .push(&self.versions);
        sql.push(" as b where b.\"fid\" = t.\"fid\" and b.\"_until\" = t.\"_revision\")");
        sql.push(if search.any_id {
            " order by t.\"_revision\", t.\"fid\" limit "
        } else {
            " order by t.\"fid\" limit "
        })
        .push_bind(i64::from(search.limit.rows.get()));
    }

    /// The beginning of a statement that reads these versions.
    pub(crate) fn begun(
        &self,
        geometry: GeometryColumn,
        columns: &[&Column],
        keys: &[VersionKey],
    ) -> QueryBuilder<Postgres> {
        let mut sql = self.select(geometry, columns, Rows::Versions);
        push_keys(sql.push(" and (t.\"fid\", t.\"_revision\") in "), keys);
        sql
    }

    /// The beginning of a statement that finds which of these versions there are, by when each ended.
    pub(crate) fn left(&self, keys: &[VersionKey]) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("select t.\"fid\", t.\"_until\" from ");
        sql.push(&self.versions);
        push_keys(sql.push(" as t where (t.\"fid\", t.\"_until\") in "), keys);
        sql
    }
}

fn push_keys(sql: &mut QueryBuilder<Postgres>, keys: &[VersionKey]) {
    let (elements, revisions): (Vec<i64>, Vec<i64>) = keys
        .iter()
        .map(|(element, revision)| (element.get(), revision.get()))
        .unzip();
    sql.push("(select * from unnest(").push_bind(elements);
    sql.push(", ").push_bind(revisions).push("))");
}
