//! A table that forgets what was not touched for longest, so that nobody fills the memory.

use std::{collections::HashMap, hash::Hash, time::Duration};

/// Most keys: a few megabytes.
const MOST: usize = 16_384;

/// Values by key, each with the moment at which it was last put.
#[derive(Debug)]
pub(super) struct Bounded<K, V>(HashMap<K, (Duration, V)>);

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Copy + Eq + Hash, V: Copy> Bounded<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.0.get(key).map(|(_, value)| *value)
    }

    pub(super) fn put(&mut self, key: K, now: Duration, value: V) {
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            self.forget_older_half();
        }
        self.0.insert(key, (now, value));
    }

    pub(super) fn forget(&mut self, key: &K) {
        self.0.remove(key);
    }

    /// Half at a time, so that a full table costs little for each of the many keys that come to it.
    fn forget_older_half(&mut self) {
        let mut ages: Vec<(Duration, K)> =
            self.0.iter().map(|(key, (at, _))| (*at, *key)).collect();
        let half = ages.len() / 2;
        ages.select_nth_unstable_by_key(half, |(at, _)| *at);
        for (_, key) in ages.into_iter().take(half) {
            self.0.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_forgets_the_oldest_and_grows_no_further() {
        let mut table = Bounded::default();
        for key in 0..3 * MOST {
            table.put(key, Duration::from_secs(key as u64), key);
            assert!(table.0.len() <= MOST);
        }
        let newest = 3 * MOST - 1;
        assert_eq!(table.get(&newest), Some(newest));
        assert_eq!(table.get(&0), None);
    }

    #[test]
    fn a_full_table_of_one_moment_keeps_half() {
        let mut table = Bounded::default();
        for key in 0..=MOST {
            table.put(key, Duration::ZERO, ());
        }
        assert_eq!(table.0.len(), MOST / 2 + 1);
    }
}
