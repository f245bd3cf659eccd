//! Which learner is fitted, and how.

use serde::{Deserialize, Serialize};

use super::calibrate::CalibrationKind;
use super::dual::ClassWeights;
use crate::error::{Error, Result};

/// The estimators that can be trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LearnerKind {
    /// Logistic regression by dual coordinate descent.
    #[default]
    Logistic,
    /// Support vector machine by dual coordinate descent.
    Svm,
    /// Complement naive Bayes.
    ComplementNb,
    /// Multinomial naive Bayes.
    MultinomialNb,
    /// linfa's logistic regression (L-BFGS), multinomial with --single-label.
    LinfaLogistic,
    /// linfa's Bernoulli naive Bayes.
    LinfaNb,
    /// linfa's follow-the-regularised-leader.
    LinfaFtrl,
    /// linfa's support vector machine (SMO) with a linear kernel.
    LinfaSvm,
    /// linfa's decision tree.
    LinfaTree,
    /// linfa's random forest.
    LinfaForest,
}

impl LearnerKind {
    /// Whether the learner is one of linfa's own over dense rows.
    pub fn is_stock(self) -> bool {
        !matches!(
            self,
            Self::Logistic | Self::Svm | Self::ComplementNb | Self::MultinomialNb
        )
    }

    /// The name on the command line and in configuration files.
    pub fn name(self) -> String {
        clap::ValueEnum::to_possible_value(&self)
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// A learner with its parameters; those that it does not use are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LearnerSettings {
    /// Which estimator.
    pub kind: LearnerKind,
    /// C of logistic regression and support vector machines, linfa's included.
    pub c: f64,
    /// How much the rows of each side count (logistic, svm).
    pub class_weights: ClassWeights,
    /// Value of the constant feature whose weight is the bias (logistic, svm).
    pub bias_scale: f64,
    /// Violation of optimality at which descent stops (logistic, svm).
    pub tolerance: f64,
    /// Passes over the rows (logistic, svm) or steps (linfa-logistic).
    pub max_iterations: usize,
    /// Added to every feature's sum (naive Bayes).
    pub smoothing: f64,
    /// Features kept by chi-squared for linfa's estimators.
    pub top_features: usize,
    /// Memory in MB that linfa's estimators may take.
    pub memory_limit: usize,
    /// Passes over the rows (linfa-ftrl).
    pub epochs: usize,
    /// Trees of linfa-forest.
    pub trees: usize,
    /// Depth of linfa-tree and linfa-forest.
    pub depth: usize,
}

impl Default for LearnerSettings {
    fn default() -> Self {
        Self {
            kind: LearnerKind::default(),
            c: 10.0,
            class_weights: ClassWeights::default(),
            bias_scale: 1.0,
            tolerance: 0.05,
            max_iterations: 200,
            smoothing: 0.1,
            top_features: 1000,
            memory_limit: 2048,
            epochs: 3,
            trees: 50,
            depth: 20,
        }
    }
}

impl LearnerSettings {
    /// Checks what no estimator checks by itself.
    ///
    /// # Errors
    /// Names the first setting that is out of bounds.
    pub fn check(&self) -> Result<()> {
        for (name, value) in [
            ("learner.top_features", self.top_features),
            ("learner.memory_limit", self.memory_limit),
            ("learner.epochs", self.epochs),
            ("learner.trees", self.trees),
            ("learner.depth", self.depth),
        ] {
            if value == 0 {
                return Err(Error::Setting {
                    name,
                    value: "0".into(),
                    allowed: "at least 1",
                });
            }
        }
        Ok(())
    }
}

/// How a model is trained and measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSettings {
    /// Folds for measuring, calibration and thresholds.
    pub folds: usize,
    /// Whether each row has exactly one label.
    pub single_label: bool,
    /// Decides folds and every random order.
    pub seed: u64,
    /// Which calibration is fitted to the out-of-fold scores.
    pub calibration: CalibrationKind,
    /// Resamples of documents for the intervals of the figures.
    pub bootstrap_samples: usize,
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self {
            folds: 5,
            single_label: false,
            seed: 1,
            calibration: CalibrationKind::default(),
            bootstrap_samples: 1000,
        }
    }
}
