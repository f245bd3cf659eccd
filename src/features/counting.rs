//! Counting more different things than memory can hold.

use std::borrow::Borrow;
use std::hash::Hash;

use rustc_hash::FxHashMap;

/// Counts of the most frequent of any number of things in bounded memory, by lossy counting after
/// Manku and Motwani, "Approximate frequency counts over data streams" (VLDB 2002).
///
/// When the limit is reached, the least frequent things are forgotten and a floor rises to the
/// highest count that any of them may have had. So whatever occurred more often than the floor is
/// known, and its count is too low by at most the floor that held when it was first seen.
#[derive(Debug)]
pub(super) struct LossyCounts<K, E> {
    entries: FxHashMap<K, Entry<E>>,
    limit: usize,
    /// Whatever occurred more often than this is known.
    floor: u32,
}

/// What is known of one thing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<E> {
    /// Times counted since it was first seen, or seen anew after it was forgotten.
    pub(super) count: u32,
    /// Times it may have been counted before.
    missed: u32,
    /// What else is kept.
    pub(super) extra: E,
}

impl<K: Hash + Eq, E> LossyCounts<K, E> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            entries: FxHashMap::default(),
            limit,
            floor: 0,
        }
    }

    /// Whether so many new things could exceed the limit.
    pub(super) fn is_full_with(&self, more: usize) -> bool {
        self.entries.len() + more > self.limit
    }

    /// The entry of a thing, if it is known.
    pub(super) fn get_mut<Q>(&mut self, thing: &Q) -> Option<&mut Entry<E>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.entries.get_mut(thing)
    }

    /// Counts a thing that is not known once.
    pub(super) fn insert(&mut self, thing: K, extra: E) {
        let entry = Entry {
            count: 1,
            missed: self.floor,
            extra,
        };
        self.entries.insert(thing, entry);
    }

    /// Forgets about a quarter of the things, the least frequent; `forgotten` is told each.
    pub(super) fn prune(&mut self, mut forgotten: impl FnMut(&E)) {
        let most = |entry: &Entry<E>| entry.count.saturating_add(entry.missed);
        let mut counts: Vec<u32> = self.entries.values().map(most).collect();
        if counts.is_empty() {
            return;
        }
        let quarter = counts.len() / 4;
        let (_, &mut floor, _) = counts.select_nth_unstable(quarter);
        self.floor = self.floor.max(floor);
        self.retain(|_, entry| {
            let kept = most(entry) > floor;
            if !kept {
                forgotten(&entry.extra);
            }
            kept
        });
    }

    /// Forgets what `keeps` does not want, whatever its count.
    pub(super) fn retain(&mut self, mut keeps: impl FnMut(&K, &Entry<E>) -> bool) {
        self.entries.retain(|thing, entry| keeps(thing, entry));
    }

    /// The things that are known, in no order.
    pub(super) fn into_entries(self) -> impl Iterator<Item = (K, Entry<E>)> {
        self.entries.into_iter()
    }
}

impl<K: Hash + Eq, E: Default> LossyCounts<K, E> {
    /// Counts a thing; others may be forgotten for it.
    pub(super) fn count(&mut self, thing: K) {
        if let Some(entry) = self.get_mut(&thing) {
            entry.count = entry.count.saturating_add(1);
            return;
        }
        if self.is_full_with(1) {
            self.prune(|_| {});
        }
        self.insert(thing, E::default());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_are_right_within_the_floor(
            things in proptest::collection::vec(0..60u32, 0..600),
            limit in 4..40usize,
        ) {
            let mut lossy = LossyCounts::<u32, ()>::new(limit);
            let mut exact: HashMap<u32, u32> = HashMap::new();
            for thing in things {
                lossy.count(thing);
                *exact.entry(thing).or_insert(0) += 1;
                prop_assert!(lossy.entries.len() <= limit);
            }
            for (thing, &count) in &exact {
                match lossy.entries.get(thing) {
                    Some(entry) => prop_assert!(
                        entry.count <= count && count <= entry.count + entry.missed
                    ),
                    None => prop_assert!(count <= lossy.floor),
                }
            }
        }
    }

    #[test]
    fn frequent_things_survive_a_stream_of_rare_ones() {
        let mut lossy = LossyCounts::<u32, ()>::new(100);
        for rare in 0..10_000 {
            lossy.count(1_000_000 + rare % 10);
            lossy.count(rare);
        }
        for frequent in 1_000_000..1_000_010 {
            let entry = lossy.get_mut(&frequent).unwrap();
            assert_eq!(entry.count + entry.missed, 1000);
        }
        assert!(lossy.floor < 1000);
    }

    #[test]
    fn nothing_is_lost_within_the_limit() {
        let mut lossy = LossyCounts::<u32, ()>::new(50);
        (0..500).for_each(|thing| lossy.count(thing % 50));
        assert_eq!((lossy.floor, lossy.entries.len()), (0, 50));
        assert!(lossy.into_entries().all(|(_, entry)| entry.count == 10));
    }
}
