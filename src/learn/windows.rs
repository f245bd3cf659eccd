//! Local evidence: scorers of windows of words, learnt from labels of whole sentences.
//!
//! A news sentence is long and its event is one clause. Here a sentence holds a label if one of
//! its windows does (multiple-instance learning): in a positive sentence the window that scores
//! highest stands for the label, in a negative one the windows that score highest are its
//! counter-examples; the scorer is fitted to these and the windows are chosen anew. After mi-SVM
//! (Andrews, Tsochantaridis and Hofmann, NIPS 2002) and the latent SVM with its cache of hard
//! negatives (Felzenszwalb et al., PAMI 32, 2010).

use std::collections::BTreeSet;

use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::Array1;
use rayon::prelude::*;

use super::dual::DualCoordinateDescent;
use super::linear::LinearModel;
use super::problem::Problem;
use crate::error::Result;
use crate::features::{FeatureSpace, SparseRow, records};

/// How windows are learnt.
pub(crate) struct WindowLearner<'a> {
    /// Words on either side of the one in a window's middle.
    pub(crate) radius: usize,
    /// Times the windows are chosen.
    pub(crate) rounds: usize,
    /// How the scorer of the chosen windows is fitted.
    pub(crate) parameters: DualCoordinateDescent,
    pub(crate) space: &'a FeatureSpace<'a>,
}

impl WindowLearner<'_> {
    /// Fits one scorer a label; the windows of the first round are chosen by the scorers of whole
    /// sentences.
    ///
    /// # Errors
    /// When a parameter is out of bounds.
    pub(crate) fn fit(
        &self,
        problem: &Problem<'_>,
        sentence_models: &[LinearModel],
    ) -> Result<Vec<LinearModel>> {
        sentence_models
            .par_iter()
            .enumerate()
            .map(|(label, model)| self.fit_label(problem, label, model.clone()))
            .collect()
    }

    fn fit_label(
        &self,
        problem: &Problem<'_>,
        label: usize,
        mut model: LinearModel,
    ) -> Result<LinearModel> {
        let (places, holds) = problem.decided(label);
        if problem.constant(&holds).is_some() {
            return Ok(model);
        }
        // Windows once chosen in a negative sentence stay counter-examples in later rounds.
        let mut negatives: BTreeSet<(usize, usize)> = BTreeSet::new();
        for _ in 0..self.rounds {
            let mut positives = Vec::new();
            let best = self.best_windows(&model, places.iter().map(|&p| problem.sentences[p]));
            for ((sentence, middle), &held) in best.into_iter().zip(&holds) {
                if held {
                    positives.push((sentence, middle));
                } else {
                    negatives.insert((sentence, middle));
                }
            }
            let chosen = positives.iter().chain(&negatives);
            let rows: Vec<SparseRow> = chosen
                .map(|&(sentence, middle)| self.space.window_row(sentence, middle, self.radius))
                .collect();
            let held = (0..rows.len()).map(|row| row < positives.len()).collect();
            let data = DatasetBase::new(records(rows), Array1::from_vec(held));
            model = self.parameters.fit(&data)?;
        }
        Ok(model)
    }

    fn best_windows(
        &self,
        model: &LinearModel,
        sentences: impl Iterator<Item = usize>,
    ) -> Vec<(usize, usize)> {
        let weights = model.weights.as_slice().unwrap_or_default();
        let word_scores = self.space.word_scores(weights);
        sentences
            .map(|sentence| {
                let best = self
                    .space
                    .best_window(sentence, self.radius, weights, &word_scores);
                (sentence, best.1)
            })
            .collect()
    }
}

/// Scorers of local evidence.
#[derive(Clone, Debug)]
pub(crate) struct LocalEvidence {
    /// Words on either side of the one in a window's middle.
    pub(crate) radius: usize,
    /// One scorer of windows a label.
    pub(crate) windows: Vec<LinearModel>,
    /// Whether what triggers a label is asserted, where that is learnt.
    pub(crate) assertion: Option<LinearModel>,
}

impl LocalEvidence {
    /// For each label and each of some sentences the highest score of a window, and the score of
    /// the assertion of what triggers the label in it.
    pub(crate) fn scores(
        &self,
        space: &FeatureSpace<'_>,
        sentences: &[usize],
    ) -> Vec<Vec<[f64; 2]>> {
        let of_label = |model: &LinearModel| {
            let weights = model.weights.as_slice().unwrap_or_default();
            let word_scores = space.word_scores(weights);
            let of_sentence = |&sentence: &usize| {
                let (score, middle) =
                    space.best_window(sentence, self.radius, weights, &word_scores);
                let assertion = self.assertion.as_ref().map_or(0.0, |assertion| {
                    let trigger = space.trigger(sentence, middle, self.radius, &word_scores);
                    assertion.score(&space.assertion_row(sentence, trigger))
                });
                [score + model.bias, assertion]
            };
            sentences.iter().map(of_sentence).collect()
        };
        self.windows.par_iter().map(of_label).collect()
    }
}

/// How much the scores of the whole sentence, of its best window and of the assertion count for a
/// label: a logistic regression on scores of sentences that none was fitted on.
///
/// # Errors
/// When the scores are no numbers.
pub(crate) fn mix_scores(scores: &[[f64; 3]], holds: &[bool]) -> Result<[f64; 3]> {
    let rows = scores
        .iter()
        .map(|parts| {
            let mut pairs = (0..).zip(parts.map(|part| part as f32)).collect();
            SparseRow::from_pairs(&mut pairs)
        })
        .collect();
    let data = DatasetBase::new(records(rows), Array1::from_vec(holds.to_vec()));
    let fitted: LinearModel = DualCoordinateDescent::new(3, super::dual::Loss::Logistic)
        .c(10.0)
        .class_weights(super::dual::ClassWeights::None)
        .tolerance(0.01)
        .max_iterations(300)
        .fit(&data)?;
    Ok([0, 1, 2].map(|part| fitted.weights[part]))
}
