//! A layer as the plainest thing there is: all its states, each of them whole.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jmap_domain::{ActorId, AttributeId, DataRevision, ElementId};

use super::super::definition;
use crate::{
    definition::{AttributeDefinition, LayerDefinition},
    edit::{Edit, EditedElement},
    element::Element,
    history::{AsOf, Deeds},
    value::{AttributeType, Value},
};

/// The attribute that the acts set.
pub(super) const NUMBER: &str = "integer";

/// An element.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Naive {
    pub(super) geometry: Vec<u8>,
    /// The values of all attributes that the layer has now.
    pub(super) values: HashMap<AttributeId, Value>,
    pub(super) revision: DataRevision,
    pub(super) made_by: Option<ActorId>,
    pub(super) changed_by: Option<ActorId>,
}

pub(super) type State = BTreeMap<ElementId, Naive>;

/// What an edit made of the layer.
pub(super) struct Step {
    pub(super) revision: DataRevision,
    pub(super) by: ActorId,
    pub(super) state: State,
}

/// All that a layer was; before the first step it was empty.
#[derive(Default)]
pub(super) struct Model {
    pub(super) steps: Vec<Step>,
    nothing: State,
    /// After so many steps the states begin that are kept.
    kept_from: usize,
    /// What ended by this revision is gone.
    pub(super) begun: DataRevision,
}

/// What a reversal makes of elements, and which ones it cannot reverse.
#[derive(Default)]
pub(super) struct Undone {
    pub(super) elements: Vec<(ElementId, Option<Naive>)>,
    pub(super) conflicts: Vec<ElementId>,
}

impl Naive {
    /// An element as it was read, under the definition it was read by.
    pub(super) fn read(definition: &LayerDefinition, element: Element) -> Self {
        let ids = definition.attributes().iter().map(|one| one.id);
        Self {
            geometry: element.geometry.unwrap(),
            values: ids.zip(element.values).collect(),
            revision: element.revision,
            made_by: element.stamps.created_by,
            changed_by: element.stamps.updated_by,
        }
    }

    pub(super) fn x(&self) -> f64 {
        f64::from_le_bytes(self.geometry[5..13].try_into().unwrap())
    }

    pub(super) fn number(&self) -> Option<i64> {
        let Value::Integer(number) = self.values[&number()] else {
            return None;
        };
        Some(number)
    }

    fn is_like(&self, other: &Self) -> bool {
        self.geometry == other.geometry && self.values == other.values
    }
}

/// The id of [`NUMBER`].
fn number() -> AttributeId {
    definition().attribute_named(NUMBER).unwrap().id
}

impl Model {
    pub(super) fn now(&self) -> &State {
        self.state(self.steps.len())
    }

    /// The state after so many steps.
    pub(super) fn state(&self, steps: usize) -> &State {
        let last = steps.checked_sub(1).map(|last| &self.steps[last].state);
        last.unwrap_or(&self.nothing)
    }

    /// One of the states that are kept, as a number of steps.
    pub(super) fn kept(&self, which: usize) -> usize {
        self.kept_from + which % (self.steps.len() - self.kept_from + 1)
    }

    /// History begins at a revision now.
    pub(super) fn forgot(&mut self, begun: DataRevision) {
        let mut steps = self.steps.iter();
        let last = steps.position(|step| step.revision == begun);
        assert!(last.is_some() || begun == DataRevision::default());
        self.kept_from = last.map_or(0, |last| last + 1);
        self.begun = begun;
    }

    /// The revision of one of the steps; `None` when there is none.
    pub(super) fn revision(&self, which: usize) -> Option<DataRevision> {
        super::pick(&self.steps, which).map(|step| step.revision)
    }

    /// The elements that there ever were.
    pub(super) fn ever(&self) -> Vec<ElementId> {
        let all = self.steps.iter().flat_map(|step| step.state.keys());
        let all: BTreeSet<ElementId> = all.copied().collect();
        all.into_iter().collect()
    }

    pub(super) fn with_number_from(&self, least: i64) -> Vec<ElementId> {
        let found = self.now().iter();
        let found = found.filter(|(_, one)| one.number().is_some_and(|number| number >= least));
        found.map(|(id, _)| *id).collect()
    }

    pub(super) fn edited(
        &mut self,
        who: ActorId,
        definition: &LayerDefinition,
        edits: &[Edit],
        done: &[EditedElement],
    ) {
        assert_eq!(edits.len(), done.len());
        let ids = definition.attributes().iter().map(|one| one.id);
        let edited = edits.iter().zip(done).map(|(edit, done)| {
            let now = self.now().get(&done.element).cloned();
            let element = match edit {
                Edit::Create(new) => {
                    assert_eq!(now, None, "an id is never given twice");
                    Some(Naive {
                        geometry: new.geometry().wkb().to_vec(),
                        values: ids.clone().zip(new.values().to_vec()).collect(),
                        revision: done.revision,
                        made_by: Some(who),
                        changed_by: Some(who),
                    })
                }
                Edit::Update { patch, .. } => now.map(|mut element| {
                    if let Some(geometry) = patch.geometry() {
                        element.geometry = geometry.wkb().to_vec();
                    }
                    element.values.extend(patch.values().iter().cloned());
                    element
                }),
                Edit::Delete { .. } | Edit::Restore(_) => None,
            };
            (done.element, element)
        });
        let edited = edited.collect();
        self.became(who, done.first().map(|done| done.revision), edited);
    }

    /// What an edit made of elements; without a revision it did nothing.
    pub(super) fn became(
        &mut self,
        who: ActorId,
        revision: Option<DataRevision>,
        elements: Vec<(ElementId, Option<Naive>)>,
    ) {
        assert_eq!(revision.is_some(), !elements.is_empty());
        let Some(revision) = revision else { return };
        let last = self.steps.last().map(|step| step.revision);
        assert!(last.is_none_or(|last| last < revision));
        let mut state = self.now().clone();
        for (id, element) in elements {
            match element {
                None => state.remove(&id),
                Some(element) => {
                    let changed_by = Some(who);
                    state.insert(
                        id,
                        Naive {
                            revision,
                            changed_by,
                            ..element
                        },
                    )
                }
            };
        }
        self.steps.push(Step {
            revision,
            by: who,
            state,
        });
    }

    /// New attributes have their default in every state; those that are gone are gone from all.
    pub(super) fn restructured(&mut self, definition: &LayerDefinition) {
        let elements = self.steps.iter_mut();
        for element in elements.flat_map(|step| step.state.values_mut()) {
            let old = std::mem::take(&mut element.values);
            let value = |one: &AttributeDefinition| {
                let value = old.get(&one.id).unwrap_or(&one.default);
                match (value, one.kind) {
                    (Value::Integer(number), AttributeType::Double) => {
                        let number = i32::try_from(*number).unwrap();
                        Value::double(f64::from(number)).unwrap()
                    }
                    (Value::Integer(number), AttributeType::String) => {
                        Value::text(number.to_string()).unwrap()
                    }
                    _ => value.clone(),
                }
            };
            let values = definition.attributes().iter();
            let values = values.map(|one| (one.id, value(one)));
            element.values = values.collect();
        }
    }

    /// What brings deleted elements back as they were last; `None` where history does not tell that of one any more.
    pub(super) fn restored(&self, ids: &BTreeSet<ElementId>) -> Option<Undone> {
        let mut undone = Undone::default();
        for id in ids {
            if self.now().contains_key(id) {
                undone.conflicts.push(*id);
                continue;
            }
            let had_it = |step: &Step| step.state.contains_key(id);
            let last = self.steps.iter().rposition(had_it)?;
            if self.steps.get(last + 1)?.revision <= self.begun {
                return None;
            }
            let was = self.state(last + 1).get(id).cloned();
            undone.elements.push((*id, was));
        }
        Some(undone)
    }

    /// What undoes edits: of elements to which nothing else was done since the first of them; `None` where history does
    /// not tell what was before them any more.
    pub(super) fn reverted(&self, deeds: Deeds) -> Option<Undone> {
        let is_told = match deeds {
            Deeds::Of(revision) => self.begun < revision,
            Deeds::By(_, AsOf::Revision(since)) => self.begun <= since,
            Deeds::By(_, AsOf::Time(_)) => panic!("the acts speak of revisions"),
        };
        if !is_told {
            return None;
        }
        let mut undone = Undone::default();
        for id in self.ever() {
            let touches =
                |step: &usize| self.state(*step).get(&id) != self.state(step + 1).get(&id);
            let touching: Vec<usize> = (0..self.steps.len()).filter(touches).collect();
            let is_one = |step: &usize| is_among(deeds, &self.steps[*step]);
            let Some(first) = touching.iter().copied().find(is_one) else {
                continue;
            };
            if !touching.iter().filter(|step| **step >= first).all(is_one) {
                undone.conflicts.push(id);
                continue;
            }
            let (was, is) = (self.state(first).get(&id), self.now().get(&id));
            match (was, is) {
                (None, None) => {}
                (Some(was), Some(is)) if was.is_like(is) => {}
                (was, _) => undone.elements.push((id, was.cloned())),
            }
        }
        Some(undone)
    }
}

fn is_among(deeds: Deeds, step: &Step) -> bool {
    match deeds {
        Deeds::Of(revision) => step.revision == revision,
        Deeds::By(who, AsOf::Revision(since)) => step.by == who && step.revision > since,
        Deeds::By(_, AsOf::Time(_)) => panic!("the acts speak of revisions"),
    }
}
