//! Acts of the administration plane, each as its one call.

use jmap_proto::{
    authorization::{
        AccountPolicy, CreateGroupRequest, CreateProjectRequest, CreateUserRequest,
        DeleteGroupRequest, DeleteProjectRequest, DeleteUserRequest, Group, LayerGrantsDelta,
        LayerPermissionsChange, LayerRegistration, Project, ProjectGrantChange,
        UpdateGlobalPermissionsRequest, UpdateGroupMembersRequest, UpdateLayerPermissionsRequest,
        UpdateLayerRegistrationRequest, UpdateProjectPermissionsRequest, UpdateUserRequest, User,
        layer_permissions_change::Change as TableChange,
    },
    layerdata::{
        CreateLayerRequest, DeleteLayerRequest, LayerDefinition, create_layer_request::Placement,
    },
    types::{GeometryType, InitialView, LayerGrant, Principal},
};
use jmap_wire::{global_permission_to_proto, permission_to_proto};
use prost_types::FieldMask;
use tonic::Status;

use super::ServedFloor;
use crate::{
    Caller, PASSWORD, wire,
    world::{
        Act, GeometryWord, Global, GlobalRight, Grant, Member, ProjectGrant, ProjectRight,
        Registration, Removal, Right, Switch, ViewWord, Withdrawal,
    },
};

impl ServedFloor {
    /// Does an act on behalf of a caller.
    pub(super) async fn act(&mut self, by: &Caller, act: &Act) -> Result<(), Status> {
        match act {
            Act::Grant(grant) => self.grant(by, grant).await,
            Act::Revoke(grant) => self.revoke(by, grant).await,
            Act::GrantProject(grant) => self.change_project(by, grant, Direction::Give).await,
            Act::RevokeProject(grant) => self.change_project(by, grant, Direction::Take).await,
            Act::GrantGlobal(global) => self.grant_global(by, global).await,
            Act::Editing(switch) => self.switch(by, switch).await,
            Act::Join(member) => self.change_member(by, member, Direction::Give).await,
            Act::Leave(member) => self.change_member(by, member, Direction::Take).await,
            Act::Enable(user) => self.set_enabled(by, user, Direction::Give).await,
            Act::Disable(user) => self.set_enabled(by, user, Direction::Take).await,
            Act::CreateUser(name) => self.create_user(by, name, AccountPolicy::Ordinary).await,
            Act::DeleteUser(name) => {
                let request = DeleteUserRequest {
                    user_id: self.user(name),
                };
                by.directory().delete_user(request).await.map(drop)
            }
            Act::CreateGroup(name) => self.create_group(by, name).await,
            Act::DeleteGroup(name) => {
                let request = DeleteGroupRequest {
                    group_id: self.group(name),
                };
                by.directory().delete_group(request).await.map(drop)
            }
            Act::CreateProject(name) => self.create_project(by, name).await,
            Act::DeleteProject(name) => {
                let request = DeleteProjectRequest {
                    project_id: self.project(name),
                    confirm_name: name.clone(),
                };
                by.projects().delete_project(request).await.map(drop)
            }
            Act::CreateLayer(registration) => {
                self.create_layer(by, registration, GeometryWord::Point)
                    .await
            }
            Act::DeleteLayer(removal) => self.delete_layer(by, removal).await,
        }
    }

    pub(super) fn principal(&self, name: &str) -> Option<Principal> {
        match self.groups.get(name) {
            Some(id) => wire::group(*id),
            None => wire::user(self.user(name)),
        }
    }

    pub(super) async fn create_user(
        &mut self,
        by: &Caller,
        name: &str,
        policy: AccountPolicy,
    ) -> Result<(), Status> {
        let request = CreateUserRequest {
            user: Some(User {
                name: name.to_owned(),
                enabled: true,
                policy: policy.into(),
                ..User::default()
            }),
            password: PASSWORD.to_owned(),
            request_id: String::new(),
        };
        let answer = by.directory().create_user(request).await?.into_inner();
        self.house.forget(name);
        let id = answer.user.expect("a user").user_id;
        self.users.insert(name.to_owned(), id);
        Ok(())
    }

    pub(super) async fn create_group(&mut self, by: &Caller, name: &str) -> Result<(), Status> {
        let request = CreateGroupRequest {
            group: Some(Group {
                name: name.to_owned(),
                ..Group::default()
            }),
            request_id: String::new(),
        };
        let answer = by.directory().create_group(request).await?.into_inner();
        let id = answer.group.expect("a group").group_id;
        self.groups.insert(name.to_owned(), id);
        Ok(())
    }

    pub(super) async fn create_project(&mut self, by: &Caller, name: &str) -> Result<(), Status> {
        let request = CreateProjectRequest {
            project: Some(Project {
                name: name.to_owned(),
                ..Project::default()
            }),
            request_id: String::new(),
        };
        let answer = by.projects().create_project(request).await?.into_inner();
        let id = answer.project.expect("a project").project_id;
        self.projects.insert(name.to_owned(), id);
        Ok(())
    }

    pub(super) async fn create_layer(
        &mut self,
        by: &Caller,
        registration: &Registration,
        geometry: GeometryWord,
    ) -> Result<(), Status> {
        let initial_view = match registration.view {
            ViewWord::Everyone => InitialView::Everyone,
            ViewWord::Nobody => InitialView::Nobody,
        };
        let geometry_type = match geometry {
            GeometryWord::Point => GeometryType::Point,
            GeometryWord::Line => GeometryType::LineString,
            GeometryWord::Polygon => GeometryType::Polygon,
        };
        let request = CreateLayerRequest {
            placement: Some(Placement::ProjectId(self.project(&registration.project))),
            name: registration.layer.clone(),
            definition: Some(LayerDefinition {
                geometry_type: geometry_type.into(),
                attributes: vec![wire::text_attribute("name")],
                ..LayerDefinition::default()
            }),
            initial_view: initial_view.into(),
            ..CreateLayerRequest::default()
        };
        let answer = by.layers().create_layer(request).await?.into_inner();
        let id = answer.layer.expect("a layer").layer_id;
        self.layers.insert(registration.layer.clone(), id);
        Ok(())
    }

    async fn delete_layer(&self, by: &Caller, removal: &Removal) -> Result<(), Status> {
        let confirm = removal.confirm.as_ref().unwrap_or(&removal.layer);
        let request = DeleteLayerRequest {
            layer_id: self.layer(&removal.layer),
            confirm_name: confirm.clone(),
        };
        by.layers().delete_layer(request).await.map(drop)
    }

    pub(super) async fn switch(&self, by: &Caller, switch: &Switch) -> Result<(), Status> {
        let request = UpdateLayerRegistrationRequest {
            layer: Some(LayerRegistration {
                layer_id: self.layer(&switch.layer),
                editing_enabled: switch.enabled,
                ..LayerRegistration::default()
            }),
            update_mask: Some(mask("editing_enabled")),
        };
        by.administration()
            .update_layer_registration(request)
            .await
            .map(drop)
    }

    async fn set_enabled(&self, by: &Caller, user: &str, to: Direction) -> Result<(), Status> {
        let request = UpdateUserRequest {
            user: Some(User {
                user_id: self.user(user),
                enabled: to == Direction::Give,
                ..User::default()
            }),
            update_mask: Some(mask("enabled")),
        };
        by.directory().update_user(request).await.map(drop)
    }

    async fn change_member(
        &self,
        by: &Caller,
        member: &Member,
        to: Direction,
    ) -> Result<(), Status> {
        let users = vec![self.user(&member.user)];
        let (add_user_ids, remove_user_ids) = to.sort(users);
        let group_id = self.group(&member.group);
        let request = UpdateGroupMembersRequest {
            group_id,
            add_user_ids,
            remove_user_ids,
        };
        by.directory().update_group_members(request).await.map(drop)
    }

    pub(super) async fn grant_global(&self, by: &Caller, global: &Global) -> Result<(), Status> {
        let number = |right: &GlobalRight| global_permission_to_proto((*right).into()).into();
        let request = UpdateGlobalPermissionsRequest {
            principal: self.principal(&global.to),
            add: global.give.iter().map(number).collect(),
            remove: Vec::new(),
        };
        by.directory()
            .update_global_permissions(request)
            .await
            .map(drop)
    }

    pub(super) async fn change_project(
        &self,
        by: &Caller,
        grant: &ProjectGrant,
        to: Direction,
    ) -> Result<(), Status> {
        let (add, remove) = to.sort(vec![project_number(grant.right)]);
        let principal = self.principal(&grant.principal);
        let request = UpdateProjectPermissionsRequest {
            project_id: self.project(&grant.project),
            changes: vec![ProjectGrantChange {
                principal,
                add,
                remove,
            }],
        };
        by.projects()
            .update_project_permissions(request)
            .await
            .map(drop)
    }

    pub(super) async fn grant(&self, by: &Caller, grant: &Grant) -> Result<(), Status> {
        let row = LayerGrant {
            principal: self.principal(&grant.to),
            permissions: numbers(&grant.give),
            only_own: grant.only_own,
        };
        let delta = LayerGrantsDelta {
            add: vec![row],
            remove: Vec::new(),
        };
        self.change_table(by, &grant.layer, delta).await
    }

    pub(super) async fn revoke(&self, by: &Caller, grant: &Withdrawal) -> Result<(), Status> {
        let row = LayerGrant {
            principal: self.principal(&grant.from),
            permissions: numbers(&grant.take),
            only_own: false,
        };
        let delta = LayerGrantsDelta {
            add: Vec::new(),
            remove: vec![row],
        };
        self.change_table(by, &grant.layer, delta).await
    }

    async fn change_table(
        &self,
        by: &Caller,
        layer: &str,
        delta: LayerGrantsDelta,
    ) -> Result<(), Status> {
        let request = UpdateLayerPermissionsRequest {
            changes: vec![LayerPermissionsChange {
                layer_id: self.layer(layer),
                grants_revision: 0,
                change: Some(TableChange::Delta(delta)),
            }],
        };
        by.administration()
            .update_layer_permissions(request)
            .await
            .map(drop)
    }
}

/// Whether something is given or taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// It is given.
    Give,
    /// It is taken.
    Take,
}

impl Direction {
    /// What is to be added, and what removed.
    fn sort<T>(self, items: Vec<T>) -> (Vec<T>, Vec<T>) {
        match self {
            Self::Give => (items, Vec::new()),
            Self::Take => (Vec::new(), items),
        }
    }
}

fn numbers(rights: &[Right]) -> Vec<i32> {
    let number = |right: &Right| permission_to_proto((*right).into()).into();
    rights.iter().map(number).collect()
}

fn project_number(right: ProjectRight) -> i32 {
    use jmap_proto::types::ProjectPermission;
    let permission = match right {
        ProjectRight::Open => ProjectPermission::Open,
        ProjectRight::Access => ProjectPermission::Access,
        ProjectRight::Administrate => ProjectPermission::Administrate,
        ProjectRight::Own => ProjectPermission::Own,
    };
    permission.into()
}

fn mask(path: &str) -> FieldMask {
    FieldMask {
        paths: vec![path.to_owned()],
    }
}
