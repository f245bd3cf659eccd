//! Within-word character n-grams as exact packed keys.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

/// Characters of the longest n-gram that fits a key, one byte each.
pub const LONGEST_NGRAM: usize = 8;

/// Code of a character that no n-gram holds.
const UNKNOWN: u8 = 0;
/// Code of the mark at a word's start and end.
const BOUNDARY: u8 = 1;
/// Codes from here on are characters.
const FIRST_CHARACTER: usize = 2;
/// Characters that fit beside the two special codes.
const CAPACITY: usize = 256 - FIRST_CHARACTER;

/// The characters of the training corpus, each with a code of one byte, so that an n-gram of up
/// to eight characters is one `u64` without collisions. A corpus with more than 254 distinct
/// characters keeps the most frequent; n-grams with any other character are not features.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alphabet {
    characters: Vec<char>,
    codes: FxHashMap<char, u8>,
}

impl Alphabet {
    /// The most frequent characters, in code point order.
    pub(crate) fn from_counts(counts: &BTreeMap<char, u64>) -> Self {
        let mut by_count: Vec<(char, u64)> = counts.iter().map(|(&c, &n)| (c, n)).collect();
        by_count.sort_by_key(|&(character, count)| (std::cmp::Reverse(count), character));
        by_count.truncate(CAPACITY);
        let mut characters: Vec<char> = by_count.into_iter().map(|(c, _)| c).collect();
        characters.sort_unstable();
        Self::new(characters)
    }

    /// An alphabet stored in a model; `None` unless sorted, distinct and small enough.
    pub(crate) fn from_stored(stored: &str) -> Option<Self> {
        let characters: Vec<char> = stored.chars().collect();
        let sorted = characters.is_sorted_by(|a, b| a < b);
        (sorted && characters.len() <= CAPACITY).then(|| Self::new(characters))
    }

    fn new(characters: Vec<char>) -> Self {
        let codes = characters
            .iter()
            .enumerate()
            .map(|(index, &character)| (character, (index + FIRST_CHARACTER) as u8))
            .collect();
        Self { characters, codes }
    }

    /// The characters in the order of their codes, for storing.
    pub(crate) fn stored(&self) -> String {
        self.characters.iter().collect()
    }

    /// The code of each character.
    pub(crate) fn codes(&self) -> &FxHashMap<char, u8> {
        &self.codes
    }

    /// Whether every character of some texts has a code.
    pub(crate) fn holds_all<'t>(&self, texts: impl Iterator<Item = &'t str>) -> bool {
        let mut common = [false; 0x800];
        for &character in &self.characters {
            if let Some(is_held) = common.get_mut(character as usize) {
                *is_held = true;
            }
        }
        let is_held = |character: char| match common.get(character as usize) {
            Some(&is_held) => is_held,
            None => self.codes.contains_key(&character),
        };
        { texts }.all(|text| text.chars().all(is_held))
    }

    /// Writes the codes of a word between boundary marks into `codes`.
    pub(crate) fn encode_into(&self, word: &str, codes: &mut Vec<u8>) {
        codes.clear();
        codes.push(BOUNDARY);
        codes.extend(
            word.chars()
                .map(|character| self.codes.get(&character).copied().unwrap_or(UNKNOWN)),
        );
        codes.push(BOUNDARY);
    }

    /// Writes codes between boundary marks into `between`.
    pub(crate) fn between_boundaries(codes: &[u8], between: &mut Vec<u8>) {
        between.clear();
        between.push(BOUNDARY);
        between.extend_from_slice(codes);
        between.push(BOUNDARY);
    }

    /// Writes the word with some codes into `form`; nothing where one of them is unknown.
    pub(crate) fn decode_into(&self, codes: &[u8], form: &mut String) {
        form.clear();
        if codes.contains(&UNKNOWN) {
            return;
        }
        let places = codes
            .iter()
            .map(|&code| usize::from(code).checked_sub(FIRST_CHARACTER));
        form.extend(places.filter_map(|place| self.characters.get(place?)));
    }

    /// Whether a key can have been made with this alphabet.
    pub(crate) fn holds_key(&self, key: u64) -> bool {
        let last = self.characters.len() + FIRST_CHARACTER;
        let mut rest = key;
        while rest != 0 {
            let code = rest as u8;
            if code == UNKNOWN || usize::from(code) >= last {
                return false;
            }
            rest >>= 8;
        }
        key != 0
    }

    /// An n-gram for people to read, boundaries as `_`.
    pub(crate) fn decode(&self, key: u64) -> String {
        key.to_be_bytes()
            .iter()
            .filter(|&&code| code != UNKNOWN)
            .map(
                |&code| match usize::from(code).checked_sub(FIRST_CHARACTER) {
                    Some(index) => self.characters.get(index).copied().unwrap_or('?'),
                    None => '_',
                },
            )
            .collect()
    }
}

/// Calls `visit` with the key of every n-gram of `codes` from `min` to `max` characters, from left to
/// right by where it begins, shortest first. n-grams with an unknown character, and a boundary
/// alone, are none.
pub(crate) fn for_each_key(codes: &[u8], min: usize, max: usize, mut visit: impl FnMut(u64)) {
    for_each_ngram(codes, min, max, |_, _, key| visit(key));
}

/// As [`for_each_key`], with the place of the first code and the number of codes before the key.
#[inline]
pub(super) fn for_each_ngram(
    codes: &[u8],
    min: usize,
    max: usize,
    mut visit: impl FnMut(usize, usize, u64),
) {
    if min == 0 {
        return;
    }
    let max = max.min(LONGEST_NGRAM);
    for start in 0..codes.len() {
        let mut key = 0;
        for (length, &code) in (1..=max).zip(&codes[start..]) {
            if code == UNKNOWN {
                break;
            }
            key = key << 8 | u64::from(code);
            if length >= min && key != u64::from(BOUNDARY) {
                visit(start, length, key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ngrams(word: &str, min: usize, max: usize) -> Vec<String> {
        let counts = "ابتقصف".chars().map(|c| (c, 1)).collect();
        let alphabet = Alphabet::from_counts(&counts);
        let mut codes = Vec::new();
        alphabet.encode_into(word, &mut codes);
        let mut found = Vec::new();
        for_each_key(&codes, min, max, |key| {
            assert!(alphabet.holds_key(key));
            found.push(alphabet.decode(key));
        });
        found
    }

    #[test]
    fn ngrams_mark_boundaries() {
        assert_eq!(
            ngrams("قصف", 2, 3),
            ["_ق", "_قص", "قص", "قصف", "صف", "صف_", "ف_"]
        );
        assert_eq!(ngrams("قصف", 1, 1), ["ق", "ص", "ف"]);
        assert_eq!(ngrams("ق", 4, 8), Vec::<String>::new());
    }

    #[test]
    fn unknown_characters_break_ngrams() {
        assert_eq!(ngrams("قxص", 2, 2), ["_ق", "ص_"]);
    }

    #[test]
    fn stored_alphabets_are_checked() {
        assert!(Alphabet::from_stored("اب").is_some());
        assert!(Alphabet::from_stored("با").is_none());
        assert!(Alphabet::from_stored("اا").is_none());
    }
}
