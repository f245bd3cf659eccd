//! Scoring a sentence by the book: for models that the fast way does not cover (trees, subwords),
//! and what that way is tested against.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::predictor::Compiled;
use super::scores::{RawScores, SENTENCE_ONLY, scale_of};
use crate::features::{SparseRow, WordFeatures, bigram_key, roles, window_around};
use crate::model::ModelHeads;
use crate::text::Tokens;

/// Words that are remembered before all are forgotten.
const REMEMBERED_WORDS: usize = 1 << 16;

/// Buffers of one thread. What is remembered never changes a result.
#[derive(Debug, Default)]
pub(super) struct PlainScratch {
    pub(super) tokens: Tokens,
    pub(super) codes: Vec<u8>,
    /// Place of each known word in `words`.
    places: FxHashMap<String, usize>,
    pub(super) words: Vec<Word>,
    /// The words of the sentence, as places in `words`.
    pub(super) sentence: Vec<usize>,
    /// For each word of the sentence its bigram with the one before.
    pub(super) bigrams: Vec<Option<(u32, f32)>>,
}

/// A word with its features and what it adds to the score of each column of weights.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) features: WordFeatures,
    pub(super) scores: Vec<f32>,
}

impl Compiled {
    /// Scores a sentence by adding up what its words and bigrams weigh, window by window.
    pub(super) fn score_plainly(
        &self,
        sentence: &str,
        scratch: &mut PlainScratch,
        scores: &mut RawScores,
    ) {
        self.read(sentence, scratch);
        let whole = self.scores_of(scratch, 0..scratch.sentence.len());
        let best = self.best_windows(scratch);
        scores.clear();
        for (label, (&sentence, (window, middle))) in whole.iter().zip(best).enumerate() {
            let Some(mixes) = &self.header.mixes else {
                scores.push([sentence, 0.0, 0.0], &SENTENCE_ONLY, middle);
                continue;
            };
            let assertion = self.assertion_score(scratch, label, middle);
            scores.push([sentence, window, assertion], &mixes[label], middle);
        }
    }

    /// The score of the assertion of what triggers a label in the window around a word.
    fn assertion_score(&self, scratch: &PlainScratch, label: usize, middle: usize) -> f64 {
        let ModelHeads::Linear {
            biases, assertion, ..
        } = &self.heads
        else {
            return 0.0;
        };
        if assertion.rows() == 0 {
            return 0.0;
        }
        let trigger = self.trigger(scratch, label, middle);
        let (mut score, mut squared_norm) = (0.0, 0.0);
        for (place, &word) in scratch.sentence.iter().enumerate() {
            let Some(unit) = scratch.words[word].features.unit else {
                continue;
            };
            let value = f64::from(self.index.unit_idf(unit));
            for role in roles(trigger, place) {
                score += f64::from(assertion.get(unit as usize, role)) * value;
                squared_norm += value * value;
            }
        }
        let bias = biases.last().copied().unwrap_or_default();
        score * scale_of(squared_norm) + f64::from(bias)
    }

    /// The word of the window around a word that adds most to a label's score.
    pub(super) fn trigger(&self, scratch: &PlainScratch, label: usize, middle: usize) -> usize {
        let column = self.first_window_column() + label;
        let words = scratch.sentence.len();
        let mut best = (f32::NEG_INFINITY, middle);
        for place in window_around(middle, self.header.window_radius, words) {
            let score = scratch.words[scratch.sentence[place]].scores[column];
            if score > best.0 {
                best = (score, place);
            }
        }
        best.1
    }

    /// Fills the scratch object with the words and bigrams of a sentence.
    fn read(&self, sentence: &str, scratch: &mut PlainScratch) {
        if scratch.words.len() > REMEMBERED_WORDS {
            scratch.places.clear();
            scratch.words.clear();
        }
        self.pipeline.tokenize_into(sentence, &mut scratch.tokens);
        scratch.sentence.clear();
        scratch.bigrams.clear();
        let mut left = None;
        for token in 0..scratch.tokens.len() {
            let form = scratch.tokens.form(token);
            let place = match scratch.places.get(form) {
                Some(&place) => place,
                None => {
                    let mut features = WordFeatures::default();
                    let alphabet = &self.index.vocabulary().alphabet;
                    alphabet.encode_into(form, &mut scratch.codes);
                    self.index
                        .find_features(form, &scratch.codes, &mut features);
                    let scores = self.linear_scores(&features.features);
                    scratch.places.insert(form.to_owned(), scratch.words.len());
                    scratch.words.push(Word { features, scores });
                    scratch.words.len() - 1
                }
            };
            let right = scratch.words[place].features.unit;
            let bigram = left.zip(right);
            let bigram =
                bigram.and_then(|(left, right)| self.index.bigram(bigram_key(left, right)));
            scratch.bigrams.push(bigram);
            scratch.sentence.push(place);
            left = right;
        }
    }

    /// What features add to the score of each column of weights before scaling; nothing for
    /// forests.
    pub(super) fn linear_scores(&self, features: &[(u32, f32)]) -> Vec<f32> {
        let mut scores = Vec::new();
        if let ModelHeads::Linear { weights, .. } = &self.heads {
            self.add_up(weights, features, &mut scores);
        }
        scores
    }

    /// The scores of whole sentences for the words in a range, taken as a sentence of their own.
    fn scores_of(&self, scratch: &PlainScratch, range: Range<usize>) -> Vec<f64> {
        match &self.heads {
            ModelHeads::Linear { biases, .. } => self.scaled_scores(scratch, range, biases, 0),
            ModelHeads::Forests(forests) => {
                let row = row(scratch, range);
                let value_of = |feature: u32| {
                    let place = row.indices().binary_search(&feature);
                    place.map_or(0.0, |place| row.values()[place])
                };
                let scores = forests.iter().map(|forest| forest.score(value_of));
                scores.collect()
            }
        }
    }

    /// The scores of the window around a word. Windows have scorers of their own, or those of
    /// sentences where they were not learnt.
    fn window_scores(&self, scratch: &PlainScratch, middle: usize) -> Vec<f64> {
        let words = scratch.sentence.len();
        let window = window_around(middle, self.header.window_radius, words);
        match &self.heads {
            ModelHeads::Linear { biases, .. } => {
                self.scaled_scores(scratch, window, biases, self.first_window_column())
            }
            ModelHeads::Forests(_) => self.scores_of(scratch, window),
        }
    }

    /// The scores of a column a label, from the column `first` on.
    fn scaled_scores(
        &self,
        scratch: &PlainScratch,
        range: Range<usize>,
        biases: &[f32],
        first: usize,
    ) -> Vec<f64> {
        let (sums, squared_norm) = self.sums(scratch, range, biases.len());
        let scale = scale_of(squared_norm);
        let scores = sums.iter().zip(biases).skip(first);
        scores
            .take(self.header.labels.len())
            .map(|(sum, bias)| sum * scale + f64::from(*bias))
            .collect()
    }

    /// Unscaled scores and squared norm of a range of words with the bigrams inside it.
    pub(super) fn sums(
        &self,
        scratch: &PlainScratch,
        range: Range<usize>,
        columns: usize,
    ) -> (Vec<f64>, f64) {
        let mut scores = vec![0.0; columns];
        let mut squared_norm = 0.0;
        for place in range.clone() {
            let word = &scratch.words[scratch.sentence[place]];
            squared_norm += f64::from(self.squared_norm(word.features.squared_norm));
            for (score, &of_word) in scores.iter_mut().zip(&word.scores) {
                *score += f64::from(of_word);
            }
            if place > range.start
                && let Some(bigram) = scratch.bigrams[place]
            {
                squared_norm += f64::from(self.squared_norm(bigram.1 * bigram.1));
                for (score, of_bigram) in scores.iter_mut().zip(self.linear_scores(&[bigram])) {
                    *score += f64::from(of_bigram);
                }
            }
        }
        (scores, squared_norm)
    }

    /// For each label the window that scores highest: its score and the word in its middle.
    fn best_windows(&self, scratch: &PlainScratch) -> Vec<(f64, usize)> {
        let mut best = vec![(f64::NEG_INFINITY, 0); self.header.labels.len()];
        // A sentence without words has the one window without words.
        for middle in 0..scratch.sentence.len().max(1) {
            let scores = self.window_scores(scratch, middle);
            for (best, &score) in best.iter_mut().zip(&scores) {
                if score > best.0 {
                    *best = (score, middle);
                }
            }
        }
        best
    }
}

/// The feature values of a range of words.
fn row(scratch: &PlainScratch, range: Range<usize>) -> SparseRow {
    let mut pairs = Vec::new();
    let mut squared_norm = 0.0;
    for place in range.clone() {
        let features = &scratch.words[scratch.sentence[place]].features;
        pairs.extend_from_slice(&features.features);
        squared_norm += features.squared_norm;
        let bigram = scratch.bigrams[place].filter(|_| place > range.start);
        squared_norm += bigram.map_or(0.0, |(_, value)| value * value);
        pairs.extend(bigram);
    }
    let scale = scale_of(f64::from(squared_norm)) as f32;
    pairs.iter_mut().for_each(|(_, value)| *value *= scale);
    SparseRow::from_pairs(&mut pairs)
}

/// The bytes of the sentence that some tokens span, signs at either end left off.
pub(crate) fn span_of_words(tokens: &Tokens, mut window: Range<usize>) -> Range<usize> {
    let is_word = |token: usize| tokens.form(token).contains(char::is_alphanumeric);
    let whole = window.clone();
    while !window.is_empty() && !is_word(window.start) {
        window.start += 1;
    }
    while !window.is_empty() && !is_word(window.end - 1) {
        window.end -= 1;
    }
    tokens.original_span(if window.is_empty() { whole } else { window })
}
