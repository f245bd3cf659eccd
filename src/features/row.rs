//! Sparse rows as linfa's records.

use std::sync::Arc;

use ndarray::Array2;

/// One sentence as a sparse vector: ascending feature numbers and their values.
///
/// linfa's `Records` covers only ndarray's arrays, so a data set of sparse rows is an
/// `Array2<SparseRow>` of shape (sentences, 1). Cloning shares the storage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SparseRow {
    indices: Arc<[u32]>,
    values: Arc<[f32]>,
}

impl SparseRow {
    /// A row from pairs in any order; values of the same feature are added up.
    pub(crate) fn from_pairs(pairs: &mut Vec<(u32, f32)>) -> Self {
        // A stable sort keeps equal features in the order they were read: sums are reproducible.
        pairs.sort_by_key(|&(index, _)| index);
        let (indices, values): (Vec<u32>, Vec<f32>) = pairs
            .chunk_by(|a, b| a.0 == b.0)
            .map(|same| (same[0].0, same.iter().map(|&(_, value)| value).sum::<f32>()))
            .unzip();
        pairs.clear();
        Self {
            indices: indices.into(),
            values: values.into(),
        }
    }

    /// Feature numbers, ascending.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// Values, one for each index.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Pairs of feature number and value.
    pub fn iter(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.indices
            .iter()
            .zip(self.values.iter())
            .map(|(&index, &value)| (index as usize, f64::from(value)))
    }

    /// The dot product with a dense vector.
    pub(crate) fn dot(&self, dense: &[f64]) -> f64 {
        self.iter().map(|(index, value)| dense[index] * value).sum()
    }

    /// The squared Euclidean norm.
    pub(crate) fn squared_norm(&self) -> f64 {
        self.iter().map(|(_, value)| value * value).sum()
    }
}

/// Rows as linfa's records, of shape (rows, 1).
pub fn records(rows: Vec<SparseRow>) -> Array2<SparseRow> {
    ndarray::Array1::from_vec(rows).insert_axis(ndarray::Axis(1))
}
