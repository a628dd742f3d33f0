//! Requests about the record.

use std::sync::Arc;

use authorization_core::audit::{
    AuditAsked, AuditFilter, AuditKind, KindSet, Outcome, Refused, RefusedBy, RefusedElsewhere,
};
use jmap_domain::{Resource, ServiceId, SessionId};
use jmap_proto::authorization::{self as pb, refused_calls};
use jmap_service::call::RequestId;
use jmap_wire::{
    FieldPath, FieldViolation, Violation, enumeration, id, list, optional_id, required,
};

use crate::parse::time;

/// Most reports in one call.
const MAX_REPORTS: usize = 1_000;
/// Longest path of a method, in bytes.
const MAX_METHOD: usize = 128;
/// Longest reason, in bytes.
const MAX_REASON: usize = 63;

pub(super) fn asked(filter: Option<pb::AuditFilter>) -> Result<AuditAsked, FieldViolation> {
    let Some(filter) = filter else {
        return Ok(AuditAsked::default());
    };
    let pb::AuditFilter {
        from_time,
        until_time,
        user_id,
        service_id,
        about,
        project_id,
        kinds,
        outcome: wanted,
    } = filter;
    let path = FieldPath::of("filter");
    let kind = |(index, value)| enumeration(path.field("kinds").item(index), value, kind);
    let kinds = kinds.into_iter().enumerate().map(kind);
    let about = about.map(|about| resource(&path.field("about"), about));
    let filter = AuditFilter {
        from: from_time
            .map(|at| time((&path, "from_time"), at))
            .transpose()?,
        until: until_time
            .map(|at| time((&path, "until_time"), at))
            .transpose()?,
        user: optional_id(path.field("user_id"), user_id)?,
        service: optional_id::<ServiceId>(path.field("service_id"), service_id)?,
        about: about.transpose()?,
        kinds: kinds.collect::<Result<KindSet, _>>()?,
        outcome: match wanted {
            0 => None,
            wanted => Some(enumeration(path.field("outcome"), wanted, outcome)?),
        },
    };
    Ok(AuditAsked {
        filter,
        project: optional_id(path.field("project_id"), project_id)?,
    })
}

/// The number of a record; 0 is before the first.
pub(super) fn record_number(field: &'static str, number: i64) -> Result<i64, FieldViolation> {
    if number < 0 {
        return Err(FieldPath::of(field).invalid("is negative"));
    }
    Ok(number)
}

pub(super) fn reports(
    message: pb::ReportRefusalsRequest,
) -> Result<(Vec<RefusedElsewhere>, u64), FieldViolation> {
    let pb::ReportRefusalsRequest {
        refusals,
        dropped_count,
    } = message;
    let reports = if refusals.is_empty() {
        Vec::new()
    } else {
        list(&"refusals".into(), refusals, MAX_REPORTS, report)?
    };
    let dropped = count("dropped_count".into(), dropped_count, 0)?;
    Ok((reports, dropped))
}

fn report(path: &FieldPath, report: pb::RefusedCalls) -> Result<RefusedElsewhere, FieldViolation> {
    let pb::RefusedCalls {
        caller,
        method,
        reason,
        resource: about,
        request_id,
        time: first,
        last_time: last,
        count: many,
    } = report;
    let moment = |name: &'static str, at| {
        let path = path.field(name);
        time(path.clone(), required(path, at)?)
    };
    let about = about.map(|about| resource(&path.field("resource"), about));
    let refused = Refused {
        method: word(path.field("method"), method, MAX_METHOD)?,
        reason: word(path.field("reason"), reason, MAX_REASON)?
            .ok_or_else(|| path.field("reason").violates(Violation::Missing))?
            .as_ref()
            .to_owned(),
        resource: about.transpose()?,
        request: request(path.field("request_id"), &request_id)?,
    };
    Ok(RefusedElsewhere {
        by: refused_by(path, caller)?,
        refused,
        first_at: moment("time", first)?,
        last_at: moment("last_time", last)?,
        count: count(path.field("count"), many, 1)?,
    })
}

fn refused_by(
    path: &FieldPath,
    caller: Option<refused_calls::Caller>,
) -> Result<RefusedBy, FieldViolation> {
    match caller {
        None => Ok(RefusedBy::Unknown),
        Some(refused_calls::Caller::Anonymous(pb::AnonymousCaller {})) => Ok(RefusedBy::Anonymous),
        Some(refused_calls::Caller::SessionId(session)) => {
            id::<SessionId>(path.field("session_id"), session).map(RefusedBy::Session)
        }
    }
}

/// A word of the contract, such as the path of a method: printable, without spaces.
fn word(path: FieldPath, text: String, longest: usize) -> Result<Option<Arc<str>>, FieldViolation> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > longest || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(path.invalid("is no such word, or is too long"));
    }
    Ok(Some(text.into()))
}

fn request(path: FieldPath, text: &str) -> Result<Option<Arc<str>>, FieldViolation> {
    if text.is_empty() {
        return Ok(None);
    }
    let id = RequestId::parse(text).ok_or_else(|| path.invalid("is no request id"))?;
    Ok(Some(id.shared()))
}

fn count(path: FieldPath, number: i64, least: u64) -> Result<u64, FieldViolation> {
    let count = u64::try_from(number).ok().filter(|count| *count >= least);
    count.ok_or_else(|| path.invalid("is less than it can be"))
}

fn resource(path: &FieldPath, about: pb::AuditedResource) -> Result<Resource, FieldViolation> {
    let pb::AuditedResource {
        kind,
        id: number,
        name: _output_only,
        project_id: _output_only_too,
    } = about;
    let word = enumeration(path.field("kind"), kind, resource_word)?;
    if word == Resource::Installation.word() {
        return Ok(Resource::Installation);
    }
    let invalid = |reason: String| path.field("id").invalid(reason);
    Resource::named(word, number)
        .map_err(|error| invalid(error.to_string()))?
        .ok_or_else(|| invalid("is no id".to_owned()))
}

const fn resource_word(kind: pb::AuditedResourceKind) -> Option<&'static str> {
    match kind {
        pb::AuditedResourceKind::Unspecified => None,
        pb::AuditedResourceKind::User => Some("user"),
        pb::AuditedResourceKind::Group => Some("group"),
        pb::AuditedResourceKind::Principal => Some("principal"),
        pb::AuditedResourceKind::Service => Some("service"),
        pb::AuditedResourceKind::Session => Some("session"),
        pb::AuditedResourceKind::Project => Some("project"),
        pb::AuditedResourceKind::Layer => Some("layer"),
        pb::AuditedResourceKind::Connection => Some("connection"),
        pb::AuditedResourceKind::Installation => Some("installation"),
    }
}

const fn kind(kind: pb::AuditKind) -> Option<AuditKind> {
    match kind {
        pb::AuditKind::Unspecified => None,
        pb::AuditKind::Change => Some(AuditKind::Change),
        pb::AuditKind::SignIn => Some(AuditKind::SignIn),
        pb::AuditKind::SignOut => Some(AuditKind::SignOut),
        pb::AuditKind::SessionClosed => Some(AuditKind::SessionClosed),
        pb::AuditKind::Refusal => Some(AuditKind::Refusal),
        pb::AuditKind::Check => Some(AuditKind::Check),
        pb::AuditKind::Dropped => Some(AuditKind::Dropped),
    }
}

const fn outcome(outcome: pb::AuditOutcome) -> Option<Outcome> {
    match outcome {
        pb::AuditOutcome::Unspecified => None,
        pb::AuditOutcome::Done => Some(Outcome::Done),
        pb::AuditOutcome::Own => Some(Outcome::Own),
        pb::AuditOutcome::Refused => Some(Outcome::Refused),
    }
}
