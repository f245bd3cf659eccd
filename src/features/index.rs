//! Looking up the features of new words.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::candidates::unit_of;
use super::ngrams::{for_each_key, for_each_ngram};
use super::places::FilteredPlaces;
use super::strings::Strings;
use super::vocabulary::Vocabulary;
use crate::hash::hash_of_text;

/// No feature.
const NONE: u32 = u32::MAX;

/// A word with more characters has its n-grams counted in a table as long as the vocabulary.
const LONG_WORD: usize = 1 << 12;

/// Looks features up in a vocabulary; shared by threads.
///
/// The lists of a vocabulary are in order, so the first words are looked up by halving; a program
/// that labels one sentence needs no more. Hash tables are made when more words come.
#[derive(Debug)]
pub(crate) struct FeatureIndex {
    vocabulary: Vocabulary,
    tables: OnceLock<Tables>,
    /// Words looked up without the tables.
    words_halved: AtomicUsize,
    /// For each unit its feature as a stem, or [`NONE`].
    stems: Vec<u32>,
    first_word: u32,
    first_bigram: u32,
    first_subword: u32,
}

/// Words after which hash tables pay.
const WORDS_TO_HALVE: usize = 200;

/// Hash tables over a vocabulary.
#[derive(Debug)]
struct Tables {
    char_ngrams: FilteredPlaces,
    words: FilteredPlaces,
    units: FilteredPlaces,
    bigrams: FilteredPlaces,
}

impl Tables {
    fn new(vocabulary: &Vocabulary) -> Self {
        let of_keys = |keys: &[u64]| {
            let hashes: Vec<u64> = keys.iter().map(|&key| hash_of_key(key)).collect();
            FilteredPlaces::new(&hashes)
        };
        let of_strings = |strings: &Strings| {
            let hashes: Vec<u64> = strings.iter().map(hash_of_text).collect();
            FilteredPlaces::new(&hashes)
        };
        Self {
            char_ngrams: of_keys(&vocabulary.char_ngrams),
            words: of_strings(&vocabulary.words),
            units: of_strings(&vocabulary.units),
            bigrams: of_keys(&vocabulary.bigrams),
        }
    }
}

/// The place of a key in a list in order, by its table where there is one.
#[inline]
fn place_of_key(table: Option<&FilteredPlaces>, keys: &[u64], key: u64) -> Option<u32> {
    match table {
        Some(table) => table.find(hash_of_key(key), |place| keys[place as usize] == key),
        None => keys.binary_search(&key).ok().map(|place| place as u32),
    }
}

/// The features that lie within one word.
#[derive(Clone, Debug, Default)]
pub(crate) struct WordFeatures {
    /// Place in the vocabulary's units, for bigrams and windows.
    pub(crate) unit: Option<u32>,
    /// Feature numbers, ascending, with count times idf.
    pub(crate) features: Vec<(u32, f32)>,
    /// Sum of the squared values.
    pub(crate) squared_norm: f32,
    /// Features as they are found.
    found: Vec<u32>,
    /// Keys of n-grams, each with the place that it may have.
    keys: Vec<(u64, u32)>,
}

/// Keys are packed densely, so that one multiplication spreads them (Knuth, volume 3, section 6.4);
/// the upper half is the better one.
#[inline]
fn hash_of_key(key: u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_right(32)
}

/// The place of a text in strings in order, by their table where there is one.
fn place_of_string(table: Option<&FilteredPlaces>, strings: &Strings, text: &str) -> Option<u32> {
    match table {
        Some(table) => table.find(hash_of_text(text), |place| {
            strings.get(place as usize) == Some(text)
        }),
        None => strings.find(text),
    }
}

impl FeatureIndex {
    pub(crate) fn new(vocabulary: Vocabulary) -> Self {
        let first_word = vocabulary.char_ngrams.len() as u32;
        let first_stem = first_word + vocabulary.words.len() as u32;
        let first_bigram = first_stem + vocabulary.stems.len() as u32;
        let mut stems = vec![NONE; vocabulary.units.len()];
        for (&unit, feature) in vocabulary.stems.iter().zip(first_stem..) {
            stems[unit as usize] = feature;
        }
        Self {
            tables: OnceLock::new(),
            words_halved: AtomicUsize::new(0),
            stems,
            first_word,
            first_bigram,
            first_subword: first_bigram + vocabulary.bigrams.len() as u32,
            vocabulary,
        }
    }

    fn tables(&self) -> Option<&Tables> {
        self.tables.get()
    }

    /// The tables, once enough words came; what is found is the same with or without them.
    fn tables_for_word(&self) -> Option<&Tables> {
        if self.tables.get().is_none()
            && self.words_halved.fetch_add(1, Ordering::Relaxed) < WORDS_TO_HALVE
        {
            return None;
        }
        Some(self.tables.get_or_init(|| Tables::new(&self.vocabulary)))
    }

    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The vocabulary that was indexed.
    pub(crate) fn into_vocabulary(self) -> Vocabulary {
        self.vocabulary
    }

    /// Finds the features within a word, given its codes between boundary marks as well.
    pub(crate) fn find_features(&self, word: &str, codes: &[u8], of_word: &mut WordFeatures) {
        let tables = self.tables_for_word();
        of_word.found.clear();
        self.find_ngrams(tables, codes, of_word);
        let first_word = self.first_word;
        let table = tables.map(|tables| &tables.words);
        let place = place_of_string(table, &self.vocabulary.words, word);
        of_word.found.extend(place.map(|place| first_word + place));
        let unit = unit_of(word, self.vocabulary.settings.stems);
        let table = tables.map(|tables| &tables.units);
        of_word.unit = place_of_string(table, &self.vocabulary.units, unit);
        let stem = of_word.unit.map(|unit| self.stems[unit as usize]);
        of_word.found.extend(stem.filter(|&stem| stem != NONE));
        if let Some(subwords) = &self.vocabulary.subwords {
            let known = &self.vocabulary.subword_tokens;
            let tokens = subwords.encode(word);
            let places = tokens
                .iter()
                .filter_map(|token| known.binary_search(token).ok());
            let first = self.first_subword;
            of_word
                .found
                .extend(places.map(|place| first + place as u32));
        }
        of_word.count(&self.vocabulary.idf);
    }

    /// The letters of a word that each of its features stands in, feature by feature; a feature that
    /// occurs twice comes twice. `codes` are those of the word between boundary marks.
    pub(crate) fn places_in_word(&self, word: &str, codes: &[u8]) -> Vec<(u32, Range<usize>)> {
        let letters = word.chars().count();
        let mut places = Vec::new();
        let settings = &self.vocabulary.settings;
        let (least, most) = (settings.char_ngram_min, settings.char_ngram_max);
        let table = self.tables().map(|tables| &tables.char_ngrams);
        for_each_ngram(codes, least, most, |start, length, key| {
            if let Some(place) = place_of_key(table, &self.vocabulary.char_ngrams, key) {
                // The mark before the word is no letter, nor is the one behind it.
                let end = (start + length).saturating_sub(1).min(letters);
                places.push((place, start.saturating_sub(1)..end));
            }
        });
        if let Some(place) = self.vocabulary.words.find(word) {
            places.push((self.first_word + place, 0..letters));
        }
        if let Some(unit) = self.vocabulary.units.find(self.unit_of(word)) {
            let stem = self.stems.get(unit as usize).copied().unwrap_or(NONE);
            if stem != NONE {
                places.push((stem, self.letters_of_unit(word)));
            }
        }
        if let Some(subwords) = &self.vocabulary.subwords {
            for (token, span) in subwords.encode_with_letters(word) {
                if let Ok(place) = self.vocabulary.subword_tokens.binary_search(&token) {
                    // A piece may be nothing but the mark of the word's end.
                    let span = span.start.min(letters)..span.end.min(letters);
                    let span = if span.is_empty() { 0..letters } else { span };
                    places.push((self.first_subword + place as u32, span));
                }
            }
        }
        places.sort_by_key(|(feature, span)| (*feature, span.start));
        places
    }

    fn unit_of<'w>(&self, word: &'w str) -> &'w str {
        unit_of(word, self.vocabulary.settings.stems)
    }

    /// The letters of a word that make its unit.
    pub(crate) fn letters_of_unit(&self, word: &str) -> Range<usize> {
        let unit = self.unit_of(word);
        // The unit is a part of the word, so its address tells where it begins.
        let start = (unit.as_ptr() as usize).saturating_sub(word.as_ptr() as usize);
        let before = word.get(..start).map_or(0, |before| before.chars().count());
        before..before + unit.chars().count()
    }

    fn find_ngrams(&self, tables: Option<&Tables>, codes: &[u8], of_word: &mut WordFeatures) {
        let settings = &self.vocabulary.settings;
        let (least, most) = (settings.char_ngram_min, settings.char_ngram_max);
        of_word.features.clear();
        let table = tables.map(|tables| &tables.char_ngrams);
        if codes.len() > LONG_WORD {
            return self.count_ngrams(table, codes, of_word);
        }
        let known = &self.vocabulary.char_ngrams;
        let WordFeatures { found, keys, .. } = of_word;
        keys.clear();
        let Some(table) = table else {
            return for_each_key(codes, least, most, |key| {
                found.extend(place_of_key(None, known, key));
            });
        };
        for_each_key(codes, least, most, |key| {
            let hash = hash_of_key(key);
            if table.may_hold(hash) {
                keys.push((key, table.guess(hash)));
            }
        });
        for &(key, guess) in keys.iter() {
            match known.get(guess as usize) == Some(&key) {
                true => found.push(guess),
                false => found.extend(place_of_key(Some(table), known, key)),
            }
        }
    }

    /// Counts the n-grams of a long word, which may be more than memory would hold.
    fn count_ngrams(
        &self,
        table: Option<&FilteredPlaces>,
        codes: &[u8],
        of_word: &mut WordFeatures,
    ) {
        let settings = &self.vocabulary.settings;
        let known = &self.vocabulary.char_ngrams;
        let mut counts = vec![0u32; known.len()];
        let (least, most) = (settings.char_ngram_min, settings.char_ngram_max);
        for_each_key(codes, least, most, |key| {
            if let Some(place) = place_of_key(table, known, key) {
                counts[place as usize] += 1;
            }
        });
        let counted = (0..).zip(&counts).filter(|(_, count)| **count > 0);
        of_word
            .features
            .extend(counted.map(|(place, &count)| {
                (place, count as f32 * self.vocabulary.idf[place as usize])
            }));
    }

    /// Whether the bigram with a key may be a feature; it costs little to ask.
    #[inline]
    pub(crate) fn may_be_bigram(&self, key: u64) -> bool {
        match self.tables() {
            Some(tables) => tables.bigrams.may_hold(hash_of_key(key)),
            None => true,
        }
    }

    /// The feature of the bigram with a key, with its value.
    pub(crate) fn bigram(&self, key: u64) -> Option<(u32, f32)> {
        let table = self.tables().map(|tables| &tables.bigrams);
        let place = place_of_key(table, &self.vocabulary.bigrams, key)?;
        let feature = self.first_bigram + place;
        Some((feature, self.vocabulary.idf[feature as usize]))
    }

    /// Inverse document frequency of a unit.
    pub(crate) fn unit_idf(&self, unit: u32) -> f32 {
        self.vocabulary.unit_idf[unit as usize]
    }
}

impl WordFeatures {
    /// Adds what was found to the features, which hold the n-grams of a long word already.
    fn count(&mut self, idf: &[f32]) {
        self.found.sort_unstable();
        let mut last = NONE;
        for &feature in &self.found {
            let value = idf[feature as usize];
            match self.features.last_mut() {
                Some((_, counted)) if feature == last => *counted += value,
                _ => self.features.push((feature, value)),
            }
            last = feature;
        }
        self.squared_norm = self.features.iter().map(|(_, value)| value * value).sum();
    }
}
