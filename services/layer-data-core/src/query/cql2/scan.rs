//! The words, texts, numbers and signs of CQL2 text.

use std::{iter::Peekable, str::CharIndices};

use super::Cql2Error;

/// A piece of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or a keyword.
    Word(String),
    /// A name in double quotes; never a keyword.
    Name(String),
    /// A text in single quotes.
    Text(String),
    /// A number without its sign.
    Number(String),
    /// A sign.
    Sign(&'static str),
}

/// A piece and where it is, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Longer signs first: `<=` is not `<` and `=`.
const SIGNS: [&str; 16] = [
    "<>", "!=", "<=", ">=", "<", ">", "=", "(", ")", ",", "+", "-", "*", "/", "^", "%",
];

/// Cuts a filter into its pieces.
pub(super) fn scan(text: &str) -> Result<Vec<Placed>, Cql2Error> {
    let mut rest = text.char_indices().peekable();
    let mut tokens = Vec::new();
    while let Some(&(start, first)) = rest.peek() {
        if first.is_whitespace() {
            rest.next();
            continue;
        }
        let token = match first {
            '\'' => Token::Text(quoted(&mut rest, text)?),
            '"' => Token::Name(quoted(&mut rest, text)?),
            digit if digit.is_ascii_digit() || digit == '.' => Token::Number(number(&mut rest)),
            letter if letter.is_alphabetic() || letter == '_' => {
                Token::Word(run(&mut rest, |c| c.is_alphanumeric() || "_.:".contains(c)))
            }
            _ => Token::Sign(
                sign(&mut rest, text.get(start..).unwrap_or_default()).ok_or_else(|| {
                    unexpected("a name, a value, an operator or a bracket", text, start)
                })?,
            ),
        };
        let end = rest.peek().map_or(text.len(), |(place, _)| *place);
        tokens.push(Placed { token, start, end });
    }
    Ok(tokens)
}

/// An error at a byte of the text, which people count in characters from 1.
pub(super) fn unexpected(expected: &'static str, text: &str, byte: usize) -> Cql2Error {
    let place = text.char_indices().take_while(|(at, _)| *at < byte).count() + 1;
    Cql2Error::Unexpected { expected, place }
}

/// A quote within is written twice.
fn quoted(rest: &mut Peekable<CharIndices<'_>>, text: &str) -> Result<String, Cql2Error> {
    let (mut inner, quote) = (String::new(), rest.next());
    while let Some((_, next)) = rest.next() {
        let is_quote = |other: &(usize, char)| Some(other.1) == quote.map(|(_, quote)| quote);
        if !is_quote(&(0, next)) || rest.next_if(is_quote).is_some() {
            inner.push(next);
        } else {
            return Ok(inner);
        }
    }
    Err(unexpected("the end of a quoted text", text, text.len()))
}

fn number(rest: &mut Peekable<CharIndices<'_>>) -> String {
    let mut number = run(rest, |c| c.is_ascii_digit() || c == '.');
    if let Some((_, letter)) = rest.next_if(|(_, c)| matches!(c, 'e' | 'E')) {
        number.push(letter);
        number.extend(
            rest.next_if(|(_, c)| matches!(c, '+' | '-'))
                .map(|(_, c)| c),
        );
        number += &run(rest, |c| c.is_ascii_digit());
    }
    number
}

fn run(rest: &mut Peekable<CharIndices<'_>>, belongs: impl Fn(char) -> bool) -> String {
    let mut run = String::new();
    while let Some((_, next)) = rest.next_if(|(_, c)| belongs(*c)) {
        run.push(next);
    }
    run
}

fn sign(rest: &mut Peekable<CharIndices<'_>>, ahead: &str) -> Option<&'static str> {
    let sign = SIGNS.into_iter().find(|sign| ahead.starts_with(sign))?;
    for _ in sign.chars() {
        rest.next();
    }
    Some(sign)
}
