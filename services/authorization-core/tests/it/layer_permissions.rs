//! Permission tables: which grants are refused, and what sleeps.

use authorization_core::{
    Refusal, Resource,
    explain::Ineffective,
    layer_permissions::{Amendment, GrantError, RowEdits, TableEdit, TableError},
    model::{Editing, GrantRow, LayerGrant},
};
use futures::executor::block_on;
use jmap_domain::{
    Decision, DenyReason, GroupId, LayerId, Permission, PermissionSet, PrincipalId, ProjectAct,
    ProjectId, UserId,
};

use crate::house::{House, Person, amendment, set};

fn error(result: Result<impl Sized, TableError>) -> GrantError {
    match result.err().unwrap() {
        TableError::Grant {
            layer: _,
            principal: _,
            error,
        } => error,
        other @ (TableError::LayerTwice(_) | TableError::Refused(_)) => panic!("{other}"),
    }
}

/// A project that ana opens, with a layer.
fn town(house: &House) -> (ProjectId, LayerId, Person) {
    let project = house.project("town");
    let ana = house.user("ana");
    house.grant_project(project, ana, &[ProjectAct::Open]);
    (project, house.layer(project, "roads"), ana)
}

#[test]
fn only_who_may_open_the_project_is_granted_permissions_on_its_layers() {
    // R28.
    let house = House::new();
    let (project, layer, ana) = town(&house);
    let ben = house.user("ben");
    let team = house.group("team", &[ana]);
    let grant =
        |id: PrincipalId| house.try_grant(&house.administrator, layer, id, &[Permission::View]);
    grant(ana.into()).unwrap();
    assert_eq!(error(grant(ben.into())), GrantError::CannotOpen);
    // A member that may open does not open for its group.
    assert_eq!(error(grant(team.into())), GrantError::CannotOpen);
    assert_eq!(
        error(grant(GroupId::AUTHENTICATED.into())),
        GrantError::CannotOpen
    );

    house.grant_project(project, GroupId::AUTHENTICATED, &[ProjectAct::Open]);
    grant(ben.into()).unwrap();
    grant(team.into()).unwrap();
    grant(GroupId::AUTHENTICATED.into()).unwrap();
    assert_eq!(
        error(grant(UserId::ANONYMOUS.into())),
        GrantError::CannotOpen
    );
    assert_eq!(
        error(grant(PrincipalId::new(999).unwrap())),
        GrantError::NoSuchPrincipal
    );
}

#[test]
fn everyone_who_can_open_the_project_is_granted_view_and_the_row_is_effective() {
    // R4, R28, R30: nobody but ana opens the project, and *view* is taken from everyone and given back.
    let house = House::new();
    let (_, layer, ana) = town(&house);
    let everyone = GroupId::EVERYONE;
    let taken = amendment(everyone, &[], &[Permission::View]);
    house.amend(&house.administrator, layer, taken).unwrap();
    let given = [Permission::View];
    house
        .try_grant(&house.administrator, layer, everyone, &given)
        .unwrap();
    let table = house.authority.layer_table(&house.administrator, layer);
    assert!(
        table
            .unwrap()
            .rows
            .iter()
            .all(|row| row.ineffective.is_none())
    );
    let views = house.may_on(&ana.caller, layer, Permission::View);
    assert_eq!(views, Decision::All);
    let stranger = house.user("ben");
    let hidden = house.may_on(&stranger.caller, layer, Permission::View);
    assert_eq!(hidden, Decision::Denied(DenyReason::NotVisible));
}

#[test]
fn a_user_counts_with_its_groups() {
    // R28.
    let house = House::new();
    let project = house.project("town");
    let layer = house.layer(project, "roads");
    let ana = house.user("ana");
    let team = house.group("team", &[ana]);
    house.grant_project(project, team, &[ProjectAct::Open]);
    house.grant(layer, ana, &[Permission::CopyExport]);
    assert_eq!(
        house.may_on(&ana.caller, layer, Permission::CopyExport),
        Decision::All
    );
}

#[test]
fn losing_open_puts_grants_to_sleep_and_regaining_it_wakes_them() {
    // R20, R22.
    let house = House::new();
    let (project, layer, ana) = town(&house);
    house.grant(layer, ana, &[Permission::AddElements]);
    let may = || house.may_on(&ana.caller, layer, Permission::AddElements);
    let row = || {
        let table = house
            .authority
            .layer_table(&house.administrator, layer)
            .unwrap();
        *table
            .rows
            .iter()
            .find(|row| row.row.principal == ana.into())
            .unwrap()
    };
    assert_eq!((may(), row().ineffective), (Decision::All, None));
    house.grant_project(project, ana, &[]);
    assert_eq!(may(), Decision::Denied(DenyReason::NotVisible));
    assert_eq!(row().ineffective, Some(Ineffective::CannotOpen));
    house.grant_project(project, ana, &[ProjectAct::Open]);
    assert_eq!((may(), row().ineffective), (Decision::All, None));
}

#[test]
fn editing_permissions_are_not_granted_while_editing_is_disabled() {
    // R31, R32, R83.
    let house = House::new();
    let (_, layer, ana) = town(&house);
    house.set_editing(layer, Editing::Disabled);
    for permission in Permission::ALL
        .into_iter()
        .filter(|permission| permission.needs_editing())
    {
        let granted = house.try_grant(&house.administrator, layer, ana, &[permission]);
        assert_eq!(error(granted), GrantError::EditingDisabled(permission));
    }
    house.grant(layer, ana, &[Permission::View, Permission::CopyExport]);
}

#[test]
fn disabling_editing_keeps_grants_and_enabling_it_wakes_them() {
    // R31.
    let house = House::new();
    let (_, layer, ana) = town(&house);
    house.grant(layer, ana, &[Permission::DeleteElements]);
    house.set_editing(layer, Editing::Disabled);
    let may = || house.may_on(&ana.caller, layer, Permission::DeleteElements);
    assert_eq!(may(), Decision::Denied(DenyReason::EditingDisabled));
    let table = house
        .authority
        .layer_table(&house.administrator, layer)
        .unwrap();
    let row = table
        .rows
        .iter()
        .find(|row| row.row.principal == ana.into())
        .unwrap();
    assert_eq!(row.asleep, set(&[Permission::DeleteElements]));
    house.set_editing(layer, Editing::Enabled);
    assert_eq!(may(), Decision::All);
}

#[test]
fn a_stored_row_sent_back_unchanged_is_no_grant() {
    // R28, R31.
    let house = House::new();
    let (project, layer, ana) = town(&house);
    house.grant(layer, ana, &[Permission::ModifyElements]);
    house.set_editing(layer, Editing::Disabled);
    house.grant_project(project, ana, &[]);
    let table = house
        .authority
        .layer_table(&house.administrator, layer)
        .unwrap();
    let mut rows: Vec<GrantRow> = table.rows.iter().map(|row| row.row).collect();
    let replace = |rows: &[GrantRow]| {
        let edit = TableEdit {
            layer,
            expected: None,
            rows: RowEdits::Replace(rows.to_vec()),
        };
        block_on(
            house
                .authority
                .edit_layer_tables(&house.administrator, vec![edit]),
        )
    };
    assert_eq!(replace(&rows).unwrap().value[0].revision, table.revision);
    // One more permission in the same row is a grant.
    let ana_row = rows
        .iter_mut()
        .find(|row| row.principal == ana.into())
        .unwrap();
    ana_row.grant.permissions = ana_row.grant.permissions.with(Permission::CopyExport);
    assert_eq!(error(replace(&rows)), GrantError::CannotOpen);
}

#[test]
fn taking_away_is_never_refused() {
    // R28, R31.
    let house = House::new();
    let (project, layer, ana) = town(&house);
    house.grant(
        layer,
        ana,
        &[Permission::ModifyElements, Permission::CopyExport],
    );
    house.set_editing(layer, Editing::Disabled);
    house.grant_project(project, ana, &[]);
    house.revoke(layer, ana, &[Permission::CopyExport]);
    let narrow = Amendment {
        own_only: Some(true),
        ..amendment(ana, &[], &[])
    };
    house.amend(&house.administrator, layer, narrow).unwrap();
    // Lifting the option gives more, so it is a grant.
    let widen = Amendment {
        own_only: Some(false),
        ..amendment(ana, &[], &[])
    };
    assert_eq!(
        error(house.amend(&house.administrator, layer, widen)),
        GrantError::CannotOpen
    );
}

#[test]
fn replacing_a_table_takes_out_what_is_not_named() {
    // R30.
    let house = House::new();
    let (_, layer, ana) = town(&house);
    let grant = LayerGrant {
        permissions: set(&[Permission::View]),
        own_only: false,
    };
    let rows = RowEdits::Replace(vec![GrantRow {
        principal: ana.into(),
        grant,
    }]);
    let edit = TableEdit {
        layer,
        expected: None,
        rows,
    };
    let tables = block_on(
        house
            .authority
            .edit_layer_tables(&house.administrator, vec![edit]),
    );
    let left: Vec<_> = tables.unwrap().value[0]
        .rows
        .iter()
        .map(|row| row.row.principal)
        .collect();
    assert_eq!(left, [ana.into()]);
    assert_eq!(
        house.may_on(&ana.caller, layer, Permission::View),
        Decision::All
    );
    let administrator = house.may_on(&house.administrator, layer, Permission::View);
    assert_eq!(administrator, Decision::Denied(DenyReason::NotVisible));
}

#[test]
fn several_layers_change_all_or_not_at_all_and_what_is_not_named_stays() {
    // R42.
    let house = House::new();
    let (project, roads, ana) = town(&house);
    let trees = house.layer(project, "trees");
    house.set_editing(trees, Editing::Disabled);
    house.grant(roads, ana, &[Permission::DeleteElements]);
    let edits = |permissions: &[Permission]| {
        let edit = |layer| TableEdit {
            layer,
            expected: None,
            rows: RowEdits::Amend(vec![amendment(ana, permissions, &[])]),
        };
        let edits = vec![edit(roads), edit(trees)];
        block_on(
            house
                .authority
                .edit_layer_tables(&house.administrator, edits),
        )
    };
    let before = house.authority.token();
    let refused = error(edits(&[Permission::AddElements]));
    assert_eq!(
        refused,
        GrantError::EditingDisabled(Permission::AddElements)
    );
    assert_eq!(house.authority.token(), before);
    edits(&[Permission::CopyExport]).unwrap();
    for layer in [roads, trees] {
        assert_eq!(
            house.may_on(&ana.caller, layer, Permission::CopyExport),
            Decision::All
        );
    }
    assert_eq!(
        house.may_on(&ana.caller, roads, Permission::DeleteElements),
        Decision::All
    );
}

#[test]
fn a_stale_table_is_refused() {
    let house = House::new();
    let (_, layer, ana) = town(&house);
    let read = house
        .authority
        .layer_table(&house.administrator, layer)
        .unwrap()
        .revision;
    house.grant(layer, ana, &[Permission::CopyExport]);
    let rows = RowEdits::Amend(vec![amendment(ana, &[Permission::AddElements], &[])]);
    let edit = TableEdit {
        layer,
        expected: Some(read),
        rows,
    };
    let edited = block_on(
        house
            .authority
            .edit_layer_tables(&house.administrator, vec![edit]),
    );
    assert_eq!(
        edited.unwrap_err(),
        Refusal::Stale(Resource::Layer(layer)).into()
    );
}

#[test]
fn managing_the_table_needs_administrate_on_the_project() {
    // R41, R46.
    let house = House::new();
    let (project, layer, ana) = town(&house);
    let grant = || house.try_grant(&ana.caller, layer, ana, &[Permission::CopyExport]);
    let forbidden = Refusal::Forbidden(Resource::Layer(layer));
    assert_eq!(grant().unwrap_err(), forbidden.into());
    // *view* shows the layer, not who may do what on it.
    assert_eq!(
        house.authority.layer_table(&ana.caller, layer).unwrap_err(),
        forbidden
    );
    // *access* shows the table, and changes nothing in it.
    house.grant_project(project, ana, &[ProjectAct::Open, ProjectAct::Access]);
    house.authority.layer_table(&ana.caller, layer).unwrap();
    assert_eq!(grant().unwrap_err(), forbidden.into());
    house.grant_project(project, ana, &[ProjectAct::Open, ProjectAct::Administrate]);
    grant().unwrap();
}

#[test]
fn remote_access_is_granted_by_owners_to_server_accounts_and_groups() {
    // R41, R86, R100.
    let house = House::new();
    let (project, layer, ana) = town(&house);
    house.grant_project(project, GroupId::EVERYONE, &[ProjectAct::Open]);
    let robot = house.server("robot");
    let team = house.group("team", &[ana]);
    house.grant_project(project, ana, &[ProjectAct::Administrate]);
    let remote = [Permission::RemoteAccess];
    let by_ana = house.try_grant(&ana.caller, layer, robot, &remote);
    assert_eq!(error(by_ana), GrantError::RemoteAccessNeedsOwner);
    house.grant_project(project, ana, &[ProjectAct::Own]);
    house.try_grant(&ana.caller, layer, robot, &remote).unwrap();
    house.try_grant(&ana.caller, layer, team, &remote).unwrap();
    let special: [PrincipalId; 4] = [
        ana.into(),
        GroupId::EVERYONE.into(),
        GroupId::AUTHENTICATED.into(),
        UserId::ANONYMOUS.into(),
    ];
    for principal in special {
        let granted = house.try_grant(&ana.caller, layer, principal, &remote);
        assert_eq!(error(granted), GrantError::NotAServerAccount);
    }
    assert_eq!(
        house.may_on(&robot.caller, layer, Permission::View),
        Decision::All
    );
    // R88: the same right gives ana, in an ordinary session, nothing.
    let ordinary = house.may_on(&ana.caller, layer, Permission::RemoteAccess);
    assert_eq!(ordinary, Decision::Denied(DenyReason::NoGrant));
}

#[test]
fn the_option_alone_grants_nothing() {
    // R53.
    let house = House::new();
    let (_, layer, ana) = town(&house);
    let option = Amendment {
        own_only: Some(true),
        ..amendment(ana, &[], &[])
    };
    house.amend(&house.administrator, layer, option).unwrap();
    let modify = house.may_on(&ana.caller, layer, Permission::ModifyElements);
    assert_eq!(modify, Decision::Denied(DenyReason::NoGrant));
}

#[test]
fn a_grant_to_own_elements_names_the_creator() {
    // R51, R52, R56, R59.
    let house = House::new();
    let (project, layer, ana) = town(&house);
    let edits = [Permission::AddElements, Permission::ModifyElements];
    let own = Amendment {
        own_only: Some(true),
        ..amendment(ana, &edits, &[])
    };
    house.amend(&house.administrator, layer, own).unwrap();
    let may = |permission| house.may_on(&ana.caller, layer, permission);
    assert_eq!(may(Permission::AddElements), Decision::All);
    assert_eq!(
        may(Permission::ModifyAttributes),
        Decision::Own {
            creator: ana.id.into()
        }
    );
    let team = house.group("team", &[ana]);
    house.grant_project(project, team, &[ProjectAct::Open]);
    house.grant(layer, team, &[Permission::ModifyAttributes]);
    assert_eq!(may(Permission::ModifyAttributes), Decision::All);
    assert_eq!(
        may(Permission::ModifyElements),
        Decision::Own {
            creator: ana.id.into()
        }
    );
}

#[test]
fn an_empty_row_is_not_kept() {
    let house = House::new();
    let (_, layer, ana) = town(&house);
    house.grant(layer, ana, &[Permission::CopyExport]);
    house.revoke(layer, ana, &[Permission::CopyExport]);
    let table = house
        .authority
        .layer_table(&house.administrator, layer)
        .unwrap();
    assert!(table.rows.iter().all(|row| row.row.principal != ana.into()));
    assert!(
        table
            .rows
            .iter()
            .all(|row| row.row.grant.permissions != PermissionSet::EMPTY)
    );
}

#[test]
fn a_row_of_a_user_who_cannot_view_is_marked() {
    // R40.
    let house = House::new();
    let (_, layer, ana) = town(&house);
    house.grant(layer, ana, &[Permission::CopyExport]);
    let row = |principal: PrincipalId| {
        let table = house.authority.layer_table(&house.administrator, layer);
        let mut rows = table.unwrap().rows.into_iter();
        rows.find(|row| row.row.principal == principal).unwrap()
    };
    assert_eq!(row(ana.into()).ineffective, None);
    house.revoke(layer, GroupId::EVERYONE, &[Permission::View]);
    assert_eq!(row(ana.into()).ineffective, Some(Ineffective::CannotView));
}
