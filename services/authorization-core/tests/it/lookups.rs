//! Lookups and reports: exactly what the rules decide one by one, and nothing that the asker may not know.

use authorization_core::{
    Answer, Asking, CheckError, Facts, Path, Refusal, Resource, Standing,
    explain::Ineffective,
    lookup::{
        Audience, FoundLayer, FoundSubject, Held, Inquiry, InquiryError, LayerPlace, LayersWanted,
        On, Portion, ReportPlace, Reported, allowed_subjects, holdings, usable_layers,
    },
    registry::{ReserveLayer, Site},
};
use futures::executor::block_on;
use jmap_domain::{
    Caller, Decision, GlobalPermission, GroupId, LayerAct, LayerId, Permission, PrincipalId,
    ProjectAct, ProjectId, Question, Subject, UserId,
};
use proptest::prelude::*;

use crate::{
    house::{House, Person, request},
    world::{ANA, ANONYMOUS, BEN, SUBJECTS, Who, decide, facts, id, questions, worlds},
};

const ALL_ACTS: [LayerAct; 3] = [
    LayerAct::ReadConfiguration,
    LayerAct::ChangeStructure,
    LayerAct::Delete,
];

const fn all<K>() -> Portion<K> {
    Portion {
        after: None,
        limit: usize::MAX,
    }
}

const fn view(project: Option<ProjectId>) -> LayersWanted {
    LayersWanted {
        act: LayerAct::Elements(Permission::View),
        project,
    }
}

fn allowed(decision: Decision) -> bool {
    !matches!(decision, Decision::Denied(_))
}

proptest! {
    /// R20, R31, R40, R46, R51, R68, R71, R86: a lookup of layers is the rules over all layers.
    #[test]
    fn a_layer_is_found_exactly_when_the_rules_allow_the_act(world in worlds()) {
        let snapshot = world.snapshot();
        let acts = ALL_ACTS.into_iter().chain(Permission::ALL.map(LayerAct::Elements));
        for (who, act) in SUBJECTS.into_iter().flat_map(|who| acts.clone().map(move |act| (who, act))) {
            let subject = facts(&snapshot, who);
            let wanted = LayersWanted { act, project: None };
            let found = usable_layers(&snapshot, &subject, wanted, all());
            let decision = world.expected(who, Question::Layer(crate::world::layer_id(), act));
            let decisions: Vec<_> = found.iter().map(|one| one.decision).collect();
            let expected = if allowed(decision) { vec![decision] } else { vec![] };
            prop_assert_eq!(decisions, expected, "{:?} {:?}", who, act);
        }
    }

    /// R6, R12, R15, R17, R20: a lookup of subjects is the rules over all accounts.
    #[test]
    fn an_account_is_found_exactly_when_the_rules_allow_it(world in worlds()) {
        let snapshot = world.snapshot();
        for question in questions() {
            let found = allowed_subjects(&snapshot, question, all());
            let ids: Vec<i64> = found.iter().map(|one| one.user.id.get()).collect();
            let may = |who: &i64| {
                let who = if *who == ANONYMOUS { Who::Nobody } else { Who::Ordinary(*who) };
                allowed(decide(&snapshot, who, question))
            };
            let naive: Vec<i64> = [ANONYMOUS, ANA, BEN].into_iter().filter(may).collect();
            prop_assert_eq!(ids, naive, "{:?}", question);
        }
    }

    /// R19, R22, R31, R40, R55: what a report says to be effective is what the rules allow.
    #[test]
    fn an_effective_entry_of_a_report_is_a_right_and_every_right_has_one(world in worlds()) {
        let snapshot = world.snapshot();
        let audience = Audience { told: |_| true, within: None };
        let report = holdings(&snapshot, id(ANA), all(), audience);
        let here = report.iter().filter(|one| one.place == ReportPlace::Layer(crate::world::layer_id()));
        let held: Vec<_> = here.flat_map(|one| &one.holdings).map(|one| &one.held).collect();
        // *Remote access* is a server's right, and a report is about the account as it signs in.
        for permission in Permission::ALL.into_iter().filter(|p| *p != Permission::RemoteAccess) {
            let gives = |held: &&Held| match held {
                Held::Owned(_, ineffective) => ineffective.iter().all(|(p, _)| *p != permission),
                Held::Layer(_, grant, ineffective) => grant.permissions.iter().any(|one| {
                    permission.given_by().contains(one) && ineffective.iter().all(|(p, _)| *p != one)
                }),
                Held::Globals(_) | Held::Project(_, _) => false,
            };
            let question = Question::Layer(crate::world::layer_id(), LayerAct::Elements(permission));
            let decision = world.expected(Who::Ordinary(ANA), question);
            let effective = held.iter().copied().any(|held| gives(&held));
            prop_assert_eq!(effective, allowed(decision), "{} {:?}", permission, report);
        }
    }
}

fn about(caller: &Caller, subject: Option<UserId>) -> Inquiry<'_> {
    Inquiry {
        asking: Asking {
            caller,
            subject: subject.map(Subject::User),
            at_least: None,
        },
        on: On::Supposing(&[]),
    }
}

fn layers(answer: Result<Answer<Vec<FoundLayer>>, InquiryError>) -> Vec<LayerId> {
    let found = answer.unwrap().value;
    found.iter().map(|one| one.layer.id).collect()
}

/// Two projects with two layers each; ana opens both and administers nothing, ben administers the first.
struct Towns {
    house: House,
    ana: Person,
    ben: Person,
    projects: [ProjectId; 2],
    layers: [LayerId; 4],
}

fn towns() -> Towns {
    let house = House::new();
    let (ana, ben) = (house.user("ana"), house.user("ben"));
    let projects = ["east", "west"].map(|name| house.project(name));
    for project in projects {
        house.grant_project(project, ana, &[ProjectAct::Open]);
    }
    house.grant_project(projects[0], ben, &[ProjectAct::Administrate]);
    let [east, west] = projects;
    // Made in turns, so that ids and projects are not in the same order.
    let made = [(east, "a"), (west, "b"), (east, "c"), (west, "d")];
    let [a, b, c, d] = made.map(|(project, name)| house.layer(project, name));
    Towns {
        house,
        ana,
        ben,
        projects,
        layers: [a, c, b, d],
    }
}

#[test]
fn layers_are_found_project_by_project_and_pages_cover_them_once() {
    // R23, R40.
    let Towns {
        house,
        ana,
        projects,
        layers: expected,
        ..
    } = towns();
    let inquiry = about(&ana.caller, None);
    let authority = &house.authority;
    let found = |wanted, portion| authority.lookup_layers(inquiry, wanted, portion);
    assert_eq!(layers(found(view(None), all())), expected);
    assert_eq!(layers(found(view(Some(projects[1])), all())), expected[2..]);
    let (mut seen, mut after) = (Vec::new(), None);
    while let Some(one) = found(view(None), Portion { after, limit: 1 })
        .unwrap()
        .value
        .pop()
    {
        after = Some(LayerPlace::of(&one.layer));
        seen.push(one.layer.id);
    }
    assert_eq!(seen, expected);
    let stranger = house.user("cid");
    let refused = authority
        .lookup_layers(
            about(&stranger.caller, None),
            view(Some(projects[0])),
            all(),
        )
        .unwrap_err();
    assert_eq!(
        refused,
        Refusal::NotFound(Resource::Project(projects[0])).into()
    );
}

#[test]
fn about_others_one_is_told_of_what_one_administers_alone() {
    // R41, R46.
    let Towns {
        house,
        ana,
        ben,
        projects,
        layers: expected,
    } = towns();
    let found = |caller, project| {
        let inquiry = about(caller, Some(ana.id));
        house.authority.lookup_layers(inquiry, view(project), all())
    };
    assert_eq!(layers(found(&house.administrator, None)), expected);
    assert_eq!(layers(found(&ben.caller, None)), expected[..2]);
    let hidden = found(&ben.caller, Some(projects[1])).unwrap_err();
    assert_eq!(
        hidden,
        Refusal::NotFound(Resource::Project(projects[1])).into()
    );
    house.grant_project(projects[1], ben, &[ProjectAct::Open]);
    let known = found(&ben.caller, Some(projects[1])).unwrap_err();
    assert_eq!(
        known,
        Refusal::Forbidden(Resource::Project(projects[1])).into()
    );
    let nobody = found(&house.user("cid").caller, None).unwrap_err();
    assert_eq!(nobody, Refusal::Forbidden(Resource::Installation).into());
    let unknown = about(&ben.caller, Some(UserId::new(999).unwrap()));
    let unknown = house.authority.lookup_layers(unknown, view(None), all());
    let absent = Refusal::NotFound(Resource::User(UserId::new(999).unwrap()));
    assert_eq!(unknown.unwrap_err(), absent.into());
}

/// A personal layer of somebody's.
fn personal_layer(house: &House, owner: &Person) -> LayerId {
    let permission = [GlobalPermission::CreatePersonalLayers];
    house.set_globals(*owner, &permission).unwrap();
    let reserve = ReserveLayer {
        site: Site::Personal,
        ..request(ProjectId::new(1).unwrap(), "mine", 7)
    };
    let on_behalf = || house.on_behalf(&owner.caller);
    let made = block_on(house.authority.reserve_layer(on_behalf(), reserve)).unwrap();
    let layer = made.value.id;
    block_on(house.authority.activate_layer(on_behalf(), layer)).unwrap();
    layer
}

#[test]
fn nobody_looks_up_by_the_session_of_another() {
    // R117.
    let Towns {
        house,
        ana,
        ben,
        layers: expected,
        ..
    } = towns();
    let Caller::Session(session) = ana.caller else {
        panic!("ana has a session")
    };
    let found = |caller: &Caller| {
        let asking = Asking {
            caller,
            subject: Some(Subject::Session(session.session)),
            at_least: None,
        };
        let inquiry = Inquiry {
            asking,
            on: On::Supposing(&[]),
        };
        house.authority.lookup_layers(inquiry, view(None), all())
    };
    assert_eq!(layers(found(&ana.caller)), expected);
    let forbidden = Refusal::Forbidden(Resource::Installation);
    for other in [ben.caller, house.administrator, house.layer_data] {
        assert_eq!(found(&other).unwrap_err(), forbidden.into());
    }
}

#[test]
fn personal_layers_come_first_and_are_told_to_owners_and_those_who_administer_them() {
    // R69, R71, R80.
    let Towns {
        house, ana, ben, ..
    } = towns();
    let own = personal_layer(&house, &ana);
    let found = |caller, subject| {
        let inquiry = about(caller, subject);
        layers(house.authority.lookup_layers(inquiry, view(None), all()))
    };
    assert_eq!(found(&ana.caller, None)[0], own);
    assert!(!found(&ben.caller, Some(ana.id)).contains(&own));
    let oversees = [GlobalPermission::AdministerPersonalLayers];
    house.set_globals(ben, &oversees).unwrap();
    assert_eq!(found(&ben.caller, Some(ana.id))[0], own);
    // R46: that is no element data of ana's.
    assert!(!found(&ben.caller, None).contains(&own));
    // Without a project of her own to administer as well.
    let cid = house.user("cid");
    house.set_globals(cid, &oversees).unwrap();
    assert_eq!(found(&cid.caller, Some(ana.id)), [own]);
    let question = Question::Layer(own, LayerAct::Elements(Permission::View));
    let who = |caller| {
        let inquiry = about(caller, None);
        house.authority.lookup_subjects(inquiry, question, all())
    };
    let those = who(&cid.caller).unwrap().value;
    assert!(matches!(those.as_slice(), [one] if one.user.id == ana.id));
    // R15: an owner would learn who is in the groups that she shares with.
    let refused = Refusal::Forbidden(Resource::Installation);
    assert_eq!(who(&ana.caller).unwrap_err(), refused.into());
}

#[test]
fn who_may_is_told_with_the_paths_to_those_who_administer() {
    // R41, R45, R46.
    let Towns {
        house,
        ana,
        ben,
        layers: ids,
        ..
    } = towns();
    let add = Question::Layer(ids[0], LayerAct::Elements(Permission::AddElements));
    let ask = |caller| {
        let inquiry = about(caller, None);
        house.authority.lookup_subjects(inquiry, add, all())
    };
    let names = |found: &[FoundSubject]| {
        let names = found.iter().map(|one| one.user.name.to_string());
        names.collect::<Vec<_>>()
    };
    assert_eq!(ask(&ben.caller).unwrap().value, []);
    let team = house.group("team", &[ana, ben]);
    house.grant_project(
        house
            .authority
            .snapshot()
            .layer(ids[0])
            .unwrap()
            .project()
            .unwrap(),
        team,
        &[ProjectAct::Open],
    );
    house.grant(ids[0], team, &[Permission::AddElements]);
    let found = ask(&ben.caller).unwrap().value;
    assert_eq!(names(&found), ["ana", "ben"]);
    let paths: Vec<_> = found[1]
        .explanation
        .needs
        .iter()
        .flat_map(|need| need.grants.iter().map(|grant| grant.path))
        .collect();
    assert_eq!(
        paths,
        [Path::Group(team), Path::Everyone, Path::Group(team)]
    );
    let refused = ask(&ana.caller).unwrap_err();
    assert_eq!(refused, Refusal::Forbidden(Resource::Layer(ids[0])).into());
    let hidden = ask(&house.user("cid").caller).unwrap_err();
    assert_eq!(hidden, Refusal::NotFound(Resource::Layer(ids[0])).into());
}

#[test]
fn server_accounts_are_found_by_their_server_sessions() {
    // R86, R88, R100.
    let Towns {
        house,
        projects,
        layers: ids,
        ..
    } = towns();
    let robot = house.server("robot");
    house.grant_project(projects[0], robot, &[ProjectAct::Open]);
    let view = Question::Layer(ids[0], LayerAct::Elements(Permission::View));
    let found = || {
        let inquiry = about(&house.administrator, None);
        let found = house
            .authority
            .lookup_subjects(inquiry, view, all())
            .unwrap();
        found.value.iter().any(|one| one.user.id == robot.id)
    };
    assert!(!found());
    house.grant(ids[0], robot, &[Permission::RemoteAccess]);
    assert!(found());
}

fn report(
    house: &House,
    caller: &Caller,
    about_whom: impl Into<PrincipalId>,
) -> Result<Vec<Reported>, InquiryError> {
    let inquiry = about(caller, None);
    let answer = house.authority.report(inquiry, about_whom.into(), all())?;
    Ok(answer.value)
}

#[test]
fn a_report_lists_each_holding_by_its_path_and_what_sleeps() {
    // R4, R9, R19, R22.
    let Towns {
        house,
        ana,
        projects,
        layers: ids,
        ..
    } = towns();
    let team = house.group("team", &[ana]);
    house.grant_project(projects[0], team, &[ProjectAct::Access]);
    house.grant(ids[0], ana, &[Permission::CopyExport]);
    house.grant(ids[2], ana, &[Permission::AddElements]);
    house
        .set_globals(team, &[GlobalPermission::CreateProjects])
        .unwrap();
    house.grant_project(projects[1], ana, &[]);
    let all = report(&house, &house.administrator, ana).unwrap();
    let places: Vec<_> = all.iter().map(|one| one.place).collect();
    // The last layer is everyone's, and everyone is not ana once she cannot open its project.
    let expected = [
        ReportPlace::Globals,
        ReportPlace::Project(projects[0]),
        ReportPlace::Layer(ids[0]),
        ReportPlace::Layer(ids[2]),
        ReportPlace::Layer(ids[1]),
    ];
    assert_eq!(places, expected);
    let paths = |index: usize| {
        let holdings = all[index].holdings.iter();
        holdings.map(|one| one.path).collect::<Vec<_>>()
    };
    assert_eq!(paths(0), [Path::Group(team)]);
    assert_eq!(paths(1), [Path::Direct, Path::Group(team)]);
    assert_eq!(paths(2), [Path::Direct, Path::Everyone]);
    let Held::Layer(_, _, ineffective) = &all[3].holdings[0].held else {
        panic!("a layer")
    };
    assert_eq!(
        *ineffective,
        [(Permission::AddElements, Ineffective::CannotOpen)]
    );
}

#[test]
fn a_report_tells_the_asker_of_nothing_that_it_may_not_know() {
    // R19, R40, R46.
    let Towns {
        house,
        ana,
        ben,
        projects,
        layers: ids,
    } = towns();
    house.grant(ids[2], ana, &[Permission::AddElements]);
    let places = |caller| {
        let report = report(&house, caller, ana).unwrap();
        report.iter().map(|one| one.place).collect::<Vec<_>>()
    };
    let east = [
        ReportPlace::Project(projects[0]),
        ReportPlace::Layer(ids[0]),
        ReportPlace::Layer(ids[1]),
    ];
    assert_eq!(places(&ben.caller), east);
    assert_eq!(places(&ana.caller).len(), 6);
    // Her own grant on a layer that she cannot reach any more: the layer does not exist for her.
    house.grant_project(projects[1], ana, &[]);
    assert_eq!(places(&ana.caller), east);
    assert_eq!(places(&house.administrator).len(), 4);
    let refused = report(&house, &ana.caller, ben).unwrap_err();
    assert_eq!(refused, Refusal::Forbidden(Resource::Installation).into());
    let refused = report(&house, &Caller::Anonymous, ana).unwrap_err();
    assert_eq!(refused, Refusal::NotSignedIn.into());
}

#[test]
fn a_report_about_a_group_counts_the_special_groups_that_contain_it_and_not_its_members() {
    // R5, R19, R28.
    let Towns {
        house,
        ana,
        projects,
        layers: ids,
        ..
    } = towns();
    let team = house.group("team", &[ana]);
    house.grant_project(projects[0], GroupId::AUTHENTICATED, &[ProjectAct::Open]);
    house.grant(ids[0], team, &[Permission::CopyExport]);
    let all = report(&house, &house.administrator, team).unwrap();
    let rows: Vec<_> = all
        .iter()
        .map(|one| {
            (
                one.place,
                one.holdings
                    .iter()
                    .map(|held| held.path)
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (ReportPlace::Project(projects[0]), vec![Path::Authenticated]),
            (
                ReportPlace::Layer(ids[0]),
                vec![Path::Direct, Path::Everyone]
            ),
            (ReportPlace::Layer(ids[1]), vec![Path::Everyone]),
        ]
    );
}

#[test]
fn pages_of_reports_and_subjects_cover_them_once() {
    // R19.
    let Towns {
        house,
        ana,
        layers: ids,
        ..
    } = towns();
    house.grant(ids[3], ana, &[Permission::CopyExport]);
    let inquiry = about(&house.administrator, None);
    let whole = report(&house, &house.administrator, ana).unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let part = Portion { after, limit: 2 };
        let page = house
            .authority
            .report(inquiry, ana.id.into(), part)
            .unwrap();
        let Some(last) = page.value.last() else { break };
        after = Some(last.place);
        seen.extend(page.value);
    }
    assert_eq!(seen, whole);
    let question = Question::Layer(ids[0], LayerAct::Elements(Permission::View));
    let subjects = |portion| {
        let found = house.authority.lookup_subjects(inquiry, question, portion);
        found.unwrap().value
    };
    let first = subjects(Portion {
        after: None,
        limit: 1,
    });
    let second = subjects(Portion {
        after: Some(first[0].user.id),
        limit: 9,
    });
    assert_eq!([first, second].concat(), subjects(all()));
}

#[test]
fn what_a_disabled_account_was_granted_is_reported_and_explained_as_asleep() {
    // R9, R45.
    let Towns {
        house,
        ana,
        layers: ids,
        ..
    } = towns();
    house.disable(ana.id);
    let all = report(&house, &house.administrator, ana).unwrap();
    let Held::Layer(_, _, ineffective) = &all[2].holdings[0].held else {
        panic!("a layer")
    };
    let asleep = [(Permission::View, Ineffective::AccountDisabled)];
    assert_eq!(*ineffective, asleep);
    let asking = about(&house.administrator, Some(ana.id)).asking;
    let view = Question::Layer(ids[0], LayerAct::Elements(Permission::View));
    let explanation = house.authority.explain(asking, view).unwrap().value;
    let grants = explanation.needs.iter().flat_map(|need| &need.grants);
    let reasons: Vec<_> = grants.map(|grant| grant.ineffective).collect();
    assert_eq!(reasons, [Some(Ineffective::AccountDisabled); 2]);
    assert_eq!(explanation.missing().count(), 1);
}

#[test]
fn whoever_is_not_admitted_looks_nothing_up() {
    // R117.
    let Towns { house, ana, .. } = towns();
    house.disable(ana.id);
    let refused = house
        .authority
        .lookup_layers(about(&ana.caller, None), view(None), all())
        .unwrap_err();
    assert_eq!(
        refused,
        InquiryError::Check(CheckError::Refused(Refusal::AccountDisabled))
    );
    let snapshot = house.authority.snapshot();
    let facts = Facts::of(
        &snapshot,
        Standing::of_account(snapshot.user(ana.id).unwrap()),
    );
    assert_eq!(usable_layers(&snapshot, &facts, view(None), all()), []);
}
