//! What the use cases need from outside: a store, authorization's answers, and its registry.

mod archive;
mod authorizer;
mod registry;
mod store;

use std::{fmt, sync::Arc, time::Instant};

use jmap_domain::Caller;
use secrecy::SecretString;

pub use archive::{Archive, Arrival, LayerRecord, Occupant, RequestRecord, RequestRow};
pub use authorizer::{
    Answer, Authorizer, AuthorizerError, LayerFilter, LayerPage, LayerPlacement, PageRequest,
    RegisteredLayer,
};
pub use registry::{
    EditingSwitch, GrantReach, Grantee, InitialGrant, InitialView, Placement, Registry,
    RegistryError, Removal, Reservation, ReservationState, Reserved,
};
pub use store::{
    Chunk, ChunkLimit, Count, LayerStore, NewLayer, Redefined, Redefinition, Rest, StoreError,
    StoredLayer, Summary,
};

/// What the edge knows of a call, as far as the calls that follow from it need it.
#[derive(Clone)]
pub struct Call {
    /// Who calls.
    pub caller: Caller,
    /// When the caller stops waiting.
    pub deadline: Instant,
    /// The caller's own access token, for calls on behalf of the user; `None` for anonymous.
    pub user_token: Option<SecretString>,
    /// The id under which the logs of both services know the call.
    pub request_id: Arc<str>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("caller", &self.caller)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}
