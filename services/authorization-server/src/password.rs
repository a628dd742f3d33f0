//! Passwords: argon2id with the library's parameters (OWASP's: 19 MiB, 2 passes), away from the threads that serve.

use std::sync::Arc;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc},
};
use authorization_core::{ports::CryptoError, secret::PasswordHash};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

/// Each one takes 19 MiB and a core for a moment; more at a time would only starve everything else.
const AT_ONCE: usize = 4;

/// Most that wait for their turn, a few seconds' work. Nobody waits longer for a sign-in, so more are refused at once.
const WAITING: usize = 64;

/// Hashes and verifies passwords, a few at a time.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    waiting: Arc<Semaphore>,
    places: Arc<Semaphore>,
    /// Verified against when there is no hash, so that the time tells nobody which users exist.
    decoy: PasswordHash,
}

impl Passwords {
    /// # Errors
    /// When the library cannot hash.
    pub(crate) fn new(noise: &[u8; 32]) -> Result<Self, CryptoError> {
        Ok(Self {
            waiting: Arc::new(Semaphore::new(WAITING)),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            decoy: hash(noise)?,
        })
    }

    pub(crate) async fn hash(&self, password: &SecretString) -> Result<PasswordHash, CryptoError> {
        let password = password.clone();
        self.away(move || hash(password.expose_secret().as_bytes()))
            .await
    }

    pub(crate) async fn verify(
        &self,
        password: &SecretString,
        known: Option<&PasswordHash>,
    ) -> Result<bool, CryptoError> {
        let password = password.clone();
        let against = known.unwrap_or(&self.decoy).clone();
        let matches = self.away(move || verify(&password, &against)).await?;
        Ok(matches && known.is_some())
    }

    async fn away<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, CryptoError> + Send + 'static,
    ) -> Result<T, CryptoError> {
        let place = self.place().await?;
        let done = spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.map_err(|_panicked| CryptoError::Failed)?
    }

    /// Waits for a place, unless too many wait already.
    async fn place(&self) -> Result<OwnedSemaphorePermit, CryptoError> {
        let turn = self.waiting.try_acquire();
        let _turn = turn.map_err(|_full| CryptoError::Overloaded)?;
        let place = Arc::clone(&self.places).acquire_owned().await;
        place.map_err(|_closed| CryptoError::Failed)
    }
}

fn hash(password: &[u8]) -> Result<PasswordHash, CryptoError> {
    let hash = Argon2::default()
        .hash_password(password)
        .map_err(|_library| CryptoError::Failed)?;
    Ok(PasswordHash(hash.to_string().into()))
}

fn verify(password: &SecretString, against: &PasswordHash) -> Result<bool, CryptoError> {
    let hash = phc::PasswordHash::new(against.0.expose_secret())
        .map_err(|_damaged| CryptoError::Failed)?;
    Ok(Argon2::default()
        .verify_password(password.expose_secret().as_bytes(), &hash)
        .is_ok())
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn a_password_is_hashed_with_argon2id_and_verified() {
        let passwords = Passwords::new(&[1; 32]).unwrap();
        let (right, wrong) = (
            SecretString::from("long enough"),
            SecretString::from("long enougH"),
        );
        let hash = passwords.hash(&right).await.unwrap();
        assert!(hash.0.expose_secret().starts_with("$argon2id$"));
        assert!(passwords.verify(&right, Some(&hash)).await.unwrap());
        assert!(!passwords.verify(&wrong, Some(&hash)).await.unwrap());
    }

    #[tokio::test]
    async fn without_a_hash_the_answer_is_no() {
        let passwords = Passwords::new(&[1; 32]).unwrap();
        let noise = SecretString::from("\u{1}".repeat(32));
        assert!(!passwords.verify(&noise, None).await.unwrap());
    }

    #[tokio::test]
    async fn who_would_wait_behind_too_many_is_refused_at_once() {
        let passwords = Passwords::new(&[1; 32]).unwrap();
        let password = SecretString::from("long enough");
        let busy = passwords.places.acquire_many(4).await.unwrap();
        let mut waiting: Vec<_> = (0..WAITING)
            .map(|_| Box::pin(passwords.hash(&password)))
            .collect();
        let mut context = Context::from_waker(Waker::noop());
        for one in &mut waiting {
            assert!(one.as_mut().poll(&mut context).is_pending());
        }
        let refused = passwords.verify(&password, None).await;
        assert_eq!(refused.unwrap_err(), CryptoError::Overloaded);
        drop((waiting, busy));
        passwords.hash(&password).await.unwrap();
    }
}
