//! Bigrams that were met, with what each adds to the scores.

use super::words::Lanes;
use crate::hash::mix;

/// No bigram.
pub(super) const NO_BIGRAM: u32 = u32::MAX;

/// A pair of units and the number of its bigram; pairs that are none are remembered as well. Keys are
/// counted from 1, 0 is a free place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    next_key: u64,
    pub(super) number: u32,
}

impl Slot {
    #[inline]
    pub(super) fn is(&self, key: u64) -> bool {
        self.next_key == key + 1
    }
}

/// Bigrams by the key of their units.
#[derive(Debug, Default)]
pub(super) struct BigramTable {
    /// A power of two of them, at most half taken.
    slots: Vec<Slot>,
    taken: usize,
    pub(super) squared_norms: Vec<f32>,
    /// What each bigram adds for each group of labels.
    pub(super) lanes: Vec<Lanes>,
}

/// Pairs kept before all are forgotten.
const REMEMBERED_PAIRS: usize = 1 << 17;

impl BigramTable {
    /// Makes room where the table is full; bigrams found before are then gone.
    pub(super) fn prepare(&mut self, is_new: bool) {
        if is_new || self.taken > REMEMBERED_PAIRS {
            *self = Self {
                slots: vec![Slot::default(); 1 << 10],
                ..Self::default()
            };
        }
    }

    /// What stands at the first place where a pair may stand. No step depends on what is read, so
    /// that the processor fetches all pairs of a sentence at once.
    #[inline]
    pub(super) fn guess(&self, key: u64) -> Slot {
        let last = self.slots.len().wrapping_sub(1);
        self.slots[mix(0, key) as usize & last]
    }

    /// The number of the bigram with a key, [`NO_BIGRAM`] for a pair that is none; `None` for one
    /// that was not met.
    pub(super) fn find(&self, key: u64) -> Option<u32> {
        let last = self.slots.len().checked_sub(1)?;
        let mut place = mix(0, key) as usize & last;
        loop {
            let slot = self.slots[place];
            if slot.is(key) {
                return Some(slot.number);
            }
            if slot.next_key == 0 {
                return None;
            }
            place = (place + 1) & last;
        }
    }

    /// Remembers the number of a pair.
    pub(super) fn add(&mut self, key: u64, number: u32) {
        self.taken += 1;
        if 2 * self.taken > self.slots.len() {
            let slots = vec![Slot::default(); 4 * self.slots.len()];
            for slot in std::mem::replace(&mut self.slots, slots) {
                if slot.next_key != 0 {
                    self.insert(slot);
                }
            }
        }
        let next_key = key + 1;
        self.insert(Slot { next_key, number });
    }

    fn insert(&mut self, slot: Slot) {
        let last = self.slots.len() - 1;
        let mut place = mix(0, slot.next_key - 1) as usize & last;
        while self.slots[place].next_key != 0 {
            place = (place + 1) & last;
        }
        self.slots[place] = slot;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_found_again() {
        let mut table = BigramTable::default();
        table.prepare(true);
        for key in 0..10_000 {
            assert_eq!(table.find(key), None);
            table.add(key, (key % 7) as u32);
        }
        assert!((0..10_000).all(|key| table.find(key) == Some((key % 7) as u32)));
        table.prepare(true);
        assert_eq!(table.find(0), None);
    }
}
