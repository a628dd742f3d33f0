//! Days and instants in the years 0001 to 9999 (R115).

use std::{fmt, sync::LazyLock};

use jiff::{SignedDuration, Timestamp, civil, fmt::temporal::Pieces};

use super::ValueError;

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

    /// The time on this machine's clock.
    #[must_use]
    pub fn now() -> Self {
        // No clock is set outside the years 0001 to 9999.
        Self::from_millis(Timestamp::now().as_millisecond()).unwrap_or(Self::EPOCH)
    }

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
