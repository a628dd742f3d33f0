//! The table of versions that were replaced, and reading it together with the elements.

use layer_data_core::history::{AsOf, Rows, VersionRecord};
use sqlx::{QueryBuilder, Sqlite};

use super::{Stamp, Table, Target, push_target};

/// Columns of a statement that reads versions, after all others.
pub(super) const ENDS: &str = ", t.\"_until\", t.\"_until_by\", t.\"_until_time\"";

impl Table {
    /// The name of the table of versions, as GeoPackage's own tables refer to it.
    pub(crate) fn history(&self) -> String {
        self.versions.trim_matches('"').to_owned()
    }

    /// `create table` for the versions; the geometry type is one of GeoPackage's words.
    pub(crate) fn create_history(&self, geometry_type: &str) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("create table ");
        sql.push(&self.versions).push(" (\"fid\" integer not null");
        self.push_columns(&mut sql, geometry_type);
        sql.push(", \"_until\" integer not null, \"_until_by\" integer not null");
        sql.push(", \"_until_time\" integer not null, primary key (\"fid\", \"_revision\"))");
        sql
    }

    pub(crate) fn drop_history(&self) -> QueryBuilder<Sqlite> {
        QueryBuilder::new(format!("drop table {}", self.versions))
    }

    /// Keeps what an element is before it is changed or deleted, under the very conditions of that statement. What the
    /// same edit has made of it nobody ever saw.
    pub(crate) fn keep(&self, target: Target, stamp: Stamp) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("insert into ");
        sql.push(&self.versions).push(" (");
        self.push_names(&mut sql, "");
        sql.push(", \"_until\", \"_until_by\", \"_until_time\") select ");
        self.push_names(&mut sql, "t.");
        for number in [stamp.revision.get(), stamp.actor.get(), stamp.millis] {
            sql.push(", ").push_bind(number);
        }
        sql.push(" from ").push(&self.quoted).push(" as t");
        push_target(&mut sql, target);
        sql.push(" and t.\"_revision\" < ")
            .push_bind(stamp.revision.get());
        sql
    }

    /// Inserts several versions by one statement.
    pub(crate) fn insert_versions(&self, versions: &[VersionRecord]) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("insert into ");
        sql.push(&self.versions).push(" (");
        self.push_names(&mut sql, "");
        sql.push(", \"_until\", \"_until_by\", \"_until_time\")");
        let mut between = " values (";
        for VersionRecord { element, end } in versions {
            self.push_row(sql.push(between), &element.row());
            for number in [end.revision.get(), end.by.get(), end.time.millis()] {
                sql.push(", ").push_bind(number);
            }
            between = "), (";
        }
        sql.push(")");
        sql
    }

    /// The highest key of a version.
    pub(crate) fn last_version(&self) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("select t.\"fid\", t.\"_revision\" from ");
        sql.push(&self.versions)
            .push(" as t order by t.\"fid\" desc, t.\"_revision\" desc limit 1");
        sql
    }

    /// The rows as something to select from.
    pub(super) fn push_rows(&self, sql: &mut QueryBuilder<Sqlite>, rows: Rows) {
        let (present, past) = (self.quoted.as_str(), self.versions.as_str());
        match rows {
            Rows::Present => {
                sql.push(present);
            }
            Rows::Past(AsOf::Revision(at)) => {
                self.push_past(sql, ["\"_revision\"", "\"_until\""], at.get());
            }
            Rows::Past(AsOf::Time(at)) => {
                self.push_past(sql, ["\"_update_time\"", "\"_until_time\""], at.millis());
            }
            Rows::Replaced => {
                sql.push(past);
            }
            Rows::Versions => {
                sql.push("(select ");
                self.push_names(sql, "p.");
                sql.push(
                    ", null as \"_until\", null as \"_until_by\", null as \"_until_time\" from ",
                );
                sql.push(present).push(" as p union all select ");
                self.push_names(sql, "h.");
                sql.push(", h.\"_until\", h.\"_until_by\", h.\"_until_time\" from ");
                sql.push(past).push(" as h)");
            }
        }
    }

    /// What began at a state or before it, and had not ended.
    fn push_past(&self, sql: &mut QueryBuilder<Sqlite>, [begun, ended]: [&str; 2], at: i64) {
        sql.push("(select ");
        self.push_names(sql, "p.");
        sql.push(" from ").push(&self.quoted).push(" as p where p.");
        sql.push(begun).push(" <= ").push_bind(at);
        sql.push(" union all select ");
        self.push_names(sql, "h.");
        sql.push(" from ")
            .push(&self.versions)
            .push(" as h where h.");
        sql.push(begun).push(" <= ").push_bind(at);
        sql.push(" and h.").push(ended).push(" > ").push_bind(at);
        sql.push(")");
    }
}
