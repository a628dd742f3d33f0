//! Attribute values: what a value of each type may be, alike on every engine (R104, R115).

use std::{cmp::Ordering, fmt, sync::LazyLock};

use jiff::{SignedDuration, civil, fmt::temporal::Pieces};

/// The type of an attribute's values (R104).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttributeType {
    /// Unicode text without U+0000.
    String,
    /// A signed 64-bit integer.
    Integer,
    /// A finite double-precision number.
    Double,
    /// True or false.
    Boolean,
    /// A calendar day, years 0001 to 9999.
    Date,
    /// An instant in UTC with milliseconds, years 0001 to 9999.
    DateTime,
    /// Bytes.
    Binary,
}

impl AttributeType {
    /// All seven, in the order of the contract.
    pub const ALL: [Self; 7] = [
        Self::String,
        Self::Integer,
        Self::Double,
        Self::Boolean,
        Self::Date,
        Self::DateTime,
        Self::Binary,
    ];

    /// The word that people and stored definitions use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Binary => "binary",
        }
    }

    /// The type that a word stands for; `None` for an unknown word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether values have a smaller and a greater, so that ranges make sense.
    #[must_use]
    pub const fn is_ordered(self) -> bool {
        match self {
            Self::String | Self::Integer | Self::Double | Self::Date | Self::DateTime => true,
            Self::Boolean | Self::Binary => false,
        }
    }
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why something is not a value of any layer (R115).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// A text with the character U+0000.
    #[error("a text must not contain the character U+0000")]
    NulCharacter,
    /// A double that is infinite or not a number.
    #[error("a number must be finite")]
    NotFinite,
    /// A day or an instant outside the years 0001 to 9999.
    #[error("a date must be within the years 0001 to 9999")]
    YearOutOfRange,
    /// A text that is not a day such as `2024-02-29`.
    #[error("a date looks like `2024-02-29`")]
    NotADate,
    /// A text that is not an instant such as `2024-02-29T12:30:00Z`.
    #[error("a datetime looks like `2024-02-29T12:30:00Z`")]
    NotADateTime,
}

/// Unicode text without U+0000 (R115).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(String);

impl Text {
    /// Takes a text.
    ///
    /// # Errors
    /// [`ValueError::NulCharacter`].
    pub fn new(text: impl Into<String>) -> Result<Self, ValueError> {
        let text = text.into();
        if text.contains('\0') {
            Err(ValueError::NulCharacter)
        } else {
            Ok(Self(text))
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A finite double (R115). Minus zero becomes zero, because not every engine keeps it apart.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Finite(f64);

impl Finite {
    /// Takes a number.
    ///
    /// # Errors
    /// [`ValueError::NotFinite`].
    pub const fn new(number: f64) -> Result<Self, ValueError> {
        if number.is_finite() {
            Ok(Self(number + 0.0))
        } else {
            Err(ValueError::NotFinite)
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

const FIRST_DAY: civil::Date = civil::date(1, 1, 1);
const LAST_DAY: civil::Date = civil::date(9999, 12, 31);
const EPOCH: civil::DateTime = civil::datetime(1970, 1, 1, 0, 0, 0, 0);
const MILLIS_PER_DAY: i64 = 86_400_000;

/// Days from 1970-01-01 to the first and the last day that a value may be.
static DAYS: LazyLock<(i32, i32)> =
    LazyLock::new(|| (days_since_epoch(FIRST_DAY), days_since_epoch(LAST_DAY)));

fn days_since_epoch(day: civil::Date) -> i32 {
    let days = day.duration_since(EPOCH.date()).as_secs() / 86_400;
    i32::try_from(days).unwrap_or_default()
}

/// A calendar day in the years 0001 to 9999 (R115).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

impl Date {
    /// Takes a number of days since 1970-01-01; negative before.
    ///
    /// # Errors
    /// [`ValueError::YearOutOfRange`].
    pub fn from_days(days: i32) -> Result<Self, ValueError> {
        let (first, last) = *DAYS;
        if (first..=last).contains(&days) {
            Ok(Self(days))
        } else {
            Err(ValueError::YearOutOfRange)
        }
    }

    /// Reads `2024-02-29`.
    ///
    /// # Errors
    /// [`ValueError::NotADate`], [`ValueError::YearOutOfRange`].
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        // The library also takes a date and time and drops the time; a date value has ten characters.
        if text.len() != "2024-02-29".len() {
            return Err(ValueError::NotADate);
        }
        let day: civil::Date = text.parse().or(Err(ValueError::NotADate))?;
        Self::from_days(days_since_epoch(day))
    }

    /// Days since 1970-01-01; negative before.
    #[must_use]
    pub const fn days(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match EPOCH.date().checked_add(jiff::Span::new().days(self.0)) {
            Ok(day) => write!(f, "{day}"),
            Err(_) => Err(fmt::Error),
        }
    }
}

/// An instant in UTC with milliseconds, years 0001 to 9999 (R115).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime(i64);

impl DateTime {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// Takes a number of milliseconds since 1970-01-01T00:00:00Z; negative before.
    ///
    /// # Errors
    /// [`ValueError::YearOutOfRange`].
    pub fn from_millis(millis: i64) -> Result<Self, ValueError> {
        let days =
            i32::try_from(millis.div_euclid(MILLIS_PER_DAY)).or(Err(ValueError::YearOutOfRange))?;
        Date::from_days(days).map(|_| Self(millis))
    }

    /// Reads `2024-02-29T12:30:00Z`, with any offset; what is finer than a millisecond is cut off.
    ///
    /// # Errors
    /// [`ValueError::NotADateTime`], [`ValueError::YearOutOfRange`].
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let pieces = Pieces::parse(text).or(Err(ValueError::NotADateTime))?;
        let (Some(time), Some(offset)) = (pieces.time(), pieces.to_numeric_offset()) else {
            return Err(ValueError::NotADateTime);
        };
        let since = pieces.date().to_datetime(time).duration_since(EPOCH);
        let utc = since
            .checked_sub(SignedDuration::from_secs(offset.seconds().into()))
            .ok_or(ValueError::YearOutOfRange)?;
        let millis = utc.as_nanos().div_euclid(1_000_000);
        Self::from_millis(i64::try_from(millis).or(Err(ValueError::YearOutOfRange))?)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z; negative before.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }
}

impl fmt::Display for DateTime {
    /// `2024-02-29T12:30:00.000Z`: always milliseconds, so that the text sorts as the instants do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The library's own instants end a day before ours do, its calendar does not.
        match EPOCH.checked_add(SignedDuration::from_millis(self.0)) {
            Ok(instant) => write!(f, "{instant:.3}Z"),
            Err(_) => Err(fmt::Error),
        }
    }
}

/// A value of an attribute. Null is distinct from an empty text and from empty bytes (R104).
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// A text.
    String(Text),
    /// An integer.
    Integer(i64),
    /// A finite number.
    Double(Finite),
    /// True or false.
    Boolean(bool),
    /// A day.
    Date(Date),
    /// An instant.
    DateTime(DateTime),
    /// Bytes.
    Binary(Vec<u8>),
}

impl Value {
    /// A text value.
    ///
    /// # Errors
    /// [`ValueError::NulCharacter`].
    pub fn text(text: impl Into<String>) -> Result<Self, ValueError> {
        Text::new(text).map(Self::String)
    }

    /// A number.
    ///
    /// # Errors
    /// [`ValueError::NotFinite`].
    pub fn double(number: f64) -> Result<Self, ValueError> {
        Finite::new(number).map(Self::Double)
    }

    /// The type that the value has; `None` for null, which every type has.
    #[must_use]
    pub const fn kind(&self) -> Option<AttributeType> {
        match self {
            Self::Null => None,
            Self::String(_) => Some(AttributeType::String),
            Self::Integer(_) => Some(AttributeType::Integer),
            Self::Double(_) => Some(AttributeType::Double),
            Self::Boolean(_) => Some(AttributeType::Boolean),
            Self::Date(_) => Some(AttributeType::Date),
            Self::DateTime(_) => Some(AttributeType::DateTime),
            Self::Binary(_) => Some(AttributeType::Binary),
        }
    }

    /// Whether there is no value.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        self.kind().is_none()
    }

    /// How two values of the same type compare, text by code point (R115); `None` when either is null or the
    /// types differ.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::String(a), Self::String(b)) => Some(a.cmp(b)),
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(b)),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(b),
            (Self::Boolean(a), Self::Boolean(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::DateTime(a), Self::DateTime(b)) => Some(a.cmp(b)),
            (Self::Binary(a), Self::Binary(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// Roughly how many bytes the value takes, for limits on memory.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::String(text) => text.as_str().len(),
            Self::Binary(bytes) => bytes.len(),
            Self::Null
            | Self::Integer(_)
            | Self::Double(_)
            | Self::Boolean(_)
            | Self::Date(_)
            | Self::DateTime(_) => 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_finite() {
        // R115.
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Value::double(number), Err(ValueError::NotFinite));
        }
        assert_eq!(Finite::new(-0.0).map(|n| n.get().to_bits()), Ok(0));
    }

    #[test]
    fn texts_have_no_nul_character() {
        // R115.
        assert_eq!(Value::text("a\0b"), Err(ValueError::NulCharacter));
        assert!(Value::text("").is_ok());
    }

    #[test]
    fn days_and_instants_stay_within_the_years_1_to_9999() {
        // R115.
        assert_eq!(
            Date::parse("0001-01-01").map(|d| d.to_string()).as_deref(),
            Ok("0001-01-01")
        );
        assert_eq!(
            Date::parse("9999-12-31").map(|d| d.to_string()).as_deref(),
            Ok("9999-12-31")
        );
        assert_eq!(Date::parse("0000-12-31"), Err(ValueError::YearOutOfRange));
        assert_eq!(Date::from_days(2_932_897), Err(ValueError::YearOutOfRange));
        assert_eq!(
            DateTime::from_millis(i64::MAX),
            Err(ValueError::YearOutOfRange)
        );
        assert_eq!(
            DateTime::from_millis(253_402_300_800_000),
            Err(ValueError::YearOutOfRange)
        );
        assert!(DateTime::from_millis(253_402_300_799_999).is_ok());
    }

    #[test]
    fn instants_are_utc_with_milliseconds() {
        // R104, R115.
        let instant = DateTime::parse("2024-02-29T14:30:00.1239+02:00").unwrap();
        assert_eq!(instant.to_string(), "2024-02-29T12:30:00.123Z");
        assert_eq!(DateTime::parse(&instant.to_string()), Ok(instant));
        assert_eq!(
            DateTime::parse("1969-12-31T23:59:59.9999Z").map(DateTime::millis),
            Ok(-1)
        );
        assert_eq!(DateTime::parse("2024-02-29"), Err(ValueError::NotADateTime));
        assert_eq!(Date::parse("2023-02-29"), Err(ValueError::NotADate));
        assert_eq!(Date::parse("2024-02-29T10:00"), Err(ValueError::NotADate));
    }

    #[test]
    fn text_orders_by_code_point_and_null_compares_with_nothing() {
        // R104, R115.
        let (upper, lower) = (Value::text("Z").unwrap(), Value::text("a").unwrap());
        assert_eq!(upper.compare(&lower), Some(Ordering::Less));
        assert_eq!(Value::Null.compare(&Value::Null), None);
        assert_eq!(Value::Integer(1).compare(&Value::Double(Finite(1.0))), None);
    }

    proptest::proptest! {
        #[test]
        fn days_and_instants_read_back_as_written(days in -719_162..=2_932_896_i32, millis in -62_135_596_800_000..=253_402_300_799_999_i64) {
            let day = Date::from_days(days).unwrap();
            proptest::prop_assert_eq!(Date::parse(&day.to_string()), Ok(day));
            let instant = DateTime::from_millis(millis).unwrap();
            proptest::prop_assert_eq!(DateTime::parse(&instant.to_string()), Ok(instant));
        }
    }
}
