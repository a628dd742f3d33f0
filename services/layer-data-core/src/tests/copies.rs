//! Copies from layer to layer: of a state that stays, each element once, as long as the rights are there.

use jmap_domain::{Decision, DenyReason, Permission};

use super::{World, call, run};
use crate::{
    conformance::{
        actor, creation, definition_with, done, edit, layer, name_of, named, read_all, renaming,
        revision,
        structure::{creation_under, current, read_under, redefined},
    },
    copy::{CopyError, CopyInput, CopyPlan, CopyProgress, LayerCopy, Mapping, MappingFault},
    definition::DefinitionChange,
    edit::{ExpectedRevision, Intent, RequestKey},
    element::{AttributeRef, Element},
    history::AsOf,
    ports::StoreError,
    query::SelectionInput,
    tests::{FakeAuthorizer, FakeRegistry},
    transfer::ImportError,
    value::{AttributeType, MAX_EXACT, Value},
};

type Copying = LayerCopy<crate::memory::MemoryStore, FakeAuthorizer, FakeRegistry>;

const NEEDED: [Permission; 3] = [
    Permission::View,
    Permission::CopyExport,
    Permission::AddElements,
];

const KEY: RequestKey = RequestKey {
    id: [1; 16],
    content: [2; 32],
};

/// More than two chunks.
const MANY: usize = 2_300;

fn input(mapping: Mapping) -> CopyInput {
    CopyInput {
        source: layer(),
        selection: SelectionInput::default(),
        target: layer(),
        mapping,
    }
}

fn prepared(world: &World) -> CopyPlan {
    let prepared = run(world
        .service
        .prepare_copy(&call(11), input(Mapping::ByName)));
    prepared.unwrap().plan
}

fn begun(world: &World, plan: &CopyPlan, progress: CopyProgress) -> Result<Copying, CopyError> {
    let what = (input(Mapping::ByName), plan);
    let call = call(11);
    let begun = (KEY, progress);
    run(world.service.copy(&call, what, begun, Intent::Commit))
}

fn to_the_end(mut copy: Copying) -> CopyProgress {
    while let Some(refused) = run(copy.next()).unwrap() {
        assert_eq!(refused, []);
    }
    copy.progress()
}

fn full() -> World {
    let world = World::with(&NEEDED);
    let creations = (0..MANY).map(|n| creation(1.0, 2.0, named(&n.to_string())));
    run(edit(&*world.store, creations.collect()));
    world
}

fn names(elements: &[Element]) -> Vec<&str> {
    elements.iter().map(name_of).collect()
}

#[test]
fn a_layer_is_copied_into_itself_once() {
    // R39, R54.
    let world = full();
    let plan = prepared(&world);
    assert_eq!(plan.as_of, AsOf::Revision(run(revision(&*world.store))));
    let end = to_the_end(begun(&world, &plan, CopyProgress::default()).unwrap());
    assert_eq!((end.copied, end.refused), (MANY as u64, 0));
    let elements = run(read_all(&*world.store));
    let (before, copies) = elements.split_at(MANY);
    assert_eq!(names(before), names(copies));
    let by = |element: &Element| element.stamps.created_by == Some(actor(11));
    assert!(copies.iter().all(by) && !before.iter().any(by));
}

#[test]
fn an_interrupted_copy_goes_on_from_anywhere_and_takes_each_element_once() {
    // R109: also where its source was edited meanwhile.
    let world = full();
    let plan = prepared(&world);
    let mut first = begun(&world, &plan, CopyProgress::default()).unwrap();
    run(first.next()).unwrap();
    let after_one = first.progress();
    assert_eq!(after_one.copied, 1_000);
    run(first.next()).unwrap();
    drop(first);
    let oldest = run(read_all(&*world.store))[0].id;
    let meanwhile = renaming(oldest, ExpectedRevision::Any, "changed");
    run(done(&*world.store, meanwhile));
    run(done(&*world.store, creation(3.0, 4.0, named("new"))));
    for start in [CopyProgress::default(), after_one, CopyProgress::default()] {
        let end = to_the_end(begun(&world, &plan, start).unwrap());
        assert_eq!(end.copied, MANY as u64);
    }
    let elements = run(read_all(&*world.store));
    assert_eq!(elements.len(), 2 * MANY + 1);
    let copies: Vec<_> = elements
        .iter()
        .filter(|element| element.stamps.created_by == Some(actor(11)))
        .collect();
    let expected: Vec<_> = (0..MANY).map(|n| n.to_string()).collect();
    let found: Vec<_> = copies.into_iter().map(name_of).collect();
    assert_eq!(found, expected);
}

#[test]
fn another_chunk_under_the_same_request_is_refused() {
    // R109: rather than copied twice.
    let world = full();
    let plan = prepared(&world);
    run(begun(&world, &plan, CopyProgress::default())
        .unwrap()
        .next())
    .unwrap();
    let oldest = run(read_all(&*world.store))[0].id;
    let renamed = renaming(oldest, ExpectedRevision::Any, "changed");
    run(done(&*world.store, renamed));
    let other = CopyPlan {
        as_of: AsOf::Revision(run(revision(&*world.store))),
        ..plan
    };
    let refused = run(begun(&world, &other, CopyProgress::default())
        .unwrap()
        .next());
    assert!(matches!(
        refused,
        Err(CopyError::Write(ImportError::Store(
            StoreError::RequestReused
        )))
    ));
}

#[test]
fn copying_needs_view_and_copy_of_the_source_and_add_on_the_target() {
    // R38, R39, R40, R52.
    let own = Decision::Own { creator: actor(11) };
    let denied = Decision::Denied(DenyReason::NoGrant);
    for (permission, decision) in [
        (Permission::View, denied),
        (Permission::CopyExport, denied),
        (Permission::CopyExport, own),
        (Permission::AddElements, denied),
    ] {
        let world = World::with(&NEEDED);
        let plan = prepared(&world);
        world.say(permission, decision);
        let refused = begun(&world, &plan, CopyProgress::default()).unwrap_err();
        let missing = match refused {
            CopyError::Write(ImportError::NoSuchLayer(_)) => Some(Permission::View),
            CopyError::Write(ImportError::NotPermitted { permission, .. }) => Some(permission),
            CopyError::Write(_) | CopyError::Read(_) | CopyError::Mapping(_) => None,
        };
        assert_eq!(missing, Some(permission));
    }
}

#[test]
fn a_copy_ends_when_a_right_is_taken_away() {
    // R119, R123.
    for permission in NEEDED {
        let world = full();
        let plan = prepared(&world);
        let mut copy = begun(&world, &plan, CopyProgress::default()).unwrap();
        run(copy.next()).unwrap();
        world.say(permission, Decision::Denied(DenyReason::NoGrant));
        assert!(run(copy.next()).is_err(), "{permission}");
        assert_eq!(run(read_all(&*world.store)).len(), MANY + 1_000);
    }
}

#[test]
fn checking_a_copy_writes_nothing() {
    // R109.
    let world = full();
    let plan = prepared(&world);
    let what = (input(Mapping::ByName), &plan);
    let begun = (KEY, CopyProgress::default());
    let call = call(11);
    let check = run(world.service.copy(&call, what, begun, Intent::Validate));
    assert_eq!(to_the_end(check.unwrap()).copied, MANY as u64);
    assert_eq!(run(read_all(&*world.store)).len(), MANY);
}

#[test]
fn values_go_where_they_fit() {
    // R105.
    let by_name = |name: &str| AttributeRef::Name(name.to_owned());
    let given = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        Mapping::Given(
            pairs
                .map(|(from, to)| (by_name(from), by_name(to)))
                .collect(),
        )
    };
    let world = World::empty();
    let definition = definition_with(|draft| {
        draft.required = draft.name == "integer";
        draft.read_only = draft.name == "double";
    });
    let new = crate::ports::NewLayer {
        layer: layer(),
        label: String::new(),
        definition,
    };
    run(crate::ports::LayerStore::create_layer(&*world.store, new)).unwrap();
    for permission in NEEDED {
        world.say(permission, Decision::All);
    }
    let prepare = |mapping| run(world.service.prepare_copy(&call(11), input(mapping)));
    let fits = prepare(given(&[("integer", "integer"), ("string", "string")])).unwrap();
    assert_eq!(fits.plan.pairs.len(), 2);
    assert_eq!(
        fits.ignored,
        ["double", "boolean", "date", "datetime", "binary"]
    );
    for (pairs, what) in [
        (&[("no", "integer")][..], "no"),
        (&[("integer", "none")], "none"),
        (&[("integer", "string"), ("string", "integer")], "integer"),
        (&[("integer", "integer"), ("double", "double")], "double"),
        (&[("integer", "integer"), ("integer", "integer")], "integer"),
        (&[], "integer"),
    ] {
        let refused = prepare(given(pairs)).unwrap_err();
        let CopyError::Mapping(fault) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(fault.attribute(), what, "{fault}");
    }
    let refused = prepare(Mapping::ByName).unwrap_err();
    assert!(matches!(
        refused,
        CopyError::Mapping(MappingFault::ReadOnly(_))
    ));
}

#[test]
fn values_become_wider_where_they_go_and_stay_what_they_were_when_the_source_widens() {
    // R114.
    let world = World::with(&NEEDED);
    let before = run(current(&*world.store));
    for n in [7, MAX_EXACT + 1] {
        let values = [
            ("integer", Value::Integer(n)),
            ("boolean", Value::Boolean(true)),
        ];
        run(done(&*world.store, creation_under(&before, &values)));
    }
    let by_name = |name: &str| AttributeRef::Name(name.to_owned());
    let pairs = [
        ("integer", "double"),
        ("boolean", "string"),
        ("integer", "integer"),
    ];
    let pairs = pairs.map(|(from, to)| (by_name(from), by_name(to)));
    let order = || input(Mapping::Given(pairs.to_vec()));
    let plan = run(world.service.prepare_copy(&call(11), order()))
        .unwrap()
        .plan;
    let attribute = before.attribute_named("boolean").unwrap().id;
    let to = AttributeType::String;
    let widened = vec![DefinitionChange::Widen { attribute, to }];
    run(redefined(&*world.store, widened));
    let (call, begun) = (call(11), (KEY, CopyProgress::default()));
    let copy = world
        .service
        .copy(&call, (order(), &plan), begun, Intent::Commit);
    let mut copy = run(copy).unwrap();
    // No double is exactly what the second one has.
    let refused = run(copy.next()).unwrap().unwrap();
    assert_eq!((refused.len(), copy.progress().copied), (1, 1));
    let now = run(current(&*world.store));
    let copy = run(read_under(&*world.store, &now)).remove(2);
    let values = ["string", "integer", "double"].map(|name| {
        let id = before.attribute_named(name).unwrap().id;
        copy.values[before.place(id).unwrap()].clone()
    });
    let seven = Value::double(7.0).unwrap();
    let expected = [Value::text("true").unwrap(), Value::Integer(7), seven];
    assert_eq!(values, expected);
}

#[test]
fn a_copy_goes_on_when_the_attributes_that_it_fills_become_wider() {
    // R114.
    let world = World::with(&NEEDED);
    let before = run(current(&*world.store));
    let values = [("integer", Value::Integer(7))];
    run(done(&*world.store, creation_under(&before, &values)));
    let copy = begun(&world, &prepared(&world), CopyProgress::default()).unwrap();
    let attribute = before.attribute_named("integer").unwrap().id;
    let to = AttributeType::Double;
    let widened = vec![DefinitionChange::Widen { attribute, to }];
    let now = run(redefined(&*world.store, widened));
    assert_eq!(to_the_end(copy).copied, 1);
    let copy = run(read_under(&*world.store, &now)).remove(1);
    let seven = Value::double(7.0).unwrap();
    assert_eq!(copy.values[now.place(attribute).unwrap()], seven);
}
