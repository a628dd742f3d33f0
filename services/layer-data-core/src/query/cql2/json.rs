//! CQL2 JSON into expressions.

use serde_json::{Map, Value};

use super::{Cql2Error, Expr, MAX_NESTING, wkb};

const EXPRESSION: &str = "an expression with `op` and `args`, a property, a value or a geometry";

/// The library's own limit on nesting (128) keeps deep JSON from the stack; ours comes after it.
pub(super) fn parse(text: &str) -> Result<Expr, Cql2Error> {
    let value = serde_json::from_str(text).map_err(|error| Cql2Error::NotJson {
        line: error.line(),
        column: error.column(),
    })?;
    expr(&value, 1)
}

fn expr(value: &Value, depth: usize) -> Result<Expr, Cql2Error> {
    if depth > MAX_NESTING {
        return Err(Cql2Error::TooDeep);
    }
    match value {
        Value::Null => Err(Cql2Error::Unsupported("null".to_owned())),
        Value::Bool(truth) => Ok(Expr::Boolean(*truth)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Ok(Expr::Integer(integer)),
            (None, Some(double)) => Ok(Expr::Double(double)),
            (None, None) => Err(Cql2Error::NotCql2("a finite number")),
        },
        Value::String(text) => Ok(Expr::Text(text.clone())),
        Value::Array(items) => exprs(items, depth).map(Expr::List),
        Value::Object(object) => of_object(object, value, depth),
    }
}

fn exprs(items: &[Value], depth: usize) -> Result<Vec<Expr>, Cql2Error> {
    items.iter().map(|item| expr(item, depth + 1)).collect()
}

/// What an object is, its members tell; others than it takes are refused.
fn of_object(object: &Map<String, Value>, whole: &Value, depth: usize) -> Result<Expr, Cql2Error> {
    if object.contains_key("type") {
        return geometry(whole);
    }
    let members: Vec<_> = object
        .iter()
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    match members.as_slice() {
        [
            ("args", Value::Array(operands)),
            ("op", Value::String(name)),
        ]
        | [
            ("op", Value::String(name)),
            ("args", Value::Array(operands)),
        ] => Ok(Expr::call(name, exprs(operands, depth)?)),
        [("property", Value::String(name))] => Ok(Expr::Property(name.clone())),
        [("date", Value::String(text))] => Expr::date(text),
        [("timestamp", Value::String(text))] => Expr::instant(text),
        [("interval", Value::Array(ends))] => match ends.as_slice() {
            [Value::String(from), Value::String(to)] => Ok(Expr::Interval {
                from: Expr::end(from)?,
                to: Expr::end(to)?,
            }),
            _ => Err(Cql2Error::Operands {
                name: "interval".to_owned(),
                expected: "two days or timestamps, or '..'",
            }),
        },
        [("bbox", Value::Array(edges))] => Expr::area(edges.iter().map(Value::as_f64).collect()),
        _ => Err(Cql2Error::NotCql2(EXPRESSION)),
    }
}

fn geometry(value: &Value) -> Result<Expr, Cql2Error> {
    if !value.get("coordinates").is_some_and(is_flat) {
        return Err(Cql2Error::Dimensions);
    }
    let parsed: geojson::Geometry =
        serde_json::from_value(value.clone()).or(Err(Cql2Error::Geometry))?;
    let geometry = geo_types::Geometry::try_from(parsed).or(Err(Cql2Error::Geometry))?;
    wkb(&geometry)
}

/// Whether all positions are x and y. The library would drop what comes after, and has no answer to what is missing.
fn is_flat(coordinates: &Value) -> bool {
    match coordinates.as_array().map(Vec::as_slice) {
        Some([x, y]) if x.is_number() && y.is_number() => true,
        Some([]) | None => false,
        Some(parts) => parts.iter().all(is_flat),
    }
}
