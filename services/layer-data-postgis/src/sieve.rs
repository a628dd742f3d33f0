//! Comparing stored geometries with given ones exactly. With large ones this takes long, so it is done on threads that
//! may block, and by few reads at a time.

use std::sync::{Arc, Weak};

use layer_data_core::{ports::StoreError, query::Spatial};
use sqlx::postgres::PgRow;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use crate::{
    error::{store_error, unexpected},
    ewkb,
    read::fields,
    values,
};

/// Reads that compare at the same time. Each holds a connection meanwhile, so fewer than there usually are of those.
const AT_ONCE: usize = 4;
/// Most candidates that are compared in one go.
const CANDIDATES: usize = 64;
/// About how many bytes they have, after which none is added.
const CANDIDATE_BYTES: usize = 1 << 20;

/// Where geometries are compared.
#[derive(Debug)]
pub(crate) struct Comparisons(Arc<Semaphore>);

/// What candidates are compared with, and the read's place. What still runs when the read is given up keeps the place
/// until it has ended.
pub(crate) struct Test {
    spatial: Arc<Spatial>,
    place: Arc<OwnedSemaphorePermit>,
}

/// Candidates that are compared in one go.
#[derive(Default)]
pub(crate) struct Candidates {
    rows: Vec<PgRow>,
    bytes: usize,
}

impl Default for Comparisons {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Comparisons {
    /// Waits for a place, where there is something to compare with.
    pub(crate) async fn test(
        &self,
        spatial: Option<&Arc<Spatial>>,
    ) -> Result<Option<Test>, StoreError> {
        let Some(spatial) = spatial else {
            return Ok(None);
        };
        let place = Arc::clone(&self.0).acquire_owned().await;
        Ok(Some(Test {
            spatial: Arc::clone(spatial),
            place: Arc::new(place.map_err(unexpected)?),
        }))
    }
}

impl Test {
    /// Those candidates that have the relations, in their order; none are left.
    pub(crate) async fn sift(&self, candidates: &mut Candidates) -> Result<Vec<PgRow>, StoreError> {
        let rows = std::mem::take(candidates).rows;
        let (spatial, place) = (Arc::clone(&self.spatial), Arc::clone(&self.place));
        let waiting = Arc::new(());
        let awaited = Arc::downgrade(&waiting);
        let compared = spawn_blocking(move || {
            let _place = place;
            those_related(&spatial, rows, &awaited)
        });
        let related = compared.await.map_err(unexpected)?;
        drop(waiting);
        related
    }
}

impl Candidates {
    pub(crate) fn add(&mut self, row: PgRow) -> Result<(), StoreError> {
        self.bytes += geometry(&row)?.len();
        self.rows.push(row);
        Ok(())
    }

    pub(crate) fn are_enough(&self) -> bool {
        self.rows.len() >= CANDIDATES || self.bytes >= CANDIDATE_BYTES
    }
}

/// Goes no further when nobody waits any more.
fn those_related(
    spatial: &Spatial,
    rows: Vec<PgRow>,
    awaited: &Weak<()>,
) -> Result<Vec<PgRow>, StoreError> {
    let mut related = Vec::with_capacity(rows.len());
    for row in rows {
        if awaited.strong_count() == 0 {
            break;
        }
        let (wkb, _) = ewkb::decode(geometry(&row)?).map_err(unexpected)?;
        if spatial.holds(&wkb) {
            related.push(row);
        }
    }
    Ok(related)
}

fn geometry(row: &PgRow) -> Result<&[u8], StoreError> {
    let geometry = values::bytes(row, fields::GEOMETRY).map_err(store_error)?;
    Ok(geometry.unwrap_or_default())
}
