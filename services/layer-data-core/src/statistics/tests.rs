//! Statistics beside the plainest computation.

use proptest::prelude::*;

use super::*;
use crate::{
    conformance::{definition, layer},
    value::Finite,
};

fn by(kind: AttributeType) -> AttributeRef {
    AttributeRef::Name(kind.name().to_owned())
}

fn question(attributes: &[AttributeType], group_by: &[AttributeType]) -> StatisticsInput {
    StatisticsInput {
        layer: layer(),
        selection: SelectionInput::default(),
        attributes: attributes.iter().copied().map(by).collect(),
        group_by: group_by.iter().copied().map(by).collect(),
        distinct: None,
        extent: GeometryOutput::Omit,
    }
}

fn tally(question: StatisticsInput, rows: Vec<Vec<Value>>) -> Result<Vec<Group>, TallyError> {
    let (_, mut tally) = question.check(&definition(), None).unwrap();
    for values in rows {
        if tally.add(&values, None).is_break() {
            break;
        }
    }
    Ok(tally.finish(DataRevision::default())?.groups)
}

fn of_one(kind: AttributeType, values: Vec<Value>) -> AttributeStatistics {
    let rows = values.into_iter().map(|value| vec![value]).collect();
    let mut groups = tally(question(&[kind], &[]), rows).unwrap();
    groups.remove(0).attributes.remove(0)
}

fn integers(numbers: &[i64]) -> AttributeStatistics {
    let values = numbers.iter().copied().map(Value::Integer).collect();
    of_one(AttributeType::Integer, values)
}

fn doubles(numbers: &[f64]) -> AttributeStatistics {
    let values = numbers
        .iter()
        .map(|n| Value::Double(Finite::new(*n).unwrap()));
    of_one(AttributeType::Double, values.collect())
}

#[test]
fn integers_are_summed_exactly_beyond_64_bits() {
    // R115.
    let moments = integers(&[i64::MAX, i64::MAX, i64::MAX - 4])
        .moments
        .unwrap();
    assert_eq!(moments.sum, Sum::Integer(i128::from(i64::MAX) * 3 - 4));
    let extremes = integers(&[i64::MIN, i64::MAX]).moments.unwrap();
    assert_eq!(extremes.sum, Sum::Integer(-1));
    assert!((extremes.deviation / 2_f64.powi(63) - 1.0).abs() < 1e-12);
    // Large numbers that differ little keep their differences.
    let close = integers(&[i64::MAX, i64::MAX - 2]).moments.unwrap();
    assert!((close.deviation - 1.0).abs() < 1e-12);
}

#[test]
fn rounding_loses_nothing_that_counts() {
    let moments = doubles(&[1e100, 1.0, -1e100]).moments.unwrap();
    assert_eq!(moments.sum, Sum::Double(1.0));
    let far = doubles(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
    assert!((far.moments.unwrap().deviation - 22.5_f64.sqrt()).abs() < 1e-9);
}

#[test]
fn nothing_is_infinite_or_not_a_number() {
    // R115.
    for numbers in [
        &[f64::MAX, f64::MAX, -f64::MAX][..],
        &[f64::MAX],
        &[1e140, 1e141],
    ] {
        let statistics = doubles(numbers);
        assert_eq!(statistics.moments, None);
        assert!(statistics.greatest.is_some());
    }
    let moments = doubles(&[1e140, -1e140]).moments.unwrap();
    assert!(moments.deviation.is_finite() && moments.mean.abs() < 1.0);
    let none = of_one(AttributeType::Double, vec![Value::Null]);
    assert_eq!(none, AttributeStatistics::default());
}

#[test]
fn null_makes_a_group_and_no_value() {
    let text = |text: &str| Value::text(text).unwrap();
    let rows = vec![
        vec![Value::Null, Value::Integer(1)],
        vec![text("b"), Value::Null],
        vec![Value::Null, Value::Integer(3)],
        vec![text("a"), Value::Integer(5)],
    ];
    let question = question(&[AttributeType::Integer], &[AttributeType::String]);
    let groups = tally(question, rows).unwrap();
    let told: Vec<_> = groups
        .iter()
        .map(|group| {
            (
                group.keys[0].clone(),
                group.count,
                group.attributes[0].count,
            )
        })
        .collect();
    assert_eq!(
        told,
        [(text("a"), 1, 1), (text("b"), 1, 0), (Value::Null, 2, 2)]
    );
}

#[test]
fn an_attribute_may_be_grouped_by_and_summed_up() {
    let kinds = [AttributeType::Integer];
    let groups = tally(question(&kinds, &kinds), vec![vec![Value::Integer(4)]; 3]).unwrap();
    let moments = groups[0].attributes[0].moments.unwrap();
    assert_eq!((groups[0].count, moments.sum), (3, Sum::Integer(12)));
}

#[test]
fn too_much_fails_and_is_never_cut() {
    // R112.
    let numbered = |count: i64| (0..count).map(|n| vec![Value::Integer(n)]).collect();
    let grouped = || question(&[], &[AttributeType::Integer]);
    assert_eq!(tally(grouped(), numbered(1_000)).unwrap().len(), 1_000);
    assert_eq!(
        tally(grouped(), numbered(1_001)).unwrap_err(),
        TallyError::TooManyGroups
    );
    let long = |n: usize| vec![Value::text(format!("{n}{}", "x".repeat(1 << 16))).unwrap()];
    let texts = question(&[], &[AttributeType::String]);
    assert_eq!(
        tally(texts, (0..40).map(long).collect()).unwrap_err(),
        TallyError::TooLarge
    );
}

#[test]
fn distinct_values_are_all_or_said_to_be_too_many() {
    // R112.
    let wanted = || StatisticsInput {
        distinct: NonZeroU32::new(2),
        ..question(&[AttributeType::Integer], &[])
    };
    let rows = |numbers: &[i64]| numbers.iter().map(|n| vec![Value::Integer(*n)]).collect();
    let told = |numbers| {
        let groups = tally(wanted(), rows(numbers)).unwrap();
        groups[0].attributes[0].distinct.clone().unwrap()
    };
    let two = vec![(Value::Integer(1), 2), (Value::Integer(7), 1)];
    assert_eq!(told(&[7, 1, 1]), Distinct::Values(two));
    assert_eq!(told(&[7, 1, 1, 2]), Distinct::TooMany);
}

#[test]
fn what_the_layer_has_not_is_named() {
    // R105.
    let unknown = || vec![AttributeRef::Name("colour".to_owned())];
    let check = |input: StatisticsInput| input.check(&definition(), None).unwrap_err();
    let plain = || question(&[], &[]);
    assert_eq!(
        check(StatisticsInput {
            attributes: unknown(),
            ..plain()
        }),
        StatisticsFault::UnknownAttribute("colour".to_owned())
    );
    assert_eq!(
        check(StatisticsInput {
            group_by: unknown(),
            ..plain()
        }),
        StatisticsFault::UnknownGroupKey("colour".to_owned())
    );
    let twice = [AttributeType::Integer; 2];
    assert_eq!(
        check(question(&twice, &[])),
        StatisticsFault::RepeatedAttribute("integer".to_owned())
    );
}

proptest! {
    /// R115: as computed plainly, in whichever order the numbers come.
    #[test]
    fn moments_are_those_of_the_plain_formulas(
        numbers in prop::collection::vec(-1e6_f64..1e6, 1..60)
    ) {
        let count = f64::from(u32::try_from(numbers.len()).unwrap());
        let mean = numbers.iter().sum::<f64>() / count;
        let variance = numbers.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / count;
        let backwards: Vec<f64> = numbers.iter().rev().copied().collect();
        for numbers in [numbers, backwards] {
            let moments = doubles(&numbers).moments.unwrap();
            prop_assert!((moments.mean - mean).abs() < 1e-3);
            prop_assert!((moments.sum.rounded() - mean * count).abs() < 1e-3);
            prop_assert!((moments.deviation - variance.sqrt()).abs() < 1e-3);
        }
    }
}
