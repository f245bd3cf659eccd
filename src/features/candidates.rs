//! Everything in a corpus that could become a feature, numbered once for all folds.

use std::collections::BTreeMap;

use super::ngrams::{Alphabet, for_each_key};
use super::settings::FeatureSettings;
use super::subwords::Subwords;
use super::tokenized::TokenizedCorpus;
use crate::error::Result;
use crate::text::light_stem;

/// Candidate features of a corpus. Numbers run over the families in this order: character n-grams
/// by key, words, stems, bigrams by key, subwords.
///
/// All but the bigrams lie within words, so a word's candidates are listed once.
#[derive(Debug)]
pub struct Candidates {
    pub(super) settings: FeatureSettings,
    pub(super) alphabet: Alphabet,
    pub(super) char_ngrams: Vec<u64>,
    pub(super) words: usize,
    pub(super) units: Units,
    /// Keys `left << 32 | right` of unit numbers.
    pub(super) bigrams: Vec<u64>,
    pub(super) subwords: Option<Subwords>,
    /// For each word its candidates, ascending, repeated as often as they occur in it.
    pub(super) of_word: Vec<Box<[u32]>>,
    /// For each sentence its bigrams in reading order.
    pub(super) of_sentence: Vec<Box<[u32]>>,
}

impl Candidates {
    /// Lists the candidates of a corpus.
    ///
    /// # Errors
    /// When the settings are out of bounds or the subword tokeniser cannot be trained.
    pub fn new(settings: &FeatureSettings, corpus: &TokenizedCorpus) -> Result<Self> {
        settings.check()?;
        let alphabet = count_alphabet(corpus);
        let keys_of_word = word_keys(settings, &alphabet, corpus);
        let char_ngrams = sorted_distinct(keys_of_word.iter().flatten().copied());
        let units = Units::new(corpus.words(), settings.stems);
        let bigrams = match settings.word_bigrams {
            true => sorted_distinct(
                corpus
                    .sentences()
                    .iter()
                    .flat_map(|words| units.pairs(words)),
            ),
            false => Vec::new(),
        };
        let subwords = match settings.subwords {
            0 => None,
            size => {
                let words = corpus.sentences().iter().flatten();
                let words = words.map(|&word| corpus.words()[word as usize].as_str());
                Some(Subwords::train(words, size)?)
            }
        };
        let words = if settings.words {
            corpus.words().len()
        } else {
            0
        };
        let mut candidates = Self {
            settings: settings.clone(),
            alphabet,
            char_ngrams,
            words,
            units,
            bigrams,
            subwords,
            of_word: Vec::new(),
            of_sentence: Vec::new(),
        };
        candidates.list_by_word(corpus, &keys_of_word);
        candidates.list_by_sentence(corpus);
        Ok(candidates)
    }

    /// Number of candidates.
    pub fn len(&self) -> usize {
        self.first_subword() + self.subwords.as_ref().map_or(0, Subwords::len)
    }

    /// Whether the corpus has no candidate at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn first_word(&self) -> usize {
        self.char_ngrams.len()
    }

    pub(super) fn first_stem(&self) -> usize {
        self.first_word() + self.words
    }

    pub(super) fn first_bigram(&self) -> usize {
        match self.settings.stems {
            true => self.first_stem() + self.units.forms.len(),
            false => self.first_stem(),
        }
    }

    pub(super) fn first_subword(&self) -> usize {
        self.first_bigram() + self.bigrams.len()
    }

    fn list_by_word(&mut self, corpus: &TokenizedCorpus, keys_of_word: &[Vec<u64>]) {
        self.of_word = keys_of_word
            .iter()
            .enumerate()
            .map(|(word, keys)| {
                let mut listed: Vec<u32> = keys
                    .iter()
                    .filter_map(|key| self.char_ngrams.binary_search(key).ok())
                    .map(|index| index as u32)
                    .collect();
                if self.words > 0 {
                    listed.push((self.first_word() + word) as u32);
                }
                if self.settings.stems {
                    listed.push(self.first_stem() as u32 + self.units.of_word[word]);
                }
                if let Some(subwords) = &self.subwords {
                    let first = self.first_subword() as u32;
                    let pieces = subwords.encode(&corpus.words()[word]);
                    listed.extend(pieces.into_iter().map(|piece| first + piece));
                }
                listed.sort_unstable();
                listed.into()
            })
            .collect();
    }

    fn list_by_sentence(&mut self, corpus: &TokenizedCorpus) {
        let first = self.first_bigram();
        self.of_sentence = corpus
            .sentences()
            .iter()
            .map(|words| {
                self.units
                    .pairs(words)
                    .filter_map(|key| self.bigrams.binary_search(&key).ok())
                    .map(|index| (first + index) as u32)
                    .collect()
            })
            .collect();
    }
}

/// What bigrams are made of: stems, or words where stems are switched off.
#[derive(Debug)]
pub(super) struct Units {
    /// In alphabetical order.
    pub(super) forms: Vec<String>,
    /// For each word of the corpus its unit.
    pub(super) of_word: Vec<u32>,
}

impl Units {
    fn new(words: &[String], stems: bool) -> Self {
        let unit = |word: &'_ String| unit_of(word, stems).to_owned();
        let mut forms: Vec<String> = words.iter().map(unit).collect();
        forms.sort_unstable();
        forms.dedup();
        let place = |word: &String| {
            let unit = unit_of(word, stems);
            forms.partition_point(|other| other.as_str() < unit) as u32
        };
        Self {
            of_word: words.iter().map(place).collect(),
            forms,
        }
    }

    /// Keys of the pairs of neighbouring words.
    fn pairs(&self, words: &[u32]) -> impl Iterator<Item = u64> + '_ {
        let units: Vec<u32> = words.iter().map(|&w| self.of_word[w as usize]).collect();
        let keys = units.windows(2).map(|pair| bigram_key(pair[0], pair[1]));
        keys.collect::<Vec<u64>>().into_iter()
    }
}

/// What of a word its bigrams are made of.
pub(super) fn unit_of(word: &str, stems: bool) -> &str {
    if stems { light_stem(word) } else { word }
}

/// The key of a pair of units.
pub(crate) fn bigram_key(left: u32, right: u32) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}

fn count_alphabet(corpus: &TokenizedCorpus) -> Alphabet {
    let mut counts: BTreeMap<char, u64> = BTreeMap::new();
    for word in corpus.words() {
        for character in word.chars() {
            *counts.entry(character).or_insert(0) += 1;
        }
    }
    Alphabet::from_counts(&counts)
}

fn word_keys(
    settings: &FeatureSettings,
    alphabet: &Alphabet,
    corpus: &TokenizedCorpus,
) -> Vec<Vec<u64>> {
    let mut codes = Vec::new();
    corpus
        .words()
        .iter()
        .map(|word| {
            let mut keys = Vec::new();
            alphabet.encode_into(word, &mut codes);
            for_each_key(
                &codes,
                settings.char_ngram_min,
                settings.char_ngram_max,
                |key| keys.push(key),
            );
            keys
        })
        .collect()
}

fn sorted_distinct(keys: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut keys: Vec<u64> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
