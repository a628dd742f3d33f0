//! The gRPC side of authorization: parse, use case, answer. One service per file.
//!
//! Requests are taken apart field by field, so that a field added to the contract must be handled or does not
//! compile; codes are decided in `status` alone.

mod audit;
mod check;
mod context;
mod directory;
mod explain;
mod layer_administration;
mod lookup;
mod page;
mod parse;
mod personal;
mod policy_change;
mod principals;
mod project;
mod registry;
mod retry;
mod session;
mod status;
mod watch;

use std::sync::Arc;

use authorization_core::ports::{Platform, PolicyStore};
use jmap_proto::authorization::{
    audit_service_server::{self, AuditServiceServer},
    check_service_server::{self, CheckServiceServer},
    directory_service_server::{self, DirectoryServiceServer},
    layer_administration_service_server::{self, LayerAdministrationServiceServer},
    lookup_service_server::{self, LookupServiceServer},
    personal_layer_service_server::{self, PersonalLayerServiceServer},
    policy_watch_service_server::{self, PolicyWatchServiceServer},
    project_service_server::{self, ProjectServiceServer},
    registry_service_server::{self, RegistryServiceServer},
    session_service_server::{self, SessionServiceServer},
};
use tonic::service::Routes;

pub use audit::RefusedCalls;
pub use context::Context;
pub use status::DOMAIN;

use audit::AuditApi;
use check::CheckApi;
use directory::DirectoryApi;
use layer_administration::LayerAdministrationApi;
use lookup::LookupApi;
use personal::PersonalLayerApi;
use project::ProjectApi;
use registry::RegistryApi;
use session::SessionApi;
use watch::PolicyWatchApi;

/// The full names of the services, for health and reflection.
pub const SERVICES: [&str; 10] = [
    session_service_server::SERVICE_NAME,
    check_service_server::SERVICE_NAME,
    registry_service_server::SERVICE_NAME,
    directory_service_server::SERVICE_NAME,
    project_service_server::SERVICE_NAME,
    layer_administration_service_server::SERVICE_NAME,
    lookup_service_server::SERVICE_NAME,
    personal_layer_service_server::SERVICE_NAME,
    policy_watch_service_server::SERVICE_NAME,
    audit_service_server::SERVICE_NAME,
];

/// The services over one authority; larger messages than `max_message_bytes` are refused.
#[must_use]
pub fn routes<S: PolicyStore, P: Platform>(
    context: Arc<Context<S, P>>,
    max_message_bytes: usize,
) -> Routes {
    let session = SessionServiceServer::new(SessionApi(Arc::clone(&context)));
    let check = CheckServiceServer::new(CheckApi(Arc::clone(&context)));
    let registry = RegistryServiceServer::new(RegistryApi(Arc::clone(&context)));
    let directory = DirectoryServiceServer::new(DirectoryApi(Arc::clone(&context)));
    let project = ProjectServiceServer::new(ProjectApi(Arc::clone(&context)));
    let layers =
        LayerAdministrationServiceServer::new(LayerAdministrationApi(Arc::clone(&context)));
    let lookups = LookupServiceServer::new(LookupApi(Arc::clone(&context)));
    let personal = PersonalLayerServiceServer::new(PersonalLayerApi(Arc::clone(&context)));
    let watch = PolicyWatchServiceServer::new(PolicyWatchApi(Arc::clone(&context)));
    let audit = AuditServiceServer::new(AuditApi(context));
    Routes::default()
        .add_service(session.max_decoding_message_size(max_message_bytes))
        .add_service(check.max_decoding_message_size(max_message_bytes))
        .add_service(registry.max_decoding_message_size(max_message_bytes))
        .add_service(directory.max_decoding_message_size(max_message_bytes))
        .add_service(project.max_decoding_message_size(max_message_bytes))
        .add_service(layers.max_decoding_message_size(max_message_bytes))
        .add_service(lookups.max_decoding_message_size(max_message_bytes))
        .add_service(personal.max_decoding_message_size(max_message_bytes))
        .add_service(watch.max_decoding_message_size(max_message_bytes))
        .add_service(audit.max_decoding_message_size(max_message_bytes))
}
