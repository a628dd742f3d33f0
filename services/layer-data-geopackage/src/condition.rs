//! Conditions in SQLite's words.

use jmap_domain::AttributeId;
use layer_data_core::{
    query::{Comparison, Condition, ConditionSink},
    value::{Text, Value},
};
use sqlx::{QueryBuilder, Sqlite};

use crate::{
    table::{Column, Table},
    values::push_value,
};

/// Adds ` and (condition)` to a reading statement of the table.
pub(crate) fn push_condition(
    sql: &mut QueryBuilder<Sqlite>,
    table: &Table,
    condition: &Condition<AttributeId>,
) {
    sql.push(" and ");
    condition.write_to(&mut Writer { sql, table });
}

struct Writer<'a> {
    sql: &'a mut QueryBuilder<Sqlite>,
    table: &'a Table,
}

impl ConditionSink for Writer<'_> {
    fn words(&mut self, words: &'static str) {
        self.sql.push(words);
    }

    fn compare(&mut self, attribute: AttributeId, comparison: Comparison, value: &Value) {
        self.leaf("", attribute, |sql| {
            sql.push(" ").push(comparison.operator()).push(" ");
            push_value(sql, value);
        });
    }

    fn one_of(&mut self, attribute: AttributeId, values: &[Value]) {
        self.leaf("", attribute, |sql| push_list(sql, values));
    }

    fn contains(&mut self, attribute: AttributeId, text: &Text) {
        self.leaf("instr(", attribute, |sql| {
            sql.push(", ").push_bind(text.as_str()).push(") > 0");
        });
    }

    fn is_null(&mut self, attribute: AttributeId) {
        self.sql.push("(");
        self.push_column(attribute);
        self.sql.push(" is null)");
    }

    fn is_empty(&mut self, attribute: AttributeId) {
        self.leaf("length(", attribute, |sql| {
            sql.push(") = 0");
        });
    }

    fn between(&mut self, attribute: AttributeId, least: &Value, greatest: &Value) {
        self.leaf("", attribute, |sql| {
            sql.push(" between ");
            push_value(sql, least);
            sql.push(" and ");
            push_value(sql, greatest);
        });
    }
}

impl Writer<'_> {
    /// An expression of the column that is false, not null, for null: conditions are two-valued.
    fn leaf(
        &mut self,
        start: &str,
        attribute: AttributeId,
        rest: impl FnOnce(&mut QueryBuilder<Sqlite>),
    ) {
        self.sql.push("coalesce(").push(start);
        self.push_column(attribute);
        rest(self.sql);
        self.sql.push(", false)");
    }

    /// A column that the table does not have (any more) reads as null.
    fn push_column(&mut self, attribute: AttributeId) {
        match self.table.column(attribute) {
            Some(column) => Column::push(column, self.sql),
            None => {
                self.sql.push("null");
            }
        }
    }
}

fn push_list(sql: &mut QueryBuilder<Sqlite>, values: &[Value]) {
    let mut between = " in (";
    for value in values {
        sql.push(between);
        push_value(sql, value);
        between = ", ";
    }
    sql.push(if values.is_empty() { " in ()" } else { ")" });
}
