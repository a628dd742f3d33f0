//! Directory and projects: what the answers say, and the refusals that programs tell apart
//! (R1, R5, R15–R17, R20, R24, R26, R27).

use jmap_proto::{authorization as pb, types};
use tonic::Code;

use crate::fixture::{
    Caller, PASSWORD, grant_project, mask, new_project, new_user, password, refused, start, user,
    uuid,
};

#[tokio::test]
async fn only_super_administrators_manage_users_and_names_are_unique() {
    // R15, R26.
    let running = start().await;
    let (administrator, ana, _) = running.with_user("ana").await;
    let result = running
        .directory()
        .create_user(ana.says(new_user("bo")))
        .await;
    refused(result, Code::PermissionDenied, "NOT_PERMITTED");
    let result = running
        .directory()
        .create_user(administrator.says(new_user("ANA")))
        .await;
    refused(result, Code::AlreadyExists, "NAME_TAKEN");
    let delete = |id| administrator.says(pb::DeleteUserRequest { user_id: id });
    // R1, R16.
    refused(
        running.directory().delete_user(delete(1)).await,
        Code::FailedPrecondition,
        "SPECIAL_PRINCIPAL",
    );
    refused(
        running.directory().delete_user(delete(77)).await,
        Code::NotFound,
        "NOT_FOUND",
    );
    let request = administrator.says(pb::UpdateUserRequest {
        user: Some(pb::User {
            user_id: 1,
            enabled: false,
            ..Default::default()
        }),
        update_mask: mask(&["enabled"]),
    });
    let result = running.directory().update_user(request).await;
    refused(result, Code::FailedPrecondition, "LAST_ADMINISTRATOR");
}

#[tokio::test]
async fn a_retried_create_answers_as_the_first_time() {
    let running = start().await;
    let administrator = running.sign_in("administrator").await;
    let create = async |caller: &Caller, name: &str, id: u8| {
        let message = pb::CreateUserRequest {
            request_id: uuid(id),
            ..new_user(name)
        };
        running
            .directory()
            .create_user(caller.says(message))
            .await
            .map(tonic::Response::into_inner)
    };
    let first = create(&administrator, "ana", 1).await.unwrap();
    assert_eq!(create(&administrator, "ana", 1).await.unwrap(), first);
    refused(
        create(&administrator, "bo", 1).await,
        Code::FailedPrecondition,
        "REQUEST_ID_REUSED",
    );
    refused(
        create(&administrator, "ana", 2).await,
        Code::AlreadyExists,
        "NAME_TAKEN",
    );
    // Another account's request ids are unrelated, and a session that is over replays nothing.
    let ana = running.sign_in("ana").await;
    refused(
        create(&ana, "ana", 1).await,
        Code::PermissionDenied,
        "NOT_PERMITTED",
    );
    running
        .sessions()
        .sign_out(administrator.says(pb::SignOutRequest {}))
        .await
        .unwrap();
    refused(
        create(&administrator, "ana", 1).await,
        Code::Unauthenticated,
        "SESSION_CLOSED",
    );
}

#[tokio::test]
async fn ones_own_password_needs_the_present_one() {
    let running = start().await;
    let (_, ana, user_id) = running.with_user("ana").await;
    let set = |present: &str| {
        ana.says(pb::SetPasswordRequest {
            user_id,
            present_password: present.to_owned(),
            new_password: "another long one".to_owned(),
        })
    };
    let result = running.directory().set_password(set("wrong")).await;
    let status = refused(result, Code::Unauthenticated, "CREDENTIAL_REFUSED");
    assert!(!format!("{status:?}").contains("another long one"));
    running
        .directory()
        .set_password(set(PASSWORD))
        .await
        .unwrap();
    let old = running.try_sign_in(password("ana", PASSWORD)).await;
    refused(old, Code::Unauthenticated, "CREDENTIAL_REFUSED");
    running
        .try_sign_in(password("ana", "another long one"))
        .await
        .unwrap();
}

#[tokio::test]
async fn users_are_listed_by_name_in_pages_whose_tokens_cannot_be_forged() {
    let running = start().await;
    let (administrator, ..) = running.with_user("zoe").await;
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = administrator.says(pb::ListUsersRequest {
            page_size: 2,
            page_token,
        });
        let page = running
            .directory()
            .list_users(request)
            .await
            .unwrap()
            .into_inner();
        names.extend(page.users.into_iter().map(|user| user.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        // A token of one list opens no other.
        let request = pb::ListGroupsRequest {
            page_size: 2,
            page_token: page_token.clone(),
        };
        let other = running
            .directory()
            .list_groups(administrator.says(request))
            .await;
        refused(other, Code::InvalidArgument, "INVALID_FIELD");
    }
    assert_eq!(names, ["administrator", "anonymous", "zoe"]);
}

#[tokio::test]
async fn memberships_change_all_or_nothing() {
    // R5.
    let running = start().await;
    let (administrator, _, user_id) = running.with_user("ana").await;
    let message = pb::CreateGroupRequest {
        group: Some(pb::Group {
            name: "editors".to_owned(),
            ..Default::default()
        }),
        request_id: String::new(),
    };
    let group = running
        .directory()
        .create_group(administrator.says(message))
        .await
        .unwrap();
    let group_id = group.into_inner().group.unwrap().group_id;
    let update = |add: &[i64]| {
        administrator.says(pb::UpdateGroupMembersRequest {
            group_id,
            add_user_ids: add.to_vec(),
            remove_user_ids: vec![],
        })
    };
    let members = async || {
        let request = administrator.says(pb::ListGroupMembersRequest {
            group_id,
            ..Default::default()
        });
        running
            .directory()
            .list_group_members(request)
            .await
            .unwrap()
            .into_inner()
            .users
            .len()
    };
    let result = running
        .directory()
        .update_group_members(update(&[user_id, 77]))
        .await;
    refused(result, Code::NotFound, "NOT_FOUND");
    assert_eq!(members().await, 0);
    running
        .directory()
        .update_group_members(update(&[user_id]))
        .await
        .unwrap();
    assert_eq!(members().await, 1);
}

#[tokio::test]
async fn global_permissions_are_never_everybodys() {
    // R27.
    let running = start().await;
    let administrator = running.sign_in("administrator").await;
    let update = |principal| {
        administrator.says(pb::UpdateGlobalPermissionsRequest {
            principal: Some(types::Principal {
                principal: Some(principal),
            }),
            add: vec![types::GlobalPermission::CreateProjects.into()],
            remove: vec![],
        })
    };
    for principal in [
        types::principal::Principal::UserId(2),
        types::principal::Principal::GroupId(3),
    ] {
        let result = running
            .directory()
            .update_global_permissions(update(principal))
            .await;
        refused(result, Code::FailedPrecondition, "NOT_GRANTABLE");
    }
    let authenticated = types::principal::Principal::GroupId(4);
    running
        .directory()
        .update_global_permissions(update(authenticated))
        .await
        .unwrap();
    let request = administrator.says(pb::ListGlobalPermissionsRequest {});
    let grants = running
        .directory()
        .list_global_permissions(request)
        .await
        .unwrap()
        .into_inner()
        .grants;
    assert_eq!(grants.len(), 2);
}

#[tokio::test]
async fn a_project_shows_the_callers_own_permissions_and_is_nothing_to_others() {
    // R17, R20, R40.
    let running = start().await;
    let (administrator, ana, user_id) = running.with_user("ana").await;
    let (bo, _) = {
        let (_, bo, id) = running.with_user("bo").await;
        (bo, id)
    };
    let (project_id, _) = running.with_layer(&administrator, user_id).await;
    let by_id = pb::get_project_request::Project::ProjectId(project_id);
    let by_name = pb::get_project_request::Project::Name("roads".to_owned());
    let get = async |caller: &Caller, project: &pb::get_project_request::Project| {
        let request = caller.says(pb::GetProjectRequest {
            project: Some(project.clone()),
        });
        running
            .projects()
            .get_project(request)
            .await
            .map(|response| response.into_inner().project.unwrap())
    };
    for project in [&by_id, &by_name] {
        let opened = get(&ana, project).await.unwrap();
        assert_eq!(
            opened.permissions().collect::<Vec<_>>(),
            [types::ProjectPermission::Open]
        );
        assert_eq!(
            get(&administrator, project)
                .await
                .unwrap()
                .permissions
                .len(),
            4
        );
    }
    let hidden = refused(get(&bo, &by_name).await, Code::NotFound, "NOT_FOUND");
    let absent = pb::get_project_request::Project::Name("rivers".to_owned());
    let absent = refused(get(&bo, &absent).await, Code::NotFound, "NOT_FOUND");
    assert_eq!(
        hidden.message().replace("roads", "?"),
        absent.message().replace("rivers", "?")
    );
    refused(get(&bo, &by_id).await, Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn permissions_on_a_project_change_by_difference() {
    // R16, R17.
    let running = start().await;
    let (administrator, ana, user_id) = running.with_user("ana").await;
    let (project_id, _) = running.with_layer(&administrator, user_id).await;
    let update = |change| pb::UpdateProjectPermissionsRequest {
        project_id,
        changes: vec![change],
    };
    let access = update(grant_project(user_id, types::ProjectPermission::Access));
    refused(
        running
            .projects()
            .update_project_permissions(ana.says(access.clone()))
            .await,
        Code::PermissionDenied,
        "NOT_PERMITTED",
    );
    running
        .projects()
        .update_project_permissions(administrator.says(access))
        .await
        .unwrap();
    let request = ana.says(pb::ListProjectPermissionsRequest { project_id });
    let table = running
        .projects()
        .list_project_permissions(request)
        .await
        .unwrap()
        .into_inner()
        .grants;
    let own = table
        .iter()
        .find(|grant| grant.principal == user(user_id))
        .unwrap();
    assert_eq!(own.permissions, [1, 2]);
    let last = pb::ProjectGrantChange {
        principal: user(1),
        add: vec![],
        remove: vec![types::ProjectPermission::Own.into()],
    };
    let result = running
        .projects()
        .update_project_permissions(administrator.says(update(last)))
        .await;
    refused(result, Code::FailedPrecondition, "LAST_ADMINISTRATOR");
}

#[tokio::test]
async fn projects_are_deleted_by_repeating_the_name() {
    // R24.
    let running = start().await;
    let (administrator, _, ana_id) = running.with_user("ana").await;
    let (project_id, layer_id) = running.with_layer(&administrator, ana_id).await;
    let delete = |name: &str| {
        administrator.says(pb::DeleteProjectRequest {
            project_id,
            confirm_name: name.to_owned(),
        })
    };
    let result = running.projects().delete_project(delete("roads")).await;
    refused(result, Code::FailedPrecondition, "CONFIRMATION_MISMATCH");
    running
        .projects()
        .delete_project(delete("Roads"))
        .await
        .unwrap();
    let service = running.service(&running.service_key).await;
    let request = service.says(pb::ListRemovalsRequest::default());
    let removals = running
        .registry()
        .list_removals(request)
        .await
        .unwrap()
        .into_inner()
        .removals;
    assert_eq!(
        removals
            .iter()
            .map(|removal| removal.layer_id)
            .collect::<Vec<_>>(),
        [layer_id]
    );
    running
        .projects()
        .create_project(administrator.says(new_project("Roads")))
        .await
        .unwrap();
}

#[tokio::test]
async fn projects_are_listed_in_the_order_that_super_administrators_give_them() {
    // R15, R23.
    let running = start().await;
    let (administrator, ana, _) = running.with_user("ana").await;
    let mut projects = running.projects();
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        let created = projects.create_project(administrator.says(new_project(name)));
        let project = created.await.unwrap().into_inner().project.unwrap();
        ids.push(project.project_id);
    }
    let order = pb::ReorderProjectsRequest {
        project_ids: vec![ids[2], ids[0]],
    };
    let by_ana = projects.reorder_projects(ana.says(order.clone())).await;
    refused(by_ana, Code::PermissionDenied, "NOT_PERMITTED");
    let request = administrator.says(order);
    projects.reorder_projects(request).await.unwrap();
    let list = administrator.says(pb::ListProjectsRequest::default());
    let listed = projects.list_projects(list).await.unwrap().into_inner();
    let names: Vec<_> = listed.projects.into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["c", "a", "b"]);
}
