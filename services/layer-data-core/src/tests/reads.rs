//! Reads, and what they ask first.

use std::num::NonZeroU32;

use jmap_domain::{Decision, DenyReason, LayerAct, Permission};

use super::{World, call, run};
use crate::{
    AskError,
    conformance::{creation, done, edit, layer, named, query, rows},
    element::AttributeRef,
    query::{
        BoxInput, Condition, Cql2, GeometryOutput, QueryError, QueryInput, Relation,
        SelectionInput, ShapeInput, SpatialInput,
    },
    reads::{PageStart, ReadError, ReadPurpose, StatisticsError},
    statistics::{StatisticsInput, TallyError},
};

const ALL: i64 = 11;

fn everything() -> QueryInput {
    query(SelectionInput::default())
}

fn in_a_box() -> QueryInput {
    let bbox = BoxInput {
        min_x: -1.0,
        min_y: -1.0,
        max_x: 100.0,
        max_y: 1.0,
        epsg: None,
    };
    query(SelectionInput {
        bbox: Some(bbox),
        ..SelectionInput::default()
    })
}

/// A layer with some points; the display limit of these tests is 3.
fn world(permissions: &[Permission], points: u32) -> World {
    let world = World::with(permissions);
    run(edit(
        &*world.store,
        (0..points)
            .map(|n| creation(f64::from(n), 0.0, named("x")))
            .collect(),
    ));
    world
}

fn count(world: &World, input: QueryInput, purpose: ReadPurpose) -> Result<u64, ReadError> {
    run(async {
        let mut reader = world
            .service
            .read(&call(ALL), input, purpose, PageStart::default())
            .await?;
        while reader.next(rows(2)).await?.is_some() {}
        Ok(reader.seen())
    })
}

#[test]
fn reading_needs_view_and_says_nothing_without_it() {
    // R40, R113: whatever is asked, the answer is that of a layer that does not exist.
    let world = world(&[Permission::CopyExport], 1);
    world.say(Permission::View, Decision::Denied(DenyReason::NotVisible));
    let unknown = Condition::IsNull(AttributeRef::Name("nothing".to_owned()));
    let probe = query(SelectionInput {
        condition: Some(unknown),
        ..SelectionInput::default()
    });
    let filter = query(SelectionInput {
        cql2: Some(Cql2::from_text("nothing = 1 and soundex(string) = 'x'").unwrap()),
        ..SelectionInput::default()
    });
    let shape = query(SelectionInput {
        spatial: Some(SpatialInput {
            relation: Relation::Within,
            shape: ShapeInput::Geometry(vec![1, 2]),
            epsg: Some(1),
        }),
        ..SelectionInput::default()
    });
    for input in [everything(), in_a_box(), probe.clone(), filter, shape] {
        let error = count(&world, input, ReadPurpose::Display).unwrap_err();
        assert!(matches!(error, ReadError::NoSuchLayer(_)), "{error}");
    }
    let summary = run(world
        .service
        .summarize(&call(ALL), layer(), probe.selection.clone()));
    assert!(matches!(summary, Err(ReadError::NoSuchLayer(_))));
    world.say(Permission::View, Decision::All);
    let error = count(&world, probe, ReadPurpose::Display).unwrap_err();
    assert!(matches!(
        error,
        ReadError::Query(QueryError::UnknownAttribute(_))
    ));
}

#[test]
fn a_whole_layer_needs_copy_and_export() {
    // R38.
    let viewer = world(&[Permission::View], 2);
    let error = count(&viewer, everything(), ReadPurpose::Display).unwrap_err();
    assert!(matches!(
        error,
        ReadError::NotPermitted {
            permission: Permission::CopyExport,
            ..
        }
    ));
    assert_eq!(count(&viewer, in_a_box(), ReadPurpose::Display).unwrap(), 2);
    let copier = world(&[Permission::View, Permission::CopyExport], 2);
    assert_eq!(
        count(&copier, everything(), ReadPurpose::Display).unwrap(),
        2
    );
}

#[test]
fn an_export_needs_copy_and_export_whatever_it_selects() {
    // R38.
    let viewer = world(&[Permission::View], 1);
    let error = count(&viewer, in_a_box(), ReadPurpose::Export).unwrap_err();
    assert!(matches!(
        error,
        ReadError::NotPermitted {
            permission: Permission::CopyExport,
            ..
        }
    ));
    viewer.say(Permission::CopyExport, Decision::All);
    assert_eq!(count(&viewer, in_a_box(), ReadPurpose::Export).unwrap(), 1);
}

#[test]
fn a_read_beyond_the_display_limit_fails_unless_it_may_copy() {
    // R38, R112.
    let viewer = world(&[Permission::View], 4);
    let error = count(&viewer, in_a_box(), ReadPurpose::Display).unwrap_err();
    assert!(matches!(error, ReadError::TooManyElements { maximum } if maximum.get() == 3));
    viewer.say(Permission::CopyExport, Decision::All);
    assert_eq!(count(&viewer, in_a_box(), ReadPurpose::Display).unwrap(), 4);
}

#[test]
fn a_maximum_fails_and_never_truncates() {
    // R112.
    let world = world(&[Permission::View, Permission::CopyExport], 4);
    let at_most = |maximum: u64| QueryInput {
        maximum: maximum.try_into().ok(),
        ..everything()
    };
    assert_eq!(count(&world, at_most(4), ReadPurpose::Display).unwrap(), 4);
    let error = count(&world, at_most(3), ReadPurpose::Display).unwrap_err();
    assert!(matches!(error, ReadError::TooManyElements { maximum } if maximum.get() == 3));
}

#[test]
fn pages_do_not_get_around_the_display_limit() {
    // R38.
    let world = world(&[Permission::View], 4);
    let page = |start| run(world.service.page(&call(ALL), in_a_box(), start, rows(2)));
    let first = page(PageStart::default()).unwrap();
    assert_eq!(first.elements.len(), 2);
    let error = page(first.next.unwrap()).unwrap_err();
    assert!(matches!(error, ReadError::TooManyElements { .. }));
}

#[test]
fn pages_join_to_the_whole() {
    let world = world(&[Permission::View, Permission::CopyExport], 5);
    let (mut start, mut ids) = (Some(PageStart::default()), Vec::new());
    while let Some(here) = start {
        let page = run(world.service.page(&call(ALL), everything(), here, rows(2))).unwrap();
        ids.extend(page.elements.iter().map(|element| element.id.get()));
        start = page.next;
    }
    assert_eq!(ids, [1, 2, 3, 4, 5]);
}

#[test]
fn a_read_asks_again_when_its_answer_has_run_out_and_ends_when_the_right_is_gone() {
    // R119, R123: no chunk begins under an old right, and none is given under one.
    let world = world(&[Permission::View], 3);
    world
        .authorizer
        .stale_answers
        .store(9, std::sync::atomic::Ordering::Relaxed);
    run(async {
        let start = PageStart::default();
        let mut reader = world
            .service
            .read(&call(ALL), in_a_box(), ReadPurpose::Display, start)
            .await
            .unwrap();
        let asked = world.asked();
        assert!(reader.next(rows(1)).await.unwrap().is_some());
        assert_eq!(world.asked(), asked + 2);
        world.say(Permission::View, Decision::Denied(DenyReason::NotVisible));
        assert!(matches!(
            reader.next(rows(1)).await,
            Err(ReadError::NoSuchLayer(_))
        ));
    });
}

#[test]
fn a_read_without_an_answer_is_refused() {
    // R121.
    let world = world(&[Permission::View], 1);
    *world.authorizer.down.lock().unwrap() = true;
    let error = count(&world, in_a_box(), ReadPurpose::Display).unwrap_err();
    assert!(matches!(error, ReadError::Ask(AskError::Unavailable)));
}

#[test]
fn an_incomplete_answer_is_none() {
    // R121.
    let world = world(&[Permission::View, Permission::CopyExport], 1);
    *world.authorizer.incomplete.lock().unwrap() = true;
    let error = count(&world, in_a_box(), ReadPurpose::Display).unwrap_err();
    assert!(matches!(error, ReadError::Ask(AskError::Unavailable)));
}

#[test]
fn counting_a_whole_layer_needs_view_alone() {
    // R113.
    let world = world(&[Permission::View], 4);
    let (_, summary) = run(world
        .service
        .summarize(&call(ALL), layer(), SelectionInput::default()))
    .unwrap();
    assert_eq!(summary.count, 4);
}

#[test]
fn administration_reads_the_definition_and_no_element() {
    // R18, R46.
    let world = world(&[], 1);
    world.say(Permission::View, Decision::Denied(DenyReason::NotVisible));
    world
        .authorizer
        .say(LayerAct::ReadConfiguration, Decision::All);
    let shown = run(world.service.get_layer(&call(ALL), layer())).unwrap();
    assert!(shown.stored.is_some());
    assert_eq!(shown.registered.name, "hydrants");
    assert!(matches!(
        count(&world, in_a_box(), ReadPurpose::Display),
        Err(ReadError::NoSuchLayer(_))
    ));
}

#[test]
fn own_elements_are_told_apart_and_anonymous_owns_none() {
    // R55.
    let world = World::with(&[Permission::View, Permission::CopyExport]);
    let by = |who| {
        crate::conformance::batch(
            crate::conformance::actor(who),
            Decision::All,
            vec![creation(0.0, 0.0, named("x"))],
        )
    };
    for who in [2, ALL, 12] {
        run(crate::ports::LayerStore::edit(&*world.store, by(who))).unwrap();
    }
    let owned = |user| {
        let page =
            run(world
                .service
                .page(&call(user), everything(), PageStart::default(), rows(9)))
            .unwrap();
        page.elements
            .iter()
            .map(|element| page.owner.owns(element))
            .collect::<Vec<_>>()
    };
    assert_eq!(owned(ALL), [false, true, false]);
    assert_eq!(owned(2), [false, false, false]);
    run(done(&*world.store, creation(0.0, 0.0, named("y"))));
}

fn statistics(world: &World, input: StatisticsInput) -> Result<Vec<u64>, StatisticsError> {
    let computed = run(world.service.statistics(&call(ALL), input));
    let groups = computed?.1.groups;
    Ok(groups.iter().map(|group| group.count).collect())
}

fn numbers(selection: SelectionInput) -> StatisticsInput {
    StatisticsInput {
        layer: layer(),
        selection,
        attributes: vec![AttributeRef::Name("integer".to_owned())],
        group_by: Vec::new(),
        distinct: None,
        extent: GeometryOutput::Omit,
    }
}

#[test]
fn statistics_that_list_values_are_given_where_a_read_would_be() {
    // R38, R113.
    let grouped = |selection| StatisticsInput {
        group_by: vec![AttributeRef::Name("string".to_owned())],
        ..numbers(selection)
    };
    let distinct = |selection| StatisticsInput {
        distinct: NonZeroU32::new(5),
        ..numbers(selection)
    };
    let viewer = world(&[Permission::View], 3);
    let whole = SelectionInput::default;
    assert_eq!(statistics(&viewer, numbers(whole())).unwrap(), [3]);
    for input in [grouped(whole()), distinct(whole())] {
        let error = statistics(&viewer, input).unwrap_err();
        assert!(matches!(
            error,
            StatisticsError::Read(ReadError::NotPermitted { .. })
        ));
    }
    let boxed = || in_a_box().selection;
    assert_eq!(statistics(&viewer, grouped(boxed())).unwrap(), [3]);
    // One more than the display limit.
    run(edit(&*viewer.store, vec![creation(0.0, 0.0, named("x"))]));
    for input in [grouped(boxed()), distinct(boxed())] {
        let error = statistics(&viewer, input).unwrap_err();
        assert!(matches!(
            error,
            StatisticsError::Tally(TallyError::TooManyElements { maximum }) if maximum.get() == 3
        ));
    }
    assert_eq!(statistics(&viewer, numbers(whole())).unwrap(), [4]);
    viewer.say(Permission::CopyExport, Decision::All);
    assert_eq!(statistics(&viewer, grouped(whole())).unwrap(), [4]);
}

#[test]
fn statistics_say_nothing_without_view() {
    // R40, R113: not even that an attribute does not exist.
    let world = world(&[Permission::CopyExport], 1);
    world.say(Permission::View, Decision::Denied(DenyReason::NotVisible));
    let unknown = || vec![AttributeRef::Name("nothing".to_owned())];
    for group_by in [Vec::new(), unknown()] {
        let input = StatisticsInput {
            attributes: unknown(),
            group_by,
            ..numbers(SelectionInput::default())
        };
        let error = statistics(&world, input).unwrap_err();
        assert!(matches!(
            error,
            StatisticsError::Read(ReadError::NoSuchLayer(_))
        ));
    }
}
