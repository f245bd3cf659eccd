//! What fewer, and more, sentences to train on change.

use serde::{Deserialize, Serialize};

use super::examination::Spread;
use super::report::Estimate;

/// Macro-F1 on documents held out, by how many sentences were trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearningCurve {
    /// Sentences of the corpus, those held out of a draw included.
    pub sentences: usize,
    /// Times the documents to train on were drawn; in each the smaller shares lie within the larger.
    pub draws: usize,
    /// By rising number of sentences.
    pub points: Vec<LearningPoint>,
    /// The curve drawn through the points; `None` where no curve fits, as where the figures do not
    /// rise.
    pub fit: Option<PowerLaw>,
    /// What more sentences of the same kind are expected to bring; empty without a fit.
    pub forecasts: Vec<Forecast>,
}

/// Models trained on one share of the documents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearningPoint {
    /// The share of the sentences that there were to train on.
    pub share: f64,
    /// Mean number of sentences.
    pub sentences: f64,
    /// Mean number of documents.
    pub documents: f64,
    /// Macro-F1 over the labels without a parent on the documents held out.
    pub macro_f1: Spread,
    /// F1 of each label, parents before their children.
    pub labels: Vec<LabelPoint>,
}

/// The F1 of one label at one point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelPoint {
    /// The label.
    pub label: String,
    /// Mean F1 of the draws.
    pub f1: f64,
}

/// The error 1 - macro-F1 as a function of the sentences trained on: `floor + scale ×
/// (sentences / unit)^-exponent` (Cortes et al., "Learning curves: asymptotic values and rate of
/// convergence", NIPS 1993).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PowerLaw {
    /// The error that any number of sentences leaves, from 0.
    pub floor: f64,
    /// What `unit` sentences leave above that, from 0.
    pub scale: f64,
    /// How fast it falls, from 0.05 to 2.
    pub exponent: f64,
    /// Sentences at which the scale is given: those of the largest point.
    pub unit: f64,
    /// Root of the mean squared distance of the points from the curve.
    pub residual: f64,
}

/// What some number of sentences is expected to bring.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// How many times as many sentences as the corpus has.
    pub times: f64,
    /// How many sentences that is.
    pub sentences: usize,
    /// Macro-F1 expected, with a 95% interval over resampled draws and their scatter about the curve.
    pub macro_f1: Estimate,
    /// How much more that is than the curve tells of all sentences of the corpus.
    pub gain: Estimate,
}
