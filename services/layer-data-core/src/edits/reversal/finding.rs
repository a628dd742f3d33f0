//! The edits that bring the past back, as history tells them.

use std::num::{NonZeroU32, NonZeroU64};

use jmap_domain::{DataRevision, ElementId};

use super::{EditError, ReversalError};
use crate::{
    definition::LayerDefinition,
    edit::{Edit, EditRefusal, ExpectedRevision, Restored},
    element::{AttributeRef, ChangeInput, Element, InputError, fit},
    history::{AsOf, Deeds, Inverse, Touched, Version, kept},
    ports::{Authorizer, Call, ChunkLimit, LayerStore, StoredLayer},
    query::{CheckedQuery, GeometryOutput, OutputInput, QueryInput, SelectionInput},
    reads::ReadError,
    service::LayerData,
};

/// How many versions may be looked at for each edit that a call may make.
const VERSIONS_EACH: usize = 20;
/// Most bytes of values and geometries that a call writes: no message of edits has more.
const MOST_BYTES: usize = 8 << 20;

/// The edits that bring the past back, each of another element.
#[derive(Default)]
pub(super) struct Reversing {
    pub(super) edits: Vec<(ElementId, Edit)>,
    pub(super) conflicts: Vec<(ElementId, EditRefusal)>,
    bytes: usize,
}

impl Reversing {
    fn add(
        &mut self,
        element: ElementId,
        edit: Result<Option<Edit>, EditRefusal>,
    ) -> Result<(), ReadError> {
        match edit {
            Ok(edit) => {
                self.bytes += edit.as_ref().map_or(0, size);
                self.edits.extend(edit.map(|edit| (element, edit)));
            }
            Err(refusal) => self.conflicts.push((element, refusal)),
        }
        if self.bytes > MOST_BYTES {
            return Err(ReadError::TooLarge);
        }
        Ok(())
    }
}

/// The bytes that an edit writes and brings along; those of a restoration stay in the store.
fn size(edit: &Edit) -> usize {
    match edit {
        Edit::Update { patch, .. } => {
            let geometry = patch.geometry().map_or(0, |geometry| geometry.wkb().len());
            let values = patch.values().iter().map(|(_, value)| value.size());
            geometry + values.sum::<usize>()
        }
        Edit::Create(_) | Edit::Delete { .. } | Edit::Restore(_) => 0,
    }
}

/// A layer whose past is looked at.
pub(super) struct History<'a, S, A, R> {
    pub(super) service: &'a LayerData<S, A, R>,
    pub(super) call: &'a Call,
    pub(super) layer: &'a StoredLayer,
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> History<'_, S, A, R> {
    pub(super) async fn restoring(
        &self,
        elements: &[ElementId],
    ) -> Result<Reversing, ReversalError> {
        let most = self.service.limits.edits;
        if elements.len() > most {
            return Err(EditError::TooManyEdits(most).into());
        }
        let touched = Touched::Elements(elements.to_vec());
        let versions = self.trail(&touched).await?;
        let mut reversing = Reversing::default();
        for element in elements {
            let first = versions.partition_point(|version| version.element.id < *element);
            let its = versions.iter().skip(first);
            let its = its.take_while(|version| version.element.id == *element);
            let edit = match its.last() {
                None => Err(self.unknown(*element).await?),
                Some(last) => self.restoration(last).await?,
            };
            reversing.add(*element, edit.map(Some))?;
        }
        Ok(reversing)
    }

    pub(super) async fn undoing(&self, deeds: Deeds) -> Result<Reversing, ReversalError> {
        let before = match deeds {
            Deeds::Of(revision) => {
                kept(self.layer, Some(AsOf::Revision(revision)))?;
                AsOf::Revision(before(revision))
            }
            Deeds::By(_, since) => since,
        };
        kept(self.layer, Some(before))?;
        let versions = self.trail(&Touched::By(deeds)).await?;
        let (mut reversing, mut count) = (Reversing::default(), 0);
        for its in versions.chunk_by(|a, b| a.element.id == b.element.id) {
            let Some(Version { element, end: _ }) = its.first() else {
                continue;
            };
            count += 1;
            if count > self.service.limits.edits {
                return Err(too_many(self.service.limits.edits).into());
            }
            let edit = self.undo(element.id, deeds.inverse(its)).await?;
            reversing.add(element.id, edit)?;
        }
        // What was pruned meanwhile may be missing from what was found.
        let layer = self.layer.layer;
        self.service.kept_still(layer, Some(before)).await?;
        // What goes gives its values up to what comes back.
        let stays = |edit: &Edit| !matches!(edit, Edit::Delete { .. });
        reversing.edits.sort_by_key(|(_, edit)| stays(edit));
        Ok(reversing)
    }

    async fn undo(
        &self,
        element: ElementId,
        inverse: Inverse,
    ) -> Result<Result<Option<Edit>, EditRefusal>, ReversalError> {
        Ok(match inverse {
            Inverse::Nothing => Ok(None),
            Inverse::Conflict(current) => Err(EditRefusal::Stale { element, current }),
            Inverse::Delete(revision) => Ok(Some(Edit::Delete {
                element,
                expected: ExpectedRevision::Revision(revision),
            })),
            Inverse::Restore { to, deleted } => {
                self.bring_back(element, (to, deleted)).await?.map(Some)
            }
            Inverse::Return { to, from } => {
                let (to, from) = (
                    self.version(element, to).await?,
                    self.version(element, from).await?,
                );
                let both = to.zip(from).ok_or(EditRefusal::NoSuchElement(element));
                both.and_then(|(was, is)| self.changing_back(was, &is))
            }
        })
    }

    /// The restoration of an element of which this is the last version.
    async fn restoration(
        &self,
        last: &Version,
    ) -> Result<Result<Edit, EditRefusal>, ReversalError> {
        let Version { element, end } = last;
        match end {
            Some(end) => {
                self.bring_back(element.id, (element.revision, end.revision))
                    .await
            }
            // It is not deleted.
            None => Ok(Err(EditRefusal::Stale {
                element: element.id,
                current: element.revision,
            })),
        }
    }

    async fn bring_back(
        &self,
        element: ElementId,
        (version, deleted): (DataRevision, DataRevision),
    ) -> Result<Result<Edit, EditRefusal>, ReversalError> {
        let definition = &self.layer.definition;
        let Some(was) = self.version(element, version).await? else {
            return Ok(Err(self.unknown(element).await?));
        };
        let restored = Restored {
            element,
            version,
            deleted,
            checked: definition.version(),
        };
        let fits = fit(&was.values, definition).and_then(|()| {
            let geometry = was.geometry.as_deref().unwrap_or_default();
            Ok(definition.geometry().demand(geometry)?)
        });
        Ok(fits
            .map(|()| Edit::Restore(restored))
            .map_err(EditRefusal::Input))
    }

    /// The change that makes of an element what it was.
    fn changing_back(&self, was: Element, is: &Element) -> Result<Option<Edit>, EditRefusal> {
        let (element, expected) = (is.id, ExpectedRevision::Revision(is.revision));
        match difference(&self.layer.definition, was, is).check(&self.layer.definition) {
            Ok(patch) => Ok(Some(Edit::Update {
                element,
                expected,
                patch,
            })),
            // Only attributes that the layer has no longer were changed.
            Err(InputError::EmptyChange) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Why an element is not known: it never was, unless its history was pruned.
    async fn unknown(&self, element: ElementId) -> Result<EditRefusal, ReadError> {
        let layer = self.layer.layer;
        let start = self.service.stored(layer).await?.history;
        let newest = self.service.store.newest(layer).await?;
        let may_have_been = element.get() < newest.next_element;
        if may_have_been && DataRevision::default() < start.revision {
            Err(ReadError::HistoryPruned(start))
        } else {
            Ok(EditRefusal::NoSuchElement(element))
        }
    }

    /// The versions of elements, in order, without geometries and values.
    async fn trail(&self, touched: &Touched) -> Result<Vec<Version>, ReadError> {
        let output = OutputInput {
            geometry: GeometryOutput::Omit,
            attributes: Some(Vec::new()),
            order: Vec::new(),
        };
        let query = self.query(None, output)?;
        let edits = self.service.limits.edits;
        let rows = u32::try_from(edits.saturating_mul(VERSIONS_EACH)).unwrap_or(u32::MAX);
        let limit = limit(NonZeroU32::new(rows).unwrap_or(NonZeroU32::MIN));
        let store = &self.service.store;
        let read = store.trail(&query, touched, limit, self.call.deadline);
        let read = read
            .await
            .map_err(|error| ReadError::unanswered(self.call, error))?;
        if read.more {
            return Err(too_many(edits));
        }
        Ok(read.versions)
    }

    /// An element as a revision made it.
    async fn version(
        &self,
        element: ElementId,
        revision: DataRevision,
    ) -> Result<Option<Element>, ReadError> {
        let query = self.query(Some(vec![element]), OutputInput::default())?;
        let (after, one) = (Some(before(revision)), limit(NonZeroU32::MIN));
        let store = &self.service.store;
        let read = store.versions(&query, after, one, self.call.deadline);
        let read = read
            .await
            .map_err(|error| ReadError::unanswered(self.call, error))?;
        let found = read.versions.into_iter().map(|version| version.element);
        Ok(found.into_iter().find(|found| found.revision == revision))
    }

    fn query(
        &self,
        ids: Option<Vec<ElementId>>,
        output: OutputInput,
    ) -> Result<CheckedQuery, ReadError> {
        let input = QueryInput {
            layer: self.layer.layer,
            selection: SelectionInput {
                ids,
                ..SelectionInput::default()
            },
            output,
            maximum: None,
        };
        Ok(input.check(&self.layer.definition)?)
    }
}

/// What of an element is not what it was.
fn difference(definition: &LayerDefinition, was: Element, is: &Element) -> ChangeInput {
    let values = was.values.into_iter().zip(&is.values);
    let values = values.zip(definition.attributes());
    let changed = values.filter(|((was, is), _)| was != *is);
    let changed = changed.map(|((was, _), attribute)| (AttributeRef::Id(attribute.id), was));
    ChangeInput {
        values: changed.collect(),
        geometry: was.geometry.filter(|was| is.geometry.as_ref() != Some(was)),
    }
}

const fn limit(rows: NonZeroU32) -> ChunkLimit {
    ChunkLimit {
        rows,
        bytes: usize::MAX,
    }
}

/// The revision before one; there is none before 0.
fn before(revision: DataRevision) -> DataRevision {
    DataRevision::new(revision.get() - 1).unwrap_or_default()
}

fn too_many(edits: usize) -> ReadError {
    let maximum = NonZeroU64::new(edits as u64).unwrap_or(NonZeroU64::MIN);
    ReadError::TooManyElements { maximum }
}
