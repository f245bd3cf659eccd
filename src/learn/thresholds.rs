//! Choosing thresholds on out-of-fold probabilities.

use super::aim::Aim;

/// The threshold that serves an aim best, halfway between two neighbouring probabilities; 0.5
/// where no row holds the label. Where no threshold reaches a floor, the one that comes nearest.
pub fn best_threshold(aim: Aim, probabilities: &[f64], holds: &[bool]) -> f64 {
    let positives = holds.iter().filter(|&&held| held).count();
    if positives == 0 {
        return 0.5;
    }
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    let (mut best_merit, mut best) = ([0.0; 3], 0.5);
    let mut true_positives = 0;
    for (taken, &row) in order.iter().enumerate() {
        true_positives += usize::from(holds[row]);
        let here = probabilities[row];
        let below = order
            .get(taken + 1)
            .map_or(0.0, |&next| probabilities[next]);
        if below == here {
            continue;
        }
        let merit = merit(aim, true_positives, taken + 1, positives);
        if merit > best_merit {
            (best_merit, best) = (merit, (here + below) / 2.0);
        }
    }
    best
}

/// How well a threshold serves an aim, to be compared place by place: of `taken` rows above it
/// `right` hold the label, and `positives` hold it in all.
fn merit(aim: Aim, right: usize, taken: usize, positives: usize) -> [f64; 3] {
    let [right, taken, positives] = [right, taken, positives].map(|count| count as f64);
    let (precision, recall) = (right / taken, right / positives);
    let floored = |floor: f64, kept: f64, other: f64| match kept >= floor {
        true => [1.0, other, kept],
        false => [0.0, kept, other],
    };
    match aim {
        Aim::FBeta(beta) => {
            let squared = beta * beta;
            let f = (1.0 + squared) * right / (squared * positives + taken);
            [f, 0.0, 0.0]
        }
        Aim::Precision(floor) => floored(floor, precision, recall),
        Aim::Recall(floor) => floored(floor, recall, precision),
    }
}

/// Thresholds for exactly one label a row: the label with the highest ratio of probability to
/// threshold wins. Coordinate ascent on macro-F1, from thresholds of 1.
///
/// `probabilities[row][label]`; `classes[row]` is the label that holds.
pub fn best_single_label_thresholds(
    probabilities: &[Vec<f64>],
    classes: &[usize],
    labels: usize,
) -> Vec<f64> {
    const ROUNDS: usize = 3;
    const FACTORS: [f64; 9] = [0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0];
    let mut thresholds = vec![1.0; labels];
    let mut best = macro_f1(probabilities, classes, &thresholds);
    for _ in 0..ROUNDS {
        let before = best;
        for label in 0..labels {
            for factor in FACTORS {
                let mut candidate = thresholds.clone();
                candidate[label] = factor;
                let f1 = macro_f1(probabilities, classes, &candidate);
                if f1 > best + 1e-9 {
                    (best, thresholds) = (f1, candidate);
                }
            }
        }
        if best <= before {
            break;
        }
    }
    thresholds
}

fn macro_f1(probabilities: &[Vec<f64>], classes: &[usize], thresholds: &[f64]) -> f64 {
    let labels = thresholds.len();
    let mut hits = vec![0usize; labels];
    let mut sizes = vec![0usize; labels];
    for (row, &class) in probabilities.iter().zip(classes) {
        let ratio = |label: usize| row[label] / thresholds[label];
        let best = (1..labels).fold(0, |best, label| {
            if ratio(label) > ratio(best) {
                label
            } else {
                best
            }
        });
        hits[best] += usize::from(best == class);
        sizes[best] += 1;
        sizes[class] += 1;
    }
    let f1 = |label: usize| 2.0 * hits[label] as f64 / sizes[label].max(1) as f64;
    (0..labels).map(f1).sum::<f64>() / labels as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const F1: Aim = Aim::FBeta(1.0);

    #[test]
    fn thresholds_lie_between_probabilities() {
        let best = |holds: &[bool]| best_threshold(F1, &[0.9, 0.8, 0.4, 0.2], holds);
        assert!((best(&[true, true, false, false]) - 0.6).abs() < 1e-12);
        assert!((best(&[true, false, true, false]) - 0.3).abs() < 1e-12);
        assert_eq!(best(&[false; 4]), 0.5);
    }

    #[test]
    fn equal_probabilities_are_not_divided() {
        let threshold = best_threshold(F1, &[0.7, 0.7, 0.1], &[true, false, false]);
        assert!((threshold - 0.4).abs() < 1e-12);
    }

    #[test]
    fn floors_are_kept_and_the_other_side_made_the_most_of() {
        // Precision by threshold: 1, 1/2, 2/3, 3/4, 3/5; recall: 1/3, 1/3, 2/3, 1, 1.
        let probabilities = [0.9, 0.8, 0.7, 0.6, 0.5];
        let holds = [true, false, true, true, false];
        let best = |aim| best_threshold(aim, &probabilities, &holds);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(best(Aim::Precision(0.7)), 0.55));
        assert!(close(best(Aim::Precision(0.8)), 0.85));
        assert!(close(best(Aim::Recall(0.6)), 0.55));
        assert!(close(best(Aim::Recall(0.3)), 0.85));
        // Recall counts for more with a larger beta.
        let rows = [true, true, false, false, true];
        let best = |beta| best_threshold(Aim::FBeta(beta), &probabilities, &rows);
        assert!(best(0.5) > best(2.0));
        // No threshold reaches a precision of 1 here: the highest there is.
        let threshold = best_threshold(Aim::Precision(1.0), &[0.9, 0.8], &[false, true]);
        assert!(close(threshold, 0.4));
    }

    #[test]
    fn rare_labels_get_lower_thresholds() {
        let probabilities: Vec<Vec<f64>> = (0..20)
            .map(|row| match row {
                0..4 => vec![0.6, 0.4],
                _ => vec![0.8, 0.2],
            })
            .collect();
        let classes: Vec<usize> = (0..20).map(|row| usize::from(row < 4)).collect();
        let thresholds = best_single_label_thresholds(&probabilities, &classes, 2);
        assert_eq!(macro_f1(&probabilities, &classes, &thresholds), 1.0);
    }
}
