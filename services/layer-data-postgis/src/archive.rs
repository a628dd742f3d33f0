//! The store as the source and the destination of a move.

use std::num::NonZeroU32;

use jmap_domain::{ActorId, DataRevision, ElementId, LayerId};
use jmap_postgres::Transaction;
use layer_data_core::{
    edit::{RequestKey, StoredAnswer},
    element::ElementRecord,
    history::{VersionKey, Versions},
    ports::{Archive, Arrival, ChunkLimit, LayerRecord, Occupant, RequestRecord, StoreError},
    query::CheckedQuery,
    value::DateTime,
};
use sqlx::{PgConnection, Row, postgres::PgRow};

use crate::{
    PostGis, copy,
    error::{answered, store_error, unexpected},
    layers, read, requests,
    store::Shared,
    values,
};

impl Archive for PostGis {
    async fn occupant(&self) -> Result<Occupant, StoreError> {
        let mut session = self.session().await?;
        let occupant = occupant(&mut session).await.map_err(store_error)?;
        session.done();
        Ok(occupant)
    }

    async fn layer_record(&self, id: LayerId) -> Result<LayerRecord, StoreError> {
        let (layer, _) = self.held()?.found(id)?;
        let mut session = self.session().await?;
        let query = sqlx::query_as(include_str!("../sql/layer_record.sql"));
        let query = query.bind(id.get()).bind(layer.table.name());
        let row: Option<(i64, i64, Option<String>, i64)> = query
            .fetch_optional(&mut *session)
            .await
            .map_err(store_error)?;
        session.done();
        let (revision, next_element, label, edited) = row.ok_or(StoreError::LayerMissing(id))?;
        Ok(LayerRecord {
            layer: id,
            label: label.unwrap_or_default(),
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
        let (layer, _) = self.held()?.found(layer)?;
        let mut session = self.session().await?;
        let mut sql = layer.table.last();
        let query = sql.build_query_scalar();
        let last: Option<i64> = query.fetch_one(&mut *session).await.map_err(store_error)?;
        session.done();
        last.map(ElementId::new).transpose().map_err(unexpected)
    }

    async fn replaced(
        &self,
        query: &CheckedQuery,
        after: Option<VersionKey>,
        limit: ChunkLimit,
    ) -> Result<Versions, StoreError> {
        let (layer, _) = self.held()?.found(query.layer())?;
        let session = self.session().await?;
        read::replaced(session, &layer, query, (after, limit)).await
    }

    async fn last_replaced(&self, layer: LayerId) -> Result<Option<VersionKey>, StoreError> {
        let (layer, _) = self.held()?.found(layer)?;
        let mut session = self.session().await?;
        let mut sql = layer.table.last_version();
        let query = sql.build_query_as().fetch_optional(&mut *session);
        let last: Option<(i64, i64)> = query.await.map_err(store_error)?;
        session.done();
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
        let mut session = self.session().await?;
        let (actor, id) = after.map_or((0, &[][..]), |last| (last.actor.get(), &last.key.id[..]));
        let query = sqlx::query(include_str!("../sql/list_requests.sql"));
        let query = query.bind(actor).bind(id).bind(i64::from(limit.get()));
        let rows = query.fetch_all(&mut *session).await.map_err(store_error)?;
        session.done();
        rows.iter().map(request).collect()
    }

    async fn take_in(&self, arrival: Arrival) -> Result<(), StoreError> {
        let shared = self.held()?;
        let taking = Box::pin(take_in(shared, arrival));
        answered(shared.database.patience(), taking).await
    }
}

/// Whose the store is.
pub(crate) async fn occupant(db: &mut PgConnection) -> sqlx::Result<Occupant> {
    let query = sqlx::query_as(include_str!("../sql/occupant.sql"));
    let row: (Option<String>, bool) = query.fetch_one(db).await?;
    Ok(match row {
        (None, _) => Occupant::Nobody,
        (Some(installation), true) => Occupant::Arriving(installation),
        (Some(installation), false) => Occupant::Settled(installation),
    })
}

fn request(row: &PgRow) -> Result<RequestRecord, StoreError> {
    let (actor, id, content): (i64, Vec<u8>, Vec<u8>) =
        sqlx::FromRow::from_row(row).map_err(store_error)?;
    let (layers, answer): (Vec<i64>, &str) = (
        row.try_get(3).map_err(store_error)?,
        row.try_get(4).map_err(store_error)?,
    );
    let damaged = |_: Vec<u8>| unexpected("a remembered request is damaged");
    let layers = layers.into_iter().map(LayerId::new);
    Ok(RequestRecord {
        actor: ActorId::new(actor).map_err(unexpected)?,
        key: RequestKey {
            id: id.try_into().map_err(damaged)?,
            content: content.try_into().map_err(damaged)?,
        },
        layers: layers.collect::<Result<_, _>>().map_err(unexpected)?,
        answer: StoredAnswer::from_json(answer).map_err(unexpected)?,
        created: values::read_instant(row, 5).map_err(store_error)?,
    })
}

async fn take_in(shared: &Shared, arrival: Arrival) -> Result<(), StoreError> {
    let mut tx = layers::begin(shared).await?;
    match arrival {
        Arrival::Begun(installation) => begin_arrival(&mut tx, &installation).await?,
        Arrival::Layer(record) => {
            confirm_arriving(&mut tx).await?;
            tx.rollback().await.map_err(store_error)?;
            return layers::make(shared, &record).await;
        }
        Arrival::Elements(layer, elements) => {
            confirm_arriving(&mut tx).await?;
            let (layer, _) = shared.found(layer)?;
            let values = elements.first().map_or(0, |first| first.values.len());
            let rows = elements.iter().map(ElementRecord::row);
            copy::rows(&mut tx, &layer.table, values, rows).await?;
        }
        Arrival::Versions(layer, versions) => {
            confirm_arriving(&mut tx).await?;
            let (layer, _) = shared.found(layer)?;
            copy::versions(&mut tx, &layer.table, &versions).await?;
        }
        Arrival::Requests(records) => {
            confirm_arriving(&mut tx).await?;
            let rows: Vec<_> = records.iter().map(RequestRecord::row).collect();
            requests::put(&mut tx, &rows).await?;
        }
        Arrival::Finished => {
            confirm_arriving(&mut tx).await?;
            let query = sqlx::query(include_str!("../sql/end_arrival.sql"));
            query.execute(&mut *tx).await.map_err(store_error)?;
        }
    }
    tx.commit().await.map_err(store_error)
}

async fn begin_arrival(tx: &mut Transaction, installation: &str) -> Result<(), StoreError> {
    let query = sqlx::query(include_str!("../sql/begin_arrival.sql")).bind(installation);
    let row = query.fetch_optional(&mut **tx).await.map_err(store_error)?;
    row.ok_or(StoreError::OtherInstallation)?;
    let query = sqlx::query(include_str!("../sql/forget_all_requests.sql"));
    query
        .execute(&mut **tx)
        .await
        .map_err(store_error)
        .map(drop)
}

/// A store that is served takes nothing in.
async fn confirm_arriving(tx: &mut Transaction) -> Result<(), StoreError> {
    match occupant(tx).await.map_err(store_error)? {
        Occupant::Arriving(_) => Ok(()),
        Occupant::Nobody | Occupant::Settled(_) => Err(StoreError::OtherInstallation),
    }
}
