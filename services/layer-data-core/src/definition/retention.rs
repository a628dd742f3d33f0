//! How long the history of a layer is kept.

use std::{num::NonZeroU32, time::Duration};

use crate::value::DateTime;

/// A time that history is kept for, whole seconds within [`HistoryRetention::SHORTEST`] and
/// [`HistoryRetention::LONGEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HistoryRetention(NonZeroU32);

/// Why history cannot be kept for that long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetentionError {
    /// Shorter than what anybody can look back in.
    #[error("history is kept for an hour at least")]
    TooShort,
    /// Longer than what is as good as for ever.
    #[error("history is kept for 100 years (36,525 days) at most, or for ever")]
    TooLong,
    /// A part of a second.
    #[error("history is kept for whole seconds")]
    NotWholeSeconds,
}

impl HistoryRetention {
    /// The shortest time: whoever reads as of a state has that long to come to the end.
    pub const SHORTEST: Duration = Duration::from_hours(1);
    /// The longest time: 100 years.
    pub const LONGEST: Duration = Duration::from_hours(24 * 36_525);

    /// Checks a duration.
    ///
    /// # Errors
    /// [`RetentionError`].
    pub fn of(duration: Duration) -> Result<Self, RetentionError> {
        if duration < Self::SHORTEST {
            Err(RetentionError::TooShort)
        } else if duration > Self::LONGEST {
            Err(RetentionError::TooLong)
        } else if duration.subsec_nanos() != 0 {
            Err(RetentionError::NotWholeSeconds)
        } else {
            let seconds = u32::try_from(duration.as_secs()).ok();
            let seconds = seconds.and_then(NonZeroU32::new);
            seconds.map(Self).ok_or(RetentionError::TooLong)
        }
    }

    /// The time that it is.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0.get() as u64)
    }

    /// The time whose state, and everything since, is kept now.
    #[must_use]
    pub fn horizon(self, now: DateTime) -> DateTime {
        let millis = now.millis().saturating_sub(i64::from(self.0.get()) * 1_000);
        // Nothing was stamped before 1970.
        DateTime::from_millis(millis).unwrap_or(DateTime::EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_seconds_from_an_hour_to_a_hundred_years_are_taken() {
        let second = Duration::from_secs(1);
        for (duration, expected) in [
            (Duration::ZERO, Err(RetentionError::TooShort)),
            (Duration::from_secs(3_599), Err(RetentionError::TooShort)),
            (HistoryRetention::SHORTEST, Ok(())),
            (
                HistoryRetention::SHORTEST + Duration::from_nanos(1),
                Err(RetentionError::NotWholeSeconds),
            ),
            (HistoryRetention::LONGEST, Ok(())),
            (
                HistoryRetention::LONGEST + second,
                Err(RetentionError::TooLong),
            ),
            (Duration::MAX, Err(RetentionError::TooLong)),
        ] {
            let read = HistoryRetention::of(duration);
            assert_eq!(read.map(drop), expected, "{duration:?}");
            assert!(read.is_err() || read.map(HistoryRetention::duration) == Ok(duration));
        }
    }

    #[test]
    fn the_horizon_lies_so_far_back() {
        let hour = HistoryRetention::of(HistoryRetention::SHORTEST).unwrap();
        let now = DateTime::from_millis(3_600_001).unwrap();
        assert_eq!(hour.horizon(now).millis(), 1);
    }
}
