//! The feature space fitted to some sentences: which candidates are features, and their idf.

use std::ops::Range;

use super::candidates::Candidates;
use super::row::SparseRow;
use super::tokenized::TokenizedCorpus;
use super::vocabulary::Vocabulary;

/// No feature.
const NONE: u32 = u32::MAX;

/// Features with their weights of inverse document frequency.
///
/// A sentence's value of a feature is its count times idf, divided by the root of the sum, over
/// the words and word bigrams of the sentence, of their own squared norms. So a word adds the
/// same to every sentence it stands in, and sums over words can be kept by word.
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
        let mut frequency = vec![0u32; candidates.len()];
        let mut seen_in = vec![NONE; candidates.len()];
        for &sentence in fit_on {
            let mut count = |candidate: u32| {
                let seen = &mut seen_in[candidate as usize];
                if *seen != sentence as u32 {
                    *seen = sentence as u32;
                    frequency[candidate as usize] += 1;
                }
            };
            for &word in &corpus.sentences()[sentence] {
                candidates.of_word[word as usize]
                    .iter()
                    .for_each(|&c| count(c));
            }
            candidates.of_sentence[sentence]
                .iter()
                .for_each(|&c| count(c));
        }
        let least = candidates.settings.min_document_frequency;
        let candidate_of: Vec<u32> = (0..candidates.len() as u32)
            .filter(|&candidate| frequency[candidate as usize] as usize >= least)
            .collect();
        let sentences = fit_on.len() as f64;
        let idf = candidate_of
            .iter()
            .map(|&candidate| {
                let held = f64::from(frequency[candidate as usize]);
                (libm::log((1.0 + sentences) / (1.0 + held)) + 1.0) as f32
            })
            .collect();
        Self::new(candidates, corpus, candidate_of, idf)
    }

    /// The same space with only the features in `keep`, ascending.
    pub fn restricted(&self, keep: &[usize]) -> Self {
        Self::new(
            self.candidates,
            self.corpus,
            keep.iter().map(|&f| self.candidate_of[f]).collect(),
            keep.iter().map(|&f| self.idf[f]).collect(),
        )
    }

    fn new(
        candidates: &'a Candidates,
        corpus: &'a TokenizedCorpus,
        candidate_of: Vec<u32>,
        idf: Vec<f32>,
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
        self.window_row(sentence, 0..self.corpus.sentences()[sentence].len())
    }

    /// The row of some neighbouring words of a sentence, taken as a sentence of their own.
    pub fn window_row(&self, sentence: usize, window: Range<usize>) -> SparseRow {
        let mut pairs: Vec<(u32, f32)> = Vec::new();
        let mut squared_norm = 0.0;
        for &word in &self.corpus.sentences()[sentence][window.clone()] {
            let values = &self.by_word[word as usize];
            pairs.extend_from_slice(&values.features);
            squared_norm += values.squared_norm;
        }
        for (feature, value) in self.bigrams(sentence, window) {
            pairs.push((feature, value));
            squared_norm += value * value;
        }
        if squared_norm > 0.0 {
            let scale = squared_norm.sqrt().recip();
            pairs.iter_mut().for_each(|(_, value)| *value *= scale);
        }
        SparseRow::from_pairs(&mut pairs)
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

    /// The window of `length` words, or of all words of a shorter sentence, with the highest score
    /// by `weights`: its score and first word. `word_scores` are those of the same weights.
    pub(crate) fn best_window(
        &self,
        sentence: usize,
        length: usize,
        weights: &[f64],
        word_scores: &[f64],
    ) -> (f64, usize) {
        let words = &self.corpus.sentences()[sentence];
        let length = length.min(words.len());
        let mut best = (f64::NEG_INFINITY, 0);
        for start in 0..=words.len() - length {
            let window = start..start + length;
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
                best = (score, start);
            }
        }
        best
    }

    /// Number of words of a sentence.
    pub(crate) fn words_in(&self, sentence: usize) -> usize {
        self.corpus.sentences()[sentence].len()
    }

    /// What a model needs to make the same rows from new text.
    pub fn vocabulary(&self) -> Vocabulary {
        Vocabulary::collect(
            self.candidates,
            self.corpus.words(),
            &self.candidate_of,
            self.idf.clone(),
        )
    }
}
