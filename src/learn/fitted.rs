//! What learners give: one scorer a label.

use super::linear::LinearModel;
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
