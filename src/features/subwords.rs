//! Learned subword tokens: byte-pair encoding by the `tokenizers` crate, word by word.

use std::ops::Range;

use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::{Tokenizer, Trainer};

use crate::error::{Error, Result};

/// Put behind every word, so that endings differ from beginnings. The trainer's own suffix option
/// numbers its tokens in the order of a hash map, another in every process.
const END_OF_WORD: char = '_';

/// A trained byte-pair encoding (Sennrich, Haddow and Birch 2016).
#[derive(Clone)]
pub struct Subwords {
    tokenizer: Tokenizer,
}

impl std::fmt::Debug for Subwords {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Subwords({})", self.len())
    }
}

impl Subwords {
    /// Trains on every occurrence of every word.
    ///
    /// # Errors
    /// When the trainer fails.
    pub(crate) fn train<'a>(
        words: impl Iterator<Item = &'a str> + Send,
        vocabulary_size: usize,
    ) -> Result<Self> {
        let mut trainer = BpeTrainer::builder()
            .vocab_size(vocabulary_size)
            .min_frequency(2)
            .show_progress(false)
            .build();
        let failed = |error: tokenizers::Error| Error::Subwords(error.to_string());
        trainer
            .feed(words, |word| Ok(vec![marked(word)]))
            .map_err(failed)?;
        let mut model = BPE::default();
        trainer.train(&mut model).map_err(failed)?;
        Ok(Self {
            tokenizer: Tokenizer::new(model),
        })
    }

    /// Reads the JSON stored in a model.
    ///
    /// # Errors
    /// When it is not a tokeniser.
    pub(crate) fn from_json(json: &str) -> Result<Self> {
        let tokenizer =
            Tokenizer::from_bytes(json).map_err(|error| Error::Subwords(error.to_string()))?;
        Ok(Self { tokenizer })
    }

    /// The JSON to store in a model.
    ///
    /// # Errors
    /// When the tokeniser cannot be written.
    pub(crate) fn to_json(&self) -> Result<String> {
        self.tokenizer
            .to_string(false)
            .map_err(|error| Error::Subwords(error.to_string()))
    }

    /// Number of tokens.
    pub(crate) fn len(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// The ids of a word's pieces.
    pub(crate) fn encode(&self, word: &str) -> Vec<u32> {
        // A word that cannot be encoded has no known piece, and so no subword feature.
        self.tokenizer
            .encode_fast(marked(word), false)
            .map_or_else(|_| Vec::new(), |encoding| encoding.get_ids().to_vec())
    }

    /// The ids of a word's pieces, each with the letters that it stands in; the mark behind the word
    /// counts as a letter.
    pub(crate) fn encode_with_letters(&self, word: &str) -> Vec<(u32, Range<usize>)> {
        let encoded = self.tokenizer.encode_char_offsets(marked(word), false);
        encoded.map_or_else(
            |_| Vec::new(),
            |encoding| {
                let ids = encoding.get_ids().iter().copied();
                let offsets = encoding.get_offsets().iter();
                ids.zip(offsets.map(|&(start, end)| start..end)).collect()
            },
        )
    }

    /// The text of a token.
    pub(crate) fn decode(&self, token: u32) -> String {
        self.tokenizer.id_to_token(token).unwrap_or_default()
    }
}

fn marked(word: &str) -> String {
    format!("{word}{END_OF_WORD}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_twice_gives_the_same_tokeniser() {
        let words = "قصف القصف قصفت طائرة طائرات الطائرات غارة غارات الغارات قصف غارة";
        let train = || {
            Subwords::train(words.split(' '), 120)
                .unwrap()
                .to_json()
                .unwrap()
        };
        assert_eq!(train(), train());
        let stored = Subwords::from_json(&train()).unwrap();
        let fresh = Subwords::train(words.split(' '), 120).unwrap();
        assert_eq!(stored.encode("القصف"), fresh.encode("القصف"));
        assert!(!stored.encode("قصف").is_empty());
        assert!(Subwords::from_json("{}").is_err());
    }
}
