//! Changing the structure of a layer that has elements, without downtime (R114).
//!
//! Elements are looked at twice: all of them first, while others read and write, and those that were changed meanwhile
//! once more, while the change is made. So the time that others have to wait does not grow with the layer, unless an index
//! has to be built or rows have to be written anew.

use std::{pin::pin, sync::Arc, time::Instant};

use futures::{
    StreamExt,
    future::{Either, select},
};
use jmap_domain::{ActorId, DataRevision, DenyReason, LayerAct, LayerId, Question};

use crate::{
    definition::{
        ChangeError, ChangeKey, Contradiction, DefinitionChange, DefinitionVersion, Examination,
        LayerDefinition,
    },
    edit::{Intent, RequestKey},
    permit::{Renewal, StructurePermit},
    ports::{Authorizer, Call, LayerStore, Redefined, Redefinition, StoreError, StoredLayer},
    service::{AskError, LayerData},
    value::DateTime,
};

/// A change of a layer's structure, as it is asked for.
#[derive(Clone, Debug)]
pub struct StructureChange {
    /// The layer.
    pub layer: LayerId,
    /// The form of the definition that the caller has seen: another one's change is not overwritten.
    pub expected: DefinitionVersion,
    /// The changes, one after the other, all or none.
    pub changes: Vec<DefinitionChange>,
    /// Whether anything is to change.
    pub intent: Intent,
    /// Recognises a retry, until the next change (R109).
    pub request: Option<RequestKey>,
}

/// Why a structure was not changed, or not shown.
#[derive(Debug, thiserror::Error)]
pub enum StructureError {
    /// Authorization's answer does not let the call begin.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The layer does not exist, or the caller may not know that it does (R40).
    #[error("layer `{0}` does not exist")]
    NoSuchLayer(LayerId),
    /// The caller may not change the structure.
    #[error("changing the structure of layer `{layer}` is not permitted")]
    NotPermitted {
        /// The layer.
        layer: LayerId,
        /// Why.
        reason: DenyReason,
    },
    /// Somebody else changed the definition before.
    #[error("the definition was changed by somebody else")]
    Stale(DefinitionVersion),
    /// The changes make no definition.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// Elements contradict the changed definition (R46).
    #[error("elements of the layer contradict the change")]
    Contradicted(Vec<Contradiction>),
    /// The permits ran out before the commit.
    #[error("the change could not be committed in time")]
    PermitsExpired,
    /// The storage did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> LayerData<S, A, R> {
    /// Changes a layer's definition, or with [`Intent::Validate`] tells what it would become. Every change makes a new
    /// version of it.
    ///
    /// # Errors
    /// [`StructureError`], with nothing changed.
    pub async fn change_structure(
        &self,
        call: &Call,
        change: StructureChange,
    ) -> Result<StoredLayer, StructureError> {
        let (_, actor) = self.structure_permit(call, change.layer).await?;
        let stored = self.stored_structure(change.layer).await?;
        let StructureChange {
            layer,
            expected,
            changes,
            intent,
            request,
        } = change;
        let made_by = request.map(|request| ChangeKey { actor, request });
        if is_retry(&stored.definition, made_by)? {
            return Ok(stored);
        }
        let current = stored.definition.version();
        if current != expected {
            return Err(StructureError::Stale(current));
        }
        let now = DateTime::now();
        let definition = stored.definition.changed(changes, made_by, now)?;
        let examined = self.examined(call, &stored, &definition).await?;
        if intent == Intent::Validate {
            return Ok(StoredLayer {
                definition: Arc::new(definition),
                ..stored
            });
        }
        let redefine = |permit, renewal| Redefinition {
            permit,
            renewal,
            from: expected,
            definition,
            examined,
        };
        match self.redefine(call, layer, redefine).await {
            Err(StructureError::Stale(current)) => {
                self.made_meanwhile(layer, made_by, current).await
            }
            made => made,
        }
    }

    /// What became of a change that somebody else's came before: that may have been the same request.
    async fn made_meanwhile(
        &self,
        layer: LayerId,
        made_by: Option<ChangeKey>,
        current: DefinitionVersion,
    ) -> Result<StoredLayer, StructureError> {
        let stored = self.stored_structure(layer).await?;
        if is_retry(&stored.definition, made_by)? {
            Ok(stored)
        } else {
            Err(StructureError::Stale(current))
        }
    }

    /// Shows a layer's structure, with what was dropped from it, to whoever may change it.
    ///
    /// # Errors
    /// [`StructureError`].
    pub async fn structure(
        &self,
        call: &Call,
        layer: LayerId,
    ) -> Result<StoredLayer, StructureError> {
        self.structure_permit(call, layer).await?;
        self.stored_structure(layer).await
    }

    async fn structure_permit(
        &self,
        call: &Call,
        layer: LayerId,
    ) -> Result<(StructurePermit, ActorId), StructureError> {
        let question = Question::Layer(layer, LayerAct::ChangeStructure);
        let answer = self.ask(call, &[question]).await?;
        let decision = answer.decisions.first().copied();
        let decision = decision.ok_or(AskError::Unavailable)?;
        match StructurePermit::from_decision(layer, decision, answer.valid_until) {
            Ok(permit) => Ok((permit, answer.actor)),
            Err(DenyReason::NotVisible) => Err(StructureError::NoSuchLayer(layer)),
            Err(reason) => Err(StructureError::NotPermitted { layer, reason }),
        }
    }

    async fn stored_structure(&self, layer: LayerId) -> Result<StoredLayer, StructureError> {
        let stored = self.store.layer(layer).await?;
        // Permitted and not stored: the registry knows a layer that this storage has lost.
        Ok(stored.ok_or(StoreError::LayerMissing(layer))?)
    }

    /// Looks at the elements that the layer has, and answers up to which revision they satisfy the new definition.
    async fn examined(
        &self,
        call: &Call,
        stored: &StoredLayer,
        definition: &LayerDefinition,
    ) -> Result<DataRevision, StructureError> {
        let examination = Examination::of(&stored.definition, definition);
        if examination.is_needless() {
            return Ok(DataRevision::default());
        }
        let since = DataRevision::default();
        let looked = self
            .store
            .examine(stored.layer, examination, since, call.deadline);
        let (examination, revision) = looked.await.map_err(|error| unanswered(call, error))?;
        match examination.contradictions() {
            none if none.is_empty() => Ok(revision),
            found => Err(StructureError::Contradicted(found)),
        }
    }

    /// Makes the change, and answers for the right to it as long as that takes.
    async fn redefine(
        &self,
        call: &Call,
        layer: LayerId,
        change: impl FnOnce(StructurePermit, Renewal) -> Redefinition,
    ) -> Result<StoredLayer, StructureError> {
        // Looking at the elements may have taken longer than a permit lives.
        let (permit, _) = self.structure_permit(call, layer).await?;
        let (renewal, mut asked) = Renewal::answered();
        let mut making = pin!(self.store.redefine(change(permit, renewal)));
        let mut refused = None;
        let made = loop {
            match select(&mut making, asked.next()).await {
                Either::Left((made, _)) => break made,
                Either::Right((Some(request), _)) => {
                    match self.structure_permit(call, layer).await {
                        // Whoever asked may have given up.
                        Ok((permit, _)) => drop(request.send(permit)),
                        Err(error) => refused = Some(error),
                    }
                }
                Either::Right((None, _)) => break making.await,
            }
        };
        match made {
            Ok(Redefined::Done(stored)) => Ok(stored),
            Ok(Redefined::Stale(current)) => Err(StructureError::Stale(current)),
            Ok(Redefined::Contradicted(found)) => Err(StructureError::Contradicted(found)),
            Err(StoreError::PermitExpired) => {
                Err(refused.unwrap_or(StructureError::PermitsExpired))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether the definition is what this very request made of it.
fn is_retry(
    definition: &LayerDefinition,
    request: Option<ChangeKey>,
) -> Result<bool, StructureError> {
    let (Some(asked), Some(known)) = (request, definition.made_by()) else {
        return Ok(false);
    };
    if asked.actor != known.actor || asked.request.id != known.request.id {
        Ok(false)
    } else if asked.request.content == known.request.content {
        Ok(true)
    } else {
        Err(StoreError::RequestReused.into())
    }
}

/// A storage that did not answer by the deadline was not given the time to.
fn unanswered(call: &Call, error: StoreError) -> StructureError {
    if Instant::now() < call.deadline {
        error.into()
    } else {
        AskError::DeadlineExceeded.into()
    }
}
