//! Reading the audit record: by filters, in parts, and by administrators only (R122).

use std::time::Duration;

use authorization_core::{
    Refusal, Resource,
    audit::{AuditAsked, AuditFilter, AuditKind, AuditPortion, Order, Outcome},
    layer_permissions::{RowEdits, TableEdit},
};
use futures::executor::block_on;
use jmap_domain::{Caller, LayerId, Permission, ProjectAct};

use crate::{
    audit::{now, place, read, records, refused, town, user_of},
    house::{House, amendment},
};

/// One change set that concerns two projects.
fn grant_on_both(house: &House, one: LayerId, other: LayerId) {
    let edit = |layer| TableEdit {
        layer,
        expected: None,
        rows: RowEdits::Amend(vec![amendment(
            jmap_domain::GroupId::EVERYONE,
            &[Permission::AddElements],
            &[],
        )]),
    };
    let edits = vec![edit(one), edit(other)];
    let edited = house
        .authority
        .edit_layer_tables(&house.administrator, edits);
    block_on(edited).unwrap();
}

#[test]
fn filters_select_by_time_caller_thing_kind_and_outcome() {
    // R122.
    let house = House::new();
    let (_, trees) = town(&house);
    let ben = house.user("ben");
    let noon = now(&house);
    house.platform.advance(Duration::from_mins(1));
    house
        .authority
        .note_refusal(user_of(&ben.caller), refused("NOT_PERMITTED", Some(trees)));
    block_on(house.authority.write_notes()).unwrap();
    let count = |filter: AuditFilter| {
        let asked = AuditAsked {
            filter,
            project: None,
        };
        let shown = read(&house.authority, &house.administrator, &asked).unwrap();
        let refusals = shown
            .iter()
            .filter(|one| one.record.entry.kind == AuditKind::Refusal);
        (shown.len(), refusals.count())
    };
    let none = AuditFilter::default;
    let (all, _) = count(none());
    let later = AuditFilter {
        from: Some(noon.after(Duration::from_secs(1))),
        ..none()
    };
    assert_eq!(count(later), (1, 1));
    let earlier = AuditFilter {
        until: Some(noon.after(Duration::from_secs(1))),
        ..none()
    };
    assert_eq!(count(earlier), (all - 1, 0));
    let by_ben = AuditFilter {
        user: Some(ben.id),
        ..none()
    };
    assert_eq!(count(by_ben).1, 1);
    let about = AuditFilter {
        about: Some(Resource::Layer(trees)),
        ..none()
    };
    assert_eq!(count(about.clone()).1, 1);
    assert!(count(about).0 > 1);
    let kinds = [AuditKind::Refusal].into_iter().collect();
    assert_eq!(count(AuditFilter { kinds, ..none() }), (1, 1));
    let outcome = Some(Outcome::Refused);
    assert_eq!(count(AuditFilter { outcome, ..none() }), (1, 1));
}

#[test]
fn parts_cover_the_record_once_in_both_orders() {
    let house = House::new();
    town(&house);
    let all: Vec<i64> = records(&house, &[]).iter().map(|one| one.id).collect();
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let portion = AuditPortion {
                after,
                order,
                limit: 2,
            };
            let asked = AuditAsked::default();
            let part = house
                .authority
                .audit_part(&house.administrator, &asked, portion);
            let part = block_on(part).unwrap();
            assert!(part.records.len() <= 2);
            seen.extend(part.records.iter().map(|one| one.record.id));
            after = Some(part.looked_at);
            if part.is_last {
                break;
            }
        }
        if order == Order::NewestFirst {
            seen.reverse();
        }
        assert_eq!(seen, all, "{order:?}");
    }
}

#[expect(clippy::too_many_lines, reason = "one world, looked at by each reader")]
#[test]
fn administrators_of_a_project_see_what_concerns_it_and_nothing_else() {
    // R122, R18.
    let house = House::new();
    let (town, trees) = town(&house);
    let (other, houses) = place(&house, "Village", "houses");
    let ana = house.user("ana");
    house.grant_project(town, ana.id, &[ProjectAct::Administrate, ProjectAct::Open]);
    // One change set of both projects.
    grant_on_both(&house, trees, houses);
    house
        .authority
        .note_refusal(user_of(&ana.caller), refused("NOT_PERMITTED", Some(trees)));
    house
        .authority
        .note_refusal(user_of(&ana.caller), refused("NOT_PERMITTED", Some(houses)));
    block_on(house.authority.write_notes()).unwrap();
    let asked = AuditAsked {
        project: Some(town),
        ..AuditAsked::default()
    };
    let shown = read(&house.authority, &ana.caller, &asked).unwrap();
    assert!(!shown.is_empty());
    for one in &shown {
        let entry = &one.record.entry;
        assert!(
            entry
                .concerns
                .iter()
                .all(|concern| concern.project == Some(town)),
            "{entry:?}"
        );
        assert!(!format!("{one:?}").contains("houses"), "{one:?}");
        assert!(matches!(entry.kind, AuditKind::Change | AuditKind::Refusal));
    }
    let both = shown.last().unwrap();
    assert_eq!(both.record.entry.kind, AuditKind::Refusal);
    let grants = shown
        .iter()
        .rev()
        .find(|one| one.record.entry.kind == AuditKind::Change);
    assert_eq!(grants.unwrap().changes.len(), 1);
    // By a layer as well, and not of another project, not of nothing in particular.
    let about = |resource| AuditAsked {
        filter: AuditFilter {
            about: Some(resource),
            ..AuditFilter::default()
        },
        project: None,
    };
    assert!(
        !read(
            &house.authority,
            &ana.caller,
            &about(Resource::Layer(trees))
        )
        .unwrap()
        .is_empty()
    );
    for (asked, refusal) in [
        (
            about(Resource::Layer(houses)),
            Refusal::NotFound(Resource::Layer(houses)),
        ),
        (
            about(Resource::Project(other)),
            Refusal::NotFound(Resource::Project(other)),
        ),
        (
            about(Resource::User(ana.id)),
            Refusal::Forbidden(Resource::Installation),
        ),
        (
            AuditAsked::default(),
            Refusal::Forbidden(Resource::Installation),
        ),
    ] {
        assert_eq!(
            read(&house.authority, &ana.caller, &asked).unwrap_err(),
            refusal,
            "{asked:?}"
        );
    }
}

#[test]
fn nobody_else_reads_the_record() {
    // R122.
    let house = House::new();
    let (town, trees) = town(&house);
    let ben = house.user("ben");
    house.grant_project(town, ben.id, &[ProjectAct::Open, ProjectAct::Access]);
    let asked = |project| AuditAsked {
        project,
        ..AuditAsked::default()
    };
    let forbidden = Refusal::Forbidden(Resource::Installation);
    for (who, project, refusal) in [
        (
            ben.caller,
            Some(town),
            Refusal::Forbidden(Resource::Project(town)),
        ),
        (ben.caller, None, forbidden),
        (house.layer_data, None, forbidden),
        (house.layer_data, Some(town), forbidden),
        (Caller::Anonymous, None, Refusal::NotSignedIn),
    ] {
        let error = read(&house.authority, &who, &asked(project)).unwrap_err();
        assert_eq!(error, refusal, "{who:?} {project:?}");
    }
    let about = AuditAsked {
        filter: AuditFilter {
            about: Some(Resource::Layer(trees)),
            ..AuditFilter::default()
        },
        project: None,
    };
    let error = read(&house.authority, &ben.caller, &about).unwrap_err();
    assert_eq!(error, Refusal::Forbidden(Resource::Layer(trees)));
}
