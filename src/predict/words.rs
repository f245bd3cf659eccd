//! Known words with what each adds to the scores, so that a sentence is one look-up a word.
//!
//! All features but bigrams lie within words, so a word adds the same to every sentence that it
//! stands in. The table fills as words are met and is emptied when it is full.

use crate::features::ROLES;
use crate::hash::mix;

/// Labels scored at once; lanes of labels that do not exist are 0.
pub(super) const LANES: usize = 8;

/// No unit.
pub(super) const NO_UNIT: u32 = u32::MAX;

/// Words kept before all are forgotten, between two sentences.
const REMEMBERED_WORDS: usize = 1 << 17;

/// What a word adds to scores and norms.
#[derive(Clone, Copy, Debug)]
pub(super) struct WordFacts {
    /// Its place in the units, or [`NO_UNIT`].
    pub(super) unit: u32,
    /// Sum of its squared feature values.
    pub(super) squared_norm: f32,
    /// Its unit's inverse document frequency, squared.
    pub(super) squared_idf: f32,
    /// What it adds to the assertion's score in each role.
    pub(super) by_role: [f32; ROLES],
}

impl Default for WordFacts {
    fn default() -> Self {
        Self {
            unit: NO_UNIT,
            squared_norm: 0.0,
            squared_idf: 0.0,
            by_role: [0.0; ROLES],
        }
    }
}

/// What something adds to the scores of a group of labels.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lanes {
    pub(super) window: [f32; LANES],
    pub(super) sentence: [f32; LANES],
}

/// Words by key.
#[derive(Debug, Default)]
pub(super) struct WordTable {
    /// Keys of words in a flat hash table of a power of two of slots; 0 is no key.
    keys: Vec<u128>,
    /// For each key its word's number.
    numbers: Vec<u32>,
    facts: Vec<WordFacts>,
    /// `groups` for each word.
    lanes: Vec<Lanes>,
    groups: usize,
    /// Words that have a key.
    known: usize,
}

impl WordTable {
    /// Makes room where the table is full; words found before are then gone. `groups` is how many
    /// groups of labels there are.
    pub(super) fn prepare(&mut self, groups: usize) {
        if self.facts.len() >= REMEMBERED_WORDS || self.groups != groups {
            *self = Self {
                groups,
                ..Self::default()
            };
        }
    }

    #[inline]
    pub(super) fn facts(&self, word: u32) -> &WordFacts {
        &self.facts[word as usize]
    }

    #[inline]
    pub(super) fn lanes(&self, word: u32, group: usize) -> &Lanes {
        &self.lanes[word as usize * self.groups + group]
    }

    /// The number of the word with a key.
    #[inline]
    pub(super) fn find(&self, key: u128) -> Option<u32> {
        let last = self.keys.len().checked_sub(1)?;
        let mut slot = hash_of(key) & last;
        loop {
            if self.keys[slot] == key {
                return Some(self.numbers[slot]);
            }
            if self.keys[slot] == 0 {
                return None;
            }
            slot = (slot + 1) & last;
        }
    }

    /// Adds a word, which can be found again if it has a key, and gives its number.
    pub(super) fn add(&mut self, key: Option<u128>, facts: WordFacts, lanes: &[Lanes]) -> u32 {
        let number = self.facts.len() as u32;
        self.facts.push(facts);
        self.lanes.extend_from_slice(lanes);
        if let Some(key) = key {
            if 2 * (self.known + 1) > self.keys.len() {
                self.grow();
            }
            self.insert(key, number);
            self.known += 1;
        }
        number
    }

    fn insert(&mut self, key: u128, number: u32) {
        let last = self.keys.len() - 1;
        let mut slot = hash_of(key) & last;
        while self.keys[slot] != 0 {
            slot = (slot + 1) & last;
        }
        self.keys[slot] = key;
        self.numbers[slot] = number;
    }

    fn grow(&mut self) {
        let slots = (2 * self.keys.len()).max(1 << 10);
        let keys = std::mem::replace(&mut self.keys, vec![0; slots]);
        let numbers = std::mem::replace(&mut self.numbers, vec![0; slots]);
        for (key, number) in keys.into_iter().zip(numbers) {
            if key != 0 {
                self.insert(key, number);
            }
        }
    }
}

#[inline]
fn hash_of(key: u128) -> usize {
    mix(key as u64, (key >> 64) as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_until_the_table_is_full() {
        let mut table = WordTable::default();
        table.prepare(1);
        for key in 1..=REMEMBERED_WORDS as u128 {
            assert_eq!(table.find(key), None);
            let facts = WordFacts {
                squared_norm: key as f32,
                ..WordFacts::default()
            };
            table.add(Some(key), facts, &[Lanes::default()]);
        }
        assert_eq!(
            table.find(77).map(|word| table.facts(word).squared_norm),
            Some(77.0)
        );
        table.prepare(1);
        assert_eq!(table.find(77), None);
    }
}
