//! What authorization keeps: principals, projects, layers and the grants on them.

mod grant;
mod layer;
mod principal;
mod project;
mod session;

pub use grant::{GlobalSet, GrantRow, LayerGrant, ProjectGrantRow, ProjectRights};
pub use layer::{CreationRequest, Editing, Layer, LayerState, Placement, RequestId, Tombstone};
pub use principal::{AccountPolicy, AccountState, FederatedId, Group, Service, User};
pub use project::{Description, DescriptionError, Project};
pub use session::{Account, Session, SessionState};
