//! Scoring a sentence with one look-up a word: the way of nearly all models.
//!
//! The scores of windows come from running sums: a window's score is the sum up to its end less the
//! sum up to its start. The assertion of a trigger needs the words near it one by one, and of those
//! far away only their sums.

use super::bigrams::{BigramTable, NO_BIGRAM, Slot};
use super::predictor::Compiled;
use super::scores::{RawScores, SENTENCE_ONLY, scale_of};
use super::words::{LANES, Lanes, NO_UNIT, Word, WordTable};
use crate::features::{
    Alphabet, FAR_AFTER, FAR_BEFORE, JUST_BEFORE, NEAR, NEAR_AFTER, NEAR_BEFORE, ROLES, TRIGGER,
    WordFeatures, bigram_key, opening_role, roles, window_around,
};
use crate::scoring::Weights;
use crate::text::{CodedReader, CodedToken, CodedTokens};

/// Sums by place are not kept for sentences of more words: they would take more than the text.
const LONG_SENTENCE: usize = 1 << 16;

/// Buffers of one thread. What is remembered never changes a result.
#[derive(Debug, Default)]
pub(super) struct FastScratch {
    pub(super) tokens: CodedTokens,
    words: WordTable,
    /// The words of the sentence.
    sentence: Vec<u32>,
    /// For each word of the sentence the number of its bigram with the one before, or [`NO_BIGRAM`].
    bigram_at: Vec<u32>,
    /// Pairs of neighbouring units that may be bigrams: the place of the right one, and their key.
    pairs: Vec<(u32, u64)>,
    guesses: Vec<Slot>,
    bigrams: BigramTable,
    /// Sums of what stands before a place, for windows that begin there; as many places as a window
    /// is long.
    starts: Vec<Start>,
    /// For each place the sums over the words before it.
    by_role: Vec<RoleSums>,
    of_word: WordBuffers,
    /// For each unit what its words add to the assertion's score.
    units: Vec<Unit>,
}

/// What a unit adds to the assertion's score in each role, and its squared inverse document
/// frequency, which is 0 until the unit was met.
#[derive(Clone, Copy, Debug, Default)]
struct Unit {
    by_role: [f32; ROLES],
    squared_idf: f32,
}

/// Running sums.
#[derive(Clone, Copy, Debug, Default)]
struct Start {
    scores: [f64; LANES],
    squared_norm: f64,
}

/// Roles that several words can have, as they follow one another in a sentence.
const SUMMED_ROLES: [usize; 4] = [FAR_BEFORE, NEAR_BEFORE, NEAR_AFTER, FAR_AFTER];

/// For each of the summed roles what the words before a place add in it.
type RoleSums = [f64; SUMMED_ROLES.len()];

/// What counts in an assertion's score wherever the trigger stands.
#[derive(Clone, Copy, Debug, Default)]
struct Opening {
    /// What the first words add as the sentence's opening.
    score: f64,
    /// Of all words, those of the opening counted twice.
    squared_norm: f64,
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

/// For each label of a group its best window.
struct Best {
    scores: [f64; LANES],
    middles: [usize; LANES],
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
        if scratch.sentence.len() > LONG_SENTENCE {
            // Its buffers are not kept for sentences to come.
            *scratch = FastScratch::default();
        }
        let is_new = scratch.words.prepare(self.groups());
        scratch.bigrams.prepare(is_new);
        if scratch.units.is_empty() {
            let units = self.compiled.index.vocabulary().units.len();
            scratch.units.resize(units, Unit::default());
        }
        self.reader.read(sentence, &mut scratch.tokens);
        self.find_words(scratch);
        self.find_bigrams(scratch);
        scores.clear();
        let asserts = self.assertion.rows() > 0;
        let opening = asserts.then(|| self.sum_roles(scratch));
        for group in 0..self.groups() {
            let (whole, squared_norm) = self.sum_sentence(group, scratch);
            let scale = scale_of(squared_norm);
            let best = self.scan(group, scratch);
            let labels = group * LANES..self.labels().min((group + 1) * LANES);
            for (lane, label) in labels.enumerate() {
                let sentence = whole[lane] * scale + f64::from(self.biases[label]);
                let middle = best.middles[lane];
                let Some(mixes) = &self.compiled.header.mixes else {
                    scores.push([sentence, 0.0, 0.0], &SENTENCE_ONLY, middle);
                    continue;
                };
                let window_bias = self.biases[self.compiled.first_window_column() + label];
                let window = best.scores[lane] + f64::from(window_bias);
                let assertion = opening.as_ref().map_or(0.0, |opening| {
                    let trigger = self.trigger(scratch, group, lane, middle);
                    self.assertion_score(scratch, trigger, opening)
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
        let all = tokens.tokens();
        sentence.clear();
        sentence.extend(all.iter().map(|token| words.guess(token.key)));
        let guessed = all.iter().zip(sentence.iter());
        if guessed.fold(true, |all, (token, &word)| all & words.is(word, token.key)) {
            return;
        }
        for (token, word) in all.iter().zip(sentence) {
            if !words.is(*word, token.key) {
                let known = words.find(token.key);
                *word = known.unwrap_or_else(|| {
                    tokens.codes_into(token, &mut of_word.codes);
                    let found = self.look_up(of_word);
                    words.add(token.short_key(), found, &of_word.lanes)
                });
            }
        }
    }

    /// The features of the word with the codes in the buffers: what they add.
    #[cold]
    fn look_up(&self, buffers: &mut WordBuffers) -> Word {
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
        let mut word = Word::default();
        word.squared_norm = self.compiled.squared_norm(buffers.features.squared_norm);
        word.unit = buffers.features.unit.unwrap_or(NO_UNIT);
        word
    }

    /// Appends what features add to the scores of all groups of labels.
    fn push_lanes(&self, features: &[(u32, f32)], sums: &mut Vec<f32>, lanes: &mut Vec<Lanes>) {
        self.compiled.add_up(self.weights, features, sums);
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
            pairs,
            guesses,
            bigrams,
            of_word,
            ..
        } = scratch;
        let index = &self.compiled.index;
        bigram_at.clear();
        bigram_at.resize(sentence.len(), NO_BIGRAM);
        pairs.clear();
        let mut left = NO_UNIT;
        for (&word, place) in sentence.iter().zip(0..) {
            let right = words.word(word).unit;
            if left != NO_UNIT && right != NO_UNIT {
                let key = bigram_key(left, right);
                if index.may_be_bigram(key) {
                    pairs.push((place, key));
                }
            }
            left = right;
        }
        guesses.clear();
        guesses.extend(pairs.iter().map(|&(_, key)| bigrams.guess(key)));
        for (&(place, key), guess) in pairs.iter().zip(guesses.iter()) {
            let known = match guess.is(key) {
                true => Some(guess.number),
                false => bigrams.find(key),
            };
            let number = known.unwrap_or_else(|| {
                let number = index.bigram(key).map_or(NO_BIGRAM, |(feature, value)| {
                    self.push_lanes(&[(feature, value)], &mut of_word.sums, &mut bigrams.lanes);
                    bigrams
                        .squared_norms
                        .push(self.compiled.squared_norm(value * value));
                    bigrams.squared_norms.len() as u32 - 1
                });
                bigrams.add(key, number);
                number
            });
            bigram_at[place as usize] = number;
        }
    }

    /// The sums of the whole sentence for the labels of a group, and its squared norm.
    fn sum_sentence(&self, group: usize, scratch: &FastScratch) -> ([f64; LANES], f64) {
        let (mut sums, mut squared_norm) = ([0.0; LANES], 0.0);
        for &word in &scratch.sentence {
            add(&mut sums, &scratch.words.lanes(word, group).sentence);
            squared_norm += f64::from(scratch.words.word(word).squared_norm);
        }
        for &bigram in scratch.bigram_at.iter().filter(|&&at| at != NO_BIGRAM) {
            let lanes = &scratch.bigrams.lanes[bigram as usize * self.groups() + group];
            add(&mut sums, &lanes.sentence);
            squared_norm += f64::from(scratch.bigrams.squared_norms[bigram as usize]);
        }
        (sums, squared_norm)
    }

    /// Scores all windows for the labels of a group.
    fn scan(&self, group: usize, scratch: &mut FastScratch) -> Best {
        match self.labels() - group * LANES {
            0..=2 => self.scan_lanes::<2>(group, scratch),
            3..=4 => self.scan_lanes::<4>(group, scratch),
            _ => self.scan_lanes::<LANES>(group, scratch),
        }
    }

    /// Scores the first `N` labels of a group.
    fn scan_lanes<const N: usize>(&self, group: usize, scratch: &mut FastScratch) -> Best {
        let radius = self.compiled.header.window_radius;
        let groups = self.groups();
        let FastScratch {
            words,
            sentence,
            bigram_at,
            bigrams,
            starts,
            ..
        } = scratch;
        let mut best = BestOf::<N>::new(sentence.len());
        let mut sums = [0.0; N];
        let mut squared_norm = 0.0;
        let last = (2 * radius + 2).next_power_of_two() - 1;
        starts.resize(last + 1, Start::default());
        for (place, (&word, &bigram)) in sentence.iter().zip(bigram_at.iter()).enumerate() {
            if bigram != NO_BIGRAM {
                let bigram = bigram as usize;
                squared_norm += f64::from(bigrams.squared_norms[bigram]);
                let lanes = &bigrams.lanes[bigram * groups + group];
                add(&mut sums, &lanes.window);
            }
            starts[place & last].set(&sums, squared_norm);
            let lanes = words.lanes(word, group);
            squared_norm += f64::from(words.word(word).squared_norm);
            add(&mut sums, &lanes.window);
            if let Some(middle) = place.checked_sub(radius) {
                let start = &starts[middle.saturating_sub(radius) & last];
                best.take(&sums, squared_norm, start, middle);
            }
        }
        // The windows that end with the sentence.
        for middle in sentence.len().saturating_sub(radius)..sentence.len() {
            let start = &starts[middle.saturating_sub(radius) & last];
            best.take(&sums, squared_norm, start, middle);
        }
        best.padded()
    }

    /// Sums up what words add in each role, for the sentence seen from any trigger.
    fn sum_roles(&self, scratch: &mut FastScratch) -> Opening {
        scratch.by_role.clear();
        let (mut sums, mut opening) = (RoleSums::default(), Opening::default());
        scratch.by_role.push(sums);
        for (place, &word) in scratch.sentence.iter().enumerate() {
            let unit = self.unit(scratch.words.word(word).unit, &mut scratch.units);
            opening.squared_norm += f64::from(unit.squared_idf);
            if let Some(role) = opening_role(place) {
                opening.score += f64::from(unit.by_role[role]);
                opening.squared_norm += f64::from(unit.squared_idf);
            }
            if scratch.sentence.len() <= LONG_SENTENCE {
                for (sum, role) in sums.iter_mut().zip(SUMMED_ROLES) {
                    *sum += f64::from(unit.by_role[role]);
                }
                scratch.by_role.push(sums);
            }
        }
        opening
    }

    /// What a unit adds to the assertion's score; nothing for [`NO_UNIT`].
    #[inline]
    fn unit(&self, unit: u32, units: &mut [Unit]) -> Unit {
        let Some(known) = units.get_mut(unit as usize) else {
            return Unit::default();
        };
        if known.squared_idf == 0.0 {
            let idf = self.compiled.index.unit_idf(unit);
            known.squared_idf = idf * idf;
            self.assertion
                .add_row(unit as usize, idf, &mut known.by_role);
            self.assertion.scale(&mut known.by_role);
        }
        *known
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
    fn assertion_score(&self, scratch: &FastScratch, trigger: usize, opening: &Opening) -> f64 {
        let words = scratch.sentence.len();
        let adds = |place: usize, role: usize| {
            let word = scratch.sentence.get(place);
            let unit = word.map_or(NO_UNIT, |&word| scratch.words.word(word).unit);
            let unit = scratch.units.get(unit as usize);
            unit.map_or(0.0, |unit| f64::from(unit.by_role[role]))
        };
        let scaled = |score: f64| {
            let bias = self.biases.last().copied().unwrap_or_default();
            score * scale_of(opening.squared_norm) + f64::from(bias)
        };
        if words > LONG_SENTENCE {
            let all = (0..words).flat_map(|place| roles(trigger, place).map(move |r| (place, r)));
            return scaled(all.map(|(place, role)| adds(place, role)).sum());
        }
        let sums = &scratch.by_role;
        let near = [trigger.saturating_sub(NEAR), words.min(trigger + NEAR + 1)];
        let before = trigger.saturating_sub(1);
        let [first, far, just, after, end, last] =
            [0, near[0], before, trigger + 1, near[1], words].map(|place| {
                // A sentence without words has no sums but the first.
                sums.get(place).copied().unwrap_or_default()
            });
        let mut score = opening.score + (far[0] - first[0]) + (just[1] - far[1]);
        score += (end[2] - after[2]) + (last[3] - end[3]);
        score += adds(trigger, TRIGGER);
        if trigger > 0 {
            score += adds(trigger - 1, JUST_BEFORE);
        }
        scaled(score)
    }
}

impl Start {
    #[inline]
    fn set<const N: usize>(&mut self, sums: &[f64; N], squared_norm: f64) {
        self.scores[..N].copy_from_slice(sums);
        self.squared_norm = squared_norm;
    }
}

/// For each of some labels the best window so far.
struct BestOf<const N: usize> {
    scores: [f64; N],
    middles: [usize; N],
}

impl<const N: usize> BestOf<N> {
    /// A sentence without words has the one window without words, whose score is 0.
    fn new(words: usize) -> Self {
        Self {
            scores: [if words == 0 { 0.0 } else { f64::NEG_INFINITY }; N],
            middles: [0; N],
        }
    }

    /// Takes a window, from where sums were `start` to where they are now, where it is better.
    #[inline]
    fn take(&mut self, sums: &[f64; N], squared_norm: f64, start: &Start, middle: usize) {
        let of_window = squared_norm - start.squared_norm;
        let scale = scale_of(of_window);
        let scores: [f64; N] =
            std::array::from_fn(|lane| (sums[lane] - start.scores[lane]) * scale);
        let better = (0..N).fold(false, |any, lane| any | (scores[lane] > self.scores[lane]));
        if better {
            let best = self.scores.iter_mut().zip(&mut self.middles);
            for ((best, middle_of_best), score) in best.zip(scores) {
                if score > *best {
                    (*best, *middle_of_best) = (score, middle);
                }
            }
        }
    }

    fn padded(&self) -> Best {
        let mut best = Best {
            scores: [0.0; LANES],
            middles: [0; LANES],
        };
        best.scores[..N].copy_from_slice(&self.scores);
        best.middles[..N].copy_from_slice(&self.middles);
        best
    }
}

#[inline]
fn add<const N: usize>(sums: &mut [f64; N], lanes: &[f32; LANES]) {
    for lane in 0..N {
        sums[lane] += f64::from(lanes[lane]);
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
