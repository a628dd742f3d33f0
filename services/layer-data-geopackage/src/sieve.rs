//! Comparing stored geometries with given ones exactly. With large ones this takes long, so it is done on threads that
//! may block, and by few reads at a time.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
};

use futures::{TryStreamExt, stream::BoxStream};
use layer_data_core::{ports::StoreError, query::Spatial};
use sqlx::{Row, sqlite::SqliteRow};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use crate::{
    blob,
    error::{store_error, unexpected},
    read::fields,
};

/// Reads that compare at the same time. Each holds a connection meanwhile, so fewer than there are of those.
const AT_ONCE: usize = 4;
/// Most candidates that are compared in one go.
const CANDIDATES: usize = 64;
/// About how many bytes they have, after which none is added.
const CANDIDATE_BYTES: usize = 1 << 20;

/// Where geometries are compared. Cheap to clone, shared.
#[derive(Clone, Debug)]
pub(crate) struct Comparisons(Arc<Semaphore>);

/// A read's place there. What still runs when the read is given up keeps the place until it has ended.
type Place = Arc<OwnedSemaphorePermit>;

/// What candidates are compared with, and the read's place.
pub(crate) type Test = (Arc<Spatial>, Place);

/// The candidates of a read, of which those in the wanted relations pass.
pub(crate) struct Sieve<'a> {
    candidates: BoxStream<'a, Result<SqliteRow, StoreError>>,
    test: Option<Test>,
    passed: VecDeque<SqliteRow>,
}

impl Default for Comparisons {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Comparisons {
    /// Waits for a place.
    pub(crate) async fn place(&self) -> Result<Place, StoreError> {
        let place = Arc::clone(&self.0).acquire_owned().await;
        place.map(Arc::new).map_err(unexpected)
    }
}

impl<'a> Sieve<'a> {
    /// Without a test all candidates pass.
    pub(crate) fn new(
        candidates: BoxStream<'a, Result<SqliteRow, StoreError>>,
        test: Option<Test>,
    ) -> Self {
        Self {
            candidates,
            test,
            passed: VecDeque::new(),
        }
    }

    /// The next row that passes.
    pub(crate) async fn next(&mut self) -> Result<Option<SqliteRow>, StoreError> {
        let Some((spatial, place)) = self.test.clone() else {
            return self.candidates.try_next().await;
        };
        while self.passed.is_empty() {
            let rows = self.some().await?;
            if rows.is_empty() {
                return Ok(None);
            }
            let (spatial, place) = (Arc::clone(&spatial), Arc::clone(&place));
            let waiting = Arc::new(());
            let awaited = Arc::downgrade(&waiting);
            let compared = spawn_blocking(move || {
                let _place = place;
                those_related(&spatial, rows, &awaited)
            });
            self.passed = compared.await.map_err(unexpected)??;
            drop(waiting);
        }
        Ok(self.passed.pop_front())
    }

    /// Some candidates; none at the end.
    async fn some(&mut self) -> Result<Vec<SqliteRow>, StoreError> {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < CANDIDATES
            && bytes < CANDIDATE_BYTES
            && let Some(row) = self.candidates.try_next().await?
        {
            bytes += geometry(&row)?.map_or(0, <[u8]>::len);
            rows.push(row);
        }
        Ok(rows)
    }
}

/// Goes no further when nobody waits any more.
fn those_related(
    spatial: &Spatial,
    rows: Vec<SqliteRow>,
    awaited: &Weak<()>,
) -> Result<VecDeque<SqliteRow>, StoreError> {
    let mut related = VecDeque::new();
    for row in rows {
        if awaited.strong_count() == 0 {
            break;
        }
        let blob = geometry(&row)?.map(blob::decode).transpose();
        if let Some((_, wkb)) = blob.map_err(unexpected)?
            && spatial.holds(wkb)
        {
            related.push_back(row);
        }
    }
    Ok(related)
}

fn geometry(row: &SqliteRow) -> Result<Option<&[u8]>, StoreError> {
    row.try_get_unchecked(fields::GEOMETRY).map_err(store_error)
}
