//! Answers as stores keep them, so that a request that is retried gets the answer of its first try (R109).

use jmap_domain::{AttributeId, DataRevision, ElementId};
use serde::{Deserialize, Serialize};

use super::{BatchOutcome, EditRefusal, EditResult, EditedElement, StoredAnswer};

/// Kept text is not an answer: the storage was damaged, or written by something else.
#[derive(Debug, thiserror::Error)]
#[error("a kept answer cannot be read: {0}")]
pub struct KeptAnswerError(String);

/// A result as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    Done {
        element: i64,
        revision: i64,
        /// Absent where it was not kept yet.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        created: bool,
    },
    NoSuchElement {
        element: i64,
    },
    NotOwn {
        element: i64,
    },
    Stale {
        element: i64,
        current: i64,
    },
    NotUnique {
        attribute: i64,
        name: String,
    },
}

impl StoredAnswer {
    /// The answer to a batch that was committed, as JSON.
    ///
    /// # Errors
    /// [`KeptAnswerError`], which would be a mistake of ours: all of it can be written.
    pub fn to_json(&self) -> Result<String, KeptAnswerError> {
        let results = self.results.iter();
        let kept: Vec<(u32, Kept)> = results
            .filter_map(|(index, result)| Some((*index, Kept::of(result)?)))
            .collect();
        serde_json::to_string(&kept).map_err(|error| KeptAnswerError(error.to_string()))
    }

    /// The answer to a batch that was committed, from JSON.
    ///
    /// # Errors
    /// [`KeptAnswerError`] when the text is not an answer.
    pub fn from_json(json: &str) -> Result<Self, KeptAnswerError> {
        let kept: Vec<(u32, Kept)> =
            serde_json::from_str(json).map_err(|error| KeptAnswerError(error.to_string()))?;
        let results = kept
            .into_iter()
            .map(|(index, kept)| Ok((index, kept.read()?)));
        Ok(Self {
            outcome: BatchOutcome::Committed,
            results: results.collect::<Result<_, _>>()?,
        })
    }
}

impl Kept {
    /// `None` for what a committed call has none of.
    fn of(result: &EditResult) -> Option<Self> {
        match result {
            EditResult::Done(EditedElement {
                element,
                revision,
                created,
            }) => Some(Self::Done {
                element: element.get(),
                revision: revision.get(),
                created: *created,
            }),
            EditResult::Refused(EditRefusal::NoSuchElement(element)) => Some(Self::NoSuchElement {
                element: element.get(),
            }),
            EditResult::Refused(EditRefusal::NotOwn(element)) => Some(Self::NotOwn {
                element: element.get(),
            }),
            EditResult::Refused(EditRefusal::Stale { element, current }) => Some(Self::Stale {
                element: element.get(),
                current: current.get(),
            }),
            EditResult::Refused(EditRefusal::NotUnique {
                attribute, name, ..
            }) => Some(Self::NotUnique {
                attribute: attribute.get(),
                name: name.clone(),
            }),
            EditResult::Refused(
                EditRefusal::NoSuchLayer(_)
                | EditRefusal::NotPermitted {
                    layer: _,
                    permission: _,
                    reason: _,
                }
                | EditRefusal::Input(_),
            )
            | EditResult::NotAttempted => None,
        }
    }

    fn read(self) -> Result<EditResult, KeptAnswerError> {
        Ok(match self {
            Self::Done {
                element,
                revision,
                created,
            } => EditResult::Done(EditedElement {
                element: id(element)?,
                revision: number(revision)?,
                created,
            }),
            Self::NoSuchElement { element } => {
                EditResult::Refused(EditRefusal::NoSuchElement(id(element)?))
            }
            Self::NotOwn { element } => EditResult::Refused(EditRefusal::NotOwn(id(element)?)),
            Self::Stale { element, current } => {
                let (element, current) = (id(element)?, number(current)?);
                EditResult::Refused(EditRefusal::Stale { element, current })
            }
            Self::NotUnique { attribute, name } => EditResult::Refused(EditRefusal::NotUnique {
                attribute: AttributeId::new(attribute)
                    .map_err(|error| KeptAnswerError(error.to_string()))?,
                name,
                index: None,
            }),
        })
    }
}

fn id(id: i64) -> Result<ElementId, KeptAnswerError> {
    ElementId::new(id).map_err(|error| KeptAnswerError(error.to_string()))
}

fn number(number: i64) -> Result<DataRevision, KeptAnswerError> {
    DataRevision::new(number).ok_or_else(|| KeptAnswerError(format!("revision `{number}`")))
}
