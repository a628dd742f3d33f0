//! CQL2: what is read, what it means for a layer, and what is refused.

mod forms;

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    conformance::definition,
    query::{Comparison, QueryError, Relation, ShapeInput},
    value::Value,
};

fn bound(filter: &str) -> Result<Bound, QueryError> {
    Cql2::from_text(filter)?.bind(&definition())
}

fn refused(filter: &str) -> String {
    let condition = bound(filter).map(|bound| bound.condition.unwrap());
    let checked = condition.and_then(|condition| condition.check(&definition()));
    checked.unwrap_err().to_string()
}

proptest! {
    /// R120: whatever comes, it is read or refused.
    #[test]
    fn any_text_is_read_or_refused(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "and", "or", "not", "in", "like", "between", "is", "null", "(", ")", ",", "=", "<>", "-", "1", "1e9",
                "'x'", "\"y\"", "string", "casei", "date", "interval", "'..'", "point", "polygon", "z", "empty", "é", ".",
            ]),
            0..14,
        ),
    ) {
        let _ = Cql2::from_text(&words.join(" ")).map(|filter| filter.bind(&definition()).is_ok());
    }
}

#[test]
fn not_finds_nothing_where_there_is_no_value() {
    // R111: the tree's `not` would.
    let condition = bound("NOT integer > 5").unwrap().condition.unwrap();
    let checked = condition.check(&definition()).unwrap();
    assert!(!checked.holds(&|_| &Value::Null));
    assert!(checked.holds(&|_| &Value::Integer(5)));
}

#[test]
fn integers_are_not_rounded() {
    // R115: the next double is another number.
    let number = (1 << 53) + 1;
    let expected = Condition::Compare {
        attribute: AttributeRef::Name("integer".to_owned()),
        comparison: Comparison::Less,
        value: Value::Integer(number),
    };
    assert_eq!(
        bound("9007199254740993 > integer").unwrap().condition,
        Some(expected)
    );
}

#[test]
fn times_lie_before_after_and_within_others() {
    // R110.
    let holds = |filter: &str, day: &str| {
        let condition = bound(filter).unwrap().condition.unwrap();
        let day = Value::Date(Date::parse(day).unwrap());
        condition.check(&definition()).unwrap().holds(&|_| &day)
    };
    for (filter, of_the_10th, of_the_20th) in [
        ("t_after(date, DATE('2024-01-10'))", false, true),
        ("t_before(date, DATE('2024-01-20'))", true, false),
        ("t_equals(date, DATE('2024-01-20'))", false, true),
        (
            "t_after(date, INTERVAL('2024-01-01', '2024-01-10'))",
            false,
            true,
        ),
        ("t_before(date, INTERVAL('2024-01-11', '..'))", true, false),
        (
            "t_during(date, INTERVAL('2024-01-10', '2024-01-31'))",
            false,
            true,
        ),
        (
            "t_intersects(date, INTERVAL('2024-01-10', '2024-01-19'))",
            true,
            false,
        ),
        (
            "t_disjoint(date, INTERVAL('..', '2024-01-10'))",
            false,
            true,
        ),
        (
            "NOT t_during(date, INTERVAL('2024-01-10', '..'))",
            true,
            false,
        ),
        ("t_after(date, INTERVAL('2024-01-01', '..'))", false, false),
        ("t_during(date, INTERVAL('..', '..'))", true, true),
    ] {
        let found = (holds(filter, "2024-01-10"), holds(filter, "2024-01-20"));
        assert_eq!(found, (of_the_10th, of_the_20th), "{filter}");
    }
}

#[test]
fn places_are_given_as_wkt_and_geojson() {
    // R110: the operands exchanged, the relation is too.
    let text = Cql2::from_text("s_contains(POINT(1 2), geometry) and integer = 1").unwrap();
    let json = json!({"op": "and", "args": [
        {"op": "s_contains", "args": [{"type": "Point", "coordinates": [1, 2]}, {"property": "geometry"}]},
        {"op": "=", "args": [{"property": "integer"}, 1]},
    ]});
    assert_eq!(text, Cql2::from_json(&json.to_string()).unwrap());
    let bound = text.bind(&definition()).unwrap();
    let expected = SpatialInput {
        relation: Relation::Within,
        shape: ShapeInput::Geometry(crate::conformance::point(1.0, 2.0)),
        epsg: None,
    };
    assert_eq!(bound.shapes, [expected]);
    assert!(bound.condition.is_some());
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    // R105, R111.
    for (filter, named) in [
        ("buffer(geometry, 5) = 1", "buffer"),
        ("accenti(string) = accenti('x')", "`accenti`"),
        ("nothing = 1", "`nothing`"),
        ("integer + 1 = 2", "`+`"),
        ("integer = 1.5", "integer values"),
        ("integer = '1'", "integer values"),
        ("string > 5", "string values"),
        ("date = '2024-01-01'", "date values"),
        ("date = DATE('2024-02-30')", "a date looks like"),
        ("boolean > TRUE", "boolean"),
        ("binary = 'x'", "binary values"),
        ("string", "an attribute"),
        ("TRUE", "a boolean"),
        ("string = NULL", "null"),
        ("string = date", "string values"),
        ("1 = 1", "`=` takes"),
        ("t_meets(date, DATE('2024-01-01'))", "t_meets"),
        ("s_touches(geometry, POINT(1 2))", "s_touches"),
        ("s_intersects(string, POINT(1 2))", "s_intersects"),
        (
            "integer = 1 or s_intersects(geometry, POINT(1 2))",
            "not within `or`",
        ),
        ("not s_intersects(geometry, POINT(1 2))", "not within `or`"),
        (
            "s_intersects(geometry, POINT Z(1 2 3))",
            "other coordinates",
        ),
        (
            "s_intersects(geometry, POLYGON((0 0, 1 1))",
            "expected `,` or `)`",
        ),
        ("string = 'x", "end of a quoted text"),
        ("string = 'x' integer = 1", "character 14"),
        ("string = 'é' ; drop table x", "character 14"),
        ("", "an attribute, a value or a function"),
        ("string like 'x\\'", "must not end with"),
        ("string in ()", "at least one value"),
        (
            "s_intersects(geometry, bbox(170, -10, -170, 10))",
            "the least before the greatest",
        ),
        ("s_intersects(geometry, bbox('x', 1, 2, 3))", "four numbers"),
        ("integer = 1e999", "finite"),
    ] {
        let refusal = refused(filter);
        assert!(refusal.contains(named), "`{filter}`: {refusal}");
    }
}

#[test]
fn json_that_is_no_filter_is_refused() {
    // R111, R120.
    for (filter, expected) in [
        ("{", "line 1, column 1"),
        ("{}", "`op` and `args`"),
        (
            r#"{"op": "=", "args": [{"property": "integer"}, 1], "more": 1}"#,
            "`op` and `args`",
        ),
        (
            r#"{"op": "=", "args": [{"property": "integer"}, null]}"#,
            "`null`",
        ),
        (
            r#"{"op": "=", "args": [{"property": "integer"}, 9223372036854775808]}"#,
            "integer values",
        ),
        (
            r#"{"op": "s_intersects", "args": [{"property": "geom"}, {"type": "Point", "coordinates": []}]}"#,
            "other coordinates",
        ),
        (
            r#"{"op": "s_intersects", "args": [{"property": "geom"}, {"type": "Cube", "coordinates": [1, 2]}]}"#,
            "cannot be read",
        ),
    ] {
        let refusal = Cql2::from_json(filter).map_err(QueryError::from);
        let refusal = refusal
            .and_then(|filter| filter.bind(&definition()))
            .unwrap_err();
        assert!(
            refusal.to_string().contains(expected),
            "{filter}: {refusal}"
        );
    }
}

#[test]
fn length_and_depth_are_limited() {
    // R120.
    let brackets = |depth| format!("{}integer = 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(bound(&brackets(30)).is_ok());
    let mut negations = "not ".repeat(10_000);
    negations.push_str("integer = 1");
    let calls = "casei(".repeat(10_000);
    let open = "(".repeat(10_000);
    let shapes = "s_intersects(geometry, ".to_owned() + &"GEOMETRYCOLLECTION(".repeat(3_000);
    for deep in [brackets(10_000), negations, calls, open, shapes] {
        assert_eq!(
            Cql2::from_text(&deep),
            Err(Cql2Error::TooDeep),
            "{}",
            &deep[..40]
        );
    }
    let deep = r#"{"op":"not","args":["#.repeat(60) + "1" + &"]}".repeat(60);
    assert!(Cql2::from_json(&deep).is_ok());
    for (levels, error) in [(100, "nest at most"), (5_000, "not JSON")] {
        let deep = "[".repeat(levels) + &"]".repeat(levels);
        let refusal = Cql2::from_json(&deep).unwrap_err().to_string();
        assert!(refusal.contains(error), "{refusal}");
    }
    let long = "x".repeat(1 << 20);
    assert_eq!(Cql2::from_text(&long), Err(Cql2Error::TooLong));
    assert_eq!(Cql2::from_json(&long), Err(Cql2Error::TooLong));
    let mut wide = "integer = 1".to_owned();
    for number in 2..1_200 {
        write!(wide, " or integer = {number}").unwrap();
    }
    let condition = bound(&wide).unwrap().condition.unwrap();
    assert_eq!(
        condition.check(&definition()),
        Err(QueryError::TooManyConditions)
    );
}
