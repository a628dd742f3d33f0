//! What is in a token of a copy: what is fixed, and how far it is, sealed together with the order and the account.

use jmap_domain::{AttributeId, DataRevision, ElementId};
use jmap_proto::layerdata::CopyOrder;
use jmap_wire::{Failure, FieldPath, PageTokenKey};
use layer_data_core::{
    copy::{CopyPlan, CopyProgress, Pair},
    edit::RequestKey,
    history::AsOf,
    ports::Call,
    value::DateTime,
};
use prost::Message;
use sha2::{Digest, Sha256};
use tonic::Code;
use uuid::Uuid;

use crate::elements::of_account;

/// How long a token is good for: half as long as what a chunk did is remembered for, so that no chunk that is still to
/// be written under it can have been forgotten.
const LIFE_MILLIS: i64 = 12 * 3_600_000;
/// Tells these tokens from those of pages.
const KIND: &[u8] = b"copy";

/// A copy, as bytes.
#[derive(Clone, PartialEq, Message)]
struct Sealed {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(int64, tag = "2")]
    prepared: i64,
    #[prost(int64, optional, tag = "3")]
    revision: Option<i64>,
    #[prost(int64, optional, tag = "4")]
    time: Option<i64>,
    #[prost(int64, repeated, tag = "5")]
    sources: Vec<i64>,
    #[prost(int64, repeated, tag = "6")]
    targets: Vec<i64>,
    #[prost(int64, tag = "7")]
    after: i64,
    #[prost(uint64, tag = "8")]
    copied: u64,
    #[prost(uint64, tag = "9")]
    refused: u64,
}

/// A copy that was prepared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ticket {
    /// Tells it from all others.
    pub(super) id: [u8; 16],
    /// When it was prepared.
    pub(super) prepared: DateTime,
    /// What is fixed.
    pub(super) plan: CopyPlan,
    /// How far it is.
    pub(super) progress: CopyProgress,
}

/// An order of an account: a token opens for no other.
#[derive(Clone)]
pub(super) struct Order {
    bytes: Vec<u8>,
    key: PageTokenKey,
}

impl Order {
    pub(super) fn new(call: &Call, order: &CopyOrder, key: &PageTokenKey) -> Self {
        Self {
            bytes: [KIND, &of_account(call.caller, order)].concat(),
            key: key.clone(),
        }
    }

    pub(super) fn seal(&self, ticket: &Ticket) -> String {
        let sealed = sealed(ticket);
        self.key.seal(&self.bytes, &sealed.encode_to_vec())
    }

    /// The copy of a token that is still good.
    pub(super) fn open(&self, token: &str) -> Result<Ticket, Failure> {
        let opened = self.key.open(&self.bytes, token).ok().flatten();
        let sealed = opened.and_then(|bytes| Sealed::decode(bytes.as_slice()).ok());
        let ticket = sealed.and_then(ticket).ok_or_else(foreign)?;
        ticket.is_good().then_some(ticket).ok_or_else(too_old)
    }

    /// Recognises what the copy does when it is run once more.
    pub(super) fn request(&self, ticket: &Ticket) -> RequestKey {
        RequestKey {
            id: ticket.id,
            content: Sha256::digest(&self.bytes).into(),
        }
    }
}

impl Ticket {
    /// A new copy.
    pub(super) fn new(plan: CopyPlan) -> Self {
        Self {
            id: Uuid::new_v4().into_bytes(),
            prepared: DateTime::now(),
            plan,
            progress: CopyProgress::default(),
        }
    }

    /// Whether more may be copied under it.
    pub(super) fn is_good(&self) -> bool {
        let age = DateTime::now().millis() - self.prepared.millis();
        (0..LIFE_MILLIS).contains(&age)
    }
}

fn foreign() -> Failure {
    let violation = FieldPath::of("copy_token").invalid("is not a token of this copy");
    let message = violation.to_string();
    Failure::new(Code::InvalidArgument, "INVALID_PAGE_TOKEN", message).at(violation)
}

/// The copy was prepared too long ago.
pub(super) fn too_old() -> Failure {
    let message = "the copy was prepared too long ago";
    Failure::new(Code::FailedPrecondition, "PRECONDITION_FAILED", message)
}

fn sealed(ticket: &Ticket) -> Sealed {
    let Ticket {
        id,
        prepared,
        plan: CopyPlan { as_of, pairs },
        progress:
            CopyProgress {
                after,
                copied,
                refused,
            },
    } = ticket;
    let (revision, time) = match as_of {
        AsOf::Revision(revision) => (Some(revision.get()), None),
        AsOf::Time(time) => (None, Some(time.millis())),
    };
    Sealed {
        id: id.to_vec(),
        prepared: prepared.millis(),
        revision,
        time,
        sources: pairs.iter().map(|pair| pair.source.get()).collect(),
        targets: pairs.iter().map(|pair| pair.target.get()).collect(),
        after: after.map_or(0, ElementId::get),
        copied: *copied,
        refused: *refused,
    }
}

fn ticket(sealed: Sealed) -> Option<Ticket> {
    let as_of = match (sealed.revision, sealed.time) {
        (Some(revision), None) => AsOf::Revision(DataRevision::new(revision)?),
        (None, Some(time)) => AsOf::Time(DateTime::from_millis(time).ok()?),
        (None, None) | (Some(_), Some(_)) => return None,
    };
    let pair = |(source, target)| {
        Some(Pair {
            source: AttributeId::new(source).ok()?,
            target: AttributeId::new(target).ok()?,
        })
    };
    let pairs = sealed.sources.into_iter().zip(sealed.targets).map(pair);
    Some(Ticket {
        id: sealed.id.try_into().ok()?,
        prepared: DateTime::from_millis(sealed.prepared).ok()?,
        plan: CopyPlan {
            as_of,
            pairs: pairs.collect::<Option<_>>()?,
        },
        progress: CopyProgress {
            after: match sealed.after {
                0 => None,
                id => Some(ElementId::new(id).ok()?),
            },
            copied: sealed.copied,
            refused: sealed.refused,
        },
    })
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Instant};

    use jmap_domain::Caller;

    use super::*;

    fn order(source_layer_id: i64) -> Order {
        let call = Call {
            caller: Caller::Anonymous,
            deadline: Instant::now(),
            user_token: None,
            request_id: Arc::from("r"),
        };
        let order = CopyOrder {
            source_layer_id,
            ..CopyOrder::default()
        };
        Order::new(&call, &order, &PageTokenKey::derive(b"secret"))
    }

    fn planned(as_of: AsOf) -> Ticket {
        let id = |id: i64| AttributeId::new(id).unwrap();
        let (source, target) = (id(3), id(1));
        let pairs = vec![Pair { source, target }];
        Ticket::new(CopyPlan { as_of, pairs })
    }

    #[test]
    fn a_copy_survives_its_token_and_opens_for_no_other_order() {
        // R109, R112.
        let begun = planned(AsOf::Revision(DataRevision::new(9).unwrap()));
        let later = Ticket {
            progress: CopyProgress {
                after: Some(ElementId::new(1_000).unwrap()),
                copied: 998,
                refused: 2,
            },
            ..planned(AsOf::Time(DateTime::EPOCH))
        };
        for ticket in [begun, later] {
            let token = order(1).seal(&ticket);
            assert_eq!(order(1).open(&token).ok(), Some(ticket));
            assert!(order(2).open(&token).is_err() && order(1).open("").is_err());
        }
    }

    #[test]
    fn an_old_token_is_good_no_more() {
        // R109: what was done is remembered for a day only.
        let day_ago = DateTime::from_millis(DateTime::now().millis() - LIFE_MILLIS).unwrap();
        let ticket = Ticket {
            prepared: day_ago,
            ..planned(AsOf::Time(DateTime::EPOCH))
        };
        let refused = order(1).open(&order(1).seal(&ticket)).unwrap_err();
        assert_eq!(refused.item().reason, "PRECONDITION_FAILED");
    }
}
