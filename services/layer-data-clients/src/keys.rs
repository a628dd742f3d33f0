//! The keys that tokens are signed with, fetched when one names an unknown key.

use futures::{FutureExt, future::BoxFuture};
use jmap_proto::authorization::{
    ListKeysRequest, ListKeysResponse, PublicKey as WireKey,
    session_service_client::SessionServiceClient,
};
use jmap_service::{
    client::{Outgoing, translate},
    token::{KeySource, KeySourceError, PublicKey, PublishedKeys},
};

use crate::{Authorization, authorization::PATIENCE};

impl KeySource for Authorization {
    fn fetch(&self) -> BoxFuture<'_, Result<PublishedKeys, KeySourceError>> {
        fetch(self).boxed()
    }
}

async fn fetch(authorization: &Authorization) -> Result<PublishedKeys, KeySourceError> {
    let failed = |status| KeySourceError(Box::new(status));
    // Without a token: the keys are public, and a token could not be had before authorization is known.
    let request = Outgoing::unprompted(PATIENCE)
        .request(ListKeysRequest {}, None)
        .map_err(failed)?;
    let mut client = SessionServiceClient::new(authorization.channel());
    let answer = client
        .list_keys(request)
        .await
        .map_err(|status| failed(translate(status)))?;
    let ListKeysResponse { keys, issuer } = answer.into_inner();
    let keys = keys.into_iter().map(key).collect::<Result<_, _>>()?;
    Ok(PublishedKeys { issuer, keys })
}

fn key(key: WireKey) -> Result<PublicKey, KeySourceError> {
    let WireKey { key_id, ed25519 } = key;
    let ed25519 = <[u8; 32]>::try_from(&*ed25519).map_err(|error| KeySourceError(error.into()))?;
    Ok(PublicKey { key_id, ed25519 })
}
