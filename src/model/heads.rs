//! The scorers of a model as plain arrays.

use crate::features::{FeatureSpace, ROLES};
use crate::learn::{Heads, LinearModel, LocalEvidence};
use crate::scoring::Forest;

/// One scorer a label.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelHeads {
    /// Linear scorers.
    Linear {
        /// `weights[feature × columns + column]`; a column a label for sentences, then, where
        /// windows are scored, a column a label for them.
        weights: Vec<f32>,
        /// One a column, then, where windows are scored, that of the assertion.
        biases: Vec<f32>,
        /// `assertion[unit × roles + role]`: for each unit by where it stands as seen from a
        /// trigger; empty where the assertion is not scored.
        assertion: Vec<f32>,
    },
    /// Trees that vote.
    Forests(Vec<Forest>),
}

impl ModelHeads {
    /// Columns of weights: of sentences and, where they are scored, of windows; none for forests.
    pub(crate) fn columns(&self, scores_windows: bool) -> usize {
        match self {
            Self::Linear { biases, .. } => biases.len() - usize::from(scores_windows),
            Self::Forests(_) => 0,
        }
    }

    /// Lays fitted scorers out for storing and for prediction.
    pub(crate) fn from_fitted(
        fitted: &Heads,
        local: Option<&LocalEvidence>,
        space: &FeatureSpace<'_>,
    ) -> Self {
        match fitted {
            Heads::Forests(forests) => Self::Forests(forests.clone()),
            Heads::Linear(models) => {
                let windows = local.map_or(&[][..], |local| &local.windows);
                let columns = || models.iter().chain(windows);
                let mut biases: Vec<f32> = columns().map(|model| model.bias as f32).collect();
                let assertion = local.and_then(|local| local.assertion.as_ref());
                if local.is_some() {
                    biases.push(assertion.map_or(0.0, |assertion| assertion.bias as f32));
                }
                Self::Linear {
                    weights: (0..space.len())
                        .flat_map(|feature| columns().map(move |m| m.weights[feature] as f32))
                        .collect(),
                    biases,
                    assertion: assertion.map_or_else(Vec::new, |model| by_role(model, space)),
                }
            }
        }
    }
}

fn by_role(assertion: &LinearModel, space: &FeatureSpace<'_>) -> Vec<f32> {
    let units = space.kept_units().into_iter();
    let features =
        units.flat_map(|unit| (0..ROLES).map(move |role| space.assertion_feature(unit, role)));
    features
        .map(|feature| assertion.weights[feature] as f32)
        .collect()
}
