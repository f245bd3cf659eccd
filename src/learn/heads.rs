//! Fitting one scorer a label.

use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Axis};
use rayon::prelude::*;

use super::dual::{DualCoordinateDescent, Loss};
use super::linear::LinearModel;
use super::naive_bayes::{NaiveBayes, NaiveBayesKind};
use super::problem::Problem;
use super::settings::{LearnerKind, LearnerSettings};
use super::stock;
use crate::error::Result;
use crate::features::SparseRow;
use crate::scoring::Forest;

/// Fitted scorers, one for each label.
#[derive(Clone, Debug)]
pub enum Heads {
    /// Linear models.
    Linear(Vec<LinearModel>),
    /// Trees.
    Forests(Vec<Forest>),
}

impl Heads {
    /// The raw scores of a row, one for each label.
    pub fn scores(&self, row: &SparseRow) -> Vec<f64> {
        match self {
            Self::Linear(models) => models.iter().map(|model| model.score(row)).collect(),
            Self::Forests(forests) => forests
                .iter()
                .map(|forest| {
                    forest.score(|feature| {
                        row.indices()
                            .binary_search(&feature)
                            .map_or(0.0, |place| row.values()[place])
                    })
                })
                .collect(),
        }
    }
}

/// Fits one scorer for each label, one-vs-rest unless the learner knows several classes itself.
///
/// # Errors
/// When a parameter is out of bounds, the estimator fails, or it would need too much memory.
pub(crate) fn fit_heads(
    settings: &LearnerSettings,
    problem: &Problem<'_>,
    seed: u64,
) -> Result<Heads> {
    match settings.kind {
        LearnerKind::Logistic => one_vs_rest(settings, problem, Loss::Logistic, seed),
        LearnerKind::Svm => one_vs_rest(settings, problem, Loss::SquaredHinge, seed),
        LearnerKind::ComplementNb => naive_bayes(settings, problem, NaiveBayesKind::Complement),
        LearnerKind::MultinomialNb => naive_bayes(settings, problem, NaiveBayesKind::Multinomial),
        _ => stock::fit(settings, problem, seed),
    }
}

fn one_vs_rest(
    settings: &LearnerSettings,
    problem: &Problem<'_>,
    loss: Loss,
    seed: u64,
) -> Result<Heads> {
    let parameters = DualCoordinateDescent::new(problem.features, loss)
        .c(settings.c)
        .class_weights(settings.class_weights)
        .bias_scale(settings.bias_scale)
        .tolerance(settings.tolerance)
        .max_iterations(settings.max_iterations)
        .seed(seed);
    let models: Result<Vec<LinearModel>> = (0..problem.targets.labels().len())
        .into_par_iter()
        .map(|label| {
            let (places, holds) = problem.decided(label);
            if places.len() == problem.rows.nrows() {
                return parameters.fit(&DatasetBase::new(problem.view(), holds));
            }
            let rows = problem.rows.select(Axis(0), &places);
            parameters.fit(&DatasetBase::new(rows, holds))
        })
        .collect();
    models.map(Heads::Linear)
}

fn naive_bayes(
    settings: &LearnerSettings,
    problem: &Problem<'_>,
    kind: NaiveBayesKind,
) -> Result<Heads> {
    let parameters =
        |classes| NaiveBayes::new(problem.features, classes, kind).smoothing(settings.smoothing);
    if let Some(classes) = problem.targets.classes() {
        let classes = Array1::from_iter(problem.sentences.iter().map(|&place| classes[place]));
        let count = problem.targets.labels().len();
        return parameters(count)
            .fit(&DatasetBase::new(problem.view(), classes))
            .map(Heads::Linear);
    }
    let models: Result<Vec<LinearModel>> = (0..problem.targets.labels().len())
        .into_par_iter()
        .map(|label| {
            let (places, holds) = problem.decided(label);
            let rows = problem.rows.select(Axis(0), &places);
            let sides = parameters(2).fit(&DatasetBase::new(rows, holds.mapv(usize::from)))?;
            // The score of a binary problem is how much likelier the label's side is.
            Ok(LinearModel {
                weights: &sides[1].weights - &sides[0].weights,
                bias: sides[1].bias - sides[0].bias,
            })
        })
        .collect();
    models.map(Heads::Linear)
}
