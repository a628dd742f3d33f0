//! Edits, alone and in batches: as they are asked for, as they are permitted, and what became of them.

mod kept;
mod permitted;
mod unique;
mod upsert;

use jmap_domain::{AttributeId, DataRevision, DenyReason, ElementId, LayerId, Permission};

pub use kept::KeptAnswerError;
pub use permitted::{PermittedBatch, PermittedEdit, WrongPermit};
pub(crate) use unique::Key;
pub use unique::{Holder, Taken};
pub use upsert::{UpsertError, UpsertInput};

use crate::{
    definition::DefinitionVersion,
    element::{AttributeRef, ChangeInput, ElementInput, ElementPatch, InputError, NewElement},
    geometry::Geometry,
    value::Value,
};

/// What the caller believes an element's revision to be (R108).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedRevision {
    /// The one that was read.
    Revision(DataRevision),
    /// Whatever it is.
    Any,
}

impl ExpectedRevision {
    /// Whether an element that has this revision is what was expected.
    #[must_use]
    pub fn admits(self, current: DataRevision) -> bool {
        match self {
            Self::Any => true,
            Self::Revision(revision) => revision == current,
        }
    }
}

/// An edit as it is asked for, not yet checked against the layer.
#[derive(Clone, Debug, PartialEq)]
pub enum EditInput {
    /// Create an element.
    Create(ElementInput),
    /// Change an element.
    Update {
        /// The element.
        element: ElementId,
        /// What its revision is believed to be.
        expected: ExpectedRevision,
        /// The change.
        change: ChangeInput,
    },
    /// Delete an element.
    Delete {
        /// The element.
        element: ElementId,
        /// What its revision is believed to be.
        expected: ExpectedRevision,
    },
    /// Create an element, or change the one that has the same value of a unique attribute.
    Upsert(UpsertInput),
}

impl EditInput {
    /// The permission that the edit needs (R33–R37); of an upsert, that to create.
    #[must_use]
    pub const fn permission(&self) -> Permission {
        match self {
            Self::Create(_) | Self::Upsert(_) => Permission::AddElements,
            Self::Update {
                element: _,
                expected: _,
                change,
            } => change.permission(),
            Self::Delete {
                element: _,
                expected: _,
            } => Permission::DeleteElements,
        }
    }

    /// The permission that the edit needs instead, if it turns out to be the change of an element that there is.
    #[must_use]
    pub const fn other_permission(&self) -> Option<Permission> {
        match self {
            Self::Upsert(upsert) => Some(upsert.change_permission()),
            Self::Create(_)
            | Self::Update {
                element: _,
                expected: _,
                change: _,
            }
            | Self::Delete {
                element: _,
                expected: _,
            } => None,
        }
    }

    /// The values that are given.
    #[must_use]
    pub fn values(&self) -> &[(AttributeRef, Value)] {
        match self {
            Self::Create(element) => &element.values,
            Self::Update { change, .. } => &change.values,
            Self::Upsert(upsert) => &upsert.values,
            Self::Delete { .. } => &[],
        }
    }
}

/// Whether one failing edit refuses the others (R109).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditMode {
    /// All or nothing.
    Atomic,
    /// Each for itself.
    Partial,
}

/// Whether anything is to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Yes.
    Commit,
    /// Check everything and change nothing.
    Validate,
}

/// Recognises a retried request (R109). Unique per actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// The UUID that the client chose.
    pub id: [u8; 16],
    /// A digest (SHA-256) of everything else in the request: other content under the same id is refused.
    pub content: [u8; 32],
}

/// A batch as it is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchInput {
    /// The edits, each with its layer.
    pub edits: Vec<(LayerId, EditInput)>,
    /// Whether one failing edit refuses the others.
    pub mode: EditMode,
    /// Whether anything is to change.
    pub intent: Intent,
    /// Recognises a retry.
    pub request: Option<RequestKey>,
}

/// An edit that fits its layer.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Create an element.
    Create(NewElement),
    /// Change an element.
    Update {
        /// The element.
        element: ElementId,
        /// What its revision is believed to be.
        expected: ExpectedRevision,
        /// The change.
        patch: ElementPatch,
    },
    /// Delete an element.
    Delete {
        /// The element.
        element: ElementId,
        /// What its revision is believed to be.
        expected: ExpectedRevision,
    },
    /// Bring back an element that was deleted, under its id, with its creator and its time of creation (R103, R106).
    Restore(Restored),
}

/// An element that is brought back from its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The element.
    pub element: ElementId,
    /// What it is to be like: the version that this revision made.
    pub version: DataRevision,
    /// The revision of its deletion, after which nothing was done to it.
    pub deleted: DataRevision,
    /// The form of the definition that the version was checked against.
    pub checked: DefinitionVersion,
}

impl Edit {
    /// The element that it creates; `None` where it does something else.
    #[must_use]
    pub const fn created(&self) -> Option<&NewElement> {
        match self {
            Self::Create(new) => Some(new),
            Self::Update { .. } | Self::Delete { .. } | Self::Restore(_) => None,
        }
    }

    /// The permission that the edit needs (R33–R37). Where that reaches only own elements, so does the edit.
    #[must_use]
    pub const fn permission(&self) -> Permission {
        match self {
            Self::Create(_) => Permission::AddElements,
            Self::Update {
                element: _,
                expected: _,
                patch,
            } => patch.permission(),
            Self::Delete {
                element: _,
                expected: _,
            }
            | Self::Restore(_) => Permission::DeleteElements,
        }
    }

    /// A second permission that the edit needs: whoever restores adds an element, and undoes a deletion.
    #[must_use]
    pub const fn second_permission(&self) -> Option<Permission> {
        match self {
            Self::Create(_)
            | Self::Update {
                element: _,
                expected: _,
                patch: _,
            }
            | Self::Delete {
                element: _,
                expected: _,
            } => None,
            Self::Restore(_) => Some(Permission::AddElements),
        }
    }

    /// Whether it creates an element.
    #[must_use]
    pub const fn creates(&self) -> bool {
        matches!(self, Self::Create(_))
    }

    /// Whether it brings a geometry that is not as it was given, because that was not valid.
    #[must_use]
    pub fn is_repaired(&self) -> bool {
        match self {
            Self::Create(new) => new.geometry().was_repaired(),
            Self::Update { patch, .. } => patch.geometry().is_some_and(Geometry::was_repaired),
            Self::Delete { .. } | Self::Restore(_) => false,
        }
    }

    /// Whether the edit may be made while this is the form of the layer's definition: what was checked against another
    /// one may not fit any more (R105, R114).
    #[must_use]
    pub fn fits(&self, version: DefinitionVersion) -> bool {
        match self {
            Self::Create(new) => new.version() == version,
            Self::Update { patch, .. } => patch.version() == version,
            Self::Delete { .. } => true,
            Self::Restore(restored) => restored.checked == version,
        }
    }
}

/// An element that an edit touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EditedElement {
    /// Its id.
    pub element: ElementId,
    /// Its revision now; of a deleted one, the revision of the deletion.
    pub revision: DataRevision,
    /// Whether the edit created it.
    pub created: bool,
}

/// Why an edit was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EditRefusal {
    /// The layer does not exist, or the caller may not know that it does (R40).
    #[error("layer `{0}` does not exist")]
    NoSuchLayer(LayerId),
    /// The caller may not do this on the layer.
    #[error("`{permission}` is not permitted on layer `{layer}`")]
    NotPermitted {
        /// The layer.
        layer: LayerId,
        /// What is missing.
        permission: Permission,
        /// Why.
        reason: DenyReason,
    },
    /// What was given does not fit the layer.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The layer has no such element.
    #[error("element `{0}` does not exist")]
    NoSuchElement(ElementId),
    /// The caller's right reaches only own elements, and this is another's (R51).
    #[error("element `{0}` was created by another user")]
    NotOwn(ElementId),
    /// Somebody else changed it (R108).
    #[error("element `{element}` was changed by somebody else")]
    Stale {
        /// The element.
        element: ElementId,
        /// Its revision now.
        current: DataRevision,
    },
    /// Another element has that value of a unique attribute (R105). Nothing of that element is told (R113).
    #[error("attribute `{name}` is unique, and another element has this value")]
    NotUnique {
        /// The attribute.
        attribute: AttributeId,
        /// Its name.
        name: String,
        /// Which of the values that were given, from 0; `None` where that is not known.
        index: Option<usize>,
    },
}

/// What became of one edit.
#[derive(Clone, Debug, PartialEq)]
pub enum EditResult {
    /// It was done, or would have been.
    Done(EditedElement),
    /// It was refused.
    Refused(EditRefusal),
    /// It was not attempted, because another edit of an atomic batch was refused.
    NotAttempted,
}

/// What became of a batch as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchOutcome {
    /// What was not refused is done; of an atomic batch: all.
    Committed,
    /// Nothing was changed: an edit of an atomic batch was refused.
    Refused,
    /// Nothing was changed, as was asked for.
    Validated,
}

/// A store's answer to a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAnswer {
    /// What became of the batch.
    pub outcome: BatchOutcome,
    /// What became of each edit, by its place in the request.
    pub results: Vec<(u32, EditResult)>,
}

impl StoredAnswer {
    /// The answer to a batch whose edits, each tried, came out like this: one refusal refuses all of an atomic batch,
    /// and validating changes nothing. The store keeps what was written only when the outcome is
    /// [`BatchOutcome::Committed`].
    #[must_use]
    pub fn conclude(batch: &PermittedBatch, mut results: Vec<(u32, EditResult)>) -> Self {
        let is_refused = |(_, result): &(u32, EditResult)| matches!(result, EditResult::Refused(_));
        let is_outrun = batch.is_outrun(&results);
        let none_done =
            is_outrun || batch.mode == EditMode::Atomic && results.iter().any(is_refused);
        for (_, result) in &mut results {
            if none_done && matches!(result, EditResult::Done(_)) {
                *result = EditResult::NotAttempted;
            }
        }
        let outcome = match batch.intent {
            Intent::Validate => BatchOutcome::Validated,
            Intent::Commit if none_done => BatchOutcome::Refused,
            Intent::Commit => BatchOutcome::Committed,
        };
        Self { outcome, results }
    }
}
