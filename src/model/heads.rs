//! The scorers of a model as plain arrays.

use crate::learn::Heads;
use crate::scoring::Forest;

/// One scorer a label.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelHeads {
    /// Linear scorers.
    Linear {
        /// `weights[feature × labels + label]`.
        weights: Vec<f32>,
        /// One a label.
        biases: Vec<f32>,
    },
    /// Trees that vote.
    Forests(Vec<Forest>),
}

impl ModelHeads {
    /// Lays fitted scorers out for storing and for prediction.
    pub(crate) fn from_fitted(fitted: &Heads, features: usize) -> Self {
        match fitted {
            Heads::Forests(forests) => Self::Forests(forests.clone()),
            Heads::Linear(models) => Self::Linear {
                weights: (0..features)
                    .flat_map(|feature| {
                        models
                            .iter()
                            .map(move |model| model.weights[feature] as f32)
                    })
                    .collect(),
                biases: models.iter().map(|model| model.bias as f32).collect(),
            },
        }
    }
}
