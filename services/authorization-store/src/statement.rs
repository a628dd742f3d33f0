//! Statements with their values, for either engine.

use sqlx::{
    AssertSqlSafe, Database, Encode, IntoArguments, SqlSafeStr, SqlStr, Type, query, query::Query,
};

/// A statement of `sql/`, or of the audited writer, with its values. The text is the same for both engines.
pub(crate) struct Statement {
    text: SqlStr,
    values: Vec<Value>,
}

/// A value of one of the types that columns have. A null has a type as well.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Integer(Option<i64>),
    Flag(bool),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// A statement without values yet.
pub(crate) const fn statement(text: &'static str) -> Statement {
    Statement {
        text: SqlStr::from_static(text),
        values: Vec::new(),
    }
}

/// A statement of the audited writer.
pub(crate) fn composed(text: String, values: Vec<Value>) -> Statement {
    Statement {
        text: AssertSqlSafe(text).into_sql_str(),
        values,
    }
}

impl Statement {
    /// Gives the next placeholder its value.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// The statement as an engine's driver takes it.
    pub(crate) fn query<E: Database>(self) -> Query<'static, E, E::Arguments>
    where
        Option<i64>: Encode<'static, E> + Type<E>,
        bool: Encode<'static, E> + Type<E>,
        Option<String>: Encode<'static, E> + Type<E>,
        Option<Vec<u8>>: Encode<'static, E> + Type<E>,
        E::Arguments: IntoArguments<E>,
    {
        let bind = |query: Query<'static, E, E::Arguments>, value| match value {
            Value::Integer(value) => query.bind(value),
            Value::Flag(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
        };
        self.values.into_iter().fold(query(self.text), bind)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Some(value))
    }
}

impl From<Option<Vec<u8>>> for Value {
    fn from(value: Option<Vec<u8>>) -> Self {
        Self::Bytes(value)
    }
}
