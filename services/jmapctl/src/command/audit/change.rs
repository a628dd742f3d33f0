//! Changes of the policy, each in a few words.

use jmap_proto::authorization::{
    LayerGrantState, PolicyChange, ProjectGrantState, policy_change::Change,
};

use crate::{
    command::listed,
    words::{global_words, layer_words, project_words},
};

/// What a change did.
pub(super) fn sentence(change: &PolicyChange) -> String {
    match &change.change {
        None => "a change that this program does not know".to_owned(),
        Some(Change::User(user)) => {
            let state = if user.enabled { "" } else { ", disabled" };
            format!("user {} `{}`{state}", user.user_id, user.name)
        }
        Some(Change::PasswordSet(set)) => format!("password of user {}", set.user_id),
        Some(Change::UserDeleted(gone)) => format!("user {} deleted", gone.user_id),
        Some(Change::Group(group)) => format!("group {} `{}`", group.group_id, group.name),
        Some(Change::GroupDeleted(gone)) => format!("group {} deleted", gone.group_id),
        Some(Change::MemberAdded(joined)) => {
            format!("user {} joined group {}", joined.user_id, joined.group_id)
        }
        Some(Change::MemberRemoved(left)) => {
            format!("user {} left group {}", left.user_id, left.group_id)
        }
        Some(Change::GlobalPermissionsSet(set)) => format!(
            "principal {} holds globally: {}",
            set.principal_id,
            listed(&global_words(&set.permissions))
        ),
        Some(Change::ServiceAccount(service)) => {
            format!("service account {} `{}`", service.service_id, service.name)
        }
        Some(Change::ServiceKeySet(set)) => format!("key of service account {}", set.service_id),
        Some(Change::ServiceAccountDeleted(gone)) => {
            format!("service account {} deleted", gone.service_id)
        }
        Some(Change::Project(state)) => {
            let project = state.project.clone().unwrap_or_default();
            format!("project {} `{}`", project.project_id, project.name)
        }
        Some(Change::ProjectDeleted(gone)) => format!("project {} deleted", gone.project_id),
        Some(Change::ProjectGrantsSet(set)) => {
            let rows: Vec<String> = set.rows.iter().map(project_row).collect();
            format!("on project {}: {}", set.project_id, listed(&rows))
        }
        Some(Change::Layer(state)) => {
            let layer = state.layer.clone().unwrap_or_default();
            let editing = if layer.editing_enabled {
                "enabled"
            } else {
                "disabled"
            };
            format!(
                "layer {} `{}`, editing {editing}",
                layer.layer_id, layer.name
            )
        }
        Some(Change::LayerGrantsSet(set)) => {
            let rows: Vec<String> = set.rows.iter().map(layer_row).collect();
            format!("on layer {}: {}", set.layer_id, listed(&rows))
        }
        Some(Change::LayerRemoved(gone)) if gone.confirmed => {
            format!("layer {}: storage gone", gone.layer_id)
        }
        Some(Change::LayerRemoved(gone)) => format!("layer {} deleted", gone.layer_id),
    }
}

fn project_row(row: &ProjectGrantState) -> String {
    let words = project_words(&row.permissions);
    format!("principal {} holds {}", row.principal_id, held(&words))
}

fn layer_row(row: &LayerGrantState) -> String {
    let words = layer_words(&row.permissions);
    let own = if row.only_own { " (only own)" } else { "" };
    format!("principal {} holds {}{own}", row.principal_id, held(&words))
}

fn held(words: &[String]) -> String {
    if words.is_empty() {
        "nothing".to_owned()
    } else {
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use jmap_proto::{authorization::LayerGrantsSet, types::Permission};

    use super::*;

    #[test]
    fn a_change_of_grants_says_who_holds_what_now() {
        let rows = vec![
            LayerGrantState {
                principal_id: 5,
                permissions: vec![Permission::View.into(), Permission::AddElements.into()],
                only_own: true,
            },
            LayerGrantState {
                principal_id: 3,
                ..LayerGrantState::default()
            },
        ];
        let change = PolicyChange {
            change: Some(Change::LayerGrantsSet(LayerGrantsSet { layer_id: 7, rows })),
        };
        assert_eq!(
            sentence(&change),
            "on layer 7: principal 5 holds view, add (only own), principal 3 holds nothing"
        );
    }
}
