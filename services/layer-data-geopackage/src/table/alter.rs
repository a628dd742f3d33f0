//! The columns of a changed definition.

use layer_data_core::{
    definition::{ColumnStep, WidenedColumn},
    value::{AttributeType, Value},
};
use sqlx::{QueryBuilder, Sqlite};

use super::{Table, quoted};
use crate::values::{column_type, literal, push_value};

impl Table {
    /// The tables that have the layer's columns.
    fn tables(&self) -> impl Iterator<Item = &str> {
        [self.quoted.as_str(), self.versions.as_str()].into_iter()
    }

    /// The statements of one step of a changed definition.
    pub(crate) fn alter(&self, step: &ColumnStep<'_>) -> Vec<QueryBuilder<Sqlite>> {
        let statements = self.tables().flat_map(|table| match step {
            ColumnStep::Remove(column) => {
                vec![alter(table, format_args!("drop column {}", quoted(column)))]
            }
            ColumnStep::Rename { from, to } => {
                let (from, to) = (quoted(from), quoted(to));
                vec![alter(table, format_args!("rename column {from} to {to}"))]
            }
            ColumnStep::Widen(columns) => widen(table, columns),
            ColumnStep::Add { column, attribute } => {
                add(table, &quoted(column), attribute.kind, &attribute.default)
            }
        });
        statements.collect()
    }
}

fn alter(table: &str, what: std::fmt::Arguments<'_>) -> QueryBuilder<Sqlite> {
    QueryBuilder::new(format!("alter table {table} {what}"))
}

/// A new column whose default SQLite keeps beside the table, so that no row is touched; only what its literals do not
/// say to the last bit is written into every row.
fn add(
    table: &str,
    column: &str,
    kind: AttributeType,
    default: &Value,
) -> Vec<QueryBuilder<Sqlite>> {
    let kind = column_type(kind);
    if default.is_null() {
        return vec![alter(table, format_args!("add column {column} {kind}"))];
    }
    if let Some(default) = literal(default) {
        let column = format_args!("add column {column} {kind} default {default}");
        return vec![alter(table, column)];
    }
    let mut fill = QueryBuilder::new(format!("update {table} set {column} = "));
    push_value(&mut fill, default);
    vec![
        alter(table, format_args!("add column {column} {kind}")),
        fill,
    ]
}

/// SQLite gives no column another type: new ones take the values, and the places of the old ones.
fn widen(table: &str, columns: &[WidenedColumn]) -> Vec<QueryBuilder<Sqlite>> {
    let (mut added, mut values, mut replaced) = (Vec::new(), Vec::new(), Vec::new());
    for WidenedColumn {
        column,
        attribute,
        from,
        to,
    } in columns
    {
        let (column, wider) = (quoted(column), quoted(&format!("_wider_{attribute}")));
        let kind = column_type(*to);
        added.push(alter(table, format_args!("add column {wider} {kind}")));
        values.push(format!("{wider} = {}", widened(&column, *from, *to)));
        replaced.push(alter(table, format_args!("drop column {column}")));
        replaced.push(alter(
            table,
            format_args!("rename column {wider} to {column}"),
        ));
    }
    let fill = QueryBuilder::new(format!("update {table} set {}", values.join(", ")));
    added.into_iter().chain([fill]).chain(replaced).collect()
}

/// What a column's values become, as `Value::widened` says. Days and instants are texts already.
fn widened(column: &str, from: AttributeType, to: AttributeType) -> String {
    match (from, to) {
        (AttributeType::Integer, AttributeType::Double) => format!("cast({column} as real)"),
        (AttributeType::Integer, _) => format!("cast({column} as text)"),
        (AttributeType::Date, AttributeType::DateTime) => format!("{column} || 'T00:00:00.000Z'"),
        (AttributeType::Boolean, _) => {
            format!("case {column} when true then 'true' when false then 'false' end")
        }
        _ => column.to_owned(),
    }
}
