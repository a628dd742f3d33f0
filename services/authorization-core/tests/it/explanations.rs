//! Explanations agree with decisions, and say which path gave what (R45).

use authorization_core::{
    Path,
    explain::{Ineffective, NeedKind, explain},
    model::{LayerGrant, ProjectRights},
};
use jmap_domain::{GroupId, LayerAct, Permission, PermissionSet, ProjectAct, Question};
use proptest::prelude::*;

use crate::world::{
    ANA, SUBJECTS, TEAM, Who, World, layer_id, project_id, questions, rank, standing, worlds,
};

proptest! {
    /// R45.
    #[test]
    fn a_right_is_given_exactly_when_no_need_is_missing(world in worlds()) {
        let snapshot = world.snapshot();
        for who in SUBJECTS {
            for question in questions() {
                let explanation = explain(&snapshot, standing(who), question);
                let missing: Vec<_> = explanation.missing().collect();
                prop_assert_eq!(explanation.decision, world.expected(who, question));
                prop_assert_eq!(rank(explanation.decision) > 0, missing.is_empty(),
                    "{:?} {:?}: {:?}", who, question, explanation);
            }
        }
    }
}

proptest! {
    /// R22, R31, R40, R45, R55, R86, R88: a grant is told to be effective exactly when the rules go by one.
    #[test]
    fn a_right_on_elements_is_given_exactly_when_a_grant_of_it_is_effective(world in worlds()) {
        let snapshot = world.snapshot();
        for (who, permission) in SUBJECTS.into_iter().flat_map(|who| Permission::ALL.map(|p| (who, p))) {
            let question = Question::Layer(layer_id(), LayerAct::Elements(permission));
            let explanation = explain(&snapshot, standing(who), question);
            let about = explanation.needs.iter().filter(|need| need.kind == NeedKind::Permission(permission));
            let effective = about.flat_map(|need| &need.grants).any(|grant| grant.ineffective.is_none());
            let given = rank(world.expected(who, question)) > 0;
            prop_assert_eq!(effective, given, "{:?} {}: {:?}", who, permission, explanation);
        }
    }
}

fn world(editing: bool) -> World {
    let permissions = PermissionSet::of(Permission::View).with(Permission::ModifyElements);
    World {
        members: vec![(TEAM, ANA)],
        globals: vec![],
        project: vec![(4, ProjectRights::of(ProjectAct::Open))],
        layer: vec![(
            TEAM,
            LayerGrant {
                permissions,
                own_only: true,
            },
        )],
        editing,
        personal_of: None,
        pending: false,
        ana_enabled: true,
    }
}

fn modify() -> Question {
    Question::Layer(layer_id(), LayerAct::Elements(Permission::ModifyElements))
}

#[test]
fn an_explanation_names_the_paths() {
    // R45.
    let snapshot = world(true).snapshot();
    let explanation = explain(&snapshot, standing(Who::Ordinary(ANA)), modify());
    let grants = |kind: NeedKind| {
        let need = explanation
            .needs
            .iter()
            .find(|need| need.kind == kind)
            .unwrap();
        need.grants
            .iter()
            .map(|grant| (grant.path, grant.own_only))
            .collect::<Vec<_>>()
    };
    let team = Path::Group(GroupId::new(TEAM).unwrap());
    let open = NeedKind::Project(project_id(), ProjectAct::Open);
    assert_eq!(grants(open), [(Path::Authenticated, false)]);
    assert_eq!(
        grants(NeedKind::Permission(Permission::View)),
        [(team, false)]
    );
    assert_eq!(
        grants(NeedKind::Permission(Permission::ModifyElements)),
        [(team, true)]
    );
}

#[test]
fn an_explanation_names_what_is_missing_and_what_sleeps() {
    // R31, R45.
    let snapshot = world(false).snapshot();
    let explanation = explain(&snapshot, standing(Who::Ordinary(ANA)), modify());
    assert_eq!(
        explanation.missing().collect::<Vec<_>>(),
        [NeedKind::Editing]
    );
    let kind = NeedKind::Permission(Permission::ModifyElements);
    let need = explanation
        .needs
        .iter()
        .find(|need| need.kind == kind)
        .unwrap();
    assert_eq!(
        need.grants[0].ineffective,
        Some(Ineffective::EditingDisabled)
    );
}
