//! The words, texts and signs of a condition.

use std::{fmt, iter::Peekable, str::Chars};

use jmap_proto::layerdata::ComparisonOperator;

/// A piece of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name, a number or a keyword.
    Word(String),
    /// A text or a name in quotes, without them; never a keyword.
    Quoted(String),
    /// A comparison.
    Operator(ComparisonOperator),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
}

impl Token {
    /// Whether it is this keyword, whatever the case.
    pub(super) fn is_word(&self, keyword: &str) -> bool {
        match self {
            Self::Word(word) => word.eq_ignore_ascii_case(keyword),
            Self::Quoted(_) | Self::Operator(_) | Self::Open | Self::Close | Self::Comma => false,
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(text) | Self::Quoted(text) => f.write_str(text),
            Self::Operator(_) => f.write_str("a comparison"),
            Self::Open => f.write_str("("),
            Self::Close => f.write_str(")"),
            Self::Comma => f.write_str(","),
        }
    }
}

/// Cuts a condition into its pieces.
pub(super) fn scan(text: &str) -> Result<Vec<Token>, String> {
    let mut rest = text.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(first) = rest.next() {
        match first {
            space if space.is_whitespace() => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            ',' => tokens.push(Token::Comma),
            quote @ ('\'' | '"') => tokens.push(Token::Quoted(quoted(quote, &mut rest)?)),
            '=' | '!' | '<' | '>' => tokens.push(Token::Operator(operator(first, &mut rest)?)),
            letter => tokens.push(Token::Word(word(letter, &mut rest))),
        }
    }
    Ok(tokens)
}

/// A quote within is written twice.
fn quoted(quote: char, rest: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut text = String::new();
    while let Some(next) = rest.next() {
        if next != quote || rest.next_if_eq(&quote).is_some() {
            text.push(next);
        } else {
            return Ok(text);
        }
    }
    Err(format!("the quote {quote} is not closed"))
}

fn operator(first: char, rest: &mut Peekable<Chars<'_>>) -> Result<ComparisonOperator, String> {
    let second = rest.next_if(|next| matches!(next, '=' | '<' | '>' | '!'));
    match (first, second) {
        ('=', None) => Ok(ComparisonOperator::Equal),
        ('!', Some('=')) | ('<', Some('>')) => Ok(ComparisonOperator::NotEqual),
        ('<', None) => Ok(ComparisonOperator::Less),
        ('<', Some('=')) => Ok(ComparisonOperator::LessOrEqual),
        ('>', None) => Ok(ComparisonOperator::Greater),
        ('>', Some('=')) => Ok(ComparisonOperator::GreaterOrEqual),
        (first, second) => Err(format!(
            "`{first}{}` is no comparison",
            second.map_or_else(String::new, String::from)
        )),
    }
}

fn word(first: char, rest: &mut Peekable<Chars<'_>>) -> String {
    let inside = |next: &char| !next.is_whitespace() && !"()<>=!,'\"".contains(*next);
    let mut word = String::from(first);
    while let Some(next) = rest.next_if(inside) {
        word.push(next);
    }
    word
}
