//! Small pieces of requests, and what matters of answers.

use geozero::{CoordDimensions, ToWkb};
use jmap_proto::{
    authorization::{LayerQuestion, Question, SelfSubject, Subject, question, subject},
    layerdata::{
        AttributeRef, AttributeValue, EditedElement, ElementChange, NewElement, attribute_ref,
    },
    types::{
        AnyRevision, AttributeDefinition, AttributeType, ExpectedRevision, Principal, Value,
        expected_revision::Expected, principal, value,
    },
};
use jmap_wire::reason_of;
use tonic::Status;
use wkt::TryFromWkt;

use crate::world::Outcome;

/// A geometry as ISO WKB.
///
/// # Panics
/// When the text is no WKT.
#[must_use]
pub fn wkb(text: &str) -> Vec<u8> {
    let geometry = geo_types::Geometry::<f64>::try_from_wkt_str(text);
    let geometry = geometry.unwrap_or_else(|error| panic!("`{text}`: {error}"));
    geometry.to_wkb(CoordDimensions::xy()).expect("WKB")
}

/// An attribute of text that may be null.
#[must_use]
pub fn text_attribute(name: &str) -> AttributeDefinition {
    attribute(name, AttributeType::String)
}

/// An attribute without constraints.
#[must_use]
pub fn attribute(name: &str, kind: AttributeType) -> AttributeDefinition {
    AttributeDefinition {
        name: name.to_owned(),
        r#type: kind.into(),
        ..AttributeDefinition::default()
    }
}

/// An attribute by its name.
#[must_use]
pub fn by_name(attribute: &str) -> AttributeRef {
    let name = attribute_ref::Attribute::Name(attribute.to_owned());
    AttributeRef {
        attribute: Some(name),
    }
}

/// A value for the attribute of that name.
#[must_use]
pub fn set(attribute: &str, value: value::Kind) -> AttributeValue {
    AttributeValue {
        attribute: Some(by_name(attribute)),
        value: Some(Value { kind: Some(value) }),
    }
}

/// A text for the attribute of that name.
#[must_use]
pub fn set_text(attribute: &str, text: &str) -> AttributeValue {
    set(attribute, value::Kind::String(text.to_owned()))
}

/// An element to create, by WKT.
#[must_use]
pub fn new_element(at: &str, values: Vec<AttributeValue>) -> NewElement {
    NewElement {
        geometry: wkb(at).into(),
        values,
    }
}

/// A change of the geometry, by WKT.
#[must_use]
pub fn moved(at: &str) -> ElementChange {
    ElementChange {
        geometry: Some(wkb(at).into()),
        values: Vec::new(),
    }
}

/// A change of values alone.
#[must_use]
pub const fn revalued(values: Vec<AttributeValue>) -> ElementChange {
    ElementChange {
        geometry: None,
        values,
    }
}

/// Whatever the revision is.
#[must_use]
pub const fn any_revision() -> Option<ExpectedRevision> {
    let expected = Some(Expected::Any(AnyRevision {}));
    Some(ExpectedRevision { expected })
}

/// The revision that the element had.
#[must_use]
pub fn as_of(element: &EditedElement) -> Option<ExpectedRevision> {
    let expected = Some(Expected::Revision(element.revision));
    Some(ExpectedRevision { expected })
}

/// A user as a principal.
#[must_use]
pub const fn user(id: i64) -> Option<Principal> {
    let principal = Some(principal::Principal::UserId(id));
    Some(Principal { principal })
}

/// A group as a principal.
#[must_use]
pub const fn group(id: i64) -> Option<Principal> {
    let principal = Some(principal::Principal::GroupId(id));
    Some(Principal { principal })
}

/// About the caller itself.
#[must_use]
pub const fn oneself() -> Subject {
    Subject {
        subject: Some(subject::Subject::Self_(SelfSubject {})),
        end_user_assertion: String::new(),
    }
}

/// About another account.
#[must_use]
pub const fn about(user_id: i64) -> Subject {
    Subject {
        subject: Some(subject::Subject::UserId(user_id)),
        end_user_assertion: String::new(),
    }
}

/// A question about a layer; the act is a number, so that it can be a wrong one.
#[must_use]
pub const fn on_layer(layer_id: i64, act: i32) -> Question {
    let layer = question::Question::Layer(LayerQuestion { layer_id, act });
    Question {
        question: Some(layer),
    }
}

/// A status as worlds write it.
#[must_use]
pub fn outcome_of(status: &Status) -> Outcome {
    let reason = reason_of(status).unwrap_or_else(|| format!("({})", status.message()));
    Outcome::refused(&code_word(status.code() as i32), &reason)
}

/// The result of a call as worlds write it.
#[must_use]
pub fn outcome<T>(result: &Result<T, Status>) -> Outcome {
    result.as_ref().err().map_or(Outcome::Ok, outcome_of)
}

/// A gRPC code as the specification writes it.
#[must_use]
pub fn code_word(code: i32) -> String {
    let words = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let word = usize::try_from(code).ok().and_then(|code| words.get(code));
    word.map_or_else(|| code.to_string(), |word| (*word).to_owned())
}
