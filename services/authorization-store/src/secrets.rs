//! Reading secrets: hashes of passwords and keys, and the keys that sign tokens.

use authorization_core::{
    Timestamp,
    ports::StoreError,
    secret::{PasswordHash, SecretHash, SigningKey},
};
use jmap_domain::{ServiceId, UserId};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    db::Tx,
    record::bytes,
    sql,
    statement::{Statement, statement},
    store::unavailable,
};

pub(crate) async fn password(
    tx: &mut Tx,
    user: UserId,
) -> Result<Option<PasswordHash>, StoreError> {
    let found = statement(sql!("user/get_password")).bind(user.get());
    let hash: Option<(String,)> = tx.find(found).await.map_err(unavailable)?;
    Ok(hash.map(|(phc,)| PasswordHash(SecretString::from(phc))))
}

pub(crate) async fn service_key(
    tx: &mut Tx,
    service: ServiceId,
) -> Result<Option<SecretHash>, StoreError> {
    let found = statement(sql!("service/get_key")).bind(service.get());
    let hash: Option<(Vec<u8>,)> = tx.find(found).await.map_err(unavailable)?;
    Ok(hash
        .map(|(hash,)| bytes(&hash).map(SecretHash))
        .transpose()?)
}

pub(crate) async fn signing_keys(tx: &mut Tx) -> Result<Vec<SigningKey>, StoreError> {
    let rows: Vec<(String, String, i64)> = tx
        .list(statement(sql!("signing_key/list")))
        .await
        .map_err(unavailable)?;
    let keys = rows
        .into_iter()
        .map(|(kid, private_pem, created_at)| SigningKey {
            kid,
            private_pem: SecretString::from(private_pem),
            created_at: Timestamp::from_millis(created_at),
        });
    Ok(keys.collect())
}

pub(crate) fn add_signing_key(key: &SigningKey) -> Statement {
    let SigningKey {
        kid,
        private_pem,
        created_at,
    } = key;
    statement(sql!("signing_key/add"))
        .bind(kid.clone())
        .bind(private_pem.expose_secret().to_owned())
        .bind(created_at.as_millis())
}
