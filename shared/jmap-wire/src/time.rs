//! Times and durations.

use std::{ops::RangeInclusive, time::Duration};

use prost_types::Timestamp;

/// The seconds from the beginning of year 1 to the end of year 9999.
const TIMES: RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A time of the contract from milliseconds since 1970-01-01T00:00:00Z.
#[must_use]
pub fn timestamp(millis: i64) -> Timestamp {
    let nanos = i32::try_from(millis.rem_euclid(1000)).unwrap_or_default() * 1_000_000;
    Timestamp {
        seconds: millis.div_euclid(1000),
        nanos,
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z of a time from the contract, what is below a millisecond left off; `None` when
/// it is outside the years 1 to 9999, or its nanoseconds are not those of a second.
#[must_use]
pub fn millis(time: Timestamp) -> Option<i64> {
    let Timestamp { seconds, nanos } = time;
    let is_time = TIMES.contains(&seconds) && (0..1_000_000_000).contains(&nanos);
    is_time.then(|| seconds * 1000 + i64::from(nanos / 1_000_000))
}

/// A duration of the contract.
#[must_use]
pub fn duration_to_proto(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or_default(),
    }
}

/// A duration from the contract; an absent or negative one, or one whose nanoseconds are not those of a second, is zero,
/// so that nothing is valid by mistake.
#[must_use]
pub fn duration_from_proto(duration: Option<prost_types::Duration>) -> Duration {
    // The conversion of `prost_types` overflows with the most negative number of seconds.
    let parts = duration.and_then(|duration| {
        let nanos = u32::try_from(duration.nanos).ok()?;
        Some((u64::try_from(duration.seconds).ok()?, nanos))
    });
    let parts = parts.filter(|(_, nanos)| *nanos < 1_000_000_000);
    parts.map_or(Duration::ZERO, |(seconds, nanos)| {
        Duration::new(seconds, nanos)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_keep_their_milliseconds() {
        assert_eq!(
            timestamp(-1),
            Timestamp {
                seconds: -1,
                nanos: 999_000_000
            }
        );
    }

    #[test]
    fn times_survive_the_wire_and_what_is_none_is_refused() {
        for time in [-1, 0, 1_780_000_000_123] {
            assert_eq!(millis(timestamp(time)), Some(time));
        }
        for (seconds, nanos) in [(0, -1), (0, 1_000_000_000), (i64::MAX, 0), (i64::MIN, 0)] {
            assert_eq!(millis(Timestamp { seconds, nanos }), None);
        }
    }

    #[test]
    fn durations_survive_the_wire_and_absent_ones_are_zero() {
        let half = Duration::from_millis(500);
        assert_eq!(duration_from_proto(Some(duration_to_proto(half))), half);
        assert_eq!(duration_from_proto(None), Duration::ZERO);
    }

    #[test]
    fn durations_that_are_none_are_zero() {
        for (seconds, nanos) in [(-1, 0), (i64::MIN, 0), (0, i32::MIN), (1, 1_000_000_000)] {
            let duration = prost_types::Duration { seconds, nanos };
            assert_eq!(duration_from_proto(Some(duration)), Duration::ZERO);
        }
    }
}
