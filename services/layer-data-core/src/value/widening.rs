//! Wider types: every value of a type as one of another, and back (R114).

use super::{AttributeType, Date, DateTime, Value};

/// From here on not every whole number has a double of its own.
pub const MAX_EXACT: i64 = 1 << 53;

const MILLIS_PER_DAY: i64 = 86_400_000;

impl AttributeType {
    /// Whether the values of this type can become values of another, each in one way that every engine has, and be told
    /// from one another still. Doubles have no text that all engines agree on, bytes none at all.
    #[must_use]
    pub const fn widens_to(self, wider: Self) -> bool {
        match self {
            Self::Integer => matches!(wider, Self::Double | Self::String),
            Self::Date => matches!(wider, Self::DateTime | Self::String),
            Self::Boolean | Self::DateTime => matches!(wider, Self::String),
            Self::String | Self::Double | Self::Binary => false,
        }
    }

    /// Whether values keep their order when they become values of the wider type: texts go by code points.
    #[must_use]
    pub const fn keeps_order_as(self, wider: Self) -> bool {
        self.widens_to(wider) && !matches!(wider, Self::String)
    }
}

impl Value {
    /// The value as one of a type: itself where it has that type or is null, and what it becomes in a wider one. `None`
    /// where the type is not wider, and for integers beyond [`MAX_EXACT`] as doubles.
    #[must_use]
    pub fn widened(&self, to: AttributeType) -> Option<Self> {
        let Some(kind) = self.kind().filter(|kind| *kind != to) else {
            return Some(self.clone());
        };
        if !kind.widens_to(to) {
            return None;
        }
        match (self, to) {
            (Self::Integer(number), AttributeType::Double) => exact(*number),
            (Self::Date(day), AttributeType::DateTime) => midnight(*day),
            (Self::Integer(number), _) => Self::text(number.to_string()).ok(),
            (Self::Boolean(flag), _) => Self::text(flag.to_string()).ok(),
            (Self::Date(day), _) => Self::text(day.to_string()).ok(),
            (Self::DateTime(instant), _) => Self::text(instant.to_string()).ok(),
            _ => None,
        }
    }

    /// The value of a type that became this one in a wider type; `None` where none did.
    #[must_use]
    pub fn narrowed(&self, to: AttributeType) -> Option<Self> {
        let Some(kind) = self.kind().filter(|kind| *kind != to) else {
            return Some(self.clone());
        };
        let narrow = match self {
            Self::Double(number) => Some(whole(number.get())),
            Self::DateTime(instant) => Date::from_days(days(*instant)).ok().map(Self::Date),
            Self::String(text) => parsed(text.as_str(), to),
            Self::Null | Self::Integer(_) | Self::Boolean(_) | Self::Date(_) | Self::Binary(_) => {
                None
            }
        };
        // What does not come out as it was was never a value of the narrow type: `007`, noon, a fraction.
        narrow.filter(|narrow| {
            narrow.kind() == Some(to) && narrow.widened(kind).as_ref() == Some(self)
        })
    }
}

fn exact(number: i64) -> Option<Value> {
    if !(-MAX_EXACT..=MAX_EXACT).contains(&number) {
        return None;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "it is within what a double tells apart"
    )]
    Value::double(number as f64).ok()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a conversion that loses anything is found out"
)]
const fn whole(number: f64) -> Value {
    Value::Integer(number as i64)
}

fn midnight(day: Date) -> Option<Value> {
    let millis = i64::from(day.days()).checked_mul(MILLIS_PER_DAY)?;
    DateTime::from_millis(millis).ok().map(Value::DateTime)
}

fn days(instant: DateTime) -> i32 {
    // Of years up to 9999 all days fit.
    i32::try_from(instant.millis().div_euclid(MILLIS_PER_DAY)).unwrap_or(i32::MAX)
}

fn parsed(text: &str, to: AttributeType) -> Option<Value> {
    match to {
        AttributeType::Integer => text.parse().ok().map(Value::Integer),
        AttributeType::Boolean => text.parse().ok().map(Value::Boolean),
        AttributeType::Date => Date::parse(text).ok().map(Value::Date),
        AttributeType::DateTime => DateTime::parse(text).ok().map(Value::DateTime),
        AttributeType::String | AttributeType::Double | AttributeType::Binary => None,
    }
}
