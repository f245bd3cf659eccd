//! Which features are made of a sentence.

use serde::{Deserialize, Serialize};

use super::ngrams::LONGEST_NGRAM;
use crate::error::{Error, Result};

/// Families of features, each switched and sized on its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeatureSettings {
    /// Shortest character n-gram within a word, its boundary marks counted; 0 switches the family off.
    pub char_ngram_min: usize,
    /// Longest character n-gram; at most 8.
    pub char_ngram_max: usize,
    /// Whole words.
    pub words: bool,
    /// Light stems of words; bigrams and the words around a window's middle are then stems too.
    pub stems: bool,
    /// Pairs of neighbouring words.
    pub word_bigrams: bool,
    /// How much more a bigram counts than another feature of the same document frequency.
    pub bigram_weight: f32,
    /// Vocabulary size of the subword tokeniser (BPE); 0 switches the family off.
    pub subwords: usize,
    /// A feature is kept when at least this many training sentences hold it.
    pub min_document_frequency: usize,
}

impl Default for FeatureSettings {
    fn default() -> Self {
        Self {
            char_ngram_min: 2,
            char_ngram_max: 5,
            words: true,
            stems: true,
            word_bigrams: true,
            bigram_weight: 2.0,
            subwords: 0,
            min_document_frequency: 2,
        }
    }
}

impl FeatureSettings {
    /// Checks the values against what they allow.
    ///
    /// # Errors
    /// Names the first setting that is out of bounds.
    pub fn check(&self) -> Result<()> {
        let error = |name, value: usize, allowed| {
            Err(Error::Setting {
                name,
                value: value.to_string(),
                allowed,
            })
        };
        if self.char_ngram_min > self.char_ngram_max {
            return error(
                "features.char_ngram_min",
                self.char_ngram_min,
                "0, or at most features.char_ngram_max",
            );
        }
        if self.char_ngram_min > 0
            && !(self.char_ngram_min..=LONGEST_NGRAM).contains(&self.char_ngram_max)
        {
            return error(
                "features.char_ngram_max",
                self.char_ngram_max,
                "from char_ngram_min to 8",
            );
        }
        if self.subwords != 0 && !(100..=100_000).contains(&self.subwords) {
            return error("features.subwords", self.subwords, "0, or 100 to 100000");
        }
        if !(0.01..=100.0).contains(&self.bigram_weight) {
            return Err(Error::Setting {
                name: "features.bigram_weight",
                value: self.bigram_weight.to_string(),
                allowed: "from 0.01 to 100",
            });
        }
        if self.min_document_frequency == 0 {
            return error("features.min_document_frequency", 0, "at least 1");
        }
        let within_words = self.char_ngram_min > 0 || self.words || self.stems;
        if !within_words && !self.word_bigrams && self.subwords == 0 {
            return error("features", 0, "at least one family of features switched on");
        }
        Ok(())
    }
}
