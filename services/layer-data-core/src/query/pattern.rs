//! Patterns of texts, as SQL and CQL2 write them. No regular expressions: what stands between two `%` is looked for from
//! left to right and never again, in a time that grows with the text alone where no `_` is in it.

use jmap_domain::fold;

/// Most characters of a pattern.
pub const MAX_PATTERN: usize = 256;

/// A pattern: `%` stands for any characters, `_` for one, and `\` takes the meaning from the character that follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    first: Part,
    /// What follows each `%`.
    others: Vec<Part>,
}

/// What stands before, between or after `%`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    /// A character, or `None` for any one.
    letters: Vec<Option<char>>,
    /// The same as a text, which is found faster; `None` when it is none.
    text: Option<String>,
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
        let (mut parts, mut rest, mut count) = (vec![Vec::new()], text.chars(), 0);
        while let Some(next) = rest.next() {
            count += 1;
            let letter = match next {
                '%' => {
                    parts.push(Vec::new());
                    continue;
                }
                '_' => None,
                '\\' => Some(rest.next().ok_or(PatternError::OpenEscape)?),
                other => Some(other),
            };
            parts
                .last_mut()
                .into_iter()
                .for_each(|part| part.push(letter));
        }
        Self::of(count, parts)
    }

    /// The pattern that one text alone is like.
    ///
    /// # Errors
    /// [`PatternError::TooLong`].
    pub fn literal(text: &str) -> Result<Self, PatternError> {
        let letters: Vec<_> = text.chars().map(Some).collect();
        Self::of(letters.len(), vec![letters])
    }

    fn of(count: usize, parts: Vec<Vec<Option<char>>>) -> Result<Self, PatternError> {
        let mut parts = parts.into_iter().map(Part::new);
        match parts.next() {
            Some(first) if count <= MAX_PATTERN => Ok(Self {
                first,
                others: parts.collect(),
            }),
            Some(_) | None => Err(PatternError::TooLong),
        }
    }

    /// The pattern of folded texts (R115).
    #[must_use]
    pub(super) fn folded(&self) -> Self {
        Self {
            first: self.first.folded(),
            others: self.others.iter().map(Part::folded).collect(),
        }
    }

    /// Whether the whole text is like the pattern.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let Some(mut rest) = self.first.at_start(text) else {
            return false;
        };
        let Some((last, between)) = self.others.split_last() else {
            return rest.is_empty();
        };
        for part in between {
            // The first place where it fits leaves most for those that follow.
            match part.find(rest) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        last.is_at_end(rest)
    }
}

impl Part {
    fn new(letters: Vec<Option<char>>) -> Self {
        let text = letters.iter().copied().collect();
        Self { letters, text }
    }

    fn folded(&self) -> Self {
        let fold = |letter: char| {
            // Simple folding makes one letter of one.
            let folded = fold(letter.encode_utf8(&mut [0; 4]));
            folded.chars().next().unwrap_or(letter)
        };
        let letters = self.letters.iter().map(|letter| letter.map(fold));
        Self::new(letters.collect())
    }

    /// What follows the part at the start of a text.
    fn at_start<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut rest = text.chars();
        let fits = |wanted: &Option<char>| {
            let found = rest.next();
            found.is_some() && (wanted.is_none() || *wanted == found)
        };
        self.letters.iter().all(fits).then_some(rest.as_str())
    }

    /// What follows the first place where a text has the part.
    fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        if let Some(wanted) = &self.text {
            return text.split_once(wanted.as_str()).map(|(_, after)| after);
        }
        let mut rest = text.chars();
        loop {
            let after = self.at_start(rest.as_str());
            if after.is_some() || rest.next().is_none() {
                return after;
            }
        }
    }

    fn is_at_end(&self, text: &str) -> bool {
        let Some(skipped) = text.chars().count().checked_sub(self.letters.len()) else {
            return false;
        };
        let mut rest = text.chars();
        for _ in 0..skipped {
            rest.next();
        }
        self.at_start(rest.as_str()).is_some()
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
        let pattern = format!("%{}b%", "a".repeat(MAX_PATTERN - 3));
        assert!(!like(&pattern, &"a".repeat(1_000_000)));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        assert_eq!(Pattern::parse("a\\"), Err(PatternError::OpenEscape));
        let long = "%".repeat(MAX_PATTERN + 1);
        assert_eq!(Pattern::parse(&long), Err(PatternError::TooLong));
    }
}
