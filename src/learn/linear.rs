//! A fitted linear model over sparse rows.

use linfa::traits::PredictInplace;
use ndarray::{Array1, ArrayBase, Data, Ix2};

use crate::features::SparseRow;

/// Weights and bias of one binary problem; the score of a row is their dot product plus the bias.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearModel {
    /// One weight a feature.
    pub weights: Array1<f64>,
    /// Added to every score.
    pub bias: f64,
}

impl LinearModel {
    /// The raw score of a row: positive where the label is likelier to hold than not, by the
    /// loss that was minimised.
    pub fn score(&self, row: &SparseRow) -> f64 {
        // Weights are contiguous: they were made by this crate.
        self.weights.as_slice().map_or(0.0, |dense| row.dot(dense)) + self.bias
    }
}

impl<D: Data<Elem = SparseRow>> PredictInplace<ArrayBase<D, Ix2>, Array1<f64>> for LinearModel {
    fn predict_inplace(&self, rows: &ArrayBase<D, Ix2>, scores: &mut Array1<f64>) {
        for (row, score) in rows.iter().zip(scores.iter_mut()) {
            *score = self.score(row);
        }
    }

    fn default_target(&self, rows: &ArrayBase<D, Ix2>) -> Array1<f64> {
        Array1::zeros(rows.nrows())
    }
}

impl<D: Data<Elem = SparseRow>> PredictInplace<ArrayBase<D, Ix2>, Array1<bool>> for LinearModel {
    fn predict_inplace(&self, rows: &ArrayBase<D, Ix2>, holds: &mut Array1<bool>) {
        for (row, held) in rows.iter().zip(holds.iter_mut()) {
            *held = self.score(row) > 0.0;
        }
    }

    fn default_target(&self, rows: &ArrayBase<D, Ix2>) -> Array1<bool> {
        Array1::from_elem(rows.nrows(), false)
    }
}
