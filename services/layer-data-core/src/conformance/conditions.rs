//! Conditions mean in a store what they mean in the core, for values and trees of all kinds.

use proptest::{prelude::*, sample::select};

use super::{creation, definition, edit, make_layer, named, query, read, read_all, rows};
use crate::{
    element::AttributeRef,
    ports::LayerStore,
    query::{CheckedQuery, Comparison, Condition, LetterCase, Pattern, SelectionInput},
    value::{AttributeType, Date, DateTime, Text, Value},
};

/// Elements, by their values, and conditions on them.
#[derive(Clone, Debug)]
pub struct Case {
    rows: Vec<Vec<(AttributeRef, Value)>>,
    conditions: Vec<Condition<AttributeRef>>,
}

/// Cases of all kinds.
pub fn cases() -> impl Strategy<Value = Case> {
    let rows = prop::collection::vec(row(), 1..12);
    let conditions = prop::collection::vec(condition(), 16);
    (rows, conditions).prop_map(|(rows, conditions)| Case { rows, conditions })
}

/// R104, R110, R111, R115: a store without layers finds what the core says holds.
pub async fn are_decided_as_by_the_core(store: &impl LayerStore, case: Case) {
    make_layer(store).await;
    let creations = case
        .rows
        .into_iter()
        .map(|values| creation(0.0, 0.0, values));
    edit(store, creations.collect()).await;
    let (all, definition) = (read_all(store).await, definition());
    for condition in case.conditions {
        let checked = condition.clone().check(&definition).unwrap();
        let mut expected = all.clone();
        expected.retain(|element| {
            let value_of = |id| {
                let place = definition.attribute(id).map(|(place, _)| place);
                place.map_or(&Value::Null, |place| &element.values[place])
            };
            checked.holds(&value_of)
        });
        let found = read(store, query(selecting(condition)), rows(3)).await;
        assert_eq!(found, expected, "{checked:?}");
    }
}

fn selecting(condition: Condition<AttributeRef>) -> SelectionInput {
    SelectionInput {
        condition: Some(condition),
        ..SelectionInput::default()
    }
}

/// The longest and the deepest filter are within the limits of the store's engine.
pub async fn may_be_long_and_deep(store: &impl LayerStore) {
    make_layer(store).await;
    let one = || Condition::IsNull(attribute(AttributeType::String));
    let wide = Condition::Or((0..999).map(|_| one()).collect());
    let deep = (0..31).fold(one(), |inner, _| Condition::Not(Box::new(inner)));
    for condition in [wide, deep] {
        let found = read(store, query(selecting(condition)), rows(1)).await;
        assert!(found.is_empty());
    }
}

/// Elements, and a query that looks at all of them for many seconds and finds none.
pub async fn that_takes_long(store: &impl LayerStore) -> CheckedQuery {
    make_layer(store).await;
    let text = "a".repeat(4_000);
    let elements = (0..2_000).map(|n| creation(f64::from(n) / 100.0, 0.0, named(&text)));
    edit(store, elements.collect()).await;
    let missing = |n: u32| Condition::Contains {
        attribute: attribute(AttributeType::String),
        text: Text::new("a".repeat(500) + &n.to_string()).unwrap(),
        case: LetterCase::Exact,
    };
    let condition = Condition::Or((0..900).map(missing).collect());
    query(selecting(condition)).check(&definition()).unwrap()
}

fn value(kind: AttributeType) -> BoxedStrategy<Value> {
    match kind {
        AttributeType::String => select(vec![
            "",
            "a",
            "A",
            "ä",
            "Ä",
            "ab",
            "\u{10FFFF}",
            "ﬀ",
            "'",
            "\"",
            "%",
        ])
        .prop_map(|t| Value::text(t).unwrap())
        .boxed(),
        AttributeType::Integer => select(vec![i64::MIN, -1, 0, 1, (1 << 53) + 1, i64::MAX])
            .prop_map(Value::Integer)
            .boxed(),
        AttributeType::Double => select(vec![
            -1.5,
            -0.0,
            0.1,
            1e300,
            5e-324,
            1_152_921_504_606_846_976.0,
        ])
        .prop_map(|number| Value::double(number).unwrap())
        .boxed(),
        AttributeType::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        AttributeType::Date => select(vec![-719_162, -1, 0, 2_932_896])
            .prop_map(|days| Value::Date(Date::from_days(days).unwrap()))
            .boxed(),
        AttributeType::DateTime => {
            select(vec![-62_135_596_800_000, -1, 0, 999, 253_402_300_799_999])
                .prop_map(|millis| Value::DateTime(DateTime::from_millis(millis).unwrap()))
                .boxed()
        }
        AttributeType::Binary => select(vec![vec![], vec![0], vec![0, 1], vec![255]])
            .prop_map(Value::Binary)
            .boxed(),
    }
}

/// The attribute of a type.
pub(super) fn attribute(kind: AttributeType) -> AttributeRef {
    AttributeRef::Name(kind.name().to_owned())
}

/// Values for all attributes, some of them null.
pub(crate) fn row() -> impl Strategy<Value = Vec<(AttributeRef, Value)>> {
    let cell = |kind| {
        prop_oneof![1 => Just(Value::Null), 3 => value(kind)]
            .prop_map(move |value| (attribute(kind), value))
    };
    AttributeType::ALL.map(cell).to_vec()
}

fn comparison(kind: AttributeType) -> impl Strategy<Value = Comparison> {
    let ordered = [
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ];
    let mut all = vec![Comparison::Equal, Comparison::NotEqual];
    all.extend(ordered.into_iter().filter(|_| kind.is_ordered()));
    select(all)
}

fn leaf(kind: AttributeType) -> BoxedStrategy<Condition<AttributeRef>> {
    let compare =
        (comparison(kind), value(kind)).prop_map(move |(comparison, value)| Condition::Compare {
            attribute: attribute(kind),
            comparison,
            value,
        });
    let within = prop::collection::vec(value(kind), 1..3).prop_map(move |values| Condition::In {
        attribute: attribute(kind),
        values,
    });
    let null = Just(Condition::IsNull(attribute(kind)));
    let mut leaves = vec![compare.boxed(), within.boxed(), null.boxed()];
    if kind.is_ordered() {
        let between =
            (value(kind), value(kind)).prop_map(move |(least, greatest)| Condition::Between {
                attribute: attribute(kind),
                least,
                greatest,
            });
        leaves.push(between.boxed());
    }
    if matches!(kind, AttributeType::String | AttributeType::Binary) {
        leaves.push(Just(Condition::IsEmpty(attribute(kind))).boxed());
    }
    if kind == AttributeType::String {
        let case = select(vec![LetterCase::Exact, LetterCase::Ignored]);
        let text = select(vec!["", "a", "A", "Ä", "\u{10FFFF}", "'"]);
        let contains = (text, case).prop_map(move |(text, case)| Condition::Contains {
            attribute: attribute(kind),
            text: Text::new(text).unwrap(),
            case,
        });
        leaves.push(contains.boxed());
        let case = select(vec![LetterCase::Exact, LetterCase::Ignored]);
        let pattern = select(vec!["", "%", "_", "a%", "%B", "Ä_", r"\%", "%\u{10FFFF}%"]);
        let like = (pattern, case).prop_map(move |(pattern, case)| Condition::Like {
            attribute: attribute(kind),
            pattern: Pattern::parse(pattern).unwrap(),
            case,
        });
        leaves.push(like.boxed());
    }
    prop::strategy::Union::new(leaves).boxed()
}

fn condition() -> impl Strategy<Value = Condition<AttributeRef>> {
    conditions_on(AttributeType::ALL.to_vec())
}

/// Conditions on attributes of these types.
pub(crate) fn conditions_on(
    kinds: Vec<AttributeType>,
) -> impl Strategy<Value = Condition<AttributeRef>> {
    select(kinds)
        .prop_flat_map(leaf)
        .prop_recursive(3, 12, 3, |inner| {
            let several = || prop::collection::vec(inner.clone(), 1..4);
            prop_oneof![
                several().prop_map(Condition::And),
                several().prop_map(Condition::Or),
                inner
                    .clone()
                    .prop_map(|inner| Condition::Not(Box::new(inner))),
            ]
        })
}
