//! Pages of lists: keyset, sealed tokens.

use jmap_wire::{FieldPath, FieldViolation, PageTokenKey, page_size};

/// How many items a page has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) default: usize,
    pub(crate) maximum: usize,
}

/// For lists of principals, projects and sessions.
pub(crate) const SHORT: Limits = Limits {
    default: 100,
    maximum: 1000,
};
/// For lists of layers.
pub(crate) const LONG: Limits = Limits {
    default: 1000,
    maximum: 10_000,
};

/// What a request says of the page that it wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'r> {
    pub(crate) size: i32,
    pub(crate) token: &'r str,
}

/// A page that was asked for.
#[derive(Debug)]
pub(crate) struct Page<'k> {
    key: &'k PageTokenKey,
    query: String,
    /// Most items on it.
    pub(crate) size: usize,
    /// The key of the last item of the page before; empty for the first page.
    pub(crate) after: Vec<u8>,
}

impl<'k> Page<'k> {
    /// Parses the page fields; `query` names the list and what selects its items, so that a token fits no other.
    pub(crate) fn parse(
        key: &'k PageTokenKey,
        query: String,
        asked: Asked<'_>,
        limits: Limits,
    ) -> Result<Self, FieldViolation> {
        let size = page_size(asked.size, limits.default, limits.maximum)?;
        let after = key.open(query.as_bytes(), asked.token);
        let after = after
            .map_err(|error| FieldPath::of("page_token").invalid(error))?
            .unwrap_or_default();
        Ok(Self {
            key,
            query,
            size,
            after,
        })
    }

    /// The last item of the page before, when it is named by a number; 0 for the first page.
    pub(crate) fn after_number(&self) -> i64 {
        self.after
            .as_slice()
            .try_into()
            .map_or(0, i64::from_be_bytes)
    }

    /// The last item of the page before, when it is named by a text; empty for the first page.
    pub(crate) fn after_text(&self) -> String {
        // Only sealed texts come here, so nothing is lost.
        String::from_utf8_lossy(&self.after).into_owned()
    }

    /// Cuts a list that begins where the page does, and seals where the next one begins.
    pub(crate) fn cut<T, K: AsRef<[u8]>>(
        &self,
        mut items: Vec<T>,
        key: impl Fn(&T) -> K,
    ) -> (Vec<T>, String) {
        let is_last = items.len() <= self.size;
        items.truncate(self.size);
        let next = match items.last() {
            Some(last) if !is_last => self.seal(key(last).as_ref()),
            Some(_) | None => String::new(),
        };
        (items, next)
    }

    /// Seals where the next page begins.
    pub(crate) fn seal(&self, after: &[u8]) -> String {
        self.key.seal(self.query.as_bytes(), after)
    }

    /// Takes the page out of a whole list whose items are in no order, sorted by their keys, the greatest first if so asked.
    pub(crate) fn sort<T>(
        &self,
        items: Vec<T>,
        key: impl Fn(&T) -> Vec<u8>,
        descending: bool,
    ) -> (Vec<T>, String) {
        let follows = |key: &[u8]| match (self.after.is_empty(), descending) {
            (true, _) => true,
            (false, false) => key > self.after.as_slice(),
            (false, true) => key < self.after.as_slice(),
        };
        let items = items.into_iter().map(|item| (key(&item), item));
        let mut rest: Vec<(Vec<u8>, T)> = items.filter(|(key, _)| follows(key)).collect();
        rest.sort_unstable_by(|(a, _), (b, _)| if descending { b.cmp(a) } else { a.cmp(b) });
        rest.truncate(self.size + 1);
        let (rest, next) = self.cut(rest, |(key, _)| key.clone());
        (rest.into_iter().map(|(_, item)| item).collect(), next)
    }

    /// Takes the page out of a whole list whose items are in the order of their keys.
    pub(crate) fn take<T, K: AsRef<[u8]>>(
        &self,
        items: Vec<T>,
        key: impl Fn(&T) -> K,
    ) -> (Vec<T>, String) {
        let rest = items
            .into_iter()
            .filter(|item| self.after.is_empty() || key(item).as_ref() > self.after.as_slice());
        self.cut(rest.take(self.size + 1).collect(), key)
    }
}

/// The key of a number from 0 on: its bytes are in its order.
pub(crate) const fn number(id: i64) -> [u8; 8] {
    id.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_a_list_once_and_tokens_fit_no_other_list() {
        let key = PageTokenKey::derive(b"secret");
        let items: Vec<i64> = (1..=7).collect();
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let asked = Asked {
                size: 3,
                token: &token,
            };
            let page = Page::parse(&key, "numbers".to_owned(), asked, SHORT).unwrap();
            let (part, next) = page.take(items.clone(), |id| number(*id));
            seen.extend(part);
            if next.is_empty() {
                break;
            }
            let other = Asked {
                size: 3,
                token: &next,
            };
            assert!(Page::parse(&key, "others".to_owned(), other, SHORT).is_err());
            token = next;
        }
        assert_eq!(seen, items);
    }

    #[test]
    fn a_sorted_list_is_covered_once_in_both_directions() {
        let key = PageTokenKey::derive(b"secret");
        for descending in [false, true] {
            let (mut seen, mut token) = (Vec::new(), String::new());
            loop {
                let asked = Asked {
                    size: 3,
                    token: &token,
                };
                let page = Page::parse(&key, "numbers".to_owned(), asked, SHORT).unwrap();
                let items: Vec<i64> = vec![5, 2, 7, 1, 6, 3, 4];
                let (part, next) = page.sort(items, |id| number(*id).to_vec(), descending);
                seen.extend(part);
                if next.is_empty() {
                    break;
                }
                token = next;
            }
            let mut all: Vec<i64> = (1..=7).collect();
            if descending {
                all.reverse();
            }
            assert_eq!(seen, all);
        }
    }
}
