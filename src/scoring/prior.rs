//! Labels that are rarer or more frequent in new text than in the training corpus.

use super::decision::LabelMode;

/// How probabilities change where labels are as frequent as in `now` and were as frequent as in
/// `then` when they were calibrated.
///
/// By Bayes' rule the odds of a label are multiplied by the ratio of its odds now and then
/// (Saerens, Latinne and Decaestecker, "Adjusting the outputs of a classifier to new a priori
/// probabilities", Neural Computation 14, 2002).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PriorShift {
    then: Vec<f64>,
    now: Vec<f64>,
}

/// Priors are kept this far from 0 and 1, where nothing could be learnt any more.
const LEAST_PRIOR: f64 = 1e-6;

impl PriorShift {
    /// From the shares of the labels then and now, from 0 to 1, one a label.
    pub(crate) fn new(then: &[f64], now: &[f64]) -> Self {
        let inside = |priors: &[f64]| {
            let clamped = |prior: &f64| prior.clamp(LEAST_PRIOR, 1.0 - LEAST_PRIOR);
            priors.iter().map(clamped).collect()
        };
        Self {
            then: inside(then),
            now: inside(now),
        }
    }

    /// The shares of the labels now.
    pub(crate) fn now(&self) -> &[f64] {
        &self.now
    }

    /// Changes the probabilities of one row.
    pub(crate) fn adjust(&self, mode: LabelMode, probabilities: &mut [f64]) {
        let priors = self.then.iter().zip(&self.now);
        for (probability, (then, now)) in probabilities.iter_mut().zip(priors) {
            let held = *probability * now / then;
            *probability = match mode {
                LabelMode::Single => held,
                LabelMode::Multiple => {
                    let missing = (1.0 - *probability) * (1.0 - now) / (1.0 - then);
                    held / (held + missing)
                }
            };
        }
        mode.normalize(probabilities);
    }

    /// The shares of the labels in unlabelled text, by expectation maximisation over the
    /// calibrated probabilities of its rows, `rows[row × labels + label]`.
    pub(crate) fn estimate(mode: LabelMode, then: &[f64], rows: &[f32]) -> Vec<f64> {
        const ROUNDS: usize = 1000;
        const SMALLEST_CHANGE: f64 = 1e-7;
        let labels = then.len();
        if labels == 0 || rows.is_empty() {
            return then.to_vec();
        }
        let mut shift = Self::new(then, then);
        let mut probabilities = vec![0.0; labels];
        for _ in 0..ROUNDS {
            let mut sums = vec![0.0; labels];
            for row in rows.chunks_exact(labels) {
                for (probability, &given) in probabilities.iter_mut().zip(row) {
                    *probability = f64::from(given);
                }
                shift.adjust(mode, &mut probabilities);
                for (sum, probability) in sums.iter_mut().zip(&probabilities) {
                    *sum += probability;
                }
            }
            let count = (rows.len() / labels) as f64;
            let now: Vec<f64> = sums.iter().map(|sum| sum / count).collect();
            let change = |(a, b): (&f64, &f64)| (a - b).abs();
            let largest = now.iter().zip(&shift.now).map(change).fold(0.0, f64::max);
            shift = Self::new(&shift.then, &now);
            if largest < SMALLEST_CHANGE {
                break;
            }
        }
        shift.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_priors_change_nothing_and_rarer_labels_get_less() {
        let mut probabilities = [0.3, 0.9];
        PriorShift::new(&[0.2, 0.4], &[0.2, 0.4]).adjust(LabelMode::Multiple, &mut probabilities);
        assert!((probabilities[0] - 0.3).abs() < 1e-12 && (probabilities[1] - 0.9).abs() < 1e-12);
        // Odds of 1 with a prior of 1/2 are odds of 1/9 with a prior of 1/10.
        let mut probabilities = [0.5];
        PriorShift::new(&[0.5], &[0.1]).adjust(LabelMode::Multiple, &mut probabilities);
        assert!((probabilities[0] - 0.1).abs() < 1e-12);
    }

    #[test]
    fn single_labels_sum_to_one() {
        let mut probabilities = [0.5, 0.3, 0.2];
        PriorShift::new(&[0.5, 0.3, 0.2], &[0.1, 0.1, 0.8])
            .adjust(LabelMode::Single, &mut probabilities);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((probabilities[2] - 0.8).abs() < 1e-12);
    }

    /// Scores with two outcomes: .9 where 9 of 10 rows hold the label under a prior of 1/2, else .1.
    #[test]
    fn estimates_find_the_share_of_the_new_text() {
        for share in [0.05, 0.2, 0.5, 0.8] {
            let rows = 100_000.0;
            let high = (rows * (share * 0.9 + (1.0 - share) * 0.1)) as usize;
            let mut given = vec![0.9f32; high];
            given.resize(rows as usize, 0.1);
            let found = PriorShift::estimate(LabelMode::Multiple, &[0.5], &given);
            assert!((found[0] - share).abs() < 0.001, "{share}: {found:?}");
        }
        assert_eq!(
            PriorShift::estimate(LabelMode::Multiple, &[0.5], &[]),
            [0.5]
        );
    }

    #[test]
    fn priors_at_the_ends_give_numbers() {
        for mode in [LabelMode::Multiple, LabelMode::Single] {
            for then in [[0.0, 1.0], [1.0, 0.0]] {
                let mut probabilities = [0.0, 1.0];
                PriorShift::new(&then, &[1.0, 0.0]).adjust(mode, &mut probabilities);
                assert!(probabilities.iter().all(|p| p.is_finite()), "{mode:?}");
            }
        }
    }
}
