//! Expressions bound to a layer: conditions on its attributes, and relations of its geometries.

use super::{
    Bound, Cql2, Cql2Error, Expr, GEOMETRY_NAMES,
    truth::{Bare, Truth, joined},
};
use crate::{
    definition::{AttributeDefinition, LayerDefinition},
    element::AttributeRef,
    query::{
        Comparison, Condition, LetterCase, Pattern, QueryError, Relation, ShapeInput, SpatialInput,
    },
    value::{AttributeType, Finite, Text, Value},
};

impl Cql2 {
    /// What the filter says of a layer.
    pub(in crate::query) fn bind(self, definition: &LayerDefinition) -> Result<Bound, QueryError> {
        let binder = Binder { definition };
        let mut bound = Bound::default();
        let mut conditions = Vec::new();
        for part in conjunction(self.0) {
            match relation(&part)? {
                Some(shape) => bound.shapes.push(shape),
                None => conditions.push(binder.condition(&part, Truth::True)?),
            }
        }
        bound.condition = (!conditions.is_empty()).then(|| joined(Condition::And, conditions));
        Ok(bound)
    }
}

/// What must hold together.
fn conjunction(expr: Expr) -> Vec<Expr> {
    if let Expr::Call { name, operands } = expr {
        // An empty one is refused as in a tree.
        if name == "and" && !operands.is_empty() {
            return operands.into_iter().flat_map(conjunction).collect();
        }
        return vec![Expr::Call { name, operands }];
    }
    vec![expr]
}

/// The spatial relation that an expression is; `None` when it is none.
fn relation(expr: &Expr) -> Result<Option<SpatialInput>, Cql2Error> {
    let Expr::Call { name, operands } = expr else {
        return Ok(None);
    };
    let Some((relation, turned)) = relation_of(name) else {
        return Ok(None);
    };
    let is_geometry = |name: &String| GEOMETRY_NAMES.contains(&name.as_str());
    let (relation, wkb) = match operands.as_slice() {
        [Expr::Property(property), Expr::Geometry(wkb)] if is_geometry(property) => (relation, wkb),
        [Expr::Geometry(wkb), Expr::Property(property)] if is_geometry(property) => (turned, wkb),
        _ => {
            return Err(operands_of(
                name,
                "`geometry` and a geometry such as POINT(1 2)",
            ));
        }
    };
    Ok(Some(SpatialInput {
        relation,
        shape: ShapeInput::Geometry(wkb.clone()),
        epsg: None,
    }))
}

struct Binder<'a> {
    definition: &'a LayerDefinition,
}

impl Binder<'_> {
    fn condition(&self, expr: &Expr, wanted: Truth) -> Result<Bare, QueryError> {
        let Expr::Call { name, operands } = expr else {
            return Err(Cql2Error::NotACondition(expr.kind()).into());
        };
        match (name.as_str(), operands.as_slice()) {
            ("and", parts) => self.junction(parts, wanted, wanted == Truth::True),
            ("or", parts) => self.junction(parts, wanted, wanted == Truth::False),
            ("not", [negated]) => self.condition(negated, wanted.turned()),
            ("=" | "<>" | "<" | "<=" | ">" | ">=", [left, right]) => {
                self.comparison(name, (left, right), wanted)
            }
            ("isnull", [Expr::Property(attribute)]) => {
                let null = Condition::IsNull(self.attribute(attribute)?.0);
                Ok(wanted.of_all(null))
            }
            ("between", [Expr::Property(attribute), least, greatest]) => {
                self.between(attribute, (least, greatest), wanted)
            }
            ("in", [tested, Expr::List(values)]) => self.membership(tested, values, wanted),
            ("like", [tested, pattern]) => self.like(tested, pattern, wanted),
            (temporal, [Expr::Property(attribute), time]) if temporal.starts_with("t_") => {
                self.temporal(temporal, attribute, time, wanted)
            }
            (spatial, _) if relation_of(spatial).is_some() => {
                Err(Cql2Error::Buried(spatial.to_owned()).into())
            }
            (
                "not" | "=" | "<>" | "<" | "<=" | ">" | ">=" | "isnull" | "between" | "in" | "like",
                _,
            ) => Err(operands_of(name, "an attribute, and values where it compares").into()),
            _ => Err(Cql2Error::Unsupported(name.clone()).into()),
        }
    }

    fn junction(&self, parts: &[Expr], wanted: Truth, all: bool) -> Result<Bare, QueryError> {
        let parts = parts.iter().map(|part| self.condition(part, wanted));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        Ok(if all {
            Condition::And(parts)
        } else {
            Condition::Or(parts)
        })
    }

    fn comparison(
        &self,
        name: &str,
        sides: (&Expr, &Expr),
        wanted: Truth,
    ) -> Result<Bare, QueryError> {
        let comparison = comparison_of(name);
        let (attribute, comparison, literal) = match sides {
            (Expr::Property(attribute), literal) => (attribute, comparison, literal),
            (literal, Expr::Property(attribute)) => (attribute, mirrored(comparison), literal),
            _ => return self.equality_of_folded(name, sides, wanted),
        };
        let (attribute, kind) = self.attribute(attribute)?;
        let value = value(&attribute, kind, literal)?;
        Ok(Condition::Compare {
            attribute,
            comparison: wanted.comparison(comparison),
            value,
        })
    }

    /// `casei(name) = casei('x')`.
    fn equality_of_folded(
        &self,
        name: &str,
        sides: (&Expr, &Expr),
        wanted: Truth,
    ) -> Result<Bare, QueryError> {
        let ((Some(Expr::Property(attribute)), Some(Expr::Text(text)))
        | (Some(Expr::Text(text)), Some(Expr::Property(attribute)))) =
            (folded(sides.0), folded(sides.1))
        else {
            return Err(not_comparable(name, [sides.0, sides.1]).into());
        };
        let wanted = match name {
            "=" => wanted,
            "<>" => wanted.turned(),
            _ => return Err(Cql2Error::Unsupported(format!("casei {name} casei")).into()),
        };
        let pattern = Pattern::literal(text).map_err(Cql2Error::from)?;
        self.pattern(attribute, pattern, (LetterCase::Ignored, wanted))
    }

    fn between(
        &self,
        attribute: &str,
        ends: (&Expr, &Expr),
        wanted: Truth,
    ) -> Result<Bare, QueryError> {
        let (attribute, kind) = self.attribute(attribute)?;
        let least = value(&attribute, kind, ends.0)?;
        let greatest = value(&attribute, kind, ends.1)?;
        let bounds = vec![
            (Comparison::GreaterOrEqual, least),
            (Comparison::LessOrEqual, greatest),
        ];
        Ok(wanted.of_bounds(&attribute, bounds))
    }

    fn membership(
        &self,
        tested: &Expr,
        values: &[Expr],
        wanted: Truth,
    ) -> Result<Bare, QueryError> {
        if values.is_empty() {
            return Err(operands_of("in", "an attribute and at least one value").into());
        }
        if folded(tested).is_some() {
            let equal = |value: &Expr| self.comparison("=", (tested, value), wanted);
            let parts = values.iter().map(equal).collect::<Result<_, _>>()?;
            return Ok(match wanted {
                Truth::True => Condition::Or(parts),
                Truth::False => Condition::And(parts),
            });
        }
        let Expr::Property(attribute) = tested else {
            return Err(not_comparable("in", [tested, tested]).into());
        };
        let (attribute, kind) = self.attribute(attribute)?;
        let values = values
            .iter()
            .map(|literal| value(&attribute, kind, literal));
        let condition = Condition::In {
            attribute: attribute.clone(),
            values: values.collect::<Result<_, _>>()?,
        };
        Ok(wanted.of(condition, attribute))
    }

    fn like(&self, tested: &Expr, pattern: &Expr, wanted: Truth) -> Result<Bare, QueryError> {
        let (attribute, pattern, case) = match (tested, pattern) {
            (Expr::Property(attribute), Expr::Text(pattern)) => {
                (attribute, pattern, LetterCase::Exact)
            }
            _ => match (folded(tested), folded(pattern)) {
                (Some(Expr::Property(attribute)), Some(Expr::Text(pattern))) => {
                    (attribute, pattern, LetterCase::Ignored)
                }
                _ => return Err(not_comparable("like", [tested, pattern]).into()),
            },
        };
        let pattern = Pattern::parse(pattern).map_err(Cql2Error::from)?;
        self.pattern(attribute, pattern, (case, wanted))
    }

    fn pattern(
        &self,
        attribute: &str,
        pattern: Pattern,
        (case, wanted): (LetterCase, Truth),
    ) -> Result<Bare, QueryError> {
        let (attribute, _) = self.attribute(attribute)?;
        let condition = Condition::Like {
            attribute: attribute.clone(),
            pattern,
            case,
        };
        Ok(wanted.of(condition, attribute))
    }

    /// How a day or an instant lies to another, or to an interval: `t_during` is strictly within, `t_intersects` includes
    /// both ends. Before an interval that has always been, and after one that never ends, there is nothing.
    fn temporal(
        &self,
        name: &str,
        attribute: &str,
        time: &Expr,
        wanted: Truth,
    ) -> Result<Bare, QueryError> {
        let (attribute, kind) = self.attribute(attribute)?;
        let end = |end: &Option<Box<Expr>>| {
            let end = end.as_deref();
            end.map(|end| value(&attribute, kind, end)).transpose()
        };
        let (from, to, is_interval) = if let Expr::Interval { from, to } = time {
            (end(from)?, end(to)?, true)
        } else {
            let instant = value(&attribute, kind, time)?;
            (Some(instant.clone()), Some(instant), false)
        };
        let bound = |comparison| move |value| (comparison, value);
        let both = |least, greatest| {
            let bounds = [
                from.clone().map(bound(least)),
                to.clone().map(bound(greatest)),
            ];
            bounds.into_iter().flatten().collect()
        };
        let (bounds, wanted) = match (name, is_interval) {
            ("t_before", _) => (from.map(|from| vec![(Comparison::Less, from)]), wanted),
            ("t_after", _) => (to.map(|to| vec![(Comparison::Greater, to)]), wanted),
            ("t_equals", false) | ("t_intersects", _) => (
                Some(both(Comparison::GreaterOrEqual, Comparison::LessOrEqual)),
                wanted,
            ),
            ("t_disjoint", _) => {
                let within = both(Comparison::GreaterOrEqual, Comparison::LessOrEqual);
                (Some(within), wanted.turned())
            }
            ("t_during", true) => (Some(both(Comparison::Greater, Comparison::Less)), wanted),
            _ => return Err(Cql2Error::Unsupported(name.to_owned()).into()),
        };
        Ok(match bounds {
            Some(bounds) => wanted.of_bounds(&attribute, bounds),
            None => wanted.turned().of_bounds(&attribute, Vec::new()),
        })
    }

    fn attribute(&self, name: &str) -> Result<(AttributeRef, AttributeType), QueryError> {
        let attribute = AttributeRef::Name(name.to_owned());
        match attribute.find(self.definition) {
            Some((_, AttributeDefinition { kind, .. })) => Ok((attribute, *kind)),
            None => Err(QueryError::UnknownAttribute(name.to_owned())),
        }
    }
}

fn comparison_of(name: &str) -> Comparison {
    match name {
        "<>" => Comparison::NotEqual,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        _ => Comparison::Equal,
    }
}

/// The comparison with its sides exchanged.
const fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal => Comparison::Equal,
        Comparison::NotEqual => Comparison::NotEqual,
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
    }
}

/// The relation that a spatial function stands for, and the one with its operands exchanged.
fn relation_of(name: &str) -> Option<(Relation, Relation)> {
    match name {
        "s_intersects" => Some((Relation::Intersects, Relation::Intersects)),
        "s_disjoint" => Some((Relation::Disjoint, Relation::Disjoint)),
        "s_within" => Some((Relation::Within, Relation::Contains)),
        "s_contains" => Some((Relation::Contains, Relation::Within)),
        _ => None,
    }
}

/// What `casei` is of.
fn folded(expr: &Expr) -> Option<&Expr> {
    if let Expr::Call { name, operands } = expr
        && let ("casei", [only]) = (name.as_str(), operands.as_slice())
    {
        Some(only)
    } else {
        None
    }
}

/// A value of the attribute's type; whole numbers are doubles where doubles are compared.
fn value(
    attribute: &AttributeRef,
    kind: AttributeType,
    literal: &Expr,
) -> Result<Value, QueryError> {
    let found = match (kind, literal) {
        (AttributeType::Integer, Expr::Integer(number)) => Some(Value::Integer(*number)),
        (AttributeType::Double, Expr::Integer(_) | Expr::Double(_)) => {
            let number = literal.number().map(Finite::new);
            number.and_then(Result::ok).map(Value::Double)
        }
        (AttributeType::String, Expr::Text(text)) => {
            Text::new(text.as_str()).ok().map(Value::String)
        }
        (AttributeType::Boolean, Expr::Boolean(truth)) => Some(Value::Boolean(*truth)),
        (AttributeType::Date, Expr::Date(day)) => Some(Value::Date(*day)),
        (AttributeType::DateTime, Expr::Instant(instant)) => Some(Value::DateTime(*instant)),
        (_, Expr::Call { name, .. }) => return Err(Cql2Error::Unsupported(name.clone()).into()),
        _ => None,
    };
    found.ok_or_else(|| QueryError::WrongType {
        attribute: attribute.to_string(),
        expected: kind,
    })
}

/// Why two sides do not compare: a function that is not known, or no attribute among them.
fn not_comparable(name: &str, sides: [&Expr; 2]) -> Cql2Error {
    for side in sides {
        if let Expr::Call { name, .. } = side
            && name != "casei"
        {
            return Cql2Error::Unsupported(name.clone());
        }
    }
    operands_of(name, "an attribute and a value, or both within `casei`")
}

fn operands_of(name: &str, expected: &'static str) -> Cql2Error {
    Cql2Error::Operands {
        name: name.to_owned(),
        expected,
    }
}
