//! Changes of the policy as they are shown.

use jmap_proto::authorization::{
    LayerGrantState, LayerState, PolicyAuthor, PolicyChange, PolicyChangeSet, ProjectGrantState,
    User, policy_author::Author, policy_change::Change,
};
use serde::Serialize;

use crate::{
    command::listed,
    words::{global_words, layer_words, project_words},
};

/// Changes that were made together.
#[derive(Debug, Serialize)]
pub(super) struct SetView {
    policy_token: String,
    revision: i64,
    time: String,
    author: String,
    changes: Vec<ChangeView>,
}

/// One change: of what, and in words.
#[derive(Debug, Serialize)]
struct ChangeView {
    kind: &'static str,
    id: i64,
    text: String,
}

impl From<PolicyChangeSet> for SetView {
    fn from(set: PolicyChangeSet) -> Self {
        let time = set
            .time
            .and_then(|time| jiff::Timestamp::new(time.seconds, time.nanos).ok());
        Self {
            policy_token: set.policy_token,
            revision: set.revision,
            time: time.map(|time| time.to_string()).unwrap_or_default(),
            author: author(set.author),
            changes: set.changes.into_iter().map(ChangeView::from).collect(),
        }
    }
}

impl SetView {
    /// The set on one line.
    pub(super) fn line(&self) -> String {
        let changes: Vec<String> = self.changes.iter().map(ChangeView::line).collect();
        format!(
            "{}  {}  {}: {}",
            self.revision,
            self.time,
            self.author,
            changes.join("; ")
        )
    }
}

impl ChangeView {
    fn line(&self) -> String {
        format!("{} {} {}", self.kind, self.id, self.text)
    }
}

fn author(author: Option<PolicyAuthor>) -> String {
    match author.and_then(|author| author.author) {
        Some(Author::System(_)) => "the service".to_owned(),
        Some(Author::User(user)) if user.via_service_id != 0 => {
            format!(
                "user {} through program {}",
                user.user_id, user.via_service_id
            )
        }
        Some(Author::User(user)) => format!("user {}", user.user_id),
        Some(Author::Service(service)) => format!("program {}", service.service_id),
        None => "unknown".to_owned(),
    }
}

impl From<PolicyChange> for ChangeView {
    fn from(change: PolicyChange) -> Self {
        let Some(change) = change.change else {
            return view("unknown", 0, "is changed");
        };
        match change {
            Change::User(user) => view("user", user.user_id, is_user(&user)),
            Change::PasswordSet(set) => view("user", set.user_id, "has a new password"),
            Change::UserDeleted(gone) => view("user", gone.user_id, DELETED),
            Change::Group(group) => view("group", group.group_id, is(&group.name)),
            Change::GroupDeleted(gone) => view("group", gone.group_id, DELETED),
            Change::MemberAdded(one) => {
                let text = format!("has user {} in it", one.user_id);
                view("group", one.group_id, text)
            }
            Change::MemberRemoved(one) => {
                let text = format!("has user {} no more", one.user_id);
                view("group", one.group_id, text)
            }
            Change::GlobalPermissionsSet(set) => {
                let words = listed(&global_words(&set.permissions));
                view("principal", set.principal_id, format!("holds {words}"))
            }
            Change::ServiceAccount(account) => {
                view("program", account.service_id, is(&account.name))
            }
            Change::ServiceKeySet(set) => view("program", set.service_id, "has a new key"),
            Change::ServiceAccountDeleted(gone) => view("program", gone.service_id, DELETED),
            Change::Project(state) => {
                let project = state.project.unwrap_or_default();
                view("project", project.project_id, is(&project.name))
            }
            Change::ProjectDeleted(gone) => view("project", gone.project_id, DELETED),
            Change::ProjectGrantsSet(set) => {
                let rows = joined(set.rows.iter().map(project_row));
                view("project", set.project_id, rows)
            }
            Change::Layer(state) => of_layer(state),
            Change::LayerGrantsSet(set) => {
                let rows = joined(set.rows.iter().map(layer_row));
                view("layer", set.layer_id, rows)
            }
            Change::LayerRemoved(gone) if gone.confirmed => {
                view("layer", gone.layer_id, "has no storage any more")
            }
            Change::LayerRemoved(gone) => view("layer", gone.layer_id, DELETED),
        }
    }
}

const DELETED: &str = "is deleted";

fn view(kind: &'static str, id: i64, text: impl Into<String>) -> ChangeView {
    let text = text.into();
    ChangeView { kind, id, text }
}

fn is(name: &str) -> String {
    format!("is `{name}`")
}

fn is_user(user: &User) -> String {
    let state = if user.enabled { "" } else { ", disabled" };
    format!("is `{}`{state}", user.name)
}

fn of_layer(state: LayerState) -> ChangeView {
    let layer = state.layer.unwrap_or_default();
    let editing = if layer.editing_enabled { "on" } else { "off" };
    let reserved = if state.pending_until.is_some() {
        ", reserved"
    } else {
        ""
    };
    let text = format!("is `{}`, editing {editing}{reserved}", layer.name);
    view("layer", layer.layer_id, text)
}

fn project_row(row: &ProjectGrantState) -> String {
    let words = listed(&project_words(&row.permissions));
    format!("grants principal {} {words}", row.principal_id)
}

fn layer_row(row: &LayerGrantState) -> String {
    let words = listed(&layer_words(&row.permissions));
    let own = if row.only_own { ", only own" } else { "" };
    format!("grants principal {} {words}{own}", row.principal_id)
}

fn joined(rows: impl Iterator<Item = String>) -> String {
    rows.collect::<Vec<_>>().join(", ")
}
