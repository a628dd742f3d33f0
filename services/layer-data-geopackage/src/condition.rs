//! Conditions as SQL. What SQLite cannot decide exactly (case by Unicode folding) is left open here, so that too many
//! rows come rather than too few, and decided on the rows by the core.

use jmap_domain::AttributeId;
use layer_data_core::{
    query::{Comparison, Condition, LetterCase},
    value::Value,
};
use sqlx::{QueryBuilder, Sqlite};

use crate::{
    table::{Column, Table},
    values::push_value,
};

/// Whether SQL decides the condition exactly, without another look at the rows.
pub(crate) fn is_exact(condition: &Condition<AttributeId>) -> bool {
    match condition {
        Condition::And(inner) | Condition::Or(inner) => inner.iter().all(is_exact),
        Condition::Not(inner) => is_exact(inner),
        Condition::Contains {
            attribute: _,
            text: _,
            case,
        } => *case == LetterCase::Exact,
        Condition::Compare {
            attribute: _,
            comparison: _,
            value: _,
        }
        | Condition::In {
            attribute: _,
            values: _,
        }
        | Condition::IsNull(_)
        | Condition::IsEmpty(_)
        | Condition::Between {
            attribute: _,
            least: _,
            greatest: _,
        } => true,
    }
}

/// Which way to err where SQL cannot decide.
#[derive(Clone, Copy)]
enum Lean {
    /// Say yes: too many rows.
    Yes,
    /// Say no: below a `not`.
    No,
}

/// Adds ` and (condition)` to a reading statement of the table.
pub(crate) fn push_condition(
    sql: &mut QueryBuilder<Sqlite>,
    table: &Table,
    condition: &Condition<AttributeId>,
) {
    sql.push(" and ");
    Writer { sql, table }.condition(condition, Lean::Yes);
}

struct Writer<'a> {
    sql: &'a mut QueryBuilder<Sqlite>,
    table: &'a Table,
}

impl Writer<'_> {
    fn condition(&mut self, condition: &Condition<AttributeId>, lean: Lean) {
        match condition {
            Condition::And(all) => self.junction(all, " and ", lean),
            Condition::Or(any) => self.junction(any, " or ", lean),
            Condition::Not(inner) => {
                self.sql.push("not ");
                self.condition(inner, lean.turned());
            }
            Condition::Compare {
                attribute,
                comparison,
                value,
            } => self.leaf(*attribute, |sql| {
                sql.push(operator(*comparison));
                push_value(sql, value);
            }),
            Condition::In { attribute, values } => {
                self.leaf(*attribute, |sql| push_list(sql, values));
            }
            Condition::Contains {
                attribute,
                text,
                case: LetterCase::Exact,
            } => {
                self.contains(*attribute, text.as_str());
            }
            Condition::Contains {
                attribute: _,
                text: _,
                case: LetterCase::Ignored,
            } => {
                self.sql.push(match lean {
                    Lean::Yes => "true",
                    Lean::No => "false",
                });
            }
            Condition::IsNull(attribute) => self.column(*attribute, |sql| {
                sql.push(" is null");
            }),
            Condition::IsEmpty(attribute) => self.leaf_of("length(", *attribute, |sql| {
                sql.push(") = 0");
            }),
            Condition::Between {
                attribute,
                least,
                greatest,
            } => self.leaf(*attribute, |sql| {
                sql.push(" between ");
                push_value(sql, least);
                sql.push(" and ");
                push_value(sql, greatest);
            }),
        }
    }

    /// Halves the list again and again: SQLite limits how deep an expression is, and a chain would be as deep as long.
    fn junction(&mut self, conditions: &[Condition<AttributeId>], operator: &str, lean: Lean) {
        if let [only] = conditions {
            return self.condition(only, lean);
        }
        let (left, right) = conditions.split_at(conditions.len() / 2);
        self.sql.push("(");
        self.junction(left, operator, lean);
        self.sql.push(operator);
        self.junction(right, operator, lean);
        self.sql.push(")");
    }

    fn contains(&mut self, attribute: AttributeId, text: &str) {
        self.leaf_of("instr(", attribute, |sql| {
            sql.push(", ").push_bind(text).push(") > 0");
        });
    }

    /// An expression of the column that is false, not null, for null: conditions are two-valued.
    fn leaf(&mut self, attribute: AttributeId, rest: impl FnOnce(&mut QueryBuilder<Sqlite>)) {
        self.leaf_of("", attribute, rest);
    }

    fn leaf_of(
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

    fn column(&mut self, attribute: AttributeId, rest: impl FnOnce(&mut QueryBuilder<Sqlite>)) {
        self.sql.push("(");
        self.push_column(attribute);
        rest(self.sql);
        self.sql.push(")");
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

impl Lean {
    const fn turned(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
        }
    }
}

const fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => " = ",
        Comparison::NotEqual => " <> ",
        Comparison::Less => " < ",
        Comparison::LessOrEqual => " <= ",
        Comparison::Greater => " > ",
        Comparison::GreaterOrEqual => " >= ",
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
