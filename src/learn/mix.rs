//! Mixing the parts of a score.

use crate::scoring::sigmoid;

/// What the loss counts against the squared norm of the shares.
const C: f64 = 10.0;

/// Three shares and a constant.
type Shares = [f64; 4];

/// How much the scores of the whole sentence, of its best window and of the assertion count for a
/// label: a logistic regression on scores of sentences that none was fitted on, by Newton's method
/// with backtracking.
pub(crate) fn mix_scores(scores: &[[f64; 3]], holds: &[bool]) -> [f64; 3] {
    const ITERATIONS: usize = 100;
    const SMALLEST_STEP: f64 = 1e-10;
    let mut shares = Shares::default();
    let mut value = objective(&shares, scores, holds);
    for _ in 0..ITERATIONS {
        let (gradient, curvature) = derivatives(&shares, scores, holds);
        let step = solve(curvature, gradient);
        let descent: f64 = step.iter().zip(gradient).map(|(s, g)| s * g).sum();
        let mut length = 1.0;
        while length >= SMALLEST_STEP {
            let next: Shares = std::array::from_fn(|part| shares[part] - length * step[part]);
            let at_next = objective(&next, scores, holds);
            if at_next < value - 1e-4 * length * descent {
                (shares, value) = (next, at_next);
                break;
            }
            length /= 2.0;
        }
        if length < SMALLEST_STEP || descent < 1e-12 * value {
            break;
        }
    }
    let [sentence, window, assertion, _] = shares;
    [sentence, window, assertion]
}

fn parts([sentence, window, assertion]: &[f64; 3]) -> Shares {
    [*sentence, *window, *assertion, 1.0]
}

fn logit(shares: &Shares, parts: &Shares) -> f64 {
    shares
        .iter()
        .zip(parts)
        .map(|(share, part)| share * part)
        .sum()
}

fn objective(shares: &Shares, scores: &[[f64; 3]], holds: &[bool]) -> f64 {
    let loss = |(score, &held): (&[f64; 3], &bool)| {
        let logit = logit(shares, &parts(score));
        let margin = if held { logit } else { -logit };
        libm::log1p(libm::exp(-margin.abs())) + (-margin).max(0.0)
    };
    let losses: f64 = scores.iter().zip(holds).map(loss).sum();
    0.5 * shares.iter().map(|share| share * share).sum::<f64>() + C * losses
}

fn derivatives(shares: &Shares, scores: &[[f64; 3]], holds: &[bool]) -> (Shares, [Shares; 4]) {
    let mut gradient = *shares;
    let mut curvature: [Shares; 4] =
        std::array::from_fn(|row| std::array::from_fn(|column| f64::from(row == column)));
    for (score, &held) in scores.iter().zip(holds) {
        let parts = parts(score);
        let probability = sigmoid(logit(shares, &parts));
        let slope = C * (probability - f64::from(held));
        let bend = C * probability * (1.0 - probability);
        for row in 0..4 {
            gradient[row] += slope * parts[row];
            for column in 0..=row {
                curvature[row][column] += bend * parts[row] * parts[column];
            }
        }
    }
    (gradient, curvature)
}

/// The solution of a symmetric positive system of which the lower half is given, by the
/// factorisation of Cholesky.
fn solve(mut matrix: [Shares; 4], mut right: Shares) -> Shares {
    for row in 0..4 {
        for column in 0..=row {
            let done: f64 = (0..column)
                .map(|k| matrix[row][k] * matrix[column][k])
                .sum();
            let rest = matrix[row][column] - done;
            matrix[row][column] = match row == column {
                true => rest.sqrt(),
                false => rest / matrix[column][column],
            };
        }
    }
    for row in 0..4 {
        let done: f64 = (0..row).map(|k| matrix[row][k] * right[k]).sum();
        right[row] = (right[row] - done) / matrix[row][row];
    }
    for row in (0..4).rev() {
        let done: f64 = (row + 1..4).map(|k| matrix[k][row] * right[k]).sum();
        right[row] = (right[row] - done) / matrix[row][row];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_vanishes_at_the_shares_found() {
        // The second part tells, the first says the same with noise, the third nothing.
        let scores: Vec<[f64; 3]> = (0..200)
            .map(|row| {
                let told = f64::from(row % 7) - 3.0;
                [
                    told + f64::from(row % 5) - 2.0,
                    told,
                    f64::from(row % 3) - 1.0,
                ]
            })
            .collect();
        let holds: Vec<bool> = (0..200).map(|row| row % 7 > 3 || row % 11 == 0).collect();
        let mix = mix_scores(&scores, &holds);
        assert!(mix[1] > mix[0].abs() && mix[1] > mix[2].abs());
        // With the shares fixed, only the constant is open: its best value leaves no slope.
        let slope_at = |constant: f64| {
            let shares = [mix[0], mix[1], mix[2], constant];
            derivatives(&shares, &scores, &holds).0
        };
        let (mut low, mut high) = (-50.0, 50.0);
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            match slope_at(middle)[3] < 0.0 {
                true => low = middle,
                false => high = middle,
            }
        }
        assert!(
            slope_at(low).iter().all(|slope| slope.abs() < 1e-4),
            "{:?}",
            slope_at(low)
        );
    }

    #[test]
    fn scores_that_part_the_rows_give_finite_shares() {
        let mix = mix_scores(&[[1.0, 1.0, 0.0], [-1.0, -1.0, 0.0]], &[true, false]);
        assert!(mix.iter().all(|share| share.is_finite()) && mix[0] > 0.1);
        assert_eq!(mix_scores(&[], &[]), [0.0; 3]);
    }
}
