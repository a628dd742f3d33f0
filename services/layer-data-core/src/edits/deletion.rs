//! Deleting what a selection finds: all of it, or nothing (R57, R109).
//!
//! What is found is deleted as it was found: each element's revision is part of the statement that deletes it (R58,
//! R108). When somebody else was faster, the selection is read again.

use std::num::NonZeroU32;

use jmap_domain::{DataRevision, LayerId, Permission};

use super::{ATTEMPTS, EditError, Rights};
use crate::{
    edit::{
        BatchOutcome, Edit, EditMode, EditRefusal, EditResult, ExpectedRevision, Intent,
        PermittedBatch, RequestKey, StoredAnswer,
    },
    element::Element,
    ports::{Authorizer, Call, ChunkLimit, LayerStore, Rest, StoreError},
    query::{GeometryOutput, OutputInput, QueryInput, SelectionInput},
    reads::ReadError,
    service::LayerData,
};

/// How often a selection is read while others keep changing what it finds.
const LOOKS: usize = 5;

/// What is to be deleted.
#[derive(Clone, Debug)]
pub struct DeletionInput {
    /// The layer.
    pub layer: LayerId,
    /// Which elements; nothing set means all.
    pub selection: SelectionInput,
    /// The greatest number of elements that the caller means to delete: more is an error, and nothing is deleted.
    pub maximum: NonZeroU32,
    /// Whether anything is to change.
    pub intent: Intent,
    /// Recognises a retry.
    pub request: Option<RequestKey>,
}

/// What was deleted, or would have been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// How many elements.
    pub count: u64,
    /// The revision of the deletion; `None` when nothing was deleted.
    pub revision: Option<DataRevision>,
}

/// Why nothing was deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeletionError {
    /// The right is missing, or an element may not be deleted; or it could not be done.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The selection makes no sense for the layer, finds more than the maximum, or could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The selection is of the past.
    #[error("what was cannot be deleted")]
    Past,
    /// The declared maximum is more than one call may delete.
    #[error("one call deletes at most {0} elements")]
    MaximumTooLarge(usize),
    /// Others changed the elements again and again meanwhile.
    #[error("the elements are being changed by others")]
    Contended,
}

impl From<EditRefusal> for DeletionError {
    fn from(refusal: EditRefusal) -> Self {
        Self::Edit(refusal.into())
    }
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> LayerData<S, A, R> {
    /// Deletes the elements that a selection finds. Where the right reaches only own elements, another's among them
    /// refuses the whole (R57). A retry is answered as the first call was (R109).
    ///
    /// # Errors
    /// [`DeletionError`]; [`ReadError::TooManyElements`] when the selection finds more than the declared maximum.
    pub async fn delete_selected(
        &self,
        call: &Call,
        input: DeletionInput,
    ) -> Result<Deleted, DeletionError> {
        if input.selection.as_of.is_some() {
            return Err(DeletionError::Past);
        }
        if input.maximum.get() as usize > self.limits.edits {
            return Err(DeletionError::MaximumTooLarge(self.limits.edits));
        }
        for _ in 0..LOOKS {
            if let Some(deleted) = self.look_and_delete(call, &input).await? {
                return Ok(deleted);
            }
        }
        Err(DeletionError::Contended)
    }

    /// `None` when somebody else has changed an element since it was found.
    async fn look_and_delete(
        &self,
        call: &Call,
        input: &DeletionInput,
    ) -> Result<Option<Deleted>, DeletionError> {
        let rights = self.deletion_rights(call, input.layer).await?;
        // Who may not delete learns nothing about the layer, not even whether the selection fits it.
        rights.permit(input.layer, Permission::DeleteElements)?;
        if let Some(answer) = self.remembered(&rights, input.request).await? {
            return conclude(answer);
        }
        let found = self.found(call, input).await?;
        if found.is_empty() {
            // The first call of this request may have been at work until now.
            return match self.remembered(&rights, input.request).await? {
                Some(answer) => conclude(answer),
                None => Ok(Some(Deleted::default())),
            };
        }
        let answer = self.delete_found(call, input, &found).await?;
        conclude(answer)
    }

    async fn deletion_rights(&self, call: &Call, layer: LayerId) -> Result<Rights, EditError> {
        let needs = [(layer, Permission::DeleteElements)].into();
        self.rights(call, &needs).await
    }

    /// The answer that the request was given before. Rights are asked again on replay.
    pub(super) async fn remembered(
        &self,
        rights: &Rights,
        request: Option<RequestKey>,
    ) -> Result<Option<StoredAnswer>, EditError> {
        let Some(request) = request else {
            return Ok(None);
        };
        let answer = self.store.remembered(rights.actor, request).await;
        answer.map_err(EditError::Store)
    }

    /// The elements that the selection finds, with their revisions and nothing else.
    async fn found(&self, call: &Call, input: &DeletionInput) -> Result<Vec<Element>, ReadError> {
        let stored = self.stored(input.layer).await?;
        let query = input.query().check(&stored.definition)?;
        let most = input.maximum.get() as usize;
        let limit = ChunkLimit {
            rows: input.maximum.saturating_add(1),
            bytes: usize::MAX,
        };
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let read = self
                .store
                .read(&query, after.as_ref(), limit, call.deadline);
            let chunk = read
                .await
                .map_err(|error| ReadError::unanswered(call, error))?;
            found.extend(chunk.elements);
            if found.len() > most {
                let maximum = input.maximum.into();
                return Err(ReadError::TooManyElements { maximum });
            }
            match chunk.rest {
                Rest::End => return Ok(found),
                Rest::After(last) => after = Some(last),
            }
        }
    }

    /// Looking for the elements may have taken longer than a right is given for: it is asked for anew.
    async fn delete_found(
        &self,
        call: &Call,
        input: &DeletionInput,
        found: &[Element],
    ) -> Result<StoredAnswer, EditError> {
        for _ in 0..ATTEMPTS {
            let rights = self.deletion_rights(call, input.layer).await?;
            let batch = input.batch(&rights, found)?;
            match self.store.edit(batch).await {
                Err(StoreError::PermitExpired) => {}
                answer => return answer.map_err(EditError::Store),
            }
        }
        Err(EditError::PermitsExpired)
    }
}

impl DeletionInput {
    fn query(&self) -> QueryInput {
        QueryInput {
            layer: self.layer,
            selection: self.selection.clone(),
            output: OutputInput {
                geometry: GeometryOutput::Omit,
                attributes: Some(Vec::new()),
                order: Vec::new(),
            },
            maximum: None,
        }
    }

    fn batch(&self, rights: &Rights, found: &[Element]) -> Result<PermittedBatch, EditError> {
        let deletion = |(index, element): (u32, &Element)| {
            let edit = Edit::Delete {
                element: element.id,
                expected: ExpectedRevision::Revision(element.revision),
            };
            rights.cover(index, self.layer, edit)
        };
        Ok(PermittedBatch {
            edits: (0..).zip(found).map(deletion).collect::<Result<_, _>>()?,
            actor: rights.actor,
            mode: EditMode::Atomic,
            intent: self.intent,
            request: self.request,
        })
    }
}

/// What became of the deletions; `None` when some elements are not any more what they were when they were found.
fn conclude(answer: StoredAnswer) -> Result<Option<Deleted>, DeletionError> {
    let StoredAnswer { outcome, results } = answer;
    let (mut deleted, mut is_outrun) = (Deleted::default(), false);
    for (_, result) in results {
        match result {
            EditResult::Done(done) => {
                deleted.count += 1;
                deleted.revision = (outcome == BatchOutcome::Committed).then_some(done.revision);
            }
            EditResult::NotAttempted => {}
            EditResult::Refused(EditRefusal::Stale { .. } | EditRefusal::NoSuchElement(_)) => {
                is_outrun = true;
            }
            EditResult::Refused(refusal) => return Err(refusal.into()),
        }
    }
    Ok((!is_outrun).then_some(deleted))
}
