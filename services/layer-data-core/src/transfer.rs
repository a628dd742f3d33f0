//! Import: rows come in batches, each decided by a fresh answer, each row standing for itself.
//!
//! Export is a read with another purpose ([`crate::reads::ReadPurpose::Export`]). A copy from layer to layer
//! ([`crate::copy`]) is both.

mod keys;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use jmap_domain::{Decision, DenyReason, LayerAct, LayerId, Permission, Question};

use crate::{
    definition::LayerDefinition,
    edit::{
        Edit, EditMode, EditRefusal, EditResult, Intent, PermittedBatch, PermittedEdit, RequestKey,
        StoredAnswer, WrongPermit,
    },
    element::{AttributeRef, ElementInput, NewElement, ValueSource},
    geometry::SingleToMulti,
    permit::{Permit, Validity},
    ports::{Authorizer, Call, LayerStore, StoreError, StoredLayer},
    service::{AskError, LayerData, elements},
    turns::Turns,
    value::Value,
};

use keys::FileKeys;
pub use keys::MAX_KEYS;

/// How many rows make a good batch.
pub const IMPORT_BATCH: usize = 2_000;

/// How often a batch is written under fresh permits before it is made smaller.
const ATTEMPTS: usize = 3;

/// Why an import ended early.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Authorization's answer does not let the import begin or go on.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The layer does not exist, or the caller may not know that it does (R40).
    #[error("layer `{0}` does not exist")]
    NoSuchLayer(LayerId),
    /// The caller may not add elements, or not copy those of the layer that they come from.
    #[error("`{permission}` is not permitted on layer `{layer}`")]
    NotPermitted {
        /// The layer.
        layer: LayerId,
        /// What is missing.
        permission: Permission,
        /// Why.
        reason: DenyReason,
    },
    /// Permits ran out before the commit again and again.
    #[error("the rows could not be committed in time")]
    PermitsExpired,
    /// The layer's definition was changed again and again meanwhile.
    #[error("the layer's definition is being changed")]
    DefinitionChanges,
    /// More values of unique attributes than can be compared before the first row is written.
    #[error("a file that is taken as a whole has at most {MAX_KEYS} values of unique attributes")]
    TooManyKeys,
    /// The storage did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A mistake of ours.
    #[error(transparent)]
    WrongPermit(#[from] WrongPermit),
}

/// A row of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportRow {
    /// Its number in the file, from 1.
    pub row: u64,
    /// The element in it.
    pub element: ElementInput,
}

/// A row that was not taken.
#[derive(Clone, Debug, PartialEq)]
pub struct RowRefusal {
    /// Its number in the file, from 1.
    pub row: u64,
    /// Why.
    pub refusal: EditRefusal,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// Elements that were created, or would have been.
    pub created: u64,
    /// Of these, single geometries that became multi geometries.
    pub promoted: u64,
    /// Of these, polygons that were not valid and were repaired.
    pub repaired: u64,
    /// Rows that were not taken.
    pub refused: u64,
}

/// Most rows that are named because their polygons were repaired.
pub const MAX_REPAIRED_ROWS: usize = 20;

/// An import on its way. Whoever runs it created each element (R54).
#[derive(Debug)]
pub struct Import<S, A, R> {
    service: LayerData<S, A, R>,
    call: Call,
    layer: StoredLayer,
    /// The definition that the rows are given by.
    began: Arc<LayerDefinition>,
    from: Option<LayerId>,
    intent: Intent,
    /// How many rows are written at once.
    batch: usize,
    counts: ImportCounts,
    repaired: Vec<u64>,
    /// What the rows have of unique attributes, while none is written.
    keys: FileKeys,
}

/// What the answer for a batch allows.
pub(crate) struct Terms {
    permit: Permit,
    pub(crate) source: ValueSource,
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> LayerData<S, A, R> {
    /// Begins an import. With [`Intent::Validate`] rows are checked and none is written: the first of two passes
    /// when one bad row is to refuse the file.
    ///
    /// # Errors
    /// [`ImportError`].
    pub async fn import(
        &self,
        call: &Call,
        layer: LayerId,
        intent: Intent,
    ) -> Result<Import<S, A, R>, ImportError> {
        self.import_from(call, (None, layer), intent).await
    }

    /// The same, of elements that come from another layer: the answer for a batch is about both (R38, R39).
    pub(crate) async fn import_from(
        &self,
        call: &Call,
        (from, layer): (Option<LayerId>, LayerId),
        intent: Intent,
    ) -> Result<Import<S, A, R>, ImportError> {
        self.import_terms(call, (from, layer)).await?;
        let layer = self
            .store
            .layer(layer)
            .await?
            .ok_or(StoreError::LayerMissing(layer))?;
        Ok(Import {
            service: self.clone(),
            call: call.clone(),
            began: Arc::clone(&layer.definition),
            layer,
            from,
            intent,
            batch: IMPORT_BATCH,
            counts: ImportCounts::default(),
            repaired: Vec::new(),
            keys: FileKeys::default(),
        })
    }

    pub(crate) async fn import_terms(
        &self,
        call: &Call,
        (from, layer): (Option<LayerId>, LayerId),
    ) -> Result<Terms, ImportError> {
        let permission = Permission::AddElements;
        let structure = Question::Layer(layer, LayerAct::ChangeStructure);
        let mut questions = vec![elements(layer, permission), structure];
        if let Some(from) = from {
            let needed = [Permission::View, Permission::CopyExport];
            questions.extend(needed.map(|needed| elements(from, needed)));
        }
        let answer = self.ask(call, &questions).await?;
        let mut decisions = answer.decisions.into_iter();
        let decision = decisions.next().ok_or(AskError::Unavailable)?;
        // Read-only attributes are for those who could change the structure anyway (R105).
        let source = match decisions.next() {
            Some(Decision::All) => ValueSource::Administrator,
            Some(Decision::Own { creator: _ } | Decision::Denied(_)) | None => ValueSource::Client,
        };
        if let Some(from) = from {
            may_be_copied(from, decisions)?;
        }
        let validity = Validity {
            actor: answer.actor,
            until: answer.valid_until,
        };
        match Permit::from_decision(layer, permission, decision, validity) {
            Ok(permit) => Ok(Terms { permit, source }),
            Err(DenyReason::NotVisible) => Err(ImportError::NoSuchLayer(layer)),
            Err(reason) => Err(ImportError::NotPermitted {
                layer,
                permission,
                reason,
            }),
        }
    }
}

/// Reads the decisions about *view* and *copy / export*. Copying is not narrowed to own elements (R52).
fn may_be_copied(
    layer: LayerId,
    mut decisions: impl Iterator<Item = Decision>,
) -> Result<(), ImportError> {
    let (view, copy) = (decisions.next(), decisions.next());
    let reason = match (view, copy) {
        (Some(Decision::All), Some(Decision::All)) => return Ok(()),
        (Some(Decision::All), Some(Decision::Denied(reason))) => reason,
        (Some(Decision::All), Some(Decision::Own { creator: _ }) | None) => DenyReason::NoGrant,
        (Some(Decision::Own { creator: _ } | Decision::Denied(_)) | None, _) => {
            return Err(ImportError::NoSuchLayer(layer));
        }
    };
    Err(ImportError::NotPermitted {
        layer,
        permission: Permission::CopyExport,
        reason,
    })
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> Import<S, A, R> {
    /// The definition that the import began with, for whoever reads the file: rows are given by it to the end.
    #[must_use]
    pub fn definition(&self) -> &LayerDefinition {
        &self.began
    }

    /// How far the import is.
    #[must_use]
    pub const fn counts(&self) -> ImportCounts {
        self.counts
    }

    /// The first rows whose polygons were repaired; at most [`MAX_REPAIRED_ROWS`].
    #[must_use]
    pub fn repaired_rows(&self) -> &[u64] {
        &self.repaired
    }

    /// Takes some rows, best about [`IMPORT_BATCH`] of them, and answers those that were not taken.
    ///
    /// # Errors
    /// [`ImportError`], after which the import is over. Rows taken before stay.
    pub async fn push(&mut self, rows: Vec<ImportRow>) -> Result<Vec<RowRefusal>, ImportError> {
        let (mut refused, mut rest) = (Vec::new(), rows.as_slice());
        while !rest.is_empty() {
            let (next, later) = rest.split_at(self.batch.min(rest.len()));
            match self.push_once(next, None).await {
                Ok(more) => {
                    refused.extend(more);
                    rest = later;
                    self.batch = IMPORT_BATCH.min(self.batch * 2);
                }
                // None of them was taken. Fewer are written in time, however busy the machine is.
                Err(ImportError::PermitsExpired) if next.len() > 1 => {
                    self.batch = next.len().div_ceil(4);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(refused)
    }

    /// The same at once; what was taken under this request before is not taken again (R109).
    pub(crate) async fn push_once(
        &mut self,
        rows: &[ImportRow],
        request: Option<RequestKey>,
    ) -> Result<Vec<RowRefusal>, ImportError> {
        for _ in 0..ATTEMPTS {
            match self.take(rows, request).await {
                // They are checked once more, against the new definition (R114).
                Err(ImportError::Store(StoreError::DefinitionChanged(_))) => self.reload().await?,
                done => return done,
            }
        }
        Err(ImportError::DefinitionChanges)
    }

    async fn reload(&mut self) -> Result<(), ImportError> {
        let id = self.layer.layer;
        let layer = self.service.store.layer(id).await?;
        self.layer = layer.ok_or(StoreError::LayerMissing(id))?;
        Ok(())
    }

    /// The row by the types that attributes have by now, where they became wider since the import began (R114).
    fn fitted<'e>(&self, element: &'e ElementInput) -> Cow<'e, ElementInput> {
        let now = &self.layer.definition;
        if self.began.version() == now.version() {
            return Cow::Borrowed(element);
        }
        let value = |(name, value): &(AttributeRef, Value)| {
            let kinds = name.find(now).and_then(|(_, now)| {
                let (_, was) = self.began.attribute(now.id)?;
                Some((was.kind, now.kind))
            });
            let wider = kinds.and_then(|(was, now)| {
                let is_as_it_was = value.kind() == Some(was);
                is_as_it_was.then(|| value.widened(now)).flatten()
            });
            (name.clone(), wider.unwrap_or_else(|| value.clone()))
        };
        Cow::Owned(ElementInput {
            geometry: element.geometry.clone(),
            values: element.values.iter().map(value).collect(),
        })
    }

    async fn take(
        &mut self,
        rows: &[ImportRow],
        request: Option<RequestKey>,
    ) -> Result<Vec<RowRefusal>, ImportError> {
        let layers = (self.from, self.layer.layer);
        let terms = self.service.import_terms(&self.call, layers).await?;
        let (mut refused, mut elements) = (BTreeMap::new(), Vec::with_capacity(rows.len()));
        let mut turns = Turns::default();
        for (place, ImportRow { row: _, element }) in (0..).zip(rows) {
            turns.looked_at(element.geometry.len()).await;
            let definition = &self.layer.definition;
            let element = self.fitted(element);
            match element.check(definition, terms.source, SingleToMulti::Promote) {
                Ok(element) => elements.push((place, element)),
                Err(error) => {
                    refused.insert(place, error.into());
                }
            }
        }
        if self.intent == Intent::Validate {
            self.check_keys(&mut elements, &mut refused).await?;
        }
        let promoted = elements
            .iter()
            .filter(|(_, element)| element.geometry().was_promoted())
            .count();
        let repaired = elements
            .iter()
            .filter(|(_, new)| new.geometry().was_repaired());
        let repaired = repaired.filter_map(|(place, _)| rows.get(*place as usize));
        let repaired: Vec<u64> = repaired.map(|row| row.row).collect();
        let created = if self.intent == Intent::Commit && !elements.is_empty() {
            let answer = self.write(elements, terms.permit, request).await?;
            sort_out(answer, &mut refused)
        } else {
            elements.len()
        };
        self.counts.created += created as u64;
        self.counts.promoted += promoted as u64;
        self.counts.repaired += repaired.len() as u64;
        self.repaired.extend(repaired);
        self.repaired.truncate(MAX_REPAIRED_ROWS);
        self.counts.refused += rows.len().saturating_sub(created) as u64;
        let refusals = (0..)
            .zip(rows)
            .filter_map(|(place, ImportRow { row, element: _ })| {
                let refusal = refused.remove(&place)?;
                Some(RowRefusal { row: *row, refusal })
            });
        Ok(refusals.collect())
    }

    async fn write(
        &self,
        elements: Vec<(u32, NewElement)>,
        mut permit: Permit,
        request: Option<RequestKey>,
    ) -> Result<StoredAnswer, ImportError> {
        let created = elements.into_iter();
        let created = created.map(|(place, new)| (place, Arc::new(Edit::Create(new))));
        let created: Vec<_> = created.collect();
        for _ in 0..ATTEMPTS {
            let permitted = created
                .iter()
                .map(|(place, edit)| PermittedEdit::new(*place, permit, Arc::clone(edit)));
            let batch = PermittedBatch {
                edits: permitted.collect::<Result<_, _>>()?,
                actor: permit.actor(),
                mode: EditMode::Partial,
                intent: Intent::Commit,
                request,
            };
            match self.service.store.edit(batch).await {
                Ok(answer) => return Ok(answer),
                Err(StoreError::PermitExpired) => {
                    let layers = (self.from, self.layer.layer);
                    permit = self.service.import_terms(&self.call, layers).await?.permit;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(ImportError::PermitsExpired)
    }
}

/// How many elements were created; those that were not are among the refused ones afterwards. What a retry is told was
/// done is, whatever it would be found to be now.
fn sort_out(answer: StoredAnswer, refused: &mut BTreeMap<u32, EditRefusal>) -> usize {
    let mut created = 0;
    for (place, result) in answer.results {
        match result {
            EditResult::Done(_) => {
                created += 1;
                refused.remove(&place);
            }
            EditResult::Refused(refusal) => {
                refused.insert(place, refusal);
            }
            EditResult::NotAttempted => {}
        }
    }
    created
}
