//! A model compiled for prediction.

use std::hash::{BuildHasher, BuildHasherDefault};
use std::ops::Range;

use rustc_hash::{FxHashMap, FxHasher};

use crate::features::{FeatureIndex, ROLES, SparseRow, WordFeatures, roles, window_around};
use crate::model::{Header, Model, ModelHeads};
use crate::scoring::{LabelTree, LeafPrediction, PriorShift};
use crate::text::{TextPipeline, Tokens};

/// Words that a scratch object remembers before it forgets them all.
const REMEMBERED_WORDS: usize = 1 << 16;

/// A model compiled for prediction: shared by threads, never changed.
#[derive(Debug)]
pub struct Predictor {
    header: Header,
    pipeline: TextPipeline,
    index: FeatureIndex,
    heads: ModelHeads,
    tree: LabelTree,
    prior_shift: Option<PriorShift>,
}

/// What is predicted for one sentence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prediction {
    /// Probability and decision of each leaf label.
    pub leaves: LeafPrediction,
    /// For each leaf label that holds: the bytes of the sentence in which it shows most.
    pub evidence: Vec<Option<Range<usize>>>,
}

/// Buffers of one thread, reused from sentence to sentence. What is remembered never changes a
/// result.
#[derive(Debug, Default)]
pub struct Scratch {
    tokens: Tokens,
    codes: Vec<u8>,
    /// Place of each known word in `words`.
    places: FxHashMap<String, usize>,
    words: Vec<Word>,
    /// The words of the sentence, as places in `words`.
    sentence: Vec<usize>,
    /// For each word of the sentence its bigram with the one before.
    bigrams: Vec<Option<(u32, f32)>>,
}

impl Scratch {
    /// A hash of the folded sentence that was predicted last.
    pub(super) fn fingerprint(&self) -> u64 {
        BuildHasherDefault::<FxHasher>::default().hash_one(self.tokens.normalized())
    }

    /// Number of words of the sentence that was predicted last, signs not counted.
    pub(super) fn word_tokens(&self) -> usize {
        (0..self.tokens.len())
            .filter(|&token| self.tokens.form(token).contains(char::is_alphanumeric))
            .count()
    }
}

/// A word with its features and what it adds to the score of each column of weights.
#[derive(Debug)]
struct Word {
    features: WordFeatures,
    scores: Vec<f64>,
}

impl Predictor {
    /// Compiles a model.
    pub fn new(model: Model) -> Self {
        Self {
            pipeline: TextPipeline::new(&model.header.text),
            tree: LabelTree::new(&model.header.labels),
            index: FeatureIndex::new(model.vocabulary),
            header: model.header,
            heads: model.heads,
            prior_shift: None,
        }
    }

    /// The same predictor for text in which labels are as frequent as `priors` says, one share a
    /// leaf label from 0 to 1.
    pub fn with_priors(self, priors: &[f64]) -> Self {
        Self {
            prior_shift: Some(PriorShift::new(&self.header.priors, priors)),
            ..self
        }
    }

    /// The shares of the leaf labels that probabilities are given for.
    pub fn priors(&self) -> &[f64] {
        match &self.prior_shift {
            Some(shift) => shift.now(),
            None => &self.header.priors,
        }
    }

    /// What the model says about itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The labels with their parents.
    pub fn tree(&self) -> &LabelTree {
        &self.tree
    }

    /// The text pipeline of the model.
    pub fn pipeline(&self) -> &TextPipeline {
        &self.pipeline
    }

    /// Predicts one sentence.
    pub fn predict(&self, sentence: &str, scratch: &mut Scratch) -> Prediction {
        self.read(sentence, scratch);
        let whole = self.scores_of(scratch, 0..scratch.sentence.len());
        let best = self.best_windows(scratch);
        let raw = self.raw_scores(scratch, &whole, &best);
        let calibrated = self.header.calibrations.iter().zip(&raw);
        let mut probabilities: Vec<f64> = calibrated
            .map(|(calibration, &score)| calibration.probability(score))
            .collect();
        let mode = self.header.mode;
        mode.normalize(&mut probabilities);
        if let Some(shift) = &self.prior_shift {
            shift.adjust(mode, &mut probabilities);
        }
        let leaves = LeafPrediction::decide(mode, probabilities, &self.header.thresholds);
        let words = scratch.sentence.len();
        let evidence = leaves
            .holds
            .iter()
            .zip(&best)
            .map(|(&held, &(_, middle))| {
                let window = window_around(middle, self.header.window_radius, words);
                (held && words > 0).then(|| span_of_words(&scratch.tokens, window))
            })
            .collect();
        Prediction { leaves, evidence }
    }

    /// The raw score of each label, from its scores of the whole sentence and of its best window.
    fn raw_scores(&self, scratch: &Scratch, whole: &[f64], best: &[(f64, usize)]) -> Vec<f64> {
        let Some(mixes) = &self.header.mixes else {
            return whole.to_vec();
        };
        let parts = mixes.iter().zip(whole.iter().zip(best)).enumerate();
        parts
            .map(|(label, (mix, (&sentence, &(window, middle))))| {
                let assertion = self.assertion_score(scratch, label, middle);
                let scores = [sentence, window, assertion];
                mix.iter()
                    .zip(scores)
                    .map(|(share, part)| share * part)
                    .sum()
            })
            .collect()
    }

    /// The score of the assertion of what triggers a label in the window around a word.
    fn assertion_score(&self, scratch: &Scratch, label: usize, middle: usize) -> f64 {
        let ModelHeads::Linear {
            biases, assertion, ..
        } = &self.heads
        else {
            return 0.0;
        };
        if assertion.is_empty() {
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
                score += f64::from(assertion[unit as usize * ROLES + role]) * value;
                squared_norm += value * value;
            }
        }
        let bias = biases.last().copied().unwrap_or_default();
        score * scale_of(squared_norm) + f64::from(bias)
    }

    /// The word of the window around a word that adds most to a label's score.
    fn trigger(&self, scratch: &Scratch, label: usize, middle: usize) -> usize {
        let column = self.header.labels.len() + label;
        let words = scratch.sentence.len();
        let mut best = (f64::NEG_INFINITY, middle);
        for place in window_around(middle, self.header.window_radius, words) {
            let score = scratch.words[scratch.sentence[place]].scores[column];
            if score > best.0 {
                best = (score, place);
            }
        }
        best.1
    }

    /// Fills the scratch object with the words and bigrams of a sentence.
    fn read(&self, sentence: &str, scratch: &mut Scratch) {
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
                    let features = self.index.features_of(form, &mut scratch.codes);
                    let scores = self.linear_scores(&features.features);
                    scratch.places.insert(form.to_owned(), scratch.words.len());
                    scratch.words.push(Word { features, scores });
                    scratch.words.len() - 1
                }
            };
            let right = scratch.words[place].features.unit;
            scratch.bigrams.push(self.index.bigram(left, right));
            scratch.sentence.push(place);
            left = right;
        }
    }

    /// What features add to the score of each column of weights before scaling; nothing for
    /// forests.
    fn linear_scores(&self, features: &[(u32, f32)]) -> Vec<f64> {
        let ModelHeads::Linear { weights, .. } = &self.heads else {
            return Vec::new();
        };
        let columns = self.heads.columns(self.header.mixes.is_some());
        let mut scores = vec![0.0; columns];
        for &(feature, value) in features {
            let first = feature as usize * columns;
            for (score, weight) in scores.iter_mut().zip(&weights[first..first + columns]) {
                *score += f64::from(*weight) * f64::from(value);
            }
        }
        scores
    }

    /// The scores of whole sentences for the words in a range, taken as a sentence of their own.
    fn scores_of(&self, scratch: &Scratch, range: Range<usize>) -> Vec<f64> {
        match &self.heads {
            ModelHeads::Linear { biases, .. } => self.scaled_scores(scratch, range, biases, 0),
            ModelHeads::Forests(forests) => {
                let row = self.row(scratch, range);
                let value_of = |feature: u32| {
                    let place = row.indices().binary_search(&feature);
                    place.map_or(0.0, |place| row.values()[place])
                };
                forests
                    .iter()
                    .map(|forest| forest.score(value_of))
                    .collect()
            }
        }
    }

    /// The scores of the window around a word. Windows have scorers of their own, or those of
    /// sentences where they were not learnt.
    fn window_scores(&self, scratch: &Scratch, middle: usize) -> Vec<f64> {
        let words = scratch.sentence.len();
        let window = window_around(middle, self.header.window_radius, words);
        match &self.heads {
            ModelHeads::Linear { biases, .. } if self.header.mixes.is_some() => {
                self.scaled_scores(scratch, window, biases, self.header.labels.len())
            }
            _ => self.scores_of(scratch, window),
        }
    }

    /// The scores of a column a label, from the column `first` on.
    fn scaled_scores(
        &self,
        scratch: &Scratch,
        range: Range<usize>,
        biases: &[f32],
        first: usize,
    ) -> Vec<f64> {
        let columns = self.heads.columns(self.header.mixes.is_some());
        let (sums, squared_norm) = self.sums(scratch, range, columns);
        let scale = scale_of(squared_norm);
        let scores = sums.iter().zip(biases).skip(first);
        scores
            .take(self.header.labels.len())
            .map(|(sum, bias)| sum * scale + f64::from(*bias))
            .collect()
    }

    /// Unscaled scores and squared norm of a range of words with the bigrams inside it.
    fn sums(&self, scratch: &Scratch, range: Range<usize>, columns: usize) -> (Vec<f64>, f64) {
        let mut scores = vec![0.0; columns];
        let mut squared_norm = 0.0;
        for place in range.clone() {
            let word = &scratch.words[scratch.sentence[place]];
            squared_norm += f64::from(word.features.squared_norm);
            for (score, of_word) in scores.iter_mut().zip(&word.scores) {
                *score += of_word;
            }
            if place > range.start
                && let Some(bigram) = scratch.bigrams[place]
            {
                squared_norm += f64::from(bigram.1) * f64::from(bigram.1);
                for (score, of_bigram) in scores.iter_mut().zip(self.linear_scores(&[bigram])) {
                    *score += of_bigram;
                }
            }
        }
        (scores, squared_norm)
    }

    /// The feature values of a range of words.
    fn row(&self, scratch: &Scratch, range: Range<usize>) -> SparseRow {
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

    /// For each label the window that scores highest: its score and the word in its middle.
    fn best_windows(&self, scratch: &Scratch) -> Vec<(f64, usize)> {
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

/// The bytes of the sentence that some tokens span, signs at either end left off.
fn span_of_words(tokens: &Tokens, mut window: Range<usize>) -> Range<usize> {
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

/// Scales a row to length one; an empty row stays empty.
fn scale_of(squared_norm: f64) -> f64 {
    if squared_norm > 0.0 {
        squared_norm.sqrt().recip()
    } else {
        0.0
    }
}
