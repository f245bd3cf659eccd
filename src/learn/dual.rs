//! L2-regularised linear classifiers by dual coordinate descent.
//!
//! Logistic regression after Yu, Huang and Lin, "Dual coordinate descent methods for logistic
//! regression and maximum entropy models" (Machine Learning 85, 2011); support vector machines
//! after Hsieh et al., "A dual coordinate descent method for large-scale linear SVM" (ICML 2008).

use linfa::ParamGuard;
use linfa::dataset::{AsSingleTargets, DatasetBase};
use linfa::traits::Fit;
use ndarray::{Array1, ArrayBase, Data, Ix2};
use serde::{Deserialize, Serialize};

use super::descent::{Descended, Descent, Rows, Side};
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
    pub(super) loss: Loss,
    pub(super) c: f64,
    pub(super) class_weights: ClassWeights,
    pub(super) bias_scale: f64,
    pub(super) tolerance: f64,
    pub(super) max_iterations: usize,
    pub(super) seed: u64,
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
        let squared_norms: Vec<f64> = rows.iter().map(|row| row.squared_norm()).collect();
        let sides: Vec<[Side; 1]> = holds.iter().map(|&held| [held.into()]).collect();
        let rows = WrittenRows {
            rows,
            weights: vec![0.0; self.features],
        };
        let Descended { rows, bias, .. } =
            Descent::new(self, rows, &squared_norms, &sides, Vec::new()).run();
        Ok(LinearModel {
            weights: Array1::from_vec(rows.weights),
            bias: bias[0],
        })
    }
}

/// Rows written out, with the weights of one lane.
struct WrittenRows<'a> {
    rows: Vec<&'a SparseRow>,
    weights: Vec<f64>,
}

impl Rows<1> for WrittenRows<'_> {
    fn scores(&mut self, row: usize) -> [f64; 1] {
        [self.rows[row].dot(&self.weights)]
    }

    fn all_scores(&self) -> Vec<[f64; 1]> {
        let rows = self.rows.iter();
        rows.map(|row| [row.dot(&self.weights)]).collect()
    }

    fn add(&mut self, row: usize, &[multiple]: &[f64; 1]) {
        for (index, value) in self.rows[row].iter() {
            self.weights[index] += multiple * value;
        }
    }

    fn add_unseen(&mut self, row: usize, multiples: &[f64; 1]) {
        self.add(row, multiples);
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

    #[test]
    fn rows_that_are_surely_right_or_wrong_do_not_break_logistic_regression() {
        // Rows far from the boundary have dual variables too near their ends to be told from them.
        for c in [1.0, 1e3, 1e6] {
            let rows = (0..40).map(|i| {
                let size = if i % 4 == 0 { 0.02 } else { 60.0 };
                row(&[(0, if i % 2 == 0 { size } else { -size })])
            });
            let holds = Array1::from_iter((0..40).map(|i| (i % 2 == 0) != (i == 7)));
            let data = DatasetBase::new(records(rows.collect()), holds);
            let fitted: LinearModel = DualCoordinateDescent::new(1, Loss::Logistic)
                .c(c)
                .fit(&data)
                .unwrap();
            assert!(
                fitted.bias.is_finite() && fitted.weights[0].is_finite(),
                "{c}"
            );
            assert!(fitted.score(&row(&[(0, 1.0)])) > 0.0, "{c} {fitted:?}");
        }
    }
}
