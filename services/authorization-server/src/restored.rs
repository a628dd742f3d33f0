//! Beginning another life of a database that was restored from a backup: what `jmapctl restored` does.

use anyhow::Context;
use authorization_store::Opening;
use jmap_postgres::{DatabaseOptions, DatabasePlace};

use crate::{
    moving::{PolicyEnd, open},
    platform,
};

/// Makes everything meaningless that was given out after the backup: tokens of the policy are refused from now on, every
/// session is closed, and ids go on far above the highest that the database knows. Answers the number of the new life.
///
/// # Errors
/// A sentence: somebody uses the database, there is no installation in it, or it cannot be written.
pub async fn begin_life(place: &DatabasePlace, options: &DatabaseOptions) -> anyhow::Result<u32> {
    let PolicyEnd(store) = open(place, options, Opening::Leave).await?;
    let begun = store.begin_epoch(platform::now()).await;
    store.close().await;
    let epoch = begun.context("begin another life of the database")?;
    Ok(epoch.0)
}
