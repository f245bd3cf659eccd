//! A corpus as numbers: each distinct word once, sentences as word numbers.

use std::collections::BTreeSet;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::text::{TextPipeline, Tokens};

/// Sentences of a training corpus as lists of word numbers. Words are numbered in alphabetical
/// order, whatever the number of threads.
#[derive(Debug)]
pub struct TokenizedCorpus {
    words: Vec<String>,
    sentences: Vec<Box<[u32]>>,
}

impl TokenizedCorpus {
    /// Reads sentences through a text pipeline, in parallel on the current thread pool.
    pub fn new(pipeline: &TextPipeline, sentences: &[&str]) -> Self {
        let forms: Vec<Vec<String>> = sentences
            .par_iter()
            .map_init(Tokens::default, |tokens, sentence| {
                pipeline.tokenize_into(sentence, tokens);
                (0..tokens.len())
                    .map(|index| tokens.form(index).to_owned())
                    .collect()
            })
            .collect();
        let distinct: BTreeSet<&str> = forms.iter().flatten().map(String::as_str).collect();
        let words: Vec<String> = distinct.iter().map(|&word| word.to_owned()).collect();
        let numbers: FxHashMap<&str, u32> = distinct.into_iter().zip(0..).collect();
        let sentences = forms
            .iter()
            .map(|sentence| sentence.iter().map(|form| numbers[form.as_str()]).collect())
            .collect();
        drop(numbers);
        Self { words, sentences }
    }

    /// The distinct words in alphabetical order.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The sentences as word numbers.
    pub fn sentences(&self) -> &[Box<[u32]>] {
        &self.sentences
    }
}
