//! The rows of a writing statement: lists of values, one for each column, which SQL knows as `e`.

use sqlx::{Encode, Postgres, QueryBuilder, Type};

/// Rows on their way into a statement.
pub(crate) struct Rows<'s> {
    sql: &'s mut QueryBuilder<Postgres>,
    count: usize,
    /// The columns so far.
    names: Vec<String>,
}

impl<'s> Rows<'s> {
    /// Begins so many rows where a statement may name a table.
    ///
    /// A single row is written as values rather than as lists: the planner then looks its element up instead of joining
    /// a list, which takes half the time, and most edits are of one element.
    pub(crate) fn begin(sql: &'s mut QueryBuilder<Postgres>, count: usize) -> Self {
        sql.push(if count == 1 { "(select " } else { "unnest(" });
        Self {
            sql,
            count,
            names: Vec::new(),
        }
    }

    /// Adds a column with the value of each row, as an array.
    pub(crate) fn column<'q, T>(mut self, name: impl Into<String>, values: T) -> Self
    where
        T: Encode<'q, Postgres> + Type<Postgres>,
    {
        let name = name.into();
        if !self.names.is_empty() {
            self.sql.push(", ");
        }
        if self.count == 1 {
            self.sql.push("(").push_bind(values);
            self.sql.push(")[1] as ").push(&name);
        } else {
            self.sql.push_bind(values);
        }
        self.names.push(name);
        self
    }

    /// Ends the rows, and names them `e`.
    pub(crate) fn finish(self) {
        self.sql.push(") as e");
        if self.count != 1 {
            self.sql.push(" (").push(self.names.join(", ")).push(")");
        }
    }
}
