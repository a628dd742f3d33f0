//! Who may be granted permissions on a layer (R28): those and no others, searched, page by page.

use authorization_core::{
    Refusal, Resource,
    layer_permissions::{Candidate, CandidatePlace, CandidatesWanted, Search},
    model::Editing,
};
use jmap_domain::{Caller, GroupId, LayerId, Permission, PrincipalId, ProjectAct, UserId};

use crate::house::{House, set};

fn wanted(layer: LayerId, search: &str) -> CandidatesWanted {
    CandidatesWanted {
        layer,
        search: Search::of(search),
        after: None,
        limit: 100,
    }
}

fn found(house: &House, wanted: &CandidatesWanted) -> Vec<Candidate> {
    house
        .authority
        .grant_candidates(&house.administrator, wanted)
        .unwrap()
}

fn principals(candidates: &[Candidate]) -> Vec<PrincipalId> {
    candidates.iter().map(|one| one.principal).collect()
}

#[test]
fn candidates_are_those_who_may_open_the_project_and_no_others() {
    // R28.
    let house = House::new();
    let project = house.project("town");
    let layer = house.layer(project, "roads");
    let (ana, ben, _) = (house.user("ana"), house.user("ben"), house.user("cid"));
    let team = house.group("team", &[ben]);
    house.grant_project(project, ana, &[ProjectAct::Open]);
    house.grant_project(project, team, &[ProjectAct::Open]);
    // `everyone` on a layer is whoever can open the project (R4); the administrator made the project.
    let administrator: PrincipalId = UserId::ADMINISTRATOR.into();
    let expected = [
        GroupId::EVERYONE.into(),
        team.into(),
        administrator,
        ana.into(),
        ben.into(),
    ];
    assert_eq!(principals(&found(&house, &wanted(layer, ""))), expected);

    house.grant_project(project, GroupId::AUTHENTICATED, &[ProjectAct::Open]);
    let all = principals(&found(&house, &wanted(layer, "")));
    assert!(all.contains(&GroupId::AUTHENTICATED.into()));
    assert!(!all.contains(&UserId::ANONYMOUS.into()));
    assert_eq!(all.len(), expected.len() + 2);
}

#[test]
fn every_candidate_can_be_granted_what_the_list_says_and_nothing_else() {
    // R28, R31, R41, R100.
    let house = House::new();
    let project = house.project("town");
    let layer = house.layer(project, "roads");
    let ana = house.user("ana");
    let robot = house.server("robot");
    house.grant_project(project, ana, &[ProjectAct::Open, ProjectAct::Administrate]);
    house.grant_project(project, robot, &[ProjectAct::Open]);
    house.grant(layer, robot, &[Permission::CopyExport]);
    for editing in [Editing::Enabled, Editing::Disabled] {
        house.set_editing(layer, editing);
        for giver in [house.administrator, ana.caller] {
            let list = house.authority.grant_candidates(&giver, &wanted(layer, ""));
            for candidate in list.unwrap() {
                let held = candidate.held.permissions;
                // What is there already is no grant.
                for permission in Permission::ALL.into_iter().filter(|p| !held.contains(*p)) {
                    let granted =
                        house.try_grant(&giver, layer, candidate.principal, &[permission]);
                    let said = candidate.grantable.contains(permission);
                    assert_eq!(
                        said,
                        granted.is_ok(),
                        "{candidate:?} {permission} {editing:?}"
                    );
                    if said {
                        house.revoke(layer, candidate.principal, &[permission]);
                    }
                }
            }
        }
    }
    let all = found(&house, &wanted(layer, "robot"));
    assert_eq!(all[0].held.permissions, set(&[Permission::CopyExport]));
}

#[test]
fn whoever_is_no_candidate_is_refused_every_grant() {
    // R28.
    let house = House::new();
    let project = house.project("town");
    let layer = house.layer(project, "roads");
    let (ana, ben) = (house.user("ana"), house.user("ben"));
    let team = house.group("team", &[ana]);
    house.grant_project(project, ana, &[ProjectAct::Open]);
    let listed = principals(&found(&house, &wanted(layer, "")));
    let all: [PrincipalId; 7] = [
        UserId::ADMINISTRATOR.into(),
        UserId::ANONYMOUS.into(),
        GroupId::EVERYONE.into(),
        GroupId::AUTHENTICATED.into(),
        ana.into(),
        ben.into(),
        team.into(),
    ];
    let refused = all.into_iter().filter(|id| !listed.contains(id));
    let refused: Vec<_> = refused.collect();
    assert_eq!(refused.len(), 4);
    for principal in refused {
        for permission in Permission::ALL {
            let granted = house.try_grant(&house.administrator, layer, principal, &[permission]);
            assert!(granted.is_err(), "{principal} {permission}");
        }
    }
}

#[test]
fn candidates_are_found_by_names_and_display_names_whatever_their_case() {
    // R26, R28.
    let house = House::new();
    let project = house.project("town");
    let layer = house.layer(project, "roads");
    house.grant_project(project, GroupId::AUTHENTICATED, &[ProjectAct::Open]);
    let (anna, _) = (house.user("Éanna"), house.user("ben"));
    let named = |text: &str| principals(&found(&house, &wanted(layer, text)));
    assert_eq!(named(" éANN"), [anna.into()]);
    assert_eq!(named("nobody"), []);
}

#[test]
fn pages_of_candidates_cover_them_once() {
    // R28.
    let house = House::new();
    let project = house.project("town");
    let layer = house.layer(project, "roads");
    for opener in [None, Some(GroupId::AUTHENTICATED)] {
        for index in 0..4 {
            let name = format!("user {index} {}", opener.is_some());
            let user = house.user(&name);
            house.grant_project(project, user, &[ProjectAct::Open]);
            house.group(&format!("group of {name}"), &[]);
        }
        if let Some(group) = opener {
            house.grant_project(project, group, &[ProjectAct::Open]);
        }
        let all = found(&house, &wanted(layer, ""));
        let (mut seen, mut after): (Vec<Candidate>, Option<CandidatePlace>) = (Vec::new(), None);
        loop {
            let page = CandidatesWanted {
                after,
                limit: 3,
                ..wanted(layer, "")
            };
            let page = found(&house, &page);
            let Some(last) = page.last() else { break };
            after = Some(last.place.clone());
            seen.extend(page);
        }
        assert_eq!(seen, all);
        assert!(all.windows(2).all(|pair| pair[0].place < pair[1].place));
    }
}

#[test]
fn candidates_are_listed_to_those_who_grant_and_to_nobody_else() {
    // R40, R41.
    let house = House::new();
    let project = house.project("town");
    let layer = house.layer(project, "roads");
    let ana = house.user("ana");
    let list = |caller: &Caller| {
        let list = house.authority.grant_candidates(caller, &wanted(layer, ""));
        list.map(|list| list.len())
    };
    let absent = Refusal::NotFound(Resource::Layer(layer));
    assert_eq!(list(&ana.caller), Err(absent));
    assert_eq!(list(&Caller::Anonymous), Err(absent));
    assert_eq!(list(&house.layer_data), Err(absent));
    house.grant_project(project, ana, &[ProjectAct::Open, ProjectAct::Access]);
    assert_eq!(
        list(&ana.caller),
        Err(Refusal::Forbidden(Resource::Layer(layer)))
    );
    house.grant_project(project, ana, &[ProjectAct::Administrate]);
    assert_eq!(list(&ana.caller), Ok(2));
}
