//! The time between two heartbeats of a watch, alike in both services.

use std::time::Duration;

use prost_types::Duration as WireDuration;

use crate::{FieldPath, FieldViolation, duration_from_proto};

/// Unless the request says otherwise.
const USUAL: Duration = Duration::from_secs(15);
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(5);

/// Parses the field `heartbeat` of a watch: 1 second to 5 minutes, 15 seconds where it is absent.
///
/// # Errors
/// [`FieldViolation`] for any other time.
pub fn heartbeat(wire: Option<WireDuration>) -> Result<Duration, FieldViolation> {
    let heartbeat = wire.map_or(USUAL, |given| duration_from_proto(Some(given)));
    if (SHORTEST..=LONGEST).contains(&heartbeat) {
        Ok(heartbeat)
    } else {
        Err(FieldPath::of("heartbeat").invalid("is not between 1 second and 5 minutes"))
    }
}
