//! A corpus as numbers: each distinct word once, sentences as word numbers.

use std::ops::Range;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::text::{TextPipeline, Tokens};

/// Sentences numbered together before their words are brought under the numbers of the corpus.
const SENTENCES_AT_ONCE: usize = 4096;

/// Sentences of a training corpus as lists of word numbers. Words are numbered by falling frequency,
/// so that what is looked up often lies together, and in alphabetical order among equals.
#[derive(Debug)]
pub struct TokenizedCorpus {
    /// In alphabetical order.
    words: Vec<String>,
    /// For each word number its place in the words.
    places: Vec<u32>,
    /// The words of all sentences, one sentence after the other.
    tokens: Vec<u32>,
    /// Where each sentence starts in the tokens, and where the last one ends.
    starts: Vec<usize>,
}

impl TokenizedCorpus {
    /// Reads sentences through a text pipeline, in parallel on the current thread pool.
    pub fn new(pipeline: &TextPipeline, sentences: &[&str]) -> Self {
        let parts: Vec<Part> = sentences
            .par_chunks(SENTENCES_AT_ONCE)
            .map(|sentences| Part::read(pipeline, sentences))
            .collect();
        let distinct: FxHashSet<&str> = parts
            .iter()
            .flat_map(|part| part.words.iter().map(|word| &**word))
            .collect();
        let mut distinct: Vec<&str> = distinct.into_iter().collect();
        distinct.sort_unstable();
        let words: Vec<String> = distinct.iter().map(|&word| word.to_owned()).collect();
        let numbers: FxHashMap<&str, u32> = distinct.into_iter().zip(0..).collect();
        let mut tokens = Vec::with_capacity(parts.iter().map(|part| part.tokens.len()).sum());
        let mut starts = Vec::with_capacity(sentences.len() + 1);
        starts.push(0);
        for part in &parts {
            let of_part: Vec<u32> = part.words.iter().map(|word| numbers[&**word]).collect();
            starts.extend(part.ends.iter().map(|end| tokens.len() + end));
            tokens.extend(part.tokens.iter().map(|&word| of_part[word as usize]));
        }
        drop(numbers);
        let places = number_by_frequency(&mut tokens, words.len());
        Self {
            words,
            places,
            tokens,
            starts,
        }
    }

    /// The distinct words in alphabetical order.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The place in alphabetical order of each word number.
    pub(super) fn places(&self) -> &[u32] {
        &self.places
    }

    /// The words by number.
    pub(super) fn words_by_number(&self) -> impl Iterator<Item = &str> {
        (self.places.iter()).map(|&place| self.words[place as usize].as_str())
    }

    /// Number of sentences.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no sentence.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A sentence as word numbers.
    pub fn sentence(&self, sentence: usize) -> &[u32] {
        &self.tokens[self.span(sentence)]
    }

    /// The words of all sentences, one sentence after the other.
    pub(super) fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Where a sentence stands in the tokens.
    pub(super) fn span(&self, sentence: usize) -> Range<usize> {
        self.starts[sentence]..self.starts[sentence + 1]
    }
}

/// Turns places of words into numbers by falling frequency; gives the place of each number.
fn number_by_frequency(tokens: &mut [u32], words: usize) -> Vec<u32> {
    let mut frequency = vec![0u32; words];
    for &place in tokens.iter() {
        frequency[place as usize] = frequency[place as usize].saturating_add(1);
    }
    let mut places: Vec<u32> = (0..words as u32).collect();
    places.sort_by_key(|&place| std::cmp::Reverse(frequency[place as usize]));
    let mut numbers = vec![0; words];
    for (&place, number) in places.iter().zip(0..) {
        numbers[place as usize] = number;
    }
    tokens
        .iter_mut()
        .for_each(|token| *token = numbers[*token as usize]);
    places
}

/// Neighbouring sentences under numbers of their own.
#[derive(Default)]
struct Part {
    /// By number.
    words: Vec<Box<str>>,
    tokens: Vec<u32>,
    /// Where each sentence ends in the tokens.
    ends: Vec<usize>,
}

impl Part {
    fn read(pipeline: &TextPipeline, sentences: &[&str]) -> Self {
        let mut part = Self::default();
        let mut numbers: FxHashMap<Box<str>, u32> = FxHashMap::default();
        let mut tokens = Tokens::default();
        for sentence in sentences {
            pipeline.tokenize_into(sentence, &mut tokens);
            for index in 0..tokens.len() {
                let form = tokens.form(index);
                let number = match numbers.get(form) {
                    Some(&number) => number,
                    None => {
                        let number = part.words.len() as u32;
                        part.words.push(form.into());
                        numbers.insert(form.into(), number);
                        number
                    }
                };
                part.tokens.push(number);
            }
            part.ends.push(part.tokens.len());
        }
        part
    }
}
