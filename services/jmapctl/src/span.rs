//! Lengths of time, as the command line says them.

use std::{str::FromStr, time::Duration};

use jmap_wire::duration_to_proto;

/// The units, in seconds, the longest first. A year has 365 days and a quarter, so that a hundred are what the service takes.
const UNITS: [(&str, u64); 6] = [
    ("y", 31_557_600),
    ("w", 604_800),
    ("d", 86_400),
    ("h", 3_600),
    ("m", 60),
    ("s", 1),
];

/// How long something is kept; `None` is for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keep(Option<Duration>);

impl Keep {
    pub(crate) fn to_proto(self) -> Option<prost_types::Duration> {
        self.0.map(duration_to_proto)
    }
}

impl FromStr for Keep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "forever" {
            return Ok(Self(None));
        }
        let seconds =
            seconds(text).ok_or("not a duration such as 12h, 90d or 10y, nor `forever`")?;
        Ok(Self(Some(Duration::from_secs(seconds))))
    }
}

/// A whole number and its unit.
fn seconds(text: &str) -> Option<u64> {
    let (number, length) = UNITS
        .iter()
        .find_map(|(unit, length)| Some((text.strip_suffix(unit)?, length)))?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| is_number)?;
    number.checked_mul(*length)
}

/// A length of time in the largest unit of which it is a whole number, or `forever`.
pub(crate) fn words(kept: Option<prost_types::Duration>) -> String {
    let Some(kept) = kept else {
        return "forever".to_owned();
    };
    let seconds = u64::try_from(kept.seconds).unwrap_or_default();
    let whole = UNITS.iter().find(|(_, length)| seconds % length == 0);
    let (unit, length) = whole.copied().unwrap_or(("s", 1));
    format!("{}{unit}", seconds / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_and_told_in_the_largest_unit() {
        for (text, told) in [
            ("1h", "1h"),
            ("90d", "90d"),
            ("24h", "1d"),
            ("100y", "100y"),
            ("14d", "2w"),
            ("3601s", "3601s"),
            ("forever", "forever"),
        ] {
            let keep: Keep = text.parse().unwrap();
            assert_eq!(words(keep.to_proto()), told);
        }
        for wrong in [
            "",
            "h",
            "90",
            "-1h",
            "+1h",
            "1.5h",
            "1 h",
            "never",
            "99999999999999999999y",
        ] {
            assert!(wrong.parse::<Keep>().is_err(), "{wrong}");
        }
    }
}
