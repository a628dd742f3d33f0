//! Every rule that is built is cited by a test.

use std::{collections::BTreeSet, fs, ops::RangeInclusive, path::Path};

use crate::architecture::{root, sources};
use testkit::world::World;

/// The rules that are built.
const BUILT: [RangeInclusive<u16>; 9] = [
    1..=46,
    51..=59,
    65..=66,
    83..=83,
    88..=88,
    100..=100,
    103..=109,
    115..=115,
    117..=123,
];

#[test]
fn every_rule_that_is_built_is_cited_by_a_test() {
    let mut cited = BTreeSet::new();
    for file in sources() {
        let text = fs::read_to_string(&file).unwrap();
        cite(test_part(&file, &text), &mut cited);
    }
    for name in World::names() {
        let file = root().join(format!("tests/worlds/{name}.yaml"));
        cite(&fs::read_to_string(file).unwrap(), &mut cited);
    }
    let built = BUILT.into_iter().flatten();
    let missing: Vec<_> = built.filter(|rule| !cited.contains(rule)).collect();
    assert!(missing.is_empty(), "rules that no test cites: {missing:?}");
}

/// What of a file is tests.
fn test_part<'t>(file: &Path, text: &'t str) -> &'t str {
    let path = file.strip_prefix(root()).unwrap();
    let is_test = path.components().any(|part| part.as_os_str() == "tests")
        && !path.starts_with("tests/testkit");
    if is_test || file.ends_with("tests.rs") {
        return text;
    }
    text.split_once("#[cfg(test)]\nmod ")
        .map_or("", |(_, tests)| tests)
}

/// Notes the rules that a text names, one by one or as a range such as `R33–R37`.
fn cite(text: &str, cited: &mut BTreeSet<u16>) {
    let mut range_start = None;
    let mut rest = text;
    while let Some(at) = rest.find('R') {
        let before = rest[..at].chars().next_back();
        let joined = before.is_some_and(|c| c == '–');
        let inside_a_word = before.is_some_and(char::is_alphanumeric);
        rest = &rest[at + 1..];
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let number = digits.parse::<u16>().ok().filter(|_| !inside_a_word);
        if let Some(number) = number {
            let first = range_start.filter(|_| joined).unwrap_or(number);
            cited.extend(first..=number);
        }
        range_start = number;
    }
}

#[test]
fn citations_are_read_alone_and_in_ranges() {
    let mut cited = BTreeSet::new();
    cite("// R58, R40: so R33–R35, and R7; FOR12", &mut cited);
    assert_eq!(
        cited.into_iter().collect::<Vec<_>>(),
        [7, 33, 34, 35, 40, 58]
    );
}
