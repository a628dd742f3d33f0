//! Questions about the past: as of a time or a policy token.

use std::str::FromStr;

use clap::Args;
use jmap_proto::types::{Freshness, freshness::At};
use jmap_wire::{parse_policy_token, timestamp};

use crate::output::Report;

/// On which policy a question is asked.
#[derive(Args, Debug)]
pub(crate) struct AsOf {
    /// Answer as things were, at a time such as `2026-11-17T12:00Z` or at a policy token
    #[arg(long, global = true, value_name = "TIME|TOKEN")]
    as_of: Option<Moment>,
}

/// A time, or a token as `watch` and `--json` answers show it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Moment {
    Time(jiff::Timestamp),
    Token(String),
}

impl FromStr for Moment {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        if let Ok(time) = text.parse() {
            return Ok(Self::Time(time));
        }
        match parse_policy_token(text) {
            Ok(_) => Ok(Self::Token(text.to_owned())),
            Err(_) => Err(
                "is neither a time with its zone, such as 2026-11-17T12:00Z, nor a policy token",
            ),
        }
    }
}

impl AsOf {
    /// The state that is asked for.
    pub(super) fn freshness(&self) -> Option<Freshness> {
        let at = match self.as_of.as_ref()? {
            Moment::Time(time) => At::AsOfTime(timestamp(time.as_millisecond())),
            Moment::Token(token) => At::Exactly(token.clone()),
        };
        Some(Freshness { at: Some(at) })
    }

    /// The report for people begins with the state that it is about, if that is a past one.
    pub(super) fn headed(&self, report: Report, policy_token: &str) -> Report {
        match (&self.as_of, parse_policy_token(policy_token)) {
            (Some(_), Ok(token)) => {
                let revision = token.revision.0;
                let text = format!("as of policy revision {revision}\n\n{}", report.text);
                Report { text, ..report }
            }
            (None, _) | (_, Err(_)) => report,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_needs_its_zone_and_no_seconds() {
        let noon = Moment::Time("2026-11-17T12:00:00Z".parse().unwrap());
        assert_eq!("2026-11-17T12:00Z".parse(), Ok(noon.clone()));
        assert_eq!("2026-11-17T13:00+01:00".parse(), Ok(noon));
        for wrong in ["2026-11-17", "2026-11-17T12:00", "tuesday", ""] {
            assert!(wrong.parse::<Moment>().is_err(), "{wrong}");
        }
    }
}
