//! Conditions in PostgreSQL's words.

use jmap_domain::AttributeId;
use layer_data_core::{
    query::{Comparison, Condition, ConditionSink},
    value::{Text, Value},
};
use sqlx::{Postgres, QueryBuilder};

use crate::{
    table::{Column, Table},
    values::{List, Parameter},
};

/// Adds ` and (condition)` to a reading statement of the table.
pub(crate) fn push_condition(
    sql: &mut QueryBuilder<Postgres>,
    table: &Table,
    condition: &Condition<AttributeId>,
) {
    sql.push(" and ");
    condition.write_to(&mut Writer { sql, table });
}

struct Writer<'a> {
    sql: &'a mut QueryBuilder<Postgres>,
    table: &'a Table,
}

impl ConditionSink for Writer<'_> {
    fn words(&mut self, words: &'static str) {
        self.sql.push(words);
    }

    fn compare(&mut self, attribute: AttributeId, comparison: Comparison, value: &Value) {
        self.leaf("", attribute, |sql, column| {
            sql.push(" ").push(comparison.operator()).push(" ");
            sql.push_bind(Parameter(column.kind, value));
        });
    }

    fn one_of(&mut self, attribute: AttributeId, values: &[Value]) {
        self.leaf("", attribute, |sql, column| {
            let list = List(column.kind, values.iter().collect());
            sql.push(" = any (").push_bind(list).push(")");
        });
    }

    fn contains(&mut self, attribute: AttributeId, text: &Text) {
        self.leaf("strpos(", attribute, |sql, _| {
            sql.push(", ").push_bind(text.as_str()).push(") > 0");
        });
    }

    fn is_null(&mut self, attribute: AttributeId) {
        match self.table.column(attribute) {
            Some(column) => {
                self.sql.push("(");
                column.push(self.sql);
                self.sql.push(" is null)");
            }
            // A column that the table does not have (any more) reads as null.
            None => self.words("true"),
        }
    }

    fn is_empty(&mut self, attribute: AttributeId) {
        self.leaf("octet_length(", attribute, |sql, _| {
            sql.push(") = 0");
        });
    }

    fn between(&mut self, attribute: AttributeId, least: &Value, greatest: &Value) {
        self.leaf("", attribute, |sql, column| {
            sql.push(" between ")
                .push_bind(Parameter(column.kind, least));
            sql.push(" and ")
                .push_bind(Parameter(column.kind, greatest));
        });
    }
}

impl Writer<'_> {
    /// An expression of the column that is false, not null, for null: conditions are two-valued.
    fn leaf(
        &mut self,
        start: &'static str,
        attribute: AttributeId,
        rest: impl FnOnce(&mut QueryBuilder<Postgres>, &Column),
    ) {
        let Some(column) = self.table.column(attribute) else {
            return self.words("false");
        };
        self.sql.push("coalesce(").push(start);
        column.push(self.sql);
        rest(self.sql, column);
        self.sql.push(", false)");
    }
}
