//! Which learner is fitted, and how.

use serde::{Deserialize, Serialize};

use super::aim::Aim;
use super::calibrate::CalibrationKind;
use super::dual::ClassWeights;
use super::ftrl::StreamSettings;
use crate::error::{Error, Result};

/// The estimators that can be trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LearnerKind {
    /// Logistic regression by dual coordinate descent.
    Logistic,
    /// Support vector machine by dual coordinate descent.
    #[default]
    Svm,
    /// Complement naive Bayes.
    ComplementNb,
    /// Multinomial naive Bayes.
    MultinomialNb,
    /// FTRL-proximal, row by row; only and always with --stream.
    Ftrl,
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
            Self::Logistic | Self::Svm | Self::ComplementNb | Self::MultinomialNb | Self::Ftrl
        )
    }

    /// Whether the learner takes sentences as they are, without rows that are written out.
    pub(crate) fn works_on_spans(self) -> bool {
        matches!(self, Self::Logistic | Self::Svm)
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
    /// C of logistic regression and support vector machines, linfa's included; without it 1 for
    /// support vector machines and 30 for logistic regression, the best out of fold.
    pub c: Option<f64>,
    /// How much the rows of each side count (logistic, svm).
    pub class_weights: ClassWeights,
    /// Value of the constant feature whose weight is the bias (logistic, svm).
    pub bias_scale: f64,
    /// Violation of optimality at which descent stops (logistic, svm); it also stops where its
    /// objective lies above the minimum by at most half the square of this, as a share.
    pub tolerance: f64,
    /// Passes over the rows (logistic, svm) or steps (linfa-logistic).
    pub max_iterations: usize,
    /// Added to every feature's sum (naive Bayes).
    pub smoothing: f64,
    /// Words in a window of local evidence, the one in the middle included, so an odd number
    /// (logistic, svm; several labels); 0 scores whole sentences only.
    pub window_words: usize,
    /// Whether it is learnt, for all labels together, if what triggers a label is asserted; where
    /// windows are learnt.
    pub assertion: bool,
    /// Times the windows of the training sentences are chosen.
    pub window_rounds: usize,
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
    /// How rows are learnt from that come one by one (`marsad train --stream`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamSettings>,
}

impl Default for LearnerSettings {
    fn default() -> Self {
        Self {
            kind: LearnerKind::default(),
            c: None,
            class_weights: ClassWeights::default(),
            bias_scale: 1.0,
            tolerance: 0.03,
            max_iterations: 300,
            smoothing: 0.1,
            window_words: 9,
            assertion: true,
            window_rounds: 2,
            top_features: 1000,
            memory_limit: 2048,
            epochs: 3,
            trees: 50,
            depth: 20,
            stream: None,
        }
    }
}

/// A longer window is a whole article.
const LONGEST_WINDOW: usize = 1001;

impl LearnerSettings {
    /// C as set, or the learner's own default.
    pub fn c(&self) -> f64 {
        self.c.unwrap_or(match self.kind {
            LearnerKind::Svm | LearnerKind::LinfaSvm => 1.0,
            _ => 30.0,
        })
    }

    /// Whether windows are learnt beside whole sentences.
    pub fn learns_windows(&self, single_label: bool) -> bool {
        self.window_words > 0
            && !single_label
            && matches!(self.kind, LearnerKind::Logistic | LearnerKind::Svm)
    }

    /// Checks all values, whichever learner uses them.
    ///
    /// # Errors
    /// Names the first setting that is out of bounds.
    pub fn check(&self) -> Result<()> {
        const NUMBERS: std::ops::RangeInclusive<f64> = 1e-6..=1e6;
        for (name, value) in [
            ("learner.c", self.c()),
            ("learner.tolerance", self.tolerance),
            ("learner.smoothing", self.smoothing),
        ] {
            if !NUMBERS.contains(&value) {
                return out_of_bounds(name, value, "from 0.000001 to 1000000");
            }
        }
        if !(0.0..=1e6).contains(&self.bias_scale) {
            return out_of_bounds("learner.bias_scale", self.bias_scale, "from 0 to 1000000");
        }
        if self.kind == LearnerKind::LinfaFtrl && self.c() < 1.0 {
            return out_of_bounds("learner.c", self.c(), "at least 1 for linfa-ftrl");
        }
        for (name, value) in [
            ("learner.max_iterations", self.max_iterations),
            ("learner.window_rounds", self.window_rounds),
            ("learner.top_features", self.top_features),
            ("learner.memory_limit", self.memory_limit),
            ("learner.epochs", self.epochs),
            ("learner.trees", self.trees),
            ("learner.depth", self.depth),
        ] {
            if !(1..=1_000_000).contains(&value) {
                return out_of_bounds(name, value, "from 1 to 1000000");
            }
        }
        if let Some(stream) = &self.stream {
            stream.check()?;
        }
        if self.window_words > 0 && self.window_words.is_multiple_of(2) {
            return out_of_bounds("learner.window_words", self.window_words, "0 or odd");
        }
        if self.window_words > LONGEST_WINDOW {
            return out_of_bounds("learner.window_words", self.window_words, "at most 1001");
        }
        if self.trees > 10_000 {
            return out_of_bounds("learner.trees", self.trees, "from 1 to 10000");
        }
        Ok(())
    }
}

fn out_of_bounds(name: &'static str, value: impl ToString, allowed: &'static str) -> Result<()> {
    Err(Error::Setting {
        name,
        value: value.to_string(),
        allowed,
    })
}

/// How a model is trained and measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSettings {
    /// Folds for measuring, calibration and thresholds.
    pub folds: usize,
    /// Instead of folds: the share of the sentences, in whole documents, that the model is not
    /// fitted on, but calibrated and measured on. Costs one fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_out: Option<f64>,
    /// Whether each row has exactly one label.
    pub single_label: bool,
    /// Decides folds and every random order.
    pub seed: u64,
    /// Which calibration is fitted to the out-of-fold scores.
    pub calibration: CalibrationKind,
    /// What the threshold of each label is chosen for.
    pub aim: Aim,
    /// Resamples of documents for the intervals of the figures.
    pub bootstrap_samples: usize,
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self {
            folds: 5,
            hold_out: None,
            single_label: false,
            seed: 1,
            calibration: CalibrationKind::default(),
            aim: Aim::default(),
            bootstrap_samples: 1000,
        }
    }
}

/// More resamples than this take memory and time for nothing.
pub const MOST_BOOTSTRAP_SAMPLES: usize = 100_000;

impl TrainingSettings {
    /// Checks the values that do not depend on a corpus.
    ///
    /// # Errors
    /// Names the first setting that is out of bounds.
    pub fn check(&self) -> Result<()> {
        if self.folds < 2 {
            return out_of_bounds("training.folds", self.folds, "at least 2");
        }
        if let Some(share) = self.hold_out
            && !(0.01..=0.5).contains(&share)
        {
            return out_of_bounds("training.hold_out", share, "a share from 0.01 to 0.5");
        }
        if self.bootstrap_samples > MOST_BOOTSTRAP_SAMPLES {
            let samples = self.bootstrap_samples;
            return out_of_bounds("training.bootstrap_samples", samples, "at most 100000");
        }
        if self.single_label && self.aim != Aim::default() {
            return out_of_bounds("training.aim", self.aim, "f1 where every row has one label");
        }
        Ok(())
    }
}
