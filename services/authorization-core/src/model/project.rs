//! Projects.

use jmap_domain::{Name, PolicyRevision, ProjectId};

/// Most characters of a description.
const MAX_CHARS: usize = 4000;

/// A project: a container of layers that is opened as a whole (R20).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Never reused (R8).
    pub id: ProjectId,
    /// Unique among projects by its key (R26).
    pub name: Name,
    /// What it is about.
    pub description: Description,
    /// Its place in the administrator's order, from 0 (R23); equal places are ordered by id.
    pub position: u32,
    /// The change that last touched this record.
    pub revision: PolicyRevision,
}

/// Text for people: at most 4,000 characters, without U+0000; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description(String);

/// Why a text is not a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// More than 4,000 characters.
    #[error("a description has at most 4000 characters")]
    TooLong,
    /// U+0000, which not every database can keep.
    #[error("a description has no U+0000")]
    NulCharacter,
}

impl Description {
    /// Checks a text.
    ///
    /// # Errors
    /// [`DescriptionError`] when it is too long or holds U+0000.
    pub fn parse(text: &str) -> Result<Self, DescriptionError> {
        if text.contains('\0') {
            return Err(DescriptionError::NulCharacter);
        }
        if text.chars().count() > MAX_CHARS {
            return Err(DescriptionError::TooLong);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
