//! Which schema holds a layer's table: a stable hash of its id.

use jmap_domain::LayerId;

/// How many schemas hold tables of layers. Another number would lose every layer.
pub(crate) const BUCKETS: u64 = 64;

/// The schema of a layer's table.
pub(crate) fn schema(layer: LayerId) -> String {
    name(mixed(layer.get().cast_unsigned()) % BUCKETS)
}

/// The schemas that hold tables of layers.
pub(crate) fn schemas() -> impl Iterator<Item = String> {
    (0..BUCKETS).map(name)
}

fn name(bucket: u64) -> String {
    format!("jmap_layers_{bucket:02}")
}

/// The finalizer of `SplitMix64`: neighbouring ids come to lie in different schemas.
const fn mixed(id: u64) -> u64 {
    let id = (id ^ (id >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let id = (id ^ (id >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    id ^ (id >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn of(id: i64) -> String {
        schema(LayerId::new(id).unwrap())
    }

    #[test]
    fn a_layer_stays_where_it_is() {
        let places = [1, 2, 3, 7, 8, 1_000, (1 << 53) - 1].map(of);
        let expected = [37, 10, 48, 20, 40, 23, 3].map(name);
        assert_eq!(places, expected);
    }

    #[test]
    fn layers_spread_evenly() {
        let mut counts = HashMap::new();
        for id in 1..=6_400 {
            *counts.entry(of(id)).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 64);
        assert!(
            counts.values().all(|count| (60..=140).contains(count)),
            "{counts:?}"
        );
    }
}
