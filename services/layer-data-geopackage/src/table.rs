//! The audited writer: the only module that puts names of tables and columns into SQL.
//!
//! Names of tables are made from ids. Names of attributes are quoted by [`quoted`], and in expressions they are always
//! qualified (`t."name"`), because SQLite takes an unknown quoted name for text. Values are always bound.

mod alter;
mod feed;
mod history;
mod prune;
mod unique;

pub(crate) use feed::pairs;

use jmap_domain::{ActorId, AttributeId, DataRevision, ElementId, LayerId};
use layer_data_core::{
    definition::LayerDefinition,
    edit::ExpectedRevision,
    element::{ElementPatch, ElementRow},
    geometry::Bounds,
    history::Rows,
    permit::Scope,
    value::AttributeType,
};
use sqlx::{QueryBuilder, Sqlite};

use crate::{
    blob,
    values::{column_type, push_value},
};

/// A name as an SQL identifier, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A layer's table, its R*Tree, and the table of versions that were replaced.
#[derive(Debug)]
pub(crate) struct Table {
    name: String,
    quoted: String,
    rtree: String,
    /// The table of versions, quoted.
    versions: String,
    epsg: i32,
    /// Those of the attributes, then those of the dropped ones: a read that began before a drop still finds them.
    columns: Vec<Column>,
    /// What is read of an attribute that was purged since the read began: null.
    gone: Column,
    /// The attributes that have a unique index.
    unique: Vec<AttributeId>,
}

/// The column of an attribute.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) attribute: AttributeId,
    pub(crate) kind: AttributeType,
    name: String,
}

/// Who writes, when, and in which edit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub(crate) actor: ActorId,
    pub(crate) millis: i64,
    pub(crate) revision: DataRevision,
}

/// The element that a statement may touch, and under which conditions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) element: ElementId,
    pub(crate) expected: ExpectedRevision,
    pub(crate) scope: Scope,
}

impl Table {
    pub(crate) fn new(layer: LayerId, definition: &LayerDefinition) -> Self {
        let columns = definition.columns().map(|(attribute, column)| Column {
            attribute: attribute.id,
            kind: attribute.kind,
            name: quoted(&column),
        });
        let name = format!("l_{layer}");
        Self {
            quoted: quoted(&name),
            versions: quoted(&format!("h_{layer}")),
            rtree: quoted(&format!("rtree_{name}_geom")),
            name,
            epsg: definition.geometry().crs.epsg(),
            columns: columns.collect(),
            gone: Column {
                // No attribute has that id yet.
                attribute: definition.next_attribute(),
                kind: AttributeType::String,
                name: String::new(),
            },
            unique: unique::unique_of(definition),
        }
    }

    /// The attributes that have a unique index.
    pub(crate) fn unique(&self) -> &[AttributeId] {
        &self.unique
    }

    /// The table's name as GeoPackage's own tables refer to it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn column(&self, attribute: AttributeId) -> Option<&Column> {
        self.columns
            .iter()
            .find(|column| column.attribute == attribute)
    }

    /// The column to read an attribute's values from, so that each value keeps its place.
    pub(crate) fn column_to_read(&self, attribute: AttributeId) -> &Column {
        self.column(attribute).unwrap_or(&self.gone)
    }

    /// `create table`; the geometry type is one of GeoPackage's words.
    pub(crate) fn create(&self, geometry_type: &str) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("create table ");
        sql.push(&self.quoted)
            .push(" (\"fid\" integer primary key not null");
        self.push_columns(&mut sql, geometry_type);
        sql.push(")");
        sql
    }

    /// What the tables of elements and of versions have alike, but for the id.
    fn push_columns(&self, sql: &mut QueryBuilder<Sqlite>, geometry_type: &str) {
        sql.push(", \"geom\" ").push(geometry_type);
        sql.push(" not null");
        for column in &self.columns {
            sql.push(", ")
                .push(&column.name)
                .push(" ")
                .push(column_type(column.kind));
        }
        sql.push(
            ", \"_revision\" integer not null, \"_created_by\" integer, \"_updated_by\" integer",
        );
        sql.push(", \"_create_time\" integer not null, \"_update_time\" integer not null");
    }

    pub(crate) fn create_rtree(&self) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("create virtual table ");
        sql.push(&self.rtree)
            .push(" using rtree(id, minx, maxx, miny, maxy)");
        sql
    }

    pub(crate) fn drop(&self) -> QueryBuilder<Sqlite> {
        QueryBuilder::new(format!("drop table {}", self.quoted))
    }

    pub(crate) fn drop_rtree(&self) -> QueryBuilder<Sqlite> {
        QueryBuilder::new(format!("drop table {}", self.rtree))
    }

    /// The names of the columns that the tables of elements and of versions have alike, each behind a prefix.
    fn push_names(&self, sql: &mut QueryBuilder<Sqlite>, prefix: &str) {
        sql.push(prefix).push("\"fid\"");
        let columns = self.columns.iter().map(|column| column.name.as_str());
        for name in ["\"geom\""].into_iter().chain(columns).chain(STAMPS) {
            sql.push(", ").push(prefix).push(name);
        }
    }

    /// Inserts several elements by one statement. Only elements that are moved have values of dropped attributes.
    pub(crate) fn insert(&self, rows: &[ElementRow<'_>]) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("insert into ");
        sql.push(&self.quoted).push(" (");
        self.push_names(&mut sql, "");
        sql.push(")");
        let mut between = " values (";
        for row in rows {
            self.push_row(sql.push(between), row);
            between = "), (";
        }
        sql.push(")");
        sql
    }

    /// The values of an element, in the order of [`Self::push_names`]. A dropped attribute that it has no value of is
    /// null: SQLite would put in the default with which the column was added.
    fn push_row(&self, sql: &mut QueryBuilder<Sqlite>, row: &ElementRow<'_>) {
        sql.push_bind(row.id.get()).push(", ");
        sql.push_bind(blob::encode(row.geometry, self.epsg));
        for value in row.values {
            sql.push(", ");
            push_value(sql, value);
        }
        for _ in row.values.len()..self.columns.len() {
            sql.push(", null");
        }
        sql.push(", ").push_bind(row.revision.get());
        let stamps = row.stamps;
        for actor in [stamps.created_by, stamps.updated_by] {
            sql.push(", ").push_bind(actor.map(ActorId::get));
        }
        for time in [stamps.create_time, stamps.update_time] {
            sql.push(", ").push_bind(time.millis());
        }
    }

    /// The highest id.
    pub(crate) fn last(&self) -> QueryBuilder<Sqlite> {
        QueryBuilder::new(format!("select max(t.\"fid\") from {} as t", self.quoted))
    }

    /// R58, R108: the expected revision and the owner are part of the statement that writes.
    pub(crate) fn update(
        &self,
        target: Target,
        patch: &ElementPatch,
        stamp: Stamp,
    ) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("update ");
        sql.push(&self.quoted).push(" as t set ");
        if let Some(geometry) = patch.geometry() {
            sql.push("\"geom\" = ")
                .push_bind(blob::encode(geometry, self.epsg))
                .push(", ");
        }
        for (attribute, value) in patch.values() {
            if let Some(column) = self.column(*attribute) {
                sql.push(&column.name).push(" = ");
                push_value(&mut sql, value);
                sql.push(", ");
            }
        }
        sql.push("\"_revision\" = ").push_bind(stamp.revision.get());
        sql.push(", \"_updated_by\" = ")
            .push_bind(stamp.actor.get());
        sql.push(", \"_update_time\" = ").push_bind(stamp.millis);
        push_target(&mut sql, target);
        sql
    }

    /// R58, R108: the expected revision and the owner are part of the statement that writes.
    pub(crate) fn delete(&self, target: Target) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("delete from ");
        sql.push(&self.quoted).push(" as t");
        push_target(&mut sql, target);
        sql
    }

    /// Revision and creator of an element: why a statement found nothing to write to.
    pub(crate) fn look(&self, element: ElementId) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("select t.\"_revision\", t.\"_created_by\" from ");
        sql.push(&self.quoted)
            .push(" as t where t.\"fid\" = ")
            .push_bind(element.get());
        sql
    }

    /// Puts the boxes of elements into the index by one statement.
    pub(crate) fn put_boxes(&self, boxes: &[(ElementId, Bounds)]) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("insert or replace into ");
        sql.push(&self.rtree).push(" (id, minx, maxx, miny, maxy)");
        let mut between = " values (";
        for (id, bounds) in boxes {
            sql.push(between).push_bind(id.get());
            for edge in [bounds.min_x, bounds.max_x, bounds.min_y, bounds.max_y] {
                sql.push(", ").push_bind(edge);
            }
            between = "), (";
        }
        sql.push(")");
        sql
    }

    /// The part of a stored blob that tells the box of an element.
    pub(crate) fn header(&self, element: ElementId) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("select substr(t.\"geom\", 1, ");
        sql.push(blob::HEADER).push(") from ").push(&self.quoted);
        sql.push(" as t where t.\"fid\" = ")
            .push_bind(element.get());
        sql
    }

    pub(crate) fn delete_box(&self, element: ElementId) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("delete from ");
        sql.push(&self.rtree)
            .push(" where id = ")
            .push_bind(element.get());
        sql
    }

    /// The beginning of a reading statement. Its columns are those of [`crate::read::fields`], then the given ones.
    pub(crate) fn select(
        &self,
        part: BlobPart,
        columns: &[&Column],
        rows: Rows,
    ) -> QueryBuilder<Sqlite> {
        let mut sql = Self::select_fields(part, columns, rows);
        sql.push(" from ");
        self.push_rows(&mut sql, rows);
        sql.push(" as t where true");
        sql
    }

    /// The same without its tables: its rows are `t`.
    fn select_fields(part: BlobPart, columns: &[&Column], rows: Rows) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new(
            "select t.\"fid\", t.\"_revision\", t.\"_created_by\", t.\"_updated_by\"",
        );
        sql.push(", t.\"_create_time\", t.\"_update_time\", ");
        match part {
            BlobPart::Whole => sql.push("t.\"geom\""),
            BlobPart::Header => sql.push(format_args!("substr(t.\"geom\", 1, {})", blob::HEADER)),
            BlobPart::Nothing => sql.push("null"),
        };
        for column in columns {
            sql.push(", ");
            column.push(&mut sql);
        }
        if matches!(rows, Rows::Versions | Rows::Replaced) {
            sql.push(history::ENDS);
        }
        sql
    }

    /// The elements that were changed after a revision, in the order of their ids, with the values of these columns.
    pub(crate) fn changed_since(
        &self,
        revision: DataRevision,
        columns: &[&Column],
        part: BlobPart,
    ) -> QueryBuilder<Sqlite> {
        let mut sql = self.select(part, columns, Rows::Present);
        sql.push(" and t.\"_revision\" > ")
            .push_bind(revision.get())
            .push(" order by t.\"fid\"");
        sql
    }

    /// Limits a reading statement to elements whose box may intersect one of these. The index keeps boxes in 32-bit
    /// floats, rounded outwards, so the exact box has to be looked at again.
    pub(crate) fn push_boxes(&self, sql: &mut QueryBuilder<Sqlite>, boxes: &[Bounds]) {
        sql.push(" and t.\"fid\" in (");
        self.push_candidates(sql, boxes);
        sql.push(")");
    }

    /// How many boxes of the index intersect these, counted no further than the limit.
    pub(crate) fn count_candidates(&self, boxes: &[Bounds], limit: i64) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("select count(*) from (");
        self.push_candidates(&mut sql, boxes);
        sql.push(" limit ").push_bind(limit).push(")");
        sql
    }

    fn push_candidates(&self, sql: &mut QueryBuilder<Sqlite>, boxes: &[Bounds]) {
        let mut between = "";
        for bounds in boxes {
            sql.push(between)
                .push("select r.id from ")
                .push(&self.rtree)
                .push(" as r where r.maxx >= ");
            sql.push_bind(bounds.min_x)
                .push(" and r.minx <= ")
                .push_bind(bounds.max_x);
            sql.push(" and r.maxy >= ")
                .push_bind(bounds.min_y)
                .push(" and r.miny <= ")
                .push_bind(bounds.max_y);
            between = " union all ";
        }
        if boxes.is_empty() {
            sql.push("select 0 where false");
        }
    }
}

const STAMPS: [&str; 5] = [
    "\"_revision\"",
    "\"_created_by\"",
    "\"_updated_by\"",
    "\"_create_time\"",
    "\"_update_time\"",
];

/// How much of the geometry's blob a statement reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum BlobPart {
    /// Nothing.
    Nothing,
    /// The header, with the exact box.
    Header,
    /// Header and WKB.
    Whole,
}

impl Column {
    /// Adds the column to an expression, qualified.
    pub(crate) fn push(&self, sql: &mut QueryBuilder<Sqlite>) {
        if self.name.is_empty() {
            sql.push("null");
        } else {
            sql.push("t.").push(&self.name);
        }
    }
}

fn push_target(sql: &mut QueryBuilder<Sqlite>, target: Target) {
    sql.push(" where t.\"fid\" = ")
        .push_bind(target.element.get());
    let (any, revision) = match target.expected {
        ExpectedRevision::Any => (true, 0),
        ExpectedRevision::Revision(revision) => (false, revision.get()),
    };
    // Explicit flags: no null could come to mean "everybody's" or "any revision".
    let (all, creator) = match target.scope {
        Scope::All => (true, 0),
        Scope::Own(actor) => (false, actor.get()),
    };
    sql.push(" and (")
        .push_bind(any)
        .push(" or t.\"_revision\" = ")
        .push_bind(revision);
    sql.push(") and (")
        .push_bind(all)
        .push(" or t.\"_created_by\" = ")
        .push_bind(creator)
        .push(")");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_in_names_are_doubled() {
        assert_eq!(
            quoted(r#"a" text); drop table x; --"#),
            r#""a"" text); drop table x; --""#
        );
    }
}
