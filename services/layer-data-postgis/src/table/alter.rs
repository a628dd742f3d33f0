//! The columns of a changed definition.

use jmap_postgres::quoted;
use layer_data_core::{
    definition::{AttributeDefinition, ColumnStep, LayerDefinition},
    value::{AttributeType, Value, hexadecimal},
};

use super::{Column, Table, literal};
use crate::values::column_type;

impl Table {
    /// The tables that have the layer's columns.
    fn tables(&self) -> impl Iterator<Item = &str> {
        [self.name.as_str(), self.versions.as_str()].into_iter()
    }

    /// The statements that make the columns of one definition into those of a later one, of which this is the table.
    /// None of them touches a row, but for those that give a column another type; indexes of attributes that become unique
    /// are built from all.
    pub(crate) fn alter(
        &self,
        steps: &[ColumnStep<'_>],
        before: &LayerDefinition,
        after: &LayerDefinition,
    ) -> String {
        let altered = self
            .tables()
            .flat_map(|table| steps.iter().map(move |step| alter(table, step)));
        let was = |id| {
            before
                .attribute(id)
                .map(|(_, attribute)| words_of(attribute))
        };
        let columns = self.columns.iter().zip(after.attributes());
        let comments = columns.filter_map(|(column, attribute)| {
            let words = words_of(attribute);
            let is_new = was(attribute.id).unwrap_or_default() != words;
            is_new.then(|| self.comment_on(column, &words))
        });
        let unique = before.unique_steps(after);
        let statements = self.drop_unique(&unique.gone).into_iter().chain(altered);
        let statements = statements.chain(self.index_unique(&unique.come));
        statements.chain(comments).collect::<Vec<_>>().join("; ")
    }

    /// Nothing to read removes the comment.
    pub(super) fn comment_on(&self, column: &Column, words: &str) -> String {
        let (table, column) = (&self.name, &column.name);
        format!("comment on column {table}.{column} is {}", literal(words))
    }
}

/// What people read instead of an attribute's name, and what it means.
pub(super) fn words_of(attribute: &AttributeDefinition) -> String {
    let words = [attribute.label.as_str(), attribute.description.as_str()];
    let words: Vec<&str> = words.into_iter().filter(|text| !text.is_empty()).collect();
    words.join(": ")
}

fn alter(table: &str, step: &ColumnStep<'_>) -> String {
    match step {
        ColumnStep::Remove(column) => {
            format!("alter table {table} drop column {}", quoted(column))
        }
        ColumnStep::Rename { from, to } => {
            let (from, to) = (quoted(from), quoted(to));
            format!("alter table {table} rename column {from} to {to}")
        }
        ColumnStep::Widen(columns) => {
            let columns = columns.iter().map(|one| {
                let (column, kind) = (quoted(&one.column), column_type(one.to));
                let value = widened(&column, one.from, one.to);
                format!("alter column {column} type {kind} using {value}")
            });
            let columns = columns.collect::<Vec<_>>().join(", ");
            format!("alter table {table} {columns}")
        }
        ColumnStep::Add { column, attribute } => {
            let (column, kind) = (quoted(column), column_type(attribute.kind));
            let add = format!("alter table {table} add column {column} {kind}");
            // The rows that exist keep the default that the column had when it came.
            let forget = || format!("alter table {table} alter column {column} drop default");
            match default_literal(&attribute.default) {
                Some(default) => format!("{add} default {default}; {}", forget()),
                None => add,
            }
        }
    }
}

/// A value as an SQL literal of whatever type the column has; `None` for null.
fn default_literal(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.as_str().to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Double(number) => format!("{:e}", number.get()),
        Value::Boolean(flag) => flag.to_string(),
        Value::Date(day) => day.to_string(),
        Value::DateTime(instant) => instant.to_string(),
        Value::Binary(bytes) => format!(r"\x{}", hexadecimal(bytes)),
    };
    Some(literal(&text))
}

/// What a column's values become, as `Value::widened` says.
fn widened(column: &str, from: AttributeType, to: AttributeType) -> String {
    match (from, to) {
        (AttributeType::Integer, AttributeType::Double) => format!("{column}::double precision"),
        (AttributeType::Date, AttributeType::DateTime) => {
            format!("{column}::timestamp at time zone 'UTC'")
        }
        (AttributeType::Date, _) => format!("to_char({column}, 'YYYY-MM-DD')"),
        (AttributeType::DateTime, _) => {
            format!("to_char({column} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')")
        }
        _ => format!("{column}::text"),
    }
}
