//! Everything that one examination of a model, or of settings, found out.

use serde::{Deserialize, Serialize};

use super::abstention::RiskCoverage;
use super::learning_curve::LearningCurve;
use super::noise::NoiseEffect;
use super::reliability::LabelCalibration;
use super::report::Report;
use super::review::ReviewPoint;
use super::slices::{Slice, Slices};

/// Everything measured on the same rows. What was not asked for is empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Examination {
    /// How the rows came to their predictions.
    pub method: Method,
    /// The figures of each label and over all. In JSON its fields stand beside the others.
    #[serde(flatten)]
    pub report: Report,
    /// What is left where the least sure rows are read by hand (`--review`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub review: Option<ReviewPoint>,
    /// The figures of each fold, source or period that was held out.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub parts: Vec<Part>,
    /// Where folds were drawn several times: how much the figures depend on the draw.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub repeats: Option<Repeats>,
    /// How far the probabilities of each label can be believed.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub calibration: Vec<LabelCalibration>,
    /// What is gained where the least sure rows are not decided.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub risk_coverage: Option<RiskCoverage>,
    /// The figures by length and by fields of the corpus.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub slices: Vec<Slices>,
    /// What other spellings of the same text change.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub noise: Vec<NoiseEffect>,
    /// What fewer, and more, sentences to train on change.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub learning_curve: Option<LearningCurve>,
}

/// How rows came to their predictions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Method {
    /// A finished model predicted all rows.
    Model {
        /// Whether the model was trained on these very rows, so that the figures flatter it.
        trained_on_these_rows: bool,
    },
    /// Each row was predicted by a model fitted to the documents of the other folds.
    Folds {
        /// Folds.
        folds: usize,
        /// Times the folds were drawn; figures but [`Examination::repeats`] are of the first.
        repeats: usize,
    },
    /// Each row was predicted by a model fitted to the rows with other values of a field.
    LeaveOneOut {
        /// The field.
        field: String,
        /// Rows without it, which were always fitted on and are not measured.
        without: usize,
    },
    /// Each row was predicted by a model fitted to the rows of earlier periods.
    ByPeriod {
        /// The field that holds the date.
        field: String,
        /// What is one period.
        period: Period,
        /// Rows of the first periods, which were only fitted on.
        first: usize,
        /// Rows without a date, which were left out.
        without: usize,
    },
}

/// What is one period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// A calendar year.
    #[default]
    Year,
    /// A calendar month.
    Month,
}

/// Rows that were held out together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Rows that the model for this part was fitted on.
    pub fitted_on: usize,
    /// The figures; its value is the fold's number from 1, the source or the period.
    #[serde(flatten)]
    pub slice: Slice,
}

/// Figures of several draws of the folds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repeats {
    /// Macro-F1 over the labels without a parent.
    pub macro_f1: Spread,
    /// Micro-F1 over the same labels.
    pub micro_f1: Spread,
    /// Share of the rows with every label right.
    pub exact_match: Spread,
    /// F1 of each label, in the order of the report.
    pub labels: Vec<LabelSpread>,
}

/// A label's F1 in several draws of the folds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelSpread {
    /// The label.
    pub label: String,
    /// Its F1.
    pub f1: Spread,
}

/// One figure from several draws of the folds. It tells what chance in the division does, not how
/// far the figure is from that of all text: for that see the intervals.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean of the draws.
    pub mean: f64,
    /// Standard deviation between the draws.
    pub deviation: f64,
    /// The figure of each draw.
    pub values: Vec<f64>,
}

impl Spread {
    /// The mean and standard deviation of some values.
    pub fn of(values: Vec<f64>) -> Self {
        let count = values.len() as f64;
        let mean = match values.is_empty() {
            true => 0.0,
            false => values.iter().sum::<f64>() / count,
        };
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        Self {
            mean,
            deviation: match values.len() {
                0 | 1 => 0.0,
                _ => (squares / (count - 1.0)).sqrt(),
            },
            values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_those_of_a_sample() {
        let spread = Spread::of(vec![2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(spread.mean, 5.0);
        assert!((spread.deviation - (32.0f64 / 7.0).sqrt()).abs() < 1e-12);
        assert_eq!(Spread::of(vec![3.0]).deviation, 0.0);
        assert_eq!(Spread::of(Vec::new()).mean, 0.0);
    }
}
