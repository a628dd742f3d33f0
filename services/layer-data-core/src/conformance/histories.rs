//! Random changes of a definition among random edits, beside a model that knows only attributes and values (R114).

use std::collections::{BTreeMap, HashMap};

use jmap_domain::{AttributeId, ElementId};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{
    edit, later, make_layer,
    structure::{current, draft, read_under, redefine_until},
};
use crate::{
    definition::{
        AttributeConstraints, AttributeDefinition, AttributeRules, DefinitionChange,
        LayerDefinition, MAX_UNIQUE_LENGTH,
    },
    edit::{Edit, EditRefusal, EditResult, ExpectedRevision},
    element::{AttributeRef, ChangeInput, ElementInput, ValueSource},
    geometry::SingleToMulti,
    ports::{LayerStore, Redefined},
    value::{AttributeType, Date, DateTime, Value},
};

/// Something that happens to a layer. Numbers choose among what there is.
#[derive(Clone, Debug)]
pub enum Act {
    /// An attribute comes; elements that exist get a default, or none.
    Add(AttributeType, &'static str, Option<u8>),
    /// An attribute gets another name.
    Rename(usize, &'static str),
    /// Two attributes exchange their names.
    Exchange(usize, usize),
    /// An attribute goes elsewhere in the form.
    Move(usize, usize),
    /// An attribute is dropped.
    Drop(usize),
    /// A dropped attribute comes back.
    Restore(usize),
    /// A dropped attribute goes for good.
    Purge(usize),
    /// The values of an attribute have to be unique, or need not be any more.
    Unique(usize, bool),
    /// An element comes, with a value of each attribute or with defaults.
    Create(Option<u8>),
    /// An attribute of an element gets another value.
    Update(usize, usize, u8),
}

/// Histories of a layer.
pub fn histories() -> impl Strategy<Value = Vec<Act>> {
    vec(act(), 1..24)
}

fn act() -> impl Strategy<Value = Act> {
    let name = || {
        select(vec![
            "a", "A", "b", "é", "É", "select", "a \"b\"", "integer",
        ])
    };
    let kind = select(AttributeType::ALL.to_vec());
    let which = || 0..16_usize;
    prop_oneof![
        2 => (kind, name(), any::<Option<u8>>()).prop_map(|(a, b, c)| Act::Add(a, b, c)),
        2 => (which(), name()).prop_map(|(a, b)| Act::Rename(a, b)),
        1 => (which(), which()).prop_map(|(a, b)| Act::Exchange(a, b)),
        1 => (which(), which()).prop_map(|(a, b)| Act::Move(a, b)),
        2 => which().prop_map(Act::Drop),
        1 => which().prop_map(Act::Restore),
        1 => which().prop_map(Act::Purge),
        2 => (which(), any::<bool>()).prop_map(|(a, b)| Act::Unique(a, b)),
        3 => option::of(0..9_u8).prop_map(Act::Create),
        3 => (which(), which(), 0..9_u8).prop_map(|(a, b, c)| Act::Update(a, b, c)),
    ]
}

/// What the layer must hold: the values of its elements, those of dropped attributes as well.
#[derive(Default)]
struct Model(BTreeMap<ElementId, HashMap<AttributeId, Value>>);

/// R114: after each act every element reads as the model says.
pub async fn every_element_reads_right_after_each_act(store: &impl LayerStore, acts: Vec<Act>) {
    make_layer(store).await;
    let mut model = Model::default();
    for act in acts {
        let before = current(store).await;
        match &act {
            Act::Create(seed) => model.create(store, &before, *seed).await,
            Act::Update(element, attribute, seed) => {
                model
                    .update(store, &before, (*element, *attribute), *seed)
                    .await;
            }
            Act::Add(..)
            | Act::Rename(..)
            | Act::Exchange(..)
            | Act::Move(..)
            | Act::Unique(..)
            | Act::Drop(_)
            | Act::Restore(_)
            | Act::Purge(_) => {
                let changes = changes(&before, &act);
                let possible = before.changed(changes.clone(), None, DateTime::now());
                if let Ok(after) = possible
                    && !changes.is_empty()
                {
                    let is_done = match redefine_until(store, changes, later()).await.unwrap() {
                        Redefined::Done(_) => true,
                        Redefined::Contradicted(_) | Redefined::Stale(_) => false,
                    };
                    assert_eq!(is_done, model.admits(&after), "{act:?}");
                    if is_done {
                        model.change(&before, &after);
                    }
                }
            }
        }
        let now = current(store).await;
        assert_eq!(model.shown(&now), shown(store, &now).await, "after {act:?}");
    }
}

async fn shown(store: &impl LayerStore, now: &LayerDefinition) -> Vec<(ElementId, Vec<Value>)> {
    let elements = read_under(store, now).await.into_iter();
    elements
        .map(|element| (element.id, element.values))
        .collect()
}

fn chosen<T>(items: &[T], number: usize) -> Option<&T> {
    items.get(number.checked_rem(items.len())?)
}

fn changes(definition: &LayerDefinition, act: &Act) -> Vec<DefinitionChange> {
    let present = |number| chosen(definition.attributes(), number);
    let dropped = |number| chosen(definition.dropped(), number).map(|one| one.attribute.id);
    let rename = |attribute: AttributeId, name: &str| DefinitionChange::Rename {
        attribute,
        name: name.to_owned(),
    };
    let one = |change: Option<DefinitionChange>| change.into_iter().collect();
    match act {
        Act::Add(kind, name, seed) => {
            let default = seed.map_or(Value::Null, |seed| sample(*kind, seed));
            vec![DefinitionChange::Add(draft(name, *kind, default))]
        }
        Act::Rename(number, name) => one(present(*number).map(|of| rename(of.id, name))),
        Act::Exchange(a, b) => match (present(*a), present(*b)) {
            (Some(a), Some(b)) => {
                vec![rename(a.id, b.name.as_str()), rename(b.id, a.name.as_str())]
            }
            _ => Vec::new(),
        },
        Act::Move(number, place) => one(present(*number).map(|of| DefinitionChange::Move {
            attribute: of.id,
            place: *place,
        })),
        Act::Unique(number, unique) => one(present(*number).map(|of| {
            let constraints = AttributeConstraints {
                max_length: (of.kind == AttributeType::String).then_some(MAX_UNIQUE_LENGTH),
                unique: *unique,
                ..AttributeConstraints::default()
            };
            let rules = AttributeRules {
                constraints: Some(constraints),
                ..AttributeRules::default()
            };
            DefinitionChange::Constrain {
                attribute: of.id,
                rules,
            }
        })),
        Act::Drop(number) => one(present(*number).map(|of| DefinitionChange::Drop(of.id))),
        Act::Restore(number) => one(dropped(*number).map(DefinitionChange::Restore)),
        Act::Purge(number) => one(dropped(*number).map(DefinitionChange::Purge)),
        Act::Create(_) | Act::Update(..) => Vec::new(),
    }
}

impl Model {
    fn change(&mut self, before: &LayerDefinition, after: &LayerDefinition) {
        let new = after.attributes().iter();
        let new: Vec<&AttributeDefinition> =
            new.filter(|one| before.place(one.id).is_none()).collect();
        for values in self.0.values_mut() {
            values.extend(new.iter().map(|one| (one.id, one.default.clone())));
        }
    }

    fn shown(&self, now: &LayerDefinition) -> Vec<(ElementId, Vec<Value>)> {
        let value = |values: &HashMap<AttributeId, Value>, one: &AttributeDefinition| {
            values.get(&one.id).cloned().unwrap_or(Value::Null)
        };
        let values = |values| now.attributes().iter().map(move |one| value(values, one));
        let elements = self.0.iter();
        elements
            .map(|(id, of)| (*id, values(of).collect()))
            .collect()
    }

    async fn create(
        &mut self,
        store: &impl LayerStore,
        definition: &LayerDefinition,
        seed: Option<u8>,
    ) {
        let attributes = definition.attributes().iter();
        let given: Vec<(AttributeId, Value)> = attributes
            .filter_map(|one| Some((one.id, sample(one.kind, seed?))))
            .collect();
        let input = ElementInput {
            geometry: super::point(1.0, 2.0),
            values: by_id(&given),
        };
        let new = input.check(definition, ValueSource::Client, SingleToMulti::Refuse);
        let defaults = definition.attributes().iter();
        let mut values: HashMap<_, _> = defaults.map(|one| (one.id, one.default.clone())).collect();
        values.extend(given);
        let made = tried(store, Edit::Create(new.unwrap())).await;
        assert_eq!(made.is_some(), self.is_free(definition, None, &values));
        if let Some(element) = made {
            self.0.insert(element, values);
        }
    }

    /// R105: whether every unique attribute has each value once.
    fn admits(&self, definition: &LayerDefinition) -> bool {
        let mut elements = self.0.iter();
        elements.all(|(id, values)| self.is_free(definition, Some(*id), values))
    }

    /// Whether no other element has one of these values of unique attributes.
    fn is_free(
        &self,
        definition: &LayerDefinition,
        element: Option<ElementId>,
        values: &HashMap<AttributeId, Value>,
    ) -> bool {
        let others = self.0.iter().filter(|(id, _)| Some(**id) != element);
        let others: Vec<_> = others.map(|(_, values)| values).collect();
        let mut unique = definition.unique().map(|(_, attribute)| attribute.id);
        unique.all(|id| {
            let value = values.get(&id).filter(|value| !value.is_null());
            value.is_none() || others.iter().all(|other| other.get(&id) != value)
        })
    }

    async fn update(
        &mut self,
        store: &impl LayerStore,
        definition: &LayerDefinition,
        (element, attribute): (usize, usize),
        seed: u8,
    ) {
        let elements: Vec<ElementId> = self.0.keys().copied().collect();
        let attribute = chosen(definition.attributes(), attribute);
        let (Some(element), Some(attribute)) = (chosen(&elements, element), attribute) else {
            return;
        };
        let value = sample(attribute.kind, seed);
        let change = ChangeInput {
            geometry: None,
            values: by_id(&[(attribute.id, value.clone())]),
        };
        let update = Edit::Update {
            element: *element,
            expected: ExpectedRevision::Any,
            patch: change.check(definition).unwrap(),
        };
        let new = HashMap::from([(attribute.id, value.clone())]);
        let made = tried(store, update).await;
        assert_eq!(
            made.is_some(),
            self.is_free(definition, Some(*element), &new)
        );
        if made.is_some() {
            let values = self.0.entry(*element).or_default();
            values.insert(attribute.id, value);
        }
    }
}

/// The element of an edit that was done; `None` when it was refused for a value that is taken.
async fn tried(store: &impl LayerStore, edit: Edit) -> Option<ElementId> {
    match self::edit(store, vec![edit]).await.results.as_slice() {
        [(0, EditResult::Done(edited))] => Some(edited.element),
        [(0, EditResult::Refused(EditRefusal::NotUnique { .. }))] => None,
        other => panic!("{other:?}"),
    }
}

fn by_id(values: &[(AttributeId, Value)]) -> Vec<(AttributeRef, Value)> {
    let by_id = |(id, value): &(AttributeId, Value)| (AttributeRef::Id(*id), value.clone());
    values.iter().map(by_id).collect()
}

/// A value of a type, another one for most seeds.
fn sample(kind: AttributeType, seed: u8) -> Value {
    let number = i64::from(seed) - 100;
    match kind {
        AttributeType::String => Value::text(format!("it's {number} \\")).unwrap(),
        AttributeType::Integer => Value::Integer(number.pow(7)),
        AttributeType::Double => Value::double(f64::from(seed) / 7.0).unwrap(),
        AttributeType::Boolean => Value::Boolean(seed.is_multiple_of(2)),
        AttributeType::Date => Value::Date(Date::from_days(i32::from(seed) - 100).unwrap()),
        AttributeType::DateTime => Value::DateTime(DateTime::from_millis(number * 777).unwrap()),
        AttributeType::Binary => Value::Binary(vec![seed, 0, 39]),
    }
}
