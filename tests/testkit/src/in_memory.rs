//! Both services in this process without sockets or databases: their routes behind the stack, over pipes in memory.

use std::sync::Arc;

use authorization_core::{Authority, Settings, memory::MemoryStore, secret::NewPassword};
use authorization_grpc::Context;
use authorization_server::{Federation, Platform};
use jmap_domain::{Name, Scope};
use jmap_service::{
    config::ServiceOptions,
    in_memory::channel,
    stack::Stack,
    token::{Authenticator, PublishedKeys, SigningKey},
};
use jmap_wire::PageTokenKey;
use layer_data_clients::Authorization;
use layer_data_core::{LayerData, Limits, memory::MemoryStore as MemoryLayers};
use layer_data_grpc::{Api, Staging, StagingLimits};
use secrecy::SecretString;
use tempfile::TempDir;
use tonic::{service::Routes, transport::Channel};

use crate::{House, PASSWORD};

const ISSUER: &str = "in memory";

/// Both services in memory; they end when this and every channel of the house are dropped.
#[derive(Debug)]
pub struct InMemory {
    house: Arc<House>,
    _uploads: TempDir,
}

impl InMemory {
    /// Starts both.
    ///
    /// # Panics
    /// When they do not start.
    pub async fn start() -> Self {
        let uploads = TempDir::new().expect("make a folder");
        let (authorization, service_key) = authorization().await;
        let partner = Authorization::over(authorization.clone(), service_key);
        let layer_data = layer_data(partner, &uploads);
        let house = Arc::new(House::over(authorization, layer_data));
        Self {
            house,
            _uploads: uploads,
        }
    }

    /// The services as their callers see them.
    #[must_use]
    pub fn house(&self) -> Arc<House> {
        Arc::clone(&self.house)
    }
}

/// A fresh authorization, and the key of layer-data.
async fn authorization() -> (Channel, SecretString) {
    let signing = SigningKey::from_seed("k1", &[7; 32]).expect("a key");
    let published = PublishedKeys {
        issuer: ISSUER.to_owned(),
        keys: vec![signing.public().clone()],
    };
    let platform = Platform::new(signing, ISSUER, Federation::default().providers());
    let platform = platform.expect("a platform");
    let authority = Authority::start(MemoryStore::default(), platform, Settings::default());
    let authority = authority.await.expect("start");
    let password = NewPassword::parse(PASSWORD.into()).expect("a password");
    let set = authority.set_first_password(&password).await;
    set.expect("set the first password");
    let name = Name::parse("layer-data").expect("a name");
    let scopes = Scope::ALL.into_iter().collect();
    let provisioned = authority.provision_service(name, scopes).await;
    let (_, service_key) = provisioned.expect("make the service's key");
    let authenticator = Arc::new(Authenticator::with_keys(&published));
    let pages = PageTokenKey::derive(b"authorization");
    let context = Context::new(
        Arc::new(authority),
        Arc::clone(&authenticator),
        published,
        pages,
    );
    let message = ServiceOptions::default().max_message_bytes;
    let routes = authorization_grpc::routes(Arc::new(context), message);
    let stack = stack(authorization_grpc::DOMAIN, authenticator);
    (served(&stack, routes), service_key)
}

/// A fresh layer-data that asks authorization.
fn layer_data(authorization: Authorization, uploads: &TempDir) -> Channel {
    let authenticator = Authenticator::with_source(Box::new(authorization.clone()));
    let ports = Arc::new(authorization);
    let store = Arc::new(MemoryLayers::default());
    let data = LayerData::new(store, Arc::clone(&ports), ports, Limits::default());
    let staging = Staging::open(uploads.path(), StagingLimits::default()).expect("a folder");
    let pages = PageTokenKey::derive(b"layer-data");
    let calls = ServiceOptions::default().max_concurrent_calls;
    let api = Api::new(data, pages, Arc::new(staging), calls);
    let stack = stack(layer_data_grpc::DOMAIN, Arc::new(authenticator));
    served(
        &stack,
        api.routes(ServiceOptions::default().max_message_bytes),
    )
}

fn stack(domain: &'static str, authenticator: Arc<Authenticator>) -> Stack {
    let options = ServiceOptions::default();
    Stack {
        domain,
        descriptor_set: jmap_proto::DESCRIPTORS,
        max_concurrent_calls: options.max_concurrent_calls,
        time_limits: options.time_limits(),
        authenticator,
        refusals: None,
    }
}

fn served(stack: &Stack, routes: Routes) -> Channel {
    channel(stack.wrap(routes).expect("a descriptor set"))
}
