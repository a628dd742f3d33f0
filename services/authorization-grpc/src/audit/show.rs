//! Records in the words of the contract.

use authorization_core::{
    Path, Snapshot,
    audit::{AuditEntry, AuditKind, AuditRecord, Concern, Outcome, ShownRecord, Who},
};
use jmap_domain::{GroupId, Name, ProjectId, ServiceId, SessionId, UserId};
use jmap_proto::authorization as pb;
use jmap_wire::{resource_kind_to_proto, timestamp};

use crate::{explain::path_to_proto, policy_change::change_to_proto, principals};

pub(super) fn records(snapshot: &Snapshot, records: &[ShownRecord]) -> Vec<pb::AuditRecord> {
    records.iter().map(|one| record(snapshot, one)).collect()
}

fn record(snapshot: &Snapshot, shown: &ShownRecord) -> pb::AuditRecord {
    let ShownRecord { record, changes } = shown;
    let AuditRecord {
        id,
        entry,
        concerns_in_all,
    } = record;
    let AuditEntry {
        kind,
        first_at,
        last_at,
        count,
        who,
        name,
        outcome,
        reason,
        act,
        path,
        request,
        revision,
        concerns,
    } = entry;
    pb::AuditRecord {
        record_id: *id,
        time: Some(timestamp(first_at.as_millis())),
        last_time: Some(timestamp(last_at.as_millis())),
        count: i64::try_from(*count).unwrap_or(i64::MAX),
        kind: kind_to_proto(*kind).into(),
        caller: Some(caller(snapshot, *who, name.as_ref())),
        outcome: outcome_to_proto(*outcome).into(),
        reason: reason.clone().unwrap_or_default(),
        act: act.as_deref().unwrap_or_default().to_owned(),
        path: path
            .map_or(pb::GrantPath::Unspecified, path_to_proto)
            .into(),
        path_group_id: path.and_then(group).map_or(0, GroupId::get),
        resources: concerns.iter().map(concern).collect(),
        resource_count: i64::try_from(*concerns_in_all).unwrap_or(i64::MAX),
        request_id: request.as_deref().unwrap_or_default().to_owned(),
        policy_revision: revision.map_or(0, principals::revision),
        changes: changes.iter().map(change_to_proto).collect(),
    }
}

fn caller(snapshot: &Snapshot, who: Who, name: Option<&Name>) -> pb::AuditedCaller {
    let (kind, own) = match who {
        Who::System => (pb::AuditedCallerKind::System, None),
        Who::Unknown { via: _ } => (pb::AuditedCallerKind::Unknown, None),
        Who::Anonymous { via: _ } => (pb::AuditedCallerKind::Anonymous, None),
        Who::User { .. } => (pb::AuditedCallerKind::User, None),
        Who::Service { .. } => (pb::AuditedCallerKind::Service, who.service()),
    };
    let via = who.service().filter(|_| own.is_none());
    let via_name = via.and_then(|via| snapshot.service(via));
    pb::AuditedCaller {
        kind: kind.into(),
        user_id: who.user().map_or(0, UserId::get),
        service_id: own.map_or(0, ServiceId::get),
        session_id: who.session().map_or(0, SessionId::get),
        name: name.map(Name::to_string).unwrap_or_default(),
        via_service_id: via.map_or(0, ServiceId::get),
        via_service_name: via_name.map(|via| via.name.to_string()).unwrap_or_default(),
    }
}

fn concern(concern: &Concern) -> pb::AuditedResource {
    let Concern {
        resource,
        project,
        name,
    } = concern;
    pb::AuditedResource {
        kind: resource_kind_to_proto(*resource).into(),
        id: resource.id().unwrap_or_default(),
        name: name.as_ref().map(Name::to_string).unwrap_or_default(),
        project_id: project.map_or(0, ProjectId::get),
    }
}

const fn kind_to_proto(kind: AuditKind) -> pb::AuditKind {
    match kind {
        AuditKind::Change => pb::AuditKind::Change,
        AuditKind::SignIn => pb::AuditKind::SignIn,
        AuditKind::SignOut => pb::AuditKind::SignOut,
        AuditKind::SessionClosed => pb::AuditKind::SessionClosed,
        AuditKind::Refusal => pb::AuditKind::Refusal,
        AuditKind::Check => pb::AuditKind::Check,
        AuditKind::Dropped => pb::AuditKind::Dropped,
    }
}

const fn outcome_to_proto(outcome: Outcome) -> pb::AuditOutcome {
    match outcome {
        Outcome::Done => pb::AuditOutcome::Done,
        Outcome::Own => pb::AuditOutcome::Own,
        Outcome::Refused => pb::AuditOutcome::Refused,
    }
}

const fn group(path: Path) -> Option<GroupId> {
    match path {
        Path::Group(group) => Some(group),
        Path::Direct
        | Path::Authenticated
        | Path::Everyone
        | Path::Owner
        | Path::SuperAdministrator => None,
    }
}
