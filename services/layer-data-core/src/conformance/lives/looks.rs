//! What a layer is asked after each act: a query of some state, the history of an element, and the feed.

use std::cmp::Ordering;

use jmap_domain::{DataRevision, ElementId};
use proptest::{option, prelude::*};

use super::{
    super::{
        feed::{everything, told},
        later, query, rows,
        structure::current,
    },
    model::{Model, NUMBER, Naive, State},
    pick,
};
use crate::{
    definition::LayerDefinition,
    element::AttributeRef,
    feed::{ElementEvent, EventKind, FeedPlace},
    history::AsOf,
    ports::{LayerStore, Rest},
    query::{
        BoxInput, Comparison, Condition, Direction, OutputInput, QueryInput, SelectionInput,
        SortKeyInput,
    },
    value::Value,
};

/// Questions; numbers choose among what there is.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// Which state is asked for; `None` is the present.
    state: Option<usize>,
    least: Option<i64>,
    span: Option<(u8, u8)>,
    order: Option<bool>,
    /// How many rows come at once.
    rows: u32,
    element: usize,
}

pub(super) fn look() -> impl Strategy<Value = Look> {
    let what = (
        option::of(0..16_usize),
        option::of(0..6_i64),
        option::of((0..6_u8, 0..4_u8)),
        option::of(any::<bool>()),
    );
    (what, 1..5_u32, 0..16_usize).prop_map(|((state, least, span, order), rows, element)| Look {
        state,
        least,
        span,
        order,
        rows,
        element,
    })
}

/// What has at least this number.
pub(super) fn at_least(least: i64) -> Condition<AttributeRef> {
    Condition::Compare {
        attribute: AttributeRef::Name(NUMBER.to_owned()),
        comparison: Comparison::GreaterOrEqual,
        value: Value::Integer(least),
    }
}

impl Look {
    /// R106, R110, R112: the layer answers as the model does.
    pub(super) async fn compare(&self, store: &impl LayerStore, model: &Model) {
        let definition = current(store).await;
        let all = self.ask(store, &definition, query(SelectionInput::default()));
        let all: State = all.await.into_iter().collect();
        assert_eq!(&all, model.now());
        let steps = self
            .state
            .map_or(model.steps.len(), |state| model.kept(state));
        let found = self.ask(store, &definition, self.query(model, steps)).await;
        assert_eq!(found, self.selected(model.state(steps)), "{self:?}");
        self.compare_history(store, &definition, model).await;
        self.compare_feed(store, &definition, (model, steps)).await;
    }

    fn query(&self, model: &Model, steps: usize) -> QueryInput {
        let revision = steps.checked_sub(1).map(|last| model.steps[last].revision);
        let bbox = self.span.map(|(from, length)| BoxInput {
            min_x: f64::from(from) - 0.5,
            min_y: -1.0,
            max_x: f64::from(from + length) + 0.5,
            max_y: 1.0,
            epsg: None,
        });
        let order = self.order.map(|is_ascending| SortKeyInput {
            attribute: AttributeRef::Name(NUMBER.to_owned()),
            direction: if is_ascending {
                Direction::Ascending
            } else {
                Direction::Descending
            },
        });
        let selection = SelectionInput {
            bbox,
            condition: self.least.map(at_least),
            as_of: self
                .state
                .map(|_| AsOf::Revision(revision.unwrap_or_default())),
            ..SelectionInput::default()
        };
        QueryInput {
            output: OutputInput {
                order: order.into_iter().collect(),
                ..OutputInput::default()
            },
            ..query(selection)
        }
    }

    async fn ask(
        &self,
        store: &impl LayerStore,
        definition: &LayerDefinition,
        input: QueryInput,
    ) -> Vec<(ElementId, Naive)> {
        let query = input.check(definition).unwrap();
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let chunk = store.read(&query, after.as_ref(), rows(self.rows), later());
            let chunk = chunk.await.unwrap();
            let elements = chunk.elements.into_iter();
            found.extend(elements.map(|one| (one.id, Naive::read(definition, one))));
            match chunk.rest {
                Rest::End => return found,
                Rest::After(last) => after = Some(last),
            }
        }
    }

    fn selected(&self, state: &State) -> Vec<(ElementId, Naive)> {
        let is_selected = |one: &Naive| {
            let has_number = self.least.is_none_or(|least| one.number() >= Some(least));
            let is_inside = self.span.is_none_or(|(from, length)| {
                (f64::from(from)..=f64::from(from + length)).contains(&one.x())
            });
            has_number && is_inside
        };
        let selected = state.iter().filter(|(_, one)| is_selected(one));
        let mut selected: Vec<_> = selected.map(|(id, one)| (*id, one.clone())).collect();
        if let Some(is_ascending) = self.order {
            // The sort is stable, so that ids decide what numbers leave open.
            selected.sort_by(|(_, a), (_, b)| compare(a.number(), b.number(), is_ascending));
        }
        selected
    }

    /// R106: an element's versions are those that the states show, with who ended each.
    async fn compare_history(
        &self,
        store: &impl LayerStore,
        definition: &LayerDefinition,
        model: &Model,
    ) {
        let ever = model.ever();
        let Some(element) = pick(&ever, self.element).copied() else {
            return;
        };
        let selection = SelectionInput {
            ids: Some(vec![element]),
            ..SelectionInput::default()
        };
        let query = query(selection).check(definition).unwrap();
        let read = store.versions(&query, None, rows(1_000), later()).await;
        let told = read.unwrap().versions.into_iter().map(|version| {
            let end = version.end.map(|end| (end.revision, end.by));
            (Naive::read(definition, version.element), end)
        });
        let mut expected: Vec<(Naive, Option<_>)> = Vec::new();
        let mut before = None;
        for step in &model.steps {
            let now = step.state.get(&element);
            if now != before {
                if let (Some(_), Some((_, end))) = (before, expected.last_mut()) {
                    *end = Some((step.revision, step.by));
                }
                expected.extend(now.map(|now| (now.clone(), None)));
                before = now;
            }
        }
        let is_kept = |end: &Option<(DataRevision, _)>| end.is_none_or(|(at, _)| at > model.begun);
        expected.retain(|(_, end)| is_kept(end));
        assert_eq!(told.collect::<Vec<_>>(), expected, "{element}");
    }

    /// R106, R108: what is told from a state on makes of it every later one in its turn.
    async fn compare_feed(
        &self,
        store: &impl LayerStore,
        definition: &LayerDefinition,
        (model, steps): (&Model, usize),
    ) {
        let mut state = model.state(steps).clone();
        let from = steps.checked_sub(1).map(|last| model.steps[last].revision);
        let place = FeedPlace::after(from.unwrap_or_default());
        let events = told(store, &everything(definition), place, rows(self.rows)).await;
        let mut later = model.steps.iter().skip(steps);
        for together in events.chunk_by(|a, b| a.revision == b.revision) {
            let step = later.next().unwrap();
            for event in together {
                assert_eq!((event.revision, event.by), (step.revision, Some(step.by)));
                replay(&mut state, event, definition);
            }
            assert_eq!(state, step.state, "from {from:?}");
        }
        assert!(later.next().is_none(), "a change was not told");
    }
}

fn compare(a: Option<i64>, b: Option<i64>, is_ascending: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if is_ascending => a.cmp(&b),
        (Some(a), Some(b)) => b.cmp(&a),
        // Nulls come last in either direction.
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

fn replay(state: &mut State, event: &ElementEvent, definition: &LayerDefinition) {
    let was = state.remove(&event.element);
    match &event.what {
        EventKind::Created(after) => {
            assert_eq!(was, None);
            state.insert(event.element, Naive::read(definition, after.clone()));
        }
        EventKind::Updated(after) => {
            assert!(was.is_some());
            state.insert(event.element, Naive::read(definition, after.clone()));
        }
        EventKind::Deleted => assert!(was.is_some()),
        EventKind::Left => panic!("nothing leaves the whole layer"),
    }
}
