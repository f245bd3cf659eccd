//! L2-regularised linear classifiers by dual coordinate descent.
//!
//! Logistic regression after Yu, Huang and Lin, "Dual coordinate descent methods for logistic
//! regression and maximum entropy models" (Machine Learning 85, 2011); support vector machines
//! after Hsieh et al., "A dual coordinate descent method for large-scale linear SVM" (ICML 2008).

use linfa::ParamGuard;
use linfa::dataset::{AsSingleTargets, DatasetBase};
use linfa::traits::Fit;
use ndarray::{Array1, ArrayBase, Data, Ix2};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::linear::LinearModel;
use crate::error::{Error, Result};
use crate::features::SparseRow;

/// What is minimised beside the squared norm of the weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// log(1 + exp(-margin)): logistic regression.
    #[default]
    Logistic,
    /// max(0, 1 - margin)²: support vector machine.
    SquaredHinge,
}

/// How much the rows of each side count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// Every row counts the same.
    None,
    /// Each side counts as much as the other: n / (2 × rows of the side).
    Balanced,
    /// The root of the balanced weights: between the two.
    #[default]
    Root,
}

impl ClassWeights {
    /// Weights of a (negative, positive) row.
    pub(crate) fn of(self, negatives: usize, positives: usize) -> [f64; 2] {
        let rows = (negatives + positives) as f64;
        let balanced = |side: usize| rows / (2.0 * side.max(1) as f64);
        let both = [balanced(negatives), balanced(positives)];
        match self {
            Self::None => [1.0, 1.0],
            Self::Balanced => both,
            Self::Root => both.map(f64::sqrt),
        }
    }
}

/// Parameters of dual coordinate descent, not yet checked.
#[derive(Clone, Debug, PartialEq)]
pub struct DualCoordinateDescent(DualCoordinateDescentValid);

/// Checked parameters of dual coordinate descent.
#[derive(Clone, Debug, PartialEq)]
pub struct DualCoordinateDescentValid {
    features: usize,
    loss: Loss,
    c: f64,
    class_weights: ClassWeights,
    bias_scale: f64,
    tolerance: f64,
    max_iterations: usize,
    seed: u64,
}

impl DualCoordinateDescent {
    /// Parameters for rows of `features` features, with the defaults of LIBLINEAR where it has any.
    pub fn new(features: usize, loss: Loss) -> Self {
        Self(DualCoordinateDescentValid {
            features,
            loss,
            c: 1.0,
            class_weights: ClassWeights::default(),
            bias_scale: 1.0,
            tolerance: 0.01,
            max_iterations: 300,
            seed: 0,
        })
    }

    /// C, the weight of the loss against the squared norm; larger fits closer.
    pub fn c(mut self, c: f64) -> Self {
        self.0.c = c;
        self
    }

    /// How much the rows of each side count.
    pub fn class_weights(mut self, class_weights: ClassWeights) -> Self {
        self.0.class_weights = class_weights;
        self
    }

    /// Value of the constant feature whose weight is the bias; 0 for no bias. The bias is
    /// regularised, less so for larger values.
    pub fn bias_scale(mut self, bias_scale: f64) -> Self {
        self.0.bias_scale = bias_scale;
        self
    }

    /// Largest violation of optimality at which descent stops.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.0.tolerance = tolerance;
        self
    }

    /// Passes over the rows after which descent stops in any case.
    pub fn max_iterations(mut self, max_iterations: usize) -> Self {
        self.0.max_iterations = max_iterations;
        self
    }

    /// Decides the order in which rows are visited.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }
}

impl ParamGuard for DualCoordinateDescent {
    type Checked = DualCoordinateDescentValid;
    type Error = Error;

    fn check_ref(&self) -> Result<&Self::Checked> {
        let positive = |name, value: f64| {
            if value > 0.0 && value.is_finite() {
                return Ok(());
            }
            Err(Error::Setting {
                name,
                value: value.to_string(),
                allowed: "a number above 0",
            })
        };
        positive("learner.c", self.0.c)?;
        positive("learner.tolerance", self.0.tolerance)?;
        if !(self.0.bias_scale >= 0.0 && self.0.bias_scale.is_finite()) {
            return Err(Error::Setting {
                name: "learner.bias_scale",
                value: self.0.bias_scale.to_string(),
                allowed: "a number not below 0",
            });
        }
        if self.0.max_iterations == 0 {
            return Err(Error::Setting {
                name: "learner.max_iterations",
                value: "0".into(),
                allowed: "at least 1",
            });
        }
        Ok(&self.0)
    }

    fn check(self) -> Result<Self::Checked> {
        self.check_ref()?;
        Ok(self.0)
    }
}

impl<D, T> Fit<ArrayBase<D, Ix2>, T, Error> for DualCoordinateDescentValid
where
    D: Data<Elem = SparseRow>,
    T: AsSingleTargets<Elem = bool>,
{
    type Object = LinearModel;

    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<LinearModel> {
        let rows: Vec<&SparseRow> = dataset.records.iter().collect();
        let holds: Vec<bool> = dataset
            .targets
            .as_single_targets()
            .iter()
            .copied()
            .collect();
        if rows.is_empty() || rows.len() != holds.len() {
            return Err(linfa::Error::NotEnoughSamples.into());
        }
        let largest = rows.iter().filter_map(|row| row.indices().last()).max();
        if largest.is_some_and(|&index| index as usize >= self.features) {
            return Err(linfa::Error::MismatchedShapes(
                self.features,
                largest.map_or(0, |&index| index as usize + 1),
            )
            .into());
        }
        Ok(Descent::new(self, &rows, &holds).run())
    }
}

/// The state of one descent.
struct Descent<'a> {
    settings: &'a DualCoordinateDescentValid,
    rows: &'a [&'a SparseRow],
    /// +1 or -1 for each row.
    signs: Vec<f64>,
    /// Upper bound of each dual variable: C times the weight of the row's side.
    bounds: Vec<f64>,
    squared_norms: Vec<f64>,
    weights: Vec<f64>,
    /// Weight of the constant feature.
    bias: f64,
}

impl<'a> Descent<'a> {
    fn new(
        settings: &'a DualCoordinateDescentValid,
        rows: &'a [&'a SparseRow],
        holds: &[bool],
    ) -> Self {
        let positives = holds.iter().filter(|&&held| held).count();
        let side = settings
            .class_weights
            .of(holds.len() - positives, positives);
        let constant = settings.bias_scale * settings.bias_scale;
        Self {
            settings,
            rows,
            signs: holds
                .iter()
                .map(|&held| if held { 1.0 } else { -1.0 })
                .collect(),
            bounds: holds
                .iter()
                .map(|&held| settings.c * side[usize::from(held)])
                .collect(),
            squared_norms: rows
                .iter()
                .map(|row| row.squared_norm() + constant)
                .collect(),
            weights: vec![0.0; settings.features],
            bias: 0.0,
        }
    }

    fn run(mut self) -> LinearModel {
        match self.settings.loss {
            Loss::Logistic => self.logistic(),
            Loss::SquaredHinge => self.squared_hinge(),
        }
        LinearModel {
            weights: Array1::from_vec(self.weights),
            bias: self.bias * self.settings.bias_scale,
        }
    }

    /// Margin of a row: its score times its sign.
    fn margin(&self, row: usize) -> f64 {
        let score = self.rows[row].dot(&self.weights) + self.bias * self.settings.bias_scale;
        self.signs[row] * score
    }

    /// Adds `step` times the row, times its sign, to the weights.
    fn step(&mut self, row: usize, step: f64) {
        let signed = step * self.signs[row];
        for (index, value) in self.rows[row].iter() {
            self.weights[index] += signed * value;
        }
        self.bias += signed * self.settings.bias_scale;
    }

    fn shuffled_passes(&self) -> impl Iterator<Item = Vec<usize>> + use<> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.settings.seed);
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        (0..self.settings.max_iterations).map(move |_| {
            order.shuffle(&mut random);
            order.clone()
        })
    }

    /// Each dual variable alpha in (0, bound) has a partner bound - alpha; the smaller of the two
    /// is moved, by a guarded Newton search, to where its derivative vanishes.
    fn logistic(&mut self) {
        const LONGEST_SEARCH: usize = 100;
        let mut alphas: Vec<f64> = self
            .bounds
            .iter()
            .map(|&bound| (0.001 * bound).min(1e-8))
            .collect();
        for (row, &alpha) in alphas.iter().enumerate() {
            self.step(row, alpha);
        }
        let mut inner_tolerance = 1e-2;
        let finest = f64::min(1e-8, self.settings.tolerance);
        for order in self.shuffled_passes() {
            let mut largest_violation = 0.0f64;
            let mut searches = 0;
            for &row in &order {
                let (bound, curvature) = (self.bounds[row], self.squared_norms[row]);
                let margin = self.margin(row);
                let partner = bound - alphas[row];
                let move_partner = 0.5 * curvature * (partner - alphas[row]) + margin < 0.0;
                let (start, direction) = match move_partner {
                    true => (partner, -1.0),
                    false => (alphas[row], 1.0),
                };
                let derivative = |z: f64| {
                    curvature * (z - start) + direction * margin + libm::log(z / (bound - z))
                };
                let mut z = if bound - start < 0.5 * bound {
                    0.1 * start
                } else {
                    start
                };
                let mut slope = derivative(z);
                largest_violation = largest_violation.max(slope.abs());
                let mut steps = 0;
                while steps < LONGEST_SEARCH && slope.abs() >= inner_tolerance {
                    let second = curvature + bound / (bound - z) / z;
                    let newton = z - slope / second;
                    z = if newton <= 0.0 { z * 0.1 } else { newton };
                    slope = derivative(z);
                    steps += 1;
                    searches += 1;
                }
                if steps > 0 {
                    alphas[row] = if move_partner { bound - z } else { z };
                    self.step(row, direction * (z - start));
                }
            }
            if largest_violation < self.settings.tolerance {
                break;
            }
            if searches <= self.rows.len() / 10 {
                inner_tolerance = finest.max(0.1 * inner_tolerance);
            }
        }
    }

    /// Dual variables are bounded below by 0 and moved to where the projected gradient vanishes.
    fn squared_hinge(&mut self) {
        let mut alphas = vec![0.0f64; self.rows.len()];
        for order in self.shuffled_passes() {
            let mut largest_violation = 0.0f64;
            for &row in &order {
                let diagonal = 0.5 / self.bounds[row];
                let gradient = self.margin(row) - 1.0 + diagonal * alphas[row];
                let projected = if alphas[row] == 0.0 {
                    gradient.min(0.0)
                } else {
                    gradient
                };
                largest_violation = largest_violation.max(projected.abs());
                if projected.abs() > 1e-12 {
                    let curvature = self.squared_norms[row] + diagonal;
                    let moved = (alphas[row] - gradient / curvature).max(0.0);
                    self.step(row, moved - alphas[row]);
                    alphas[row] = moved;
                }
            }
            if largest_violation < self.settings.tolerance {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::records;
    use linfa::traits::Predict;

    fn row(pairs: &[(u32, f32)]) -> SparseRow {
        SparseRow::from_pairs(&mut pairs.to_vec())
    }

    fn dataset() -> DatasetBase<ndarray::Array2<SparseRow>, Array1<bool>> {
        let rows: Vec<SparseRow> = (0..40)
            .map(|i| {
                let value = 1.0 + (i % 5) as f32 / 10.0;
                row(&[(i % 2, value), (2, 0.5), (3 + i % 3, 0.3)])
            })
            .collect();
        let holds = Array1::from_iter((0..40).map(|i| i % 2 == 0));
        DatasetBase::new(records(rows), holds)
    }

    /// The gradient of the primal objective, which is zero at the optimum.
    fn primal_gradient(
        model: &LinearModel,
        data: &DatasetBase<ndarray::Array2<SparseRow>, Array1<bool>>,
        c: f64,
        slope_of: impl Fn(f64) -> f64,
    ) -> Vec<f64> {
        let mut gradient = model.weights.to_vec();
        gradient.push(model.bias);
        for (row, &held) in data.records.iter().zip(&data.targets) {
            let sign = if held { 1.0 } else { -1.0 };
            let slope = c * sign * slope_of(sign * model.score(row));
            for (index, value) in row.iter() {
                gradient[index] += slope * value;
            }
            *gradient.last_mut().unwrap() += slope;
        }
        gradient
    }

    fn fit(loss: Loss) -> LinearModel {
        DualCoordinateDescent::new(6, loss)
            .c(2.0)
            .class_weights(ClassWeights::None)
            .tolerance(1e-9)
            .max_iterations(5000)
            .fit(&dataset())
            .unwrap()
    }

    #[test]
    fn logistic_regression_reaches_the_optimum() {
        let model = fit(Loss::Logistic);
        let slope = |margin: f64| -1.0 / (1.0 + margin.exp());
        for component in primal_gradient(&model, &dataset(), 2.0, slope) {
            assert!(component.abs() < 1e-6, "{component}");
        }
        let holds: Array1<bool> = model.predict(&dataset().records);
        assert_eq!(holds, dataset().targets);
    }

    #[test]
    fn support_vector_machine_reaches_the_optimum() {
        let model = fit(Loss::SquaredHinge);
        let slope = |margin: f64| -2.0 * (1.0 - margin).max(0.0);
        for component in primal_gradient(&model, &dataset(), 2.0, slope) {
            assert!(component.abs() < 1e-6, "{component}");
        }
    }

    #[test]
    fn parameters_are_checked() {
        let new = || DualCoordinateDescent::new(6, Loss::Logistic);
        for wrong in [
            new().c(0.0),
            new().c(f64::NAN),
            new().tolerance(-1.0),
            new().max_iterations(0),
        ] {
            assert!(wrong.fit(&dataset()).is_err());
        }
        let too_few_features = DualCoordinateDescent::new(3, Loss::Logistic);
        assert!(too_few_features.fit(&dataset()).is_err());
    }

    #[test]
    fn rarer_sides_count_more_when_balanced() {
        let scored = |weights| {
            let rows = vec![row(&[(0, 1.0)]); 10];
            let holds = Array1::from_iter((0..10).map(|i| i < 2));
            let data = DatasetBase::new(records(rows), holds);
            let fitted: LinearModel = DualCoordinateDescent::new(1, Loss::Logistic)
                .class_weights(weights)
                .c(100.0)
                .fit(&data)
                .unwrap();
            fitted.score(&row(&[(0, 1.0)]))
        };
        assert!(scored(ClassWeights::None) < -1.0);
        assert!(scored(ClassWeights::Balanced).abs() < 0.05);
    }
}
