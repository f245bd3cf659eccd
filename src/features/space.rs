//! The feature space fitted to some sentences: which candidates are features, and their idf.

use std::ops::Range;

use super::candidates::Candidates;
use super::row::SparseRow;
use super::tokenized::TokenizedCorpus;
use super::vocabulary::Vocabulary;
use super::window::{ROLES, roles, window_around};

/// No feature.
const NONE: u32 = u32::MAX;

/// Features with their weights of inverse document frequency.
///
/// A sentence's value of a feature is its count times idf, divided by the root of the sum, over
/// the words and bigrams of the sentence, of their own squared norms. So a word adds the same to
/// every sentence it stands in, and sums over words can be kept by word.
pub struct FeatureSpace<'a> {
    candidates: &'a Candidates,
    corpus: &'a TokenizedCorpus,
    /// For each feature its candidate, ascending.
    candidate_of: Vec<u32>,
    /// For each feature its inverse document frequency.
    idf: Vec<f32>,
    /// For each candidate its feature, or [`NONE`].
    feature_of: Vec<u32>,
    by_word: Vec<WordValues>,
    /// For each unit its inverse document frequency, 0 where it is too rare.
    unit_values: Vec<f32>,
}

/// The features within a word.
struct WordValues {
    /// Feature numbers with count times idf.
    features: Box<[(u32, f32)]>,
    /// Sum of the squared values.
    squared_norm: f32,
}

impl<'a> FeatureSpace<'a> {
    /// Counts document frequencies over the sentences in `fit_on` and keeps what is frequent enough.
    pub fn fit(candidates: &'a Candidates, corpus: &'a TokenizedCorpus, fit_on: &[usize]) -> Self {
        let mut candidates_seen = DocumentFrequency::new(candidates.len());
        let mut units_seen = DocumentFrequency::new(candidates.units.forms.len());
        for &sentence in fit_on {
            for &word in &corpus.sentences()[sentence] {
                for &candidate in &candidates.of_word[word as usize] {
                    candidates_seen.count(candidate, sentence);
                }
                units_seen.count(candidates.units.of_word[word as usize], sentence);
            }
            for &candidate in &candidates.of_sentence[sentence] {
                candidates_seen.count(candidate, sentence);
            }
        }
        let least = candidates.settings.min_document_frequency;
        let bigrams = candidates.first_bigram()..candidates.first_subword();
        let (candidate_of, idf) = (0..candidates.len())
            .filter(|&candidate| candidates_seen.frequency[candidate] as usize >= least)
            .map(|candidate| {
                let weight = match bigrams.contains(&candidate) {
                    true => candidates.settings.bigram_weight,
                    false => 1.0,
                };
                let idf = candidates_seen.idf(candidate, fit_on.len());
                (candidate as u32, weight * idf)
            })
            .unzip();
        let unit_values = (0..candidates.units.forms.len())
            .map(|unit| match units_seen.frequency[unit] as usize >= least {
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
        let mut feature_of = vec![NONE; candidates.len()];
        for (feature, &candidate) in candidate_of.iter().enumerate() {
            feature_of[candidate as usize] = feature as u32;
        }
        let by_word = candidates
            .of_word
            .iter()
            .map(|listed| {
                let features: Box<[(u32, f32)]> = listed
                    .chunk_by(|a, b| a == b)
                    .filter(|same| feature_of[same[0] as usize] != NONE)
                    .map(|same| {
                        let feature = feature_of[same[0] as usize];
                        (feature, same.len() as f32 * idf[feature as usize])
                    })
                    .collect();
                WordValues {
                    squared_norm: features.iter().map(|(_, value)| value * value).sum(),
                    features,
                }
            })
            .collect();
        Self {
            candidates,
            corpus,
            candidate_of,
            idf,
            feature_of,
            by_word,
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

    /// The row of a sentence of the corpus.
    pub fn row(&self, sentence: usize) -> SparseRow {
        let mut row = RowSum::default();
        self.add_words(
            sentence,
            0..self.corpus.sentences()[sentence].len(),
            &mut row,
        );
        row.scaled()
    }

    /// The row of the window around a word of a sentence.
    pub(crate) fn window_row(&self, sentence: usize, middle: usize, radius: usize) -> SparseRow {
        let words = self.corpus.sentences()[sentence].len();
        let mut row = RowSum::default();
        self.add_words(sentence, window_around(middle, radius, words), &mut row);
        row.scaled()
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
        let mut row = RowSum::default();
        for (place, &word) in self.corpus.sentences()[sentence].iter().enumerate() {
            let unit = self.candidates.units.of_word[word as usize] as usize;
            let value = self.unit_values[unit];
            if value > 0.0 {
                for role in roles(trigger, place) {
                    row.add(self.assertion_feature(unit, role) as u32, value);
                }
            }
        }
        row.scaled()
    }

    /// The word of a window that adds most to its score.
    pub(crate) fn trigger(
        &self,
        sentence: usize,
        middle: usize,
        radius: usize,
        word_scores: &[f64],
    ) -> usize {
        let words = &self.corpus.sentences()[sentence];
        let mut best = (f64::NEG_INFINITY, middle);
        for place in window_around(middle, radius, words.len()) {
            let score = word_scores[words[place] as usize];
            if score > best.0 {
                best = (score, place);
            }
        }
        best.1
    }

    /// Adds the features of some neighbouring words, taken as a sentence of their own.
    fn add_words(&self, sentence: usize, window: Range<usize>, row: &mut RowSum) {
        for &word in &self.corpus.sentences()[sentence][window.clone()] {
            let values = &self.by_word[word as usize];
            row.pairs.extend_from_slice(&values.features);
            row.squared_norm += values.squared_norm;
        }
        for (feature, value) in self.bigrams(sentence, window) {
            row.add(feature, value);
        }
    }

    /// The bigram features between the words of a window, with their values.
    fn bigrams(
        &self,
        sentence: usize,
        window: Range<usize>,
    ) -> impl Iterator<Item = (u32, f32)> + '_ {
        // The bigram at place i joins the words i and i + 1; a corpus without bigrams lists none.
        let listed = &self.candidates.of_sentence[sentence];
        let end = window.end.saturating_sub(1).min(listed.len());
        listed[window.start.min(end)..end]
            .iter()
            .map(|&candidate| self.feature_of[candidate as usize])
            .filter(|&feature| feature != NONE)
            .map(|feature| (feature, self.idf[feature as usize]))
    }

    /// What each word of the corpus adds to a linear score before scaling.
    pub(crate) fn word_scores(&self, weights: &[f64]) -> Vec<f64> {
        self.by_word
            .iter()
            .map(|values| {
                values
                    .features
                    .iter()
                    .map(|&(feature, value)| weights[feature as usize] * f64::from(value))
                    .sum()
            })
            .collect()
    }

    /// The window with the highest score by `weights`: its score and the word in its middle.
    /// `word_scores` are those of the same weights.
    pub(crate) fn best_window(
        &self,
        sentence: usize,
        radius: usize,
        weights: &[f64],
        word_scores: &[f64],
    ) -> (f64, usize) {
        let words = &self.corpus.sentences()[sentence];
        if words.is_empty() {
            return (0.0, 0);
        }
        let mut best = (f64::NEG_INFINITY, 0);
        for middle in 0..words.len() {
            let window = window_around(middle, radius, words.len());
            let (mut score, mut squared_norm) = (0.0, 0.0);
            for &word in &words[window.clone()] {
                score += word_scores[word as usize];
                squared_norm += f64::from(self.by_word[word as usize].squared_norm);
            }
            for (feature, value) in self.bigrams(sentence, window) {
                score += weights[feature as usize] * f64::from(value);
                squared_norm += f64::from(value) * f64::from(value);
            }
            if squared_norm > 0.0 {
                score /= squared_norm.sqrt();
            }
            if score > best.0 {
                best = (score, middle);
            }
        }
        best
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

/// In how many sentences each of some numbered things stands.
struct DocumentFrequency {
    frequency: Vec<u32>,
    seen_in: Vec<u32>,
}

impl DocumentFrequency {
    fn new(things: usize) -> Self {
        Self {
            frequency: vec![0; things],
            seen_in: vec![NONE; things],
        }
    }

    fn count(&mut self, thing: u32, sentence: usize) {
        let seen = &mut self.seen_in[thing as usize];
        if *seen != sentence as u32 {
            *seen = sentence as u32;
            self.frequency[thing as usize] += 1;
        }
    }

    fn idf(&self, thing: usize, sentences: usize) -> f32 {
        let held = f64::from(self.frequency[thing]);
        (libm::log((1.0 + sentences as f64) / (1.0 + held)) + 1.0) as f32
    }
}

/// A row as it grows.
#[derive(Default)]
struct RowSum {
    pairs: Vec<(u32, f32)>,
    squared_norm: f32,
}

impl RowSum {
    fn add(&mut self, feature: u32, value: f32) {
        self.pairs.push((feature, value));
        self.squared_norm += value * value;
    }

    fn scaled(mut self) -> SparseRow {
        if self.squared_norm > 0.0 {
            let scale = self.squared_norm.sqrt().recip();
            self.pairs.iter_mut().for_each(|(_, value)| *value *= scale);
        }
        SparseRow::from_pairs(&mut self.pairs)
    }
}
