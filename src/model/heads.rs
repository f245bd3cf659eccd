//! The scorers of a model as plain arrays.

use crate::features::{FeatureSpace, ROLES};
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
        /// `[(unit × roles + role) × labels + label]`: for each unit by where it stands around the
        /// middle of a window; empty where windows are not scored.
        context: Vec<f32>,
    },
    /// Trees that vote.
    Forests(Vec<Forest>),
}

impl ModelHeads {
    /// Lays fitted scorers out for storing and for prediction.
    pub(crate) fn from_fitted(
        fitted: &Heads,
        windows: Option<&[LinearModel]>,
        space: &FeatureSpace<'_>,
    ) -> Self {
        match fitted {
            Heads::Forests(forests) => Self::Forests(forests.clone()),
            Heads::Linear(models) => {
                let columns = || models.iter().chain(windows.unwrap_or_default());
                Self::Linear {
                    weights: (0..space.len())
                        .flat_map(|feature| columns().map(move |m| m.weights[feature] as f32))
                        .collect(),
                    biases: columns().map(|model| model.bias as f32).collect(),
                    context: windows.map_or_else(Vec::new, |windows| context(windows, space)),
                }
            }
        }
    }
}

fn context(windows: &[LinearModel], space: &FeatureSpace<'_>) -> Vec<f32> {
    let mut weights = Vec::new();
    for unit in space.kept_units() {
        for role in 0..ROLES {
            let feature = space.context_feature(role, unit);
            weights.extend(windows.iter().map(|model| model.weights[feature] as f32));
        }
    }
    weights
}
