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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_key_is_found_and_no_other(keys in prop::collection::btree_set(0u64..500, 0..200)) {
            let keys: Vec<u64> = keys.into_iter().collect();
            // A poor hash on purpose: many keys meet.
            let hash = |key: u64| key / 7;
            let table = Places::new(keys.iter().map(|&key| hash(key)));
            for key in 0..500 {
                let found = table.find(hash(key), |place| keys[place as usize] == key);
                prop_assert_eq!(found.map(|place| place as usize), keys.binary_search(&key).ok());
            }
        }
    }
}
