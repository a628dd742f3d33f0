//! Accounts of programs, and their keys.

use authorization_core::{
    model::Service,
    ports::{Platform, PolicyStore},
};
use jmap_domain::{Caller, Name, Scope, ScopeSet};
use jmap_proto::authorization as pb;
use jmap_wire::{FieldPath, FieldViolation, enumeration, format_policy_token, id, required};
use secrecy::ExposeSecret;

use crate::{
    context::Context,
    page::{Asked, Page, SHORT, number},
    parse, principals,
    status::Rejection,
};

impl<S: PolicyStore, P: Platform> Context<S, P> {
    pub(super) async fn create_service_account(
        &self,
        caller: &Caller,
        message: pb::CreateServiceAccountRequest,
    ) -> Result<pb::CreateServiceAccountResponse, Rejection> {
        let pb::CreateServiceAccountRequest { service_account } = message;
        let (name, scopes) = parse_new(required("service_account", service_account)?)?;
        let created = self.authority.create_service(caller, name, scopes).await;
        let made = created?;
        let (service, key) = &made.value;
        Ok(pb::CreateServiceAccountResponse {
            service_account: Some(service_account_to_proto(service)),
            key: key.expose_secret().to_owned(),
            policy_token: format_policy_token(made.token()),
        })
    }

    pub(super) fn list_service_accounts(
        &self,
        caller: &Caller,
        message: pb::ListServiceAccountsRequest,
    ) -> Result<pb::ListServiceAccountsResponse, Rejection> {
        let pb::ListServiceAccountsRequest {
            page_size,
            page_token,
        } = message;
        let asked = Asked {
            size: page_size,
            token: &page_token,
        };
        let page = Page::parse(&self.pages, "services".to_owned(), asked, SHORT)?;
        let services = self.authority.list_services(caller)?;
        let (services, next_page_token) = page.take(services, |one| number(one.id.get()));
        let services = services.iter().map(|one| service_account_to_proto(one));
        Ok(pb::ListServiceAccountsResponse {
            service_accounts: services.collect(),
            next_page_token,
        })
    }

    pub(super) async fn rotate_service_key(
        &self,
        caller: &Caller,
        message: pb::RotateServiceKeyRequest,
    ) -> Result<pb::RotateServiceKeyResponse, Rejection> {
        let pb::RotateServiceKeyRequest { service_id } = message;
        let service = id("service_id", service_id)?;
        let made = self.authority.rotate_service_key(caller, service).await?;
        let (_, key) = &made.value;
        Ok(pb::RotateServiceKeyResponse {
            key: key.expose_secret().to_owned(),
            policy_token: format_policy_token(made.token()),
        })
    }

    pub(super) async fn delete_service_account(
        &self,
        caller: &Caller,
        message: pb::DeleteServiceAccountRequest,
    ) -> Result<pb::DeleteServiceAccountResponse, Rejection> {
        let pb::DeleteServiceAccountRequest { service_id } = message;
        let service = id("service_id", service_id)?;
        let made = self.authority.delete_service(caller, service).await?;
        Ok(pb::DeleteServiceAccountResponse {
            policy_token: format_policy_token(made.token()),
        })
    }
}

fn parse_new(account: pb::ServiceAccount) -> Result<(Name, ScopeSet), FieldViolation> {
    let path = FieldPath::of("service_account");
    let pb::ServiceAccount {
        name,
        scopes,
        service_id: _output_only,
        revision: _of_nothing_yet,
    } = account;
    let name = parse::name(path.field("name"), &name)?;
    let path = path.field("scopes");
    let scope =
        |(index, number): (usize, &i32)| enumeration(path.item(index), *number, scope_from_proto);
    let scopes = scopes.iter().enumerate().map(scope);
    Ok((name, scopes.collect::<Result<_, _>>()?))
}

const fn scope_from_proto(scope: pb::ServiceScope) -> Option<Scope> {
    match scope {
        pb::ServiceScope::Unspecified => None,
        pb::ServiceScope::Check => Some(Scope::Check),
        pb::ServiceScope::Register => Some(Scope::Register),
    }
}

const fn scope_to_proto(scope: Scope) -> pb::ServiceScope {
    match scope {
        Scope::Check => pb::ServiceScope::Check,
        Scope::Register => pb::ServiceScope::Register,
    }
}

/// A service account of the contract.
pub(crate) fn service_account_to_proto(service: &Service) -> pb::ServiceAccount {
    let held = Scope::ALL.into_iter();
    let held = held.filter(|scope| service.scopes.contains(*scope));
    pb::ServiceAccount {
        service_id: service.id.get(),
        name: service.name.to_string(),
        scopes: held.map(|scope| scope_to_proto(scope).into()).collect(),
        revision: principals::revision(service.revision),
    }
}
