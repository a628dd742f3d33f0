//! Times and durations.

use std::time::Duration;

use prost_types::Timestamp;

/// A time of the contract from milliseconds since 1970-01-01T00:00:00Z.
#[must_use]
pub fn timestamp(millis: i64) -> Timestamp {
    let nanos = i32::try_from(millis.rem_euclid(1000)).unwrap_or_default() * 1_000_000;
    Timestamp {
        seconds: millis.div_euclid(1000),
        nanos,
    }
}

/// A duration of the contract.
#[must_use]
pub fn duration_to_proto(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or_default(),
    }
}

/// A duration from the contract; an absent or negative one is zero, so that nothing is valid by mistake.
#[must_use]
pub fn duration_from_proto(duration: Option<prost_types::Duration>) -> Duration {
    duration
        .and_then(|duration| Duration::try_from(duration).ok())
        .unwrap_or_default()
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
    fn durations_survive_the_wire_and_absent_ones_are_zero() {
        let half = Duration::from_millis(500);
        assert_eq!(duration_from_proto(Some(duration_to_proto(half))), half);
        assert_eq!(duration_from_proto(None), Duration::ZERO);
    }
}
