//! The feature space fitted to some sentences: which candidates are features, and their idf.

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
    /// For each word its features with values, and its squared norm.
    by_word: Vec<(Box<[(u32, f32)]>, f32)>,
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
        let least = candidates.settings.min_document_frequency as u32;
        let candidate_of: Vec<u32> = (0..candidates.len() as u32)
            .filter(|&candidate| frequency[candidate as usize] >= least)
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
                let squared_norm = features.iter().map(|(_, value)| value * value).sum();
                (features, squared_norm)
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
        let mut pairs: Vec<(u32, f32)> = Vec::new();
        let mut squared_norm = 0.0;
        for &word in &self.corpus.sentences()[sentence] {
            let (features, word_norm) = &self.by_word[word as usize];
            pairs.extend_from_slice(features);
            squared_norm += word_norm;
        }
        for &candidate in &self.candidates.of_sentence[sentence] {
            let feature = self.feature_of[candidate as usize];
            if feature != NONE {
                let value = self.idf[feature as usize];
                pairs.push((feature, value));
                squared_norm += value * value;
            }
        }
        if squared_norm > 0.0 {
            let scale = squared_norm.sqrt().recip();
            pairs.iter_mut().for_each(|(_, value)| *value *= scale);
        }
        SparseRow::from_pairs(&mut pairs)
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
