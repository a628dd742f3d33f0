//! A record as it is shown.

use jmap_proto::authorization::{
    AuditRecord, AuditedCaller, AuditedCallerKind, AuditedResource, AuditedResourceKind,
};
use serde::Serialize;

use super::change::sentence;
use crate::{command::listed, output::View, words::plain_word};

/// A record as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct RecordView {
    record_id: i64,
    time: String,
    last_time: String,
    count: i64,
    kind: String,
    caller: CallerView,
    outcome: String,
    reason: String,
    act: String,
    path: String,
    resources: Vec<ResourceView>,
    resource_count: i64,
    request_id: String,
    policy_revision: i64,
    changes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct CallerView {
    kind: String,
    user_id: i64,
    service_id: i64,
    session_id: i64,
    name: String,
    via_service_id: i64,
    via_service_name: String,
}

#[derive(Debug, Serialize)]
struct ResourceView {
    kind: String,
    id: i64,
    name: String,
    project_id: i64,
}

impl From<AuditRecord> for RecordView {
    fn from(record: AuditRecord) -> Self {
        let path = plain_word(record.path().as_str_name(), "GRANT_PATH_");
        let kind = plain_word(record.kind().as_str_name(), "AUDIT_KIND_");
        let outcome = plain_word(record.outcome().as_str_name(), "AUDIT_OUTCOME_");
        let time =
            |at: Option<prost_types::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let resources = record.resources.into_iter().map(ResourceView::from);
        Self {
            record_id: record.record_id,
            time: time(record.time),
            last_time: time(record.last_time),
            count: record.count,
            kind,
            caller: record.caller.unwrap_or_default().into(),
            outcome,
            reason: record.reason,
            act: record.act,
            path: match (path.as_str(), record.path_group_id) {
                ("unspecified", _) => String::new(),
                (path, 0) => path.to_owned(),
                (path, group) => format!("{path}:{group}"),
            },
            resources: resources.collect(),
            resource_count: record.resource_count,
            request_id: record.request_id,
            policy_revision: record.policy_revision,
            changes: record.changes.iter().map(sentence).collect(),
        }
    }
}

impl From<AuditedCaller> for CallerView {
    fn from(caller: AuditedCaller) -> Self {
        let kind = plain_word(caller.kind().as_str_name(), "AUDITED_CALLER_KIND_");
        Self {
            kind,
            user_id: caller.user_id,
            service_id: caller.service_id,
            session_id: caller.session_id,
            name: caller.name,
            via_service_id: caller.via_service_id,
            via_service_name: caller.via_service_name,
        }
    }
}

impl From<AuditedResource> for ResourceView {
    fn from(resource: AuditedResource) -> Self {
        let kind = plain_word(resource.kind().as_str_name(), "AUDITED_RESOURCE_KIND_");
        Self {
            kind,
            id: resource.id,
            name: resource.name,
            project_id: resource.project_id,
        }
    }
}

impl CallerView {
    /// Who, and through whom.
    fn written(&self) -> String {
        let user = plain_word(
            AuditedCallerKind::User.as_str_name(),
            "AUDITED_CALLER_KIND_",
        );
        let who = match (self.kind == user, self.name.as_str()) {
            (true, "") => format!("user:{}", self.user_id),
            (true, name) => name.to_owned(),
            (false, "") => self.kind.clone(),
            (false, name) if self.service_id != 0 => format!("service:{name}"),
            (false, name) => name.to_owned(),
        };
        match (self.via_service_id, self.via_service_name.as_str()) {
            (0, _) => who,
            (via, "") => format!("{who} via service:{via}"),
            (_, via) => format!("{who} via {via}"),
        }
    }
}

impl ResourceView {
    fn written(&self) -> String {
        let Self {
            kind,
            id,
            name,
            project_id: _,
        } = self;
        let whole = AuditedResourceKind::Installation.as_str_name();
        if *kind == plain_word(whole, "AUDITED_RESOURCE_KIND_") {
            kind.clone()
        } else if name.is_empty() {
            format!("{kind}:{id}")
        } else {
            format!("{kind}:{name}")
        }
    }
}

impl View for RecordView {
    const COLUMNS: &'static [&'static str] = &[
        "id", "time", "count", "kind", "who", "what", "about", "outcome", "path", "request",
    ];
    fn cells(&self) -> Vec<String> {
        let about: Vec<String> = self.resources.iter().map(ResourceView::written).collect();
        let outcome = match self.reason.as_str() {
            "" => self.outcome.clone(),
            reason => format!("{}: {reason}", self.outcome),
        };
        vec![
            self.record_id.to_string(),
            self.time.clone(),
            self.count.to_string(),
            self.kind.clone(),
            self.caller.written(),
            self.what(),
            listed(&about),
            outcome,
            dash(&self.path),
            dash(&self.request_id),
        ]
    }
}

impl RecordView {
    /// The changes, or else the method without its package.
    fn what(&self) -> String {
        if !self.changes.is_empty() {
            return self.changes.join("; ");
        }
        let bare = self.act.rsplit_once(".v1.").map(|(_, method)| method);
        dash(bare.unwrap_or(&self.act))
    }
}

fn dash(text: &str) -> String {
    if text.is_empty() { "-" } else { text }.to_owned()
}

#[cfg(test)]
mod tests {
    use jmap_proto::authorization::{AuditKind, AuditOutcome, GrantPath};

    use super::*;

    #[test]
    fn a_refusal_is_one_readable_row() {
        // R122.
        let record = AuditRecord {
            record_id: 9,
            time: Some(prost_types::Timestamp::default()),
            count: 3,
            kind: AuditKind::Refusal.into(),
            caller: Some(AuditedCaller {
                kind: AuditedCallerKind::User.into(),
                user_id: 5,
                name: "ben".to_owned(),
                via_service_id: 1,
                via_service_name: "layer-data".to_owned(),
                ..AuditedCaller::default()
            }),
            outcome: AuditOutcome::Refused.into(),
            reason: "NOT_OWN_ELEMENT".to_owned(),
            act: "/jmap.layerdata.v1.ElementService/UpdateElement".to_owned(),
            resources: vec![AuditedResource {
                kind: AuditedResourceKind::Layer.into(),
                id: 7,
                name: "trees".to_owned(),
                project_id: 1,
            }],
            resource_count: 1,
            request_id: "job-7".to_owned(),
            ..AuditRecord::default()
        };
        assert_eq!(
            RecordView::from(record).cells(),
            [
                "9",
                "1970-01-01T00:00:00Z",
                "3",
                "refusal",
                "ben via layer-data",
                "ElementService/UpdateElement",
                "layer:trees",
                "refused: NOT_OWN_ELEMENT",
                "-",
                "job-7"
            ]
        );
    }

    #[test]
    fn a_path_through_a_group_names_it() {
        let record = AuditRecord {
            path: GrantPath::Group.into(),
            path_group_id: 12,
            ..AuditRecord::default()
        };
        assert_eq!(RecordView::from(record).path, "group:12");
    }
}
