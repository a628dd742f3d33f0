//! Filters on attribute values.

use jmap_proto::layerdata::{
    AttributeRef as WireRef, Comparison as WireComparison, ComparisonOperator, Condition as Wire,
    Conditions, Filter, Membership, PatternCondition, Range, TextCondition, condition::Kind,
    filter::Form,
};
use jmap_wire::{FieldPath, FieldViolation, Violation, enumeration, required};
use layer_data_core::{
    element::AttributeRef,
    query::{Comparison, Condition, Cql2, LetterCase, Pattern},
    value::{Text, Value},
};

use super::{attribute_ref, value};

/// A filter, in the form that it was given in.
pub(super) enum Parsed {
    Tree(Condition<AttributeRef>),
    Cql2(Cql2),
}

/// Parses a filter. Nesting of a tree is bounded by the decoder before it gets here, and by the core's own limit after.
pub(super) fn filter(path: &FieldPath, filter: Filter) -> Result<Parsed, FieldViolation> {
    let Filter { form } = filter;
    match required(path.field("form"), form)? {
        Form::Tree(tree) => condition(&path.field("tree"), tree).map(Parsed::Tree),
        Form::Cql2Text(text) => Cql2::from_text(&text)
            .map(Parsed::Cql2)
            .map_err(|error| path.field("cql2_text").invalid(error)),
        Form::Cql2Json(json) => Cql2::from_json(&json)
            .map(Parsed::Cql2)
            .map_err(|error| path.field("cql2_json").invalid(error)),
    }
}

fn condition(path: &FieldPath, wire: Wire) -> Result<Condition<AttributeRef>, FieldViolation> {
    let Wire { kind } = wire;
    match required(path.clone(), kind)? {
        Kind::And(all) => Ok(Condition::And(conditions(&path.field("and"), all)?)),
        Kind::Or(any) => Ok(Condition::Or(conditions(&path.field("or"), any)?)),
        Kind::Not(negated) => {
            let negated = condition(&path.field("not"), *negated)?;
            Ok(Condition::Not(Box::new(negated)))
        }
        Kind::Comparison(wire) => comparison(&path.field("comparison"), wire),
        Kind::In(wire) => membership(&path.field("in"), wire),
        Kind::Contains(wire) => contains(&path.field("contains"), wire),
        Kind::IsNull(wire) => attribute(&path.field("is_null"), wire).map(Condition::IsNull),
        Kind::IsEmpty(wire) => attribute(&path.field("is_empty"), wire).map(Condition::IsEmpty),
        Kind::Between(wire) => between(&path.field("between"), wire),
        Kind::Like(wire) => like(&path.field("like"), wire),
    }
}

fn conditions(
    path: &FieldPath,
    wire: Conditions,
) -> Result<Vec<Condition<AttributeRef>>, FieldViolation> {
    let Conditions { conditions } = wire;
    let path = path.field("conditions");
    let parse = |(index, wire)| condition(&path.item(index), wire);
    conditions.into_iter().enumerate().map(parse).collect()
}

fn attribute(path: &FieldPath, wire: WireRef) -> Result<AttributeRef, FieldViolation> {
    attribute_ref(path, Some(wire))
}

fn comparison(
    path: &FieldPath,
    wire: WireComparison,
) -> Result<Condition<AttributeRef>, FieldViolation> {
    let WireComparison {
        attribute,
        operator: number,
        value: given,
    } = wire;
    Ok(Condition::Compare {
        attribute: attribute_ref(&path.field("attribute"), attribute)?,
        comparison: enumeration(path.field("operator"), number, operator)?,
        value: value(path.field("value"), given)?,
    })
}

const fn operator(operator: ComparisonOperator) -> Option<Comparison> {
    match operator {
        ComparisonOperator::Unspecified => None,
        ComparisonOperator::Equal => Some(Comparison::Equal),
        ComparisonOperator::NotEqual => Some(Comparison::NotEqual),
        ComparisonOperator::Less => Some(Comparison::Less),
        ComparisonOperator::LessOrEqual => Some(Comparison::LessOrEqual),
        ComparisonOperator::Greater => Some(Comparison::Greater),
        ComparisonOperator::GreaterOrEqual => Some(Comparison::GreaterOrEqual),
    }
}

fn membership(
    path: &FieldPath,
    wire: Membership,
) -> Result<Condition<AttributeRef>, FieldViolation> {
    let Membership { attribute, values } = wire;
    let path_of_values = path.field("values");
    if values.is_empty() {
        return Err(path_of_values.violates(Violation::Missing));
    }
    let parse = |(index, given)| value(path_of_values.item(index), Some(given));
    let values = values.into_iter().enumerate().map(parse);
    Ok(Condition::In {
        attribute: attribute_ref(&path.field("attribute"), attribute)?,
        values: values.collect::<Result<Vec<Value>, _>>()?,
    })
}

fn contains(
    path: &FieldPath,
    wire: TextCondition,
) -> Result<Condition<AttributeRef>, FieldViolation> {
    let TextCondition {
        attribute,
        text,
        ignore_case,
    } = wire;
    if text.is_empty() {
        return Err(path.field("text").violates(Violation::Missing));
    }
    Ok(Condition::Contains {
        attribute: attribute_ref(&path.field("attribute"), attribute)?,
        text: Text::new(text).map_err(|error| path.field("text").invalid(error))?,
        case: letter_case(ignore_case),
    })
}

fn like(
    path: &FieldPath,
    wire: PatternCondition,
) -> Result<Condition<AttributeRef>, FieldViolation> {
    let PatternCondition {
        attribute,
        pattern,
        ignore_case,
    } = wire;
    let parsed = Pattern::parse(&pattern);
    Ok(Condition::Like {
        attribute: attribute_ref(&path.field("attribute"), attribute)?,
        pattern: parsed.map_err(|error| path.field("pattern").invalid(error))?,
        case: letter_case(ignore_case),
    })
}

const fn letter_case(ignored: bool) -> LetterCase {
    if ignored {
        LetterCase::Ignored
    } else {
        LetterCase::Exact
    }
}

fn between(path: &FieldPath, wire: Range) -> Result<Condition<AttributeRef>, FieldViolation> {
    let Range {
        attribute,
        min_value,
        max_value,
    } = wire;
    Ok(Condition::Between {
        attribute: attribute_ref(&path.field("attribute"), attribute)?,
        least: value(path.field("min_value"), min_value)?,
        greatest: value(path.field("max_value"), max_value)?,
    })
}
