//! The versions that were replaced, on their way from one store into another.

use sha2::{Digest, Sha256};

use super::{CHUNK, MoveError, everything, record::put_version, whole};
use crate::{
    history::{Version, VersionKey, VersionRecord},
    ports::{Archive, Arrival, LayerRecord},
};

/// Copies the versions that the destination lacks: they come in the order of their keys.
pub(super) async fn copy(
    from: &impl Archive,
    to: &impl Archive,
    record: &LayerRecord,
) -> Result<(), MoveError> {
    let query = everything(record)?;
    let mut after = to.last_replaced(record.layer).await?;
    loop {
        let read = from.replaced(&query, after, CHUNK).await?;
        after = read.versions.last().map(key);
        let mut versions = Vec::with_capacity(read.versions.len());
        for Version { element, end } in read.versions {
            let element = whole(element, record)?;
            versions.extend(end.map(|end| VersionRecord { element, end }));
        }
        if !versions.is_empty() {
            to.take_in(Arrival::Versions(record.layer, versions))
                .await?;
        }
        if !read.more {
            return Ok(());
        }
    }
}

/// Reads the versions of both sides and compares them, adding them to the sum.
pub(super) async fn compare(
    from: &impl Archive,
    to: &impl Archive,
    record: &LayerRecord,
    sum: &mut Sha256,
) -> Result<(), MoveError> {
    let (query, mut after) = (everything(record)?, None);
    let mut bytes = Vec::new();
    loop {
        let ours = from.replaced(&query, after, CHUNK).await?;
        let theirs = to.replaced(&query, after, CHUNK).await?;
        if ours != theirs {
            return Err(MoveError::HistoryDiffers(record.layer));
        }
        for version in &ours.versions {
            put_version(version, &mut bytes);
            sum.update(&bytes);
        }
        after = ours.versions.last().map(key);
        if !ours.more {
            return Ok(());
        }
    }
}

const fn key(version: &Version) -> VersionKey {
    (version.element.id, version.element.revision)
}
