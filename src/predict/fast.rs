//! Scoring a sentence with one look-up a word: the way of nearly all models.
//!
//! The scores of windows come from running sums: a window's score is the sum up to its end less the
//! sum up to its start. The assertion of a trigger needs the words near it one by one, and of those
//! far away only their sums.

use super::predictor::Compiled;
use super::scores::{RawScores, SENTENCE_ONLY, scale_of};
use super::words::{LANES, Lanes, NO_UNIT, WordFacts, WordTable};
use crate::features::{
    Alphabet, FAR_AFTER, FAR_BEFORE, NEAR, WordFeatures, opening_role, role_by_distance,
    window_around,
};
use crate::scoring::Weights;
use crate::text::{CodedReader, CodedToken, CodedTokens};

/// A squared norm that is a smaller share of the running sum is only its rounding.
const ROUNDING: f64 = 1e-12;

/// No bigram.
const NONE: u32 = u32::MAX;

/// Buffers of one thread. What is remembered never changes a result.
#[derive(Debug, Default)]
pub(super) struct FastScratch {
    pub(super) tokens: CodedTokens,
    words: WordTable,
    /// The words of the sentence.
    sentence: Vec<u32>,
    /// For each word of the sentence the place of its bigram with the one before, or [`NONE`].
    bigram_at: Vec<u32>,
    bigrams: Bigrams,
    /// Sums of what stands before a place, for windows that begin there.
    starts: Vec<Start>,
    /// For each place the sums over the words before it of what they add as far ones.
    far: Vec<Far>,
    of_word: WordBuffers,
}

/// The bigrams of a sentence.
#[derive(Debug, Default)]
struct Bigrams {
    squared_norms: Vec<f32>,
    /// `groups` for each bigram.
    lanes: Vec<Lanes>,
}

/// Running sums.
#[derive(Clone, Copy, Debug, Default)]
struct Start {
    scores: [f64; LANES],
    squared_norm: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Far {
    before: f64,
    after: f64,
}

/// What is needed to look a new word up.
#[derive(Debug, Default)]
struct WordBuffers {
    codes: Vec<u8>,
    between_boundaries: Vec<u8>,
    form: String,
    features: WordFeatures,
    sums: Vec<f32>,
    lanes: Vec<Lanes>,
}

/// For each label of a group the best window so far.
struct Best {
    scores: [f64; LANES],
    middles: [usize; LANES],
    whole: [f64; LANES],
    squared_norm: f64,
}

/// A compiled model with what the fast way needs of it.
pub(super) struct FastWay<'a> {
    pub(super) compiled: &'a Compiled,
    pub(super) reader: &'a CodedReader,
    pub(super) weights: &'a Weights,
    pub(super) biases: &'a [f32],
    pub(super) assertion: &'a Weights,
}

impl FastWay<'_> {
    fn labels(&self) -> usize {
        self.compiled.header.labels.len()
    }

    fn groups(&self) -> usize {
        self.labels().div_ceil(LANES)
    }

    pub(super) fn score(&self, sentence: &str, scratch: &mut FastScratch, scores: &mut RawScores) {
        scratch.words.prepare(self.groups());
        self.reader.read(sentence, &mut scratch.tokens);
        self.find_words(scratch);
        self.find_bigrams(scratch);
        scores.clear();
        let asserts = self.assertion.rows() > 0;
        let norms = asserts.then(|| self.sum_far_words(scratch));
        for group in 0..self.groups() {
            let best = self.scan(group, scratch);
            let scale = scale_of(best.squared_norm);
            let labels = group * LANES..self.labels().min((group + 1) * LANES);
            for (lane, label) in labels.enumerate() {
                let sentence = best.whole[lane] * scale + f64::from(self.biases[label]);
                let middle = best.middles[lane];
                let Some(mixes) = &self.compiled.header.mixes else {
                    scores.push([sentence, 0.0, 0.0], &SENTENCE_ONLY, middle);
                    continue;
                };
                let window_bias = self.biases[self.compiled.first_window_column() + label];
                let window = best.scores[lane] + f64::from(window_bias);
                let assertion = norms.map_or(0.0, |squared_norm| {
                    let trigger = self.trigger(scratch, group, lane, middle);
                    self.assertion_score(scratch, trigger, squared_norm)
                });
                scores.push([sentence, window, assertion], &mixes[label], middle);
            }
        }
    }

    fn find_words(&self, scratch: &mut FastScratch) {
        let FastScratch {
            tokens,
            words,
            sentence,
            of_word,
            ..
        } = scratch;
        sentence.clear();
        for token in tokens.tokens() {
            let key = token.key();
            let word = match key.and_then(|key| words.find(key)) {
                Some(word) => word,
                None => {
                    tokens.codes_into(token, &mut of_word.codes);
                    let facts = self.look_up(of_word);
                    words.add(key, facts, &of_word.lanes)
                }
            };
            sentence.push(word);
        }
    }

    /// The features of the word with the codes in the buffers: what they add.
    #[cold]
    fn look_up(&self, buffers: &mut WordBuffers) -> WordFacts {
        let index = &self.compiled.index;
        let alphabet = &index.vocabulary().alphabet;
        alphabet.decode_into(&buffers.codes, &mut buffers.form);
        Alphabet::between_boundaries(&buffers.codes, &mut buffers.between_boundaries);
        index.find_features(
            &buffers.form,
            &buffers.between_boundaries,
            &mut buffers.features,
        );
        buffers.lanes.clear();
        self.push_lanes(
            &buffers.features.features,
            &mut buffers.sums,
            &mut buffers.lanes,
        );
        let mut facts = WordFacts {
            squared_norm: buffers.features.squared_norm,
            ..WordFacts::default()
        };
        if let Some(unit) = buffers.features.unit {
            let idf = index.unit_idf(unit);
            facts.unit = unit;
            facts.squared_idf = idf * idf;
            if self.assertion.rows() > 0 {
                self.assertion
                    .add_row(unit as usize, idf, &mut facts.by_role);
            }
        }
        facts
    }

    /// Appends what features add to the scores of all groups of labels.
    fn push_lanes(&self, features: &[(u32, f32)], sums: &mut Vec<f32>, lanes: &mut Vec<Lanes>) {
        sums.clear();
        sums.resize(self.weights.columns(), 0.0);
        for &(feature, value) in features {
            self.weights.add_row(feature as usize, value, sums);
        }
        let first_window = self.compiled.first_window_column();
        for first in (0..self.labels()).step_by(LANES) {
            let mut of_group = Lanes::default();
            let end = self.labels().min(first + LANES);
            let [sentence, window] =
                [0, first_window].map(|column| &sums[column + first..column + end]);
            of_group.sentence[..end - first].copy_from_slice(sentence);
            of_group.window[..end - first].copy_from_slice(window);
            lanes.push(of_group);
        }
    }

    fn find_bigrams(&self, scratch: &mut FastScratch) {
        let FastScratch {
            words,
            sentence,
            bigram_at,
            bigrams,
            of_word,
            ..
        } = scratch;
        bigram_at.clear();
        bigrams.squared_norms.clear();
        bigrams.lanes.clear();
        let mut left = NO_UNIT;
        for &word in sentence.iter() {
            let right = words.facts(word).unit;
            let bigram = match left == NO_UNIT || right == NO_UNIT {
                true => None,
                false => self.compiled.index.bigram(Some(left), Some(right)),
            };
            bigram_at.push(match bigram {
                Some((feature, value)) => {
                    self.push_lanes(&[(feature, value)], &mut of_word.sums, &mut bigrams.lanes);
                    bigrams.squared_norms.push(value * value);
                    bigrams.squared_norms.len() as u32 - 1
                }
                None => NONE,
            });
            left = right;
        }
    }

    /// Scores all windows and the whole sentence for the labels of a group.
    fn scan(&self, group: usize, scratch: &mut FastScratch) -> Best {
        let radius = self.compiled.header.window_radius;
        let words = scratch.sentence.len();
        let mut best = Best {
            scores: [if words == 0 { 0.0 } else { f64::NEG_INFINITY }; LANES],
            middles: [0; LANES],
            whole: [0.0; LANES],
            squared_norm: 0.0,
        };
        let last = (2 * radius + 2).next_power_of_two() - 1;
        scratch.starts.resize(last + 1, Start::default());
        let mut sums = Start::default();
        for (place, &word) in scratch.sentence.iter().enumerate() {
            let bigram = scratch.bigram_at[place];
            if bigram != NONE {
                let bigram = bigram as usize;
                sums.squared_norm += f64::from(scratch.bigrams.squared_norms[bigram]);
                let lanes = &scratch.bigrams.lanes[bigram * self.groups() + group];
                add(&mut sums.scores, &lanes.window);
                add(&mut best.whole, &lanes.sentence);
            }
            scratch.starts[place & last] = sums;
            let lanes = scratch.words.lanes(word, group);
            sums.squared_norm += f64::from(scratch.words.facts(word).squared_norm);
            add(&mut sums.scores, &lanes.window);
            add(&mut best.whole, &lanes.sentence);
            if let Some(middle) = place.checked_sub(radius) {
                let start = &scratch.starts[middle.saturating_sub(radius) & last];
                best.take(&sums, start, middle);
            }
        }
        // The windows that end with the sentence.
        for middle in words.saturating_sub(radius)..words {
            let start = &scratch.starts[middle.saturating_sub(radius) & last];
            best.take(&sums, start, middle);
        }
        best.squared_norm = sums.squared_norm;
        best
    }

    /// Sums up what words add as far ones; gives the squared norm of the assertion's row, which is
    /// the same for every trigger.
    fn sum_far_words(&self, scratch: &mut FastScratch) -> f64 {
        scratch.far.clear();
        let (mut sums, mut squared_norm) = (Far::default(), 0.0);
        scratch.far.push(sums);
        for (place, &word) in scratch.sentence.iter().enumerate() {
            let facts = scratch.words.facts(word);
            let roles = 1 + u8::from(opening_role(place).is_some());
            squared_norm += f64::from(facts.squared_idf) * f64::from(roles);
            sums.before += f64::from(facts.by_role[FAR_BEFORE]);
            sums.after += f64::from(facts.by_role[FAR_AFTER]);
            scratch.far.push(sums);
        }
        squared_norm
    }

    /// The word of the window around a word that adds most to a label's score.
    fn trigger(&self, scratch: &FastScratch, group: usize, lane: usize, middle: usize) -> usize {
        let words = scratch.sentence.len();
        let mut best = (f32::NEG_INFINITY, middle);
        for place in window_around(middle, self.compiled.header.window_radius, words) {
            let lanes = scratch.words.lanes(scratch.sentence[place], group);
            if lanes.window[lane] > best.0 {
                best = (lanes.window[lane], place);
            }
        }
        best.1
    }

    /// The score of the assertion of a trigger.
    fn assertion_score(&self, scratch: &FastScratch, trigger: usize, squared_norm: f64) -> f64 {
        let words = scratch.sentence.len();
        let adds = |place: usize, role: usize| {
            f64::from(scratch.words.facts(scratch.sentence[place]).by_role[role])
        };
        let near = trigger.saturating_sub(NEAR)..words.min(trigger + NEAR + 1);
        let mut score = 0.0;
        if let (Some(from), Some(to), Some(last)) = (
            scratch.far.get(near.start),
            scratch.far.get(near.end),
            scratch.far.last(),
        ) {
            score += from.before + (last.after - to.after);
        }
        score += near
            .map(|place| adds(place, role_by_distance(trigger, place)))
            .sum::<f64>();
        let opening = (0..words).map_while(|place| Some((place, opening_role(place)?)));
        score += opening.map(|(place, role)| adds(place, role)).sum::<f64>();
        let bias = self.biases.last().copied().unwrap_or_default();
        score * scale_of(squared_norm) + f64::from(bias)
    }
}

impl Best {
    /// Takes a window, from where sums were `start` to where they are `end`, where it is better.
    #[inline]
    fn take(&mut self, end: &Start, start: &Start, middle: usize) {
        let squared_norm = end.squared_norm - start.squared_norm;
        let scale = match squared_norm > end.squared_norm * ROUNDING {
            true => squared_norm.sqrt().recip(),
            false => 0.0,
        };
        let mut scores = [0.0; LANES];
        let mut better = false;
        for lane in 0..LANES {
            scores[lane] = (end.scores[lane] - start.scores[lane]) * scale;
            better |= scores[lane] > self.scores[lane];
        }
        if better {
            for lane in 0..LANES {
                if scores[lane] > self.scores[lane] {
                    self.scores[lane] = scores[lane];
                    self.middles[lane] = middle;
                }
            }
        }
    }
}

#[inline]
fn add(sums: &mut [f64; LANES], lanes: &[f32; LANES]) {
    for (sum, lane) in sums.iter_mut().zip(lanes) {
        *sum += f64::from(*lane);
    }
}

/// The bytes of the sentence that some tokens span, signs at either end left off.
pub(super) fn span_of_words(tokens: &[CodedToken]) -> Option<std::ops::Range<usize>> {
    let first = tokens.iter().position(|token| token.is_word);
    let last = tokens.iter().rposition(|token| token.is_word);
    let (first, last) = match first.zip(last) {
        Some((first, last)) => (tokens.get(first)?, tokens.get(last)?),
        None => (tokens.first()?, tokens.last()?),
    };
    Some(first.start as usize..last.end as usize)
}
