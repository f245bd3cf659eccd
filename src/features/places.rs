//! Finding the place of a key in a list that is kept elsewhere.

/// No key.
const NONE: u32 = u32::MAX;

/// A flat hash table of places, half empty so that few places are looked at. Keys stay in their
/// list, which is compact and has an order; the table costs four to eight bytes a key, and is made
/// in a few nanoseconds each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    slots: Vec<u32>,
}

impl Places {
    /// A table of as many places as there are hashes, for keys that are distinct.
    pub(crate) fn new(hashes: impl ExactSizeIterator<Item = u64>) -> Self {
        let slots = (2 * hashes.len()).next_power_of_two();
        let mut table = Self {
            slots: vec![NONE; slots],
        };
        for (place, hash) in (0..NONE).zip(hashes) {
            let mut slot = hash as usize & (slots - 1);
            while table.slots[slot] != NONE {
                slot = (slot + 1) & (slots - 1);
            }
            table.slots[slot] = place;
        }
        table
    }

    /// The place of the key with this hash for which `is_key` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut is_key: impl FnMut(u32) -> bool) -> Option<u32> {
        let last = self.slots.len().checked_sub(1)?;
        let mut slot = hash as usize & last;
        loop {
            let place = self.slots[slot];
            if place == NONE {
                return None;
            }
            if is_key(place) {
                return Some(place);
            }
            slot = (slot + 1) & last;
        }
    }
}

/// What keys are surely not in a list, in so few bytes that they stay in the processor's cache: each
/// key sets two bits of a word (a blocked Bloom filter; Putze, Sanders and Singler, JEA 14, 2009).
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    /// A filter of eight to sixteen bits a key.
    pub(crate) fn new(hashes: impl ExactSizeIterator<Item = u64>) -> Self {
        let words = (hashes.len() / 8).next_power_of_two();
        let mut filter = Self {
            words: vec![0; words],
        };
        for hash in hashes {
            filter.words[word_of(hash) & (words - 1)] |= bits_of(hash);
        }
        filter
    }

    /// Whether a key with this hash may be in the list.
    #[inline]
    pub(crate) fn may_hold(&self, hash: u64) -> bool {
        let Some(last) = self.words.len().checked_sub(1) else {
            return false;
        };
        self.words[word_of(hash) & last] & bits_of(hash) == bits_of(hash)
    }
}

#[inline]
fn word_of(hash: u64) -> usize {
    hash as usize
}

#[inline]
fn bits_of(hash: u64) -> u64 {
    1 << (hash >> 20 & 63) | 1 << (hash >> 26 & 63)
}

/// A table of places behind a filter.
#[derive(Clone, Debug, Default)]
pub(crate) struct FilteredPlaces {
    filter: Filter,
    places: Places,
}

impl FilteredPlaces {
    /// A table of as many places as there are hashes, for keys that are distinct.
    pub(crate) fn new(hashes: &[u64]) -> Self {
        Self {
            filter: Filter::new(hashes.iter().copied()),
            places: Places::new(hashes.iter().copied()),
        }
    }

    /// Whether a key with this hash may have a place.
    #[inline]
    pub(crate) fn may_hold(&self, hash: u64) -> bool {
        self.filter.may_hold(hash)
    }

    /// The place of the key with this hash for which `is_key` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is_key: impl FnMut(u32) -> bool) -> Option<u32> {
        match self.filter.may_hold(hash) {
            true => self.places.find(hash, is_key),
            false => None,
        }
    }

    /// The first place that a key with this hash may have. No step depends on what is read, so that
    /// the processor fetches the places of many keys at once.
    #[inline]
    pub(crate) fn guess(&self, hash: u64) -> u32 {
        let last = self.places.slots.len().wrapping_sub(1);
        self.places.slots[hash as usize & last]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::mix;
    use proptest::prelude::*;

    #[test]
    fn filters_turn_most_keys_away() {
        let filter = Filter::new((0..10_000u32).map(|key| mix(0, key.into())));
        let passed = (10_000..20_000).filter(|&key| filter.may_hold(mix(0, key)));
        assert!(passed.count() < 1_000);
    }

    proptest! {
        #[test]
        fn every_key_is_found_and_no_other(keys in prop::collection::btree_set(0u64..500, 0..200)) {
            let keys: Vec<u64> = keys.into_iter().collect();
            // A poor hash on purpose: many keys meet.
            let hash = |key: u64| key / 7;
            let hashes: Vec<u64> = keys.iter().map(|&key| hash(key)).collect();
            let table = Places::new(hashes.iter().copied());
            let filtered = FilteredPlaces::new(&hashes);
            let filter = Filter::new(keys.iter().map(|&key| mix(0, key)));
            for key in 0..500 {
                let found = table.find(hash(key), |place| keys[place as usize] == key);
                let again = filtered.find(hash(key), |place| keys[place as usize] == key);
                prop_assert_eq!(found, again);
                let guess = filtered.guess(hash(key));
                prop_assert!(keys.get(guess as usize) != Some(&key) || found == Some(guess));
                prop_assert!(found.is_none() || filter.may_hold(mix(0, key)));
                prop_assert_eq!(found.map(|place| place as usize), keys.binary_search(&key).ok());
            }
        }
    }
}
