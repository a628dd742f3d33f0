//! Names: normalised once, compared by a case-folded key that is the same on every engine (R26).

use std::fmt;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;

/// Most characters a name may have (R26).
const MAX_CHARS: usize = 200;

/// A name of a user, group, project, connection or layer: NFC, trimmed, 1–200 characters, without control
/// characters (R26). Equality is exact; uniqueness is by [`Name::key`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(String);

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is left after trimming.
    #[error("a name needs at least one character")]
    Empty,
    /// More than 200 characters.
    #[error("a name has at most 200 characters")]
    TooLong,
    /// A control character, such as a line break.
    #[error("a name has no control characters")]
    ControlCharacter,
}

impl Name {
    /// Normalises a text to NFC, trims it and checks it.
    ///
    /// # Errors
    /// [`NameError`] when nothing is left, too much is left, or a control character is in it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let normal = normalize(text);
        let trimmed = normal.trim();
        if trimmed.chars().any(char::is_control) {
            return Err(NameError::ControlCharacter);
        }
        match trimmed.chars().count() {
            0 => Err(NameError::Empty),
            1..=MAX_CHARS => Ok(Self(trimmed.to_owned())),
            _ => Err(NameError::TooLong),
        }
    }

    /// The name as its giver wrote it, normalised.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key that must be unique: case-folded, then normalised again (R26).
    #[must_use]
    pub fn key(&self) -> String {
        normalize(&fold(&self.0))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text in Unicode normal form C.
#[must_use]
pub fn normalize(text: &str) -> String {
    ComposingNormalizer::new_nfc().normalize(text).into_owned()
}

/// The text folded by Unicode simple case folding, character by character (R115).
#[must_use]
pub fn fold(text: &str) -> String {
    let mapper = CaseMapper::new();
    text.chars().map(|c| mapper.simple_fold(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_and_trimmed() {
        // R26: "e" with a combining accent becomes one character.
        assert_eq!(
            Name::parse("  Cafe\u{301} ").map(|n| n.as_str().to_owned()),
            Ok("Café".to_owned())
        );
    }

    #[test]
    fn names_have_between_1_and_200_characters_and_no_control_character() {
        // R26.
        assert_eq!(Name::parse(" \u{a0} "), Err(NameError::Empty));
        assert_eq!(Name::parse("two\nlines"), Err(NameError::ControlCharacter));
        assert!(Name::parse(&"é".repeat(200)).is_ok());
        assert_eq!(Name::parse(&"é".repeat(201)), Err(NameError::TooLong));
    }

    #[test]
    fn names_differing_in_case_share_a_key() {
        // R26.
        let (a, b) = (
            Name::parse("ÉCOLE Σ").unwrap(),
            Name::parse("école ς").unwrap(),
        );
        assert_ne!(a, b);
        assert_eq!(a.key(), b.key());
    }

    proptest::proptest! {
        #[test]
        fn parsing_a_name_twice_changes_nothing(text in "\\PC{0,40}") {
            if let Ok(name) = Name::parse(&text) {
                proptest::prop_assert_eq!(Name::parse(name.as_str()), Ok(name));
            }
        }
    }
}
