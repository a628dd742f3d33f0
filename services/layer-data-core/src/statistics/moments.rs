//! Sum, mean and standard deviation of numbers, in one pass and in constant memory.

use crate::value::{AttributeType, Value};

/// Doubles are summed up when none of them is further from zero than this: no sum or square of any number of them leaves
/// the range of doubles then, in whichever order an engine gives them.
pub const GREATEST_SUMMED: f64 = 1e140;

/// What numbers add up to. Integers are summed exactly; with doubles, everything is right to a relative 1e-9 of the
/// greatest number, and may differ by as much between two readings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// The sum.
    pub sum: Sum,
    /// The arithmetic mean.
    pub mean: f64,
    /// The standard deviation of these numbers as a whole population: divided by their number, not by one less.
    pub deviation: f64,
}

/// A sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sum {
    /// Of integers: exact, also beyond 64 bits.
    Integer(i128),
    /// Of doubles.
    Double(f64),
}

/// Moments on their way.
#[derive(Clone, Debug, Default)]
pub(super) struct Running {
    count: f64,
    integers: i128,
    doubles: Compensated,
    /// The first number, which the others are measured from: large numbers that differ little keep their differences.
    origin: Option<Number>,
    mean: f64,
    squares: f64,
    is_too_large: bool,
}

#[derive(Clone, Copy, Debug)]
enum Number {
    Integer(i64),
    Double(f64),
}

/// A sum that keeps what rounding would lose (Neumaier).
#[derive(Clone, Copy, Debug, Default)]
struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    fn add(&mut self, number: f64) {
        let sum = self.sum + number;
        self.lost += if self.sum.abs() >= number.abs() {
            (self.sum - sum) + number
        } else {
            (number - sum) + self.sum
        };
        self.sum = sum;
    }

    fn total(self) -> f64 {
        self.sum + self.lost
    }
}

impl Running {
    /// Adds a value; what is not a number is passed over.
    pub(super) fn add(&mut self, value: &Value) {
        match value {
            Value::Integer(number) => {
                self.integers += i128::from(*number);
                self.spread(Number::Integer(*number));
            }
            Value::Double(number) if number.get().abs() > GREATEST_SUMMED => {
                self.is_too_large = true;
            }
            Value::Double(number) => {
                self.doubles.add(number.get());
                self.spread(Number::Double(number.get()));
            }
            Value::Null
            | Value::String(_)
            | Value::Boolean(_)
            | Value::Date(_)
            | Value::DateTime(_)
            | Value::Binary(_) => {}
        }
    }

    /// Welford's step.
    fn spread(&mut self, number: Number) {
        let origin = *self.origin.get_or_insert(number);
        let distance = number.distance_from(origin);
        self.count += 1.0;
        let before = distance - self.mean;
        self.mean += before / self.count;
        self.squares += before * (distance - self.mean);
    }

    pub(super) fn moments(&self, kind: AttributeType) -> Option<Moments> {
        if self.is_too_large || self.origin.is_none() {
            return None;
        }
        let sum = match kind {
            AttributeType::Integer => Sum::Integer(self.integers),
            AttributeType::Double => Sum::Double(self.doubles.total()),
            AttributeType::String
            | AttributeType::Boolean
            | AttributeType::Date
            | AttributeType::DateTime
            | AttributeType::Binary => return None,
        };
        Some(Moments {
            sum,
            mean: sum.rounded() / self.count,
            deviation: (self.squares.max(0.0) / self.count).sqrt(),
        })
    }
}

impl Number {
    fn distance_from(self, origin: Self) -> f64 {
        match (self, origin) {
            (Self::Integer(number), Self::Integer(origin)) => {
                Sum::Integer(i128::from(number) - i128::from(origin)).rounded()
            }
            (number, origin) => number.rounded() - origin.rounded(),
        }
    }

    fn rounded(self) -> f64 {
        match self {
            Self::Integer(number) => Sum::Integer(number.into()).rounded(),
            Self::Double(number) => number,
        }
    }
}

impl Sum {
    /// The sum as a double, the nearest one.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "the nearest double is what is asked for"
    )]
    pub const fn rounded(self) -> f64 {
        match self {
            Self::Integer(number) => number as f64,
            Self::Double(number) => number,
        }
    }
}
