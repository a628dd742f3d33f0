//! Edits under the permits that cover them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Instant,
};

use jmap_domain::{ActorId, AttributeId, LayerId, Permission};

use super::{Edit, EditMode, EditResult, Intent, RequestKey};
use crate::permit::Permit;

/// A permit and an edit do not belong together: a mistake of ours, never of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a permit for `{held}` does not cover `{needed}`")]
pub struct WrongPermit {
    /// What the permit is for.
    pub held: Permission,
    /// What the edit needs.
    pub needed: Permission,
}

/// An edit together with the permit that covers it. The edit is shared with whoever may have to try it again.
#[derive(Clone, Debug)]
pub struct PermittedEdit {
    index: u32,
    permit: Permit,
    edit: Arc<Edit>,
    /// The unique attribute by which its element was looked for.
    key: Option<AttributeId>,
}

impl PermittedEdit {
    /// Puts an edit under a permit; `index` is its place in the request, by which the answer names it.
    ///
    /// # Errors
    /// [`WrongPermit`] when the permit is for something else, or one is not enough.
    pub fn new(
        index: u32,
        permit: Permit,
        edit: impl Into<Arc<Edit>>,
    ) -> Result<Self, WrongPermit> {
        let edit = edit.into();
        match edit.second_permission() {
            None => Self::covered(index, permit, edit),
            Some(needed) => Err(permit.wrong_for(needed)),
        }
    }

    /// Puts an edit that needs two permissions under a permit for each; the first one says which elements it reaches.
    ///
    /// # Errors
    /// [`WrongPermit`] when a permit is for something else or for somebody else, or one is enough.
    pub fn under_both(
        index: u32,
        [permit, second]: [Permit; 2],
        edit: impl Into<Arc<Edit>>,
    ) -> Result<Self, WrongPermit> {
        let edit = edit.into();
        let needed = edit.second_permission();
        let is_covered = needed.is_some_and(|needed| second.covers(needed));
        let permit = permit.together_with(second).filter(|_| is_covered);
        let permit = permit.ok_or_else(|| second.wrong_for(needed.unwrap_or(edit.permission())))?;
        Self::covered(index, permit, edit)
    }

    fn covered(index: u32, permit: Permit, edit: Arc<Edit>) -> Result<Self, WrongPermit> {
        let needed = edit.permission();
        if permit.covers(needed) {
            Ok(Self {
                index,
                permit,
                edit,
                key: None,
            })
        } else {
            Err(permit.wrong_for(needed))
        }
    }

    /// The edit as one that was made of what was found by a unique attribute: when that is not so any more, the whole batch
    /// is not done, whatever its mode, and can be made anew.
    #[must_use]
    pub fn found_by(self, key: AttributeId) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }

    /// Its place in the request.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// The permit.
    #[must_use]
    pub const fn permit(&self) -> &Permit {
        &self.permit
    }

    /// The edit.
    #[must_use]
    pub fn edit(&self) -> &Edit {
        &self.edit
    }
}

/// What a store is asked to do: edits, each under its permit, by one actor.
#[derive(Clone, Debug)]
pub struct PermittedBatch {
    /// The edits.
    pub edits: Vec<PermittedEdit>,
    /// Who asks: request ids are kept per actor.
    pub actor: ActorId,
    /// Whether one failing edit refuses the others.
    pub mode: EditMode,
    /// Whether anything is to change.
    pub intent: Intent,
    /// Recognises a retry.
    pub request: Option<RequestKey>,
}

impl PermittedBatch {
    /// Whether every permit may still be acted on: what a store looks at immediately before the commit (R123).
    #[must_use]
    pub fn is_valid_at(&self, now: Instant) -> bool {
        let mut permits = self.edits.iter().map(PermittedEdit::permit);
        permits.all(|permit| permit.is_valid_at(now))
    }

    /// Whether an edit was refused because what it was made of is not so any more.
    pub(super) fn is_outrun(&self, results: &[(u32, EditResult)]) -> bool {
        let keys = self.edits.iter();
        let keys = keys.filter_map(|edit| Some((edit.index, edit.key?)));
        let keys: HashMap<u32, AttributeId> = keys.collect();
        let mut results = results.iter();
        results.any(|(index, result)| keys.get(index).is_some_and(|key| result.is_outrun(*key)))
    }

    /// The layers that it edits, ascending, each once.
    #[must_use]
    pub fn layers(&self) -> BTreeSet<LayerId> {
        self.edits.iter().map(|edit| edit.permit.layer()).collect()
    }
}
