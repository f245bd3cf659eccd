//! Naive Bayes classifiers over sparse rows: linear in the values, fitted in one pass.

use linfa::ParamGuard;
use linfa::dataset::{AsSingleTargets, DatasetBase};
use linfa::traits::Fit;
use ndarray::{Array1, ArrayBase, Data, Ix2};
use serde::{Deserialize, Serialize};

use super::linear::LinearModel;
use crate::error::{Error, Result};
use crate::features::SparseRow;

/// Which distribution is estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NaiveBayesKind {
    /// Features of each class, with the class's prior (McCallum and Nigam 1998).
    Multinomial,
    /// Features of all other classes, weights normalised, no prior: better where classes are
    /// uneven (Rennie, Shih, Teevan and Karger, ICML 2003).
    #[default]
    Complement,
}

/// Parameters of naive Bayes, not yet checked.
#[derive(Clone, Debug, PartialEq)]
pub struct NaiveBayes(NaiveBayesValid);

/// Checked parameters of naive Bayes.
#[derive(Clone, Debug, PartialEq)]
pub struct NaiveBayesValid {
    features: usize,
    classes: usize,
    kind: NaiveBayesKind,
    smoothing: f64,
}

impl NaiveBayes {
    /// Parameters for rows of `features` features in `classes` classes.
    pub fn new(features: usize, classes: usize, kind: NaiveBayesKind) -> Self {
        Self(NaiveBayesValid {
            features,
            classes,
            kind,
            smoothing: 0.3,
        })
    }

    /// Added to the summed value of every feature (Lidstone); above 0.
    pub fn smoothing(mut self, smoothing: f64) -> Self {
        self.0.smoothing = smoothing;
        self
    }
}

impl ParamGuard for NaiveBayes {
    type Checked = NaiveBayesValid;
    type Error = Error;

    fn check_ref(&self) -> Result<&Self::Checked> {
        if self.0.smoothing > 0.0 && self.0.smoothing.is_finite() {
            return Ok(&self.0);
        }
        Err(Error::Setting {
            name: "learner.smoothing",
            value: self.0.smoothing.to_string(),
            allowed: "a number above 0",
        })
    }

    fn check(self) -> Result<Self::Checked> {
        self.check_ref()?;
        Ok(self.0)
    }
}

impl<D, T> Fit<ArrayBase<D, Ix2>, T, Error> for NaiveBayesValid
where
    D: Data<Elem = SparseRow>,
    T: AsSingleTargets<Elem = usize>,
{
    /// One linear model a class; the class with the highest score is the likeliest.
    type Object = Vec<LinearModel>;

    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<Vec<LinearModel>> {
        let classes = dataset.targets.as_single_targets();
        let mut sums = vec![vec![0.0; self.features]; self.classes];
        let mut counts = vec![0usize; self.classes];
        for (row, &class) in dataset.records.iter().zip(classes) {
            let sum = sums
                .get_mut(class)
                .ok_or(linfa::Error::MismatchedShapes(self.classes, class + 1))?;
            counts[class] += 1;
            for (index, value) in row.iter() {
                *sum.get_mut(index)
                    .ok_or(linfa::Error::MismatchedShapes(self.features, index + 1))? += value;
            }
        }
        if dataset.records.is_empty() {
            return Err(linfa::Error::NotEnoughSamples.into());
        }
        Ok(match self.kind {
            NaiveBayesKind::Multinomial => self.multinomial(&sums, &counts),
            NaiveBayesKind::Complement => self.complement(&sums),
        })
    }
}

impl NaiveBayesValid {
    /// Logarithms of the smoothed shares of the features.
    fn log_shares(&self, sums: &[f64]) -> Vec<f64> {
        let total: f64 = sums.iter().sum::<f64>() + self.smoothing * sums.len() as f64;
        sums.iter()
            .map(|sum| libm::log((sum + self.smoothing) / total))
            .collect()
    }

    fn multinomial(&self, sums: &[Vec<f64>], counts: &[usize]) -> Vec<LinearModel> {
        let rows: usize = counts.iter().sum();
        sums.iter()
            .zip(counts)
            .map(|(sum, &count)| LinearModel {
                weights: Array1::from_vec(self.log_shares(sum)),
                bias: libm::log(count.max(1) as f64 / rows as f64),
            })
            .collect()
    }

    fn complement(&self, sums: &[Vec<f64>]) -> Vec<LinearModel> {
        let totals: Vec<f64> = (0..self.features)
            .map(|feature| sums.iter().map(|sum| sum[feature]).sum())
            .collect();
        sums.iter()
            .map(|sum| {
                let others: Vec<f64> = totals.iter().zip(sum).map(|(t, s)| t - s).collect();
                let logs = self.log_shares(&others);
                // A single feature has the share one, whose logarithm is no norm.
                let norm = logs.iter().map(|log| log.abs()).sum::<f64>().max(1e-9);
                LinearModel {
                    weights: logs.iter().map(|log| -log / norm).collect(),
                    bias: 0.0,
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::records;

    fn fit(kind: NaiveBayesKind, smoothing: f64) -> Result<Vec<LinearModel>> {
        let row = |pairs: &[(u32, f32)]| SparseRow::from_pairs(&mut pairs.to_vec());
        let rows = vec![
            row(&[(0, 3.0), (1, 1.0)]),
            row(&[(0, 1.0)]),
            row(&[(1, 2.0), (2, 2.0)]),
        ];
        let data = DatasetBase::new(records(rows), Array1::from_vec(vec![0, 0, 1]));
        NaiveBayes::new(3, 2, kind).smoothing(smoothing).fit(&data)
    }

    #[test]
    fn multinomial_weights_are_log_shares() {
        let fitted = fit(NaiveBayesKind::Multinomial, 1.0).unwrap();
        assert!((fitted[0].weights[0] - (5.0f64 / 8.0).ln()).abs() < 1e-12);
        assert!((fitted[1].weights[0] - (1.0f64 / 7.0).ln()).abs() < 1e-12);
        assert!((fitted[0].bias - (2.0f64 / 3.0).ln()).abs() < 1e-12);
    }

    #[test]
    fn complement_weights_come_from_the_other_classes() {
        let fitted = fit(NaiveBayesKind::Complement, 1.0).unwrap();
        let logs = [1.0f64 / 7.0, 3.0 / 7.0, 3.0 / 7.0].map(f64::ln);
        let norm: f64 = logs.iter().map(|log| log.abs()).sum();
        assert!((fitted[0].weights[0] + logs[0] / norm).abs() < 1e-12);
    }

    #[test]
    fn smoothing_is_checked() {
        assert!(fit(NaiveBayesKind::Complement, 0.0).is_err());
    }
}
