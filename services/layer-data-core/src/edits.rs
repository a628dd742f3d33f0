//! Editing: ask once for everything that the batch needs, then check what was given, then write under permits.
//!
//! Rights come before the payload: who may not edit learns nothing about the layer's definition. In an atomic batch
//! one refusal refuses all, in a partial one each edit stands for itself (R57, R109).

mod deletion;
mod reversal;
mod upsert;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jmap_domain::{ActorId, AttributeId, Decision, DenyReason, LayerId, Permission, Question};

use crate::{
    definition::LayerDefinition,
    edit::{
        BatchInput, BatchOutcome, Edit, EditInput, EditMode, EditRefusal, EditResult,
        EditedElement, Intent, PermittedBatch, PermittedEdit, RequestKey, StoredAnswer,
        UpsertInput, WrongPermit,
    },
    element::{InputError, ValueSource},
    geometry::SingleToMulti,
    permit::{Permit, Validity},
    ports::{Authorizer, Call, LayerStore, StoreError},
    service::{AskError, LayerData, elements},
};

pub use deletion::{Deleted, DeletionError, DeletionInput};
pub use reversal::{Past, Reversal, ReversalError, ReversalInput};

/// How often a batch is written under fresh permits before the caller is told to come back.
const ATTEMPTS: usize = 3;

/// How often a batch is checked against the definitions as they are then, when one changes meanwhile.
const CHECKS: usize = 10;

/// Most layers and permissions that one batch may touch together: what one question may hold.
const MAX_QUESTIONS: usize = 100;

/// What became of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchReport {
    /// What became of it as a whole.
    pub outcome: BatchOutcome,
    /// What became of each edit, in their order.
    pub results: Vec<EditResult>,
    /// The edits whose geometry was repaired before it was written, by their place.
    pub repaired: BTreeSet<usize>,
}

/// A single edit that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoneEdit {
    /// The element.
    pub edited: EditedElement,
    /// Whether its geometry was repaired before it was written.
    pub is_repaired: bool,
}

/// Why a batch was not even tried, or a single edit not done.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// Authorization's answer does not let the call begin.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// No edit at all.
    #[error("a batch has at least one edit")]
    Empty,
    /// More edits than one call may have.
    #[error("a batch has at most {0} edits")]
    TooManyEdits(usize),
    /// More layers than one question can hold.
    #[error("a batch touches too many layers")]
    TooManyLayers,
    /// The single edit was refused.
    #[error(transparent)]
    Refused(#[from] EditRefusal),
    /// Permits ran out before the commit again and again.
    #[error("the edit could not be committed in time")]
    PermitsExpired,
    /// The layer's definition was changed again and again meanwhile.
    #[error("the layer's definition is being changed")]
    DefinitionChanges,
    /// Others changed or created the element that was to be upserted again and again meanwhile.
    #[error("the element is being changed by others")]
    Contended,
    /// The storage did not do it.
    #[error(transparent)]
    Store(StoreError),
    /// A mistake of ours.
    #[error(transparent)]
    WrongPermit(#[from] WrongPermit),
}

/// What the caller may do with the layers of a batch.
struct Rights {
    actor: ActorId,
    permits: BTreeMap<(LayerId, Permission), Result<Permit, DenyReason>>,
}

impl Rights {
    fn permit(&self, layer: LayerId, permission: Permission) -> Result<Permit, EditRefusal> {
        match self.permits.get(&(layer, permission)) {
            Some(Ok(permit)) => Ok(*permit),
            Some(Err(DenyReason::NotVisible)) | None => Err(EditRefusal::NoSuchLayer(layer)),
            Some(Err(reason)) => Err(EditRefusal::NotPermitted {
                layer,
                permission,
                reason: *reason,
            }),
        }
    }

    /// Puts an edit under the permits that it needs.
    fn cover(&self, index: u32, layer: LayerId, edit: Edit) -> Result<PermittedEdit, EditError> {
        let permit = self.permit(layer, edit.permission())?;
        Ok(match edit.second_permission() {
            None => PermittedEdit::new(index, permit, edit)?,
            Some(second) => {
                let permits = [permit, self.permit(layer, second)?];
                PermittedEdit::under_both(index, permits, edit)?
            }
        })
    }
}

/// A batch on its way: what may still be done, and what was refused already.
struct Plan {
    edits: Vec<(u32, LayerId, Arc<Edit>)>,
    refused: BTreeMap<u32, EditRefusal>,
    /// The edits that upserts have become, with their keys.
    keys: BTreeMap<u32, AttributeId>,
}

impl<S: LayerStore, A: Authorizer, R> LayerData<S, A, R> {
    /// Makes one edit.
    ///
    /// # Errors
    /// [`EditError`]; [`EditError::Refused`] when the edit itself was refused.
    pub async fn edit(
        &self,
        call: &Call,
        layer: LayerId,
        edit: EditInput,
        request: Option<RequestKey>,
    ) -> Result<DoneEdit, EditError> {
        let edits = vec![(layer, edit)];
        let batch = BatchInput {
            edits,
            mode: EditMode::Atomic,
            intent: Intent::Commit,
            request,
        };
        let report = self.edit_batch(call, batch).await?;
        match report.results.into_iter().next() {
            Some(EditResult::Done(edited)) => Ok(DoneEdit {
                edited,
                is_repaired: !report.repaired.is_empty(),
            }),
            Some(EditResult::Refused(refusal)) => Err(refusal.into()),
            Some(EditResult::NotAttempted) | None => Err(EditError::Empty),
        }
    }

    /// Makes a batch of edits and reports on each (R109).
    ///
    /// # Errors
    /// [`EditError`] when none was tried. Refusals of single edits are in the report.
    pub async fn edit_batch(
        &self,
        call: &Call,
        batch: BatchInput,
    ) -> Result<BatchReport, EditError> {
        if batch.edits.is_empty() {
            return Err(EditError::Empty);
        }
        if batch.edits.len() > self.limits.edits {
            return Err(EditError::TooManyEdits(self.limits.edits));
        }
        let BatchInput {
            edits,
            mode,
            intent,
            request,
        } = batch;
        let total = edits.len();
        let needs = needs(&edits);
        let order = Order {
            mode,
            intent,
            request,
            total,
        };
        let mut trouble = EditError::DefinitionChanges;
        for _ in 0..CHECKS {
            match self.attempt(call, &edits, order, &needs).await {
                // What was checked against another definition is checked once more, against the new one (R114).
                Err(EditError::Store(StoreError::DefinitionChanged(_))) => {
                    trouble = EditError::DefinitionChanges;
                }
                // What was found by a key is looked for once more.
                Err(EditError::Contended) => trouble = EditError::Contended,
                done => return done.map(|report| report.naming(&edits)),
            }
        }
        Err(trouble)
    }

    async fn attempt(
        &self,
        call: &Call,
        edits: &[(LayerId, EditInput)],
        order: Order,
        needs: &BTreeSet<(LayerId, Permission)>,
    ) -> Result<BatchReport, EditError> {
        let rights = self.rights(call, needs).await?;
        let plan = self.plan(call, edits, order, &rights).await?;
        self.write(call, plan, order, rights).await
    }

    async fn rights(
        &self,
        call: &Call,
        needs: &BTreeSet<(LayerId, Permission)>,
    ) -> Result<Rights, EditError> {
        let questions: Vec<Question> = needs
            .iter()
            .map(|(layer, act)| elements(*layer, *act))
            .collect();
        if questions.len() > MAX_QUESTIONS {
            return Err(EditError::TooManyLayers);
        }
        let answer = self.ask(call, &questions).await?;
        let validity = Validity {
            actor: answer.actor,
            until: answer.valid_until,
        };
        let permit = |((layer, permission), decision): (&(LayerId, Permission), Decision)| {
            let permit = Permit::from_decision(*layer, *permission, decision, validity);
            ((*layer, *permission), permit)
        };
        let permits = needs.iter().zip(answer.decisions).map(permit).collect();
        Ok(Rights {
            actor: answer.actor,
            permits,
        })
    }

    /// Sorts out what the caller may not do, then what does not fit its layer.
    async fn plan(
        &self,
        call: &Call,
        edits: &[(LayerId, EditInput)],
        order: Order,
        rights: &Rights,
    ) -> Result<Plan, EditError> {
        let mut plan = Plan {
            edits: Vec::with_capacity(edits.len()),
            refused: BTreeMap::new(),
            keys: BTreeMap::new(),
        };
        for (index, (layer, edit)) in (0..).zip(edits) {
            if let Err(refusal) = rights.one_permit(*layer, edit) {
                plan.refused.insert(index, refusal);
            }
        }
        if order.mode == EditMode::Atomic && !plan.refused.is_empty() {
            return Ok(plan);
        }
        let mut definitions = HashMap::new();
        let mut upserts = Vec::new();
        for (index, (layer, edit)) in (0..).zip(edits) {
            if plan.refused.contains_key(&index) {
                continue;
            }
            let definition = self.definition(*layer, &mut definitions).await?;
            match check(edit, &definition) {
                Ok(Checked::Edit(edit)) => plan.edits.push((index, *layer, Arc::new(edit))),
                Ok(Checked::Upsert(upsert)) => upserts.push((index, *layer, upsert)),
                Err(error) => {
                    plan.refused.insert(index, error.into());
                }
            }
        }
        if !upserts.is_empty() {
            let found = self.look_for(call, &upserts, (order, rights)).await?;
            plan.settle(upserts, &found, (&definitions, rights));
        }
        Ok(plan)
    }

    async fn definition(
        &self,
        layer: LayerId,
        known: &mut HashMap<LayerId, Arc<LayerDefinition>>,
    ) -> Result<Arc<LayerDefinition>, EditError> {
        if let Some(definition) = known.get(&layer) {
            return Ok(Arc::clone(definition));
        }
        let stored = self.store.layer(layer).await.map_err(EditError::Store)?;
        // Permitted and not stored: the registry knows a layer that this storage has lost.
        let stored = stored.ok_or(EditError::Store(StoreError::LayerMissing(layer)))?;
        known.insert(layer, Arc::clone(&stored.definition));
        Ok(stored.definition)
    }

    async fn write(
        &self,
        call: &Call,
        mut plan: Plan,
        order: Order,
        mut rights: Rights,
    ) -> Result<BatchReport, EditError> {
        for _ in 0..ATTEMPTS {
            let permitted = plan.permitted(&rights)?;
            let refused = order.mode == EditMode::Atomic && !plan.refused.is_empty();
            if refused || permitted.is_empty() {
                let known = self.known(&plan, order, rights.actor).await?;
                return Ok(plan.unwritten(order, known));
            }
            let batch = order.batch(permitted, rights.actor);
            match self.store.edit(batch).await {
                Ok(answer) if plan.is_outrun(&answer) => return Err(EditError::Contended),
                Ok(answer) => return Ok(plan.report(order, answer)),
                Err(StoreError::PermitExpired) => {
                    let needs = plan
                        .edits
                        .iter()
                        .map(|(_, layer, edit)| (*layer, edit.permission()));
                    rights = self.rights(call, &needs.collect()).await?;
                }
                Err(error) => return Err(EditError::Store(error)),
            }
        }
        Err(EditError::PermitsExpired)
    }

    /// The answer that a batch of which nothing is to be written was given before, when its edits did fit: a retry is
    /// not refused for a definition that came later (R109, R114). Who has lost a right is told so all the same.
    async fn known(
        &self,
        plan: &Plan,
        order: Order,
        actor: ActorId,
    ) -> Result<Option<StoredAnswer>, EditError> {
        let is_input = |refusal: &EditRefusal| matches!(refusal, EditRefusal::Input(_));
        let mut refusals = plan.refused.values();
        let may_be_known = match order.mode {
            EditMode::Atomic => refusals.all(is_input),
            EditMode::Partial => refusals.any(is_input),
        };
        match order.request.filter(|_| may_be_known) {
            Some(request) => self
                .store
                .remembered(actor, request)
                .await
                .map_err(EditError::Store),
            None => Ok(None),
        }
    }
}

/// An edit that fits its layer, or an upsert of which that is not known yet.
enum Checked<'e> {
    Edit(Edit),
    Upsert(&'e UpsertInput),
}

fn check<'e>(edit: &'e EditInput, definition: &LayerDefinition) -> Result<Checked<'e>, InputError> {
    Ok(Checked::Edit(match edit {
        EditInput::Upsert(upsert) => return Ok(Checked::Upsert(upsert)),
        EditInput::Create(element) => {
            Edit::Create(element.check(definition, ValueSource::Client, SingleToMulti::Refuse)?)
        }
        EditInput::Update {
            element,
            expected,
            change,
        } => Edit::Update {
            element: *element,
            expected: *expected,
            patch: change.check(definition)?,
        },
        EditInput::Delete { element, expected } => Edit::Delete {
            element: *element,
            expected: *expected,
        },
    }))
}

/// The permissions that the edits need, or may turn out to need.
fn needs(edits: &[(LayerId, EditInput)]) -> BTreeSet<(LayerId, Permission)> {
    let needs = edits.iter().flat_map(|(layer, edit)| {
        let needed = [Some(edit.permission()), edit.other_permission()];
        let needed = needed.into_iter().flatten();
        needed.map(|permission| (*layer, permission))
    });
    needs.collect()
}

/// How a batch is to be written.
#[derive(Clone, Copy)]
struct Order {
    mode: EditMode,
    intent: Intent,
    request: Option<RequestKey>,
    total: usize,
}

impl Order {
    fn batch(self, edits: Vec<PermittedEdit>, actor: ActorId) -> PermittedBatch {
        PermittedBatch {
            edits,
            actor,
            mode: self.mode,
            intent: self.intent,
            request: self.request,
        }
    }
}

impl Plan {
    /// Puts each edit under its permit, and refuses those whose right is gone since the plan was made.
    fn permitted(&mut self, rights: &Rights) -> Result<Vec<PermittedEdit>, WrongPermit> {
        let mut permitted = Vec::with_capacity(self.edits.len());
        for (index, layer, edit) in &self.edits {
            match rights.permit(*layer, edit.permission()) {
                Ok(permit) => {
                    let edit = PermittedEdit::new(*index, permit, Arc::clone(edit))?;
                    permitted.push(match self.keys.get(index) {
                        Some(key) => edit.found_by(*key),
                        None => edit,
                    });
                }
                Err(refusal) => {
                    self.refused.insert(*index, refusal);
                }
            }
        }
        Ok(permitted)
    }

    /// The report when nothing is left to write, or was written before.
    fn unwritten(self, order: Order, known: Option<StoredAnswer>) -> BatchReport {
        if let Some(answer) = known {
            return self.report(order, answer);
        }
        let outcome = match (order.intent, order.mode) {
            (Intent::Validate, EditMode::Atomic | EditMode::Partial) => BatchOutcome::Validated,
            (Intent::Commit, EditMode::Atomic) => BatchOutcome::Refused,
            (Intent::Commit, EditMode::Partial) => BatchOutcome::Committed,
        };
        self.report(
            order,
            StoredAnswer {
                outcome,
                results: Vec::new(),
            },
        )
    }

    fn report(self, order: Order, answer: StoredAnswer) -> BatchReport {
        let repaired = self.edits.iter().filter(|(.., edit)| edit.is_repaired());
        let repaired = repaired.filter_map(|(index, ..)| usize::try_from(*index).ok());
        let repaired = repaired.collect();
        let mut results: BTreeMap<u32, EditResult> = answer.results.into_iter().collect();
        for (index, refusal) in self.refused {
            let is_input = matches!(refusal, EditRefusal::Input(_));
            let refused = EditResult::Refused(refusal);
            if is_input {
                // What was done does not fit a later definition, and was done.
                results.entry(index).or_insert(refused);
            } else {
                results.insert(index, refused);
            }
        }
        // What neither was refused nor reached the store was held back by another edit of the batch.
        let result = |index: u32| results.remove(&index).unwrap_or(EditResult::NotAttempted);
        let results: Vec<EditResult> = (0..).take(order.total).map(result).collect();
        BatchReport {
            outcome: answer.outcome,
            results,
            repaired,
        }
    }
}
