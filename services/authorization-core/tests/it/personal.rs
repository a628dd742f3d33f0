//! Personal layers: published, reassigned, left and listed (R71–R82).

mod agreement;
mod discretion;
mod following;
mod handover;
mod quota;
mod record;

use authorization_core::{
    Refusal, Resource,
    layer_permissions::{Amendment, RowEdits, Search, TableEdit, TableError},
    model::Editing,
    personal::{PersonalError, PersonalWanted, Publication, Through},
    registry::{InitialView, RegistryError, Site},
};
use futures::executor::block_on;
use jmap_domain::{
    Caller, Decision, DenyReason, GlobalPermission, GroupId, LayerId, Permission, PermissionSet,
    PrincipalId, ProjectAct, ProjectId, UserId,
};

use crate::house::{House, Person, name, request, set};

const HIDDEN: Decision = Decision::Denied(DenyReason::NotVisible);

/// Somebody who may create personal layers.
fn maker(house: &House, who: &str) -> Person {
    let person = house.user(who);
    let create = [GlobalPermission::CreatePersonalLayers];
    house.set_globals(person, &create).unwrap();
    person
}

/// Somebody who administers personal layers, and nothing else.
fn overseer(house: &House) -> Person {
    let person = house.user("overseer");
    let oversee = [GlobalPermission::AdministerPersonalLayers];
    house.set_globals(person, &oversee).unwrap();
    person
}

fn try_personal(
    house: &House,
    owner: &Person,
    text: &str,
    salt: u8,
) -> Result<LayerId, RegistryError> {
    let mut asked = request(ProjectId::new(1).unwrap(), text, salt);
    asked.site = Site::Personal;
    let callers = house.on_behalf(&owner.caller);
    let layer = block_on(house.authority.reserve_layer(callers, asked))?
        .value
        .id;
    block_on(house.authority.activate_layer(callers, layer))?;
    Ok(layer)
}

fn personal(house: &House, owner: &Person, text: &str) -> LayerId {
    let salt = u8::try_from(text.bytes().map(u32::from).sum::<u32>() % 251).unwrap();
    try_personal(house, owner, text, salt).unwrap()
}

/// Adds permissions to a principal's row, and takes others.
fn amend(
    house: &House,
    owner: &Person,
    (layer, principal): (LayerId, PrincipalId),
    (add, remove): (PermissionSet, PermissionSet),
) -> Result<(), TableError> {
    let amendment = Amendment {
        principal,
        add,
        remove,
        own_only: None,
    };
    let edit = TableEdit {
        layer,
        expected: None,
        rows: RowEdits::Amend(vec![amendment]),
    };
    block_on(house.authority.edit_layer_tables(&owner.caller, vec![edit])).map(drop)
}

fn share(house: &House, owner: &Person, layer: LayerId, with: PrincipalId, give: &[Permission]) {
    amend(
        house,
        owner,
        (layer, with),
        (set(give), PermissionSet::EMPTY),
    )
    .unwrap();
}

fn publish(
    house: &House,
    by: &Caller,
    layer: LayerId,
    publication: Publication,
) -> Result<Vec<PrincipalId>, PersonalError> {
    let made = block_on(house.authority.publish_layer(by, layer, publication))?;
    assert_eq!(made.value.layer.id, layer);
    let rows = made.value.rows.iter().map(|row| row.row.principal);
    Ok(rows.collect())
}

const fn into(project: ProjectId) -> Publication {
    Publication {
        project,
        name: None,
        view: InitialView::Everyone,
    }
}

#[test]
fn a_published_layer_is_the_projects_and_nothing_is_left_of_its_shares() {
    // R74, R75, R76, R77.
    let house = House::new();
    let project = house.project("town");
    house.grant_project(project, GroupId::AUTHENTICATED, &[ProjectAct::Open]);
    let last = house.layer(project, "roads");
    let (ana, ben, cem) = (maker(&house, "ana"), house.user("ben"), house.user("cem"));
    let layer = personal(&house, &ana, "walks");
    let all = [Permission::View, Permission::ModifyElements];
    share(&house, &ana, layer, ben.into(), &all);
    assert_eq!(house.may_on(&cem.caller, layer, Permission::View), HIDDEN);
    let administrator = &house.administrator;
    let rows = publish(&house, administrator, layer, into(project)).unwrap();
    assert_eq!(rows, [GroupId::EVERYONE.into()]);
    for person in [ana, ben, cem] {
        let may = |permission| house.may_on(&person.caller, layer, permission);
        assert_eq!(may(Permission::View), Decision::All);
        let denied = Decision::Denied(DenyReason::NoGrant);
        assert_eq!(may(Permission::ModifyElements), denied);
    }
    let listed = house
        .authority
        .list_administered_layers(administrator, project);
    let listed: Vec<_> = listed
        .unwrap()
        .iter()
        .map(|one| (one.id, one.editing))
        .collect();
    assert_eq!(listed[0].0, last);
    assert_eq!(
        listed[1],
        (layer, Editing::Enabled),
        "it comes last, and is edited on"
    );
    let managed = block_on(house.authority.leave_layer(&ben.caller, layer));
    assert_eq!(managed.unwrap_err(), PersonalError::NotPersonal(layer));
    assert!(
        house
            .authority
            .own_personal_layers(&ana.caller)
            .unwrap()
            .is_empty()
    );
    let again = publish(&house, administrator, layer, into(project));
    assert_eq!(again, Err(PersonalError::NotPersonal(layer)));
}

#[test]
fn a_published_layer_can_start_seen_by_nobody_and_under_another_name() {
    // R77: a name that is taken changes nothing.
    let house = House::new();
    let project = house.project("town");
    house.layer(project, "Walks");
    let ana = maker(&house, "ana");
    let layer = personal(&house, &ana, "walks");
    let before = house.authority.token();
    let taken = publish(&house, &house.administrator, layer, into(project));
    assert_eq!(taken, Err(PersonalError::NameTaken(name("walks"))));
    assert_eq!(house.authority.token(), before);
    let publication = Publication {
        project,
        name: Some(name("old walks")),
        view: InitialView::Nobody,
    };
    let rows = publish(&house, &house.administrator, layer, publication).unwrap();
    assert_eq!(rows, []);
    assert_eq!(house.may_on(&ana.caller, layer, Permission::View), HIDDEN);
    // The name among the owner's layers is free again.
    personal(&house, &ana, "walks");
}

#[test]
fn publishing_needs_both_rights_and_tells_no_more() {
    // R40, R74, R80.
    let house = House::new();
    let project = house.project("town");
    let (ana, oversees, manages) = (
        maker(&house, "ana"),
        overseer(&house),
        house.user("manager"),
    );
    house.grant_project(project, manages, &[ProjectAct::Administrate]);
    let layer = personal(&house, &ana, "walks");
    let by = |caller| publish(&house, caller, layer, into(project)).unwrap_err();
    let not_found = |what| PersonalError::from(Refusal::NotFound(what));
    assert_eq!(by(&manages.caller), not_found(Resource::Layer(layer)));
    let forbidden = PersonalError::from(Refusal::Forbidden(Resource::Layer(layer)));
    assert_eq!(by(&ana.caller), forbidden);
    assert_eq!(by(&oversees.caller), not_found(Resource::Project(project)));
    let nowhere = ProjectId::new(99).unwrap();
    let missing = publish(&house, &house.administrator, layer, into(nowhere));
    assert_eq!(missing, Err(not_found(Resource::Project(nowhere))));
    house.grant_project(project, oversees, &[ProjectAct::Administrate]);
    assert!(publish(&house, &oversees.caller, layer, into(project)).is_ok());
}

#[test]
fn a_reassigned_layer_is_the_new_owners_and_its_shares_go_on() {
    // R69, R79, R81.
    let house = House::new();
    let (ana, ben, cem) = (
        maker(&house, "ana"),
        maker(&house, "ben"),
        house.user("cem"),
    );
    let oversees = overseer(&house);
    let layer = personal(&house, &ana, "walks");
    personal(&house, &ben, "Walks");
    share(&house, &ana, layer, cem.into(), &[Permission::View]);
    share(&house, &ana, layer, ben.into(), &[Permission::View]);
    // Nothing while she owns it, and a way back if it stayed.
    share(&house, &ana, layer, ana.into(), &[Permission::View]);
    let give = |by: &Caller, to: UserId, named: Option<&str>| {
        let to = (to, named.map(name));
        block_on(house.authority.reassign_layer(by, layer, to)).map(drop)
    };
    let taken = PersonalError::NameTaken(name("walks"));
    assert_eq!(give(&oversees.caller, ben.id, None), Err(taken));
    let forbidden = PersonalError::from(Refusal::Forbidden(Resource::Layer(layer)));
    assert_eq!(give(&ana.caller, ben.id, None), Err(forbidden));
    for nobody in [
        UserId::ANONYMOUS,
        house.server("machine").id,
        UserId::new(999).unwrap(),
    ] {
        assert_eq!(
            give(&oversees.caller, nobody, None),
            Err(PersonalError::NoOwner(nobody))
        );
    }
    give(&oversees.caller, ben.id, Some("ana's walks")).unwrap();
    assert_eq!(house.may_on(&ana.caller, layer, Permission::View), HIDDEN);
    let may = |person: &Person, permission| house.may_on(&person.caller, layer, permission);
    assert_eq!(may(&ben, Permission::DeleteElements), Decision::All);
    assert_eq!(may(&cem, Permission::View), Decision::All);
    let access = house
        .authority
        .personal_layer_access(&oversees.caller, layer)
        .unwrap();
    let through = access
        .iter()
        .map(|one| (one.user.id, one.through.as_slice()));
    let shared = [Through::Share(cem.into())];
    let expected = [(ben.id, &[Through::Ownership][..]), (cem.id, &shared[..])];
    assert_eq!(through.collect::<Vec<_>>(), expected);
}

#[test]
fn who_leaves_a_layer_keeps_what_groups_give() {
    let house = House::new();
    let (ana, ben) = (maker(&house, "ana"), house.user("ben"));
    let walkers = house.group("walkers", &[ben]);
    let layer = personal(&house, &ana, "walks");
    let leave = |by: &Caller| block_on(house.authority.leave_layer(by, layer)).map(drop);
    let gone = PersonalError::from(Refusal::NotFound(Resource::Layer(layer)));
    assert_eq!(leave(&ben.caller), Err(gone));
    share(&house, &ana, layer, ben.into(), &[Permission::View]);
    share(&house, &ana, layer, walkers.into(), &[Permission::View]);
    leave(&ben.caller).unwrap();
    assert_eq!(
        house.may_on(&ben.caller, layer, Permission::View),
        Decision::All
    );
    assert_eq!(leave(&ben.caller), Err(PersonalError::NotShared(layer)));
    assert_eq!(leave(&ana.caller), Err(PersonalError::NotShared(layer)));
    let shared = house.authority.shared_personal_layers(&ben.caller).unwrap();
    assert_eq!(shared[0].access.through, [Through::Share(walkers.into())]);
    assert_eq!(shared[0].owner.as_ref().unwrap().id, ana.id);
}

#[test]
fn a_layer_outlives_its_owners_account_and_finds_another() {
    // R79.
    let house = House::new();
    let (ana, ben) = (maker(&house, "ana"), house.user("ben"));
    let layer = personal(&house, &ana, "walks");
    share(&house, &ana, layer, ben.into(), &[Permission::View]);
    let administrator = &house.administrator;
    block_on(house.authority.delete_user(administrator, ana.id)).unwrap();
    assert_eq!(
        house.may_on(&ben.caller, layer, Permission::View),
        Decision::All
    );
    let listed = house
        .authority
        .personal_layers(administrator, &PersonalWanted::default());
    let listed = listed.unwrap();
    assert_eq!((listed.len(), listed[0].layer.id), (1, layer));
    assert_eq!((&listed[0].owner, listed[0].shares), (&None, 1));
    let to = (ben.id, None);
    block_on(house.authority.reassign_layer(administrator, layer, to)).unwrap();
    assert_eq!(
        house
            .authority
            .own_personal_layers(&ben.caller)
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn administrators_list_what_they_search_for_and_nobody_else_does() {
    // R71, R80.
    let house = House::new();
    let (ana, ben) = (maker(&house, "ana"), maker(&house, "ben"));
    let (walks, maps) = (
        personal(&house, &ana, "walks"),
        personal(&house, &ben, "maps"),
    );
    let oversees = overseer(&house);
    let list = |wanted: &PersonalWanted| {
        let listed = house
            .authority
            .personal_layers(&oversees.caller, wanted)
            .unwrap();
        listed.iter().map(|one| one.layer.id).collect::<Vec<_>>()
    };
    assert_eq!(list(&PersonalWanted::default()), [walks, maps]);
    let search = |text| PersonalWanted {
        search: Some(Search::of(text)),
        owner: None,
    };
    assert_eq!(list(&search("AL")), [walks]);
    assert_eq!(list(&search("Ben")), [maps]);
    let owner = Some(ana.id);
    assert_eq!(
        list(&PersonalWanted {
            search: None,
            owner
        }),
        [walks]
    );
    let forbidden = Refusal::Forbidden(Resource::Installation);
    for caller in [&ana.caller, &Caller::Anonymous] {
        let refused = house
            .authority
            .personal_layers(caller, &PersonalWanted::default());
        assert_eq!(refused, Err(forbidden));
        let refused = house.authority.personal_layer_users(caller, None);
        assert_eq!(refused, Err(forbidden));
        let refused = house.authority.personal_layer_access(caller, walks);
        assert_eq!(refused, Err(forbidden));
        let refused = house.authority.personal_access_of(caller, ben.id);
        assert_eq!(refused, Err(forbidden));
    }
    let anonymous = house.authority.own_personal_layers(&Caller::Anonymous);
    assert_eq!(anonymous, Err(Refusal::NotSignedIn));
}
