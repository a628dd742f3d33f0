//! Conditions of queries: `population >= 100000 and country in (FR, ES)`.
//!
//! The text is read first, by itself; it is bound to a layer's definition afterwards, which knows the types.

mod scan;

use std::{iter::Peekable, str::FromStr, vec::IntoIter};

use jmap_proto::{
    layerdata::{
        AttributeRef, Comparison, ComparisonOperator, Condition, Conditions, Membership,
        TextCondition, attribute_ref, condition::Kind,
    },
    types::AttributeDefinition,
};

use self::scan::{Token, scan};
use crate::value;

/// One or several clauses that must all hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Where(Vec<Clause>);

/// An attribute and what must hold of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Clause {
    attribute: String,
    test: Test,
}

/// What must hold of an attribute; values are still text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Compare(ComparisonOperator, String),
    In(Vec<String>),
    Contains(String),
    Null,
    NotNull,
    Empty,
}

impl FromStr for Where {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut tokens = Tokens(scan(text)?.into_iter().peekable());
        let mut clauses = vec![tokens.clause()?];
        while let Some(token) = tokens.0.next() {
            if !token.is_word("and") {
                return Err(format!("expected `and` instead of `{token}`"));
            }
            clauses.push(tokens.clause()?);
        }
        Ok(Self(clauses))
    }
}

/// What is left to read.
struct Tokens(Peekable<IntoIter<Token>>);

impl Tokens {
    fn clause(&mut self) -> Result<Clause, String> {
        let attribute = self.text("an attribute")?;
        let test = self.test()?;
        Ok(Clause { attribute, test })
    }

    fn test(&mut self) -> Result<Test, String> {
        match self.0.next() {
            Some(Token::Operator(operator)) => Ok(Test::Compare(operator, self.text("a value")?)),
            Some(token) if token.is_word("contains") => Ok(Test::Contains(self.text("a text")?)),
            Some(token) if token.is_word("in") => self.list(),
            Some(token) if token.is_word("is") => self.state(),
            Some(token) => Err(format!(
                "`{token}` is no operator; there are = != < <= > >= in contains is"
            )),
            None => Err("expected an operator at the end".to_owned()),
        }
    }

    /// `null`, `not null` or `empty`, after `is`.
    fn state(&mut self) -> Result<Test, String> {
        let negated = self.0.next_if(|token| token.is_word("not")).is_some();
        match self.0.next() {
            Some(token) if token.is_word("null") && negated => Ok(Test::NotNull),
            Some(token) if token.is_word("null") => Ok(Test::Null),
            Some(token) if token.is_word("empty") && !negated => Ok(Test::Empty),
            Some(_) | None => Err("expected `null`, `not null` or `empty` after `is`".to_owned()),
        }
    }

    fn list(&mut self) -> Result<Test, String> {
        self.0
            .next_if_eq(&Token::Open)
            .ok_or("expected `(` after `in`")?;
        let mut values = vec![self.text("a value")?];
        loop {
            match self.0.next() {
                Some(Token::Comma) => values.push(self.text("a value")?),
                Some(Token::Close) => return Ok(Test::In(values)),
                Some(_) | None => return Err("expected `,` or `)` in the list".to_owned()),
            }
        }
    }

    fn text(&mut self, what: &str) -> Result<String, String> {
        match self.0.next() {
            Some(Token::Word(text) | Token::Quoted(text)) => Ok(text),
            Some(token) => Err(format!("expected {what} instead of `{token}`")),
            None => Err(format!("expected {what} at the end")),
        }
    }
}

/// Binds clauses to a layer's attributes. `None` when there are none.
pub(crate) fn bind(
    wheres: &[Where],
    attributes: &[AttributeDefinition],
) -> Result<Option<Condition>, String> {
    let clauses = wheres.iter().flat_map(|Where(clauses)| clauses);
    let bound = clauses.map(|clause| bind_clause(clause, attributes));
    let mut conditions = bound.collect::<Result<Vec<_>, _>>()?;
    match conditions.len() {
        0 | 1 => Ok(conditions.pop()),
        _ => Ok(Some(condition(Kind::And(Conditions { conditions })))),
    }
}

fn bind_clause(clause: &Clause, attributes: &[AttributeDefinition]) -> Result<Condition, String> {
    let definition = find(&clause.attribute, attributes)?;
    let attribute = Some(reference(definition));
    let value = |text: &String| value::parse(definition.r#type(), text);
    let kind = match &clause.test {
        Test::Compare(operator, text) => Kind::Comparison(Comparison {
            attribute,
            operator: (*operator).into(),
            value: Some(value(text)?),
        }),
        Test::In(texts) => Kind::In(Membership {
            attribute,
            values: texts.iter().map(value).collect::<Result<_, _>>()?,
        }),
        Test::Contains(text) => Kind::Contains(TextCondition {
            attribute,
            text: text.clone(),
            ignore_case: true,
        }),
        Test::Null => Kind::IsNull(reference(definition)),
        Test::NotNull => Kind::Not(Box::new(condition(Kind::IsNull(reference(definition))))),
        Test::Empty => Kind::IsEmpty(reference(definition)),
    };
    Ok(condition(kind))
}

const fn condition(kind: Kind) -> Condition {
    Condition { kind: Some(kind) }
}

/// The attribute with this name.
pub(crate) fn find<'a>(
    name: &str,
    attributes: &'a [AttributeDefinition],
) -> Result<&'a AttributeDefinition, String> {
    let found = attributes.iter().find(|attribute| attribute.name == name);
    found.ok_or_else(|| {
        let names: Vec<_> = attributes.iter().map(|a| a.name.as_str()).collect();
        format!(
            "the layer has no attribute `{name}`; it has {}",
            names.join(", ")
        )
    })
}

/// The attribute by its id, which a rename in the meantime does not change.
pub(crate) fn reference(attribute: &AttributeDefinition) -> AttributeRef {
    AttributeRef {
        attribute: Some(attribute_ref::Attribute::AttributeId(
            attribute.attribute_id,
        )),
    }
}

#[cfg(test)]
mod tests {
    use jmap_proto::types::AttributeType;

    use super::*;

    fn parse(text: &str) -> Result<Vec<Clause>, String> {
        text.parse().map(|Where(clauses)| clauses)
    }

    fn clause(attribute: &str, test: Test) -> Clause {
        Clause {
            attribute: attribute.to_owned(),
            test,
        }
    }

    fn attributes() -> Vec<AttributeDefinition> {
        let attribute = |attribute_id, name: &str, kind: AttributeType| AttributeDefinition {
            attribute_id,
            name: name.to_owned(),
            r#type: kind.into(),
            ..Default::default()
        };
        vec![
            attribute(1, "name", AttributeType::String),
            attribute(2, "population", AttributeType::Integer),
        ]
    }

    #[test]
    fn comparisons_need_no_spaces_and_texts_may_be_quoted() {
        // R110.
        let expected = [
            clause(
                "population",
                Test::Compare(ComparisonOperator::GreaterOrEqual, "100000".into()),
            ),
            clause(
                "the name",
                Test::Compare(ComparisonOperator::NotEqual, "Côte d'Ivoire".into()),
            ),
        ];
        let text = r#"population>=100000 and "the name" != 'Côte d''Ivoire'"#;
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn every_test_has_its_words() {
        let text =
            "a in (1, 'x y') and b contains port and c is null and d is not null and e is empty";
        let tests: Vec<_> = parse(text).unwrap().into_iter().map(|c| c.test).collect();
        let expected = [
            Test::In(vec!["1".into(), "x y".into()]),
            Test::Contains("port".into()),
            Test::Null,
            Test::NotNull,
            Test::Empty,
        ];
        assert_eq!(tests, expected);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for wrong in [
            "",
            "population",
            "population >",
            "population ~ 3",
            "a = 1 or b = 2",
            "a = 1 and",
            "a in 1",
            "a in (1",
            "a in ()",
            "a is",
            "a is not empty",
            "a = 'x",
            "= 3",
            "a == 3",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_take_the_type_of_their_attribute_and_attributes_their_id() {
        // R105.
        let wheres = [
            "population >= 5".parse().unwrap(),
            "name = 5".parse().unwrap(),
        ];
        let Some(Kind::And(Conditions { conditions })) =
            bind(&wheres, &attributes()).unwrap().unwrap().kind
        else {
            panic!("several conditions are combined with and");
        };
        let Some(Kind::Comparison(comparison)) = &conditions[0].kind else {
            panic!("the first is a comparison");
        };
        let integer = value::parse(AttributeType::Integer, "5").unwrap();
        assert_eq!(comparison.value, Some(integer));
        assert_eq!(comparison.attribute, Some(reference(&attributes()[1])));
    }

    #[test]
    fn an_unknown_attribute_and_a_wrong_type_are_named() {
        let refusal = |text: &str| bind(&[text.parse().unwrap()], &attributes()).unwrap_err();
        assert!(refusal("size = 1").contains("it has name, population"));
        assert!(refusal("population = many").contains("no integer"));
        assert_eq!(bind(&[], &attributes()), Ok(None));
    }
}
