//! The features of a model: what they are, in plain sorted arrays.

use super::candidates::Candidates;
use super::ngrams::Alphabet;
use super::settings::FeatureSettings;
use super::strings::Strings;
use super::subwords::Subwords;

/// The features of a model. Numbers run over character n-grams, words, stems, bigrams and subwords.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    pub(crate) settings: FeatureSettings,
    pub(crate) alphabet: Alphabet,
    /// Packed keys, ascending.
    pub(crate) char_ngrams: Vec<u64>,
    /// In alphabetical order.
    pub(crate) words: Strings,
    /// What bigrams are made of and what counts around the middle of a window: stems, which are
    /// features themselves, or words; in alphabetical order.
    pub(crate) units: Strings,
    /// Inverse document frequency of each unit.
    pub(crate) unit_idf: Vec<f32>,
    /// Keys `left << 32 | right` of places in the units, ascending.
    pub(crate) bigrams: Vec<u64>,
    /// Stems that are features, as ascending places in the units.
    pub(crate) stems: Vec<u32>,
    pub(crate) subwords: Option<Subwords>,
    /// Subword tokens that are features, ascending.
    pub(crate) subword_tokens: Vec<u32>,
    /// Inverse document frequency of each feature, times the weight of bigrams for these.
    pub(crate) idf: Vec<f32>,
}

/// What a feature is, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeatureName {
    /// A character n-gram, `_` being a word's boundary.
    CharNgram(String),
    /// A word.
    Word(String),
    /// A light stem.
    Stem(String),
    /// Two neighbouring stems, or words.
    WordBigram(String, String),
    /// A subword token, `_` being a word's end.
    Subword(String),
}

impl std::fmt::Display for FeatureName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CharNgram(text) | Self::Word(text) | Self::Stem(text) | Self::Subword(text) => {
                formatter.write_str(text)
            }
            Self::WordBigram(left, right) => write!(formatter, "{left} {right}"),
        }
    }
}

impl FeatureName {
    /// Whether the feature is made of whole words or stems.
    pub fn is_whole(&self) -> bool {
        matches!(self, Self::Word(_) | Self::Stem(_) | Self::WordBigram(..))
    }

    /// The family the feature belongs to.
    pub fn family(&self) -> &'static str {
        match self {
            Self::CharNgram(_) => "char n-gram",
            Self::Word(_) => "word",
            Self::Stem(_) => "stem",
            Self::WordBigram(..) => "word bigram",
            Self::Subword(_) => "subword",
        }
    }
}

impl Vocabulary {
    pub(super) fn collect(
        candidates: &Candidates,
        words: &[String],
        kept: &[u32],
        idf: Vec<f32>,
        unit_values: &[f32],
    ) -> Self {
        let within = |first: usize, end: usize| {
            kept.iter()
                .map(|&candidate| candidate as usize)
                .filter(move |candidate| (first..end).contains(candidate))
                .map(move |candidate| candidate - first)
        };
        let (first_word, first_stem) = (candidates.first_word(), candidates.first_stem());
        let (first_bigram, first_subword) = (candidates.first_bigram(), candidates.first_subword());
        // A bigram's units are at least as frequent as the bigram, so all are kept.
        let units: Vec<usize> = (0..unit_values.len())
            .filter(|&unit| unit_values[unit] > 0.0)
            .collect();
        let place = |unit: u32| units.partition_point(|&other| other < unit as usize) as u32;
        Self {
            settings: candidates.settings.clone(),
            alphabet: candidates.alphabet.clone(),
            char_ngrams: within(0, first_word)
                .map(|index| candidates.char_ngrams[index])
                .collect(),
            words: within(first_word, first_stem)
                .map(|word| &words[word])
                .collect(),
            unit_idf: units.iter().map(|&unit| unit_values[unit]).collect(),
            bigrams: within(first_bigram, first_subword)
                .map(|index| {
                    let [left, right] = split_bigram(candidates.bigrams[index]).map(place);
                    super::candidates::bigram_key(left, right)
                })
                .collect(),
            units: units
                .iter()
                .map(|&unit| &candidates.units.forms[unit])
                .collect(),
            stems: within(first_stem, first_bigram)
                .map(|unit| place(unit as u32))
                .collect(),
            subwords: candidates.subwords.clone(),
            subword_tokens: within(first_subword, candidates.len())
                .map(|token| token as u32)
                .collect(),
            idf,
        }
    }

    /// The same vocabulary with only some features, ascending, and, beside the units of these, only
    /// the units for which `keeps_unit` holds; gives the places of the units that are kept as well.
    pub(crate) fn restricted(
        &self,
        kept: &[usize],
        keeps_unit: impl Fn(usize) -> bool,
    ) -> (Self, Vec<usize>) {
        let [ngrams, words, stems, bigrams, _] = self.family_sizes().map(|(_, size)| size);
        let firsts = [0, ngrams, ngrams + words, ngrams + words + stems];
        let first_subword = firsts[3] + bigrams;
        let within = |first: usize, size: usize| {
            let from = kept.partition_point(|&feature| feature < first);
            let to = kept.partition_point(|&feature| feature < first + size);
            kept[from..to].iter().map(move |&feature| feature - first)
        };
        let stems: Vec<u32> = within(firsts[2], stems).map(|i| self.stems[i]).collect();
        let bigrams: Vec<u64> = within(firsts[3], bigrams)
            .map(|i| self.bigrams[i])
            .collect();
        let mut needed = vec![false; self.units.len()];
        let parts = bigrams.iter().flat_map(|&key| split_bigram(key));
        parts
            .chain(stems.iter().copied())
            .for_each(|unit| needed[unit as usize] = true);
        let units: Vec<usize> = (0..needed.len())
            .filter(|&unit| needed[unit] || keeps_unit(unit))
            .collect();
        let place = |unit: u32| units.partition_point(|&other| other < unit as usize) as u32;
        let restricted = Self {
            settings: self.settings.clone(),
            alphabet: self.alphabet.clone(),
            char_ngrams: within(0, ngrams).map(|i| self.char_ngrams[i]).collect(),
            words: within(firsts[1], words)
                .filter_map(|i| self.words.get(i))
                .collect(),
            units: units
                .iter()
                .filter_map(|&unit| self.units.get(unit))
                .collect(),
            unit_idf: units.iter().map(|&unit| self.unit_idf[unit]).collect(),
            stems: stems.iter().map(|&unit| place(unit)).collect(),
            bigrams: bigrams
                .iter()
                .map(|&key| {
                    let [left, right] = split_bigram(key).map(place);
                    super::candidates::bigram_key(left, right)
                })
                .collect(),
            subwords: self.subwords.clone(),
            subword_tokens: within(first_subword, self.subword_tokens.len())
                .map(|i| self.subword_tokens[i])
                .collect(),
            idf: kept.iter().map(|&feature| self.idf[feature]).collect(),
        };
        (restricted, units)
    }

    /// In how many of `sentences` training sentences a feature stood, by its idf.
    pub(crate) fn document_frequency(&self, feature: usize, sentences: usize) -> f64 {
        let [ngrams, words, stems, bigrams, _] = self.family_sizes().map(|(_, size)| size);
        let first_bigram = ngrams + words + stems;
        let weight = match (first_bigram..first_bigram + bigrams).contains(&feature) {
            true => self.settings.bigram_weight,
            false => 1.0,
        };
        frequency_of(self.idf[feature] / weight, sentences)
    }

    /// In how many of `sentences` training sentences a unit stood, by its idf.
    pub(crate) fn unit_frequency(&self, unit: usize, sentences: usize) -> f64 {
        frequency_of(self.unit_idf[unit], sentences)
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.family_sizes().iter().map(|(_, size)| size).sum()
    }

    /// Whether there is no feature.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The settings the features were made with.
    pub fn settings(&self) -> &FeatureSettings {
        &self.settings
    }

    /// Number of features of each family.
    pub fn family_sizes(&self) -> [(&'static str, usize); 5] {
        [
            ("char n-grams", self.char_ngrams.len()),
            ("words", self.words.len()),
            ("stems", self.stems.len()),
            ("word bigrams", self.bigrams.len()),
            ("subwords", self.subword_tokens.len()),
        ]
    }

    /// What feature `feature` is; `None` where there is no such feature.
    pub fn name(&self, feature: usize) -> Option<FeatureName> {
        let unit = |place: u32| {
            self.units
                .get(place as usize)
                .unwrap_or_default()
                .to_owned()
        };
        let mut index = feature;
        if let Some(&key) = self.char_ngrams.get(index) {
            return Some(FeatureName::CharNgram(self.alphabet.decode(key)));
        }
        index -= self.char_ngrams.len();
        if let Some(word) = self.words.get(index) {
            return Some(FeatureName::Word(word.to_owned()));
        }
        index -= self.words.len();
        if let Some(&place) = self.stems.get(index) {
            return Some(FeatureName::Stem(unit(place)));
        }
        index -= self.stems.len();
        if let Some(&key) = self.bigrams.get(index) {
            let [left, right] = split_bigram(key);
            return Some(FeatureName::WordBigram(unit(left), unit(right)));
        }
        index -= self.bigrams.len();
        let token = *self.subword_tokens.get(index)?;
        let text = self.subwords.as_ref()?.decode(token);
        Some(FeatureName::Subword(text))
    }
}

fn frequency_of(idf: f32, sentences: usize) -> f64 {
    (1.0 + sentences as f64) / libm::exp(f64::from(idf) - 1.0) - 1.0
}

pub(crate) fn split_bigram(key: u64) -> [u32; 2] {
    [(key >> 32) as u32, key as u32]
}
