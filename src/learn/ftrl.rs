//! Linear classifiers learnt from rows that come one by one, by FTRL-proximal.
//!
//! Follow the regularised leader after McMahan et al., "Ad click prediction: a view from the
//! trenches" (KDD 2013): logistic loss, a rate of its own for each weight, which falls with the
//! gradients that the weight has seen.

use linfa::ParamGuard;
use linfa::dataset::{AsSingleTargets, DatasetBase};
use linfa::traits::Fit;
use ndarray::{ArrayBase, Data, Ix2};
use serde::{Deserialize, Serialize};

use super::dual::ClassWeights;
use super::linear::LinearModel;
use crate::error::{Error, Result};
use crate::features::SparseRow;
use crate::scoring::sigmoid;

/// Columns that are computed together.
const LANES: usize = 4;
type Lanes = [f32; LANES];

/// How rows are learnt from that come one by one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamSettings {
    /// α: how fast weights are learnt.
    pub alpha: f64,
    /// β: how much gradient a weight has to see before its rate falls.
    pub beta: f64,
    /// Weight of the sum of the absolute weights: a larger one leaves more weights at 0.
    pub l1: f64,
    /// Weight of the sum of the squared weights.
    pub l2: f64,
    /// Passes over the rows in which weights are learnt.
    pub epochs: usize,
    /// Features kept, the most frequent; without it as many as fit `memory_limit`.
    pub max_features: Option<usize>,
    /// Memory in MB that the run may take.
    pub memory_limit: usize,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            alpha: 0.5,
            beta: 0.01,
            l1: 0.0,
            l2: 0.0,
            epochs: 1,
            max_features: None,
            memory_limit: 400,
        }
    }
}

impl StreamSettings {
    /// Checks the values.
    ///
    /// # Errors
    /// Names the first that is out of bounds.
    pub fn check(&self) -> Result<()> {
        for (name, value, least, allowed) in [
            (
                "learner.stream.alpha",
                self.alpha,
                1e-6,
                "from 0.000001 to 1000000",
            ),
            (
                "learner.stream.beta",
                self.beta,
                1e-6,
                "from 0.000001 to 1000000",
            ),
            ("learner.stream.l1", self.l1, 0.0, "from 0 to 1000000"),
            ("learner.stream.l2", self.l2, 0.0, "from 0 to 1000000"),
        ] {
            if !(least..=1e6).contains(&value) {
                return Err(out_of_bounds(name, value, allowed));
            }
        }
        if !(1..=1000).contains(&self.epochs) {
            return Err(out_of_bounds(
                "learner.stream.epochs",
                self.epochs,
                "from 1 to 1000",
            ));
        }
        if let Some(most) = self
            .max_features
            .filter(|most| !(1..=1 << 28).contains(most))
        {
            let allowed = "from 1 to 268435456";
            return Err(out_of_bounds("learner.stream.max_features", most, allowed));
        }
        Ok(())
    }
}

fn out_of_bounds(name: &'static str, value: impl ToString, allowed: &'static str) -> Error {
    Error::Setting {
        name,
        value: value.to_string(),
        allowed,
    }
}

/// Parameters of FTRL-proximal for one binary problem, not yet checked.
#[derive(Clone, Debug, PartialEq)]
pub struct FtrlProximal(FtrlProximalValid);

/// Checked parameters of FTRL-proximal.
#[derive(Clone, Debug, PartialEq)]
pub struct FtrlProximalValid {
    features: usize,
    settings: StreamSettings,
    class_weights: ClassWeights,
}

impl FtrlProximal {
    /// Parameters for rows of `features` features.
    pub fn new(features: usize, settings: StreamSettings) -> Self {
        Self(FtrlProximalValid {
            features,
            settings,
            class_weights: ClassWeights::default(),
        })
    }

    /// How much the rows of each side count.
    pub fn class_weights(mut self, class_weights: ClassWeights) -> Self {
        self.0.class_weights = class_weights;
        self
    }
}

impl ParamGuard for FtrlProximal {
    type Checked = FtrlProximalValid;
    type Error = Error;

    fn check_ref(&self) -> Result<&Self::Checked> {
        self.0.settings.check()?;
        Ok(&self.0)
    }

    fn check(self) -> Result<Self::Checked> {
        self.check_ref()?;
        Ok(self.0)
    }
}

impl<D, T> Fit<ArrayBase<D, Ix2>, T, Error> for FtrlProximalValid
where
    D: Data<Elem = SparseRow>,
    T: AsSingleTargets<Elem = bool>,
{
    type Object = LinearModel;

    /// Learns from the rows in their order, as often as there are epochs.
    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<LinearModel> {
        let holds = dataset.targets.as_single_targets();
        if holds.is_empty() || dataset.records.len() != holds.len() {
            return Err(linfa::Error::NotEnoughSamples.into());
        }
        let largest = (dataset.records.iter()).filter_map(|row| row.indices().last());
        let needed = largest.max().map_or(0, |&index| index as usize + 1);
        if needed > self.features {
            return Err(linfa::Error::MismatchedShapes(self.features, needed).into());
        }
        let positives = holds.iter().filter(|&&held| held).count();
        let weights = self.class_weights.of(holds.len() - positives, positives);
        let mut ftrl = Ftrl::new(&self.settings, self.features, 1);
        for _ in 0..self.settings.epochs {
            for (row, &held) in dataset.records.iter().zip(&holds) {
                let values = row
                    .indices()
                    .iter()
                    .copied()
                    .zip(row.values().iter().copied());
                let pairs: Vec<(u32, f32)> = values.collect();
                ftrl.learn(&pairs, 1.0, |_, score| slope(score, held, weights));
            }
        }
        let (weights, biases) = ftrl.weights();
        Ok(LinearModel {
            weights: weights.into_iter().map(f64::from).collect(),
            bias: biases.into_iter().map(f64::from).sum(),
        })
    }
}

/// The derivative of the logistic loss at a score, with the weights of a (negative, positive) row.
pub(crate) fn slope(score: f64, held: bool, weights: [f64; 2]) -> f64 {
    match held {
        true => weights[1] * (sigmoid(score) - 1.0),
        false => weights[0] * sigmoid(score),
    }
}

/// The state of one feature for some columns.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(32))]
struct Cell {
    /// Sum of the gradients, less what moved the weight.
    gradients: Lanes,
    /// Root of the sum of the squared gradients.
    roots: Lanes,
}

/// Binary problems over the same rows, learnt side by side, a column each.
#[derive(Debug)]
pub(crate) struct Ftrl {
    rates: [f32; 4],
    columns: usize,
    /// Groups of lanes a feature.
    groups: usize,
    /// `cells[feature × groups + group]`; the bias is the last feature.
    cells: Vec<Cell>,
    scores: Vec<Lanes>,
}

impl Ftrl {
    /// Nothing learnt yet.
    pub(crate) fn new(rates: &StreamSettings, features: usize, columns: usize) -> Self {
        let groups = columns.div_ceil(LANES);
        Self {
            rates: [rates.alpha, rates.beta, rates.l1, rates.l2].map(|rate| rate as f32),
            columns,
            groups,
            cells: vec![Cell::default(); (features + 1) * groups],
            scores: vec![[0.0; LANES]; groups],
        }
    }

    /// Bytes of the state for so many features and columns.
    pub(crate) fn bytes(features: usize, columns: usize) -> usize {
        (features + 1) * columns.div_ceil(LANES) * size_of::<Cell>()
    }

    /// Learns from one row: pairs of feature and value, each value times `scale`. `gradient` is
    /// told the score of a column and gives the derivative of its loss there.
    pub(crate) fn learn(
        &mut self,
        pairs: &[(u32, f32)],
        scale: f32,
        mut gradient: impl FnMut(usize, f64) -> f64,
    ) {
        let Self {
            rates,
            groups,
            cells,
            scores,
            ..
        } = self;
        let groups = *groups;
        let features = cells.len() - groups;
        let (cells, bias) = cells.split_at_mut(features);
        for (group, score) in scores.iter_mut().enumerate() {
            let mut sum = [0.0; LANES];
            for &(feature, value) in pairs {
                let weights = weights_of(rates, &cells[feature as usize * groups + group]);
                for (sum, weight) in sum.iter_mut().zip(weights) {
                    *sum += weight * value;
                }
            }
            let bias = weights_of(rates, &bias[group]);
            *score = std::array::from_fn(|lane| sum[lane] * scale + bias[lane]);
        }
        for column in 0..self.columns {
            let score = &mut scores[column / LANES][column % LANES];
            *score = gradient(column, f64::from(*score)) as f32;
        }
        for (group, gradients) in scores.iter().enumerate() {
            let scaled = gradients.map(|gradient| gradient * scale);
            if scaled == [0.0; LANES] {
                continue;
            }
            for &(feature, value) in pairs {
                update(
                    rates,
                    &mut cells[feature as usize * groups + group],
                    &scaled,
                    value,
                );
            }
            update(rates, &mut bias[group], gradients, 1.0);
        }
    }

    /// Weights as `weights[feature × columns + column]`, and a bias a column.
    pub(crate) fn weights(self) -> (Vec<f32>, Vec<f32>) {
        let groups = self.groups.max(1);
        let features = (self.cells.len() / groups).saturating_sub(1);
        let weights_in = |cells: &[Cell]| -> Vec<f32> {
            let mut weights = Vec::with_capacity(cells.len() / groups * self.columns);
            for cells in cells.chunks_exact(groups) {
                let lanes = cells.iter().flat_map(|cell| weights_of(&self.rates, cell));
                weights.extend(lanes.take(self.columns));
            }
            weights
        };
        let (cells, bias) = self.cells.split_at(features * groups);
        (weights_in(cells), weights_in(bias))
    }
}

#[inline(always)]
fn weights_of(&[alpha, beta, l1, l2]: &[f32; 4], cell: &Cell) -> Lanes {
    let held_back = beta + alpha * l2;
    std::array::from_fn(|lane| {
        let gradient = cell.gradients[lane];
        // No call of max and min, which would have to look for numbers that are none.
        let within = if gradient > l1 { l1 } else { gradient };
        let within = if within < -l1 { -l1 } else { within };
        alpha * (within - gradient) / (held_back + cell.roots[lane])
    })
}

#[inline(always)]
fn update(rates: &[f32; 4], cell: &mut Cell, gradients: &Lanes, value: f32) {
    let weights = weights_of(rates, cell);
    let steepness = rates[0].recip();
    let slopes = gradients.map(|gradient| gradient * value);
    let risen: Lanes = std::array::from_fn(|lane| {
        let root = cell.roots[lane];
        (root * root + slopes[lane] * slopes[lane]).sqrt()
    });
    cell.gradients = std::array::from_fn(|lane| {
        let moved = (risen[lane] - cell.roots[lane]) * steepness * weights[lane];
        cell.gradients[lane] + slopes[lane] - moved
    });
    cell.roots = risen;
}

#[cfg(test)]
mod tests {
    use ndarray::Array1;

    use super::*;
    use crate::features::records;

    fn row(pairs: &[(u32, f32)]) -> SparseRow {
        SparseRow::from_pairs(&mut pairs.to_vec())
    }

    fn fitted(settings: StreamSettings, rows: &[(&[(u32, f32)], bool)]) -> LinearModel {
        let data = DatasetBase::new(
            records(rows.iter().map(|(pairs, _)| row(pairs)).collect()),
            rows.iter().map(|&(_, held)| held).collect::<Array1<bool>>(),
        );
        let parameters = FtrlProximal::new(3, settings).class_weights(ClassWeights::None);
        parameters.check().unwrap().fit(&data).unwrap()
    }

    #[test]
    fn the_first_step_is_that_of_the_paper() {
        let settings = StreamSettings {
            alpha: 0.5,
            beta: 2.0,
            l1: 0.1,
            l2: 3.0,
            ..StreamSettings::default()
        };
        let model = fitted(settings, &[(&[(1, 2.0)], true)]);
        // g = (1/2 - 1) × 2 = -1, z = -1, n = 1: w = (1 - λ1) / ((β + 1) / α + λ2).
        assert!((model.weights[1] - 0.9 / (3.0 / 0.5 + 3.0)).abs() < 1e-6);
        assert!((model.bias - 0.4 / (2.5 / 0.5 + 3.0)).abs() < 1e-6);
        assert_eq!((model.weights[0], model.weights[2]), (0.0, 0.0));
    }

    #[test]
    fn many_passes_come_to_the_logits_of_the_shares() {
        // Feature 0 holds with 3 of 4 rows, feature 1 with 1 of 4: without a penalty the best
        // scores are ±ln 3.
        let mut rows: Vec<(&[(u32, f32)], bool)> = Vec::new();
        for held in [true, true, true, false] {
            rows.push((&[(0, 1.0)], held));
            rows.push((&[(1, 1.0)], !held));
        }
        let settings = StreamSettings {
            alpha: 0.2,
            beta: 1.0,
            epochs: 1000,
            ..StreamSettings::default()
        };
        let model = fitted(settings, &rows);
        for (feature, logit) in [(0, 3f64.ln()), (1, -3f64.ln())] {
            let score = model.weights[feature] + model.bias;
            assert!((score - logit).abs() < 0.05, "{score} {logit}");
        }
    }

    #[test]
    fn a_large_penalty_leaves_weights_at_zero() {
        let settings = StreamSettings {
            l1: 10.0,
            ..StreamSettings::default()
        };
        let model = fitted(settings, &[(&[(0, 1.0)], true), (&[(1, 1.0)], false)]);
        assert!(model.weights.iter().all(|&weight| weight == 0.0));
    }

    #[test]
    fn columns_learn_as_if_each_were_alone() {
        let settings = StreamSettings::default();
        let rows = [
            [(0, 1.0), (1, 0.5)],
            [(1, 1.0), (2, 2.0)],
            [(0, 0.3), (2, 1.0)],
        ];
        let held = |row: usize, column: usize| (row + column).is_multiple_of(3);
        let mut all = Ftrl::new(&settings, 3, 6);
        for (place, pairs) in rows.iter().enumerate() {
            all.learn(pairs, 0.7, |column, score| {
                slope(score, held(place, column), [1.0; 2])
            });
        }
        let (weights, biases) = all.weights();
        for column in 0..6 {
            let mut alone = Ftrl::new(&settings, 3, 1);
            for (place, pairs) in rows.iter().enumerate() {
                alone.learn(pairs, 0.7, |_, score| {
                    slope(score, held(place, column), [1.0; 2])
                });
            }
            let (of_column, bias) = alone.weights();
            assert_eq!(bias[0], biases[column]);
            assert!((0..3).all(|feature| of_column[feature] == weights[feature * 6 + column]));
        }
    }

    #[test]
    fn features_outside_the_space_are_an_error() {
        let data = DatasetBase::new(records(vec![row(&[(3, 1.0)])]), Array1::from_elem(1, true));
        let parameters = FtrlProximal::new(3, StreamSettings::default());
        assert!(parameters.check().unwrap().fit(&data).is_err());
        let settings = StreamSettings {
            alpha: 0.0,
            ..StreamSettings::default()
        };
        assert!(FtrlProximal::new(3, settings).check().is_err());
    }
}
