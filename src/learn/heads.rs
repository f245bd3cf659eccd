//! Fitting one scorer a label.

use linfa::traits::Fit;
use linfa::{DatasetBase, ParamGuard};
use ndarray::{Array1, Axis};
use rayon::prelude::*;

use super::assertion::fit_assertion;
use super::descent::{Descent, Side};
use super::dual::{DualCoordinateDescent, DualCoordinateDescentValid, Loss};
use super::fitted::Heads;
use super::linear::LinearModel;
use super::naive_bayes::{NaiveBayes, NaiveBayesKind};
use super::problem::Problem;
use super::settings::{LearnerKind, LearnerSettings};
use super::spans::SpanRows;
use super::stock;
use super::windows::{LocalEvidence, WindowLearner};
use crate::error::{Error, Result};

/// Labels that are fitted together.
const MOST_LANES: usize = 7;

/// Fits one scorer for each label, one-vs-rest unless the learner knows several classes itself.
///
/// # Errors
/// When a parameter is out of bounds, the estimator fails, or it would need too much memory.
pub(crate) fn fit_heads(
    settings: &LearnerSettings,
    problem: &Problem<'_>,
    seed: u64,
) -> Result<Heads> {
    let heads = match settings.kind {
        LearnerKind::Logistic | LearnerKind::Svm => one_vs_rest(settings, problem, seed),
        LearnerKind::ComplementNb => naive_bayes(settings, problem, NaiveBayesKind::Complement),
        LearnerKind::MultinomialNb => naive_bayes(settings, problem, NaiveBayesKind::Multinomial),
        _ => stock::fit(settings, problem, seed),
    }?;
    if let Heads::Linear(models) = &heads {
        let finite = |model: &LinearModel| {
            model.bias.is_finite() && model.weights.iter().all(|weight| weight.is_finite())
        };
        if let Some(label) = models.iter().position(|model| !finite(model)) {
            return Err(Error::Estimator(format!(
                "{} found no finite weights for {:?}; give it more rows or other settings",
                settings.kind.name(),
                problem.targets.labels()[label]
            )));
        }
    }
    Ok(heads)
}

/// The parameters of dual coordinate descent that some settings ask for.
pub(super) fn descent(
    settings: &LearnerSettings,
    features: usize,
    seed: u64,
) -> DualCoordinateDescent {
    let loss = match settings.kind {
        LearnerKind::Svm => Loss::SquaredHinge,
        _ => Loss::Logistic,
    };
    DualCoordinateDescent::new(features, loss)
        .c(settings.c())
        .class_weights(settings.class_weights)
        .bias_scale(settings.bias_scale)
        .tolerance(settings.tolerance)
        .max_iterations(settings.max_iterations)
        .seed(seed)
}

/// All labels over the same rows, several at a time.
fn one_vs_rest(settings: &LearnerSettings, problem: &Problem<'_>, seed: u64) -> Result<Heads> {
    let parameters = descent(settings, problem.features, seed).check()?;
    let labels = 0..problem.targets.labels().len();
    let constants: Vec<Option<LinearModel>> = labels
        .clone()
        .map(|label| problem.constant(label))
        .collect();
    let open: Vec<usize> = labels.filter(|&l| constants[l].is_none()).collect();
    let spans = problem.sentences.iter();
    let rows = SpanRows::new(
        problem.space,
        spans
            .map(|&sentence| problem.space.span(sentence))
            .collect(),
    );
    let fitted: Vec<LinearModel> = open
        .par_chunks(MOST_LANES)
        .flat_map_iter(|labels| match labels.len() {
            1 => fit_lanes::<2>(&parameters, problem, &rows, labels),
            2..=3 => fit_lanes::<4>(&parameters, problem, &rows, labels),
            _ => fit_lanes::<8>(&parameters, problem, &rows, labels),
        })
        .collect();
    let mut fitted = fitted.into_iter();
    let models = constants.into_iter();
    Ok(Heads::Linear(
        models
            .filter_map(|model| model.or_else(|| fitted.next()))
            .collect(),
    ))
}

/// Fits fewer than `PLACES` labels together.
fn fit_lanes<const PLACES: usize>(
    parameters: &DualCoordinateDescentValid,
    problem: &Problem<'_>,
    rows: &SpanRows<'_>,
    labels: &[usize],
) -> Vec<LinearModel> {
    let side = |lane: usize, sentence: usize| {
        let held = labels
            .get(lane)
            .map(|&l| problem.targets.holds(l, sentence));
        held.flatten().map_or(Side::Open, Side::from)
    };
    let sides: Vec<[Side; PLACES]> = (problem.sentences.iter())
        .map(|&sentence| std::array::from_fn(|lane| side(lane, sentence)))
        .collect();
    let weighted = rows.weighted::<PLACES>();
    let fitted = Descent::new(
        parameters,
        weighted,
        &rows.squared_norms,
        &sides,
        Vec::new(),
    )
    .run();
    let model = |lane: usize| {
        let effect = |slot: usize| fitted.rows.effect(slot, lane);
        LinearModel {
            weights: Array1::from_vec(problem.space.weights(effect)),
            bias: fitted.bias[lane],
        }
    };
    (0..labels.len()).map(model).collect()
}

fn naive_bayes(
    settings: &LearnerSettings,
    problem: &Problem<'_>,
    kind: NaiveBayesKind,
) -> Result<Heads> {
    let parameters =
        |classes| NaiveBayes::new(problem.features, classes, kind).smoothing(settings.smoothing);
    if let Some(classes) = problem.targets.classes() {
        let classes = Array1::from_iter(problem.sentences.iter().map(|&place| classes[place]));
        let count = problem.targets.labels().len();
        let models = parameters(count).fit(&DatasetBase::new(problem.view(), classes))?;
        return Ok(Heads::Linear(centred(models)));
    }
    let models: Result<Vec<LinearModel>> = (0..problem.targets.labels().len())
        .into_par_iter()
        .map(|label| {
            let (places, holds) = problem.decided(label);
            if let Some(constant) = problem.constant(label) {
                return Ok(constant);
            }
            let rows = problem.rows.select(Axis(0), &places);
            let sides = parameters(2).fit(&DatasetBase::new(rows, holds.mapv(usize::from)))?;
            // The score of a binary problem is how much likelier the label's side is.
            Ok(LinearModel {
                weights: &sides[1].weights - &sides[0].weights,
                bias: sides[1].bias - sides[0].bias,
            })
        })
        .collect();
    models.map(Heads::Linear)
}

/// Classes scored against their mean. Which one is highest stays; but what is common to all, such as
/// the rarity of a sentence's features, hides the class from calibrations, each of which sees the score
/// of one class.
fn centred(mut models: Vec<LinearModel>) -> Vec<LinearModel> {
    let share = 1.0 / models.len().max(1) as f64;
    let Some(first) = models.first() else {
        return models;
    };
    let mut weights = Array1::zeros(first.weights.len());
    let mut bias = 0.0;
    for model in &models {
        weights.scaled_add(share, &model.weights);
        bias += share * model.bias;
    }
    for model in &mut models {
        model.weights -= &weights;
        model.bias -= bias;
    }
    models
}

/// Fits the scorers of local evidence, where the settings ask for them.
///
/// # Errors
/// When a parameter is out of bounds.
pub(crate) fn fit_local_evidence(
    settings: &LearnerSettings,
    problem: &Problem<'_>,
    heads: &Heads,
    seed: u64,
) -> Result<Option<LocalEvidence>> {
    let Heads::Linear(models) = heads else {
        return Ok(None);
    };
    if !settings.learns_windows(problem.targets.is_single()) {
        return Ok(None);
    }
    let radius = settings.window_words / 2;
    let learner = WindowLearner {
        radius,
        rounds: settings.window_rounds,
        parameters: descent(settings, problem.features, seed).check()?,
        space: problem.space,
    };
    let windows = learner.fit(problem, models);
    let parameters = descent(settings, problem.space.assertion_len(), seed);
    let assertion = match settings.assertion {
        true => Some(fit_assertion(&parameters, problem, &windows, radius)?),
        false => None,
    };
    Ok(Some(LocalEvidence {
        radius,
        windows,
        assertion,
    }))
}
