//! What learners give: one scorer a label.

use rayon::prelude::*;

use super::linear::LinearModel;
use crate::features::{FeatureSpace, SparseRow};
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
    /// The raw scores of some sentences, label by label.
    pub(crate) fn scores(&self, space: &FeatureSpace<'_>, sentences: &[usize]) -> Vec<Vec<f64>> {
        match self {
            Self::Linear(models) => {
                let of_model = |model: &LinearModel| {
                    let weights = model.weights.as_slice().unwrap_or_default();
                    let scorer = space.scorer(space.effects(weights));
                    let score = |&sentence: &usize| scorer.score(space.span(sentence)) + model.bias;
                    sentences.iter().map(score).collect()
                };
                models.par_iter().map(of_model).collect()
            }
            Self::Forests(forests) => {
                let rows = space.rows(sentences);
                let of_forest = |forest: &Forest| {
                    let score = |row: &SparseRow| {
                        forest.score(|feature| {
                            row.indices()
                                .binary_search(&feature)
                                .map_or(0.0, |place| row.values()[place])
                        })
                    };
                    rows.iter().map(score).collect()
                };
                forests.par_iter().map(of_forest).collect()
            }
        }
    }
}
