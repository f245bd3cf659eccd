//! Fitting calibrations to out-of-fold scores.

use serde::{Deserialize, Serialize};

use crate::scoring::Calibration;

/// Which calibration is fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalibrationKind {
    /// A logistic curve with two parameters.
    #[default]
    Platt,
    /// A rising curve of any shape; needs more rows.
    Isotonic,
}

/// Fits a calibration to scores of rows that the scorer was not fitted on.
pub fn calibrate(kind: CalibrationKind, scores: &[f64], holds: &[bool]) -> Calibration {
    match kind {
        CalibrationKind::Platt => platt(scores, holds),
        CalibrationKind::Isotonic => isotonic(scores, holds),
    }
}

/// Newton's method with backtracking on Platt's smoothed targets, after Lin, Lin and Weng, "A note
/// on Platt's probabilistic outputs for support vector machines" (Machine Learning 68, 2007).
fn platt(scores: &[f64], holds: &[bool]) -> Calibration {
    const ITERATIONS: usize = 100;
    const SMALLEST_STEP: f64 = 1e-10;
    const RIDGE: f64 = 1e-12;
    let positives = holds.iter().filter(|&&held| held).count() as f64;
    let negatives = holds.len() as f64 - positives;
    let targets: Vec<f64> = holds
        .iter()
        .map(|&held| match held {
            true => (positives + 1.0) / (positives + 2.0),
            false => 1.0 / (negatives + 2.0),
        })
        .collect();
    let objective = |slope: f64, intercept: f64| -> f64 {
        scores
            .iter()
            .zip(&targets)
            .map(|(score, target)| {
                let logit = slope * score + intercept;
                if logit >= 0.0 {
                    target * logit + libm::log1p(libm::exp(-logit))
                } else {
                    (target - 1.0) * logit + libm::log1p(libm::exp(logit))
                }
            })
            .sum()
    };
    let (mut slope, mut intercept) = (0.0, libm::log((negatives + 1.0) / (positives + 1.0)));
    let mut value = objective(slope, intercept);
    for _ in 0..ITERATIONS {
        let (mut h11, mut h22, mut h21, mut g1, mut g2) = (RIDGE, RIDGE, 0.0, 0.0, 0.0);
        for (score, target) in scores.iter().zip(&targets) {
            let p = crate::scoring::sigmoid(-(slope * score + intercept));
            let (d1, d2) = (target - p, p * (1.0 - p));
            h11 += score * score * d2;
            h22 += d2;
            h21 += score * d2;
            g1 += score * d1;
            g2 += d1;
        }
        if g1.abs() < 1e-7 && g2.abs() < 1e-7 {
            break;
        }
        let determinant = h11 * h22 - h21 * h21;
        let d_slope = -(h22 * g1 - h21 * g2) / determinant;
        let d_intercept = -(-h21 * g1 + h11 * g2) / determinant;
        let descent = g1 * d_slope + g2 * d_intercept;
        let mut step = 1.0;
        while step >= SMALLEST_STEP {
            let (next_slope, next_intercept) =
                (slope + step * d_slope, intercept + step * d_intercept);
            let next = objective(next_slope, next_intercept);
            if next < value + 1e-4 * step * descent {
                (slope, intercept, value) = (next_slope, next_intercept, next);
                break;
            }
            step /= 2.0;
        }
        if step < SMALLEST_STEP {
            break;
        }
    }
    Calibration::Platt { slope, intercept }
}

/// Pool adjacent violators (Ayer et al. 1955), each block a point at its mean score.
fn isotonic(scores: &[f64], holds: &[bool]) -> Calibration {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(a.cmp(&b)));
    struct Block {
        score_sum: f64,
        held: f64,
        rows: f64,
    }
    let mut blocks: Vec<Block> = Vec::new();
    // Rows of equal score are one block from the start: their order means nothing.
    for same in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let mut block = Block {
            score_sum: scores[same[0]] * same.len() as f64,
            held: same.iter().filter(|&&row| holds[row]).count() as f64,
            rows: same.len() as f64,
        };
        while let Some(last) = blocks.last() {
            if last.held / last.rows < block.held / block.rows {
                break;
            }
            block.score_sum += last.score_sum;
            block.held += last.held;
            block.rows += last.rows;
            blocks.pop();
        }
        blocks.push(block);
    }
    // Means of neighbouring blocks may meet in rounding.
    let rising = |values: Vec<f64>| -> Vec<f64> {
        let highest = values
            .into_iter()
            .scan(f64::NEG_INFINITY, |highest, value| {
                *highest = highest.max(value);
                Some(*highest)
            });
        highest.collect()
    };
    Calibration::Isotonic {
        scores: rising(blocks.iter().map(|b| b.score_sum / b.rows).collect()),
        probabilities: rising(blocks.iter().map(|b| b.held / b.rows).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores whose labels hold with the probability sigmoid(2 × score - 1), on an even grid.
    fn grid() -> (Vec<f64>, Vec<bool>) {
        let mut scores = Vec::new();
        let mut holds = Vec::new();
        for step in -20..=20 {
            let score = f64::from(step) / 10.0;
            let expected = 1.0 / (1.0 + (-(2.0 * score - 1.0)).exp());
            for repeat in 0..100 {
                scores.push(score);
                holds.push((f64::from(repeat) + 0.5) / 100.0 < expected);
            }
        }
        (scores, holds)
    }

    #[test]
    fn platt_finds_the_curve() {
        let (scores, holds) = grid();
        let Calibration::Platt { slope, intercept } =
            calibrate(CalibrationKind::Platt, &scores, &holds)
        else {
            panic!("another calibration was fitted");
        };
        assert!((slope + 2.0).abs() < 0.05 && (intercept - 1.0).abs() < 0.05);
    }

    #[test]
    fn isotonic_takes_equal_scores_together() {
        for holds in [[false, true, true, true], [true, true, true, false]] {
            let fitted = calibrate(CalibrationKind::Isotonic, &[1.0; 4], &holds);
            assert_eq!(fitted.probability(1.0), 0.75);
        }
        let fitted = calibrate(
            CalibrationKind::Isotonic,
            &[0.1; 4],
            &[false, false, false, true],
        );
        assert!(fitted.is_valid());
    }

    #[test]
    fn isotonic_is_valid_and_close() {
        let (scores, holds) = grid();
        let fitted = calibrate(CalibrationKind::Isotonic, &scores, &holds);
        assert!(fitted.is_valid());
        assert!((fitted.probability(0.5) - 0.5).abs() < 0.03);
    }
}
