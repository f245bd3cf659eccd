//! The scorers of a model as plain arrays.

use crate::features::{FeatureSpace, ROLES};
use crate::learn::{Heads, LinearModel, LocalEvidence};
use crate::scoring::{Forest, WeightBits, Weights};

/// One scorer a label.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelHeads {
    /// Linear scorers.
    Linear {
        /// One row a feature; a column a label for sentences, then, where windows are scored, a
        /// column a label for them.
        weights: Weights,
        /// One a column, then, where windows are scored, that of the assertion.
        biases: Vec<f32>,
        /// One row a unit, a column for each role it can stand in as seen from a trigger; no rows
        /// where the assertion is not scored.
        assertion: Weights,
    },
    /// Trees that vote.
    Forests(Vec<Forest>),
}

impl ModelHeads {
    /// The same scorers with at most so many bits a weight; forests as they are.
    pub(crate) fn with_bits(&self, bits: WeightBits) -> Self {
        match self {
            Self::Linear {
                weights,
                biases,
                assertion,
            } => Self::Linear {
                weights: weights.with_bits(bits),
                biases: biases.clone(),
                assertion: assertion.with_bits(bits),
            },
            Self::Forests(forests) => Self::Forests(forests.clone()),
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
                let weights = (0..space.len())
                    .flat_map(|feature| columns().map(move |m| m.weights[feature] as f32));
                let assertion = assertion.map_or_else(Vec::new, |model| by_role(model, space));
                Self::Linear {
                    weights: Weights::exact(columns().count(), weights.collect()),
                    biases,
                    assertion: Weights::exact(ROLES, assertion),
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
