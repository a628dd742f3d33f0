//! Definitions change on layers that have elements, and nothing is confused by it (R114).

mod occasions;
mod past;
mod policy;
mod widening;

use std::time::Instant;

use jmap_domain::{AttributeId, DataRevision, Decision, ElementId};

pub use occasions::*;
pub use past::versions_follow_the_definition;
pub use policy::a_stricter_policy_looks_at_the_polygons_that_exist;
pub use widening::*;

use super::{
    actor, batch, creation, definition, done, later, layer, make_layer, point, query, rows,
};
use crate::{
    definition::{
        AttributeConstraints, AttributeDraft, AttributeRules, DefinitionChange, Examination,
        LayerDefinition,
    },
    edit::{Edit, EditResult, ExpectedRevision},
    element::{AttributeRef, ChangeInput, Element, ElementInput, ValueSource},
    geometry::SingleToMulti,
    permit::{Renewal, StructurePermit},
    ports::{LayerStore, Redefined, Redefinition, Rest, StoreError},
    query::{CheckedQuery, Comparison, Condition, Mark, SelectionInput},
    value::{AttributeType, Date, DateTime, Value},
};

/// The definition of the suite's layer as it is now.
pub async fn current(store: &impl LayerStore) -> LayerDefinition {
    let stored = store.layer(layer()).await.unwrap().unwrap();
    (*stored.definition).clone()
}

/// Makes changes under a permit that is good until a moment.
pub async fn redefine_until(
    store: &impl LayerStore,
    changes: Vec<DefinitionChange>,
    until: Instant,
) -> Result<Redefined, StoreError> {
    let before = current(store).await;
    let definition = before.changed(changes, None, DateTime::now()).unwrap();
    let change = Redefinition {
        permit: StructurePermit::from_decision(layer(), Decision::All, until).unwrap(),
        renewal: Renewal::default(),
        from: before.version(),
        definition,
        examined: DataRevision::default(),
    };
    store.redefine(change).await
}

/// Makes changes that must succeed.
pub async fn redefined(store: &impl LayerStore, changes: Vec<DefinitionChange>) -> LayerDefinition {
    match redefine_until(store, changes, later()).await.unwrap() {
        Redefined::Done(stored) => (*stored.definition).clone(),
        other @ (Redefined::Stale(_) | Redefined::Contradicted(_)) => {
            panic!("the definition was not changed: {other:?}")
        }
    }
}

/// A new attribute.
#[must_use]
pub fn draft(name: &str, kind: AttributeType, default: Value) -> AttributeDraft {
    AttributeDraft {
        name: name.to_owned(),
        label: String::new(),
        description: String::new(),
        kind,
        default,
        required: false,
        read_only: false,
        constraints: AttributeConstraints::default(),
        input_hint: String::new(),
    }
}

/// The creation of a point with values, checked against a definition.
#[must_use]
pub fn creation_under(definition: &LayerDefinition, values: &[(&str, Value)]) -> Edit {
    let value = |(name, value): &(&str, Value)| (named(name), value.clone());
    let input = ElementInput {
        geometry: point(1.0, 2.0),
        values: values.iter().map(value).collect(),
    };
    let checked = input.check(definition, ValueSource::Client, SingleToMulti::Refuse);
    Edit::Create(checked.unwrap())
}

/// Everything, as somebody reads it who began under a definition.
pub async fn read_under(store: &impl LayerStore, definition: &LayerDefinition) -> Vec<Element> {
    let query = query(SelectionInput::default()).check(definition).unwrap();
    read_query(store, &query, None).await
}

async fn read_query(
    store: &impl LayerStore,
    query: &CheckedQuery,
    mut after: Option<Mark>,
) -> Vec<Element> {
    let mut elements = Vec::new();
    loop {
        let chunk = store
            .read(query, after.as_ref(), rows(2), later())
            .await
            .unwrap();
        elements.extend(chunk.elements);
        match chunk.rest {
            Rest::End => return elements,
            Rest::After(last) => after = Some(last),
        }
    }
}

fn update(definition: &LayerDefinition, element: ElementId, values: &[(&str, Value)]) -> Edit {
    let value = |(name, value): &(&str, Value)| (named(name), value.clone());
    let change = ChangeInput {
        geometry: None,
        values: values.iter().map(value).collect(),
    };
    Edit::Update {
        element,
        expected: ExpectedRevision::Any,
        patch: change.check(definition).unwrap(),
    }
}

fn named(name: &str) -> AttributeRef {
    AttributeRef::Name(name.to_owned())
}

fn id_of(definition: &LayerDefinition, name: &str) -> AttributeId {
    definition.attribute_named(name).unwrap().id
}

fn rename(definition: &LayerDefinition, from: &str, to: &str) -> DefinitionChange {
    DefinitionChange::Rename {
        attribute: id_of(definition, from),
        name: to.to_owned(),
    }
}

fn value_of<'e>(definition: &LayerDefinition, element: &'e Element, name: &str) -> &'e Value {
    let (place, _) = named(name).find(definition).unwrap();
    &element.values[place]
}

fn text(text: &str) -> Value {
    Value::text(text).unwrap()
}

/// One default of each type, each of the kind that is easily lost on the way.
fn defaults() -> Vec<(&'static str, AttributeType, Value)> {
    let moment = DateTime::parse("1969-12-31T23:59:59.999Z").unwrap();
    vec![
        ("a text", AttributeType::String, text("it's \\ \"ä\"\n; --")),
        ("empty", AttributeType::String, text("")),
        ("least", AttributeType::Integer, Value::Integer(i64::MIN)),
        (
            "third",
            AttributeType::Double,
            Value::double(1.0 / 3.0).unwrap(),
        ),
        ("whole", AttributeType::Double, Value::double(-7.0).unwrap()),
        (
            "largest",
            AttributeType::Double,
            Value::double(f64::MAX).unwrap(),
        ),
        (
            "smallest",
            AttributeType::Double,
            Value::double(5e-324).unwrap(),
        ),
        ("truth", AttributeType::Boolean, Value::Boolean(true)),
        (
            "day",
            AttributeType::Date,
            Value::Date(Date::from_days(-1).unwrap()),
        ),
        ("moment", AttributeType::DateTime, Value::DateTime(moment)),
        (
            "bytes",
            AttributeType::Binary,
            Value::Binary(vec![0, 39, 92, 255]),
        ),
        ("none", AttributeType::Integer, Value::Null),
    ]
}

/// R105, R114: elements that exist get the default of a new attribute, whatever its type, and new ones as well.
pub async fn a_new_attribute_gives_existing_elements_its_default(store: &impl LayerStore) {
    make_layer(store).await;
    done(store, creation(1.0, 2.0, super::named("old"))).await;
    let drafts = defaults().into_iter();
    let changes = drafts.map(|(name, kind, value)| DefinitionChange::Add(draft(name, kind, value)));
    let after = redefined(store, changes.collect()).await;
    assert_eq!(after.version().0, 2);
    done(store, creation_under(&after, &[("empty", text("filled"))])).await;
    let elements = read_under(store, &after).await;
    for (name, _, value) in defaults() {
        assert_eq!(value_of(&after, &elements[0], name), &value, "{name}");
    }
    assert_eq!(value_of(&after, &elements[0], "string"), &text("old"));
    assert_eq!(value_of(&after, &elements[1], "empty"), &text("filled"));
    assert_eq!(value_of(&after, &elements[1], "none"), &Value::Null);
}

/// R114: a rename changes no value, also where two attributes exchange their names, or only the case changes.
pub async fn renamed_attributes_keep_their_values(store: &impl LayerStore) {
    make_layer(store).await;
    let before = current(store).await;
    let values = [("string", text("s")), ("integer", Value::Integer(5))];
    done(store, creation_under(&before, &values)).await;
    let exchange = vec![
        rename(&before, "string", "integer"),
        rename(&before, "integer", "String"),
    ];
    let after = redefined(store, exchange).await;
    let element = read_under(store, &after).await.remove(0);
    assert_eq!(value_of(&after, &element, "integer"), &text("s"));
    assert_eq!(value_of(&after, &element, "String"), &Value::Integer(5));
    let again = redefined(store, vec![rename(&after, "String", "STRING")]).await;
    let element = read_under(store, &again).await.remove(0);
    assert_eq!(value_of(&again, &element, "STRING"), &Value::Integer(5));
}

/// R114: what is dropped is hidden at once, comes back with its values, and is gone once it is purged. Its name is
/// free meanwhile, its id for ever taken.
pub async fn dropped_attributes_come_back_until_they_are_purged(store: &impl LayerStore) {
    make_layer(store).await;
    let before = current(store).await;
    let id = id_of(&before, "string");
    done(store, creation_under(&before, &[("string", text("kept"))])).await;
    let dropped = redefined(store, vec![DefinitionChange::Drop(id)]).await;
    assert!(dropped.attribute(id).is_none());
    done(store, creation_under(&dropped, &[])).await;
    let add = draft("string", AttributeType::Integer, Value::Integer(1));
    let renamed = DefinitionChange::Rename {
        attribute: id,
        name: "back".to_owned(),
    };
    let changes = vec![
        DefinitionChange::Add(add),
        DefinitionChange::Restore(id),
        renamed,
    ];
    let restored = redefined(store, changes).await;
    assert_eq!(id_of(&restored, "string"), before.next_attribute());
    let elements = read_under(store, &restored).await;
    let values = |name| elements.iter().map(move |one| (name, one));
    let values: Vec<&Value> = values("back")
        .map(|(name, one)| value_of(&restored, one, name))
        .collect();
    assert_eq!(values, [&text("kept"), &Value::Null]);
    assert_eq!(
        value_of(&restored, &elements[0], "string"),
        &Value::Integer(1)
    );
    let changes = vec![DefinitionChange::Drop(id), DefinitionChange::Purge(id)];
    let purged = redefined(store, changes).await;
    assert_eq!(purged.place(id), None);
    assert_eq!(read_under(store, &purged).await.len(), 2);
}

/// R114: an element that came while an attribute was dropped has no value of it, whatever the attribute's default.
pub async fn an_element_has_no_value_of_what_was_dropped_when_it_came(store: &impl LayerStore) {
    make_layer(store).await;
    let number = draft("added", AttributeType::Integer, Value::Integer(7));
    let added = redefined(store, vec![DefinitionChange::Add(number)]).await;
    done(store, creation_under(&added, &[])).await;
    let id = id_of(&added, "added");
    let dropped = redefined(store, vec![DefinitionChange::Drop(id)]).await;
    done(store, creation_under(&dropped, &[])).await;
    let restored = redefined(store, vec![DefinitionChange::Restore(id)]).await;
    let elements = read_under(store, &restored).await;
    let values = elements.iter().map(|one| value_of(&restored, one, "added"));
    let values: Vec<&Value> = values.collect();
    assert_eq!(values, [&Value::Integer(7), &Value::Null]);
}

/// R114: a read that began before keeps its definition, whatever is renamed, exchanged or dropped meanwhile; what was
/// purged reads as null.
pub async fn a_long_read_keeps_the_definition_it_began_with(store: &impl LayerStore) {
    make_layer(store).await;
    let before = current(store).await;
    for n in 0..6 {
        let values = [
            ("string", text(&n.to_string())),
            ("integer", Value::Integer(n)),
        ];
        done(store, creation_under(&before, &values)).await;
    }
    let selection = SelectionInput {
        condition: Some(Condition::Compare {
            attribute: named("integer"),
            comparison: Comparison::GreaterOrEqual,
            value: Value::Integer(1),
        }),
        ..SelectionInput::default()
    };
    let read = query(selection).check(&before).unwrap();
    let first = store.read(&read, None, rows(2), later()).await.unwrap();
    let after = first.elements.last().map(|element| Mark::from(element.id));
    let exchange = vec![
        rename(&before, "string", "integer"),
        rename(&before, "integer", "string"),
        DefinitionChange::Drop(id_of(&before, "double")),
    ];
    let exchanged = redefined(store, exchange).await;
    let rest = read_query(store, &read, after.clone()).await;
    let numbers: Vec<&Value> = rest
        .iter()
        .map(|one| value_of(&before, one, "string"))
        .collect();
    assert_eq!(numbers, [&text("3"), &text("4"), &text("5")]);
    let gone = id_of(&exchanged, "integer");
    redefined(
        store,
        vec![DefinitionChange::Drop(gone), DefinitionChange::Purge(gone)],
    )
    .await;
    let rest = read_query(store, &read, after).await;
    assert_eq!(value_of(&before, &rest[0], "string"), &Value::Null);
    assert_eq!(value_of(&before, &rest[0], "integer"), &Value::Integer(3));
}

/// R105, R114: an edit that was checked against another form of the definition is not made, alone or beside others.
pub async fn an_edit_checked_against_another_definition_is_refused(store: &impl LayerStore) {
    make_layer(store).await;
    let before = current(store).await;
    let element = done(store, creation_under(&before, &[])).await.element;
    let change = ChangeInput {
        geometry: None,
        values: super::named("late"),
    };
    let patch = change.check(&before).unwrap();
    let update = Edit::Update {
        element,
        expected: ExpectedRevision::Any,
        patch,
    };
    let late = creation_under(&before, &[]);
    let add = draft("new", AttributeType::Integer, Value::Null);
    let after = redefined(store, vec![DefinitionChange::Add(add)]).await;
    for edit in [update, late.clone()] {
        let answer = store.edit(batch(actor(1), Decision::All, vec![edit])).await;
        assert!(
            matches!(answer, Err(StoreError::DefinitionChanged(_))),
            "{answer:?}"
        );
    }
    let good = batch(actor(1), Decision::All, vec![creation_under(&after, &[])]);
    let bad = batch(actor(1), Decision::All, vec![late]);
    assert!(store.edit(bad).await.is_err() && store.edit(good).await.is_ok());
    let delete = Edit::Delete {
        element,
        expected: ExpectedRevision::Any,
    };
    assert!(matches!(
        super::edit(store, vec![delete]).await.results[0].1,
        EditResult::Done(_)
    ));
    assert_eq!(read_under(store, &after).await.len(), 1);
}

/// R46, R105, R114: a rule that elements contradict is not made, and they are counted and named.
pub async fn a_rule_that_elements_contradict_is_not_made(store: &impl LayerStore) {
    make_layer(store).await;
    let before = current(store).await;
    let id = id_of(&before, "integer");
    for n in [5, 50, 500] {
        done(
            store,
            creation_under(&before, &[("integer", Value::Integer(n))]),
        )
        .await;
    }
    done(store, creation_under(&before, &[])).await;
    let constrain = |most, required| DefinitionChange::Constrain {
        attribute: id,
        rules: AttributeRules {
            required: Some(required),
            constraints: Some(AttributeConstraints {
                max_value: Some(Value::Integer(most)),
                ..AttributeConstraints::default()
            }),
            ..AttributeRules::default()
        },
    };
    let Redefined::Contradicted(found) = redefine_until(store, vec![constrain(10, true)], later())
        .await
        .unwrap()
    else {
        panic!("the rule was made")
    };
    let examples: Vec<i64> = found[0].examples.iter().map(|id| id.get()).collect();
    assert_eq!(
        (found.len(), found[0].count, examples),
        (1, 3, vec![2, 3, 4])
    );
    assert_eq!(current(store).await.version(), before.version());
    let after = redefined(store, vec![constrain(500, false)]).await;
    assert_eq!(after.version().0, 2);
}

/// R114: elements that were examined before are not looked at again, and those that were written since are.
pub async fn elements_written_since_they_were_examined_are_looked_at(store: &impl LayerStore) {
    make_layer(store).await;
    let before = current(store).await;
    let write = |n| creation_under(&before, &[("integer", Value::Integer(n))]);
    done(store, write(99)).await;
    let limit = limiting_integers(&before, 0);
    let examination = Examination::of(&before, &limit.definition);
    let since = DataRevision::default();
    let looked = store.examine(layer(), examination.clone(), since, later());
    let (found, examined) = looked.await.unwrap();
    assert_eq!(found.contradictions()[0].count, 1);
    let late = done(store, write(77)).await;
    let looked = store.examine(layer(), examination, examined, later());
    let found = looked.await.unwrap().0.contradictions();
    assert_eq!(found[0].examples, [late.element]);
    let limit = Redefinition { examined, ..limit };
    let answer = store.redefine(limit.clone()).await.unwrap();
    assert!(matches!(answer, Redefined::Contradicted(again) if again == found));
    let examined = late.revision;
    let limit = Redefinition { examined, ..limit };
    let answer = store.redefine(limit).await.unwrap();
    assert!(matches!(answer, Redefined::Done(_)), "{answer:?}");
}

/// R114: of two changes of the same form one is made; R123: and none under a permit that has run out.
pub async fn a_stale_or_unpermitted_change_is_not_made(store: &impl LayerStore) {
    make_layer(store).await;
    let before = current(store).await;
    let change = || vec![rename(&before, "string", "name")];
    let late = redefine_until(store, change(), Instant::now()).await;
    assert!(matches!(late, Err(StoreError::PermitExpired)), "{late:?}");
    let stale = Redefinition {
        permit: StructurePermit::from_decision(layer(), Decision::All, later()).unwrap(),
        renewal: Renewal::default(),
        from: before.version(),
        definition: before.changed(change(), None, DateTime::now()).unwrap(),
        examined: DataRevision::default(),
    };
    let after = redefined(store, change()).await;
    let answer = store.redefine(stale).await.unwrap();
    assert!(matches!(answer, Redefined::Stale(version) if version == after.version()));
    assert_eq!(definition().version(), before.version());
}
