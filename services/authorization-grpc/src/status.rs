//! From the errors of use cases to codes, reasons and details: decided here, once, for every service (R120).

use authorization_core::{
    CheckError, Refusal, Resource,
    directory::DirectoryError,
    federation::FederationError,
    globals::GlobalsError,
    layer_permissions::{GrantError, TableError},
    lookup::InquiryError,
    past::Moment,
    personal::PersonalError,
    ports::{CryptoError, StoreError},
    projects::ProjectError,
    registry::RegistryError,
    services::ServiceError,
    sessions::SignInError,
    suppose::ProposalError,
};
use jmap_domain::{PolicyRevision, Scope};
use jmap_wire::{Failure, FieldPath, FieldViolation, format_policy_token};
use std::time::Duration;
use tonic::{Code, Status};

/// The domain of this service's errors.
pub const DOMAIN: &str = "authorization.jmap";

/// How soon to try again when the store could not answer, or too many wait already.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// How soon to try again when a provider's keys could not be fetched: before that, nobody tries.
const RETRY_FETCHING: Duration = Duration::from_secs(10);

/// A call that is not answered as asked.
#[derive(Debug)]
pub(crate) struct Rejection(Box<Status>);

impl From<Rejection> for Status {
    fn from(rejection: Rejection) -> Self {
        *rejection.0
    }
}

/// The chassis has decided already.
impl From<Status> for Rejection {
    fn from(status: Status) -> Self {
        Self(Box::new(status))
    }
}

impl From<jmap_service::Refusal> for Rejection {
    fn from(refusal: jmap_service::Refusal) -> Self {
        refusal.status(DOMAIN).into()
    }
}

impl From<Failure> for Rejection {
    fn from(failure: Failure) -> Self {
        failure.status(DOMAIN).into()
    }
}

macro_rules! rejections {
    ($($error:ty => $failure:ident;)+) => {$(
        impl From<$error> for Rejection {
            fn from(error: $error) -> Self {
                $failure(&error).into()
            }
        }
    )+};
}

rejections! {
    Refusal => refusal;
    SignInError => sign_in;
    CheckError => check;
    DirectoryError => directory;
    GlobalsError => globals;
    ServiceError => service;
    ProjectError => project;
    RegistryError => registry;
    TableError => table;
    PersonalError => personal;
    InquiryError => inquiry;
}

impl From<FieldViolation> for Rejection {
    fn from(violation: FieldViolation) -> Self {
        Failure::field(violation).into()
    }
}

/// A resource that is asked for by name, absent or not to be known of: the same answer (R40).
pub(crate) fn no_such_name(kind: &str, name: &impl std::fmt::Display) -> Failure {
    Failure::new(
        Code::NotFound,
        "NOT_FOUND",
        format!("{kind} `{name}` does not exist"),
    )
}

/// A stale revision, with the present one (R108).
pub(crate) fn stale(message: String, current: PolicyRevision) -> Failure {
    let current = current.0.to_string();
    Failure::new(Code::Aborted, "STALE_REVISION", message).fact("current_revision", current)
}

/// A service whose key lacks the scope that the call needs.
pub(crate) fn scope_missing(scope: Scope) -> Failure {
    let scope = match scope {
        Scope::Check => "check",
        Scope::Register => "register",
    };
    let message = format!("the service's key lacks the scope `{scope}`");
    Failure::new(Code::PermissionDenied, "SCOPE_MISSING", message).fact("scope", scope)
}

/// As many as are served at once are served already.
pub(crate) fn overloaded(message: impl Into<String>) -> Failure {
    Failure::new(Code::ResourceExhausted, "OVERLOADED", message.into()).retry_after(RETRY_AFTER)
}

fn refusal(error: &Refusal) -> Failure {
    let with = |code, reason| Failure::new(code, reason, error.to_string());
    let about = |code, reason, resource: &Resource| of(with(code, reason), *resource);
    match error {
        Refusal::NotSignedIn => with(Code::Unauthenticated, "SIGN_IN_REQUIRED"),
        Refusal::SessionClosed => with(Code::Unauthenticated, "SESSION_CLOSED"),
        Refusal::SessionExpired => with(Code::Unauthenticated, "SESSION_EXPIRED"),
        Refusal::AccountDisabled => with(Code::Unauthenticated, "ACCOUNT_DISABLED"),
        Refusal::NotFound(resource) => about(Code::NotFound, "NOT_FOUND", resource),
        Refusal::Forbidden(Resource::Installation) => Failure::new(
            Code::PermissionDenied,
            "NOT_PERMITTED",
            "the caller may not do this",
        ),
        Refusal::Forbidden(resource) => about(Code::PermissionDenied, "NOT_PERMITTED", resource),
        Refusal::Stale(_) => with(Code::Aborted, "STALE_REVISION"),
        Refusal::LastSuperAdministrator => with(Code::FailedPrecondition, "LAST_ADMINISTRATOR"),
        Refusal::LastOwner(project) => {
            let project = Resource::Project(*project);
            about(Code::FailedPrecondition, "LAST_ADMINISTRATOR", &project)
        }
        Refusal::QuotaExceeded { limit, used } => with(Code::ResourceExhausted, "QUOTA_EXCEEDED")
            .fact("limit", limit.to_string())
            .fact("used", used.to_string()),
        // Logged where they happened; the caller can do nothing about them.
        Refusal::NoIdsLeft(_) | Refusal::Crypto(CryptoError::Failed) => {
            tracing::error!(%error, "a call failed inside");
            Failure::internal()
        }
        Refusal::Crypto(CryptoError::Overloaded) => overloaded(error.to_string()),
        Refusal::TooManyAttempts { wait } => {
            with(Code::ResourceExhausted, "TOO_MANY_ATTEMPTS").retry_after(*wait)
        }
        Refusal::Store(error) => store(*error),
    }
}

/// The failure with the id of what it is about, such as `layer_id`: the one that the call has named.
fn of(failure: Failure, resource: Resource) -> Failure {
    match resource.id() {
        Some(id) => failure.fact(&format!("{}_id", resource.word()), id.to_string()),
        None => failure,
    }
}

/// The store has logged its own words.
fn store(error: StoreError) -> Failure {
    match error {
        // The database is another process's by now, or could not be reached: this one cannot say what holds.
        StoreError::Conflict | StoreError::Unavailable => {
            let message = "the policy cannot be read or changed at present";
            Failure::new(Code::Unavailable, "UNAVAILABLE", message).retry_after(RETRY_AFTER)
        }
        StoreError::Corrupt => Failure::internal(),
    }
}

fn sign_in(error: &SignInError) -> Failure {
    match error {
        SignInError::WrongCredentials => Failure::new(
            Code::Unauthenticated,
            "CREDENTIAL_REFUSED",
            error.to_string(),
        ),
        SignInError::RefreshReused => {
            Failure::new(Code::Unauthenticated, "SESSION_CLOSED", error.to_string())
        }
        SignInError::Federation(error) => federation(*error),
        SignInError::NameTaken(_) => name_taken(error.to_string()),
        SignInError::Refused(error) => refusal(error),
    }
}

fn federation(error: FederationError) -> Failure {
    let refused = |cause| {
        let message = error.to_string();
        Failure::new(Code::Unauthenticated, "CREDENTIAL_REFUSED", message).fact("cause", cause)
    };
    match error {
        FederationError::Untrusted => refused("UNTRUSTED"),
        FederationError::Expired => refused("EXPIRED"),
        FederationError::Spent => refused("SPENT"),
        FederationError::Nameless => refused("NAMELESS"),
        FederationError::Unavailable => {
            Failure::new(Code::Unavailable, "UNAVAILABLE", error.to_string())
                .retry_after(RETRY_FETCHING)
        }
    }
}

fn check(error: &CheckError) -> Failure {
    match error {
        CheckError::Refused(error) => refusal(error),
        CheckError::ForeignToken | CheckError::NotReached => Failure::new(
            Code::FailedPrecondition,
            "UNKNOWN_POLICY_TOKEN",
            error.to_string(),
        ),
        CheckError::NotYet => Failure::field(
            FieldPath::of("freshness")
                .field("as_of_time")
                .invalid(error),
        ),
        CheckError::HistoryPruned(oldest) => pruned(*oldest, error.to_string()),
        CheckError::Crowded => overloaded(error.to_string()),
    }
}

/// History that is not kept any more, with the oldest point that is.
fn pruned(oldest: Moment, message: String) -> Failure {
    let Moment { token, at } = oldest;
    let failure = Failure::new(Code::FailedPrecondition, "HISTORY_PRUNED", message);
    failure
        .fact("oldest_policy_token", format_policy_token(token))
        .fact("oldest_revision", token.revision.0.to_string())
        .fact("oldest_time_millis", at.as_millis().to_string())
}

fn name_taken(message: String) -> Failure {
    Failure::new(Code::AlreadyExists, "NAME_TAKEN", message)
}

fn directory(error: &DirectoryError) -> Failure {
    match error {
        DirectoryError::NameTaken(_) => name_taken(error.to_string()),
        DirectoryError::Special(_) | DirectoryError::NoPasswordAllowed => Failure::new(
            Code::FailedPrecondition,
            "SPECIAL_PRINCIPAL",
            error.to_string(),
        ),
        DirectoryError::WrongPassword => Failure::new(
            Code::Unauthenticated,
            "CREDENTIAL_REFUSED",
            error.to_string(),
        ),
        DirectoryError::Refused(error) => refusal(error),
    }
}

fn globals(error: &GlobalsError) -> Failure {
    match error {
        GlobalsError::NotForAnybody => {
            Failure::new(Code::FailedPrecondition, "NOT_GRANTABLE", error.to_string())
        }
        GlobalsError::Refused(error) => refusal(error),
    }
}

fn service(error: &ServiceError) -> Failure {
    match error {
        ServiceError::NameTaken(_) => name_taken(error.to_string()),
        ServiceError::Refused(error) => refusal(error),
    }
}

fn wrong_name(message: String) -> Failure {
    Failure::new(Code::FailedPrecondition, "CONFIRMATION_MISMATCH", message)
}

fn project(error: &ProjectError) -> Failure {
    match error {
        ProjectError::NameTaken(_) => name_taken(error.to_string()),
        ProjectError::WrongName(_) => wrong_name(error.to_string()),
        ProjectError::NoSuchPrincipal(_) => {
            Failure::new(Code::NotFound, "NOT_FOUND", error.to_string())
        }
        ProjectError::NamedTwice(_) => Failure::field(FieldPath::of("changes").invalid(error)),
        ProjectError::OpenOnly(_) => {
            Failure::new(Code::FailedPrecondition, "NOT_GRANTABLE", error.to_string())
        }
        ProjectError::BadOrder => Failure::field(FieldPath::of("project_ids").invalid(error)),
        ProjectError::Refused(error) => refusal(error),
    }
}

fn registry(error: &RegistryError) -> Failure {
    match error {
        RegistryError::NameTaken(_) => name_taken(error.to_string()),
        RegistryError::WrongName(_) => wrong_name(error.to_string()),
        RegistryError::RequestReused => Failure::new(
            Code::FailedPrecondition,
            "REQUEST_ID_REUSED",
            error.to_string(),
        ),
        RegistryError::ReservationGone(_) => Failure::new(
            Code::FailedPrecondition,
            "RESERVATION_EXPIRED",
            error.to_string(),
        ),
        RegistryError::AlwaysEditable => Failure::field(
            FieldPath::of("layer")
                .field("editing_enabled")
                .invalid(error),
        ),
        RegistryError::BadOrder => Failure::field(FieldPath::of("layer_ids").invalid(error)),
        RegistryError::InitialGrant(_, cause) => grant(*cause, error.to_string(), "initial_grants"),
        RegistryError::Refused(error) => refusal(error),
    }
}

fn personal(error: &PersonalError) -> Failure {
    let precondition = |reason| Failure::new(Code::FailedPrecondition, reason, error.to_string());
    match error {
        PersonalError::NotPersonal(layer) => {
            of(precondition("NOT_PERSONAL"), Resource::Layer(*layer))
        }
        PersonalError::NotShared(layer) => of(precondition("NOT_SHARED"), Resource::Layer(*layer)),
        PersonalError::NotOffered(layer) => {
            of(precondition("NOT_OFFERED"), Resource::Layer(*layer))
        }
        PersonalError::NameTaken(_) => name_taken(error.to_string()),
        PersonalError::NoOwner(_) | PersonalError::OwnsAlready(_) => {
            Failure::field(FieldPath::of("owner_user_id").invalid(error))
        }
        PersonalError::Refused(error) => refusal(error),
    }
}

fn table(error: &TableError) -> Failure {
    match error {
        TableError::Grant {
            layer,
            principal,
            error: cause,
        } => grant(*cause, error.to_string(), "changes")
            .fact("layer_id", layer.to_string())
            .fact("principal_id", principal.to_string()),
        TableError::LayerTwice(_) => Failure::field(FieldPath::of("changes").invalid(error)),
        TableError::Refused(error) => refusal(error),
    }
}

/// A question that is not answered, or a proposal that is refused as the change itself would be.
fn inquiry(error: &InquiryError) -> Failure {
    match error {
        InquiryError::Check(error) => check(error),
        InquiryError::Proposal { index, error } => {
            let failure = match error {
                ProposalError::LayerTable(error) => table(error),
                ProposalError::ProjectTable(error) => project(error),
                ProposalError::Directory(error) => directory(error),
                ProposalError::Globals(error) => globals(error),
                ProposalError::Registry(error) => registry(error),
                ProposalError::Refused(error) => refusal(error),
            };
            failure.fact("proposal", index.to_string())
        }
    }
}

/// A refused grant; `field` is where grants stand in the request.
fn grant(error: GrantError, message: String, field: &'static str) -> Failure {
    match error {
        GrantError::NoSuchPrincipal => Failure::new(Code::NotFound, "NOT_FOUND", message),
        GrantError::NamedTwice => Failure::field(FieldPath::of(field).invalid(message)),
        GrantError::CannotOpen => {
            Failure::new(Code::FailedPrecondition, "CANNOT_OPEN_PROJECT", message)
        }
        GrantError::EditingDisabled(_) => {
            Failure::new(Code::FailedPrecondition, "EDITING_DISABLED", message)
        }
        GrantError::RemoteAccessNeedsOwner => {
            Failure::new(Code::PermissionDenied, "NOT_PERMITTED", message)
        }
        GrantError::NotAServerAccount
        | GrantError::RemoteAccessOnReference
        | GrantError::NotForSpecial
        | GrantError::RemoteAccessOnPersonal => {
            Failure::new(Code::FailedPrecondition, "NOT_GRANTABLE", message)
        }
    }
}
