//! The plain HTTP port: the public keys as a JSON Web Key Set, and the door for AuthZEN where it is wanted.

use axum::{Json, Router, routing::get};
use jmap_service::token::PublishedKeys;

/// Serves `/.well-known/jwks.json` (RFC 7517).
pub(crate) fn jwks(published: &PublishedKeys) -> Router {
    let keys = published.jwks();
    Router::new().route("/.well-known/jwks.json", get(async move || Json(keys)))
}
