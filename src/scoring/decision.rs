//! From probabilities to labels.

use serde::{Deserialize, Serialize};

/// How labels are decided from probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelMode {
    /// Every label whose probability reaches its threshold holds; several or none may.
    Multiple,
    /// Exactly one label holds: the one whose probability, divided by its threshold, is highest.
    Single,
}

impl LabelMode {
    /// Turns independent probabilities into those of this mode: in single-label mode they are
    /// scaled to a sum of one.
    pub fn normalize(self, probabilities: &mut [f64]) {
        if self == Self::Single {
            let sum: f64 = probabilities.iter().sum();
            if sum > 0.0 {
                probabilities.iter_mut().for_each(|p| *p /= sum);
            }
        }
    }

    /// Which labels hold.
    pub fn decide(self, probabilities: &[f64], thresholds: &[f64], holds: &mut Vec<bool>) {
        holds.clear();
        match self {
            Self::Multiple => holds.extend(
                probabilities
                    .iter()
                    .zip(thresholds)
                    .map(|(probability, threshold)| probability >= threshold),
            ),
            Self::Single => {
                holds.resize(probabilities.len(), false);
                let ratio = |label: usize| probabilities[label] / thresholds[label];
                let best = (0..probabilities.len()).reduce(|best, label| {
                    if ratio(label) > ratio(best) {
                        label
                    } else {
                        best
                    }
                });
                if let Some(best) = best {
                    holds[best] = true;
                }
            }
        }
    }
}

/// The prediction for one sentence: probability and decision of each leaf of a tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeafPrediction {
    /// Probability of each leaf.
    pub probabilities: Vec<f64>,
    /// Whether each leaf holds.
    pub holds: Vec<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_decide() {
        let mut holds = Vec::new();
        LabelMode::Multiple.decide(&[0.4, 0.4], &[0.3, 0.5], &mut holds);
        assert_eq!(holds, [true, false]);
        LabelMode::Single.decide(&[0.4, 0.3, 0.3], &[1.0, 0.5, 1.0], &mut holds);
        assert_eq!(holds, [false, true, false]);
    }
}
