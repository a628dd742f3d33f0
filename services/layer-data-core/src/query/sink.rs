//! Conditions as a database decides them: what the database cannot decide exactly (case by Unicode folding), or not
//! alike on all engines (patterns), is left open, so that too many elements come rather than too few, and decided on the elements by
//! [`Condition::holds`](super::Condition::holds).

use jmap_domain::AttributeId;

use super::{Comparison, Condition, LetterCase};
use crate::value::{Text, Value};

/// What writes the parts of a condition into a statement, in the words of one engine.
///
/// A condition on an attribute must come out as true or false, never as null: conditions are two-valued.
pub trait ConditionSink {
    /// Adds words and brackets that every SQL has.
    fn words(&mut self, words: &'static str);
    /// Adds that a value compares with a given one.
    fn compare(&mut self, attribute: AttributeId, comparison: Comparison, value: &Value);
    /// Adds that a value is one of those given.
    fn one_of(&mut self, attribute: AttributeId, values: &[Value]);
    /// Adds that a text contains another, with the same case.
    fn contains(&mut self, attribute: AttributeId, text: &Text);
    /// Adds that there is no value.
    fn is_null(&mut self, attribute: AttributeId);
    /// Adds that there is a text or bytes, of no length.
    fn is_empty(&mut self, attribute: AttributeId);
    /// Adds that a value lies between two, both included.
    fn between(&mut self, attribute: AttributeId, least: &Value, greatest: &Value);
}

/// Which way to err where the database cannot decide.
#[derive(Clone, Copy)]
enum Lean {
    /// Say yes: too many elements.
    Yes,
    /// Say no: below a `not`.
    No,
}

impl Condition<AttributeId> {
    /// Writes the condition so that every element for which it holds is found.
    pub fn write_to(&self, sink: &mut impl ConditionSink) {
        self.write(sink, Lean::Yes);
    }

    /// Whether a database decides the condition exactly, so that elements need no other look.
    #[must_use]
    pub fn is_exact_in_sql(&self) -> bool {
        self.left_open() == 0
    }

    /// How many conditions a database does not decide.
    pub(super) fn left_open(&self) -> usize {
        match self {
            Self::And(inner) | Self::Or(inner) => inner.iter().map(Self::left_open).sum(),
            Self::Not(inner) => inner.left_open(),
            Self::Contains {
                attribute: _,
                text: _,
                case,
            } => usize::from(*case == LetterCase::Ignored),
            Self::Like {
                attribute: _,
                pattern: _,
                case: _,
            } => 1,
            Self::Compare {
                attribute: _,
                comparison: _,
                value: _,
            }
            | Self::In {
                attribute: _,
                values: _,
            }
            | Self::IsNull(_)
            | Self::IsEmpty(_)
            | Self::Between {
                attribute: _,
                least: _,
                greatest: _,
            } => 0,
        }
    }

    fn write(&self, sink: &mut impl ConditionSink, lean: Lean) {
        match self {
            Self::And(all) => junction(sink, all, " and ", lean),
            Self::Or(any) => junction(sink, any, " or ", lean),
            Self::Not(inner) => {
                sink.words("not ");
                inner.write(sink, lean.turned());
            }
            Self::Compare {
                attribute,
                comparison,
                value,
            } => sink.compare(*attribute, *comparison, value),
            Self::In { attribute, values } => sink.one_of(*attribute, values),
            Self::Contains {
                attribute,
                text,
                case: LetterCase::Exact,
            } => sink.contains(*attribute, text),
            Self::Contains {
                attribute: _,
                text: _,
                case: LetterCase::Ignored,
            }
            | Self::Like {
                attribute: _,
                pattern: _,
                case: _,
            } => sink.words(match lean {
                Lean::Yes => "true",
                Lean::No => "false",
            }),
            Self::IsNull(attribute) => sink.is_null(*attribute),
            Self::IsEmpty(attribute) => sink.is_empty(*attribute),
            Self::Between {
                attribute,
                least,
                greatest,
            } => sink.between(*attribute, least, greatest),
        }
    }
}

/// Halves the list again and again: engines limit how deep an expression is, and a chain would be as deep as long.
fn junction(
    sink: &mut impl ConditionSink,
    conditions: &[Condition<AttributeId>],
    operator: &'static str,
    lean: Lean,
) {
    if let [only] = conditions {
        return only.write(sink, lean);
    }
    let (left, right) = conditions.split_at(conditions.len() / 2);
    sink.words("(");
    junction(sink, left, operator, lean);
    sink.words(operator);
    junction(sink, right, operator, lean);
    sink.words(")");
}

impl Lean {
    const fn turned(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
        }
    }
}
