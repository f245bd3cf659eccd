//! The scorers of a model as plain arrays.

use crate::learn::{Heads, LinearModel};
use crate::scoring::Forest;

/// One scorer a label.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelHeads {
    /// Linear scorers.
    Linear {
        /// `weights[feature × columns + column]`; a column a label for sentences, then, where
        /// windows are scored, a column a label for them.
        weights: Vec<f32>,
        /// One a column.
        biases: Vec<f32>,
    },
    /// Trees that vote.
    Forests(Vec<Forest>),
}

impl ModelHeads {
    /// Lays fitted scorers out for storing and for prediction.
    pub(crate) fn from_fitted(
        fitted: &Heads,
        windows: Option<&[LinearModel]>,
        features: usize,
    ) -> Self {
        match fitted {
            Heads::Forests(forests) => Self::Forests(forests.clone()),
            Heads::Linear(models) => {
                let columns = || models.iter().chain(windows.unwrap_or_default());
                Self::Linear {
                    weights: (0..features)
                        .flat_map(|feature| columns().map(move |m| m.weights[feature] as f32))
                        .collect(),
                    biases: columns().map(|model| model.bias as f32).collect(),
                }
            }
        }
    }
}
