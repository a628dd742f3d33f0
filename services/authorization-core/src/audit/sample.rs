//! Which part of the checks is recorded.

use std::str::FromStr;

/// A part of all, from nothing to all, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleRate(u32);

/// The text is no part of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is a number from 0 (none) to 1 (all), such as 0.01")]
pub struct BadSampleRate;

const ALL: u32 = 1_000_000;

impl SampleRate {
    /// Every one.
    pub const ALL: Self = Self(ALL);

    /// Whether none is chosen, ever.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether one is chosen, by chance.
    #[must_use]
    pub const fn chooses(self, chance: u32) -> bool {
        chance % ALL < self.0
    }
}

impl FromStr for SampleRate {
    type Err = BadSampleRate;

    fn from_str(text: &str) -> Result<Self, BadSampleRate> {
        let part: f64 = text.parse().map_err(|_not_a_number| BadSampleRate)?;
        if !(0.0..=1.0).contains(&part) {
            return Err(BadSampleRate);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a million"
        )]
        Ok(Self((part * f64::from(ALL)).round() as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_from_none_to_all() {
        assert_eq!("0.25".parse(), Ok(SampleRate(250_000)));
        assert_eq!("1".parse(), Ok(SampleRate::ALL));
        assert!("0".parse::<SampleRate>().unwrap().is_none());
        for bad in ["-0.1", "1.01", "NaN", "many", ""] {
            assert_eq!(bad.parse::<SampleRate>(), Err(BadSampleRate), "{bad}");
        }
    }

    #[test]
    fn about_as_many_are_chosen_as_the_rate_says() {
        let rate: SampleRate = "0.25".parse().unwrap();
        let chosen = (0..ALL).filter(|chance| rate.chooses(*chance)).count();
        assert_eq!(chosen, 250_000);
        assert!((0..1000).all(|chance| SampleRate::ALL.chooses(chance)));
    }
}
