//! Orders in PostgreSQL's words.

use jmap_domain::ElementId;
use layer_data_core::{
    query::{Mark, Order, OrderSink, SORTED_LENGTH, SortKey},
    value::{AttributeType, Value},
};
use sqlx::{Postgres, QueryBuilder};

use crate::{
    table::Table,
    values::{Parameter, column_type},
};

/// Adds ` and (what comes after the mark)` to a reading statement of the table.
pub(crate) fn push_after(
    sql: &mut QueryBuilder<Postgres>,
    table: &Table,
    (order, after): (&Order, &Mark),
) {
    sql.push(" and ");
    order.write_after(after, &mut Writer { sql, table });
}

/// Adds ` order by` to a reading statement of the table.
pub(crate) fn push_order(sql: &mut QueryBuilder<Postgres>, table: &Table, order: &Order) {
    sql.push(" order by ");
    order.write_to(&mut Writer { sql, table });
}

struct Writer<'a> {
    sql: &'a mut QueryBuilder<Postgres>,
    table: &'a Table,
}

impl OrderSink for Writer<'_> {
    fn words(&mut self, words: &'static str) {
        self.sql.push(words);
    }

    fn key(&mut self, key: &SortKey) {
        // A column that the table does not have (any more) reads as null.
        let Some(column) = self.table.column(key.attribute) else {
            self.sql.push("null::").push(column_type(key.kind));
            return;
        };
        match key.kind {
            AttributeType::String | AttributeType::Binary => {
                self.sql.push("substr(");
                column.push(self.sql);
                self.sql.push(", 1, ").push(SORTED_LENGTH).push(")");
            }
            AttributeType::Integer
            | AttributeType::Double
            | AttributeType::Boolean
            | AttributeType::Date
            | AttributeType::DateTime => column.push(self.sql),
        }
    }

    fn value(&mut self, key: &SortKey, value: &Value) {
        self.sql.push_bind(Parameter(key.kind, value));
    }

    fn id(&mut self) {
        self.sql.push("t.\"fid\"");
    }

    fn id_value(&mut self, id: ElementId) {
        self.sql.push_bind(id.get());
    }
}
