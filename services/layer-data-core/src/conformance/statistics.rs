//! Statistics are of exactly the elements that a query finds (R110, R113, R115).

use std::num::{NonZeroU32, NonZeroU64};

use super::{conditions::attribute, creation, definition, edit, later, layer, make_layer};
use crate::{
    geometry::Bounds,
    ports::LayerStore,
    query::{BoxInput, Comparison, Condition, GeometryOutput, LetterCase, SelectionInput},
    statistics::{Distinct, Group, Statistics, StatisticsInput, Sum, TallyError},
    value::{AttributeType, Text, Value},
};

fn question(selection: SelectionInput) -> StatisticsInput {
    StatisticsInput {
        layer: layer(),
        selection,
        attributes: vec![
            attribute(AttributeType::Integer),
            attribute(AttributeType::Double),
        ],
        group_by: vec![attribute(AttributeType::String)],
        distinct: NonZeroU32::new(10),
        extent: GeometryOutput::Include,
    }
}

async fn compute(
    store: &impl LayerStore,
    input: StatisticsInput,
    maximum: Option<NonZeroU64>,
) -> Result<Statistics, TallyError> {
    let (query, tally) = input.check(&definition(), maximum).unwrap();
    let (tally, revision) = store.tally(&query, tally, later()).await.unwrap();
    tally.finish(revision)
}

/// 24 points along a line: texts `A`, `é` and none in turn, integers from 0, doubles of the half.
async fn fill(store: &impl LayerStore) {
    make_layer(store).await;
    let texts = [
        Value::text("A").unwrap(),
        Value::text("é").unwrap(),
        Value::Null,
    ];
    let element = |(n, text): (i32, Value)| {
        let values = vec![
            (attribute(AttributeType::String), text),
            (attribute(AttributeType::Integer), Value::Integer(n.into())),
            (
                attribute(AttributeType::Double),
                Value::double(f64::from(n) / 2.0).unwrap(),
            ),
        ];
        creation(f64::from(n), 1.0, values)
    };
    let numbered = (0..24).zip(texts.into_iter().cycle());
    edit(store, numbered.map(element).collect()).await;
}

fn counts(groups: &[Group]) -> Vec<u64> {
    groups.iter().map(|group| group.count).collect()
}

/// Values are counted and summed under every kind of selection, and grouped with null as a group of its own.
pub async fn are_those_of_the_selection(store: &impl LayerStore) {
    fill(store).await;
    let found = compute(store, question(SelectionInput::default()), None).await;
    let groups = found.unwrap().groups;
    let keys: Vec<_> = groups.iter().map(|group| group.keys[0].clone()).collect();
    let [capital, accented] = ["A", "é"].map(|text| Value::text(text).unwrap());
    assert_eq!(keys, [capital, accented, Value::Null]);
    assert_eq!(counts(&groups), [8, 8, 8]);
    let [integers, doubles] = groups[0].attributes.as_slice() else {
        panic!("two attributes");
    };
    assert_eq!(integers.least, Some(Value::Integer(0)));
    assert_eq!(integers.greatest, Some(Value::Integer(21)));
    let moments = integers.moments.unwrap();
    assert_eq!(moments.sum, Sum::Integer(84));
    assert!((moments.deviation - 47.25_f64.sqrt()).abs() < 1e-9);
    assert_eq!(doubles.moments.unwrap().sum, Sum::Double(42.0));
    assert!(matches!(&doubles.distinct, Some(Distinct::Values(values)) if values.len() == 8));
    let extent = Bounds {
        min_x: 0.0,
        min_y: 1.0,
        max_x: 21.0,
        max_y: 1.0,
    };
    assert_eq!(groups[0].extent, Some(extent));
    let condition = |condition| SelectionInput {
        condition: Some(condition),
        ..SelectionInput::default()
    };
    let folded = condition(Condition::Contains {
        attribute: attribute(AttributeType::String),
        text: Text::new("É").unwrap(),
        case: LetterCase::Ignored,
    });
    let few = condition(Condition::Compare {
        attribute: attribute(AttributeType::Integer),
        comparison: Comparison::Less,
        value: Value::Integer(5),
    });
    let boxed = SelectionInput {
        bbox: Some(BoxInput {
            min_x: 2.5,
            min_y: 0.0,
            max_x: 6.0,
            max_y: 2.0,
            epsg: None,
        }),
        ..SelectionInput::default()
    };
    for (selection, expected) in [(folded, &[8][..]), (few, &[2, 2, 1]), (boxed, &[2, 1, 1])] {
        let found = compute(store, question(selection), None).await.unwrap();
        assert_eq!(counts(&found.groups), expected);
    }
}

/// Of no elements there is one group without groups asked for, and none otherwise.
pub async fn are_of_nothing_as_well(store: &impl LayerStore) {
    make_layer(store).await;
    let grouped = compute(store, question(SelectionInput::default()), None).await;
    assert_eq!(grouped.unwrap().groups, []);
    let whole = StatisticsInput {
        group_by: Vec::new(),
        ..question(SelectionInput::default())
    };
    let groups = compute(store, whole, None).await.unwrap().groups;
    assert_eq!(counts(&groups), [0]);
    assert_eq!(
        (groups[0].extent, groups[0].attributes[0].moments),
        (None, None)
    );
}

/// R112: a maximum fails and never truncates.
pub async fn stop_where_there_is_too_much(store: &impl LayerStore) {
    fill(store).await;
    let all = || question(SelectionInput::default());
    let [most, fewer] = [24, 23].map(NonZeroU64::new);
    assert!(compute(store, all(), most).await.is_ok());
    let maximum = fewer.unwrap();
    assert_eq!(
        compute(store, all(), fewer).await,
        Err(TallyError::TooManyElements { maximum })
    );
    // The connection of what was stopped half-way serves the next.
    assert!(compute(store, all(), most).await.is_ok());
}
