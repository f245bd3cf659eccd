//! Known words with what each adds to the scores, so that a sentence is one look-up a word.
//!
//! All features but bigrams lie within words, so a word adds the same to every sentence that it
//! stands in. The table fills as words are met and is emptied when it is full.

use crate::hash::mix;

/// Labels scored at once, as many as leave a word in one line of the processor's cache; lanes of
/// labels that do not exist are 0.
pub(super) const LANES: usize = 6;

/// No unit.
pub(super) const NO_UNIT: u32 = u32::MAX;

/// Words kept before all are forgotten, between two sentences.
const REMEMBERED_WORDS: usize = 1 << 18;

/// What something adds to the scores of a group of labels.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lanes {
    pub(super) window: [f32; LANES],
    pub(super) sentence: [f32; LANES],
}

/// What a word adds to scores and norms: one line of the processor's cache.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Word {
    /// For the first group of labels.
    pub(super) lanes: Lanes,
    /// Its place in the units, or [`NO_UNIT`].
    pub(super) unit: u32,
    /// Sum of its squared feature values.
    pub(super) squared_norm: f32,
    /// The lower half of the key it is found by; 0 for a word that is not found again.
    low_key: u64,
}

const _: () = assert!(size_of::<Word>() == 64, "a word is one line");

impl Default for Word {
    fn default() -> Self {
        Self {
            lanes: Lanes::default(),
            unit: NO_UNIT,
            squared_norm: 0.0,
            low_key: 0,
        }
    }
}

/// Words by key. Word 0 is none.
#[derive(Debug, Default)]
pub(super) struct WordTable {
    /// The numbers of words by the hash of their keys, 0 where there is none: a power of two of
    /// places, at most a third taken.
    places: Vec<u32>,
    words: Vec<Word>,
    /// The upper half of each word's key, 0 for most.
    high_keys: Vec<u64>,
    /// What each word adds for further groups of labels, `groups - 1` a word.
    further: Vec<Lanes>,
    groups: usize,
}

impl WordTable {
    /// Makes room where the table is full and says so; words found before are then gone. `groups`
    /// is how many groups of labels there are.
    pub(super) fn prepare(&mut self, groups: usize) -> bool {
        if self.words.len() <= REMEMBERED_WORDS && self.groups == groups {
            return false;
        }
        *self = Self {
            places: vec![0; 1 << 10],
            words: vec![Word::default()],
            high_keys: vec![0],
            further: vec![Lanes::default(); groups.saturating_sub(1)],
            groups,
        };
        true
    }

    #[inline]
    pub(super) fn word(&self, number: u32) -> &Word {
        &self.words[number as usize]
    }

    #[inline]
    pub(super) fn lanes(&self, number: u32, group: usize) -> &Lanes {
        match group {
            0 => &self.words[number as usize].lanes,
            _ => &self.further[number as usize * (self.groups - 1) + group - 1],
        }
    }

    /// The word at the first place where one with this key may stand. No step depends on what is
    /// read, so that the processor fetches the words of a whole sentence at once.
    #[inline]
    pub(super) fn guess(&self, key: u128) -> u32 {
        let last = self.places.len().wrapping_sub(1);
        self.places[hash_of(key) & last]
    }

    /// Whether a guess was right.
    #[inline]
    pub(super) fn is(&self, number: u32, key: u128) -> bool {
        // Half a key tells most words apart: those of seven characters or fewer from one another, as
        // they have no upper half, and from longer ones, as the 1 before them is no character's code.
        let high = (key >> 64) as u64;
        (self.words[number as usize].low_key == key as u64)
            && (high == 0 || self.high_keys[number as usize] == high)
    }

    /// The number of the word with a key.
    pub(super) fn find(&self, key: u128) -> Option<u32> {
        let last = self.places.len().checked_sub(1)?;
        let mut place = hash_of(key) & last;
        loop {
            match self.places[place] {
                0 => return None,
                number if self.is(number, key) => return Some(number),
                _ => place = (place + 1) & last,
            }
        }
    }

    /// Adds a word with its lanes for all groups; it can be found again if it has a key. Gives its
    /// number.
    pub(super) fn add(&mut self, key: Option<u128>, mut word: Word, lanes: &[Lanes]) -> u32 {
        let number = self.words.len() as u32;
        if let Some((first, further)) = lanes.split_first() {
            word.lanes = *first;
            self.further.extend_from_slice(further);
        }
        let key_or_none = key.unwrap_or(0);
        word.low_key = key_or_none as u64;
        self.words.push(word);
        self.high_keys.push((key_or_none >> 64) as u64);
        if 3 * self.words.len() > self.places.len() {
            self.grow();
        } else if let Some(key) = key {
            self.insert(key, number);
        }
        number
    }

    fn insert(&mut self, key: u128, number: u32) {
        let last = self.places.len() - 1;
        let mut place = hash_of(key) & last;
        while self.places[place] != 0 {
            place = (place + 1) & last;
        }
        self.places[place] = number;
    }

    fn grow(&mut self) {
        self.places = vec![0; 4 * self.places.len()];
        for number in 1..self.words.len() {
            let low = u128::from(self.words[number].low_key);
            match u128::from(self.high_keys[number]) << 64 | low {
                0 => {}
                key => self.insert(key, number as u32),
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
    fn long_words_with_the_same_end_are_told_apart() {
        let mut table = WordTable::default();
        table.prepare(1);
        let end = 0x0202_0202_0202_0202u128;
        let keys = [1 << 64 | end, 2 << 64 | end, 1 << 56 | 7];
        for key in keys {
            assert_eq!(table.find(key), None);
            table.add(Some(key), Word::default(), &[Lanes::default()]);
        }
        assert_eq!(keys.map(|key| table.find(key)), [Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn words_are_found_until_the_table_is_full() {
        let mut table = WordTable::default();
        assert!(table.prepare(1));
        for key in 1..=REMEMBERED_WORDS as u128 {
            assert_eq!(table.find(key), None);
            let word = Word {
                squared_norm: key as f32,
                ..Word::default()
            };
            table.add(Some(key), word, &[Lanes::default()]);
        }
        for key in [1, 77, 5000] {
            let found = table
                .find(key)
                .map(|number| table.word(number).squared_norm);
            assert_eq!(found, Some(key as f32));
        }
        assert!(table.prepare(1));
        assert_eq!(table.find(77), None);
    }
}
