//! Reading secrets: hashes of passwords and keys, and the keys that sign tokens.

use authorization_core::{
    Timestamp,
    ports::StoreError,
    secret::{PasswordHash, SecretHash, SigningKey},
};
use jmap_domain::{ServiceId, UserId};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{SqlitePool, query, query_as, query_scalar};

use crate::{record::bytes, sql, statements::Statement, store::unavailable};

pub(crate) async fn password(
    db: &SqlitePool,
    user: UserId,
) -> Result<Option<PasswordHash>, StoreError> {
    let hash: Option<String> = query_scalar(sql!("user/get_password"))
        .bind(user.get())
        .fetch_optional(db)
        .await
        .map_err(unavailable)?;
    Ok(hash.map(|phc| PasswordHash(SecretString::from(phc))))
}

pub(crate) async fn service_key(
    db: &SqlitePool,
    service: ServiceId,
) -> Result<Option<SecretHash>, StoreError> {
    let hash: Option<Vec<u8>> = query_scalar(sql!("service/get_key"))
        .bind(service.get())
        .fetch_optional(db)
        .await
        .map_err(unavailable)?;
    Ok(hash.map(|hash| bytes(&hash).map(SecretHash)).transpose()?)
}

pub(crate) async fn signing_keys(db: &SqlitePool) -> Result<Vec<SigningKey>, StoreError> {
    let rows: Vec<(String, String, i64)> = query_as(sql!("signing_key/list"))
        .fetch_all(db)
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
    query(sql!("signing_key/add"))
        .bind(kid.clone())
        .bind(private_pem.expose_secret().to_owned())
        .bind(created_at.as_millis())
}
