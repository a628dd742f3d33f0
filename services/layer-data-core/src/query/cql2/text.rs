//! CQL2 text into expressions: one way down, without trying again, so the time is that of reading it once.

use geo_types::Geometry;
use wkt::{Wkt, types::Dimension};

use super::{
    Cql2Error, Expr, MAX_NESTING,
    scan::{Placed, Token, scan, unexpected},
    wkb,
};

/// The words that a geometry as WKT begins with.
const GEOMETRIES: [&str; 7] = [
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
];
const CONDITION: &str = "a condition such as `name = 'x'`";

pub(super) fn parse(text: &str) -> Result<Expr, Cql2Error> {
    let mut reader = Reader {
        text,
        tokens: scan(text)?,
        next: 0,
        nesting: 0,
    };
    let expr = reader.any()?;
    match reader.peek() {
        None => Ok(expr),
        Some(Token::Sign(sign @ ("+" | "-" | "*" | "/" | "^" | "%"))) => {
            Err(Cql2Error::Unsupported((*sign).to_owned()))
        }
        Some(_) => Err(reader.expected("`and`, `or` or the end")),
    }
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Placed>,
    next: usize,
    nesting: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|placed| &placed.token)
    }

    fn take(&mut self) -> Option<Token> {
        let placed = self.tokens.get(self.next)?;
        self.next += 1;
        Some(placed.token.clone())
    }

    fn expected(&self, expected: &'static str) -> Cql2Error {
        let place = self.tokens.get(self.next);
        let byte = place.map_or(self.text.len(), |placed| placed.start);
        unexpected(expected, self.text, byte)
    }

    /// Passes a keyword, if it comes next.
    fn word(&mut self, keyword: &str) -> bool {
        let comes =
            matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.next += usize::from(comes);
        comes
    }

    /// Passes a sign, if it comes next.
    fn sign(&mut self, sign: &str) -> bool {
        let comes = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.next += usize::from(comes);
        comes
    }

    fn demand(&mut self, sign: &str, expected: &'static str) -> Result<(), Cql2Error> {
        if self.sign(sign) {
            Ok(())
        } else {
            Err(self.expected(expected))
        }
    }

    /// Goes a level deeper, and comes back.
    fn deeper(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<Expr, Cql2Error>,
    ) -> Result<Expr, Cql2Error> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(Cql2Error::TooDeep);
        }
        let expr = inner(self);
        self.nesting -= 1;
        expr
    }

    /// Any expression: what `or` joins.
    fn any(&mut self) -> Result<Expr, Cql2Error> {
        self.deeper(|reader| reader.junction("or", Self::all))
    }

    /// What `and` joins.
    fn all(&mut self) -> Result<Expr, Cql2Error> {
        self.junction("and", Self::negation)
    }

    fn junction(
        &mut self,
        keyword: &str,
        part: impl Fn(&mut Self) -> Result<Expr, Cql2Error>,
    ) -> Result<Expr, Cql2Error> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.word(keyword) {
            parts.push(part(self)?);
        }
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            last => {
                parts.extend(last);
                Ok(Expr::call(keyword, parts))
            }
        }
    }

    fn negation(&mut self) -> Result<Expr, Cql2Error> {
        if self.word("not") {
            let negated = self.deeper(Self::negation)?;
            Ok(Expr::call("not", vec![negated]))
        } else {
            self.predicate()
        }
    }

    fn predicate(&mut self) -> Result<Expr, Cql2Error> {
        let left = self.operand()?;
        if let Some(Token::Sign(sign @ ("=" | "<>" | "!=" | "<" | "<=" | ">" | ">="))) = self.peek()
        {
            let name = if *sign == "!=" { "<>" } else { *sign };
            self.next += 1;
            let right = self.operand()?;
            return Ok(Expr::call(name, vec![left, right]));
        }
        if self.word("is") {
            let negated = self.word("not");
            return if self.word("null") {
                Ok(negate_if(negated, Expr::call("isnull", vec![left])))
            } else {
                Err(self.expected("`null` or `not null`"))
            };
        }
        let negated = self.word("not");
        let found = if self.word("like") {
            Expr::call("like", vec![left, self.operand()?])
        } else if self.word("between") {
            let least = self.operand()?;
            if !self.word("and") {
                return Err(self.expected("`and` between two values"));
            }
            Expr::call("between", vec![left, least, self.operand()?])
        } else if self.word("in") {
            self.demand("(", "`(` after `in`")?;
            let list = Expr::List(self.operands()?);
            Expr::call("in", vec![left, list])
        } else if negated {
            return Err(self.expected("`like`, `between` or `in` after `not`"));
        } else {
            left
        };
        Ok(negate_if(negated, found))
    }

    fn operand(&mut self) -> Result<Expr, Cql2Error> {
        let here = self.next;
        match self.take() {
            Some(Token::Text(text)) => Ok(Expr::Text(text)),
            Some(Token::Name(name)) => Ok(Expr::Property(name)),
            Some(Token::Number(digits)) => self.number(&digits),
            Some(Token::Sign(sign @ ("-" | "+"))) => match self.take() {
                Some(Token::Number(digits)) if sign == "-" => self.number(&format!("-{digits}")),
                Some(Token::Number(digits)) => self.number(&digits),
                Some(_) | None => Err(Cql2Error::Unsupported(sign.to_owned())),
            },
            Some(Token::Sign("(")) => self.brackets(),
            Some(Token::Word(word)) => self.named(word),
            Some(Token::Sign(_)) | None => {
                self.next = here;
                Err(self.expected("an attribute, a value or a function"))
            }
        }
    }

    /// What is within brackets: an expression, or a list of several.
    fn brackets(&mut self) -> Result<Expr, Cql2Error> {
        let mut inner = self.operands()?;
        match inner.pop() {
            Some(only) if inner.is_empty() => Ok(only),
            Some(last) => {
                inner.push(last);
                Ok(Expr::List(inner))
            }
            None => Err(self.expected(CONDITION)),
        }
    }

    /// Expressions up to the closing bracket.
    fn operands(&mut self) -> Result<Vec<Expr>, Cql2Error> {
        let mut operands = Vec::new();
        if self.sign(")") {
            return Ok(operands);
        }
        loop {
            operands.push(self.any()?);
            if self.sign(")") {
                return Ok(operands);
            }
            self.demand(",", "`,` or `)`")?;
        }
    }

    /// What begins with a word.
    fn named(&mut self, word: String) -> Result<Expr, Cql2Error> {
        let lower = word.to_ascii_lowercase();
        match lower.as_str() {
            "true" => return Ok(Expr::Boolean(true)),
            "false" => return Ok(Expr::Boolean(false)),
            "null" => return Err(Cql2Error::Unsupported("null".to_owned())),
            _ => {}
        }
        if GEOMETRIES.contains(&lower.as_str()) && self.is_geometry_ahead() {
            return self.geometry();
        }
        if !self.sign("(") {
            return Ok(Expr::Property(word));
        }
        let operands = self.operands()?;
        match (lower.as_str(), operands.as_slice()) {
            ("date", [Expr::Text(text)]) => Expr::date(text),
            ("timestamp", [Expr::Text(text)]) => Expr::instant(text),
            ("interval", [from, to]) => interval(from, to),
            ("bbox", edges) => bbox(edges),
            ("date" | "timestamp" | "interval", _) => Err(Cql2Error::Operands {
                name: lower,
                expected: "texts such as '2024-02-29'",
            }),
            _ => Ok(Expr::call(&word, operands)),
        }
    }

    fn is_geometry_ahead(&self) -> bool {
        match self.peek() {
            Some(Token::Sign(sign)) => *sign == "(",
            Some(Token::Word(word)) => {
                ["z", "m", "zm", "empty"].contains(&word.to_ascii_lowercase().as_str())
            }
            Some(Token::Name(_) | Token::Text(_) | Token::Number(_)) | None => false,
        }
    }

    /// A geometry whose first word was passed. It is read by the library for WKT, once its brackets are known to be few.
    fn geometry(&mut self) -> Result<Expr, Cql2Error> {
        let start = self.next.saturating_sub(1);
        let mut open = 0_usize;
        while let Some(token) = self.take() {
            match token {
                Token::Sign("(") => open += 1,
                Token::Sign(")") => open = open.saturating_sub(1),
                Token::Word(_)
                | Token::Name(_)
                | Token::Text(_)
                | Token::Number(_)
                | Token::Sign(_) => {}
            }
            if self.nesting + open > MAX_NESTING {
                return Err(Cql2Error::TooDeep);
            }
            let ended = matches!(&token, Token::Sign(")"))
                || matches!(&token, Token::Word(word) if word.eq_ignore_ascii_case("empty"));
            if open == 0 && ended {
                break;
            }
        }
        let from = self.tokens.get(start).map(|placed| placed.start);
        let to = self.tokens.get(self.next - 1).map(|placed| placed.end);
        let text = from.zip(to).and_then(|(from, to)| self.text.get(from..to));
        of_wkt(text.unwrap_or_default())
    }

    fn number(&self, digits: &str) -> Result<Expr, Cql2Error> {
        if let Ok(integer) = digits.parse() {
            return Ok(Expr::Integer(integer));
        }
        match digits.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Expr::Double(number)),
            Ok(_) | Err(_) => Err(self.expected("a finite number before this")),
        }
    }
}

fn negate_if(negated: bool, expr: Expr) -> Expr {
    if negated {
        Expr::call("not", vec![expr])
    } else {
        expr
    }
}

fn interval(from: &Expr, to: &Expr) -> Result<Expr, Cql2Error> {
    let end = |expr: &Expr| match expr {
        Expr::Text(text) => Expr::end(text),
        Expr::Date(_) | Expr::Instant(_) => Ok(Some(Box::new(expr.clone()))),
        Expr::Call { .. }
        | Expr::Property(_)
        | Expr::Integer(_)
        | Expr::Double(_)
        | Expr::Boolean(_)
        | Expr::Interval { .. }
        | Expr::List(_)
        | Expr::Geometry(_) => Err(Cql2Error::Operands {
            name: "interval".to_owned(),
            expected: "two days or timestamps, or '..'",
        }),
    };
    Ok(Expr::Interval {
        from: end(from)?,
        to: end(to)?,
    })
}

/// The area of `bbox(min_x, min_y, max_x, max_y)`.
fn bbox(edges: &[Expr]) -> Result<Expr, Cql2Error> {
    Expr::area(edges.iter().map(Expr::number).collect())
}

fn of_wkt(text: &str) -> Result<Expr, Cql2Error> {
    let parsed: Wkt<f64> = text.parse().or(Err(Cql2Error::Geometry))?;
    if parsed.dimension() != Dimension::XY {
        return Err(Cql2Error::Dimensions);
    }
    let geometry = Geometry::try_from(parsed).or(Err(Cql2Error::Geometry))?;
    wkb(&geometry)
}
