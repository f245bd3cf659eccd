//! Several systems on the same rows.

use serde::{Deserialize, Serialize};

use super::report::Estimate;

/// Several systems measured on the same rows, and whether they differ by more than chance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Rows judged.
    pub rows: usize,
    /// Documents they come from.
    pub documents: usize,
    /// The labels that all systems decide, on which they are compared.
    pub labels: Vec<String>,
    /// Folds behind systems that were trained for the comparison.
    pub folds: Option<usize>,
    /// Draws of the randomisation test.
    pub draws: usize,
    /// Resamples of documents behind the intervals.
    pub bootstrap_samples: usize,
    /// The systems, in the order given.
    pub systems: Vec<ComparedSystem>,
    /// Each pair once, or each system with the first.
    pub pairs: Vec<ComparedPair>,
}

/// One system of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedSystem {
    /// What the user called it.
    pub name: String,
    /// Whether it was trained on the other folds for each row, or is a finished model.
    pub trained_on_folds: bool,
    /// Whether it is a model that was trained on these very rows, which flatters it.
    pub trained_on_these_rows: bool,
    /// Macro-F1 over the labels without a parent.
    pub macro_f1: Estimate,
    /// Micro-F1 over the same labels.
    pub micro_f1: Estimate,
    /// Share of the rows with every label right.
    pub exact_match: Estimate,
    /// F1 of each label that is compared, parents included.
    pub labels: Vec<ComparedLabel>,
}

/// A label's figure in one system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedLabel {
    /// The label.
    pub label: String,
    /// Its F1.
    pub f1: Estimate,
}

/// Two systems of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedPair {
    /// Place of the first system in the list of systems, from 0.
    pub first: usize,
    /// Place of the second system.
    pub second: usize,
    /// Rows that the two label in different ways.
    pub decided_otherwise: usize,
    /// Of macro-F1.
    pub macro_f1: Difference,
    /// Of micro-F1.
    pub micro_f1: Difference,
    /// Of the share of rows with every label right.
    pub exact_match: Difference,
}

/// A figure of the second system less that of the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The difference, with its interval over resampled documents.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// How likely a difference of this size, either way, is where the systems are alike: by
    /// approximate randomisation, which swaps the two systems' decisions on whole documents.
    pub p: f64,
    /// The same for all pairs of the comparison together, after Holm.
    pub p_holm: f64,
}
