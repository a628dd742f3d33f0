//! Bringing back what was deleted, and undoing edits: ordinary edits, made of what history tells.
//!
//! What is written is what was found (R58, R108): the statement that writes looks for the very revision, or the very
//! deletion, that history was read at. An element to which somebody else has done something since is named and left alone.

mod finding;

use jmap_domain::{ActorId, DataRevision, ElementId, LayerId, Permission};

use super::{CHECKS, EditError, Rights};
use crate::{
    edit::{
        BatchOutcome, EditMode, EditRefusal, EditResult, Intent, PermittedBatch, RequestKey,
        StoredAnswer,
    },
    history::Deeds,
    ports::{Authorizer, Call, LayerStore, StoreError},
    reads::{ReadError, ReadPurpose, Wanted},
    service::LayerData,
};
use finding::{History, Reversing};

/// What of the past is to be again.
#[derive(Clone, Debug)]
pub enum Past {
    /// These elements, which were deleted, as they were last.
    Deleted(Vec<ElementId>),
    /// What was before these edits.
    Before(Deeds),
}

/// What is to be brought back.
#[derive(Clone, Debug)]
pub struct ReversalInput {
    /// The layer.
    pub layer: LayerId,
    /// What of it.
    pub past: Past,
    /// Whether anything is to change.
    pub intent: Intent,
    /// Recognises a retry.
    pub request: Option<RequestKey>,
}

/// What was brought back, or would have been.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reversal {
    /// How many elements were changed; 0 when there are conflicts.
    pub count: u64,
    /// The revision of the change; `None` when nothing was changed.
    pub revision: Option<DataRevision>,
    /// The elements that cannot be brought back, and why. Where there is one, nothing is changed.
    pub conflicts: Vec<(ElementId, EditRefusal)>,
}

/// Why nothing was even tried.
#[derive(Debug, thiserror::Error)]
pub enum ReversalError {
    /// A right is missing, or it could not be done.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// History does not tell, or too much.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<EditRefusal> for ReversalError {
    fn from(refusal: EditRefusal) -> Self {
        Self::Edit(refusal.into())
    }
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> LayerData<S, A, R> {
    /// Restores deleted elements, or undoes edits: all that is asked for, or nothing (R57, R109). Restoring needs
    /// *add elements* and *delete elements*, undoing the right to the edit that undoes; where that reaches only own
    /// elements, so does this. A retry is answered as the first call was.
    ///
    /// # Errors
    /// [`ReversalError`]; what stands in the way of single elements is in the answer.
    pub async fn reverse(
        &self,
        call: &Call,
        input: ReversalInput,
    ) -> Result<Reversal, ReversalError> {
        for _ in 0..CHECKS {
            match self.try_reversal(call, &input).await {
                // What was found under another definition, or took longer than a right is given for, is looked at anew.
                Err(
                    ReversalError::Edit(EditError::Store(
                        StoreError::DefinitionChanged(_) | StoreError::PermitExpired,
                    ))
                    | ReversalError::Read(ReadError::Store(StoreError::DefinitionChanged(_))),
                ) => {}
                done => return done,
            }
        }
        Err(EditError::PermitsExpired.into())
    }

    async fn try_reversal(
        &self,
        call: &Call,
        input: &ReversalInput,
    ) -> Result<Reversal, ReversalError> {
        let rights = self.reversal_rights(call, input).await?;
        if let Some(answer) = self.remembered(&rights, input.request).await? {
            return Ok(conclude(answer, &[]));
        }
        let found = self.reversing(call, input).await?;
        let (elements, edits): (Vec<_>, Vec<_>) = found.edits.into_iter().unzip();
        let rights = self.reversal_rights(call, input).await?;
        let covered = (0..).zip(edits);
        let covered = covered.map(|(index, edit)| rights.cover(index, input.layer, edit));
        // Who lacks a right to it learns no more than that.
        let edits: Vec<_> = covered.collect::<Result<_, _>>()?;
        if edits.is_empty() || !found.conflicts.is_empty() {
            // The first call of this request may have been at work until now.
            if let Some(answer) = self.remembered(&rights, input.request).await? {
                return Ok(conclude(answer, &[]));
            }
            let conflicts = found.conflicts;
            return self.named(call, input, rights.actor, conflicts).await;
        }
        let batch = PermittedBatch {
            edits,
            actor: rights.actor,
            mode: EditMode::Atomic,
            intent: input.intent,
            request: input.request,
        };
        let answer = self.store.edit(batch).await.map_err(EditError::Store)?;
        let reversal = conclude(answer, &elements);
        if reversal.conflicts.is_empty() {
            return Ok(reversal);
        }
        let conflicts = reversal.conflicts;
        self.not_pruned(input.layer, &conflicts).await?;
        self.named(call, input, rights.actor, conflicts).await
    }

    /// Whether what is to come back is there still: an element that history told of, and that is not known to the
    /// statement that writes, was pruned in between.
    async fn not_pruned(
        &self,
        layer: LayerId,
        conflicts: &[(ElementId, EditRefusal)],
    ) -> Result<(), ReadError> {
        let is_unknown = |(_, refusal): &(ElementId, EditRefusal)| {
            matches!(refusal, EditRefusal::NoSuchElement(_))
        };
        let start = self.stored(layer).await?.history;
        if conflicts.iter().any(is_unknown) && DataRevision::default() < start.revision {
            Err(ReadError::HistoryPruned(start))
        } else {
            Ok(())
        }
    }

    /// Conflicts, to one who may know of them: of elements that the caller named, or edited. What others did to many
    /// elements is for those who may copy the layer (R38).
    async fn named(
        &self,
        call: &Call,
        input: &ReversalInput,
        actor: ActorId,
        conflicts: Vec<(ElementId, EditRefusal)>,
    ) -> Result<Reversal, ReversalError> {
        let is_known = match input.past {
            Past::Deleted(_) => true,
            Past::Before(Deeds::By(who, _)) => who == actor,
            Past::Before(Deeds::Of(_)) => false,
        };
        if !is_known && !conflicts.is_empty() {
            let whole = Wanted {
                purpose: ReadPurpose::Display,
                whole_layer: true,
                maximum: None,
            };
            self.terms(call, input.layer, whole).await?;
        }
        Ok(Reversal {
            conflicts,
            ..Reversal::default()
        })
    }

    /// Who may do nothing of it learns nothing about the layer and its past.
    async fn reversal_rights(
        &self,
        call: &Call,
        input: &ReversalInput,
    ) -> Result<Rights, EditError> {
        use Permission::{AddElements, DeleteElements, ModifyAttributes, ModifyElements};
        let acts = [
            AddElements,
            DeleteElements,
            ModifyElements,
            ModifyAttributes,
        ];
        let needs = acts.map(|act| (input.layer, act)).into();
        let rights = self.rights(call, &needs).await?;
        match &input.past {
            Past::Deleted(_) => {
                rights.permit(input.layer, AddElements)?;
                rights.permit(input.layer, DeleteElements)?;
            }
            Past::Before(_) if rights.permits.values().all(Result::is_err) => {
                rights.permit(input.layer, ModifyElements)?;
            }
            Past::Before(_) => {}
        }
        Ok(rights)
    }

    async fn reversing(
        &self,
        call: &Call,
        input: &ReversalInput,
    ) -> Result<Reversing, ReversalError> {
        let layer = self.stored(input.layer).await?;
        let history = History {
            service: self,
            call,
            layer: &layer,
        };
        match &input.past {
            Past::Deleted(elements) => history.restoring(elements).await,
            Past::Before(deeds) => history.undoing(*deeds).await,
        }
    }
}

/// What became of the edits, which are of these elements.
fn conclude(answer: StoredAnswer, elements: &[ElementId]) -> Reversal {
    let StoredAnswer { outcome, results } = answer;
    let mut reversal = Reversal::default();
    for (index, result) in results {
        match result {
            EditResult::Done(done) => {
                reversal.count += 1;
                reversal.revision = (outcome == BatchOutcome::Committed).then_some(done.revision);
            }
            EditResult::Refused(refusal) => {
                let element = elements.get(index as usize);
                reversal
                    .conflicts
                    .extend(element.map(|element| (*element, refusal)));
            }
            EditResult::NotAttempted => {}
        }
    }
    if !reversal.conflicts.is_empty() {
        (reversal.count, reversal.revision) = (0, None);
    }
    reversal
}
