//! The words both services use: ids, names, permissions, questions, decisions, callers and revisions.
//!
//! Pure data: no async, no I/O, no protobuf, no SQL.

mod caller;
mod decision;
mod id;
mod name;
mod permission;
mod question;
mod resource;
mod revision;
mod tally;

pub use caller::{Caller, Scope, ScopeSet, ServiceCaller, SessionCaller, SessionKind, Subject};
pub use decision::{Decision, DenyReason, EffectivePermissions};
pub use id::{
    ActorId, AttributeId, ConnectionId, ElementId, GroupId, IdError, LayerId, MAX_ID, PrincipalId,
    ProjectId, ServiceId, SessionId, UserId,
};
pub use name::{Name, NameError, fold, normalize};
pub use permission::{Permission, PermissionSet};
pub use question::{ConnectionAct, GlobalPermission, LayerAct, ProjectAct, Question};
pub use resource::Resource;
pub use revision::{DataRevision, Epoch, PolicyRevision, PolicyToken};
pub use tally::{Seen, Tallied, Tally, TallyLimits};
