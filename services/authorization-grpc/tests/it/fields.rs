//! Every field of the administration calls: missing, malformed, unknown (R120).

use jmap_proto::{authorization as pb, types};
use tonic::Code;

use crate::fixture::{
    Caller, Running, about_itself, federated, layer_grant, layer_question, mask, new_project,
    new_user, not_built, password, refused, start, subject, user, wrong,
};

async fn administrator() -> (Running, Caller) {
    let running = start().await;
    let administrator = running.sign_in("administrator").await;
    (running, administrator)
}

/// One wrong call per line: the client, the call, the message, and the path that is to be named.
macro_rules! refuses {
    ($running:ident, $caller:ident: $($client:ident.$call:ident($message:expr) => $path:literal;)+) => {
        $(wrong($running.$client().$call($caller.says($message)).await, $path);)+
    };
}

#[tokio::test]
async fn fields_of_sign_in_and_sessions() {
    let (running, caller) = administrator().await;
    let long = "x".repeat(1025);
    let key = |key: &str| pb::SignInRequest {
        credential: Some(pb::sign_in_request::Credential::ServiceKey(key.to_owned())),
        server: None,
    };
    refuses! { running, caller:
        sessions.sign_in(pb::SignInRequest::default()) => "credential";
        sessions.sign_in(password("", "long enough")) => "password.user_name";
        sessions.sign_in(password("two\nlines", "long enough")) => "password.user_name";
        sessions.sign_in(password("ana", "")) => "password.password";
        sessions.sign_in(password("ana", &long)) => "password.password";
        sessions.sign_in(key("")) => "service_key";
        sessions.sign_in(federated("")) => "federated_token";
        sessions.sign_in(federated(&"x".repeat(16_385))) => "federated_token";
        sessions.refresh_session(pb::RefreshSessionRequest::default()) => "refresh_token";
        sessions.close_session(pb::CloseSessionRequest::default()) => "session_id";
        sessions.close_session(pb::CloseSessionRequest { session_id: -1 }) => "session_id";
        sessions.list_sessions(pb::ListSessionsRequest { user_id: -1, ..Default::default() }) => "user_id";
        sessions.list_sessions(pb::ListSessionsRequest { service_id: -1, ..Default::default() }) => "service_id";
        sessions.list_sessions(pb::ListSessionsRequest { user_id: 1, service_id: 1, ..Default::default() }) => "service_id";
        sessions.list_sessions(pb::ListSessionsRequest { page_size: -1, ..Default::default() }) => "page_size";
        sessions.list_sessions(pb::ListSessionsRequest { page_token: "x".into(), ..Default::default() }) => "page_token";
    }
    let server = pb::SignInRequest {
        server: Some(pb::ServerSession::default()),
        ..password("ana", "p")
    };
    not_built(running.try_sign_in(server).await, "server");
}

#[tokio::test]
async fn fields_of_users() {
    let (running, caller) = administrator().await;
    let created = |user: pb::User| pb::CreateUserRequest {
        user: Some(user),
        ..new_user("ana")
    };
    let named = |name: &str| pb::User {
        name: name.to_owned(),
        ..Default::default()
    };
    let updated = |paths: &[&str]| pb::UpdateUserRequest {
        user: Some(pb::User {
            user_id: 1,
            ..Default::default()
        }),
        update_mask: mask(paths),
    };
    let set = |user_id, new_password: &str| pb::SetPasswordRequest {
        user_id,
        present_password: String::new(),
        new_password: new_password.to_owned(),
    };
    let id = |user_id| pb::GetUserRequest {
        user: Some(pb::get_user_request::User::UserId(user_id)),
    };
    refuses! { running, caller:
        directory.create_user(pb::CreateUserRequest { user: None, ..new_user("ana") }) => "user";
        directory.create_user(created(named(""))) => "user.name";
        directory.create_user(created(named("a\u{0}b"))) => "user.name";
        directory.create_user(created(pb::User { display_name: " ".into(), ..named("ana") })) => "user.display_name";
        directory.create_user(created(pb::User { policy: 9, ..named("ana") })) => "user.policy";
        directory.create_user(pb::CreateUserRequest { password: String::new(), ..new_user("ana") }) => "password";
        directory.create_user(pb::CreateUserRequest { password: "short".into(), ..new_user("ana") }) => "password";
        directory.create_user(pb::CreateUserRequest { request_id: "7".into(), ..new_user("ana") }) => "request_id";
        directory.get_user(pb::GetUserRequest::default()) => "user";
        directory.get_user(id(0)) => "user_id";
        directory.get_group(pb::GetGroupRequest::default()) => "group";
        directory.list_users(pb::ListUsersRequest { page_size: -1, ..Default::default() }) => "page_size";
        directory.update_user(pb::UpdateUserRequest { user: None, update_mask: mask(&["enabled"]) }) => "user";
        directory.update_user(updated(&[])) => "update_mask";
        directory.update_user(updated(&["*"])) => "update_mask.paths[0]";
        // R7: a user's name never changes.
        directory.update_user(updated(&["enabled", "name"])) => "update_mask.paths[1]";
        directory.delete_user(pb::DeleteUserRequest { user_id: 0 }) => "user_id";
        directory.set_password(set(0, "long enough")) => "user_id";
        directory.set_password(set(2, "short")) => "new_password";
        directory.set_password(set(1, "long enough")) => "present_password";
    }
}

#[tokio::test]
async fn fields_of_groups_and_global_permissions() {
    let (running, caller) = administrator().await;
    let created = |group| pb::CreateGroupRequest {
        group,
        request_id: String::new(),
    };
    let group = |group_id, name: &str| {
        Some(pb::Group {
            group_id,
            name: name.to_owned(),
            ..Default::default()
        })
    };
    let updated = |group, paths: &[&str]| pb::UpdateGroupRequest {
        group,
        update_mask: mask(paths),
    };
    let members = |add: &[i64], remove: &[i64]| pb::UpdateGroupMembersRequest {
        group_id: 5,
        add_user_ids: add.to_vec(),
        remove_user_ids: remove.to_vec(),
    };
    let globals = |principal, add: &[i32], remove: &[i32]| pb::UpdateGlobalPermissionsRequest {
        principal,
        add: add.to_vec(),
        remove: remove.to_vec(),
    };
    refuses! { running, caller:
        directory.create_group(created(None)) => "group";
        directory.create_group(created(group(0, ""))) => "group.name";
        directory.update_group(updated(None, &["name"])) => "group";
        directory.update_group(updated(group(0, "g"), &["name"])) => "group.group_id";
        directory.update_group(updated(group(5, ""), &["name"])) => "group.name";
        directory.update_group(updated(group(5, "g"), &["group_id"])) => "update_mask.paths[0]";
        directory.delete_group(pb::DeleteGroupRequest { group_id: -3 }) => "group_id";
        directory.list_group_members(pb::ListGroupMembersRequest::default()) => "group_id";
        directory.update_group_members(members(&[1, 0], &[])) => "add_user_ids[1]";
        directory.update_group_members(members(&[], &[-1])) => "remove_user_ids[0]";
        directory.update_group_members(members(&[7], &[6, 7])) => "remove_user_ids[1]";
        directory.update_global_permissions(globals(None, &[1], &[])) => "principal";
        directory.update_global_permissions(globals(user(0), &[1], &[])) => "principal.user_id";
        directory.update_global_permissions(globals(user(1), &[0], &[])) => "add[0]";
        directory.update_global_permissions(globals(user(1), &[], &[77])) => "remove[0]";
        directory.update_global_permissions(globals(user(1), &[2], &[2])) => "remove";
    }
    let described = pb::Group {
        description: "x".repeat(4001),
        ..group(0, "g").unwrap()
    };
    let result = running
        .directory()
        .create_group(caller.says(created(Some(described))))
        .await;
    wrong(result, "group.description");
    let many: Vec<i64> = (1..=1001).collect();
    let result = running
        .directory()
        .update_group_members(caller.says(members(&many, &[])))
        .await;
    refused(result, Code::ResourceExhausted, "TOO_LARGE");
}

#[tokio::test]
async fn fields_of_projects() {
    let (running, caller) = administrator().await;
    let created = |project| pb::CreateProjectRequest {
        project,
        request_id: String::new(),
    };
    let project = |project_id, name: &str| {
        Some(pb::Project {
            project_id,
            name: name.to_owned(),
            ..Default::default()
        })
    };
    let described = pb::Project {
        description: "x".repeat(4001),
        ..project(0, "p").unwrap()
    };
    let updated = |project, paths: &[&str]| pb::UpdateProjectRequest {
        project,
        update_mask: mask(paths),
    };
    let permissions = |changes| pb::UpdateProjectPermissionsRequest {
        project_id: 1,
        changes,
    };
    let change = |principal, add: &[i32], remove: &[i32]| {
        vec![pb::ProjectGrantChange {
            principal,
            add: add.to_vec(),
            remove: remove.to_vec(),
        }]
    };
    let nameless = pb::get_project_request::Project::Name(String::new());
    refuses! { running, caller:
        projects.create_project(created(None)) => "project";
        projects.create_project(created(project(0, "  "))) => "project.name";
        projects.create_project(created(Some(described))) => "project.description";
        projects.create_project(pb::CreateProjectRequest { request_id: "-".into(), ..new_project("p") }) => "request_id";
        projects.get_project(pb::GetProjectRequest::default()) => "project";
        projects.get_project(pb::GetProjectRequest { project: Some(nameless) }) => "name";
        projects.list_projects(pb::ListProjectsRequest { page_size: -5, ..Default::default() }) => "page_size";
        projects.list_administered_projects(pb::ListAdministeredProjectsRequest { page_size: 0, page_token: "?".into() }) => "page_token";
        projects.update_project(updated(None, &["name"])) => "project";
        projects.update_project(updated(project(0, "p"), &["name"])) => "project.project_id";
        projects.update_project(updated(project(1, ""), &["name"])) => "project.name";
        projects.update_project(updated(project(1, "p"), &["*"])) => "update_mask.paths[0]";
        projects.reorder_projects(pb::ReorderProjectsRequest { project_ids: vec![] }) => "project_ids";
        projects.reorder_projects(pb::ReorderProjectsRequest { project_ids: vec![1, -1] }) => "project_ids[1]";
        projects.reorder_projects(pb::ReorderProjectsRequest { project_ids: vec![99] }) => "project_ids";
        projects.delete_project(pb::DeleteProjectRequest { project_id: 0, confirm_name: "p".into() }) => "project_id";
        projects.delete_project(pb::DeleteProjectRequest { project_id: 1, confirm_name: String::new() }) => "confirm_name";
        projects.list_project_permissions(pb::ListProjectPermissionsRequest::default()) => "project_id";
        projects.update_project_permissions(permissions(vec![])) => "changes";
        projects.update_project_permissions(permissions(change(None, &[1], &[]))) => "changes[0].principal";
        projects.update_project_permissions(permissions(change(user(1), &[9], &[]))) => "changes[0].add[0]";
        projects.update_project_permissions(permissions(change(user(1), &[], &[0]))) => "changes[0].remove[0]";
        projects.update_project_permissions(permissions(change(user(1), &[1], &[1]))) => "changes[0].remove";
    }
}

#[tokio::test]
async fn fields_of_layers_and_their_tables() {
    let (running, caller) = administrator().await;
    let layer = |layer_id, name: &str| {
        Some(pb::LayerRegistration {
            layer_id,
            name: name.to_owned(),
            ..Default::default()
        })
    };
    let updated = |layer, paths: &[&str]| pb::UpdateLayerRegistrationRequest {
        layer,
        update_mask: mask(paths),
    };
    let changes = |layer_id, grants_revision, change| pb::UpdateLayerPermissionsRequest {
        changes: vec![pb::LayerPermissionsChange {
            layer_id,
            grants_revision,
            change,
        }],
    };
    let view = || layer_grant(5, &[types::Permission::View]);
    let replace = |grants| {
        Some(pb::layer_permissions_change::Change::Replace(
            pb::LayerGrants { grants },
        ))
    };
    let delta = |add, remove| {
        Some(pb::layer_permissions_change::Change::Delta(
            pb::LayerGrantsDelta { add, remove },
        ))
    };
    let nobody = types::LayerGrant {
        principal: None,
        ..view()
    };
    refuses! { running, caller:
        layers.list_layer_registrations(pb::ListLayerRegistrationsRequest::default()) => "project_id";
        layers.update_layer_registration(updated(None, &["name"])) => "layer";
        layers.update_layer_registration(updated(layer(0, "l"), &["name"])) => "layer.layer_id";
        layers.update_layer_registration(updated(layer(1, ""), &["name"])) => "layer.name";
        layers.update_layer_registration(updated(layer(1, "l"), &["position"])) => "update_mask.paths[0]";
        layers.reorder_layers(pb::ReorderLayersRequest { project_id: 0, layer_ids: vec![] }) => "project_id";
        layers.reorder_layers(pb::ReorderLayersRequest { project_id: 1, layer_ids: vec![2, -2] }) => "layer_ids[1]";
        layers.get_layer_permissions(pb::GetLayerPermissionsRequest::default()) => "layer_id";
        layers.update_layer_permissions(pb::UpdateLayerPermissionsRequest::default()) => "changes";
        layers.update_layer_permissions(changes(0, 0, replace(vec![]))) => "changes[0].layer_id";
        layers.update_layer_permissions(changes(1, -1, replace(vec![]))) => "changes[0].grants_revision";
        layers.update_layer_permissions(changes(1, 0, None)) => "changes[0].change";
        layers.update_layer_permissions(changes(1, 0, replace(vec![view(), nobody]))) => "changes[0].replace.grants[1].principal";
        layers.update_layer_permissions(changes(1, 0, delta(vec![layer_grant(5, &[])], vec![]))) => "changes[0].delta.add[0].permissions";
        layers.update_layer_permissions(changes(1, 0, delta(vec![view()], vec![view()]))) => "changes[0].delta.remove[0]";
    }
}

#[tokio::test]
async fn fields_of_lists_of_flags_and_of_explanations() {
    let (running, caller) = administrator().await;
    let of_project = |id| {
        Some(pb::list_effective_permissions_request::Layers::ProjectId(
            id,
        ))
    };
    let of_layers = |layer_ids| {
        Some(pb::list_effective_permissions_request::Layers::LayerIds(
            pb::LayerIds { layer_ids },
        ))
    };
    let flags = |layers| pb::ListEffectivePermissionsRequest {
        subject: about_itself(),
        layers,
        ..Default::default()
    };
    let explain = |subject, question| pb::ExplainRequest {
        subject,
        question,
        freshness: None,
    };
    let question = || Some(layer_question(1, pb::LayerAct::View));
    refuses! { running, caller:
        checks.list_effective_permissions(pb::ListEffectivePermissionsRequest { subject: None, ..flags(of_project(1)) }) => "subject";
        checks.list_effective_permissions(flags(None)) => "layers";
        checks.list_effective_permissions(flags(of_project(0))) => "project_id";
        checks.list_effective_permissions(flags(of_layers(vec![1, -1]))) => "layer_ids.layer_ids[1]";
        checks.list_effective_permissions(pb::ListEffectivePermissionsRequest { page_size: -1, ..flags(of_project(1)) }) => "page_size";
        checks.explain(explain(None, question())) => "subject";
        checks.explain(explain(subject(pb::subject::Subject::SessionId(0)), question())) => "subject.session_id";
        checks.explain(explain(about_itself(), None)) => "question";
        checks.explain(explain(about_itself(), Some(layer_question(-1, pb::LayerAct::View)))) => "question.layer.layer_id";
    }
    let many = flags(of_layers((1..=1001).collect()));
    refused(
        running
            .checks()
            .list_effective_permissions(caller.says(many))
            .await,
        Code::ResourceExhausted,
        "TOO_LARGE",
    );
}

#[tokio::test]
async fn fields_of_candidates_and_of_several_tables() {
    // R120.
    let (running, caller) = administrator().await;
    let candidates = |layer_id, search: &str| pb::ListGrantCandidatesRequest {
        layer_id,
        search: search.to_owned(),
        ..Default::default()
    };
    let tables = |layer_ids: &[i64]| pb::BatchGetLayerPermissionsRequest {
        layer_ids: layer_ids.to_vec(),
    };
    let long = "x".repeat(201);
    refuses! { running, caller:
        layers.list_grant_candidates(candidates(0, "")) => "layer_id";
        layers.list_grant_candidates(candidates(1, &long)) => "search";
        layers.list_grant_candidates(pb::ListGrantCandidatesRequest { page_size: -1, ..candidates(1, "") }) => "page_size";
        layers.list_grant_candidates(pb::ListGrantCandidatesRequest { page_token: "x".into(), ..candidates(1, "") }) => "page_token";
        layers.batch_get_layer_permissions(tables(&[])) => "layer_ids";
        layers.batch_get_layer_permissions(tables(&[1, -1])) => "layer_ids[1]";
        layers.batch_get_layer_permissions(tables(&[1, 2, 1])) => "layer_ids[2]";
    }
}

#[tokio::test]
async fn fields_of_lookups_and_reports() {
    // R120.
    let (running, caller) = administrator().await;
    let layers = || pb::LookupLayersRequest {
        subject: about_itself(),
        act: pb::LayerAct::View.into(),
        ..Default::default()
    };
    let subjects = |question| pb::LookupSubjectsRequest {
        question,
        ..Default::default()
    };
    let report = |principal| pb::ReportPermissionsRequest {
        principal,
        ..Default::default()
    };
    refuses! { running, caller:
        lookups.lookup_layers(pb::LookupLayersRequest { subject: None, ..layers() }) => "subject";
        lookups.lookup_layers(pb::LookupLayersRequest { act: 0, ..layers() }) => "act";
        lookups.lookup_layers(pb::LookupLayersRequest { project_id: -1, ..layers() }) => "project_id";
        lookups.lookup_layers(pb::LookupLayersRequest { page_size: -1, ..layers() }) => "page_size";
        lookups.lookup_layers(pb::LookupLayersRequest { page_token: "x".into(), ..layers() }) => "page_token";
        lookups.lookup_subjects(subjects(None)) => "question";
        lookups.lookup_subjects(subjects(Some(layer_question(0, pb::LayerAct::View)))) => "question.layer.layer_id";
        lookups.report_permissions(report(None)) => "principal";
        lookups.report_permissions(report(user(0))) => "principal.user_id";
    }
}

#[tokio::test]
async fn fields_of_proposals() {
    // R120.
    use pb::proposed_change::Change;
    let (running, caller) = administrator().await;
    let what_if = |change: Option<Change>| pb::WhatIfRequest {
        subject: about_itself(),
        questions: vec![layer_question(1, pb::LayerAct::View)],
        supposing: vec![pb::ProposedChange { change }],
        freshness: None,
    };
    let members = |group_id, user_ids: &[i64]| {
        Some(Change::GroupMembers(pb::ProposedGroupMembers {
            group_id,
            add_user_ids: user_ids.to_vec(),
            remove_user_ids: user_ids.to_vec(),
        }))
    };
    let globals = |principal, add: &[i32]| {
        Some(Change::GlobalPermissions(pb::ProposedGlobalPermissions {
            principal,
            add: add.to_vec(),
            remove: vec![],
        }))
    };
    let project = Some(Change::ProjectPermissions(
        pb::ProposedProjectPermissions::default(),
    ));
    let layer = Some(Change::LayerPermissions(
        pb::LayerPermissionsChange::default(),
    ));
    let account = Some(Change::AccountState(pb::ProposedAccountState::default()));
    let editing = Some(Change::Editing(pb::ProposedEditing::default()));
    let nobody = Some(Change::Deletion(types::Principal { principal: None }));
    refuses! { running, caller:
        lookups.what_if(pb::WhatIfRequest { questions: vec![], ..what_if(None) }) => "questions";
        lookups.what_if(what_if(None)) => "supposing[0]";
        lookups.what_if(what_if(members(0, &[]))) => "supposing[0].group_members.group_id";
        lookups.what_if(what_if(members(5, &[1]))) => "supposing[0].group_members.remove_user_ids[0]";
        lookups.what_if(what_if(globals(None, &[]))) => "supposing[0].global_permissions.principal";
        lookups.what_if(what_if(globals(user(1), &[9]))) => "supposing[0].global_permissions.add[0]";
        lookups.what_if(what_if(project)) => "supposing[0].project_permissions.project_id";
        lookups.what_if(what_if(layer)) => "supposing[0].layer_permissions.layer_id";
        lookups.what_if(what_if(account)) => "supposing[0].account_state.user_id";
        lookups.what_if(what_if(editing)) => "supposing[0].editing.layer_id";
        lookups.what_if(what_if(nobody)) => "supposing[0].deletion";
    }
    let many = pb::WhatIfRequest {
        supposing: vec![pb::ProposedChange::default(); 101],
        ..what_if(None)
    };
    let many = running.lookups().what_if(caller.says(many)).await;
    refused(many, Code::ResourceExhausted, "TOO_LARGE");
}
