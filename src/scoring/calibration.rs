//! From raw scores to probabilities.

use serde::{Deserialize, Serialize};

/// Maps a raw score to the probability that a label holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Calibration {
    /// 1 / (1 + exp(slope × score + intercept)) (Platt 1999).
    Platt {
        /// Negative where higher scores are likelier.
        slope: f64,
        /// Shift of the logit.
        intercept: f64,
    },
    /// Straight lines between the points of a rising step function (Zadrozny and Elkan 2002).
    Isotonic {
        /// Ascending raw scores.
        scores: Vec<f64>,
        /// Probabilities at these scores, never falling.
        probabilities: Vec<f64>,
    },
}

impl Calibration {
    /// The probability for a raw score.
    pub fn probability(&self, score: f64) -> f64 {
        match self {
            Self::Platt { slope, intercept } => sigmoid(-(slope * score + intercept)),
            Self::Isotonic {
                scores,
                probabilities,
            } => interpolate(scores, probabilities, score),
        }
    }

    /// Whether the numbers stored in a model are those of a calibration.
    pub(crate) fn is_valid(&self) -> bool {
        match self {
            Self::Platt { slope, intercept } => slope.abs() <= 1e9 && intercept.abs() <= 1e9,
            Self::Isotonic {
                scores,
                probabilities,
            } => {
                !scores.is_empty()
                    && scores.len() == probabilities.len()
                    && scores.iter().all(|score| score.is_finite())
                    && scores.is_sorted()
                    && probabilities.is_sorted()
                    && probabilities.iter().all(|p| (0.0..=1.0).contains(p))
            }
        }
    }
}

/// 1 / (1 + exp(-x)), the same on every machine.
pub(crate) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + libm::exp(-x))
    } else {
        let exp = libm::exp(x);
        exp / (1.0 + exp)
    }
}

fn interpolate(xs: &[f64], ys: &[f64], x: f64) -> f64 {
    let after = xs.partition_point(|&other| other < x);
    if after == 0 {
        // Without any point nothing is known.
        return ys.first().copied().unwrap_or(0.5);
    }
    if after == xs.len() {
        return ys[after - 1];
    }
    let (left, right) = (xs[after - 1], xs[after]);
    if right <= left {
        return ys[after];
    }
    let share = (x - left) / (right - left);
    ys[after - 1] + share * (ys[after] - ys[after - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibrations_rise() {
        let platt = Calibration::Platt {
            slope: -2.0,
            intercept: 0.5,
        };
        let isotonic = Calibration::Isotonic {
            scores: vec![-1.0, 0.0, 2.0],
            probabilities: vec![0.1, 0.5, 0.9],
        };
        assert!(isotonic.is_valid() && platt.is_valid());
        for calibration in [platt, isotonic] {
            let at = |score| calibration.probability(score);
            assert!(at(-9.0) < at(0.1) && at(0.1) < at(9.0));
        }
    }

    #[test]
    fn isotonic_is_linear_between_points() {
        let isotonic = Calibration::Isotonic {
            scores: vec![0.0, 2.0],
            probabilities: vec![0.2, 0.6],
        };
        assert!((isotonic.probability(1.0) - 0.4).abs() < 1e-12);
        assert_eq!(isotonic.probability(-5.0), 0.2);
        assert_eq!(isotonic.probability(5.0), 0.6);
    }
}
