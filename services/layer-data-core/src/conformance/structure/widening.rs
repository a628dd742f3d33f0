//! Attributes that get wider types: nothing of what elements have or had is lost, and whoever reads meanwhile is told (R114).

use std::{pin::pin, time::Instant};

use futures::{
    StreamExt,
    future::{Either, select},
};
use jmap_domain::{DataRevision, Decision, ElementId, LayerId};

use super::{
    creation_under, current, draft, id_of, named, read_query, read_under, redefine_until,
    redefined, text, update, value_of,
};
use crate::{
    conformance::{done, edit, later, layer, make_layer, query, rows},
    definition::{
        AttributeConstraints, AttributeRules, Contradictory, DefinitionChange, LayerDefinition,
    },
    edit::{BatchOutcome, Edit, ExpectedRevision},
    element::Element,
    history::AsOf,
    permit::{Renewal, StructurePermit},
    ports::{LayerStore, Redefined, Redefinition, StoreError},
    query::{Comparison, Condition, Direction, SelectionInput, SortKeyInput},
    value::{AttributeType, Date, DateTime, MAX_EXACT, Value},
};

fn day(text: &str) -> Value {
    Value::Date(Date::parse(text).unwrap())
}

fn moment(text: &str) -> Value {
    Value::DateTime(DateTime::parse(text).unwrap())
}

/// Each widening, with the values that are most easily lost by it.
fn widenings() -> Vec<(&'static str, AttributeType, AttributeType, Vec<Value>)> {
    use AttributeType as Type;
    let days = || vec![day("0001-01-01"), day("1969-12-31"), day("9999-12-31")];
    vec![
        (
            "numbers",
            Type::Integer,
            Type::Double,
            vec![
                Value::Integer(-MAX_EXACT),
                Value::Integer(0),
                Value::Integer(MAX_EXACT),
            ],
        ),
        (
            "codes",
            Type::Integer,
            Type::String,
            vec![
                Value::Integer(i64::MIN),
                Value::Integer(-7),
                Value::Integer(i64::MAX),
            ],
        ),
        ("days", Type::Date, Type::DateTime, days()),
        ("named days", Type::Date, Type::String, days()),
        (
            "flags",
            Type::Boolean,
            Type::String,
            vec![Value::Boolean(true), Value::Boolean(false), Value::Null],
        ),
        (
            "moments",
            Type::DateTime,
            Type::String,
            vec![
                moment("0001-01-01T00:00:00Z"),
                moment("1969-12-31T23:59:59.999Z"),
                moment("9999-12-31T23:59:59.120Z"),
            ],
        ),
    ]
}

/// The layer with an attribute of each narrow type.
async fn made(store: &impl LayerStore) -> LayerDefinition {
    make_layer(store).await;
    let drafts = widenings().into_iter();
    let add = |(name, from, _, _)| DefinitionChange::Add(draft(name, from, Value::Null));
    redefined(store, drafts.map(add).collect()).await
}

fn widen(definition: &LayerDefinition, name: &str, to: AttributeType) -> DefinitionChange {
    let attribute = id_of(definition, name);
    DefinitionChange::Widen { attribute, to }
}

async fn all_widened(store: &impl LayerStore, before: &LayerDefinition) -> LayerDefinition {
    let changes = widenings().into_iter();
    let changes = changes.map(|(name, _, to, _)| widen(before, name, to));
    redefined(store, changes.collect()).await
}

/// The values that the n-th element has of each attribute.
fn values(n: usize) -> Vec<(&'static str, Value)> {
    let values = widenings().into_iter();
    values
        .map(|(name, _, _, values)| (name, values[n].clone()))
        .collect()
}

fn wide(n: usize) -> Vec<(&'static str, Value)> {
    let values = widenings().into_iter();
    let wide = |values: &[Value], to| values[n].widened(to).unwrap();
    values
        .map(|(name, _, to, values)| (name, wide(&values, to)))
        .collect()
}

fn has(definition: &LayerDefinition, element: &Element, values: &[(&'static str, Value)]) {
    for (name, value) in values {
        assert_eq!(value_of(definition, element, name), value, "{name}");
    }
}

fn delete(element: ElementId) -> Edit {
    let expected = ExpectedRevision::Any;
    Edit::Delete { element, expected }
}

async fn as_of(
    store: &impl LayerStore,
    definition: &LayerDefinition,
    revision: DataRevision,
) -> Vec<Element> {
    let selection = SelectionInput {
        as_of: Some(AsOf::Revision(revision)),
        ..SelectionInput::default()
    };
    let query = query(selection).check(definition).unwrap();
    read_query(store, &query, None).await
}

/// R114: what elements have, and what they had, become values of the wider types, and edits go on with those.
pub async fn widened_attributes_keep_their_values(store: &impl LayerStore) {
    let before = made(store).await;
    let first = done(store, creation_under(&before, &values(0))).await;
    done(store, creation_under(&before, &values(1))).await;
    let last = done(store, creation_under(&before, &values(2))).await;
    done(store, update(&before, first.element, &values(2))).await;
    done(store, delete(last.element)).await;
    let after = all_widened(store, &before).await;
    let elements = read_under(store, &after).await;
    assert_eq!(elements.len(), 2);
    has(&after, &elements[0], &wide(2));
    has(&after, &elements[1], &wide(1));
    for (n, element) in as_of(store, &after, last.revision).await.iter().enumerate() {
        has(&after, element, &wide(n));
    }
    let fraction = [
        ("numbers", Value::double(0.5).unwrap()),
        ("codes", text("x")),
    ];
    done(store, update(&after, first.element, &fraction)).await;
    let back = as_of(store, &after, last.revision).await;
    has(&after, &back[0], &wide(0));
    has(&after, &read_under(store, &after).await[0], &fraction);
}

/// R114: what comes back, or gets another name, gets a wider type in the same change.
pub async fn attributes_come_back_with_wider_types_and_other_names(store: &impl LayerStore) {
    let before = made(store).await;
    done(store, creation_under(&before, &values(0))).await;
    let codes = id_of(&before, "codes");
    let dropped = redefined(store, vec![DefinitionChange::Drop(codes)]).await;
    let exchange = |from, to: &str| DefinitionChange::Rename {
        attribute: id_of(&dropped, from),
        name: to.to_owned(),
    };
    let changes = vec![
        DefinitionChange::Restore(codes),
        DefinitionChange::Widen {
            attribute: codes,
            to: AttributeType::String,
        },
        exchange("days", "numbers"),
        exchange("numbers", "days"),
        widen(&dropped, "numbers", AttributeType::Double),
        widen(&dropped, "days", AttributeType::DateTime),
    ];
    let after = redefined(store, changes).await;
    let element = read_under(store, &after).await.remove(0);
    let was = |name| {
        wide(0)
            .into_iter()
            .find(|(other, _)| *other == name)
            .unwrap()
            .1
    };
    assert_eq!(value_of(&after, &element, "codes"), &was("codes"));
    assert_eq!(value_of(&after, &element, "days"), &was("numbers"));
    assert_eq!(value_of(&after, &element, "numbers"), &was("days"));
}

/// R110, R112, R114: conditions and orders go by the wider type.
pub async fn widened_attributes_are_compared_by_their_new_type(store: &impl LayerStore) {
    let before = made(store).await;
    for n in [9, 10, -1] {
        let values = [("numbers", Value::Integer(n)), ("codes", Value::Integer(n))];
        done(store, creation_under(&before, &values)).await;
    }
    let after = all_widened(store, &before).await;
    let numbers = |elements: Vec<Element>| -> Vec<i64> {
        elements.iter().map(|element| element.id.get()).collect()
    };
    let selection = SelectionInput {
        condition: Some(Condition::Compare {
            attribute: named("numbers"),
            comparison: Comparison::Less,
            value: Value::double(9.5).unwrap(),
        }),
        ..SelectionInput::default()
    };
    let mut input = query(selection);
    input.output.order = vec![SortKeyInput {
        attribute: named("codes"),
        direction: Direction::Ascending,
    }];
    let found = read_query(store, &input.check(&after).unwrap(), None).await;
    assert_eq!(numbers(found), [3, 1]);
    let mut input = query(SelectionInput::default());
    input.output.order = vec![SortKeyInput {
        attribute: named("codes"),
        direction: Direction::Ascending,
    }];
    let found = read_query(store, &input.check(&after).unwrap(), None).await;
    assert_eq!(numbers(found), [3, 2, 1]);
}

/// R114: a query that was checked by narrower types is not answered with something else, and one that has nothing to do
/// with them goes on.
pub async fn a_query_of_narrower_types_is_told_that_they_changed(store: &impl LayerStore) {
    let before = made(store).await;
    done(store, creation_under(&before, &values(0))).await;
    let every = query(SelectionInput::default()).check(&before).unwrap();
    let mut other = query(SelectionInput::default());
    other.output.attributes = Some(vec![named("string")]);
    let other = other.check(&before).unwrap();
    let after = redefined(
        store,
        vec![widen(&before, "numbers", AttributeType::Double)],
    )
    .await;
    let told = store.read(&every, None, rows(9), later()).await;
    assert!(
        matches!(told, Err(StoreError::DefinitionChanged(_))),
        "{told:?}"
    );
    let told = store.summarize(&every, later()).await;
    assert!(
        matches!(told, Err(StoreError::DefinitionChanged(_))),
        "{told:?}"
    );
    let told = store.versions(&every, None, rows(9), later()).await;
    assert!(
        matches!(told, Err(StoreError::DefinitionChanged(_))),
        "{told:?}"
    );
    assert_eq!(read_query(store, &other, None).await.len(), 1);
    // What is gone for good reads as null, whatever its type was.
    let gone = id_of(&after, "numbers");
    let purge = vec![DefinitionChange::Drop(gone), DefinitionChange::Purge(gone)];
    redefined(store, purge).await;
    let elements = read_query(store, &every, None).await;
    assert_eq!(value_of(&before, &elements[0], "numbers"), &Value::Null);
}

/// R114: an integer that no double is exactly stands in the way, whether an element has it or its history.
pub async fn integers_that_no_double_is_stand_in_the_way(store: &impl LayerStore) {
    let before = made(store).await;
    let create = |n| creation_under(&before, &[("numbers", Value::Integer(n))]);
    done(store, create(1)).await;
    let present = done(store, create(MAX_EXACT + 1)).await;
    let past = done(store, create(-MAX_EXACT - 1)).await;
    let gone = done(store, create(i64::MAX)).await;
    for n in [2, i64::MIN, 3] {
        let values = [("numbers", Value::Integer(n))];
        done(store, update(&before, past.element, &values)).await;
    }
    done(store, delete(gone.element)).await;
    let change = || vec![widen(&before, "numbers", AttributeType::Double)];
    let answer = redefine_until(store, change(), later()).await.unwrap();
    let Redefined::Contradicted(found) = answer else {
        panic!("the type was widened: {answer:?}")
    };
    let [now, then] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert!(matches!(now.by, Contradictory::Value { .. }));
    assert_eq!(
        (now.count, now.examples.as_slice()),
        (1, &[present.element][..])
    );
    assert!(matches!(then.by, Contradictory::Past { .. }));
    let expected = [past.element, gone.element];
    assert_eq!((then.count, then.examples.as_slice()), (2, &expected[..]));
    assert_eq!(current(store).await.version(), before.version());
    let texts = vec![widen(&before, "numbers", AttributeType::String)];
    let after = redefined(store, texts).await;
    let elements = read_under(store, &after).await;
    let value = value_of(&after, &elements[1], "numbers");
    assert_eq!(value, &text(&(MAX_EXACT + 1).to_string()));
}

/// R105, R114: values stay unique as values of the wider type.
pub async fn unique_attributes_stay_unique_when_they_are_widened(store: &impl LayerStore) {
    make_layer(store).await;
    let mut code = draft("code", AttributeType::Integer, Value::Null);
    code.constraints.unique = true;
    let before = redefined(store, vec![DefinitionChange::Add(code)]).await;
    done(
        store,
        creation_under(&before, &[("code", Value::Integer(7))]),
    )
    .await;
    let id = id_of(&before, "code");
    let limited = AttributeRules {
        constraints: Some(AttributeConstraints {
            max_length: Some(20),
            unique: true,
            ..AttributeConstraints::default()
        }),
        ..AttributeRules::default()
    };
    let changes = vec![
        widen(&before, "code", AttributeType::String),
        DefinitionChange::Constrain {
            attribute: id,
            rules: limited,
        },
    ];
    let after = redefined(store, changes).await;
    let taken = creation_under(&after, &[("code", text("7"))]);
    let answer = edit(store, vec![taken]).await;
    assert_eq!(answer.outcome, BatchOutcome::Refused);
    done(store, creation_under(&after, &[("code", text("07"))])).await;
    let late = store
        .holders(layer(), id, &[Value::Integer(7)], later())
        .await;
    assert!(
        matches!(late, Err(StoreError::DefinitionChanged(_))),
        "{late:?}"
    );
    let found = store.holders(layer(), id, &[text("7")], later()).await;
    assert_eq!(found.unwrap().len(), 1);
}

/// A change whose permit has run out.
fn widening_under(before: &LayerDefinition, renewal: Renewal) -> Redefinition {
    let run_out = StructurePermit::from_decision(layer(), Decision::All, Instant::now());
    let change = vec![widen(before, "integer", AttributeType::String)];
    Redefinition {
        permit: run_out.unwrap(),
        renewal,
        from: before.version(),
        definition: before.changed(change, None, DateTime::now()).unwrap(),
        examined: DataRevision::default(),
    }
}

async fn renewed_by(
    store: &impl LayerStore,
    answer: impl Fn() -> Option<StructurePermit>,
) -> Result<Redefined, StoreError> {
    let before = current(store).await;
    let (renewal, mut asked) = Renewal::answered();
    let mut making = pin!(store.redefine(widening_under(&before, renewal)));
    loop {
        match select(&mut making, asked.next()).await {
            Either::Left((made, _)) => return made,
            Either::Right((Some(request), _)) => {
                if let Some(permit) = answer() {
                    request.send(permit).unwrap();
                }
            }
            Either::Right((None, _)) => return making.await,
        }
    }
}

/// R123: a permit that ran out while the change was made is asked for anew, immediately before the commit; a right that is
/// gone by then, or is one to another layer, is none, nor is there one for whoever left.
pub async fn a_permit_that_ran_out_is_asked_for_anew(store: &impl LayerStore) {
    make_layer(store).await;
    let permit = |layer| StructurePermit::from_decision(layer, Decision::All, later()).ok();
    let foreign = LayerId::new(layer().get() + 1).unwrap();
    for answer in [None, permit(foreign)] {
        let made = renewed_by(store, || answer).await;
        assert!(matches!(made, Err(StoreError::PermitExpired)), "{made:?}");
    }
    let before = current(store).await;
    let left = widening_under(&before, Renewal::answered().0);
    let made = store.redefine(left).await;
    assert!(matches!(made, Err(StoreError::PermitExpired)), "{made:?}");
    let made = renewed_by(store, || permit(layer())).await;
    assert!(matches!(made, Ok(Redefined::Done(_))), "{made:?}");
}
