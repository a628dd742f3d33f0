//! Users, groups, memberships, global permissions.

use authorization_core::{
    Refusal, Resource,
    directory::{DirectoryError, GroupUpdate, NewUser, UserUpdate},
    globals::{GlobalsAmendment, GlobalsError},
    model::{AccountPolicy, AccountState, Description, GlobalSet},
};
use futures::executor::block_on;
use jmap_domain::{
    Caller, Decision, DenyReason, GlobalPermission, GroupId, Permission, PrincipalId, ProjectAct,
    Question, UserId,
};

use crate::house::{House, name, password};

fn new_user(text: &str) -> NewUser {
    NewUser {
        name: name(text),
        display_name: None,
        policy: AccountPolicy::Ordinary,
        password: Some(password()),
    }
}

fn disabled() -> UserUpdate {
    UserUpdate {
        expected: None,
        display_name: None,
        state: Some(AccountState::Disabled),
    }
}

const SUPER: [GlobalPermission; 1] = [GlobalPermission::SuperAdministrator];

#[test]
fn special_principals_exist_and_stay() {
    // R1.
    let house = House::new();
    let snapshot = house.authority.snapshot();
    for (id, text) in [
        (UserId::ADMINISTRATOR, "administrator"),
        (UserId::ANONYMOUS, "anonymous"),
    ] {
        assert_eq!(snapshot.user(id).unwrap().name, name(text));
        let deleted = block_on(house.authority.delete_user(&house.administrator, id));
        assert_eq!(deleted, Err(DirectoryError::Special(name(text))));
    }
    for (id, text) in [
        (GroupId::EVERYONE, "everyone"),
        (GroupId::AUTHENTICATED, "authenticated"),
    ] {
        assert_eq!(snapshot.group(id).unwrap().name, name(text));
        let deleted = block_on(house.authority.delete_group(&house.administrator, id));
        assert_eq!(deleted, Err(DirectoryError::Special(name(text))));
    }
}

#[test]
fn special_principals_have_no_memberships() {
    // R1, R5.
    let house = House::new();
    let (ana, team) = (house.user("ana"), house.group("team", &[]));
    let add = |group, user| house.join(group, user);
    assert!(matches!(
        add(GroupId::EVERYONE, ana.id),
        Err(DirectoryError::Special(_))
    ));
    assert!(matches!(
        add(team, UserId::ANONYMOUS),
        Err(DirectoryError::Special(_))
    ));
}

#[test]
fn names_of_users_and_groups_are_unique_whatever_their_case() {
    // R7, R26.
    let house = House::new();
    house.user("Zoë");
    house.group("Field Team", &[]);
    let user = block_on(
        house
            .authority
            .create_user(&house.administrator, new_user("ZOË")),
    );
    assert_eq!(user.unwrap_err(), DirectoryError::NameTaken(name("ZOË")));
    let group = block_on(house.authority.create_group(
        &house.administrator,
        name("field team"),
        Description::default(),
    ));
    assert_eq!(
        group.unwrap_err(),
        DirectoryError::NameTaken(name("field team"))
    );
}

#[test]
fn a_group_is_described_and_renamed_apart_and_a_stale_update_changes_nothing() {
    let house = House::new();
    let team = house.group("team", &[]);
    let update = |expected, text: Option<&str>, described: Option<&str>| {
        let update = GroupUpdate {
            expected,
            name: text.map(name),
            description: described.map(|text| Description::parse(text).unwrap()),
        };
        let made = house
            .authority
            .update_group(&house.administrator, team, update);
        block_on(made).map(|made| made.value)
    };
    let shown = |group: &authorization_core::model::Group| {
        (
            group.name.to_string(),
            group.description.as_str().to_owned(),
        )
    };
    let read = update(None, None, Some("who mows")).unwrap();
    assert_eq!(shown(&read), ("team".to_owned(), "who mows".to_owned()));
    let renamed = update(Some(read.revision), Some("mowers"), None).unwrap();
    assert_eq!(
        shown(&renamed),
        ("mowers".to_owned(), "who mows".to_owned())
    );
    let stale = update(Some(read.revision), None, Some("")).unwrap_err();
    let resource = Resource::Group(team);
    assert_eq!(stale, DirectoryError::Refused(Refusal::Stale(resource)));
    let snapshot = house.restarted().snapshot();
    assert_eq!(shown(snapshot.group(team).unwrap()), shown(&renamed));
}

#[test]
fn users_and_groups_draw_ids_from_one_sequence_that_never_goes_back() {
    // R8, R26.
    let house = House::new();
    let (ana, team) = (house.user("ana").id.get(), house.group("team", &[]).get());
    block_on(
        house
            .authority
            .delete_group(&house.administrator, GroupId::new(team).unwrap()),
    )
    .unwrap();
    block_on(
        house
            .authority
            .delete_user(&house.administrator, UserId::new(ana).unwrap()),
    )
    .unwrap();
    assert_eq!((ana, team), (5, 6));
    assert_eq!(house.user("ana").id.get(), 7);
    assert_eq!(house.restarted().snapshot().marks().principal, 7);
}

#[test]
fn a_new_account_with_an_old_name_inherits_nothing() {
    // R8, R9.
    let house = House::new();
    let project = house.project("town");
    let ana = house.user("ana");
    house.grant_project(project, ana, &[ProjectAct::Open]);
    let open = Question::Project(project, ProjectAct::Open);
    assert_eq!(house.may(&ana.caller, open), Decision::All);
    block_on(house.authority.delete_user(&house.administrator, ana.id)).unwrap();
    let again = house.user("ana");
    assert_eq!(
        house.may(&again.caller, open),
        Decision::Denied(DenyReason::NotVisible)
    );
}

#[test]
fn a_deleted_group_gives_nothing_at_once() {
    // R5, R9, R10.
    let house = House::new();
    let project = house.project("town");
    let ana = house.user("ana");
    let team = house.group("team", &[ana]);
    house.grant_project(project, team, &[ProjectAct::Open]);
    let open = Question::Project(project, ProjectAct::Open);
    assert_eq!(house.may(&ana.caller, open), Decision::All);
    block_on(house.authority.delete_group(&house.administrator, team)).unwrap();
    assert_eq!(
        house.may(&ana.caller, open),
        Decision::Denied(DenyReason::NotVisible)
    );
}

#[test]
fn membership_counts_from_the_next_decision_on() {
    // R5, R10.
    let house = House::new();
    let project = house.project("town");
    let ana = house.user("ana");
    let team = house.group("team", &[]);
    house.grant_project(project, team, &[ProjectAct::Open]);
    let layer = house.layer(project, "roads");
    let view = || house.may_on(&ana.caller, layer, Permission::View);
    assert_eq!(view(), Decision::Denied(DenyReason::NotVisible));
    house.join(team, ana.id).unwrap();
    assert_eq!(view(), Decision::All);
    house.leave(&house.administrator, team, ana.id).unwrap();
    assert_eq!(view(), Decision::Denied(DenyReason::NotVisible));
}

#[test]
fn only_super_administrators_manage_the_directory_and_global_permissions() {
    // R15.
    let house = House::new();
    let ana = house.user("ana");
    house.grant_project(house.project("town"), ana, &[ProjectAct::Own]);
    let forbidden = Refusal::Forbidden(Resource::Installation);
    let created = block_on(house.authority.create_user(&ana.caller, new_user("eve")));
    assert_eq!(created.unwrap_err(), forbidden.into());
    let group = block_on(house.authority.create_group(
        &ana.caller,
        name("eves"),
        Description::default(),
    ));
    assert_eq!(group.unwrap_err(), forbidden.into());
    let add = SUPER.into_iter().collect();
    let amendment = GlobalsAmendment {
        add,
        remove: GlobalSet::EMPTY,
    };
    let globals = house
        .authority
        .amend_globals(&ana.caller, ana.into(), amendment);
    assert_eq!(block_on(globals).unwrap_err(), forbidden.into());
    let anonymous = block_on(
        house
            .authority
            .create_user(&Caller::Anonymous, new_user("eve")),
    );
    assert_eq!(anonymous.unwrap_err(), Refusal::NotSignedIn.into());
}

#[test]
fn an_enabled_super_administrator_always_remains() {
    // R16.
    let house = House::new();
    let admin = &house.administrator;
    let last = DirectoryError::Refused(Refusal::LastSuperAdministrator);
    let disable = |user| block_on(house.authority.update_user(admin, user, disabled())).map(|_| ());
    assert_eq!(disable(UserId::ADMINISTRATOR), Err(last.clone()));
    assert_eq!(
        house.set_globals(UserId::ADMINISTRATOR, &[]),
        Err(GlobalsError::Refused(Refusal::LastSuperAdministrator))
    );

    let ana = house.user("ana");
    let chiefs = house.group("chiefs", &[ana]);
    house.set_globals(chiefs, &SUPER).unwrap();
    disable(UserId::ADMINISTRATOR).unwrap();
    // Now everything rests on one member of one group.
    let authority = &house.authority;
    assert_eq!(house.leave(&ana.caller, chiefs, ana.id), Err(last.clone()));
    assert_eq!(
        block_on(authority.delete_group(&ana.caller, chiefs)),
        Err(last.clone())
    );
    assert_eq!(
        block_on(authority.delete_user(&ana.caller, ana.id)),
        Err(last)
    );
}

#[test]
fn a_server_account_does_not_keep_the_installation() {
    // R16, R100: it opens no session that administers.
    let house = House::new();
    let robot = house.server("robot");
    let admin = &house.administrator;
    house.set_globals(robot, &SUPER).unwrap();
    let refused = block_on(
        house
            .authority
            .update_user(admin, UserId::ADMINISTRATOR, disabled()),
    );
    assert_eq!(refused.unwrap_err(), Refusal::LastSuperAdministrator.into());
}

#[test]
fn nobody_creates_personal_layers_by_default() {
    // R12, R14.
    let house = House::new();
    let ana = house.user("ana");
    let personal = Question::Global(GlobalPermission::CreatePersonalLayers);
    let projects = Question::Global(GlobalPermission::CreateProjects);
    let none = Decision::Denied(DenyReason::NoGrant);
    assert_eq!(house.may(&house.administrator, personal), none);
    assert_eq!(
        (
            house.may(&ana.caller, personal),
            house.may(&ana.caller, projects)
        ),
        (none, none)
    );
    let set = [
        GlobalPermission::CreatePersonalLayers,
        GlobalPermission::CreateProjects,
    ];
    house.set_globals(ana, &set).unwrap();
    assert_eq!(house.may(&ana.caller, personal), Decision::All);
    assert_eq!(house.may(&ana.caller, projects), Decision::All);
}

#[test]
fn global_permissions_are_never_for_everyone_or_anonymous() {
    // R27.
    let house = House::new();
    let principals: [PrincipalId; 2] = [GroupId::EVERYONE.into(), UserId::ANONYMOUS.into()];
    for principal in principals {
        let granted = house.set_globals(principal, &[GlobalPermission::CreateProjects]);
        assert_eq!(granted, Err(GlobalsError::NotForAnybody));
    }
}

#[test]
fn a_user_changed_by_someone_else_is_stale() {
    let house = House::new();
    let ana = house.user("ana");
    let read = house
        .authority
        .user(&house.administrator, ana.id)
        .unwrap()
        .revision;
    let update = |text| UserUpdate {
        expected: Some(read),
        display_name: Some(Some(name(text))),
        state: None,
    };
    let put = |text| {
        block_on(
            house
                .authority
                .update_user(&house.administrator, ana.id, update(text)),
        )
    };
    assert_eq!(
        put("Ana A.").unwrap().value.display_name,
        Some(name("Ana A."))
    );
    assert_eq!(
        put("Ana B.").unwrap_err(),
        Refusal::Stale(Resource::User(ana.id)).into()
    );
}

#[test]
fn the_directory_is_listed_to_those_who_grant() {
    let house = House::new();
    let (ana, ben) = (house.user("ana"), house.user("Ben"));
    house.grant_project(house.project("town"), ana, &[ProjectAct::Administrate]);
    let listed = house.authority.list_users(&ana.caller, "a", 3).unwrap();
    let names: Vec<_> = listed.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["administrator", "ana", "anonymous"]);
    let rest = house
        .authority
        .list_users(&ana.caller, "anonymous", 3)
        .unwrap();
    assert_eq!(rest.len(), 1);
    let refused = house.authority.list_users(&ben.caller, "", 3);
    assert_eq!(
        refused.unwrap_err(),
        Refusal::Forbidden(Resource::Installation)
    );
    assert_eq!(
        house.authority.user(&ben.caller, ben.id).unwrap().name,
        name("Ben")
    );
}
