//! What recognises a request that is retried.

use jmap_wire::{FieldViolation, request_id};
use layer_data_core::edit::RequestKey;
use prost::Message;
use sha2::{Digest, Sha256};

/// Recognises a retry by the caller's id and by everything else in the request (R109). Without an id nothing is
/// encoded or hashed.
pub(crate) fn request_key<M: Message>(
    text: &str,
    without_id: impl FnOnce() -> M,
) -> Result<Option<RequestKey>, FieldViolation> {
    let key = |id| RequestKey {
        id,
        content: Sha256::digest(without_id().encode_to_vec()).into(),
    };
    Ok(request_id("request_id", text)?.map(key))
}
