//! What went wrong, in a sentence for people and in fields for programs, and what to do next.

use std::collections::BTreeMap;

use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// What a command that fails answers. Programs see it as an object on standard error, people as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// The kind, which decides the exit code.
    pub(crate) kind: Kind,
    /// What went wrong and where, lower case.
    pub(crate) message: String,
    /// What a service answered; unset when the failure was found here.
    #[serde(flatten)]
    pub(crate) answer: Option<Box<Answer>>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// What a service says about a call that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Answer {
    /// The google.rpc code, such as `NOT_FOUND`.
    pub(crate) code: &'static str,
    /// The reason, such as `STALE_REVISION`; unset when no service of ours made the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// The path of the field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<String>,
    /// Further facts, such as `current_revision`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) facts: BTreeMap<String, String>,
}

/// The kinds of failure, each with its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// 1: anything else.
    Failed,
    /// 2: the command line cannot be understood.
    Usage,
    /// 3: not permitted, or not signed in.
    Refused,
    /// 4: there is no such thing, or the caller may not know that there is.
    NotFound,
    /// 5: somebody else was faster: the name is taken, the revision is stale.
    Conflict,
    /// 6: the service cannot be reached or has no time.
    Unavailable,
}

impl Kind {
    /// What the process ends with.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NotFound => 4,
            Self::Conflict => 5,
            Self::Unavailable => 6,
        }
    }
}

impl Failure {
    /// A failure found here, not by a service.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            answer: None,
            hint: None,
        }
    }

    /// A mistake in the command line that its parser cannot see.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Something that is not there.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// The reason that a service gave.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.answer.as_ref()?.reason.as_deref()
    }

    /// Whether a service answered with this code and this reason.
    pub(crate) fn is(&self, code: &str, reason: &str) -> bool {
        let code_is = |answer: &Answer| answer.code == code;
        self.answer.as_deref().is_some_and(code_is) && self.reason() == Some(reason)
    }

    /// A fact that a service told, such as `current_revision`.
    pub(crate) fn fact(&self, name: &str) -> Option<&str> {
        self.answer.as_ref()?.facts.get(name).map(String::as_str)
    }

    /// Says what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the server that could not be reached; what a service answered names itself.
    #[must_use]
    pub(crate) fn reaching(self, server: &str) -> Self {
        if self.kind != Kind::Unavailable || self.reason().is_some() {
            return self;
        }
        Self {
            message: format!("cannot reach the pair at {server}: {}", self.message),
            ..self
        }
    }

    /// An answer that lacks what the contract promises.
    pub(crate) fn incomplete(what: &str) -> Self {
        Self::new(Kind::Failed, format!("the service answered without {what}"))
            .hint("the versions of jmapctl and of the services may be too far apart")
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(
        action: &str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let message = format!("cannot {action} {}", path.display());
        move |error| Self::new(Kind::Failed, format!("{message}: {error}"))
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let status = jmap_service::client::translate(status);
        let details = status.get_error_details();
        let info = details.error_info().cloned();
        let Some(info) = info else {
            return unexplained(&status);
        };
        let violation = details
            .bad_request()
            .and_then(|bad| bad.field_violations.first());
        let mut facts: BTreeMap<_, _> = info.metadata.into_iter().collect();
        let field = violation.map(|violation| violation.field.clone());
        let field = field.or_else(|| facts.get("field").cloned());
        facts.remove("field");
        Self {
            kind: kind_of(status.code(), &info.reason),
            message: status.message().to_owned(),
            hint: hint_for(&info.reason, &facts),
            answer: Some(Box::new(Answer {
                code: code_name(status.code()),
                reason: Some(info.reason),
                field: field.filter(|field| !field.is_empty()),
                facts,
            })),
        }
    }
}

/// A status that no handler made: the connection failed, or something between us and the service answered.
fn unexplained(status: &Status) -> Failure {
    let kind = kind_of(status.code(), "");
    let message = root_cause(status).unwrap_or_else(|| status.message().to_owned());
    let answer = Answer {
        code: code_name(status.code()),
        reason: None,
        field: None,
        facts: BTreeMap::new(),
    };
    let failure = Failure {
        answer: Some(Box::new(answer)),
        ..Failure::new(kind, message)
    };
    match kind {
        Kind::Unavailable => failure.hint(
            "check that the service runs (`jmapctl up --data DIR` starts one) and that --server names it",
        ),
        Kind::Failed | Kind::Usage | Kind::Refused | Kind::NotFound | Kind::Conflict => failure,
    }
}

/// tonic's own sentence is `transport error`; the cause at the end of the chain says what happened.
fn root_cause(status: &Status) -> Option<String> {
    let mut cause = std::error::Error::source(status)?;
    while let Some(next) = cause.source() {
        cause = next;
    }
    Some(cause.to_string())
}

fn kind_of(code: Code, reason: &str) -> Kind {
    match code {
        Code::PermissionDenied | Code::Unauthenticated => Kind::Refused,
        Code::NotFound => Kind::NotFound,
        Code::AlreadyExists | Code::Aborted => Kind::Conflict,
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => Kind::Unavailable,
        Code::ResourceExhausted if reason == "OVERLOADED" => Kind::Unavailable,
        Code::ResourceExhausted if ["TOO_MANY_ATTEMPTS", "QUOTA_EXCEEDED"].contains(&reason) => {
            Kind::Refused
        }
        Code::Ok
        | Code::Unknown
        | Code::InvalidArgument
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss => Kind::Failed,
    }
}

const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// What helps, by the reason of either service's `ErrorReason`. A newer reason than this program is shown bare.
fn hint_for(reason: &str, facts: &BTreeMap<String, String>) -> Option<String> {
    let hint = match reason {
        "TOKEN_MALFORMED" | "TOKEN_EXPIRED" | "TOKEN_UNTRUSTED" | "SESSION_CLOSED"
        | "SESSION_EXPIRED" | "SIGN_IN_REQUIRED" => "run `jmapctl sign-in NAME` first",
        "CREDENTIAL_REFUSED" => "check the name and the password",
        "ACCOUNT_DISABLED" => "ask a super administrator to enable the account",
        "NOT_PERMITTED" => return Some(permission_hint(facts)),
        "NOT_OWN_ELEMENT" => {
            "only the user who created the element, or one without the option *edit only own elements*, may change it"
        }
        "NOT_FOUND" => {
            "check the name or id; if it exists, ask an administrator of the project for `open` on it and `view` on the layer"
        }
        "ELEMENT_NOT_FOUND" => "`jmapctl query LAYER` lists the elements there are",
        "NAME_TAKEN" => "choose another name",
        "QUOTA_EXCEEDED" => {
            "delete a personal layer with `jmapctl layers delete`, hand one over with `jmapctl personal offer`, or have the limit raised"
        }
        "NOT_OFFERED" => "`jmapctl personal offers` lists what is offered to you",
        "STALE_REVISION" => return Some(stale_hint(facts)),
        "STALE_DEFINITION" => {
            "look at it with `jmapctl layers attributes list LAYER` and repeat the change"
        }
        "DATA_CONTRADICTS" => "edit those elements first, or make a rule that they satisfy",
        "EDITING_DISABLED" => {
            "an administrator of the project enables it with `jmapctl layers editing LAYER on`"
        }
        "CANNOT_OPEN_PROJECT" => "run `jmapctl projects grant PROJECT PRINCIPAL open` first",
        "LAST_ADMINISTRATOR" => "give somebody else the right first",
        "CONFIRMATION_MISMATCH" => "repeat the exact name with --confirm",
        "TOO_MANY_ELEMENTS" => "narrow the query with --bbox or --where, or ask page by page",
        "OVERLOADED" | "DEADLINE_EXCEEDED" | "UNAVAILABLE" => "try again in a moment",
        "HISTORY_PRUNED" => return Some(pruned_hint(facts)),
        "UNKNOWN_POLICY_TOKEN" => {
            "the token is of before a restore, of another installation, or of a state that is yet to come"
        }
        "INTERNAL" => "the service's log has the cause under the request id",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn permission_hint(facts: &BTreeMap<String, String>) -> String {
    match facts.get("permission") {
        Some(permission) => format!(
            "ask an administrator of the project for `{permission}`; `jmapctl explain layer` tells what is missing"
        ),
        None => {
            "ask an administrator for the right; `jmapctl explain` tells what is missing".into()
        }
    }
}

fn stale_hint(facts: &BTreeMap<String, String>) -> String {
    match facts.get("current_revision") {
        Some(current) => format!(
            "read the element again and repeat the edit with --revision {current}, or overwrite with --revision any"
        ),
        None => "read it again and repeat the change".to_owned(),
    }
}

fn pruned_hint(facts: &BTreeMap<String, String>) -> String {
    let oldest = facts
        .get("oldest_time_millis")
        .and_then(|millis| jiff::Timestamp::from_millisecond(millis.parse().ok()?).ok());
    match oldest {
        Some(oldest) => format!("ask about {oldest} or later"),
        None => "ask about a later time".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use jmap_wire::{Failure as WireFailure, FieldPath, Violation};

    use super::*;

    #[test]
    fn a_wrong_field_is_told_by_its_path() {
        // R120.
        let violation = FieldPath::of("layer_id").violates(Violation::Missing);
        let failure = Failure::from(WireFailure::field(violation).status("layerdata.jmap"));
        assert_eq!(failure.kind.exit_code(), 1);
        assert_eq!(failure.reason(), Some("INVALID_FIELD"));
        assert_eq!(failure.answer.unwrap().field.as_deref(), Some("layer_id"));
    }

    #[test]
    fn a_stale_revision_says_which_one_is_current() {
        // R108.
        let stale = WireFailure::new(Code::Aborted, "STALE_REVISION", "stale");
        let failure = Failure::from(stale.fact("current_revision", "7").status("layerdata.jmap"));
        assert_eq!(failure.kind, Kind::Conflict);
        assert!(failure.hint.unwrap().contains("--revision 7"));
    }

    #[test]
    fn programs_get_a_flat_object() {
        let refused = WireFailure::new(Code::PermissionDenied, "NOT_PERMITTED", "no");
        let failure = Failure::from(refused.fact("permission", "view").status("layerdata.jmap"));
        let object = serde_json::to_value(&failure).unwrap();
        assert_eq!(object["kind"], "refused");
        assert_eq!(object["code"], "PERMISSION_DENIED");
        assert_eq!(object["reason"], "NOT_PERMITTED");
        assert_eq!(object["facts"]["permission"], "view");
    }

    #[test]
    fn each_kind_has_its_own_exit_code() {
        let kinds = [
            Kind::Failed,
            Kind::Usage,
            Kind::Refused,
            Kind::NotFound,
            Kind::Conflict,
            Kind::Unavailable,
        ];
        assert_eq!(kinds.map(Kind::exit_code), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn an_overload_is_unavailable_and_a_result_too_large_is_not() {
        assert_eq!(
            kind_of(Code::ResourceExhausted, "OVERLOADED"),
            Kind::Unavailable
        );
        assert_eq!(
            kind_of(Code::ResourceExhausted, "TOO_MANY_ELEMENTS"),
            Kind::Failed
        );
    }
}
