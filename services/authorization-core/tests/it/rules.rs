//! Properties of the rules over random small worlds.

use authorization_core::{
    model::{LayerGrant, ProjectRights},
    rules::effective_permissions,
};
use jmap_domain::{
    Decision, DenyReason, EffectivePermissions, GlobalPermission, LayerAct, Permission, ProjectAct,
    Question,
};
use proptest::prelude::*;

use crate::world::{
    ANA, SUBJECTS, TEAM, Who, World, decide, facts, grants, layer_id, questions, rank, worlds,
};

/// Whether nothing that anybody could do in `less` is lost in `more`.
fn never_less(less: &World, more: &World) -> Result<(), TestCaseError> {
    let (before, after) = (less.snapshot(), more.snapshot());
    for who in SUBJECTS {
        for question in questions() {
            let (before, after) = (
                decide(&before, who, question),
                decide(&after, who, question),
            );
            prop_assert!(
                rank(before) <= rank(after),
                "{who:?} {question:?}: {before:?} {after:?}"
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// R2-R6, R12, R15, R17, R18, R20-R22, R27, R31-R37, R40, R46, R51-R56, R59, R67-R70, R80, R86-R88.
    #[test]
    fn decisions_are_those_of_the_rules_page(world in worlds()) {
        let snapshot = world.snapshot();
        for who in SUBJECTS {
            for question in questions() {
                let decided = decide(&snapshot, who, question);
                prop_assert_eq!(decided, world.expected(who, question), "{:?} {:?}", who, question);
            }
        }
    }

    /// R6, R56: there are no deny entries.
    #[test]
    fn a_further_layer_grant_takes_nothing_away(world in worlds(), row in 0..7_usize, extra in grants()) {
        let mut more = world.clone();
        if let Some((_, grant)) = more.layer.get_mut(row) {
            grant.permissions = grant.permissions.union(extra.permissions);
        } else if more.layer.iter().all(|(principal, _)| *principal != TEAM) {
            more.layer.push((TEAM, extra));
        }
        never_less(&world, &more)?;
    }

    /// R6.
    #[test]
    fn a_further_project_grant_takes_nothing_away(world in worlds(), row in 0..4_usize, bits in 1..16_u8) {
        let mut more = world.clone();
        let extra = ProjectRights::from_bits(bits).unwrap();
        if let Some((_, rights)) = more.project.get_mut(row) {
            *rights = rights.union(extra);
        }
        never_less(&world, &more)?;
    }

    /// R5, R6.
    #[test]
    fn a_further_membership_takes_nothing_away(world in worlds()) {
        let mut more = world.clone();
        if !more.members.contains(&(TEAM, ANA)) {
            more.members.push((TEAM, ANA));
        }
        never_less(&world, &more)?;
    }

    /// R6.
    #[test]
    fn the_order_of_grants_does_not_matter(world in worlds()) {
        let mut turned = world.clone();
        turned.layer.reverse();
        turned.project.reverse();
        turned.members.reverse();
        turned.globals.reverse();
        prop_assert_eq!(world.snapshot(), turned.snapshot());
    }

    /// R51, R53.
    #[test]
    fn the_option_never_widens(world in worlds(), row in 0..4_usize) {
        let mut narrowed = world.clone();
        if let Some((_, grant)) = narrowed.layer.get_mut(row) {
            grant.own_only = true;
        }
        never_less(&narrowed, &world)?;
    }

    /// R31, R32.
    #[test]
    fn disabled_editing_beats_every_editing_grant_and_nothing_else(world in worlds()) {
        let enabled = World { editing: true, personal_of: None, ..world };
        let disabled = World { editing: false, ..enabled.clone() };
        let (on, off) = (enabled.snapshot(), disabled.snapshot());
        for who in SUBJECTS {
            for permission in Permission::ALL {
                let question = Question::Layer(layer_id(), LayerAct::Elements(permission));
                let (on, off) = (decide(&on, who, question), decide(&off, who, question));
                if permission.needs_editing() {
                    prop_assert_eq!(rank(off), 0);
                } else {
                    prop_assert_eq!(on, off);
                }
            }
        }
    }

    /// R43, R44.
    #[test]
    fn flags_are_the_decisions(world in worlds()) {
        let snapshot = world.snapshot();
        for who in SUBJECTS {
            let flags = effective_permissions(&snapshot, &facts(&snapshot, who), layer_id());
            prop_assert!(flags.all.intersection(flags.own).is_empty());
            for permission in Permission::ALL {
                let question = Question::Layer(layer_id(), LayerAct::Elements(permission));
                let expected = match world.expected(who, question) {
                    Decision::All => (true, false),
                    Decision::Own { creator: _ } => (false, true),
                    Decision::Denied(_) => (false, false),
                };
                let EffectivePermissions { all, own } = flags;
                prop_assert_eq!((all.contains(permission), own.contains(permission)), expected);
            }
        }
    }

    /// R15, R17, R18: offices without grants give no element, value or flag.
    #[test]
    fn administration_gives_no_element_data(world in worlds()) {
        let world = World { layer: vec![], personal_of: None, ..world };
        let snapshot = world.snapshot();
        for who in SUBJECTS {
            for permission in Permission::ALL {
                let question = Question::Layer(layer_id(), LayerAct::Elements(permission));
                prop_assert_eq!(rank(decide(&snapshot, who, question)), 0);
            }
        }
    }
}

#[test]
fn an_empty_world_gives_nobody_anything() {
    // R6, R12, R40.
    let world = World {
        members: vec![],
        globals: vec![],
        project: vec![],
        layer: vec![],
        editing: true,
        personal_of: None,
        pending: false,
        ana_enabled: true,
    };
    let snapshot = world.snapshot();
    for who in SUBJECTS {
        for question in questions() {
            let hidden = match question {
                Question::Global(_) => DenyReason::NoGrant,
                Question::Layer(_, _) | Question::Project(_, _) | Question::Connection(_, _) => {
                    DenyReason::NotVisible
                }
            };
            assert_eq!(
                decide(&snapshot, who, question),
                Decision::Denied(hidden),
                "{who:?}"
            );
        }
    }
}

#[test]
fn a_layer_that_is_not_there_is_answered_as_one_that_is_not_visible() {
    // R40.
    let view = Question::Layer(layer_id(), LayerAct::Elements(Permission::View));
    let mut world = World {
        members: vec![],
        globals: vec![(
            ANA,
            [GlobalPermission::SuperAdministrator].into_iter().collect(),
        )],
        project: vec![(ANA, ProjectRights::of(ProjectAct::Open))],
        layer: vec![],
        editing: true,
        personal_of: None,
        pending: false,
        ana_enabled: true,
    };
    let invisible = decide(&world.snapshot(), Who::Ordinary(ANA), view);
    world.pending = true;
    let pending = decide(&world.snapshot(), Who::Ordinary(ANA), view);
    assert_eq!(invisible, Decision::Denied(DenyReason::NotVisible));
    assert_eq!(pending, invisible);
}

#[test]
fn deleting_is_implied_by_nothing_and_implies_nothing() {
    // R33-R35, R37.
    for permission in Permission::ALL {
        let only = LayerGrant {
            permissions: [permission].into_iter().collect(),
            own_only: false,
        };
        assert_eq!(
            only.gives(Permission::DeleteElements),
            permission == Permission::DeleteElements
        );
        let implied = Permission::ALL
            .into_iter()
            .filter(|other| only.gives(*other));
        let mut expected = vec![permission];
        if permission == Permission::ModifyElements {
            expected.push(Permission::ModifyAttributes);
        }
        assert_eq!(implied.collect::<Vec<_>>(), expected);
    }
}
