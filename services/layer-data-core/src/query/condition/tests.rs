//! Conditions against a definition.

use super::*;
use crate::{
    conformance::definition, element::AttributeRef, query::QueryError, value::AttributeType,
};

fn named(name: &str) -> AttributeRef {
    AttributeRef::Name(name.to_owned())
}

fn compare(name: &str, comparison: Comparison, value: Value) -> Condition<AttributeRef> {
    Condition::Compare {
        attribute: named(name),
        comparison,
        value,
    }
}

fn refused(condition: Condition<AttributeRef>) -> QueryError {
    condition.check(&definition()).unwrap_err()
}

fn holds(condition: Condition<AttributeRef>, value: &Value) -> bool {
    condition.check(&definition()).unwrap().holds(&|_| value)
}

#[test]
fn an_unknown_attribute_is_refused_by_name() {
    // R105, R113.
    assert_eq!(
        refused(Condition::IsNull(named("nothing"))),
        QueryError::UnknownAttribute("nothing".to_owned())
    );
    // Names are exact.
    assert!(matches!(
        refused(Condition::IsNull(named("String"))),
        QueryError::UnknownAttribute(_)
    ));
}

#[test]
fn values_of_another_type_and_null_are_refused() {
    // R105.
    for value in [
        Value::Null,
        Value::text("1").unwrap(),
        Value::double(1.0).unwrap(),
    ] {
        let wrong = QueryError::WrongType {
            attribute: "integer".to_owned(),
            expected: AttributeType::Integer,
        };
        assert_eq!(refused(compare("integer", Comparison::Equal, value)), wrong);
    }
}

#[test]
fn conditions_that_a_type_does_not_have_are_refused() {
    let kind = AttributeType::Boolean;
    let refusal = QueryError::NotApplicable {
        attribute: "boolean".to_owned(),
        kind,
    };
    assert_eq!(
        refused(compare("boolean", Comparison::Less, Value::Boolean(true))),
        refusal
    );
    assert_eq!(refused(Condition::IsEmpty(named("boolean"))), refusal);
    let text = Text::new("x").unwrap();
    let contains = Condition::Contains {
        attribute: named("boolean"),
        text,
        case: LetterCase::Exact,
    };
    assert_eq!(refused(contains), refusal);
}

#[test]
fn depth_and_size_are_limited() {
    let leaf = || Condition::IsNull(named("string"));
    let nested = |depth| (1..depth).fold(leaf(), |inner, _| Condition::Not(Box::new(inner)));
    assert!(nested(MAX_DEPTH).check(&definition()).is_ok());
    assert_eq!(refused(nested(MAX_DEPTH + 1)), QueryError::TooDeep);
    let wide = |count| Condition::And((0..count).map(|_| leaf()).collect());
    assert!(wide(MAX_NODES - 1).check(&definition()).is_ok());
    assert_eq!(refused(wide(MAX_NODES)), QueryError::TooManyConditions);
    let values = vec![Value::Integer(1); MAX_NODES];
    assert_eq!(
        refused(Condition::In {
            attribute: named("integer"),
            values
        }),
        QueryError::TooManyConditions
    );
    assert_eq!(
        refused(Condition::Or(Vec::new())),
        QueryError::EmptyJunction
    );
}

#[test]
fn what_no_database_decides_is_limited() {
    // R120.
    let like = || Condition::Like {
        attribute: named("string"),
        pattern: Pattern::parse("%x%").unwrap(),
        case: LetterCase::Exact,
    };
    let several = |count| Condition::Or((0..count).map(|_| like()).collect());
    assert!(several(MAX_SEARCHES).check(&definition()).is_ok());
    assert_eq!(
        refused(several(MAX_SEARCHES + 1)),
        QueryError::TooManySearches
    );
}

#[test]
fn comparisons_of_null_are_false_and_their_negation_true() {
    // R104.
    let not_equal = || compare("integer", Comparison::NotEqual, Value::Integer(1));
    assert!(!holds(not_equal(), &Value::Null));
    assert!(holds(Condition::Not(Box::new(not_equal())), &Value::Null));
    assert!(holds(not_equal(), &Value::Integer(2)));
}

#[test]
fn null_is_not_empty() {
    // R104.
    let empty = || Condition::IsEmpty(named("string"));
    assert!(holds(empty(), &Value::text("").unwrap()) && !holds(empty(), &Value::Null));
    let null = || Condition::IsNull(named("string"));
    assert!(holds(null(), &Value::Null) && !holds(null(), &Value::text("").unwrap()));
}

#[test]
fn case_is_ignored_by_simple_folding() {
    // R115: the sharp s folds to itself, not to two letters.
    let contains = |text: &str| Condition::Contains {
        attribute: named("string"),
        text: Text::new(text).unwrap(),
        case: LetterCase::Ignored,
    };
    let value = Value::text("ΣΊΣΥΦΟΣ Straße").unwrap();
    assert!(holds(contains("σίσυφος"), &value));
    assert!(!holds(contains("STRASSE"), &value));
    let checked = contains("ΣΊΣΥΦΟΣ").check(&definition()).unwrap();
    let folded = Condition::Contains {
        attribute: AttributeId::new(1).unwrap(),
        text: Text::new("σίσυφοσ").unwrap(),
        case: LetterCase::Ignored,
    };
    assert_eq!(checked, folded);
}
