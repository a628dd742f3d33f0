//! Names in statements: the one function that quotes them.

/// Quotes a name so that it can stand in a statement as an identifier, whatever is in it.
///
/// The database refuses U+0000, and cuts names after 63 bytes; both are for the caller to rule out.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_a_name_ends_nothing() {
        assert_eq!(quoted("plain"), r#""plain""#);
        assert_eq!(
            quoted(r#"x"; drop table t; --"#),
            r#""x""; drop table t; --""#
        );
    }
}
