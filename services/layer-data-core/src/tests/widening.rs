//! Attributes that get wider types while others read, follow and write (R114).

use std::{cell::Cell, num::NonZeroU64, sync::atomic::Ordering};

use jmap_domain::{Decision, LayerAct, Permission};

use super::{World, call, run};
use crate::{
    conformance::{
        done, later, layer, query, rows,
        structure::{creation_under, current, redefined},
    },
    definition::{DefinitionChange, LayerDefinition},
    edit::{Edit, ExpectedRevision, Intent},
    element::{AttributeRef, ChangeInput, Element},
    feed::{FeedInput, FeedNews},
    ports::{Count, LayerStore, StoredLayer},
    query::{
        Comparison, Condition, Direction, OutputInput, QueryInput, SelectionInput, SortKeyInput,
    },
    reads::{PageStart, ReadError, ReadPurpose},
    structure::{StructureChange, StructureError},
    value::{AttributeType, Value},
};

const ANY: ExpectedRevision = ExpectedRevision::Any;

/// A layer with points numbered from 1 to 8.
fn world() -> World {
    let world = World::with(&[Permission::View, Permission::CopyExport]);
    world
        .authorizer
        .say(LayerAct::ChangeStructure, Decision::All);
    let definition = run(current(&*world.store));
    for n in 1..=8 {
        let values = [("integer", Value::Integer(n))];
        run(done(&*world.store, creation_under(&definition, &values)));
    }
    world
}

fn integer() -> AttributeRef {
    AttributeRef::Name("integer".to_owned())
}

fn where_integer(comparison: Comparison, value: i64) -> QueryInput {
    query(SelectionInput {
        condition: Some(Condition::Compare {
            attribute: integer(),
            comparison,
            value: Value::Integer(value),
        }),
        ..SelectionInput::default()
    })
}

fn descending(mut input: QueryInput) -> QueryInput {
    input.output.order = vec![SortKeyInput {
        attribute: integer(),
        direction: Direction::Descending,
    }];
    input
}

fn widen(world: &World, to: AttributeType) -> LayerDefinition {
    let attribute = run(current(&*world.store))
        .attribute_named("integer")
        .unwrap()
        .id;
    run(redefined(
        &*world.store,
        vec![DefinitionChange::Widen { attribute, to }],
    ))
}

fn set(world: &World, element: &Element, value: Value) {
    let change = ChangeInput {
        geometry: None,
        values: vec![(integer(), value)],
    };
    let patch = change.check(&run(current(&*world.store))).unwrap();
    let (element, expected) = (element.id, ANY);
    run(done(
        &*world.store,
        Edit::Update {
            element,
            expected,
            patch,
        },
    ));
}

/// The numbers that a read finds whose attribute is widened after its first chunk, of two elements.
fn across(
    world: &World,
    input: QueryInput,
    to: AttributeType,
    meanwhile: impl Fn(&Element),
) -> Result<Vec<i64>, ReadError> {
    run(async {
        let (call, start) = (call(11), PageStart::default());
        let reading = world
            .service
            .read(&call, input, ReadPurpose::Display, start);
        let mut reader = reading.await?;
        let mut found = reader.next(rows(2)).await?.unwrap().elements;
        widen(world, to);
        meanwhile(&found[0]);
        while let Some(chunk) = reader.next(rows(2)).await? {
            found.extend(chunk.elements);
        }
        let place = reader.definition().attribute_named("integer").unwrap().id;
        let place = reader.definition().place(place).unwrap();
        let number = |element: &Element| {
            let Value::Integer(number) = element.values[place] else {
                panic!("a read that began with integers told {element:?}")
            };
            number
        };
        Ok(found.iter().map(number).collect())
    })
}

#[test]
fn a_read_goes_on_by_the_types_that_it_began_with() {
    let above = |input| across(&world(), input, AttributeType::Double, |_| {}).unwrap();
    assert_eq!(
        above(where_integer(Comparison::Greater, 3)),
        [4, 5, 6, 7, 8]
    );
    assert_eq!(
        above(descending(where_integer(Comparison::LessOrEqual, 5))),
        [5, 4, 3, 2, 1]
    );
    let texts = where_integer(Comparison::NotEqual, 4);
    let found = across(&world(), texts, AttributeType::String, |_| {}).unwrap();
    assert_eq!(found, [1, 2, 3, 5, 6, 7, 8]);
}

#[test]
fn a_read_ends_where_its_types_cannot_say_what_it_found() {
    // Texts have another order than the numbers that they were.
    for input in [
        descending(query(SelectionInput::default())),
        where_integer(Comparison::Greater, 0),
    ] {
        let ended = across(&world(), input, AttributeType::String, |_| {});
        assert!(
            matches!(ended, Err(ReadError::Redefined(version)) if version.0 == 2),
            "{ended:?}"
        );
    }
    let world = world();
    let fraction = |_: &Element| {
        let late = Element {
            id: jmap_domain::ElementId::new(7).unwrap(),
            ..run(read_one(&world))
        };
        set(&world, &late, Value::double(7.5).unwrap());
    };
    let input = query(SelectionInput::default());
    let ended = across(&world, input, AttributeType::Double, fraction);
    assert!(matches!(ended, Err(ReadError::Redefined(_))), "{ended:?}");
}

async fn read_one(world: &World) -> Element {
    let definition = current(&*world.store).await;
    let query = query(SelectionInput::default()).check(&definition).unwrap();
    let later = crate::conformance::later();
    let read = world.store.read(&query, None, rows(1), later).await;
    read.unwrap().elements.remove(0)
}

#[test]
fn a_page_by_another_type_begins_nowhere() {
    // R112, R114.
    let world = world();
    let page = |start| {
        let input = descending(query(SelectionInput::default()));
        run(world.service.page(&call(11), input, start, rows(3)))
    };
    let first = page(PageStart::default()).unwrap();
    widen(&world, AttributeType::Double);
    let next = page(first.next.unwrap());
    assert!(matches!(next, Err(ReadError::ForeignMark)), "{next:?}");
}

#[test]
fn whoever_follows_is_told_the_new_type_before_its_values() {
    // R114.
    let world = world();
    let input = FeedInput {
        layer: layer(),
        bbox: None,
        output: OutputInput::default(),
    };
    run(async {
        let mut follower = world.service.follow(&call(11), input).await.unwrap();
        assert!(matches!(
            follower.next(rows(9)).await,
            Ok(Some(FeedNews::Events(_)))
        ));
        let definition = widen(&world, AttributeType::Double);
        set(&world, &read_one(&world).await, Value::double(0.5).unwrap());
        let told = follower.next(rows(9)).await.unwrap();
        assert!(matches!(told, Some(FeedNews::Definition)), "{told:?}");
        assert_eq!(follower.layer().definition.version(), definition.version());
        let told = follower.next(rows(9)).await.unwrap();
        assert!(matches!(told, Some(FeedNews::Events(events)) if events.len() == 1));
    });
}

fn change(world: &World) -> StructureChange {
    let definition = run(current(&*world.store));
    StructureChange {
        layer: layer(),
        expected: definition.version(),
        changes: vec![DefinitionChange::Widen {
            attribute: definition.attribute_named("integer").unwrap().id,
            to: AttributeType::Double,
        }],
        intent: Intent::Commit,
        request: None,
    }
}

#[test]
fn a_change_that_outlives_its_permit_asks_for_the_right_again() {
    // R123: the first answer lets the call begin, the second is the permit, the third is asked for before the commit.
    for (stale, is_made) in [(2, true), (3, false)] {
        let world = world();
        world
            .authorizer
            .stale_answers
            .store(stale, Ordering::Relaxed);
        let made = run(world.service.change_structure(&call(11), change(&world)));
        assert_eq!(made.is_ok(), is_made, "{made:?}");
        assert!(is_made || matches!(made, Err(StructureError::PermitsExpired)));
        assert_eq!(world.asked(), 3);
        let version = run(current(&*world.store)).version().0;
        assert_eq!(version, if is_made { 2 } else { 1 });
    }
}

#[test]
fn a_question_is_put_anew_when_the_definition_changed_before_the_store_looked() {
    let world = world();
    let input = query(SelectionInput {
        condition: Some(Condition::IsNull(integer())),
        ..SelectionInput::default()
    });
    let asked = Cell::new(0);
    let check = |stored: &StoredLayer| {
        let query = input.clone().check(&stored.definition)?;
        asked.set(asked.get() + 1);
        if asked.get() == 1 {
            widen(&world, AttributeType::Double);
        }
        Ok(query)
    };
    let (service, store, cap) = (&world.service, &world.store, NonZeroU64::new(100).unwrap());
    let count = |query| async move { store.count(&query, cap, later()).await };
    let call = call(11);
    let answer = service.steadily::<_, _, ReadError, _>(&call, (layer(), None), check, count);
    let (stored, (counted, _)) = run(answer).unwrap();
    assert_eq!((counted, asked.get()), (Count::Exact(0), 2));
    let attribute = stored.definition.attribute_named("integer").unwrap();
    assert_eq!(attribute.kind, AttributeType::Double);
}
