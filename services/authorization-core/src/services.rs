//! Service accounts: names, scopes and keys, managed by super administrators and made at first start.

use std::sync::Arc;

use jmap_domain::{Caller, GlobalPermission, Name, Question, ScopeSet, ServiceId};
use secrecy::SecretString;

use crate::{
    Authority, Refusal, Resource, Standing,
    change::{Author, PolicyChange},
    draft::Draft,
    model::Service,
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
        self.change_as(Standing::Service, Author::System, |draft| {
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

    /// Deletes a service account; its sessions end at once.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Forbidden`] unless a super administrator asks.
    pub async fn delete_service(&self, caller: &Caller, id: ServiceId) -> Result<(), ServiceError> {
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
