//! The feature space fitted to some sentences: which candidates are features, and their idf.

use std::ops::Range;

use super::candidates::Candidates;
use super::columns::{Lists, NONE};
use super::row::SparseRow;
use super::tokenized::TokenizedCorpus;
use super::vocabulary::Vocabulary;
use super::window::{ROLES, roles, window_around};

/// Features with their weights of inverse document frequency.
///
/// A sentence's value of a feature is its count times idf, divided by the root of the sum, over
/// the words and bigrams of the sentence, of their own squared norms. So a word adds the same to
/// every sentence it stands in, and sums over words can be kept by word.
///
/// Features that stand in the same words as often share a slot, and sums run over slots, not
/// features. What is kept of a slot is its effect: what one occurrence of all its features adds to a
/// score, before the sentence is scaled.
pub struct FeatureSpace<'a> {
    candidates: &'a Candidates,
    corpus: &'a TokenizedCorpus,
    /// For each feature its candidate, ascending.
    candidate_of: Vec<u32>,
    /// For each feature its inverse document frequency.
    idf: Vec<f32>,
    /// For each feature its slot: those of features within words, then one a bigram.
    slot_of: Vec<u32>,
    /// For each slot the sum, over its features, of the squared value of one occurrence.
    squares: Vec<f32>,
    /// For each word its slots, repeated as often as they occur in it.
    by_word: Lists<u32>,
    /// For each word the sum of the squared values of its features.
    squared_norms: Vec<f32>,
    /// For each token of the corpus the slot of the bigram that it starts, or [`NONE`].
    bigram_slots: Vec<u32>,
    /// For each unit its inverse document frequency, 0 where it is too rare.
    unit_values: Vec<f32>,
}

impl<'a> FeatureSpace<'a> {
    /// Counts document frequencies over the sentences in `fit_on` and keeps what is frequent enough.
    pub fn fit(candidates: &'a Candidates, corpus: &'a TokenizedCorpus, fit_on: &[usize]) -> Self {
        let mut words_seen = DocumentFrequency::new(corpus.words().len());
        let mut columns_seen = DocumentFrequency::new(candidates.columns.count);
        let mut bigrams_seen = DocumentFrequency::new(candidates.bigrams.len());
        let mut units_seen = DocumentFrequency::new(candidates.units.forms.len());
        for &sentence in fit_on {
            for &word in corpus.sentence(sentence) {
                if !words_seen.count(word, sentence) {
                    continue;
                }
                for &column in candidates.columns.of_word.get(word as usize) {
                    columns_seen.count(column, sentence);
                }
                units_seen.count(candidates.units.of_word[word as usize], sentence);
            }
            let bigrams = candidates.bigram_from.get(corpus.span(sentence));
            for &bigram in bigrams.into_iter().flatten().filter(|b| **b != NONE) {
                bigrams_seen.count(bigram, sentence);
            }
        }
        let least = candidates.settings.min_document_frequency;
        let bigrams = candidates.first_bigram()..candidates.first_subword();
        let (candidate_of, idf) = (0..candidates.len())
            .filter_map(|candidate| {
                let (seen, thing, weight) = if bigrams.contains(&candidate) {
                    let weight = candidates.settings.bigram_weight;
                    (&bigrams_seen, candidate - bigrams.start, weight)
                } else {
                    match candidates.columns.of_candidate[candidate] {
                        NONE => return None,
                        column => (&columns_seen, column as usize, 1.0),
                    }
                };
                let idf = weight * seen.idf(thing, fit_on.len());
                (seen.frequency(thing) >= least).then_some((candidate as u32, idf))
            })
            .unzip();
        let unit_values = (0..candidates.units.forms.len())
            .map(|unit| match units_seen.frequency(unit) >= least {
                true => units_seen.idf(unit, fit_on.len()),
                false => 0.0,
            })
            .collect();
        Self::new(candidates, corpus, candidate_of, idf, unit_values)
    }

    /// The same space with only the features in `keep`, ascending.
    pub fn restricted(&self, keep: &[usize]) -> Self {
        Self::new(
            self.candidates,
            self.corpus,
            keep.iter().map(|&f| self.candidate_of[f]).collect(),
            keep.iter().map(|&f| self.idf[f]).collect(),
            self.unit_values.clone(),
        )
    }

    fn new(
        candidates: &'a Candidates,
        corpus: &'a TokenizedCorpus,
        candidate_of: Vec<u32>,
        idf: Vec<f32>,
        unit_values: Vec<f32>,
    ) -> Self {
        let bigrams = candidates.first_bigram()..candidates.first_subword();
        let mut column_squares = vec![0.0; candidates.columns.count];
        let mut bigram_slot = vec![NONE; candidates.bigrams.len()];
        for (&candidate, &idf) in candidate_of.iter().zip(&idf) {
            let candidate = candidate as usize;
            if !bigrams.contains(&candidate) {
                column_squares[candidates.columns.of_candidate[candidate] as usize] += idf * idf;
            }
        }
        let mut column_slot = vec![NONE; candidates.columns.count];
        let mut squares = Vec::new();
        for (slot, &square) in column_slot.iter_mut().zip(&column_squares) {
            if square > 0.0 {
                *slot = squares.len() as u32;
                squares.push(square);
            }
        }
        let slot_of = candidate_of.iter().zip(&idf).map(|(&candidate, &idf)| {
            match (candidate as usize).checked_sub(bigrams.start) {
                Some(bigram) if bigram < bigrams.len() => {
                    bigram_slot[bigram] = squares.len() as u32;
                    squares.push(idf * idf);
                    bigram_slot[bigram]
                }
                _ => column_slot[candidates.columns.of_candidate[candidate as usize] as usize],
            }
        });
        let slot_of = slot_of.collect();
        let mut by_word = Lists::with_capacity(candidates.columns.of_word.len());
        let mut squared_norms = Vec::with_capacity(candidates.columns.of_word.len());
        for columns in candidates.columns.of_word.iter() {
            let mut squared_norm = 0.0;
            for same in columns.chunk_by(|a, b| a == b) {
                let slot = column_slot[same[0] as usize];
                if slot != NONE {
                    same.iter().for_each(|_| by_word.push(slot));
                    squared_norm += (same.len() * same.len()) as f32 * squares[slot as usize];
                }
            }
            by_word.end_list();
            squared_norms.push(squared_norm);
        }
        let bigram_slots = (candidates.bigram_from.iter())
            .map(|&bigram| bigram_slot.get(bigram as usize).copied().unwrap_or(NONE))
            .collect();
        Self {
            candidates,
            corpus,
            candidate_of,
            idf,
            slot_of,
            squares,
            by_word,
            squared_norms,
            bigram_slots,
            unit_values,
        }
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.candidate_of.len()
    }

    /// Whether there is no feature.
    pub fn is_empty(&self) -> bool {
        self.candidate_of.is_empty()
    }

    /// For each slot the sum, over its features, of the squared value of one occurrence.
    pub(crate) fn squares(&self) -> &[f32] {
        &self.squares
    }

    /// Weights of features from effects of slots, where features of one slot weigh the same.
    pub(crate) fn weights(&self, effect: impl Fn(usize) -> f64) -> Vec<f64> {
        let of_feature = |(&slot, &idf): (&u32, &f32)| {
            let slot = slot as usize;
            effect(slot) * f64::from(idf) / f64::from(self.squares[slot])
        };
        self.slot_of.iter().zip(&self.idf).map(of_feature).collect()
    }

    /// Effects of slots from weights of features.
    pub(crate) fn effects(&self, weights: &[f64]) -> Vec<f64> {
        let mut effects = vec![0.0; self.squares.len()];
        for ((&slot, &idf), weight) in self.slot_of.iter().zip(&self.idf).zip(weights) {
            effects[slot as usize] += weight * f64::from(idf);
        }
        effects
    }

    /// The rows of some sentences over the features, written out.
    pub fn rows(&self, sentences: &[usize]) -> Vec<SparseRow> {
        let mut features = Lists::with_capacity(self.squares.len());
        let mut by_slot: Vec<(u32, u32)> = self.slot_of.iter().copied().zip(0..).collect();
        by_slot.sort_unstable();
        // Every slot has a feature, so the runs are all slots in order.
        for same in by_slot.chunk_by(|a, b| a.0 == b.0) {
            same.iter().for_each(|&(_, feature)| features.push(feature));
            features.end_list();
        }
        let mut slots = Vec::new();
        let row = |&sentence: &usize| {
            let span = self.corpus.span(sentence);
            let scale = self.scale(span.clone());
            self.slots_into(span, &mut slots);
            let features = slots.iter().flat_map(|&slot| features.get(slot as usize));
            let pair = |&feature: &u32| (feature, scale * self.idf[feature as usize]);
            SparseRow::from_pairs(&mut features.map(pair).collect())
        };
        sentences.iter().map(row).collect()
    }

    /// Where a sentence stands in the tokens of the corpus.
    pub(crate) fn span(&self, sentence: usize) -> Range<usize> {
        self.corpus.span(sentence)
    }

    /// Where the window around a word of a sentence stands in the tokens of the corpus.
    pub(crate) fn window_span(
        &self,
        sentence: usize,
        middle: usize,
        radius: usize,
    ) -> Range<usize> {
        let span = self.corpus.span(sentence);
        let window = window_around(middle, radius, span.len());
        span.start + window.start..span.start + window.end
    }

    /// Writes the slots of some neighbouring words and of the bigrams between them into `slots`, each
    /// as often as it occurs.
    pub(crate) fn slots_into(&self, span: Range<usize>, slots: &mut Vec<u32>) {
        slots.clear();
        for &word in self.words_in(span.clone()) {
            slots.extend_from_slice(self.slots_of_word(word));
        }
        slots.extend(self.bigrams_in(span));
    }

    /// The slots of the bigrams between some neighbouring words.
    pub(crate) fn bigrams_in(&self, span: Range<usize>) -> impl Iterator<Item = u32> + '_ {
        let between = span.start..span.end.saturating_sub(1).max(span.start);
        let slots = self.bigram_slots.get(between).unwrap_or_default();
        slots.iter().copied().filter(|&slot| slot != NONE)
    }

    /// Number of words of the corpus.
    pub(crate) fn words(&self) -> u32 {
        self.by_word.len() as u32
    }

    /// Some neighbouring words.
    #[inline]
    pub(crate) fn words_in(&self, span: Range<usize>) -> &[u32] {
        &self.corpus.tokens()[span]
    }

    /// The slots of a word, repeated as often as they occur in it.
    pub(crate) fn slots_of_word(&self, word: u32) -> &[u32] {
        self.by_word.get(word as usize)
    }

    /// What the values of some neighbouring words, taken as a row, are multiplied by.
    pub(crate) fn scale(&self, span: Range<usize>) -> f32 {
        let words = self.words_in(span.clone()).iter();
        let of_words = words.map(|&word| self.squared_norms[word as usize]);
        let of_bigrams = self
            .bigrams_in(span)
            .map(|slot| self.squares[slot as usize]);
        let squared_norm = of_words.chain(of_bigrams).sum::<f32>();
        if squared_norm > 0.0 {
            squared_norm.sqrt().recip()
        } else {
            1.0
        }
    }

    /// Number of features of a sentence as seen from a trigger: its units (stems or words) by where
    /// they stand.
    pub(crate) fn assertion_len(&self) -> usize {
        ROLES * self.unit_values.len()
    }

    /// The number of the feature of a unit in a role.
    pub(crate) fn assertion_feature(&self, unit: usize, role: usize) -> usize {
        unit * ROLES + role
    }

    /// The row of a sentence as seen from a trigger.
    pub(crate) fn assertion_row(&self, sentence: usize, trigger: usize) -> SparseRow {
        let (mut pairs, mut squared_norm) = (Vec::new(), 0.0);
        for (place, &word) in self.corpus.sentence(sentence).iter().enumerate() {
            let unit = self.candidates.units.of_word[word as usize] as usize;
            let value = self.unit_values[unit];
            if value > 0.0 {
                for role in roles(trigger, place) {
                    pairs.push((self.assertion_feature(unit, role) as u32, value));
                    squared_norm += value * value;
                }
            }
        }
        if squared_norm > 0.0 {
            let scale = squared_norm.sqrt().recip();
            pairs.iter_mut().for_each(|(_, value)| *value *= scale);
        }
        SparseRow::from_pairs(&mut pairs)
    }

    /// The scores of words and windows by the effects of slots.
    pub(crate) fn scorer(&self, effects: Vec<f64>) -> WindowScorer<'_> {
        let of_word = |slots: &[u32]| slots.iter().map(|&slot| effects[slot as usize]).sum();
        WindowScorer {
            space: self,
            word_scores: self.by_word.iter().map(of_word).collect(),
            effects,
        }
    }

    /// The units that are frequent enough for the vocabulary, ascending.
    pub(crate) fn kept_units(&self) -> Vec<usize> {
        let kept = |unit: &usize| self.unit_values[*unit] > 0.0;
        (0..self.unit_values.len()).filter(kept).collect()
    }

    /// What a model needs to make the same rows from new text.
    pub fn vocabulary(&self) -> Vocabulary {
        Vocabulary::collect(
            self.candidates,
            self.corpus.words(),
            &self.candidate_of,
            self.idf.clone(),
            &self.unit_values,
        )
    }
}

/// Scores of words, windows and sentences of a corpus by one linear scorer, without its bias.
pub(crate) struct WindowScorer<'a> {
    space: &'a FeatureSpace<'a>,
    effects: Vec<f64>,
    /// What each word of the corpus adds to a score before scaling.
    word_scores: Vec<f64>,
}

impl WindowScorer<'_> {
    /// The score of some neighbouring words as a row.
    pub(crate) fn score(&self, span: Range<usize>) -> f64 {
        let (mut score, mut squared_norm) = (0.0, 0.0);
        for place in span.clone() {
            let [word, norm] = self.of_word(place);
            score += word;
            squared_norm += norm;
        }
        for slot in self.space.bigrams_in(span) {
            let [bigram, norm] = self.of_bigram(slot);
            score += bigram;
            squared_norm += norm;
        }
        scaled(score, squared_norm)
    }

    /// The effects of slots again.
    pub(crate) fn into_effects(self) -> Vec<f64> {
        self.effects
    }

    /// What the word at a place in the corpus adds to a score and to a squared norm.
    fn of_word(&self, place: usize) -> [f64; 2] {
        let word = self.space.corpus.tokens()[place] as usize;
        let squared_norm = f64::from(self.space.squared_norms[word]);
        [self.word_scores[word], squared_norm]
    }

    fn of_bigram(&self, slot: u32) -> [f64; 2] {
        if slot == NONE {
            return [0.0; 2];
        }
        let slot = slot as usize;
        [self.effects[slot], f64::from(self.space.squares[slot])]
    }

    /// The window with the highest score: its score and the word in its middle. `sums` is a buffer.
    pub(crate) fn best_window(
        &self,
        sentence: usize,
        radius: usize,
        sums: &mut Vec<[[f64; 2]; 2]>,
    ) -> (f64, usize) {
        let span = self.space.corpus.span(sentence);
        if span.is_empty() {
            return (0.0, 0);
        }
        // Sums over the words before a place, and over the bigrams that start before it.
        sums.clear();
        let mut sum = [[0.0; 2]; 2];
        sums.push(sum);
        for place in span.clone() {
            let slot = self.space.bigram_slots.get(place).copied();
            let added = [self.of_word(place), self.of_bigram(slot.unwrap_or(NONE))];
            for (sum, added) in sum.iter_mut().flatten().zip(added.iter().flatten()) {
                *sum += added;
            }
            sums.push(sum);
        }
        let mut best = (f64::NEG_INFINITY, 0);
        for middle in 0..span.len() {
            let window = window_around(middle, radius, span.len());
            let (from, to) = (sums[window.start], sums[window.end]);
            let last = sums[window.end - 1];
            let of = |part: usize| to[0][part] - from[0][part] + last[1][part] - from[1][part];
            let score = scaled(of(0), of(1));
            if score > best.0 {
                best = (score, middle);
            }
        }
        best
    }

    /// The word of a window that adds most to its score.
    pub(crate) fn trigger(&self, sentence: usize, middle: usize, radius: usize) -> usize {
        let words = self.space.corpus.sentence(sentence);
        let mut best = (f64::NEG_INFINITY, middle);
        for place in window_around(middle, radius, words.len()) {
            let score = self.word_scores[words[place] as usize];
            if score > best.0 {
                best = (score, place);
            }
        }
        best.1
    }
}

fn scaled(score: f64, squared_norm: f64) -> f64 {
    // What is left of sums of values that cancel out is no norm.
    const SMALLEST: f64 = 1e-6;
    if squared_norm > SMALLEST {
        score / squared_norm.sqrt()
    } else {
        score
    }
}

/// In how many sentences each of some numbered things stands.
struct DocumentFrequency {
    /// For each thing the last sentence in which it was counted, and in how many it was.
    seen: Vec<(u32, u32)>,
}

impl DocumentFrequency {
    fn new(things: usize) -> Self {
        Self {
            seen: vec![(NONE, 0); things],
        }
    }

    /// Whether the thing had not been counted in the sentence.
    fn count(&mut self, thing: u32, sentence: usize) -> bool {
        let (last, frequency) = &mut self.seen[thing as usize];
        let is_new = *last != sentence as u32;
        if is_new {
            *last = sentence as u32;
            *frequency += 1;
        }
        is_new
    }

    fn frequency(&self, thing: usize) -> usize {
        self.seen[thing].1 as usize
    }

    fn idf(&self, thing: usize, sentences: usize) -> f32 {
        let held = self.frequency(thing) as f64;
        (libm::log((1.0 + sentences as f64) / (1.0 + held)) + 1.0) as f32
    }
}
