//! linfa's own estimators over dense rows, for comparison on the same folds.
//!
//! They take dense records only, so the caller keeps the top features by chi-squared, and the
//! memory they need is estimated and bounded before they run.

use linfa::ParamGuard;
use linfa::dataset::DatasetBase;
use linfa::error::Error as LinfaError;
use linfa::traits::{Fit, FitWith, Predict};
use linfa_bayes::BernoulliNb;
use linfa_ensemble::EnsembleLearnerParams;
use linfa_ftrl::Ftrl;
use linfa_logistic::{LogisticRegression, MultiLogisticRegression};
use linfa_svm::Svm;
use linfa_trees::{DecisionTree, DecisionTreeParams, TreeNode};
use ndarray::{Array1, Array2, Axis, s};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::fitted::Heads;
use super::linear::LinearModel;
use super::problem::Problem;
use super::settings::{LearnerKind, LearnerSettings};
use crate::error::{Error, Result};
use crate::scoring::{Forest, Node};

/// Rows that FTRL takes at a step.
const FTRL_BATCH: usize = 32;

/// Rows of the positive side count this much, so that no leaf of a tree has two sides of equal
/// weight: linfa breaks such ties by the order of a hash map, another in every run.
const POSITIVE_WEIGHT: f32 = 1.000_1;

/// Bytes a run would need at its peak: one fold at a time, labels one after the other.
///
/// Factors as measured on linfa 0.8.1: three copies of the dense rows; the linear kernel of the
/// SVM is a dense square matrix; a tree sorts every column into pairs of 16 bytes.
fn memory_estimate(kind: LearnerKind, rows: usize, features: usize) -> usize {
    let cells = rows.saturating_mul(features);
    match kind {
        LearnerKind::LinfaSvm => cells
            .saturating_mul(24)
            .saturating_add(rows.saturating_mul(rows).saturating_mul(16)),
        LearnerKind::LinfaTree | LearnerKind::LinfaForest => cells.saturating_mul(32),
        // Its weights are found by deciding on square matrices of features.
        LearnerKind::LinfaNb => cells
            .saturating_add(features.saturating_mul(features))
            .saturating_mul(24),
        _ => cells.saturating_mul(24),
    }
}

/// Refuses a run that would need more memory than it may have.
///
/// # Errors
/// Tells the estimate, the limit, and what to change.
pub fn check_memory(settings: &LearnerSettings, rows: usize, features: usize) -> Result<usize> {
    let needed = memory_estimate(settings.kind, rows, features) >> 20;
    if needed <= settings.memory_limit {
        return Ok(needed);
    }
    Err(Error::Memory(format!(
        "{} would need about {needed} MB for {rows} sentences and {features} features, more than \
         learner.memory_limit = {}; lower learner.top_features or raise the limit in --config",
        settings.kind.name(),
        settings.memory_limit
    )))
}

pub(super) fn fit(settings: &LearnerSettings, problem: &Problem<'_>, seed: u64) -> Result<Heads> {
    check_memory(settings, problem.rows.nrows(), problem.features)?;
    let labels = problem.targets.labels().len();
    match settings.kind {
        LearnerKind::LinfaTree | LearnerKind::LinfaForest => {
            let dense = dense_rows::<f32>(problem);
            (0..labels)
                .map(|label| forest(settings, problem, &dense, label, seed))
                .collect::<Result<_>>()
                .map(Heads::Forests)
        }
        LearnerKind::LinfaLogistic if problem.targets.is_single() => {
            multinomial_logistic(settings, problem).map(Heads::Linear)
        }
        kind => {
            let dense = dense_rows::<f64>(problem);
            (0..labels)
                .map(|label| {
                    let (places, holds) = problem.decided(label);
                    if let Some(constant) = problem.constant(label) {
                        return Ok(constant);
                    }
                    let rows = dense.select(Axis(0), &places);
                    let data = DatasetBase::new(rows, holds);
                    match kind {
                        LearnerKind::LinfaLogistic => logistic(settings, data),
                        LearnerKind::LinfaNb => bernoulli(settings, data),
                        LearnerKind::LinfaFtrl => ftrl(settings, data, seed),
                        _ => svm(settings, data),
                    }
                })
                .collect::<Result<_>>()
                .map(Heads::Linear)
        }
    }
}

type Binary = DatasetBase<Array2<f64>, Array1<bool>>;

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Estimator(error.to_string())
}

fn dense_rows<F: linfa::Float>(problem: &Problem<'_>) -> Array2<F> {
    let mut dense = Array2::zeros((problem.rows.nrows(), problem.features));
    for (row, mut target) in problem.rows.iter().zip(dense.outer_iter_mut()) {
        for (index, value) in row.iter() {
            target[index] = F::cast(value);
        }
    }
    dense
}

fn logistic(settings: &LearnerSettings, data: Binary) -> Result<LinearModel> {
    let fitted = LogisticRegression::default()
        .alpha(1.0 / settings.c())
        .max_iterations(settings.max_iterations as u64)
        .gradient_tolerance(1e-4)
        .fit(&data)
        .map_err(failed)?;
    // linfa orders the two classes itself; turn the model towards "holds".
    let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
    Ok(LinearModel {
        weights: fitted.params().mapv(|weight| sign * weight),
        bias: sign * fitted.intercept(),
    })
}

fn multinomial_logistic(
    settings: &LearnerSettings,
    problem: &Problem<'_>,
) -> Result<Vec<LinearModel>> {
    let classes = problem.targets.classes().unwrap_or_default();
    let classes = Array1::from_iter(problem.sentences.iter().map(|&place| classes[place]));
    let fitted = MultiLogisticRegression::default()
        .alpha(1.0 / settings.c())
        .max_iterations(settings.max_iterations as u64)
        .gradient_tolerance(1e-4)
        .fit(&DatasetBase::new(dense_rows::<f64>(problem), classes))
        .map_err(failed)?;
    Ok((0..problem.targets.labels().len())
        .map(
            |class| match fitted.classes().iter().position(|&c| c == class) {
                Some(column) => LinearModel {
                    weights: fitted.params().column(column).to_owned(),
                    bias: fitted.intercept()[column],
                },
                // A class that no row of this fold has.
                None => LinearModel {
                    weights: Array1::zeros(problem.features),
                    bias: -1e3,
                },
            },
        )
        .collect())
}

/// Values lie in 0..1 after normalisation and are taken as fractional presence, which keeps the
/// model linear. linfa's multinomial naive Bayes prints its whole state at every fit, so the
/// Bernoulli one stands for the family.
fn bernoulli(settings: &LearnerSettings, data: Binary) -> Result<LinearModel> {
    let features = data.records.ncols();
    let data = DatasetBase::new(data.records, data.targets.mapv(usize::from));
    let fitted: BernoulliNb<f64, usize> = BernoulliNb::params()
        .binarize(None)
        .alpha(settings.smoothing)
        .fit(&data)
        .map_err(failed)?;
    Ok(weights_at_boundary(features, |points| {
        fitted.predict(points).mapv(|class: usize| class == 1)
    }))
}

/// The weights of a linear classifier that tells only its decisions, up to a common scale, which
/// calibration makes up for. linfa keeps the numbers of its Bernoulli model to itself.
///
/// Along the axis of a feature the decision changes at -bias / weight; bisection finds the place
/// for all features at once.
fn weights_at_boundary(
    features: usize,
    decide: impl Fn(&Array2<f64>) -> Array1<bool>,
) -> LinearModel {
    const FARTHEST: f64 = 1e6;
    const HALVINGS: usize = 70;
    // Closer to the place the classes tie in rounding, and linfa breaks ties by a hash map's order.
    const PRECISION: f64 = 1e-7;
    let bias = if decide(&Array2::zeros((1, features)))[0] {
        1.0
    } else {
        -1.0
    };
    let decide_at = |places: &Array1<f64>| decide(&Array2::from_diag(places));
    let (up, down) = (FARTHEST, -FARTHEST);
    let changes_up = decide_at(&Array1::from_elem(features, up)).mapv(|held| held != (bias > 0.0));
    let changes_down =
        decide_at(&Array1::from_elem(features, down)).mapv(|held| held != (bias > 0.0));
    let mut near = Array1::<f64>::zeros(features);
    let mut far = changes_up.mapv(|changes| if changes { up } else { down });
    for _ in 0..HALVINGS {
        let middle = (&near + &far) / 2.0;
        for (feature, held) in decide_at(&middle).into_iter().enumerate() {
            if (far[feature] - near[feature]).abs() < PRECISION * far[feature].abs() {
                continue;
            }
            let same = held == (bias > 0.0);
            let bound = if same { &mut near } else { &mut far };
            bound[feature] = middle[feature];
        }
    }
    let weights = (0..features)
        .map(
            |feature| match changes_up[feature] || changes_down[feature] {
                true => -2.0 * bias / (near[feature] + far[feature]),
                false => 0.0,
            },
        )
        .collect();
    LinearModel { weights, bias }
}

/// A constant column gives the bias, which linfa's FTRL has not.
fn ftrl(settings: &LearnerSettings, data: Binary, seed: u64) -> Result<LinearModel> {
    let (rows, features) = data.records.dim();
    let mut records = Array2::ones((rows, features + 1));
    records.slice_mut(s![.., ..features]).assign(&data.records);
    let parameters = Ftrl::params_with_rng(Xoshiro256PlusPlus::seed_from_u64(seed))
        .alpha(0.1)
        .beta(1.0)
        .l1_ratio(0.0)
        .l2_ratio(1.0 / settings.c())
        .check()
        .map_err(failed)?;
    let mut model = Ftrl::new(parameters.clone(), features + 1);
    for _ in 0..settings.epochs {
        for start in (0..rows).step_by(FTRL_BATCH) {
            let end = (start + FTRL_BATCH).min(rows);
            let batch = DatasetBase::new(
                records.slice(s![start..end, ..]),
                data.targets.slice(s![start..end]),
            );
            model = parameters.fit_with(Some(model), &batch).map_err(failed)?;
        }
    }
    let weights = model.get_weights();
    Ok(LinearModel {
        bias: weights[features],
        weights: weights.slice(s![..features]).to_owned(),
    })
}

fn svm(settings: &LearnerSettings, data: Binary) -> Result<LinearModel> {
    let features = data.records.ncols();
    let fitted = Svm::<f64, bool>::params()
        .pos_neg_weights(settings.c(), settings.c())
        .linear_kernel()
        .fit(&data)
        .map_err(failed)?;
    let mut unit = Array1::zeros(features);
    let weights = (0..features)
        .map(|feature| {
            unit[feature] = 1.0;
            let weight = fitted.weighted_sum(&unit);
            unit[feature] = 0.0;
            weight
        })
        .collect();
    Ok(LinearModel {
        weights,
        bias: -fitted.rho,
    })
}

/// linfa's decision tree with weighted rows, in the form that its ensemble takes.
struct WeightedTree(DecisionTreeParams<f32, bool>);

impl Fit<Array2<f32>, Array1<bool>, LinfaError> for WeightedTree {
    type Object = DecisionTree<f32, bool>;

    fn fit(
        &self,
        data: &DatasetBase<Array2<f32>, Array1<bool>>,
    ) -> std::result::Result<Self::Object, LinfaError> {
        let weights = data
            .targets
            .mapv(|held| if held { POSITIVE_WEIGHT } else { 1.0 });
        let weighted =
            DatasetBase::new(data.records.view(), data.targets.view()).with_weights(weights);
        self.0.fit(&weighted)
    }
}

fn forest(
    settings: &LearnerSettings,
    problem: &Problem<'_>,
    dense: &Array2<f32>,
    label: usize,
    seed: u64,
) -> Result<Forest> {
    let (places, holds) = problem.decided(label);
    if let Some(constant) = problem.constant(label) {
        let vote = if constant.bias > 0.0 { 1.0 } else { 0.0 };
        return Ok(Forest {
            trees: vec![vec![Node::Leaf(vote)]],
        });
    }
    let data = DatasetBase::new(dense.select(Axis(0), &places), holds);
    let tree = WeightedTree(DecisionTree::params().max_depth(Some(settings.depth)));
    if settings.kind == LearnerKind::LinfaTree {
        let fitted = tree.fit(&data)?;
        return Ok(Forest {
            trees: vec![plain_tree(fitted.root_node(), |feature| feature)],
        });
    }
    // The share of features that each tree sees: the usual root of their number, at least a tenth.
    let share = (1.0 / (problem.features as f64).sqrt()).max(0.1);
    let random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let fitted = EnsembleLearnerParams::new_fixed_rng(tree, random)
        .ensemble_size(settings.trees)
        .bootstrap_proportion(0.7)
        .feature_proportion(share)
        .check()?
        .fit(&data)?;
    let trees = fitted.models.iter().zip(&fitted.model_features);
    Ok(Forest {
        trees: trees
            .map(|(tree, features)| plain_tree(tree.root_node(), |feature| features[feature]))
            .collect(),
    })
}

/// A tree as an array, each parent before its children.
fn plain_tree(root: &TreeNode<f32, bool>, feature_of: impl Fn(usize) -> usize) -> Vec<Node> {
    let mut nodes = vec![Node::Leaf(0.0)];
    let mut open = vec![(root, 0)];
    while let Some((node, place)) = open.pop() {
        let children = node.children();
        let (Some(left), Some(right)) = (children[0], children[1]) else {
            let held = node.prediction().unwrap_or(false);
            nodes[place] = Node::Leaf(f32::from(u8::from(held)));
            continue;
        };
        let first = nodes.len();
        let (feature, split, _) = node.split();
        nodes[place] = Node::Split {
            feature: feature_of(feature) as u32,
            split,
            left: first as u32,
            right: first as u32 + 1,
        };
        nodes.extend([Node::Leaf(0.0); 2]);
        open.push((left, first));
        open.push((right, first + 1));
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_give_back_the_weights() {
        let weights = [0.5, -2.0, 0.0, 30.0];
        for bias in [0.25, -4.0] {
            let found = weights_at_boundary(4, |points| {
                points
                    .outer_iter()
                    .map(|point| {
                        point.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>() + bias > 0.0
                    })
                    .collect()
            });
            for (weight, found) in weights.iter().zip(&found.weights) {
                assert!((weight / bias.abs() - found).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn memory_is_bounded() {
        let settings = LearnerSettings {
            kind: LearnerKind::LinfaSvm,
            ..LearnerSettings::default()
        };
        assert!(check_memory(&settings, 1000, 1000).is_ok());
        assert!(check_memory(&settings, 100_000, 1000).is_err());
    }
}
