//! A store in memory, for tests: the plainest thing that conforms.

mod edits;
mod feed;
mod past;
mod structure;
mod unique;

use std::{
    collections::{BTreeMap, HashMap},
    num::{NonZeroU32, NonZeroU64},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use event_listener::Event;
use jmap_domain::{ActorId, AttributeId, DataRevision, ElementId, LayerId};

use crate::{
    definition::{Examination, LayerDefinition},
    edit::{BatchOutcome, Holder, PermittedBatch, RequestKey, StoredAnswer},
    element::Element,
    feed::{FeedPart, FeedPlace, Seen},
    geometry::{Bounds, Geometry},
    history::{HistoryStart, Pruned, Touched, VersionEnd, Versions},
    ports::{
        Chunk, ChunkLimit, Count, LayerStore, NewLayer, Redefined, Redefinition, Removal, Rest,
        StoreError, StoredLayer, Summary,
    },
    query::{CheckedQuery, GeometryOutput, Mark},
    statistics::Tally,
    value::{DateTime, Value},
};

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<State>, Event);

#[derive(Clone, Debug, Default)]
struct State {
    installation: Option<String>,
    layers: BTreeMap<LayerId, Layer>,
    answers: HashMap<(ActorId, [u8; 16]), ([u8; 32], StoredAnswer)>,
}

#[derive(Clone, Debug)]
struct Layer {
    definition: Arc<LayerDefinition>,
    rows: BTreeMap<ElementId, Row>,
    replaced: BTreeMap<(ElementId, DataRevision), (Row, VersionEnd)>,
    created: DateTime,
    /// The time of the newest edit: stamps never go back.
    edited: DateTime,
    history: HistoryStart,
    next: i64,
    revision: DataRevision,
}

#[derive(Clone, Debug)]
struct Row {
    element: Element,
    geometry: Geometry,
}

impl Row {
    /// The value of an attribute, a dropped one as well; null of one that is gone.
    fn value(&self, definition: &LayerDefinition, id: AttributeId) -> &Value {
        let place = definition.place(id);
        place
            .and_then(|place| self.element.values.get(place))
            .unwrap_or(&Value::Null)
    }
}

impl MemoryStore {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LayerStore for MemoryStore {
    async fn bind_installation(&self, installation: &str) -> Result<(), StoreError> {
        let mut state = self.state();
        let bound = state
            .installation
            .get_or_insert_with(|| installation.to_owned());
        if bound == installation {
            Ok(())
        } else {
            Err(StoreError::OtherInstallation)
        }
    }

    async fn create_layer(&self, new: NewLayer) -> Result<StoredLayer, StoreError> {
        let mut state = self.state();
        if let Some(layer) = state.layers.get(&new.layer) {
            return if layer.definition.began_as(&new.definition) {
                Ok(layer.stored(new.layer))
            } else {
                Err(StoreError::LayerExists(new.layer))
            };
        }
        let created = DateTime::now();
        let layer = Layer {
            definition: Arc::new(new.definition),
            rows: BTreeMap::new(),
            replaced: BTreeMap::new(),
            created,
            edited: created,
            history: HistoryStart::new(created),
            next: 1,
            revision: DataRevision::default(),
        };
        let stored = layer.stored(new.layer);
        state.layers.insert(new.layer, layer);
        Ok(stored)
    }

    async fn drop_layer(&self, removal: Removal) -> Result<(), StoreError> {
        self.state().layers.remove(&removal.layer);
        self.1.notify(usize::MAX);
        Ok(())
    }

    async fn layer(&self, layer: LayerId) -> Result<Option<StoredLayer>, StoreError> {
        Ok(self
            .state()
            .layers
            .get(&layer)
            .map(|found| found.stored(layer)))
    }

    async fn layers(&self) -> Result<Vec<LayerId>, StoreError> {
        Ok(self.state().layers.keys().copied().collect())
    }

    async fn last_edit(&self, layer: LayerId) -> Result<Option<DateTime>, StoreError> {
        let state = self.state();
        let layer = state.found(layer)?;
        let was_edited = layer.revision != DataRevision::default();
        Ok(was_edited.then_some(layer.edited))
    }

    async fn edit(&self, batch: PermittedBatch) -> Result<StoredAnswer, StoreError> {
        let mut state = self.state();
        let mut tried = state.clone();
        let answer = tried.edit(&batch)?;
        if !batch.is_valid_at(Instant::now()) {
            return Err(StoreError::PermitExpired);
        }
        if answer.outcome == BatchOutcome::Committed {
            *state = tried;
            self.1.notify(usize::MAX);
        }
        Ok(answer)
    }

    async fn remembered(
        &self,
        actor: ActorId,
        request: RequestKey,
    ) -> Result<Option<StoredAnswer>, StoreError> {
        self.state().remembered(actor, request)
    }

    async fn examine(
        &self,
        layer: LayerId,
        mut examination: Examination,
        since: DataRevision,
        _deadline: Instant,
    ) -> Result<(Examination, DataRevision), StoreError> {
        let state = self.state();
        let found = state.layers.get(&layer);
        let found = found.ok_or(StoreError::LayerMissing(layer))?;
        found.examine(&mut examination, since);
        Ok((examination, found.revision))
    }

    async fn redefine(&self, change: Redefinition) -> Result<Redefined, StoreError> {
        let may_commit = change.may_commit().await;
        let mut state = self.state();
        let id = change.permit.layer();
        let layer = state.layers.get_mut(&id);
        let layer = layer.ok_or(StoreError::LayerMissing(id))?;
        let current = layer.definition.version();
        if current != change.from {
            return Ok(Redefined::Stale(current));
        }
        let mut examination = Examination::of(&layer.definition, &change.definition);
        layer.examine(&mut examination, change.examined);
        let contradictions = examination.contradictions();
        if !contradictions.is_empty() {
            return Ok(Redefined::Contradicted(contradictions));
        }
        if !may_commit {
            return Err(StoreError::PermitExpired);
        }
        layer.redefine(change.definition);
        self.1.notify(usize::MAX);
        Ok(Redefined::Done(layer.stored(id)))
    }

    async fn holders(
        &self,
        layer: LayerId,
        key: AttributeId,
        values: &[Value],
        _deadline: Instant,
    ) -> Result<Vec<Holder>, StoreError> {
        let state = self.state();
        let found = state.found(layer)?;
        if !found.definition.fits(key, values) {
            return Err(StoreError::DefinitionChanged(layer));
        }
        Ok(found.holders(key, values))
    }

    async fn read(
        &self,
        query: &CheckedQuery,
        after: Option<&Mark>,
        limit: ChunkLimit,
        _deadline: Instant,
    ) -> Result<Chunk, StoreError> {
        let state = self.state();
        let layer = state.asked(query)?;
        let mut chunk = Chunk {
            elements: Vec::new(),
            rest: Rest::End,
            revision: layer.revision,
        };
        let (mut bytes, mut last) = (0, None);
        for (mark, row) in layer.sorted(query, after) {
            if let Some(last) = last.take()
                && (chunk.elements.len() >= limit.rows.get() as usize || bytes >= limit.bytes)
            {
                chunk.rest = Rest::After(last);
                break;
            }
            bytes += row.geometry.wkb().len();
            chunk.elements.push(layer.output(query, row));
            last = Some(mark);
        }
        Ok(chunk)
    }

    async fn versions(
        &self,
        query: &CheckedQuery,
        after: Option<DataRevision>,
        limit: ChunkLimit,
        _deadline: Instant,
    ) -> Result<Versions, StoreError> {
        let state = self.state();
        let layer = state.asked(query)?;
        let mut versions = layer.versions(query);
        versions.retain(|version| Some(version.element.revision) > after);
        let more = versions.len() > limit.rows.get() as usize;
        versions.truncate(limit.rows.get() as usize);
        Ok(Versions { versions, more })
    }

    async fn newest(&self, layer: LayerId) -> Result<FeedPlace, StoreError> {
        self.state().found(layer).map(Layer::newest)
    }

    async fn feed(
        &self,
        query: &CheckedQuery,
        after: FeedPlace,
        limit: ChunkLimit,
        _deadline: Instant,
    ) -> Result<FeedPart, StoreError> {
        let state = self.state();
        let layer = state.asked(query)?;
        Ok(layer.feed(query, after, limit))
    }

    async fn news(&self, layer: LayerId, seen: Seen) {
        self.wait_for_news(layer, seen).await;
    }

    async fn prune(
        &self,
        layer: LayerId,
        now: DateTime,
        limit: NonZeroU32,
    ) -> Result<Pruned, StoreError> {
        let mut state = self.state();
        let found = state.layers.get_mut(&layer);
        let found = found.ok_or(StoreError::LayerMissing(layer))?;
        Ok(found.prune(now, limit))
    }

    async fn trail(
        &self,
        query: &CheckedQuery,
        touched: &Touched,
        limit: ChunkLimit,
        _deadline: Instant,
    ) -> Result<Versions, StoreError> {
        let state = self.state();
        let layer = state.asked(query)?;
        let mut versions = layer.trail(query, touched);
        let more = versions.len() > limit.rows.get() as usize;
        versions.truncate(limit.rows.get() as usize);
        Ok(Versions { versions, more })
    }

    async fn summarize(
        &self,
        query: &CheckedQuery,
        _deadline: Instant,
    ) -> Result<Summary, StoreError> {
        let state = self.state();
        let layer = state.asked(query)?;
        let found: Vec<Bounds> = layer
            .state(query.as_of())
            .into_values()
            .filter(|row| layer.selects(query, row))
            .map(|row| row.geometry.bounds())
            .collect();
        let (count, revision) = (found.len() as u64, layer.revision);
        Ok(Summary {
            count,
            extent: found.into_iter().reduce(Bounds::union),
            revision,
        })
    }

    async fn count(
        &self,
        query: &CheckedQuery,
        cap: NonZeroU64,
        deadline: Instant,
    ) -> Result<(Count, DataRevision), StoreError> {
        let summary = self.summarize(query, deadline).await?;
        let counted = summary.count.min(cap.get().saturating_add(1));
        Ok((Count::capped(counted, cap), summary.revision))
    }

    async fn tally(
        &self,
        query: &CheckedQuery,
        mut tally: Tally,
        _deadline: Instant,
    ) -> Result<(Tally, DataRevision), StoreError> {
        let state = self.state();
        let layer = state.asked(query)?;
        let state = layer.state(query.as_of()).into_values();
        for row in state.filter(|row| layer.selects(query, row)) {
            let element = layer.output(query, row);
            let bounds = element.geometry.map(|_| row.geometry.bounds());
            if tally.add(&element.values, bounds).is_break() {
                break;
            }
        }
        Ok((tally, layer.revision))
    }
}

impl State {
    fn found(&self, layer: LayerId) -> Result<&Layer, StoreError> {
        let found = self.layers.get(&layer);
        found.ok_or(StoreError::LayerMissing(layer))
    }

    fn asked(&self, query: &CheckedQuery) -> Result<&Layer, StoreError> {
        let layer = self.found(query.layer())?;
        let is_of = query.is_of(&layer.definition);
        is_of
            .then_some(layer)
            .ok_or(StoreError::DefinitionChanged(query.layer()))
    }

    fn edit(&mut self, batch: &PermittedBatch) -> Result<StoredAnswer, StoreError> {
        if let Some(request) = batch.request
            && let Some(answer) = self.remembered(batch.actor, request)?
        {
            return Ok(answer);
        }
        let mut revisions = BTreeMap::new();
        let mut results = Vec::new();
        for edit in &batch.edits {
            let id = edit.permit().layer();
            let layer = self
                .layers
                .get_mut(&id)
                .ok_or(StoreError::LayerMissing(id))?;
            if !edit.edit().fits(layer.definition.version()) {
                return Err(StoreError::DefinitionChanged(id));
            }
            let revision = *revisions.entry(id).or_insert_with(|| layer.revision.next());
            layer.revision = revision;
            layer.edited = layer.edited.max(DateTime::now());
            results.push((edit.index(), layer.edit(edit)));
        }
        let answer = StoredAnswer::conclude(batch, results);
        if let Some(RequestKey { id, content }) = batch.request {
            let kept = (content, answer.clone());
            self.answers.insert((batch.actor, id), kept);
        }
        Ok(answer)
    }

    fn remembered(
        &self,
        actor: ActorId,
        RequestKey { id, content }: RequestKey,
    ) -> Result<Option<StoredAnswer>, StoreError> {
        match self.answers.get(&(actor, id)) {
            Some((known, _)) if *known != content => Err(StoreError::RequestReused),
            known => Ok(known.map(|(_, answer)| answer.clone())),
        }
    }
}

impl Layer {
    fn stored(&self, layer: LayerId) -> StoredLayer {
        let definition = Arc::clone(&self.definition);
        StoredLayer {
            layer,
            definition,
            created: self.created,
            revision: self.revision,
            history: self.history,
        }
    }

    /// The rows of a query after a mark, each with its own.
    fn sorted(&self, query: &CheckedQuery, after: Option<&Mark>) -> Vec<(Mark, &Row)> {
        let order = query.order();
        let state = self.state(query.as_of()).into_values();
        let selected = state.filter(|row| self.selects(query, row));
        let marked = selected.map(|row| {
            let mark = order.mark(row.element.id, &|id| row.value(&self.definition, id));
            (mark, row)
        });
        let is_after =
            |(mark, _): &(Mark, &Row)| after.is_none_or(|after| order.compare(mark, after).is_gt());
        let mut rows: Vec<_> = marked.filter(is_after).collect();
        rows.sort_by(|(left, _), (right, _)| order.compare(left, right));
        rows
    }

    fn selects(&self, query: &CheckedQuery, row: &Row) -> bool {
        let value_of = |id| row.value(&self.definition, id);
        query.ids().is_none_or(|ids| ids.contains(&row.element.id))
            && query.meets_boxes(&row.geometry.bounds())
            && query
                .spatial()
                .is_none_or(|spatial| spatial.holds(row.geometry.wkb()))
            && query
                .condition()
                .is_none_or(|condition| condition.holds(&value_of))
    }

    fn output(&self, query: &CheckedQuery, row: &Row) -> Element {
        let geometry = match query.geometry() {
            GeometryOutput::Include => Some(row.geometry.wkb().to_vec()),
            GeometryOutput::Omit => None,
        };
        let values = query
            .attributes()
            .iter()
            .map(|id| row.value(&self.definition, *id).clone())
            .collect();
        Element {
            geometry,
            values,
            ..row.element.clone()
        }
    }
}
