//! Projects: offices, opening, order, deletion.

use authorization_core::{
    Asking, Refusal, Resource,
    model::Description,
    projects::{NewProject, ProjectError, ProjectTableEdit, ProjectUpdate},
};
use futures::executor::block_on;
use jmap_domain::{
    Caller, Decision, DenyReason, GlobalPermission, GroupId, Permission, ProjectAct, Question,
    UserId,
};

use crate::house::{House, name};

fn new_project(text: &str) -> NewProject {
    NewProject {
        name: name(text),
        description: Description::default(),
    }
}

#[test]
fn creating_a_project_needs_the_global_permission_and_makes_an_owner() {
    // R14, R17.
    let house = House::new();
    let ana = house.user("ana");
    let create = || {
        block_on(
            house
                .authority
                .create_project(&ana.caller, new_project("town")),
        )
    };
    assert_eq!(
        create().unwrap_err(),
        Refusal::Forbidden(Resource::Installation).into()
    );
    house
        .set_globals(ana, &[GlobalPermission::CreateProjects])
        .unwrap();
    let project = create().unwrap().value.id;
    for act in [
        ProjectAct::Open,
        ProjectAct::Access,
        ProjectAct::Administrate,
        ProjectAct::Own,
    ] {
        assert_eq!(
            house.may(&ana.caller, Question::Project(project, act)),
            Decision::All
        );
    }
}

#[test]
fn project_names_are_unique_whatever_their_case() {
    // R26.
    let house = House::new();
    let town = house.project("Town");
    house.project("lake");
    let again = block_on(
        house
            .authority
            .create_project(&house.administrator, new_project("tOWN")),
    );
    assert_eq!(again.unwrap_err(), ProjectError::NameTaken(name("tOWN")));
    let rename = |text| {
        let update = ProjectUpdate {
            name: Some(name(text)),
            ..ProjectUpdate::default()
        };
        block_on(
            house
                .authority
                .update_project(&house.administrator, town, update),
        )
    };
    assert_eq!(
        rename("LAKE").unwrap_err(),
        ProjectError::NameTaken(name("LAKE"))
    );
    assert_eq!(rename("TOWN").unwrap().value.name, name("TOWN"));
}

#[test]
fn offices_include_one_another_and_not_open() {
    // R17, R18.
    let house = House::new();
    let project = house.project("town");
    let ana = house.user("ana");
    house.grant_project(project, ana, &[ProjectAct::Administrate]);
    let may = |act| house.may(&ana.caller, Question::Project(project, act));
    assert_eq!(may(ProjectAct::Access), Decision::All);
    assert_eq!(may(ProjectAct::Administrate), Decision::All);
    assert_eq!(may(ProjectAct::Own), Decision::Denied(DenyReason::NoGrant));
    assert_eq!(may(ProjectAct::Open), Decision::Denied(DenyReason::NoGrant));
}

#[test]
fn owners_alone_appoint_administrators_and_owners() {
    // R17.
    let house = House::new();
    let project = house.project("town");
    let (ana, ben) = (house.user("ana"), house.user("ben"));
    house.grant_project(project, ana, &[ProjectAct::Administrate]);
    let grant = |acts: &[ProjectAct]| house.try_grant_project(&ana.caller, project, ben, acts);
    grant(&[ProjectAct::Open, ProjectAct::Access]).unwrap();
    let refused: ProjectError = Refusal::Forbidden(Resource::Project(project)).into();
    assert_eq!(grant(&[ProjectAct::Administrate]), Err(refused.clone()));
    assert_eq!(grant(&[ProjectAct::Own]), Err(refused));
    house.grant_project(project, ana, &[ProjectAct::Own]);
    grant(&[ProjectAct::Own]).unwrap();
}

#[test]
fn an_enabled_owner_always_remains() {
    // R16.
    let house = House::new();
    let project = house.project("town");
    let ana = house.user("ana");
    let owners = house.group("owners", &[ana]);
    house.grant_project(project, owners, &[ProjectAct::Own]);
    let admin = &house.administrator;
    house.grant_project(project, UserId::ADMINISTRATOR, &[ProjectAct::Open]);
    let last = Refusal::LastOwner(project);
    let take = house.try_grant_project(admin, project, owners, &[ProjectAct::Access]);
    assert_eq!(take, Err(last.into()));
    let remove = house.leave(admin, owners, ana.id);
    assert_eq!(remove, Err(last.into()));
    assert_eq!(
        block_on(house.authority.delete_group(admin, owners)),
        Err(last.into())
    );
    assert_eq!(
        block_on(house.authority.delete_user(admin, ana.id)),
        Err(last.into())
    );
}

#[test]
fn a_project_opened_to_everyone_is_open_without_sign_in() {
    // R3, R21, R118.
    let house = House::new();
    let project = house.project("town");
    let open = Question::Project(project, ProjectAct::Open);
    assert_eq!(
        house.may(&Caller::Anonymous, open),
        Decision::Denied(DenyReason::NotVisible)
    );
    house.grant_project(project, GroupId::AUTHENTICATED, &[ProjectAct::Open]);
    assert_eq!(
        house.may(&Caller::Anonymous, open),
        Decision::Denied(DenyReason::NotVisible)
    );
    house.grant_project(project, GroupId::EVERYONE, &[ProjectAct::Open]);
    assert_eq!(house.may(&Caller::Anonymous, open), Decision::All);
    let layer = house.layer(project, "roads");
    assert_eq!(
        house.may_on(&Caller::Anonymous, layer, Permission::View),
        Decision::All
    );
}

#[test]
fn everyone_and_anonymous_can_only_be_let_open() {
    // R21, R27.
    let house = House::new();
    let project = house.project("town");
    let grant = house.try_grant_project(
        &house.administrator,
        project,
        GroupId::EVERYONE,
        &[ProjectAct::Open, ProjectAct::Access],
    );
    assert_eq!(grant, Err(ProjectError::OpenOnly(GroupId::EVERYONE.into())));
}

#[test]
fn deleting_a_project_repeats_its_name_and_deletes_its_layers_in_one_change() {
    // R24.
    let house = House::new();
    let project = house.project("town");
    let layers = [house.layer(project, "roads"), house.layer(project, "trees")];
    let delete = |text| {
        block_on(
            house
                .authority
                .delete_project(&house.administrator, project, &name(text)),
        )
    };
    assert_eq!(delete("Town"), Err(ProjectError::WrongName(project)));
    let before = house.authority.token().revision;
    delete("town").unwrap();
    let snapshot = house.authority.snapshot();
    assert_eq!(snapshot.revision(), before.next());
    assert!(snapshot.project(project).is_none());
    for layer in layers {
        assert!(snapshot.registered_layer(layer).is_none());
        assert_eq!(
            snapshot.tombstone(layer).unwrap().by,
            Some(UserId::ADMINISTRATOR)
        );
    }
}

#[test]
fn administrators_do_not_delete_projects() {
    // R17.
    let house = House::new();
    let project = house.project("town");
    let ana = house.user("ana");
    house.grant_project(project, ana, &[ProjectAct::Administrate]);
    let deleted = block_on(
        house
            .authority
            .delete_project(&ana.caller, project, &name("town")),
    );
    assert_eq!(
        deleted,
        Err(Refusal::Forbidden(Resource::Project(project)).into())
    );
}

#[test]
fn projects_are_listed_in_the_administrators_order() {
    // R23.
    let house = House::new();
    let (a, b, c) = (house.project("a"), house.project("b"), house.project("c"));
    block_on(
        house
            .authority
            .order_projects(&house.administrator, &[c, a]),
    )
    .unwrap();
    let caller = &house.administrator;
    let asking = Asking {
        caller,
        subject: None,
        at_least: None,
    };
    let listed = house.authority.list_projects(asking).unwrap().value;
    assert_eq!(
        listed.iter().map(|project| project.id).collect::<Vec<_>>(),
        [c, a, b]
    );
    let twice = block_on(house.authority.order_projects(caller, &[a, a]));
    assert_eq!(twice, Err(ProjectError::BadOrder));
}

#[test]
fn a_stale_project_table_is_refused() {
    let house = House::new();
    let project = house.project("town");
    let read = house
        .authority
        .project_table(&house.administrator, project)
        .unwrap();
    house.grant_project(project, GroupId::EVERYONE, &[ProjectAct::Open]);
    let edit = ProjectTableEdit {
        expected: Some(read.grants_revision),
        rows: vec![],
    };
    let edited = block_on(
        house
            .authority
            .edit_project_table(&house.administrator, project, edit),
    );
    assert_eq!(
        edited.unwrap_err(),
        Refusal::Stale(Resource::Project(project)).into()
    );
}
