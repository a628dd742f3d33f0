//! What happened to a layer's elements since a place in its feed.
//!
//! What was changed or deleted is found by the index on when versions ended, to whose end each edit adds; what was created
//! by the ids, of which the present ones are the table's key and those of replaced first versions have an index of their
//! own.

use layer_data_core::{
    feed::FeedSearch,
    history::{Rows, VersionKey},
};
use sqlx::{QueryBuilder, Sqlite};

use super::{BlobPart, Column, Table, quoted};

impl Table {
    /// The statements that make what the feed is searched by.
    pub(crate) fn index_feed(&self) -> [QueryBuilder<Sqlite>; 2] {
        let versions = &self.versions;
        let index = |what| quoted(&format!("{}_{what}", self.history()));
        [
            format!(
                "create index {} on {versions} (\"_until\", \"fid\")",
                index("until")
            ),
            format!(
                "create index {} on {versions} (\"fid\") where \"_create_time\" = \"_update_time\"",
                index("first")
            ),
        ]
        .map(QueryBuilder::new)
    }

    /// The versions that ended after a place, with who ended each, when, and whether none began then.
    pub(crate) fn ended(&self, search: FeedSearch) -> QueryBuilder<Sqlite> {
        let (elements, versions) = (&self.quoted, &self.versions);
        let (revision, element) = search.after.key();
        let mut sql = QueryBuilder::new(
            "select h.\"_until\", h.\"fid\", h.\"_until_by\", h.\"_until_time\", not exists (select 1 from ",
        );
        sql.push(elements);
        sql.push(" as p where p.\"fid\" = h.\"fid\" and p.\"_revision\" = h.\"_until\")");
        sql.push(" and not exists (select 1 from ").push(versions);
        sql.push(" as n where n.\"fid\" = h.\"fid\" and n.\"_revision\" = h.\"_until\") from ");
        sql.push(versions)
            .push(" as h where (h.\"_until\", h.\"fid\") > (");
        sql.push_bind(revision.get()).push(", ").push_bind(element);
        sql.push(") and h.\"_until\" <= ")
            .push_bind(search.newest.revision.get());
        sql.push(" order by h.\"_until\", h.\"fid\" limit ")
            .push_bind(search.limit.rows.get());
        sql
    }

    /// The elements that were created or brought back after a place. Ids ascend as the revisions of creations do, so the
    /// order of the one is that of the other.
    pub(crate) fn created(&self, search: FeedSearch) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("select * from (");
        self.push_created(&mut sql, &self.quoted, search);
        sql.push(") union all select * from (");
        self.push_created(&mut sql, &self.versions, search);
        sql.push(if search.any_id {
            ") order by 2, 1 limit "
        } else {
            ") order by 1 limit "
        })
        .push_bind(search.limit.rows.get());
        sql
    }

    fn push_created(&self, sql: &mut QueryBuilder<Sqlite>, table: &str, search: FeedSearch) {
        let (revision, element) = search.after.key();
        sql.push("select t.\"fid\", t.\"_revision\" from ")
            .push(table);
        sql.push(" as t where t.\"fid\" >= ")
            .push_bind(search.after.next_element);
        if table == self.versions && !search.any_id {
            sql.push(" and t.\"_create_time\" = t.\"_update_time\"");
        }
        // The sign keeps the key from being looked for by anything but the id.
        sql.push(" and (+t.\"_revision\", +t.\"fid\") > (")
            .push_bind(revision.get());
        sql.push(", ").push_bind(element);
        sql.push(") and +t.\"_revision\" <= ")
            .push_bind(search.newest.revision.get());
        sql.push(" and not exists (select 1 from ")
            .push(&self.versions);
        sql.push(" as b where b.\"fid\" = t.\"fid\" and b.\"_until\" = t.\"_revision\")");
        sql.push(if search.any_id {
            " order by t.\"_revision\", t.\"fid\" limit "
        } else {
            " order by t.\"fid\" limit "
        })
        .push_bind(search.limit.rows.get());
    }

    /// The statement that reads these versions, in their order, as far as they are among such rows.
    pub(crate) fn begun(
        &self,
        part: BlobPart,
        columns: &[&Column],
        (rows, keys): (Rows, String),
    ) -> QueryBuilder<Sqlite> {
        let mut sql = Self::select_fields(part, columns, rows);
        if rows == Rows::Present {
            sql.push(", null, null, null");
        }
        sql.push(" from json_each(").push_bind(keys);
        sql.push(") as k cross join ");
        self.push_rows(&mut sql, rows);
        sql.push(" as t where t.\"fid\" = k.value ->> 0 and t.\"_revision\" = k.value ->> 1");
        sql
    }

    /// The statement that reads the boxes of these versions, by when each ended.
    pub(crate) fn left(&self, keys: String) -> QueryBuilder<Sqlite> {
        let mut sql = Self::select_fields(BlobPart::Header, &[], Rows::Replaced);
        sql.push(" from json_each(").push_bind(keys);
        sql.push(") as k cross join ").push(&self.versions);
        sql.push(" as t where t.\"fid\" = k.value ->> 0 and t.\"_until\" = k.value ->> 1");
        sql
    }
}

/// Versions as a statement takes them: pairs of numbers.
pub(crate) fn pairs(keys: &[VersionKey]) -> Result<String, serde_json::Error> {
    let pair = |(element, revision): &VersionKey| [element.get(), revision.get()];
    serde_json::to_string(&keys.iter().map(pair).collect::<Vec<_>>())
}
