//! The features of a model: what they are, in plain sorted arrays.

use std::collections::BTreeSet;

use super::candidates::Candidates;
use super::ngrams::Alphabet;
use super::settings::FeatureSettings;
use super::subwords::Subwords;

/// The features of a model. Numbers run over character n-grams, words, word bigrams and subwords.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    pub(crate) settings: FeatureSettings,
    pub(crate) alphabet: Alphabet,
    /// Packed keys, ascending.
    pub(crate) char_ngrams: Vec<u64>,
    /// Words that are features or part of a bigram feature, in alphabetical order.
    pub(crate) lexicon: Vec<String>,
    /// Words that are features, as ascending places in the lexicon.
    pub(crate) words: Vec<u32>,
    /// Keys `left << 32 | right` of places in the lexicon, ascending.
    pub(crate) bigrams: Vec<u64>,
    pub(crate) subwords: Option<Subwords>,
    /// Subword tokens that are features, ascending.
    pub(crate) subword_tokens: Vec<u32>,
    /// Inverse document frequency of each feature.
    pub(crate) idf: Vec<f32>,
}

/// What a feature is, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeatureName {
    /// A character n-gram, `_` being a word's boundary.
    CharNgram(String),
    /// A word.
    Word(String),
    /// Two neighbouring words.
    WordBigram(String, String),
    /// A subword token, `_` being a word's end.
    Subword(String),
}

impl std::fmt::Display for FeatureName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CharNgram(text) | Self::Word(text) | Self::Subword(text) => {
                formatter.write_str(text)
            }
            Self::WordBigram(left, right) => write!(formatter, "{left} {right}"),
        }
    }
}

impl FeatureName {
    /// The family the feature belongs to.
    pub fn family(&self) -> &'static str {
        match self {
            Self::CharNgram(_) => "char n-gram",
            Self::Word(_) => "word",
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
    ) -> Self {
        let within = |first: usize, end: usize| {
            kept.iter()
                .map(|&candidate| candidate as usize)
                .filter(move |candidate| (first..end).contains(candidate))
                .map(move |candidate| candidate - first)
        };
        let (first_word, first_bigram, first_subword) = (
            candidates.first_word(),
            candidates.first_bigram(),
            candidates.first_subword(),
        );
        let word_features: Vec<u32> = within(first_word, first_bigram).map(|w| w as u32).collect();
        let bigrams: Vec<u64> = within(first_bigram, first_subword)
            .map(|index| candidates.bigrams[index])
            .collect();
        let used: BTreeSet<u32> = word_features
            .iter()
            .copied()
            .chain(bigrams.iter().flat_map(|&key| split_bigram(key)))
            .collect();
        let used: Vec<u32> = used.into_iter().collect();
        let place = |word: u32| used.partition_point(|&other| other < word) as u32;
        Self {
            settings: candidates.settings.clone(),
            alphabet: candidates.alphabet.clone(),
            char_ngrams: within(0, first_word)
                .map(|index| candidates.char_ngrams[index])
                .collect(),
            lexicon: used
                .iter()
                .map(|&word| words[word as usize].clone())
                .collect(),
            words: word_features.into_iter().map(place).collect(),
            bigrams: bigrams
                .into_iter()
                .map(|key| {
                    let [left, right] = split_bigram(key).map(place);
                    super::candidates::bigram_key(left, right)
                })
                .collect(),
            subwords: candidates.subwords.clone(),
            subword_tokens: within(first_subword, candidates.len())
                .map(|token| token as u32)
                .collect(),
            idf,
        }
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.char_ngrams.len() + self.words.len() + self.bigrams.len() + self.subword_tokens.len()
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
    pub fn family_sizes(&self) -> [(&'static str, usize); 4] {
        [
            ("char n-grams", self.char_ngrams.len()),
            ("words", self.words.len()),
            ("word bigrams", self.bigrams.len()),
            ("subwords", self.subword_tokens.len()),
        ]
    }

    /// What feature `feature` is; `None` where there is no such feature.
    pub fn name(&self, feature: usize) -> Option<FeatureName> {
        let word = |place: u32| self.lexicon[place as usize].clone();
        let mut index = feature;
        if let Some(&key) = self.char_ngrams.get(index) {
            return Some(FeatureName::CharNgram(self.alphabet.decode(key)));
        }
        index -= self.char_ngrams.len();
        if let Some(&place) = self.words.get(index) {
            return Some(FeatureName::Word(word(place)));
        }
        index -= self.words.len();
        if let Some(&key) = self.bigrams.get(index) {
            let [left, right] = split_bigram(key);
            return Some(FeatureName::WordBigram(word(left), word(right)));
        }
        index -= self.bigrams.len();
        let token = *self.subword_tokens.get(index)?;
        let text = self.subwords.as_ref()?.decode(token);
        Some(FeatureName::Subword(text))
    }
}

pub(crate) fn split_bigram(key: u64) -> [u32; 2] {
    [(key >> 32) as u32, key as u32]
}
