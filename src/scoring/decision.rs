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

    /// How far a decision is from falling the other way, from 0: in multiple-label mode the
    /// smallest distance of a label's logit from that of its threshold, in single-label mode the
    /// logarithm of how often the best ratio of probability to threshold holds the second best.
    pub fn margin(self, probabilities: &[f64], thresholds: &[f64]) -> f64 {
        // A certain row is far, but not infinitely: margins are stored as JSON.
        const FARTHEST: f64 = 100.0;
        let margin = match self {
            Self::Multiple => {
                let distances =
                    probabilities
                        .iter()
                        .zip(thresholds)
                        .map(|(&probability, &threshold)| {
                            (logit(probability) - logit(threshold)).abs()
                        });
                distances.fold(FARTHEST, f64::min)
            }
            Self::Single => {
                let mut best = [0.0f64; 2];
                for (&probability, &threshold) in probabilities.iter().zip(thresholds) {
                    let ratio = probability / threshold;
                    if ratio > best[0] {
                        best = [ratio, best[0]];
                    } else if ratio > best[1] {
                        best[1] = ratio;
                    }
                }
                libm::log(best[0]) - libm::log(best[1])
            }
        };
        if margin.is_nan() {
            0.0
        } else {
            margin.min(FARTHEST)
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
    /// How far the decision is from falling the other way; see [`LabelMode::margin`].
    pub margin: f64,
}

impl LeafPrediction {
    /// Decides on probabilities.
    pub fn decide(mode: LabelMode, probabilities: Vec<f64>, thresholds: &[f64]) -> Self {
        let mut holds = Vec::new();
        mode.decide(&probabilities, thresholds, &mut holds);
        Self {
            margin: mode.margin(&probabilities, thresholds),
            probabilities,
            holds,
        }
    }
}

fn logit(probability: f64) -> f64 {
    libm::log(probability) - libm::log1p(-probability)
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

    #[test]
    fn margins_tell_how_sure_a_decision_is() {
        let multiple = |probability| LabelMode::Multiple.margin(&[probability, 0.001], &[0.5, 0.5]);
        assert!(multiple(0.5) < 1e-12);
        assert!((multiple(0.6) - multiple(0.4)).abs() < 1e-12);
        assert!(multiple(0.9) > multiple(0.6));
        assert_eq!(LabelMode::Multiple.margin(&[1.0, 0.0], &[0.5, 0.5]), 100.0);
        let single = |first: f64| LabelMode::Single.margin(&[first, 1.0 - first], &[1.0, 1.0]);
        assert!(single(0.5) < 1e-12 && single(0.9) > single(0.6));
        assert_eq!(single(1.0), 100.0);
        assert_eq!(LabelMode::Single.margin(&[0.0, 0.0], &[1.0, 1.0]), 0.0);
    }
}
