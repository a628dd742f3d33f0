//! Nobody raises itself, by no path, and a refused attempt changes nothing (R15, R17, R41, R100, R117, R120).

use jmap_proto::{authorization as pb, types};
use tonic::{Code, Status};

use crate::fixture::{
    Caller, Running, about_itself, delta, grant_project, layer_grant, layer_question, mask,
    new_project, new_user, refused, reserve, start, subject, user,
};

/// Ana opens and administers the first project; the second one, with its layer, is none of hers.
struct Town {
    running: Running,
    administrator: Caller,
    ana: Caller,
    ana_id: i64,
    project: i64,
    layer: i64,
    other_project: i64,
    other_layer: i64,
    group: i64,
}

async fn town() -> Town {
    let running = start().await;
    let (administrator, ana, ana_id) = running.with_user("ana").await;
    let (project, layer) = running.with_layer(&administrator, ana_id).await;
    let raise = grant_project(ana_id, types::ProjectPermission::Administrate);
    let request = project_change(project, raise);
    let mut projects = running.projects();
    let raised = projects.update_project_permissions(administrator.says(request));
    raised.await.unwrap();
    let other = administrator.says(new_project("Other"));
    let other = projects.create_project(other).await.unwrap().into_inner();
    let other_project = other.project.unwrap().project_id;
    let service = running.service(&running.service_key).await;
    let request = service.says_for(&administrator, reserve(other_project, "Secret", 9));
    let reserved = running.registry().reserve_layer(request).await.unwrap();
    let other_layer = reserved.into_inner().layer_id;
    let activate = pb::ActivateLayerRequest {
        layer_id: other_layer,
    };
    let activate = service.says_for(&administrator, activate);
    running.registry().activate_layer(activate).await.unwrap();
    let create = administrator.says(pb::CreateGroupRequest {
        group: Some(pb::Group {
            name: "rulers".to_owned(),
            ..Default::default()
        }),
        request_id: String::new(),
    });
    let created = running.directory().create_group(create).await.unwrap();
    let group = created.into_inner().group.unwrap().group_id;
    Town {
        running,
        administrator,
        ana,
        ana_id,
        project,
        layer,
        other_project,
        other_layer,
        group,
    }
}

fn project_change(
    project_id: i64,
    change: pb::ProjectGrantChange,
) -> pb::UpdateProjectPermissionsRequest {
    pb::UpdateProjectPermissionsRequest {
        project_id,
        changes: vec![change],
    }
}

impl Town {
    /// The state of the policy.
    async fn state(&self) -> String {
        let request = self.administrator.says(pb::CheckRequest {
            subject: about_itself(),
            questions: vec![layer_question(self.layer, pb::LayerAct::View)],
            freshness: None,
        });
        let answer = self.running.checks().check(request).await.unwrap();
        answer.into_inner().policy_token
    }

    async fn amend_project(
        &self,
        caller: &Caller,
        project: i64,
        permission: types::ProjectPermission,
    ) -> Result<(), Status> {
        let request = project_change(project, grant_project(self.ana_id, permission));
        let mut projects = self.running.projects();
        let changed = projects.update_project_permissions(caller.says(request));
        changed.await.map(drop)
    }

    async fn amend_layers(
        &self,
        caller: &Caller,
        layers: &[i64],
        permission: types::Permission,
    ) -> Result<(), Status> {
        let row = || vec![layer_grant(self.ana_id, &[permission])];
        let changes = layers.iter().flat_map(|layer| delta(*layer, row()).changes);
        let request = caller.says(pb::UpdateLayerPermissionsRequest {
            changes: changes.collect(),
        });
        let mut layers = self.running.layers();
        layers.update_layer_permissions(request).await.map(drop)
    }

    async fn raise_globally(&self, caller: &Caller) -> Result<(), Status> {
        let request = caller.says(pb::UpdateGlobalPermissionsRequest {
            principal: user(self.ana_id),
            add: vec![types::GlobalPermission::SuperAdministrator.into()],
            remove: vec![],
        });
        let mut directory = self.running.directory();
        directory.update_global_permissions(request).await.map(drop)
    }

    async fn join(&self, caller: &Caller) -> Result<(), Status> {
        let request = caller.says(pb::UpdateGroupMembersRequest {
            group_id: self.group,
            add_user_ids: vec![self.ana_id],
            remove_user_ids: vec![],
        });
        let mut directory = self.running.directory();
        directory.update_group_members(request).await.map(drop)
    }
}

const NOT_PERMITTED: (Code, &str) = (Code::PermissionDenied, "NOT_PERMITTED");
const NOT_FOUND: (Code, &str) = (Code::NotFound, "NOT_FOUND");

#[track_caller]
fn fails(result: Result<(), Status>, (code, reason): (Code, &str)) {
    refused(result, code, reason);
}

#[tokio::test]
async fn an_administrator_of_one_project_raises_itself_nowhere() {
    // R15, R17, R40, R41, R42.
    use types::{Permission, ProjectPermission};
    let town = town().await;
    let (ana, before) = (&town.ana, town.state().await);
    let (own, other) = (town.project, town.other_project);
    let amend = async |project, permission| town.amend_project(ana, project, permission).await;
    fails(amend(own, ProjectPermission::Own).await, NOT_PERMITTED);
    fails(amend(other, ProjectPermission::Open).await, NOT_FOUND);
    fails(
        amend(other, ProjectPermission::Administrate).await,
        NOT_FOUND,
    );
    let grant = async |layers: &[i64], permission| town.amend_layers(ana, layers, permission).await;
    let (layer, secret) = (town.layer, town.other_layer);
    fails(grant(&[secret], Permission::View).await, NOT_FOUND);
    fails(grant(&[layer, secret], Permission::View).await, NOT_FOUND);
    fails(
        grant(&[layer], Permission::RemoteAccess).await,
        NOT_PERMITTED,
    );
    fails(town.raise_globally(ana).await, NOT_PERMITTED);
    fails(town.join(ana).await, NOT_PERMITTED);
    assert_eq!(town.state().await, before);
}

#[tokio::test]
async fn nobody_takes_over_another_account() {
    // R15, R117.
    let town = town().await;
    let (ana, before) = (&town.ana, town.state().await);
    let mut directory = town.running.directory();
    let password = ana.says(pb::SetPasswordRequest {
        user_id: 1,
        present_password: String::new(),
        new_password: "long enough".to_owned(),
    });
    fails(
        directory.set_password(password).await.map(drop),
        NOT_PERMITTED,
    );
    let disable = ana.says(pb::UpdateUserRequest {
        user: Some(pb::User {
            user_id: 1,
            ..Default::default()
        }),
        update_mask: mask(&["enabled"]),
    });
    fails(
        directory.update_user(disable).await.map(drop),
        NOT_PERMITTED,
    );
    let create = ana.says(new_user("mine"));
    fails(directory.create_user(create).await.map(drop), NOT_PERMITTED);
    let account = ana.says(pb::CreateServiceAccountRequest {
        service_account: Some(pb::ServiceAccount {
            name: "mine".to_owned(),
            ..Default::default()
        }),
    });
    let created = directory.create_service_account(account).await;
    fails(created.map(drop), NOT_PERMITTED);
    let rotate = ana.says(pb::RotateServiceKeyRequest { service_id: 1 });
    let rotated = directory.rotate_service_key(rotate).await;
    fails(rotated.map(drop), NOT_PERMITTED);
    let close = ana.says(pb::CloseSessionRequest { session_id: 1 });
    let closed = town.running.sessions().close_session(close).await;
    fails(closed.map(drop), NOT_FOUND);
    assert_eq!(town.state().await, before);
}

#[tokio::test]
async fn a_service_is_no_user_and_makes_nobody_one() {
    // R15, R100.
    let town = town().await;
    let service = town.running.service(&town.running.service_key).await;
    let before = town.state().await;
    fails(town.raise_globally(&service).await, NOT_PERMITTED);
    fails(town.join(&service).await, NOT_PERMITTED);
    let open = types::ProjectPermission::Open;
    let amended = town.amend_project(&service, town.project, open).await;
    fails(amended, NOT_FOUND);
    let create = service.says(new_project("Mine"));
    let created = town.running.projects().create_project(create).await;
    fails(created.map(drop), NOT_PERMITTED);
    // Its word makes nobody a user, and with ana's own token it does what ana may.
    let mut registry = town.running.registry();
    let by_itself = service.says(reserve(town.project, "Mine", 3));
    let reserved = registry.reserve_layer(by_itself).await.map(drop);
    fails(reserved, (Code::Unauthenticated, "SIGN_IN_REQUIRED"));
    let for_ana = service.says_for(&town.ana, reserve(town.other_project, "Mine", 3));
    fails(registry.reserve_layer(for_ana).await.map(drop), NOT_FOUND);
    assert_eq!(town.state().await, before);
}

#[tokio::test]
async fn nobody_asks_about_another_beyond_what_it_administers() {
    // R40, R41, R46.
    let town = town().await;
    let (ana, before) = (&town.ana, town.state().await);
    let about = |user| subject(pb::subject::Subject::UserId(user));
    let secret = || layer_question(town.other_layer, pb::LayerAct::View);
    let check = ana.says(pb::CheckRequest {
        subject: about(1),
        questions: vec![secret()],
        freshness: None,
    });
    let checked = town.running.checks().check(check).await;
    fails(checked.map(drop), NOT_PERMITTED);
    let explain = ana.says(pb::ExplainRequest {
        subject: about(1),
        question: Some(secret()),
        freshness: None,
    });
    let explained = town.running.checks().explain(explain).await;
    fails(explained.map(drop), NOT_FOUND);
    let mut lookups = town.running.lookups();
    let subjects = ana.says(pb::LookupSubjectsRequest {
        question: Some(secret()),
        ..Default::default()
    });
    let found = lookups.lookup_subjects(subjects).await;
    fails(found.map(drop), NOT_FOUND);
    let global = pb::question::Question::Global(types::GlobalPermission::SuperAdministrator.into());
    let administrators = ana.says(pb::LookupSubjectsRequest {
        question: Some(pb::Question {
            question: Some(global),
        }),
        ..Default::default()
    });
    let found = lookups.lookup_subjects(administrators).await;
    fails(found.map(drop), NOT_PERMITTED);
    let what_if = ana.says(pb::WhatIfRequest {
        subject: about(1),
        questions: vec![secret()],
        ..Default::default()
    });
    fails(lookups.what_if(what_if).await.map(drop), NOT_FOUND);
    assert_eq!(town.state().await, before);
}
