//! Orders in SQLite's words.

use jmap_domain::ElementId;
use layer_data_core::{
    query::{Mark, Order, OrderSink, SORTED_LENGTH, SortKey},
    value::{AttributeType, Value},
};
use sqlx::{QueryBuilder, Sqlite};

use crate::{table::Table, values::push_value};

/// Adds ` and (what comes after the mark)` to a reading statement of the table.
pub(crate) fn push_after(
    sql: &mut QueryBuilder<Sqlite>,
    table: &Table,
    (order, after): (&Order, &Mark),
) {
    sql.push(" and ");
    order.write_after(after, &mut Writer { sql, table });
}

/// Adds ` order by` to a reading statement of the table.
pub(crate) fn push_order(sql: &mut QueryBuilder<Sqlite>, table: &Table, order: &Order) {
    sql.push(" order by ");
    order.write_to(&mut Writer { sql, table });
}

struct Writer<'a> {
    sql: &'a mut QueryBuilder<Sqlite>,
    table: &'a Table,
}

impl OrderSink for Writer<'_> {
    fn words(&mut self, words: &'static str) {
        self.sql.push(words);
    }

    fn key(&mut self, key: &SortKey) {
        // A column that the table does not have (any more) reads as null.
        let Some(column) = self.table.column(key.attribute) else {
            self.sql.push("null");
            return;
        };
        match key.kind {
            AttributeType::String | AttributeType::Binary => {
                // Of no bytes, SQLite's substr makes null.
                self.sql.push("iif(length(");
                column.push(self.sql);
                self.sql.push(") > ").push(SORTED_LENGTH).push(", substr(");
                column.push(self.sql);
                self.sql.push(", 1, ").push(SORTED_LENGTH).push("), ");
                column.push(self.sql);
                self.sql.push(")");
            }
            AttributeType::Integer
            | AttributeType::Double
            | AttributeType::Boolean
            | AttributeType::Date
            | AttributeType::DateTime => column.push(self.sql),
        }
    }

    fn value(&mut self, _: &SortKey, value: &Value) {
        push_value(self.sql, value);
    }

    fn id(&mut self) {
        self.sql.push("t.\"fid\"");
    }

    fn id_value(&mut self, id: ElementId) {
        self.sql.push_bind(id.get());
    }
}
