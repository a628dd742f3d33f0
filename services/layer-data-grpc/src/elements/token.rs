//! What is in a page token: the place in the query's order, sealed together with the query and the account.

use jmap_domain::{Caller, ElementId};
use jmap_proto::types::Value as WireValue;
use jmap_wire::{FieldPath, PageTokenKey};
use layer_data_core::{query::Mark, reads::PageStart};
use prost::Message;

use crate::{answer, parse};

/// Where a page begins, as bytes.
#[derive(Clone, PartialEq, Message)]
struct Place {
    /// The last element of the page before.
    #[prost(int64, tag = "1")]
    after: i64,
    /// How many elements came before.
    #[prost(uint64, tag = "2")]
    seen: u64,
    /// The attributes sorted by: by id, so that a rename confuses nothing (R114).
    #[prost(int64, repeated, tag = "3")]
    keys: Vec<i64>,
    /// Their values there.
    #[prost(message, repeated, tag = "4")]
    values: Vec<WireValue>,
}

/// A request together with the account that makes it.
pub(crate) fn of_account(caller: Caller, request: &impl Message) -> Vec<u8> {
    let (kind, id) = match caller {
        Caller::Anonymous => (0, 0),
        Caller::Session(caller) => (1, caller.user.get()),
        Caller::Service(caller) => (2, caller.service.get()),
    };
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&id.to_be_bytes());
    bytes.extend_from_slice(&request.encode_to_vec());
    bytes
}

/// What all pages of a query have in common. A token opens for no other, and for no other account.
pub(super) struct Query(Vec<u8>);

impl Query {
    /// The query of a request without its page fields.
    pub(super) fn new(caller: Caller, request: &impl Message) -> Self {
        Self(of_account(caller, request))
    }

    /// The token of the page that begins there.
    pub(super) fn seal(&self, key: &PageTokenKey, start: &PageStart) -> String {
        key.seal(&self.0, &place(start).encode_to_vec())
    }

    /// Where the page of a token begins; an empty one is the first. `None` when it is not a token of this query.
    pub(super) fn open(&self, key: &PageTokenKey, token: &str) -> Option<PageStart> {
        match key.open(&self.0, token).ok()? {
            None => Some(PageStart::default()),
            Some(bytes) => page_start(Place::decode(bytes.as_slice()).ok()?),
        }
    }
}

fn place(start: &PageStart) -> Place {
    let PageStart { after, keys, seen } = start;
    let values = after.as_ref().map_or(&[][..], Mark::keys);
    Place {
        after: after.as_ref().map_or(0, |mark| mark.id().get()),
        seen: *seen,
        keys: keys.iter().map(|key| key.get()).collect(),
        values: values.iter().map(answer::value).collect(),
    }
}

fn page_start(place: Place) -> Option<PageStart> {
    let Place {
        after,
        seen,
        keys,
        values,
    } = place;
    let keys = keys.into_iter().map(|key| key.try_into().ok());
    let values = values
        .into_iter()
        .map(|value| parse::value(FieldPath::default(), Some(value)).ok());
    let after = match after {
        0 => None,
        id => Some(Mark::new(
            values.collect::<Option<_>>()?,
            ElementId::new(id).ok()?,
        )),
    };
    Some(PageStart {
        after,
        keys: keys.collect::<Option<_>>()?,
        seen,
    })
}

#[cfg(test)]
mod tests {
    use jmap_domain::MAX_ID;
    use layer_data_core::value::Value;

    use super::*;

    #[test]
    fn where_a_page_begins_survives_its_token() {
        // R112.
        let (key, query) = (PageTokenKey::derive(b"secret"), Query(b"q".to_vec()));
        let values = vec![
            Value::Null,
            Value::text("é").unwrap(),
            Value::double(0.1).unwrap(),
            Value::Binary(vec![]),
        ];
        for start in [
            PageStart::default(),
            PageStart {
                after: Some(Mark::new(values, ElementId::new(MAX_ID).unwrap())),
                keys: [1, 2, 9, 4].map(|id| id.try_into().unwrap()).to_vec(),
                seen: 70_000,
            },
        ] {
            let token = query.seal(&key, &start);
            assert_eq!(query.open(&key, &token), Some(start));
        }
        assert_eq!(query.open(&key, ""), Some(PageStart::default()));
        assert_eq!(query.open(&key, &key.seal(b"q", &[255])), None);
    }
}
