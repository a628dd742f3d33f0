//! The port to authorization's registry of layers: reserve, activate, unregister, tombstones.

use std::future::Future;

use jmap_domain::{GroupId, LayerId, PermissionSet, ProjectId, UserId};

use super::Call;

/// Keeps names, placement and grants of layers. Calls for a user carry the user's own token.
pub trait Registry: Send + Sync + 'static {
    /// Checks the right to create a layer and takes its id and name. The same request id continues where it stopped.
    ///
    /// # Errors
    /// [`RegistryError`].
    fn reserve(
        &self,
        call: &Call,
        reservation: &Reservation,
    ) -> impl Future<Output = Result<Reserved, RegistryError>> + Send;

    /// Makes a reserved layer visible (R29); answers the policy token of the change.
    ///
    /// # Errors
    /// [`RegistryError`].
    fn activate(
        &self,
        call: &Call,
        layer: LayerId,
    ) -> impl Future<Output = Result<String, RegistryError>> + Send;

    /// Gives a reservation up.
    ///
    /// # Errors
    /// [`RegistryError`].
    fn abandon(
        &self,
        call: &Call,
        layer: LayerId,
    ) -> impl Future<Output = Result<(), RegistryError>> + Send;

    /// Makes a layer vanish at once for everyone, leaving a tombstone; answers the policy token of the change.
    ///
    /// # Errors
    /// [`RegistryError`].
    fn unregister(
        &self,
        call: &Call,
        layer: LayerId,
        confirm_name: &str,
    ) -> impl Future<Output = Result<String, RegistryError>> + Send;

    /// Lists tombstones that are not confirmed yet, oldest first. The service's own call, for no user.
    ///
    /// # Errors
    /// [`RegistryError`].
    fn removals(&self) -> impl Future<Output = Result<Vec<Removal>, RegistryError>> + Send;

    /// Confirms that the storage of removed layers is gone.
    ///
    /// # Errors
    /// [`RegistryError`].
    fn confirm_removals(
        &self,
        layers: &[LayerId],
    ) -> impl Future<Output = Result<(), RegistryError>> + Send;
}

/// A layer to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Where it shall be.
    pub placement: Placement,
    /// Its name; the registry normalises and checks it (R26).
    pub name: String,
    /// Whether editing is enabled from the start; `None` means the rule's default (R83).
    pub editing: Option<EditingSwitch>,
    /// Who may view it from the start; `None` means the rule's default (R29).
    pub initial_view: Option<InitialView>,
    /// Further grants from the start.
    pub grants: Vec<InitialGrant>,
    /// The UUID that recognises a retry.
    pub request_id: [u8; 16],
}

/// Where a new layer shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In this project.
    Project(ProjectId),
    /// A personal layer of the caller.
    Personal,
}

/// Whether a layer can be edited at all (R31).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditingSwitch {
    /// It can, by those who are granted it.
    Enabled,
    /// It cannot.
    Disabled,
}

/// Who may view a new layer in a project (R29).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialView {
    /// Everyone who can open the project.
    Everyone,
    /// Nobody.
    Nobody,
}

/// A row of a new layer's permission table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialGrant {
    /// The user or group.
    pub grantee: Grantee,
    /// What it is granted.
    pub permissions: PermissionSet,
    /// Which elements modifying and deleting reach.
    pub reach: GrantReach,
}

/// Whom a grant is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grantee {
    /// A user.
    User(UserId),
    /// A group.
    Group(GroupId),
}

/// Which elements a grant's modifying and deleting reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantReach {
    /// All.
    All,
    /// The user's own (the option *edit only own elements*).
    Own,
}

/// A reservation as it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// The layer's id, from now on never given to another.
    pub layer: LayerId,
    /// The name as it was taken: NFC and trimmed.
    pub name: String,
    /// Whether an earlier call with the same request id has finished already.
    pub state: ReservationState,
}

/// How far a creating call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReservationState {
    /// The layer is not visible yet.
    Pending,
    /// It is.
    Active,
}

/// A tombstone: proof that a layer was deleted, and the only thing that lets its storage be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The layer.
    pub layer: LayerId,
}

/// Why the registry refused.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The registry cannot be reached (R121).
    #[error("the registry cannot be reached")]
    Unavailable,
    /// The caller's deadline passed.
    #[error("the deadline passed")]
    DeadlineExceeded,
    /// The call needs a signed-in user whose session is open (R117).
    #[error("the call needs a signed-in user")]
    SignInRequired,
    /// There is no such project or layer, or the caller may not know that there is.
    #[error("the project or layer does not exist")]
    NotFound,
    /// The caller may not do this.
    #[error("it is not permitted")]
    NotPermitted,
    /// The name is taken (R26).
    #[error("the name is taken")]
    NameTaken,
    /// The name is not one, or a grant is malformed; the sentence is authorization's.
    #[error("{0}")]
    Invalid(String),
    /// A grant cannot be given, or something else stands in the way; the sentence is authorization's.
    #[error("{0}")]
    Precondition(String),
    /// The user may not have more personal layers.
    #[error("{used} personal layers of at most {limit} are used: delete or give away one first")]
    QuotaExceeded {
        /// How many the user may have.
        limit: u32,
        /// How many it has, those that are being created included.
        used: u32,
    },
    /// The reservation ran out or was given up.
    #[error("the reservation ran out")]
    ReservationExpired,
    /// The name that confirms a deletion is another one (R24).
    #[error("the name that confirms the deletion is another one")]
    ConfirmationMismatch,
    /// The request id was used for another request.
    #[error("the request id was used for another request")]
    RequestReused,
}
