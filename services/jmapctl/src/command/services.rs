//! Accounts of programs, and their keys.

use clap::{Args, Subcommand, ValueEnum};
use jmap_proto::authorization::{
    CreateServiceAccountRequest, DeleteServiceAccountRequest, ListServiceAccountsRequest,
    RotateServiceKeyRequest, ServiceAccount, ServiceScope, SignInRequest,
    sign_in_request::Credential,
};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::json;

use crate::{
    client::{Client, Credential as As, call},
    command::{Context, listed},
    console::PasswordSource,
    error::Failure,
    output::{Report, View},
    resolve::{Reference, same_name},
    words::plain_word,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl services create monitor --scope check
  jmapctl services list
  jmapctl services rotate-key monitor
  jmapctl services token < monitor.key
  jmapctl services delete monitor

A key is told once. Another key closes the sessions of the one before, which opens none any more: give it to the
program at once (layer-data reads it from --service-key-file or JMAP_SERVICE_KEY when it starts).";

/// Manage accounts of programs
#[derive(Debug, Subcommand)]
pub(crate) enum Services {
    /// Create an account, and tell its key
    Create(Create),
    /// List the accounts
    List,
    /// Give an account another key, and tell it
    RotateKey {
        /// Name or id
        service: Reference,
    },
    /// Sign a program in by its key, read from standard input, and tell the access token, which lives for some minutes
    Token,
    /// Delete an account; its sessions end at once
    Delete {
        /// Name or id
        service: Reference,
    },
}

/// Create an account
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// The name
    name: String,
    /// What the program may ask for; may be repeated
    #[arg(long = "scope", value_enum)]
    scopes: Vec<Scope>,
}

/// What a program may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scope {
    /// What others may do, naming their session
    Check,
    /// Reserve, activate and unregister layers, together with the user's own token
    Register,
}

impl Scope {
    const fn scope(self) -> ServiceScope {
        match self {
            Self::Check => ServiceScope::Check,
            Self::Register => ServiceScope::Register,
        }
    }
}

/// An account as it is shown.
#[derive(Debug, Serialize)]
struct ServiceView {
    service_id: i64,
    name: String,
    scopes: Vec<String>,
}

impl From<ServiceAccount> for ServiceView {
    fn from(account: ServiceAccount) -> Self {
        let word = |scope: ServiceScope| plain_word(scope.as_str_name(), "SERVICE_SCOPE_");
        Self {
            service_id: account.service_id,
            scopes: account.scopes().map(word).collect(),
            name: account.name,
        }
    }
}

impl View for ServiceView {
    const COLUMNS: &'static [&'static str] = &["id", "name", "scopes"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.service_id.to_string(),
            self.name.clone(),
            listed(&self.scopes),
        ]
    }
}

impl Services {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        match self {
            Self::Create(create) => create.run(client).await,
            Self::List => Report::list(&all(client).await?),
            Self::RotateKey { service } => rotate(client, &service).await,
            Self::Token => token(context).await,
            Self::Delete { service } => delete(client, &service).await,
        }
    }
}

impl Create {
    async fn run(self, client: &Client) -> Result<Report, Failure> {
        let scopes = self.scopes.iter().map(|scope| scope.scope().into());
        let message = CreateServiceAccountRequest {
            service_account: Some(ServiceAccount {
                name: self.name,
                scopes: scopes.collect(),
                ..ServiceAccount::default()
            }),
        };
        let answer = call!(client, client.directory(), create_service_account, message);
        let account = answer.service_account.unwrap_or_default();
        told(account.service_id, &answer.key)
    }
}

/// The key, which is never told again.
fn told(service_id: i64, key: &str) -> Result<Report, Failure> {
    let text = format!("the key of service {service_id}, told only now:\n{key}");
    Report::new(text, &json!({"service_id": service_id, "key": key}))
}

async fn all(client: &Client) -> Result<Vec<ServiceView>, Failure> {
    let (mut services, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListServiceAccountsRequest {
            page_size: 1000,
            page_token,
        };
        let page = call!(client, client.directory(), list_service_accounts, message);
        services.extend(page.service_accounts.into_iter().map(ServiceView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(services);
        }
    }
}

/// The account's id; given as an id, it is not looked up.
pub(super) async fn service_id(client: &Client, reference: &Reference) -> Result<i64, Failure> {
    let name = match reference {
        Reference::Id(id) => return Ok(*id),
        Reference::Name(name) => name,
    };
    let services = all(client).await?;
    let found = services.iter().find(|one| same_name(&one.name, name));
    found
        .map(|one| one.service_id)
        .ok_or_else(|| Failure::not_found(format!("there is no service `{name}`")))
}

async fn rotate(client: &Client, service: &Reference) -> Result<Report, Failure> {
    let service_id = service_id(client, service).await?;
    let message = RotateServiceKeyRequest { service_id };
    let answer = call!(client, client.directory(), rotate_service_key, message);
    told(service_id, &answer.key)
}

async fn token(context: &Context) -> Result<Report, Failure> {
    let key = context.console.password(PasswordSource::StandardInput)?;
    let client = Client::new(context.client.server(), As::Anonymous)?;
    let message = SignInRequest {
        credential: Some(Credential::ServiceKey(key.expose_secret().to_owned())),
        server: None,
    };
    let answer = call!(client, client.sessions(), sign_in, message);
    let tokens = answer.tokens.ok_or_else(|| Failure::incomplete("tokens"))?;
    let token = tokens.access_token;
    Report::new(token.clone(), &json!({"access_token": token}))
}

async fn delete(client: &Client, service: &Reference) -> Result<Report, Failure> {
    let service_id = service_id(client, service).await?;
    let message = DeleteServiceAccountRequest { service_id };
    call!(client, client.directory(), delete_service_account, message);
    Report::new(
        format!("deleted service {service_id}"),
        &json!({"service_id": service_id}),
    )
}
