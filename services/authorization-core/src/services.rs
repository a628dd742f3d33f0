//! Service accounts: names, scopes and keys, managed by super administrators and made at first start.

use std::sync::Arc;

use jmap_domain::{Caller, GlobalPermission, Name, Question, ScopeSet, ServiceId};
use secrecy::SecretString;

use crate::{
    Authority, Refusal, Resource,
    audit::{Closing, Who},
    change::{Changed, PolicyChange},
    draft::Draft,
    model::{Account, Service},
    ports::{Platform, PolicyStore},
    secret::SecretChange,
    tokens::ServiceKey,
};

/// Why a service account is not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// Another one bears the name, perhaps in other case.
    #[error("the name `{0}` is taken")]
    NameTaken(Name),
    /// Everything else.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Why a key that was made elsewhere is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdoptionError {
    /// The text is not a service's key.
    #[error("it is not a service's key")]
    NotAKey,
    /// The key is for another account than the one that would be made.
    #[error("it is for service account {found}, and the account would be {next}")]
    OtherAccount {
        /// Whom the key is for.
        found: ServiceId,
        /// The account that would be made.
        next: ServiceId,
    },
    /// Everything else.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<Refusal> for AdoptionError {
    fn from(refusal: Refusal) -> Self {
        Self::Service(refusal.into())
    }
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Gives the service account of that name those scopes and a new key, and makes it if there is none.
    /// For first starts, when no administrator is there yet to ask.
    ///
    /// # Errors
    /// [`Refusal::Store`] when the store fails.
    pub async fn provision_service(
        &self,
        name: Name,
        scopes: ScopeSet,
    ) -> Result<(Arc<Service>, SecretString), ServiceError> {
        let secret = self.platform.random();
        self.change_by_itself(|draft| {
            let Some(before) = draft.snapshot().service_named(&name).cloned() else {
                return draft_service(draft, name, scopes, secret);
            };
            let revision = draft.revision();
            let service = Service {
                scopes,
                revision,
                ..(*before).clone()
            };
            draft.push(PolicyChange::ServicePut(service.clone()));
            Ok(draft_key(draft, service, secret))
        })
        .await
    }

    /// Makes the service account of that name, with those scopes and a key that was made before it. For installations
    /// whose secrets are there before their first start.
    ///
    /// # Errors
    /// [`AdoptionError::NotAKey`] and [`AdoptionError::OtherAccount`] for a key that could not open the account's
    /// sessions; [`ServiceError::NameTaken`] when the account is there; [`Refusal::Store`] when the store fails.
    pub async fn adopt_service(
        &self,
        name: Name,
        scopes: ScopeSet,
        key: &SecretString,
    ) -> Result<(), AdoptionError> {
        let ServiceKey { service, secret } =
            ServiceKey::decode(key).ok_or(AdoptionError::NotAKey)?;
        self.change_by_itself(|draft| {
            let (made, _) = draft_service(draft, name, scopes, secret)?;
            if made.id != service {
                return Err(AdoptionError::OtherAccount {
                    found: service,
                    next: made.id,
                });
            }
            Ok(())
        })
        .await
    }

    /// Makes a service account for another program, with those scopes and a key, which is told once.
    ///
    /// # Errors
    /// [`ServiceError::NameTaken`]; [`Refusal::Forbidden`] unless a super administrator asks.
    pub async fn create_service(
        &self,
        caller: &Caller,
        name: Name,
        scopes: ScopeSet,
    ) -> Result<Changed<(Arc<Service>, SecretString)>, ServiceError> {
        let secret = self.platform.random();
        self.change(caller, |draft| {
            draft.require(Question::Global(GlobalPermission::SuperAdministrator))?;
            draft_service(draft, name, scopes, secret)
        })
        .await
    }

    /// Gives a service account a new key, which is told once, as one step among those that open sessions. The sessions
    /// of the old key are closed, and it opens none any more: whoever found it is out at once.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Forbidden`] unless a super administrator asks.
    pub async fn rotate_service_key(
        &self,
        caller: &Caller,
        id: ServiceId,
    ) -> Result<Changed<(Arc<Service>, SecretString)>, ServiceError> {
        self.admit_directory(caller)?;
        let secret = self.platform.random();
        let mut writer = self.session_writer.lock().await;
        let unknown = Refusal::NotFound(Resource::Service(id));
        self.snapshot().service(id).ok_or(unknown)?;
        // The sessions go first: whoever gives the call up half-way must not leave them open beside a new key.
        let account = Account::Service { service: id };
        let closing = Closing::because("KEY_ROTATED", Who::of(caller, None));
        self.close_all(&mut writer, closing, |session| session.account == account)
            .await?;
        let rotated = self
            .change(caller, |draft| {
                draft.require(Question::Global(GlobalPermission::SuperAdministrator))?;
                let snapshot = draft.snapshot();
                let before = snapshot
                    .service(id)
                    .ok_or(Refusal::NotFound(Resource::Service(id)))?;
                Ok::<_, ServiceError>(draft_key(draft, (**before).clone(), secret))
            })
            .await?;
        drop(writer);
        self.permits.run_out(&self.platform).await;
        Ok(rotated)
    }

    /// All service accounts, by id.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] unless a super administrator asks.
    pub fn list_services(&self, caller: &Caller) -> Result<Vec<Arc<Service>>, Refusal> {
        self.admit_directory(caller)?;
        Ok(self.snapshot().services().cloned().collect())
    }

    /// Deletes a service account; its sessions end at once.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Forbidden`] unless a super administrator asks.
    pub async fn delete_service(
        &self,
        caller: &Caller,
        id: ServiceId,
    ) -> Result<Changed<()>, ServiceError> {
        self.change(caller, |draft| {
            draft.require(Question::Global(GlobalPermission::SuperAdministrator))?;
            draft
                .snapshot()
                .service(id)
                .ok_or(Refusal::NotFound(Resource::Service(id)))?;
            draft.push(PolicyChange::ServiceDeleted(id));
            Ok(())
        })
        .await
    }
}

fn draft_service(
    draft: &mut Draft,
    name: Name,
    scopes: ScopeSet,
    secret: [u8; 32],
) -> Result<(Arc<Service>, SecretString), ServiceError> {
    if draft.snapshot().service_named(&name).is_some() {
        return Err(ServiceError::NameTaken(name));
    }
    let service = Service {
        id: draft.next_service()?,
        name,
        scopes,
        revision: draft.revision(),
    };
    draft.push(PolicyChange::ServicePut(service.clone()));
    Ok(draft_key(draft, service, secret))
}

fn draft_key(
    draft: &mut Draft,
    service: Service,
    secret: [u8; 32],
) -> (Arc<Service>, SecretString) {
    let key = ServiceKey {
        service: service.id,
        secret,
    };
    draft.push(PolicyChange::ServiceKeySet(service.id));
    draft.keep(SecretChange::ServiceKey {
        service: service.id,
        hash: key.hash(),
    });
    (Arc::new(service), key.encode())
}
