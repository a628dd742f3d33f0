//! The store as the source and the destination of a move.

use std::num::NonZeroU32;

use jmap_domain::{ActorId, DataRevision, ElementId, LayerId};
use layer_data_core::{
    edit::{RequestKey, StoredAnswer},
    element::ElementRecord,
    history::{VersionKey, VersionRecord, Versions},
    ports::{Archive, Arrival, ChunkLimit, LayerRecord, Occupant, RequestRecord, StoreError},
    query::CheckedQuery,
    value::DateTime,
};
use sqlx::{FromRow, SqliteExecutor};

use crate::{
    GeoPackage,
    error::{store_error, unexpected},
    layers, read,
    readers::Reader,
    replay, rows,
    writer::{State, begin, find},
};

impl Archive for GeoPackage {
    async fn occupant(&self) -> Result<Occupant, StoreError> {
        let mut reader = self.reader().await?;
        occupant(&mut *reader).await.map_err(store_error)
    }

    async fn layer_record(&self, id: LayerId) -> Result<LayerRecord, StoreError> {
        let (layer, _) = self.found(id)?;
        let query = sqlx::query_as(include_str!("../sql/layer_record.sql")).bind(id.get());
        let mut reader = self.reader().await?;
        let row: Option<(i64, i64, Option<String>, i64)> = query
            .fetch_optional(&mut *reader)
            .await
            .map_err(store_error)?;
        let (revision, next_element, identifier, edited) =
            row.ok_or(StoreError::LayerMissing(id))?;
        let identifier = identifier.unwrap_or_default();
        let label = identifier.strip_prefix(&format!("{id} "));
        Ok(LayerRecord {
            layer: id,
            label: label.unwrap_or_default().to_owned(),
            definition: (*layer.definition).clone(),
            created: layer.created,
            revision: DataRevision::new(revision)
                .ok_or_else(|| unexpected("a negative revision"))?,
            next_element,
            edited: DateTime::from_millis(edited).map_err(unexpected)?,
            history: layer.history.get(),
        })
    }

    async fn last_element(&self, layer: LayerId) -> Result<Option<ElementId>, StoreError> {
        let (layer, _) = self.found(layer)?;
        let mut sql = layer.table.last();
        let query = sql.build_query_scalar();
        let mut reader = self.reader().await?;
        let last: Option<i64> = query.fetch_one(&mut *reader).await.map_err(store_error)?;
        last.map(ElementId::new).transpose().map_err(unexpected)
    }

    async fn replaced(
        &self,
        query: &CheckedQuery,
        after: Option<VersionKey>,
        limit: ChunkLimit,
    ) -> Result<Versions, StoreError> {
        let (layer, _) = self.found(query.layer())?;
        let mut reader = self.reader().await?;
        read::replaced(&mut reader, &layer, query, (after, limit)).await
    }

    async fn last_replaced(&self, layer: LayerId) -> Result<Option<VersionKey>, StoreError> {
        let (layer, _) = self.found(layer)?;
        let mut sql = layer.table.last_version();
        let query = sql.build_query_as();
        let last: Option<(i64, i64)> = query
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(store_error)?;
        let key = |(element, revision)| {
            let revision = DataRevision::new(revision);
            let revision = revision.ok_or_else(|| unexpected("a negative revision"))?;
            Ok((ElementId::new(element).map_err(unexpected)?, revision))
        };
        last.map(key).transpose()
    }

    async fn requests(
        &self,
        after: Option<&RequestRecord>,
        limit: NonZeroU32,
    ) -> Result<Vec<RequestRecord>, StoreError> {
        let (actor, id) = after.map_or((0, &[][..]), |last| (last.actor.get(), &last.key.id[..]));
        let query = sqlx::query_as(include_str!("../sql/list_requests.sql"));
        let query = query.bind(actor).bind(id).bind(limit.get());
        let mut reader = self.reader().await?;
        let rows: Vec<StoredRequest> = query.fetch_all(&mut *reader).await.map_err(store_error)?;
        rows.into_iter().map(StoredRequest::read).collect()
    }

    async fn take_in(&self, arrival: Arrival) -> Result<(), StoreError> {
        self.writer.take_in(arrival).await
    }
}

impl GeoPackage {
    async fn reader(&self) -> Result<Reader, StoreError> {
        self.readers.until(None).await.map_err(store_error)
    }
}

/// Whose the store is.
pub(crate) async fn occupant(db: impl SqliteExecutor<'_>) -> sqlx::Result<Occupant> {
    let query = sqlx::query_as(include_str!("../sql/occupant.sql"));
    let row: (Option<String>, bool) = query.fetch_one(db).await?;
    Ok(match row {
        (None, _) => Occupant::Nobody,
        (Some(installation), true) => Occupant::Arriving(installation),
        (Some(installation), false) => Occupant::Settled(installation),
    })
}

/// A remembered answer as it is stored.
#[derive(FromRow)]
struct StoredRequest {
    actor_id: i64,
    request_id: Vec<u8>,
    content: Vec<u8>,
    layers: String,
    answer: String,
    create_time: i64,
}

impl StoredRequest {
    fn read(self) -> Result<RequestRecord, StoreError> {
        let damaged = |_: Vec<u8>| unexpected("a remembered request is damaged");
        let layers: Vec<i64> = serde_json::from_str(&self.layers).map_err(unexpected)?;
        let layers = layers.into_iter().map(LayerId::new);
        Ok(RequestRecord {
            actor: ActorId::new(self.actor_id).map_err(unexpected)?,
            key: RequestKey {
                id: self.request_id.try_into().map_err(damaged)?,
                content: self.content.try_into().map_err(damaged)?,
            },
            layers: layers.collect::<Result<_, _>>().map_err(unexpected)?,
            answer: StoredAnswer::from_json(&self.answer).map_err(unexpected)?,
            created: DateTime::from_millis(self.create_time).map_err(unexpected)?,
        })
    }
}

/// Takes a part of a move in; the writing task's.
pub(crate) async fn take_in(state: &mut State, arrival: Arrival) -> Result<(), StoreError> {
    match arrival {
        Arrival::Begun(installation) => begin_arrival(state, &installation).await,
        Arrival::Layer(record) => {
            confirm_arriving(state).await?;
            layers::make(state, record).await.map(drop)
        }
        Arrival::Elements(layer, elements) => append(state, layer, &elements).await,
        Arrival::Versions(layer, versions) => append_versions(state, layer, &versions).await,
        Arrival::Requests(requests) => remember(state, &requests).await,
        Arrival::Finished => {
            let mut tx = begin(state).await?;
            let query = sqlx::query(include_str!("../sql/end_arrival.sql"));
            query.execute(&mut *tx).await.map_err(store_error)?;
            tx.commit().await.map_err(store_error)
        }
    }
}

async fn begin_arrival(state: &mut State, installation: &str) -> Result<(), StoreError> {
    let mut tx = begin(state).await?;
    let query = sqlx::query(include_str!("../sql/begin_arrival.sql")).bind(installation);
    let row = query.fetch_optional(&mut *tx).await.map_err(store_error)?;
    row.ok_or(StoreError::OtherInstallation)?;
    let query = sqlx::query(include_str!("../sql/forget_all_requests.sql"));
    query.execute(&mut *tx).await.map_err(store_error)?;
    tx.commit().await.map_err(store_error)
}

/// A store that is served takes nothing in.
async fn confirm_arriving(state: &mut State) -> Result<(), StoreError> {
    let occupant = occupant(state.connection().await?).await;
    match occupant.map_err(store_error)? {
        Occupant::Arriving(_) => Ok(()),
        Occupant::Nobody | Occupant::Settled(_) => Err(StoreError::OtherInstallation),
    }
}

async fn append(
    state: &mut State,
    layer: LayerId,
    elements: &[ElementRecord],
) -> Result<(), StoreError> {
    confirm_arriving(state).await?;
    let layer = find(state.catalogue(), layer)?;
    let elements: Vec<_> = elements.iter().map(ElementRecord::row).collect();
    let mut tx = begin(state).await?;
    rows::insert(&mut tx, &layer.table, &elements).await?;
    tx.commit().await.map_err(store_error)
}

async fn append_versions(
    state: &mut State,
    layer: LayerId,
    versions: &[VersionRecord],
) -> Result<(), StoreError> {
    confirm_arriving(state).await?;
    let layer = find(state.catalogue(), layer)?;
    let mut tx = begin(state).await?;
    for some in versions.chunks(rows::ROWS_PER_STATEMENT) {
        let mut sql = layer.table.insert_versions(some);
        sql.build().execute(&mut *tx).await.map_err(store_error)?;
    }
    tx.commit().await.map_err(store_error)
}

async fn remember(state: &mut State, requests: &[RequestRecord]) -> Result<(), StoreError> {
    confirm_arriving(state).await?;
    let mut tx = begin(state).await?;
    for request in requests {
        replay::put(&mut tx, &request.row()).await?;
    }
    tx.commit().await.map_err(store_error)
}
