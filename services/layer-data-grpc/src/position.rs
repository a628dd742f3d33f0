//! Positions in change feeds as opaque texts, sealed so that none is made up or taken to another layer.

use jmap_domain::{DataRevision, ElementId, Epoch, LayerId};
use jmap_wire::{PageTokenKey, parse_policy_token};
use layer_data_core::{
    feed::{FeedPlace, FeedProgress},
    reads::FeedBegin,
};

/// A place in a layer's feed, and in which life of the installation: after a restore from a backup the same revision is
/// another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) life: Epoch,
    pub(crate) progress: FeedProgress,
}

/// The life of the installation in which an answer was given.
pub(crate) fn life(policy_token: &str) -> Epoch {
    // Authorization gives no others; a text that is none is of a life that has no feeds to go on with.
    parse_policy_token(policy_token).map_or(Epoch(0), |token| token.epoch)
}

/// The position from which to follow a layer that was read; none of the past.
pub(crate) fn begin(key: &PageTokenKey, layer: LayerId, begin: &FeedBegin) -> String {
    let seal = |place| {
        let life = life(&begin.policy_token);
        let progress = FeedProgress { place, behind: 0 };
        Position { life, progress }.seal(key, layer)
    };
    begin.place.map(seal).unwrap_or_default()
}

impl Position {
    /// The position as a text.
    pub(crate) fn seal(&self, key: &PageTokenKey, layer: LayerId) -> String {
        let FeedProgress { place, behind } = self.progress;
        let numbers = [
            place.revision.get(),
            place.element.map_or(0, ElementId::get),
            place.next_element,
        ];
        let mut bytes = self.life.0.to_be_bytes().to_vec();
        bytes.extend(numbers.into_iter().flat_map(i64::to_be_bytes));
        bytes.extend(behind.to_be_bytes());
        key.seal(&of(layer), &bytes)
    }

    /// The position in a text; `None` when it is not one of this layer.
    pub(crate) fn open(key: &PageTokenKey, layer: LayerId, text: &str) -> Option<Self> {
        let bytes = key.open(&of(layer), text).ok()??;
        let (life, numbers) = bytes.split_first_chunk()?;
        let (numbers, rest) = numbers.as_chunks();
        let (&[revision, element, next_element, behind], []) = (numbers, rest) else {
            return None;
        };
        let number = i64::from_be_bytes;
        let element = match number(element) {
            0 => None,
            id => Some(ElementId::new(id).ok()?),
        };
        Some(Self {
            life: Epoch(u32::from_be_bytes(*life)),
            progress: FeedProgress {
                place: FeedPlace {
                    revision: DataRevision::new(number(revision))?,
                    element,
                    next_element: number(next_element),
                },
                behind: u64::from_be_bytes(behind),
            },
        })
    }
}

/// What a position belongs to. No request of a page is encoded like this.
fn of(layer: LayerId) -> Vec<u8> {
    [b"feed\0".as_slice(), &layer.get().to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_text_and_belongs_to_its_layer() {
        let key = PageTokenKey::derive(b"secret");
        let [layer, other] = [7, 8].map(|id| LayerId::new(id).unwrap());
        for element in [None, ElementId::new(12).ok()] {
            let position = Position {
                life: Epoch(1_700_000_000),
                progress: FeedProgress {
                    place: FeedPlace {
                        revision: DataRevision::new(9).unwrap(),
                        element,
                        next_element: 13,
                    },
                    behind: 10_000,
                },
            };
            let text = position.seal(&key, layer);
            assert_eq!(Position::open(&key, layer, &text), Some(position));
            assert_eq!(Position::open(&key, other, &text), None);
            assert_eq!(Position::open(&key, layer, &text[1..]), None);
        }
        assert_eq!(Position::open(&key, layer, ""), None);
    }
}
