//! The audited writer: the only module that puts names of tables and columns into SQL.
//!
//! Names of tables are made from ids. Names of attributes are quoted by [`quoted`], and in expressions they are always
//! qualified (`t."name"`). Values are always bound, but for comments, which take no parameters: [`literal`] quotes them.

mod alter;
mod feed;
mod history;
mod prune;
mod unique;

use jmap_domain::{AttributeId, DataRevision, LayerId};
use jmap_postgres::quoted;
use layer_data_core::{
    catalogue::Tip,
    definition::{AttributeDefinition, DefinitionVersion, LayerDefinition, ZPolicy},
    geometry::Bounds,
    history::Rows,
    value::{AttributeType, DateTime},
};
use sqlx::{Postgres, QueryBuilder};

use alter::words_of;
use unique::Placed;

use crate::{bucket, values::column_type};

/// A text as an SQL literal, whatever is in it and whatever the session says about backslashes.
fn literal(text: &str) -> String {
    let text = text.replace('\0', "").replace('\\', r"\\");
    format!("E'{}'", text.replace('\'', "''"))
}

/// A layer's table.
#[derive(Debug)]
pub(crate) struct Table {
    layer: LayerId,
    /// Schema and name, quoted.
    name: String,
    /// The same, marked with the version of the definition. A connection keeps the statements that it has prepared by
    /// their text, and the same text may mean other types after the columns were changed.
    marked: String,
    /// Those of the table of versions, marked as well.
    versions: String,
    srid: i32,
    /// Those of the attributes, then those of the dropped ones: a read that began before a drop still finds them.
    columns: Vec<Column>,
    /// What is read of an attribute that was purged since the read began: null.
    gone: Column,
    /// How many attributes there are, without the dropped ones.
    present: usize,
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

/// Whether a statement has to do with the geometry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GeometryColumn {
    Included,
    LeftOut,
}

/// The counters of a layer: all are data, and survive whatever is deleted (R103).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counters {
    /// The newest revision.
    pub(crate) revision: DataRevision,
    /// The id of the next element.
    pub(crate) next_element: i64,
    /// The time of the newest edit: stamps never go back.
    pub(crate) edited: DateTime,
    /// Nothing that was deleted came back later than at this revision.
    pub(crate) restored: DataRevision,
}

impl Counters {
    /// How far edits have come.
    pub(crate) const fn tip(self) -> Tip {
        Tip {
            revision: self.revision,
            next_element: self.next_element,
            restored: self.restored,
        }
    }
}

impl Table {
    pub(crate) fn new(layer: LayerId, definition: &LayerDefinition) -> Self {
        let columns = definition.columns().map(|(attribute, column)| Column {
            attribute: attribute.id,
            kind: attribute.kind,
            name: quoted(&column),
        });
        let name = name(layer, 'l');
        Self {
            layer,
            marked: marked(&name, definition.version()),
            versions: marked(&self::name(layer, 'h'), definition.version()),
            name,
            srid: definition.geometry().crs.epsg(),
            columns: columns.collect(),
            gone: Column {
                // No attribute has that id yet.
                attribute: definition.next_attribute(),
                kind: AttributeType::String,
                name: String::new(),
            },
            present: definition.attributes().len(),
            unique: unique::unique_of(definition),
        }
    }

    /// Schema and name, quoted.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The columns of the attributes, without those of dropped ones.
    pub(crate) fn columns(&self) -> &[Column] {
        self.first_columns(self.present)
    }

    /// The first columns. Only elements that are moved have values of dropped attributes, which come last.
    fn first_columns(&self, count: usize) -> &[Column] {
        self.columns.get(..count).unwrap_or(&self.columns)
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

    /// The statements that make the table, with what other programs want to know of it.
    pub(crate) fn create(
        &self,
        definition: &LayerDefinition,
        label: &str,
        readers: &[String],
    ) -> String {
        let (name, columns) = (&self.name, self.definitions(definition));
        let index = quoted(&format!("l_{}_geom", self.layer));
        let mut statements = vec![
            format!("create table {name} ({columns})"),
            format!("create index {index} on {name} using gist (\"geom\")"),
            format!("comment on table {name} is {}", literal(label)),
            self.create_history(definition, readers),
        ];
        statements.extend(self.index_unique(&self.unique));
        let columns = self.columns.iter().zip(definition.attributes());
        statements
            .extend(columns.filter_map(|(column, attribute)| self.comment(column, attribute)));
        let grant = |reader: &String| format!("grant select on {name} to {}", quoted(reader));
        statements.extend(readers.iter().map(grant));
        statements.join("; ")
    }

    fn definitions(&self, definition: &LayerDefinition) -> String {
        let common = self.common_definitions(definition);
        format!("\"fid\" bigint primary key, {common}")
    }

    /// What the tables of elements and of versions have alike, but for the id.
    fn common_definitions(&self, definition: &LayerDefinition) -> String {
        let attribute = |column: &Column| format!("{} {}", column.name, column_type(column.kind));
        let mut columns = vec![self.geometry_column(definition)];
        columns.extend(self.columns.iter().map(attribute));
        columns.push(STAMP_COLUMNS.to_owned());
        columns.join(", ")
    }

    fn geometry_column(&self, definition: &LayerDefinition) -> String {
        let kind = definition.geometry().geometry_type.name();
        let z = match definition.geometry().z {
            ZPolicy::Forbidden => "",
            ZPolicy::Mandatory => "z",
        };
        format!("\"geom\" geometry({kind}{z}, {}) not null", self.srid)
    }

    /// What people read instead of the name, and what the attribute means; nothing without either.
    fn comment(&self, column: &Column, attribute: &AttributeDefinition) -> Option<String> {
        let words = words_of(attribute);
        (!words.is_empty()).then(|| self.comment_on(column, &words))
    }

    /// `insert into` with all columns, in the order in which [`Self::columns_of_row`] has them.
    pub(crate) fn insert(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push("insert into ").push(&self.marked).push(" as t ");
        sql.push(self.columns_of_row(self.present));
        sql.push(" select e.fid, e.geom");
        for place in 0..self.present {
            sql.push(", e.v").push(place);
        }
        sql.push(", e.revision, e.actor, e.actor, n.moment, n.moment");
    }

    /// `copy` in binary form of whole rows with so many values.
    pub(crate) fn copy(&self, values: usize) -> String {
        format!(
            "copy {} {} from stdin (format binary)",
            self.name,
            self.columns_of_row(values)
        )
    }

    fn columns_of_row(&self, values: usize) -> String {
        format!("({})", self.names("", values))
    }

    /// The names of columns that the tables of elements and of versions have alike, each behind a prefix: those of the
    /// first attributes, and all that are no attributes'.
    fn names(&self, prefix: &str, attributes: usize) -> String {
        let columns = self.first_columns(attributes).iter();
        let columns = columns.map(|column| column.name.as_str());
        let names = ["\"fid\"", "\"geom\""].into_iter().chain(columns);
        let names = names.chain(STAMPS).map(|name| format!("{prefix}{name}"));
        names.collect::<Vec<_>>().join(", ")
    }

    /// `update` up to the values: that of the geometry, if it is among them, and those of these columns.
    pub(crate) fn update<'a>(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        geometry: GeometryColumn,
        columns: impl Iterator<Item = &'a Column>,
    ) {
        sql.push("update ").push(&self.marked).push(" as t set ");
        if geometry == GeometryColumn::Included {
            sql.push("\"geom\" = e.geom, ");
        }
        for (place, column) in columns.enumerate() {
            sql.push(&column.name).push(" = e.v").push(place).push(", ");
        }
        sql.push(
            "\"_revision\" = e.revision, \"_updated_by\" = e.actor, \"_update_time\" = n.moment",
        );
    }

    pub(crate) fn delete(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push("delete from ").push(&self.marked).push(" as t");
    }

    /// R58, R108: the expected revision and the owner are part of the statement that writes. The flags are explicit, so
    /// that no null could come to mean "any revision" or "everybody's". R105: so is that no other has the values of these
    /// columns.
    pub(crate) fn only_targets(&self, sql: &mut QueryBuilder<Postgres>, unique: &[Placed<'_>]) {
        self.push_targets(sql, unique);
        sql.push(" returning t.\"fid\"");
    }

    fn push_targets(&self, sql: &mut QueryBuilder<Postgres>, unique: &[Placed<'_>]) {
        sql.push(" where t.\"fid\" = e.fid");
        sql.push(" and (e.any_revision or t.\"_revision\" = e.expected)");
        sql.push(" and (e.anybodys or t.\"_created_by\" = e.creator)");
        self.only_free(sql, unique);
    }

    /// Revision and creator of elements: why a statement found nothing to write to.
    pub(crate) fn look(&self, elements: Vec<i64>) -> QueryBuilder<Postgres> {
        let mut sql =
            QueryBuilder::new("select t.\"fid\", t.\"_revision\", t.\"_created_by\" from ");
        sql.push(&self.marked)
            .push(" as t where t.\"fid\" = any (")
            .push_bind(elements)
            .push(")");
        sql
    }

    /// The beginning of a reading statement. Its columns are those of [`crate::read::fields`], then the given ones.
    pub(crate) fn select(
        &self,
        geometry: GeometryColumn,
        columns: &[&Column],
        rows: Rows,
    ) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new(
            "select t.\"fid\", t.\"_revision\", t.\"_created_by\", t.\"_updated_by\"",
        );
        sql.push(", t.\"_create_time\", t.\"_update_time\"");
        sql.push(match geometry {
            GeometryColumn::Included => ", t.\"geom\"",
            GeometryColumn::LeftOut => ", null",
        });
        for column in columns {
            sql.push(", ");
            column.push(&mut sql);
        }
        if matches!(rows, Rows::Versions | Rows::Replaced) {
            sql.push(history::ENDS);
        }
        self.push_from(&mut sql, rows);
        sql
    }

    /// The beginning of a statement that counts and measures. The boxes are exact, unlike those of the index.
    pub(crate) fn measure(&self, rows: Rows) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new(
            "select m.count, ST_XMin(m.extent), ST_YMin(m.extent), ST_XMax(m.extent), ST_YMax(m.extent)",
        );
        sql.push(" from (select count(*) as count, ST_3DExtent(t.\"geom\") as extent");
        self.push_from(&mut sql, rows);
        sql
    }

    /// The elements that were changed after a revision, in the order of their ids, with the values of these columns.
    pub(crate) fn changed_since(
        &self,
        revision: DataRevision,
        columns: &[&Column],
        geometry: GeometryColumn,
    ) -> QueryBuilder<Postgres> {
        let mut sql = self.select(geometry, columns, Rows::Present);
        sql.push(" and t.\"_revision\" > ")
            .push_bind(revision.get())
            .push(" order by t.\"fid\"");
        sql
    }

    /// The highest id.
    pub(crate) fn last(&self) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("select max(t.\"fid\")");
        self.push_from(&mut sql, Rows::Present);
        sql
    }

    /// The beginning of a statement that counts rows, no further than some limit.
    pub(crate) fn counted(&self, rows: Rows) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("select count(*) from (select");
        self.push_from(&mut sql, rows);
        sql
    }

    /// The beginning of a statement that says how many rows the planner expects.
    pub(crate) fn expected(&self, rows: Rows) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("explain select");
        self.push_from(&mut sql, rows);
        sql
    }

    fn push_from(&self, sql: &mut QueryBuilder<Postgres>, rows: Rows) {
        sql.push(" from ");
        self.push_rows(sql, rows);
        sql.push(" as t where true");
        Self::push_state_of(sql, rows);
    }

    /// Limits a reading statement to elements whose box may intersect one of these. The index keeps boxes in 32-bit
    /// floats, rounded outwards, so the exact box has to be looked at again.
    pub(crate) fn push_boxes(&self, sql: &mut QueryBuilder<Postgres>, boxes: &[Bounds]) {
        self.any_box(sql, boxes, |sql, envelope| {
            sql.push("t.\"geom\" && ");
            envelope(sql);
        });
    }

    /// The same, decided without the index.
    pub(crate) fn push_boxes_unsearched(&self, sql: &mut QueryBuilder<Postgres>, boxes: &[Bounds]) {
        self.any_box(sql, boxes, |sql, envelope| {
            sql.push("coalesce(t.\"geom\" && ");
            envelope(sql);
            sql.push(", false)");
        });
    }

    fn any_box(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        boxes: &[Bounds],
        one: impl Fn(&mut QueryBuilder<Postgres>, &dyn Fn(&mut QueryBuilder<Postgres>)),
    ) {
        let mut between = " and (";
        for bounds in boxes {
            sql.push(between);
            one(sql, &|sql| push_envelope(sql, bounds, self.srid));
            between = " or ";
        }
        sql.push(if boxes.is_empty() { " and false" } else { ")" });
    }

    /// Limits a statement to elements whose exact box intersects one of these.
    pub(crate) fn push_exact_boxes(sql: &mut QueryBuilder<Postgres>, boxes: &[Bounds]) {
        let mut between = " and (";
        for bounds in boxes {
            sql.push(between);
            let edges = [
                ("ST_XMin(t.\"geom\") <= ", bounds.max_x),
                (" and ST_XMax(t.\"geom\") >= ", bounds.min_x),
                (" and ST_YMin(t.\"geom\") <= ", bounds.max_y),
                (" and ST_YMax(t.\"geom\") >= ", bounds.min_y),
            ];
            for (comparison, edge) in edges {
                sql.push(comparison).push_bind(edge);
            }
            between = " or ";
        }
        sql.push(if boxes.is_empty() { " and false" } else { ")" });
    }
}

impl Column {
    /// Adds the column to an expression, qualified.
    pub(crate) fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        if self.name.is_empty() {
            sql.push("null");
        } else {
            sql.push("t.").push(&self.name);
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

const STAMP_COLUMNS: &str = "\"_revision\" bigint not null, \"_created_by\" bigint, \"_updated_by\" bigint, \
     \"_create_time\" timestamp with time zone not null, \"_update_time\" timestamp with time zone not null";

/// The table of elements (`l`) or of versions (`h`) of a layer.
fn name(layer: LayerId, kind: char) -> String {
    let table = quoted(&format!("{kind}_{layer}"));
    format!("{}.{table}", quoted(&bucket::schema(layer)))
}

fn marked(name: &str, DefinitionVersion(version): DefinitionVersion) -> String {
    format!("{name} /* definition {version} */")
}

/// The statement that removes a layer's tables, those of them that there are.
pub(crate) fn drop_tables(layer: LayerId) -> String {
    let [elements, versions] = ['l', 'h'].map(|kind| name(layer, kind));
    format!("drop table if exists {elements}, {versions}")
}

fn push_envelope(sql: &mut QueryBuilder<Postgres>, bounds: &Bounds, srid: i32) {
    let mut between = "ST_MakeEnvelope(";
    for edge in [bounds.min_x, bounds.min_y, bounds.max_x, bounds.max_y] {
        sql.push(between).push_bind(edge);
        between = ", ";
    }
    sql.push(", ").push(srid).push(")");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_literal_early() {
        assert_eq!(
            literal("it's \\' \0; drop table x; --"),
            r"E'it''s \\'' ; drop table x; --'"
        );
    }
}
