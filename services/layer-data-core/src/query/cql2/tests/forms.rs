//! Both forms of CQL2, written from conditions and compared with a naive reading of three-valued logic.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::{
    conformance::conditions::{conditions_on, row},
    query::LetterCase,
    value::{AttributeType, Value},
};

fn named(attribute: &AttributeRef) -> String {
    attribute.to_string()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A value in both forms.
fn literal(value: &Value) -> (String, Json) {
    match value {
        Value::String(text) => (quoted(text.as_str()), json!(text.as_str())),
        Value::Integer(number) => (number.to_string(), json!(number)),
        Value::Double(number) => (format!("{:?}", number.get()), json!(number.get())),
        Value::Boolean(truth) => (truth.to_string(), json!(truth)),
        Value::Date(day) => (format!("DATE('{day}')"), json!({"date": day.to_string()})),
        Value::DateTime(time) => (
            format!("TIMESTAMP('{time}')"),
            json!({"timestamp": time.to_string()}),
        ),
        Value::Null | Value::Binary(_) => panic!("CQL2 has no such literal"),
    }
}

/// The pattern that says what a condition of the tree says, and both sides of `like` as they are compared.
fn pattern(attribute: &str, case: LetterCase, pattern: &str) -> (String, Json) {
    let args = (json!({"property": attribute}), json!(pattern));
    match case {
        LetterCase::Exact => (
            format!("\"{attribute}\" LIKE {}", quoted(pattern)),
            json!({"op": "like", "args": [args.0, args.1]}),
        ),
        LetterCase::Ignored => (
            format!("CASEI(\"{attribute}\") LIKE CASEI({})", quoted(pattern)),
            json!({"op": "like", "args": [
                {"op": "casei", "args": [args.0]},
                {"op": "casei", "args": [args.1]},
            ]}),
        ),
    }
}

/// A condition in both forms; patterns are given beside it, because they cannot be read back.
fn written(condition: &Condition<AttributeRef>) -> (String, Json) {
    let several = |op: &str, parts: &[Condition<AttributeRef>]| {
        if let [only] = parts {
            return written(only);
        }
        let (texts, jsons): (Vec<_>, Vec<_>) = parts.iter().map(written).unzip();
        let text = texts.join(&format!(" {op} "));
        (format!("({text})"), json!({"op": op, "args": jsons}))
    };
    match condition {
        Condition::And(parts) => several("and", parts),
        Condition::Or(parts) => several("or", parts),
        Condition::Not(inner) => {
            let (text, json) = written(inner);
            (format!("NOT {text}"), json!({"op": "not", "args": [json]}))
        }
        Condition::Compare {
            attribute,
            comparison,
            value,
        } => {
            let ((text, value), op) = (literal(value), comparison.operator());
            leaf(attribute, op, &format!("{op} {text}"), vec![value])
        }
        Condition::In { attribute, values } => {
            let (texts, jsons): (Vec<_>, Vec<_>) = values.iter().map(literal).unzip();
            let text = format!("IN ({})", texts.join(", "));
            leaf(attribute, "in", &text, vec![jsons.into()])
        }
        Condition::Contains {
            attribute,
            text,
            case,
        } => pattern(&named(attribute), *case, &format!("%{}%", text.as_str())),
        Condition::Like { .. } => panic!("a pattern cannot be read back"),
        Condition::IsNull(attribute) => leaf(attribute, "isNull", "IS NULL", vec![]),
        Condition::IsEmpty(attribute) => leaf(attribute, "=", "= ''", vec![json!("")]),
        Condition::Between {
            attribute,
            least,
            greatest,
        } => {
            let (least, greatest) = (literal(least), literal(greatest));
            let text = format!("BETWEEN {} AND {}", least.0, greatest.0);
            leaf(attribute, "between", &text, vec![least.1, greatest.1])
        }
    }
}

/// What is said of an attribute: the words after its name, and the operands after it.
fn leaf(attribute: &AttributeRef, op: &str, words: &str, mut rest: Vec<Json>) -> (String, Json) {
    let name = named(attribute);
    rest.insert(0, json!({"property": name}));
    (format!("{name} {words}"), json!({"op": op, "args": rest}))
}

/// Whether CQL2 holds a condition true, false, or neither: what is said of null is neither.
fn kleene(condition: &Condition<AttributeRef>, row: &[(AttributeRef, Value)]) -> Option<bool> {
    match condition {
        Condition::And(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| kleene(part, row)).collect();
            let all = parts.iter().copied().collect::<Option<Vec<_>>>();
            if parts.contains(&Some(false)) {
                Some(false)
            } else {
                all.map(|_| true)
            }
        }
        Condition::Or(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| kleene(part, row)).collect();
            let all = parts.iter().copied().collect::<Option<Vec<_>>>();
            if parts.contains(&Some(true)) {
                Some(true)
            } else {
                all.map(|_| false)
            }
        }
        Condition::Not(inner) => kleene(inner, row).map(|truth| !truth),
        Condition::Compare { .. }
        | Condition::In { .. }
        | Condition::Contains { .. }
        | Condition::Like { .. }
        | Condition::IsNull(_)
        | Condition::IsEmpty(_)
        | Condition::Between { .. } => {
            let checked = condition.clone().check(&definition()).unwrap();
            let is_null = matches!(condition, Condition::IsNull(_));
            let value = value_of(row, checked.attributes()[0]);
            (is_null || !value.is_null()).then(|| checked.holds(&|id| value_of(row, id)))
        }
    }
}

fn value_of(row: &[(AttributeRef, Value)], id: jmap_domain::AttributeId) -> &Value {
    let definition = definition();
    let (_, attribute) = definition.attribute(id).unwrap();
    let found = row
        .iter()
        .find(|(name, _)| named(name) == attribute.name.as_str());
    found.map_or(&Value::Null, |(_, value)| value)
}

/// Kinds that CQL2 has literals for.
fn kinds() -> Vec<AttributeType> {
    let mut kinds = AttributeType::ALL.to_vec();
    kinds.retain(|kind| *kind != AttributeType::Binary);
    kinds
}

fn has_pattern(condition: &Condition<AttributeRef>) -> bool {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().any(has_pattern),
        Condition::Not(inner) => has_pattern(inner),
        Condition::Like { .. } => true,
        Condition::Compare { .. }
        | Condition::In { .. }
        | Condition::Contains { .. }
        | Condition::IsNull(_)
        | Condition::IsEmpty(_)
        | Condition::Between { .. } => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    /// R111: text and JSON are one expression, and it selects what CQL2 holds true.
    #[test]
    fn both_forms_mean_what_three_valued_logic_says(
        condition in conditions_on(kinds()), rows in prop::collection::vec(row(), 1..6),
    ) {
        prop_assume!(!has_pattern(&condition));
        let (text, json) = written(&condition);
        let filter = Cql2::from_text(&text).unwrap();
        prop_assert_eq!(&filter, &Cql2::from_json(&json.to_string()).unwrap(), "{}", text);
        let bound = filter.bind(&definition()).unwrap();
        let checked = bound.condition.unwrap().check(&definition()).unwrap();
        for row in rows {
            let holds = checked.holds(&|id| value_of(&row, id));
            prop_assert_eq!(holds, kleene(&condition, &row) == Some(true), "{} {:?}", text, row);
        }
    }
}
