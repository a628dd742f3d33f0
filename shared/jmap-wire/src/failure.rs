//! A failing call's code, reason and details, put into a status in one place (R120).

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{FieldViolation, Violation};

/// Most characters of a sentence or a path. They travel in headers, of which clients take 16 KiB in all, and may repeat
/// what the caller sent.
const MAX_CHARS: usize = 300;

/// A failure on its way to the caller: what a program needs to react, and a sentence for people.
#[derive(Clone, Debug)]
pub struct Failure {
    code: Code,
    reason: &'static str,
    message: String,
    /// On the heap, because failures travel through results of every size.
    details: Box<ErrorDetails>,
    metadata: HashMap<String, String>,
}

impl Failure {
    /// A failure with its code, its reason (a value of the service's `ErrorReason`, without the prefix) and a
    /// sentence for people: lower case, no full stop.
    #[must_use]
    pub fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: short(message.into()),
            details: Box::default(),
            metadata: HashMap::new(),
        }
    }

    /// The failure of a request with a wrong field: `INVALID_ARGUMENT`, or `UNIMPLEMENTED` for one that is not built.
    #[must_use]
    pub fn field(violation: FieldViolation) -> Self {
        let (code, reason) = match violation.violation {
            Violation::NotBuilt => (Code::Unimplemented, "NOT_BUILT"),
            Violation::TooMany { .. } => (Code::ResourceExhausted, "TOO_LARGE"),
            Violation::Missing
            | Violation::NotAnId(_)
            | Violation::UnknownEnumValue(_)
            | Violation::Invalid(_) => (Code::InvalidArgument, "INVALID_FIELD"),
        };
        Self::new(code, reason, violation.to_string()).at(violation)
    }

    /// A failure inside: the caller learns nothing but that it is ours. Whoever makes it logs the cause.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            Code::Internal,
            "INTERNAL",
            "the call failed by an error of the service",
        )
    }

    /// Names the field that is wrong.
    #[must_use]
    pub fn at(self, violation: FieldViolation) -> Self {
        let FieldViolation { path, violation } = violation;
        self.named(path.to_string(), violation.to_string())
    }

    /// Names something that is no field of the contract, such as a column of a file, and says what is wrong with it.
    #[must_use]
    pub fn named(mut self, name: String, why: String) -> Self {
        let name = short(name);
        self.details
            .add_bad_request_violation(name.clone(), short(why));
        self.fact("field", name)
    }

    /// Adds a fact for programs, such as `current_revision`; cut where it is too long for the header of an answer.
    #[must_use]
    pub fn fact(mut self, key: &str, value: impl Into<String>) -> Self {
        self.metadata.insert(key.to_owned(), short(value.into()));
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.details.set_retry_info(Some(delay));
        self
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The failure as a status, in the error domain of the service, such as `layerdata.jmap`.
    #[must_use]
    pub fn status(self, domain: &str) -> Status {
        let Self {
            code,
            reason,
            message,
            mut details,
            metadata,
        } = self;
        details.set_error_info(reason, domain, metadata);
        Status::with_error_details(code, message, *details)
    }

    /// The failure as the error of one item of a batch.
    #[must_use]
    pub fn item(self) -> jmap_proto::types::ItemError {
        let Self {
            code,
            reason,
            message,
            details: _,
            mut metadata,
        } = self;
        jmap_proto::types::ItemError {
            code: code as i32,
            reason: reason.to_owned(),
            message,
            field: metadata.remove("field").unwrap_or_default(),
            metadata,
        }
    }
}

/// The beginning of a text that is too long to be told.
fn short(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

impl From<FieldViolation> for Failure {
    fn from(violation: FieldViolation) -> Self {
        Self::field(violation)
    }
}

/// The machine-readable reason of a status; `None` when it carries none.
#[must_use]
pub fn reason_of(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
}

/// A fact of a status, such as `limit`; `None` where it carries no such fact.
#[must_use]
pub fn fact_of(status: &Status, name: &str) -> Option<String> {
    let mut info = status.get_details_error_info()?;
    info.metadata.remove(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FieldPath;

    #[test]
    fn a_wrong_field_carries_its_path_twice_and_a_reason() {
        // R120.
        let violation = FieldPath::of("layer_id").violates(Violation::Missing);
        let status = Failure::field(violation).status("test.jmap");
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(reason_of(&status).as_deref(), Some("INVALID_FIELD"));
        let details = status.get_error_details();
        assert_eq!(
            details.bad_request().unwrap().field_violations[0].field,
            "layer_id"
        );
        assert_eq!(details.error_info().unwrap().metadata["field"], "layer_id");
    }

    #[test]
    fn what_the_caller_sent_is_repeated_only_in_part() {
        // R120: a refusal that does not fit into the headers reaches nobody.
        let long = "é".repeat(10_000);
        let violation = FieldPath::of("name").invalid(&long);
        let status = Failure::field(violation).status("test.jmap");
        let told = status.message().len() + status.details().len();
        assert!(told < 4_000, "{told}");
        assert_eq!(reason_of(&status).as_deref(), Some("INVALID_FIELD"));
    }

    #[test]
    fn a_field_that_is_not_built_is_unimplemented() {
        let failure = Failure::field(FieldPath::of("freshness").violates(Violation::NotBuilt));
        assert_eq!(failure.code(), Code::Unimplemented);
    }
}
