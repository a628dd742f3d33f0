//! Counting equal things within bounds: what a flood can neither slow down nor fill memory with (R122).

use std::{collections::HashMap, hash::Hash};

/// How many different things are held apart at most. The rest is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TallyLimits {
    /// Of all callers together.
    pub all: usize,
    /// Of one caller, so that nobody's flood keeps out what others do.
    pub of_one: usize,
}

impl Default for TallyLimits {
    fn default() -> Self {
        Self {
            all: 1_000,
            of_one: 100,
        }
    }
}

/// Equal things, seen once or several times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen<D> {
    /// When the first one was, in milliseconds since 1970.
    pub first_at: i64,
    /// When the last one was, in milliseconds since 1970.
    pub last_at: i64,
    /// How many there were; at least 1.
    pub count: u64,
    /// What is told of the first one alone.
    pub detail: D,
}

impl<D> Seen<D> {
    /// One thing at one moment.
    pub const fn once(at: i64, detail: D) -> Self {
        Self {
            first_at: at,
            last_at: at,
            count: 1,
            detail,
        }
    }

    /// The same with another detail.
    #[must_use]
    pub fn with<E>(self, detail: E) -> Seen<E> {
        Seen {
            first_at: self.first_at,
            last_at: self.last_at,
            count: self.count,
            detail,
        }
    }

    fn absorb(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.last_at = self.last_at.max(other.last_at);
        if other.first_at < self.first_at {
            self.first_at = other.first_at;
            self.detail = other.detail;
        }
    }
}

/// Counts equal things of each caller. Adding takes the same short time however much there is.
#[derive(Debug)]
pub struct Tally<C, W, D> {
    limits: TallyLimits,
    callers: HashMap<C, HashMap<W, Seen<D>>>,
    held: usize,
    dropped: u64,
}

/// What was counted.
#[derive(Debug)]
pub struct Tallied<C, W, D> {
    /// Whose, what, and how often, in the order of first times.
    pub entries: Vec<(C, W, Seen<D>)>,
    /// How many more there were, for which there was no room.
    pub dropped: u64,
}

impl<C: Eq + Hash + Clone, W: Eq + Hash, D> Tally<C, W, D> {
    /// Nothing yet.
    #[must_use]
    pub fn new(limits: TallyLimits) -> Self {
        Self {
            limits,
            callers: HashMap::new(),
            held: 0,
            dropped: 0,
        }
    }

    /// Counts what a caller did. Without room for another thing it only counts that there was one.
    pub fn add(&mut self, caller: C, what: W, seen: Seen<D>) {
        let of_caller = self.callers.get_mut(&caller);
        if let Some(known) = of_caller.and_then(|things| things.get_mut(&what)) {
            return known.absorb(seen);
        }
        let of_one = self.callers.get(&caller).map_or(0, HashMap::len);
        if self.held >= self.limits.all || of_one >= self.limits.of_one {
            return self.lose(seen.count);
        }
        self.held += 1;
        self.callers.entry(caller).or_default().insert(what, seen);
    }

    /// Counts what is known to be lost.
    pub const fn lose(&mut self, count: u64) {
        self.dropped = self.dropped.saturating_add(count);
    }

    /// Whether nothing was counted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.held == 0 && self.dropped == 0
    }

    /// Hands over what was counted, and begins anew.
    #[must_use]
    pub fn take(&mut self) -> Tallied<C, W, D> {
        let Self {
            limits: _,
            callers,
            held: _,
            dropped,
        } = std::mem::replace(self, Self::new(self.limits));
        let things = callers.into_iter().flat_map(|(caller, things)| {
            let each = things.into_iter();
            each.map(move |(what, seen)| (caller.clone(), what, seen))
        });
        let mut entries: Vec<_> = things.collect();
        entries.sort_by_key(|(_, _, seen)| seen.first_at);
        Tallied { entries, dropped }
    }

    /// Takes back what could not be handed on, as far as there is room.
    pub fn give_back(&mut self, tallied: Tallied<C, W, D>) {
        let Tallied { entries, dropped } = tallied;
        for (caller, what, seen) in entries {
            self.add(caller, what, seen);
        }
        self.lose(dropped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: TallyLimits = TallyLimits { all: 5, of_one: 3 };

    fn tally(things: &[(&'static str, u8, i64)]) -> Tally<&'static str, u8, i64> {
        let mut tally = Tally::new(LIMITS);
        for (caller, what, at) in things {
            tally.add(*caller, *what, Seen::once(*at, *at));
        }
        tally
    }

    #[test]
    fn equal_things_are_one_entry_with_a_count() {
        // R122.
        let mut tally = tally(&[
            ("ana", 1, 10),
            ("ben", 1, 11),
            ("ana", 1, 30),
            ("ana", 1, 5),
        ]);
        let Tallied { entries, dropped } = tally.take();
        let seen = Seen {
            first_at: 5,
            last_at: 30,
            count: 3,
            detail: 5,
        };
        assert_eq!(entries, [("ana", 1, seen), ("ben", 1, Seen::once(11, 11))]);
        assert_eq!(dropped, 0);
        assert!(tally.is_empty() && tally.take().entries.is_empty());
    }

    #[test]
    fn a_flood_by_one_leaves_room_for_others_and_is_a_number() {
        // R122.
        let flood: Vec<_> = (0..100).map(|what| ("ana", what, 1)).collect();
        let mut tally = tally(&flood);
        tally.add("ben", 1, Seen::once(2, 2));
        tally.add("ana", 0, Seen::once(3, 3));
        let Tallied { entries, dropped } = tally.take();
        assert_eq!((entries.len(), dropped), (4, 97));
        let counted: u64 = entries.iter().map(|(_, _, seen)| seen.count).sum();
        assert_eq!(counted + dropped, 102);
    }

    #[test]
    fn many_callers_fill_no_more_than_all_may() {
        // R122.
        let callers = ["a", "b", "c", "d", "e", "f", "g"];
        let mut tally = tally(&callers.map(|caller| (caller, 1, 1)));
        let taken = tally.take();
        assert_eq!((taken.entries.len(), taken.dropped), (5, 2));
    }

    #[test]
    fn what_is_given_back_is_counted_with_what_came_since() {
        let mut tally = tally(&[("ana", 1, 10)]);
        let taken = tally.take();
        tally.add("ana", 1, Seen::once(20, 20));
        tally.lose(4);
        tally.give_back(taken);
        let Tallied { entries, dropped } = tally.take();
        let [(_, _, seen)] = entries.as_slice() else {
            panic!("one entry: {entries:?}");
        };
        assert_eq!((seen.first_at, seen.last_at, seen.count), (10, 20, 2));
        assert_eq!(dropped, 4);
    }
}
