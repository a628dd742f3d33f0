//! Patterns of texts, as SQL and CQL2 write them. No regular expressions: the time that a match takes is bounded by the
//! lengths of pattern and text.

use std::str::Chars;

use jmap_domain::fold;

/// Most characters of a pattern.
pub const MAX_PATTERN: usize = 256;

/// A pattern: `%` stands for any characters, `_` for one, and `\` takes the meaning from the character that follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Any,
    One,
    Char(char),
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is too long.
    #[error("a pattern has at most {MAX_PATTERN} characters")]
    TooLong,
    /// It ends with `\`.
    #[error("a pattern must not end with `\\`")]
    OpenEscape,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let (mut pieces, mut rest) = (Vec::new(), text.chars());
        while let Some(next) = rest.next() {
            pieces.push(match next {
                '%' => Piece::Any,
                '_' => Piece::One,
                '\\' => Piece::Char(rest.next().ok_or(PatternError::OpenEscape)?),
                other => Piece::Char(other),
            });
        }
        Self::of(pieces)
    }

    /// The pattern that one text alone is like.
    ///
    /// # Errors
    /// [`PatternError::TooLong`].
    pub fn literal(text: &str) -> Result<Self, PatternError> {
        Self::of(text.chars().map(Piece::Char).collect())
    }

    fn of(pieces: Vec<Piece>) -> Result<Self, PatternError> {
        if pieces.len() > MAX_PATTERN {
            Err(PatternError::TooLong)
        } else {
            Ok(Self(pieces))
        }
    }

    /// The pattern of folded texts (R115).
    #[must_use]
    pub(super) fn folded(&self) -> Self {
        let fold = |piece: &Piece| match piece {
            Piece::Char(letter) => {
                // Simple folding makes one letter of one.
                let folded = fold(letter.encode_utf8(&mut [0; 4]));
                Piece::Char(folded.chars().next().unwrap_or(*letter))
            }
            Piece::Any => Piece::Any,
            Piece::One => Piece::One,
        };
        Self(self.0.iter().map(fold).collect())
    }

    /// Whether the whole text is like the pattern.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let (mut place, mut rest) = (0, text.chars());
        // Where to go on after the last `%`, should the text from there on not match.
        let mut retry: Option<(usize, Chars<'_>)> = None;
        loop {
            let mut after = rest.clone();
            match (self.0.get(place), after.next()) {
                (Some(Piece::Any), _) => {
                    place += 1;
                    retry = Some((place, rest.clone()));
                    continue;
                }
                (None, None) => return true,
                (Some(Piece::One | Piece::Char(_)), None) => return false,
                (Some(Piece::One), Some(_)) => {}
                (Some(Piece::Char(wanted)), Some(found)) if *wanted == found => {}
                (Some(Piece::Char(_)) | None, Some(_)) => {
                    let Some((start, skipped)) = &mut retry else {
                        return false;
                    };
                    // One character more belongs to the `%`.
                    skipped.next();
                    (place, rest) = (*start, skipped.clone());
                    continue;
                }
            }
            (place, rest) = (place + 1, after);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(pattern: &str, text: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(text)
    }

    #[test]
    fn percent_stands_for_any_characters_and_underline_for_one() {
        // R110.
        for (pattern, text) in [
            ("", ""),
            ("%", ""),
            ("%%", "é"),
            ("_", "é"),
            ("a%", "abc"),
            ("%c", "abcabc"),
            ("%b%", "abc"),
            ("a%b_d%", "axxbxbcd"),
            (r"100\%", "100%"),
            (r"a\_", "a_"),
            (r"\\", r"\"),
        ] {
            assert!(like(pattern, text), "`{text}` is like `{pattern}`");
        }
        for (pattern, text) in [
            ("", "a"),
            ("_", ""),
            ("a%", "ba"),
            ("%c", "abcd"),
            ("a_c", "ac"),
            (r"100\%", "1000"),
            ("A", "a"),
        ] {
            assert!(!like(pattern, text), "`{text}` is not like `{pattern}`");
        }
    }

    #[test]
    fn a_long_text_with_many_beginnings_of_a_match_takes_no_time() {
        let pattern = "%a".repeat(MAX_PATTERN / 2 - 1) + "%b";
        assert!(!like(&pattern, &"a".repeat(100_000)));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        assert_eq!(Pattern::parse("a\\"), Err(PatternError::OpenEscape));
        let long = "%".repeat(MAX_PATTERN + 1);
        assert_eq!(Pattern::parse(&long), Err(PatternError::TooLong));
    }
}
