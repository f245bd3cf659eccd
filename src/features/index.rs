//! Looking up the features of new words.

use rustc_hash::FxHashMap;

use super::candidates::{bigram_key, unit_of};
use super::ngrams::for_each_key;
use super::vocabulary::Vocabulary;

/// Hash tables over a vocabulary; made once when a model is compiled, shared by threads.
#[derive(Debug)]
pub(crate) struct FeatureIndex {
    vocabulary: Vocabulary,
    char_ngrams: FxHashMap<u64, u32>,
    words: FxHashMap<String, u32>,
    /// Place of each unit.
    units: FxHashMap<String, u32>,
    /// For each unit its feature as a stem, if it is one.
    stems: Vec<Option<u32>>,
    bigrams: FxHashMap<u64, u32>,
    subwords: FxHashMap<u32, u32>,
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
}

impl FeatureIndex {
    pub(crate) fn new(vocabulary: Vocabulary) -> Self {
        let first_word = vocabulary.char_ngrams.len() as u32;
        let first_stem = first_word + vocabulary.words.len() as u32;
        let first_bigram = first_stem + vocabulary.stems.len() as u32;
        let first_subword = first_bigram + vocabulary.bigrams.len() as u32;
        let mut stems = vec![None; vocabulary.units.len()];
        for (&unit, feature) in vocabulary.stems.iter().zip(first_stem..) {
            stems[unit as usize] = Some(feature);
        }
        Self {
            char_ngrams: vocabulary.char_ngrams.iter().copied().zip(0..).collect(),
            words: vocabulary.words.iter().cloned().zip(first_word..).collect(),
            units: vocabulary.units.iter().cloned().zip(0..).collect(),
            stems,
            bigrams: (vocabulary.bigrams.iter().copied())
                .zip(first_bigram..)
                .collect(),
            subwords: (vocabulary.subword_tokens.iter().copied())
                .zip(first_subword..)
                .collect(),
            vocabulary,
        }
    }

    /// The vocabulary that was indexed.
    pub(crate) fn into_vocabulary(self) -> Vocabulary {
        self.vocabulary
    }

    /// The features within a word. `codes` is a buffer.
    pub(crate) fn features_of(&self, word: &str, codes: &mut Vec<u8>) -> WordFeatures {
        let mut found: Vec<u32> = Vec::new();
        let settings = &self.vocabulary.settings;
        self.vocabulary.alphabet.encode_into(word, codes);
        for_each_key(
            codes,
            settings.char_ngram_min,
            settings.char_ngram_max,
            |key| {
                found.extend(self.char_ngrams.get(&key));
            },
        );
        found.extend(self.words.get(word));
        let unit = self.units.get(unit_of(word, settings.stems)).copied();
        found.extend(unit.and_then(|unit| self.stems[unit as usize]));
        if let Some(subwords) = &self.vocabulary.subwords {
            let tokens = subwords.encode(word);
            found.extend(tokens.iter().filter_map(|token| self.subwords.get(token)));
        }
        found.sort_unstable();
        let features: Vec<(u32, f32)> = found
            .chunk_by(|a, b| a == b)
            .map(|same| {
                let idf = self.vocabulary.idf[same[0] as usize];
                (same[0], same.len() as f32 * idf)
            })
            .collect();
        WordFeatures {
            unit,
            squared_norm: features.iter().map(|(_, value)| value * value).sum(),
            features,
        }
    }

    /// The feature of two neighbouring units, with its value.
    pub(crate) fn bigram(&self, left: Option<u32>, right: Option<u32>) -> Option<(u32, f32)> {
        let feature = *self.bigrams.get(&bigram_key(left?, right?))?;
        Some((feature, self.vocabulary.idf[feature as usize]))
    }

    /// Inverse document frequency of a unit.
    pub(crate) fn unit_idf(&self, unit: u32) -> f32 {
        self.vocabulary.unit_idf[unit as usize]
    }
}
