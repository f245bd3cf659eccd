//! What each feature of a sentence adds to the scores: the sums of `plain` taken apart.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::plain::PlainScratch;
use super::predictor::Compiled;
use super::scores::{RawScores, SENTENCE_ONLY, scale_of};
use crate::features::{ROLES, roles, window_around};
use crate::model::ModelHeads;

/// What adds to a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Source {
    /// A feature of the sentence, and of its best window where it stands there.
    Feature(u32),
    /// A unit in one of its roles around the trigger.
    Role { unit: u32, role: usize },
}

/// Letters of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) token: usize,
    pub(crate) letters: Range<usize>,
}

/// One occurrence of what adds to a label's score.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) source: Source,
    /// What it adds, mixed and scaled.
    pub(crate) value: f64,
    pub(crate) piece: Piece,
    /// The right one of two neighbours.
    pub(crate) second: Option<Piece>,
}

/// A label's raw score taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LabelTrace {
    /// The raw score, before calibration.
    pub(crate) score: f64,
    /// What the scores of sentence, best window and assertion add to it.
    pub(crate) parts: [f64; 3],
    /// What is added to every sentence's score; `None` where the scorer has no weights.
    pub(crate) bias: Option<f64>,
    /// The tokens of the best window.
    pub(crate) window: Range<usize>,
    /// The token of the window that adds most, where its assertion is scored.
    pub(crate) trigger: Option<usize>,
    /// Terms that sum, with the bias, to the score.
    pub(crate) terms: Vec<Term>,
}

/// The occurrences of features in a word: feature, letters.
type Occurrences = Vec<(u32, Range<usize>)>;

/// How much the parts of a label's score count, with what scales their sums.
struct Factors {
    sentence: f64,
    window: f64,
    sentence_column: usize,
    window_column: usize,
    window_words: Range<usize>,
}

impl Factors {
    /// What a token's or bigram's shares in the sums add to the label's score.
    fn value(&self, of_sentence: f64, of_window: f64, in_window: bool) -> f64 {
        let local = if in_window { self.window } else { 0.0 };
        self.sentence * of_sentence + local * of_window
    }
}

impl Compiled {
    /// Scores a sentence and takes the scores of its labels apart.
    pub(super) fn trace(&self, sentence: &str, scratch: &mut PlainScratch) -> Vec<LabelTrace> {
        let mut scores = RawScores::default();
        self.score_plainly(sentence, scratch, &mut scores);
        let occurrences = self.occurrences(scratch);
        (0..self.header.labels.len())
            .map(|label| self.trace_label(label, &scores, scratch, &occurrences))
            .collect()
    }

    /// The occurrences of features in each word of the sentence.
    fn occurrences(&self, scratch: &PlainScratch) -> FxHashMap<usize, Occurrences> {
        let mut known = FxHashMap::default();
        let mut codes = Vec::new();
        for (token, &word) in scratch.sentence.iter().enumerate() {
            known.entry(word).or_insert_with(|| {
                let form = scratch.tokens.form(token);
                let alphabet = &self.index.vocabulary().alphabet;
                alphabet.encode_into(form, &mut codes);
                self.index.places_in_word(form, &codes)
            });
        }
        known
    }

    fn trace_label(
        &self,
        label: usize,
        scores: &RawScores,
        scratch: &PlainScratch,
        occurrences: &FxHashMap<usize, Occurrences>,
    ) -> LabelTrace {
        let words = scratch.sentence.len();
        let middle = scores.middles[label];
        let window = window_around(middle, self.header.window_radius, words);
        let mix = self.header.mixes.as_ref().map(|mixes| &mixes[label]);
        let mix = mix.unwrap_or(&SENTENCE_ONLY);
        let parts = std::array::from_fn(|part| mix[part] * scores.parts[label][part]);
        let mut trace = LabelTrace {
            score: scores.raw[label],
            parts,
            window: window.clone(),
            ..LabelTrace::default()
        };
        let ModelHeads::Linear {
            biases, assertion, ..
        } = &self.heads
        else {
            return trace;
        };
        let scale = |range| scale_of(self.sums(scratch, range, biases.len()).1);
        let factors = Factors {
            sentence: mix[0] * scale(0..words),
            window: mix[1] * scale(window.clone()),
            sentence_column: label,
            window_column: self.first_window_column() + label,
            window_words: window,
        };
        for place in 0..words {
            let of_word = &occurrences[&scratch.sentence[place]];
            self.trace_word(place, &factors, scratch, of_word, &mut trace.terms);
            self.trace_bigram(place, &factors, scratch, &mut trace.terms);
        }
        let mut bias = mix[0] * f64::from(biases[label]);
        if self.header.mixes.is_some() {
            bias += mix[1] * f64::from(biases[factors.window_column]);
        }
        if self.header.mixes.is_some() && assertion.rows() > 0 {
            bias += mix[2] * f64::from(biases.last().copied().unwrap_or_default());
            let trigger = self.trigger(scratch, label, middle);
            trace.trigger = (trigger < words).then_some(trigger);
            self.trace_assertion(trigger, mix[2], scratch, &mut trace.terms);
        }
        trace.bias = Some(bias);
        trace
    }

    /// The features within one word. What rounding a word's sum changed is spread over them.
    fn trace_word(
        &self,
        place: usize,
        factors: &Factors,
        scratch: &PlainScratch,
        occurrences: &Occurrences,
        terms: &mut Vec<Term>,
    ) {
        let ModelHeads::Linear { weights, .. } = &self.heads else {
            return;
        };
        let word = &scratch.words[scratch.sentence[place]];
        let idf = &self.index.vocabulary().idf;
        let columns = [factors.sentence_column, factors.window_column];
        let effect = |feature: u32, column: usize| {
            let feature = feature as usize;
            f64::from(weights.get(feature, column)) * f64::from(idf[feature])
        };
        let remainder = columns.map(|column| {
            let exact: f64 = occurrences.iter().map(|(f, _)| effect(*f, column)).sum();
            (f64::from(word.scores[column]) - exact) / occurrences.len().max(1) as f64
        });
        let in_window = factors.window_words.contains(&place);
        terms.extend(occurrences.iter().map(|(feature, letters)| {
            let [sentence, window] = [0, 1].map(|i| effect(*feature, columns[i]) + remainder[i]);
            Term {
                source: Source::Feature(*feature),
                value: factors.value(sentence, window, in_window),
                piece: Piece {
                    token: place,
                    letters: letters.clone(),
                },
                second: None,
            }
        }));
    }

    /// The bigram of a word with the one before it.
    fn trace_bigram(
        &self,
        place: usize,
        factors: &Factors,
        scratch: &PlainScratch,
        terms: &mut Vec<Term>,
    ) {
        let Some(bigram) = scratch.bigrams[place] else {
            return;
        };
        let sums = self.linear_scores(&[bigram]);
        let [sentence, window] =
            [factors.sentence_column, factors.window_column].map(|c| f64::from(sums[c]));
        let window_words = &factors.window_words;
        let in_window = place > window_words.start && window_words.contains(&place);
        terms.push(Term {
            source: Source::Feature(bigram.0),
            value: factors.value(sentence, window, in_window),
            piece: self.unit_piece(place.saturating_sub(1), scratch),
            second: Some(self.unit_piece(place, scratch)),
        });
    }

    fn trace_assertion(
        &self,
        trigger: usize,
        mix: f64,
        scratch: &PlainScratch,
        terms: &mut Vec<Term>,
    ) {
        let ModelHeads::Linear { assertion, .. } = &self.heads else {
            return;
        };
        let first = terms.len();
        let mut squared_norm = 0.0;
        for (place, &word) in scratch.sentence.iter().enumerate() {
            let Some(unit) = scratch.words[word].features.unit else {
                continue;
            };
            let idf = f64::from(self.index.unit_idf(unit));
            for role in roles(trigger, place).filter(|&role| role < ROLES) {
                squared_norm += idf * idf;
                terms.push(Term {
                    source: Source::Role { unit, role },
                    value: f64::from(assertion.get(unit as usize, role)) * idf,
                    piece: self.unit_piece(place, scratch),
                    second: None,
                });
            }
        }
        let factor = mix * scale_of(squared_norm);
        terms[first..]
            .iter_mut()
            .for_each(|term| term.value *= factor);
    }

    /// The letters of a token's unit.
    fn unit_piece(&self, place: usize, scratch: &PlainScratch) -> Piece {
        Piece {
            token: place,
            letters: self.index.letters_of_unit(scratch.tokens.form(place)),
        }
    }
}
