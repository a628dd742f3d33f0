//! Sorted reads: the same order everywhere, and pages of it that neither double nor lose an element (R112, R115).

use std::cmp::Ordering;

use jmap_domain::ElementId;
use proptest::{prelude::*, sample::select};

use super::{
    conditions::{attribute, row},
    creation, definition, done, edit, later, make_layer, query, read, read_all, renaming, rows,
};
use crate::{
    edit::{Edit, ExpectedRevision},
    element::{AttributeRef, Element},
    ports::{LayerStore, Rest},
    query::{
        BoxInput, Comparison, Condition, Direction, LetterCase, OutputInput, QueryInput, Relation,
        SORTED_LENGTH, SelectionInput, ShapeInput, SortKeyInput, SpatialInput,
    },
    value::{AttributeType, Text, Value},
};

type Keys = Vec<(AttributeType, Direction)>;

fn sorted(keys: &[(AttributeType, Direction)], selection: SelectionInput) -> QueryInput {
    let key = |(kind, direction): &(AttributeType, Direction)| SortKeyInput {
        attribute: attribute(*kind),
        direction: *direction,
    };
    let output = OutputInput {
        order: keys.iter().map(key).collect(),
        ..OutputInput::default()
    };
    QueryInput {
        output,
        ..query(selection)
    }
}

fn everything(keys: &[(AttributeType, Direction)]) -> QueryInput {
    sorted(keys, SelectionInput::default())
}

fn ids(elements: &[Element]) -> Vec<i64> {
    elements.iter().map(|element| element.id.get()).collect()
}

async fn fill(store: &impl LayerStore, kind: AttributeType, values: Vec<Value>) {
    make_layer(store).await;
    let creations = values
        .into_iter()
        .map(|value| creation(1.0, 1.0, vec![(attribute(kind), value)]));
    edit(store, creations.collect()).await;
}

/// The plainest meaning of the order: of whole values, nulls last, then of ids.
fn compare(keys: &[(AttributeType, Direction)], left: &Element, right: &Element) -> Ordering {
    for (kind, direction) in keys {
        let place = AttributeType::ALL.iter().position(|other| other == kind);
        let (left, right) = (&left.values[place.unwrap()], &right.values[place.unwrap()]);
        let order = match (left.is_null(), right.is_null()) {
            (false, false) => left.compare(right).unwrap(),
            (left, right) => left.cmp(&right),
        };
        let order = if *direction == Direction::Descending && !left.is_null() && !right.is_null() {
            order.reverse()
        } else {
            order
        };
        if order.is_ne() {
            return order;
        }
    }
    left.id.cmp(&right.id)
}

/// Nulls come last in either direction; among equal values the lower id comes first.
pub async fn nulls_come_last_and_ids_decide(store: &impl LayerStore) {
    let integers = [Some(3), None, Some(1), Some(3), None, Some(-2)];
    let values = integers.map(|number| number.map_or(Value::Null, Value::Integer));
    fill(store, AttributeType::Integer, values.to_vec()).await;
    for size in [1, 2, 5, 6, 7] {
        let up = everything(&[(AttributeType::Integer, Direction::Ascending)]);
        assert_eq!(ids(&read(store, up, rows(size)).await), [6, 3, 1, 4, 2, 5]);
        let down = everything(&[(AttributeType::Integer, Direction::Descending)]);
        assert_eq!(
            ids(&read(store, down, rows(size)).await),
            [1, 4, 3, 6, 2, 5]
        );
    }
}

/// R115: texts by code point, bytes by byte, numbers to the last bit, minus zero as zero.
pub async fn values_order_alike_everywhere(store: &impl LayerStore) {
    let texts = ["b", "ä", "B", "a", "\u{10FFFF}", "", "\u{FFFD}", "Z", "aa"];
    let texts = texts.map(|text| Value::text(text).unwrap()).to_vec();
    fill(store, AttributeType::String, texts).await;
    let up = everything(&[(AttributeType::String, Direction::Ascending)]);
    let found = ids(&read(store, up, rows(2)).await);
    assert_eq!(found, [6, 3, 8, 4, 9, 1, 2, 7, 5]);
    let numbers = [0.0, -0.0, -1e300, 5e-324, 0.1, 0.1_f64.next_down()];
    let bytes = [
        vec![1],
        vec![],
        vec![0, 255],
        vec![0],
        vec![255],
        vec![0, 1],
    ];
    for (id, (number, bytes)) in (1..).zip(numbers.into_iter().zip(bytes)) {
        let values = vec![
            (
                attribute(AttributeType::Double),
                Value::double(number).unwrap(),
            ),
            (attribute(AttributeType::Binary), Value::Binary(bytes)),
        ];
        let change = crate::element::ChangeInput {
            geometry: None,
            values,
        };
        let id = ElementId::new(id).unwrap();
        done(store, super::change(id, ExpectedRevision::Any, change)).await;
    }
    let of = async |kind| {
        let found = read(store, everything(&[(kind, Direction::Ascending)]), rows(2));
        ids(&found.await)
    };
    assert_eq!(of(AttributeType::Double).await[..6], [3, 1, 2, 4, 6, 5]);
    assert_eq!(of(AttributeType::Binary).await[..6], [2, 4, 6, 3, 1, 5]);
}

/// What comes after the first [`SORTED_LENGTH`] characters or bytes decides nothing, and loses nothing.
pub async fn long_values_order_by_their_beginning(store: &impl LayerStore) {
    let beginning = "é".repeat(SORTED_LENGTH);
    let texts = [
        format!("{beginning}z"),
        beginning.clone(),
        format!("{beginning}a"),
        "é".repeat(SORTED_LENGTH - 1),
    ];
    let texts = texts.map(|text| Value::text(text).unwrap()).to_vec();
    fill(store, AttributeType::String, texts).await;
    for size in [1, 2, 3, 4] {
        let up = everything(&[(AttributeType::String, Direction::Ascending)]);
        let found = read(store, up, rows(size)).await;
        assert_eq!(ids(&found), [4, 1, 2, 3]);
        let Value::String(text) = &found[1].values[0] else {
            panic!("a text");
        };
        assert!(text.as_str().ends_with('z'), "values are whole");
    }
}

/// A page goes on from a place in the order, although the element that was there is gone or has moved.
pub async fn a_place_outlives_its_element(store: &impl LayerStore) {
    let texts = ["d", "b", "a", "c"].map(|text| Value::text(text).unwrap());
    fill(store, AttributeType::String, texts.to_vec()).await;
    let up = || everything(&[(AttributeType::String, Direction::Ascending)]);
    let checked = up().check(&definition()).unwrap();
    let first = store.read(&checked, None, rows(2), later()).await.unwrap();
    assert_eq!(ids(&first.elements), [3, 2]);
    let Rest::After(mark) = first.rest else {
        panic!("there is more");
    };
    let [last, next] = [2, 4].map(|id| ElementId::new(id).unwrap());
    done(store, renaming(next, ExpectedRevision::Any, "bb")).await;
    let expected = ExpectedRevision::Any;
    done(
        store,
        Edit::Delete {
            element: last,
            expected,
        },
    )
    .await;
    let rest = store.read(&checked, Some(&mark), rows(9), later()).await;
    assert_eq!(ids(&rest.unwrap().elements), [4, 1]);
}

/// Boxes, geometries and conditions select in a sorted read as they do in one by id.
pub async fn what_a_query_asks_for_holds_in_any_order(store: &impl LayerStore) {
    make_layer(store).await;
    let place = |n: i32| {
        let text = Value::text(if n % 3 == 0 { "ÉCOLE" } else { "x" }).unwrap();
        let values = vec![
            (
                attribute(AttributeType::Integer),
                Value::Integer(-i64::from(n)),
            ),
            (attribute(AttributeType::String), text),
        ];
        creation(f64::from(n), 0.0, values)
    };
    edit(store, (0..40).map(place).collect()).await;
    let bbox = Some(BoxInput {
        min_x: 3.5,
        min_y: -1.0,
        max_x: 30.5,
        max_y: 1.0,
        epsg: None,
    });
    let triangle = super::reads::triangle([(0.0, -1.0), (20.0, 0.0), (0.0, 1.0), (0.0, -1.0)]);
    let intersects = SpatialInput {
        relation: Relation::Intersects,
        shape: ShapeInput::Geometry(triangle),
        epsg: None,
    };
    let folded = Some(Condition::Contains {
        attribute: attribute(AttributeType::String),
        text: Text::new("école").unwrap(),
        case: LetterCase::Ignored,
    });
    let exact = Some(Condition::Compare {
        attribute: attribute(AttributeType::Integer),
        comparison: Comparison::Less,
        value: Value::Integer(-12),
    });
    for condition in [None, exact, folded] {
        let selection = SelectionInput {
            ids: None,
            bbox,
            spatial: Some(intersects.clone()),
            condition,
            cql2: None,
            as_of: None,
        };
        let mut by_id = read(store, query(selection.clone()), rows(100)).await;
        assert!(!by_id.is_empty());
        by_id.reverse();
        for size in [1, 3, 100] {
            let keys = [(AttributeType::Integer, Direction::Ascending)];
            let found = read(store, sorted(&keys, selection.clone()), rows(size)).await;
            assert_eq!(found, by_id);
        }
    }
}

/// Elements, orders, sizes of pages, and what is edited between the pages.
#[derive(Clone, Debug)]
pub struct Case {
    rows: Vec<Vec<(AttributeRef, Value)>>,
    keys: Keys,
    size: u32,
    edits: Vec<(i64, bool)>,
}

/// Cases of all kinds.
pub fn cases() -> impl Strategy<Value = Case> {
    let direction = select(vec![Direction::Ascending, Direction::Descending]);
    let keys = prop::sample::subsequence(AttributeType::ALL.to_vec(), 1..4).prop_shuffle();
    let keys = (keys, prop::collection::vec(direction, 4))
        .prop_map(|(kinds, directions)| kinds.into_iter().zip(directions).collect());
    let edits = prop::collection::vec((1..20_i64, any::<bool>()), 0..6);
    (prop::collection::vec(row(), 1..20), keys, 1..7_u32, edits).prop_map(
        |(rows, keys, size, edits)| Case {
            rows,
            keys,
            size,
            edits,
        },
    )
}

/// R112, R115: pages of any size join to the sorted whole; edits between them double or lose no element that they do
/// not touch. The store is one without layers.
pub async fn pages_join_to_the_sorted_whole(store: &impl LayerStore, case: Case) {
    let Case {
        rows: given,
        keys,
        size,
        edits,
    } = case;
    make_layer(store).await;
    let creations = given.into_iter().map(|values| creation(0.0, 0.0, values));
    edit(store, creations.collect()).await;
    let mut whole = read_all(store).await;
    whole.sort_by(|left, right| compare(&keys, left, right));
    assert_eq!(read(store, everything(&keys), rows(size)).await, whole);
    let touched: Vec<i64> = edits.iter().map(|(id, _)| *id).collect();
    let checked = everything(&keys).check(&definition()).unwrap();
    let (mut found, mut after, mut edits) = (Vec::new(), None, edits.into_iter());
    loop {
        let chunk = store
            .read(&checked, after.as_ref(), rows(size), later())
            .await;
        let chunk = chunk.unwrap();
        found.extend(ids(&chunk.elements));
        match chunk.rest {
            Rest::After(mark) => after = Some(mark),
            Rest::End => break,
        }
        if let Some((id, deletes)) = edits.next() {
            let (element, expected) = (ElementId::new(id).unwrap(), ExpectedRevision::Any);
            let act = if deletes {
                Edit::Delete { element, expected }
            } else {
                renaming(element, expected, "moved")
            };
            edit(store, vec![act]).await;
        }
    }
    let untouched = |id: &i64| !touched.contains(id);
    found.retain(untouched);
    let mut expected = ids(&whole);
    expected.retain(untouched);
    assert_eq!(found, expected, "{keys:?}");
}
