//! Looking up the features of new words.

use super::candidates::unit_of;
use super::ngrams::for_each_key;
use super::places::{Filter, Places};
use super::strings::Strings;
use super::vocabulary::Vocabulary;
use crate::hash::hash_of_text;

/// No feature.
const NONE: u32 = u32::MAX;

/// A word with more characters has its n-grams counted in a table as long as the vocabulary.
const LONG_WORD: usize = 1 << 12;

/// Hash tables over a vocabulary; made once when a model is compiled, shared by threads.
#[derive(Debug)]
pub(crate) struct FeatureIndex {
    vocabulary: Vocabulary,
    char_ngrams: Places,
    words: Places,
    units: Places,
    bigrams: Places,
    /// Turns away most pairs of units that are no feature.
    bigram_filter: Filter,
    /// For each unit its feature as a stem, or [`NONE`].
    stems: Vec<u32>,
    first_word: u32,
    first_bigram: u32,
    first_subword: u32,
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
}

/// Keys are packed densely, so that one multiplication spreads them (Knuth, volume 3, section 6.4);
/// the upper half is the better one.
#[inline]
fn hash_of_key(key: u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_right(32)
}

fn places_of_strings(strings: &Strings) -> Places {
    let hashes: Vec<u64> = strings.iter().map(hash_of_text).collect();
    Places::new(hashes.into_iter())
}

fn place_of_string(places: &Places, strings: &Strings, text: &str) -> Option<u32> {
    places.find(hash_of_text(text), |place| {
        strings.get(place as usize) == Some(text)
    })
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
        let keys = |keys: &[u64]| Places::new(keys.iter().map(|&key| hash_of_key(key)));
        Self {
            char_ngrams: keys(&vocabulary.char_ngrams),
            words: places_of_strings(&vocabulary.words),
            units: places_of_strings(&vocabulary.units),
            bigrams: keys(&vocabulary.bigrams),
            bigram_filter: Filter::new(vocabulary.bigrams.iter().map(|&key| hash_of_key(key))),
            stems,
            first_word,
            first_bigram,
            first_subword: first_bigram + vocabulary.bigrams.len() as u32,
            vocabulary,
        }
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
        of_word.found.clear();
        self.find_ngrams(codes, of_word);
        let first_word = self.first_word;
        let place = place_of_string(&self.words, &self.vocabulary.words, word);
        of_word.found.extend(place.map(|place| first_word + place));
        let unit = unit_of(word, self.vocabulary.settings.stems);
        of_word.unit = place_of_string(&self.units, &self.vocabulary.units, unit);
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

    fn find_ngrams(&self, codes: &[u8], of_word: &mut WordFeatures) {
        let settings = &self.vocabulary.settings;
        let keys = &self.vocabulary.char_ngrams;
        let mut counts = match codes.len() > LONG_WORD {
            true => vec![0u32; keys.len()],
            false => Vec::new(),
        };
        let (least, most) = (settings.char_ngram_min, settings.char_ngram_max);
        for_each_key(codes, least, most, |key| {
            let place = self
                .char_ngrams
                .find(hash_of_key(key), |place| keys[place as usize] == key);
            match place {
                Some(place) if counts.is_empty() => of_word.found.push(place),
                Some(place) => counts[place as usize] += 1,
                None => {}
            }
        });
        of_word.features.clear();
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
        self.bigram_filter.may_hold(hash_of_key(key))
    }

    /// The feature of the bigram with a key, with its value.
    pub(crate) fn bigram(&self, key: u64) -> Option<(u32, f32)> {
        let keys = &self.vocabulary.bigrams;
        let hash = hash_of_key(key);
        let place = self
            .bigrams
            .find(hash, |place| keys[place as usize] == key)?;
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
