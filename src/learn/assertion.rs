//! Whether what triggers a label is asserted: one scorer for all labels.
//!
//! What denies, threatens, plans or remembers an airstrike does the same to an execution, and a
//! label alone has few examples of it. So the sentences of all labels are taken together, each seen
//! from its trigger (the word of the best window that speaks most for the label), and one scorer
//! learns from the words before and after it, by where they stand, which triggers hold. It sees the
//! sentences that hold a label and, for each label, the hardest of those that do not. After work on
//! the scope of negation and speculation (Morante and Daelemans, CoNLL 2009; Vincze et al., BMC
//! Bioinformatics 9, 2008), without annotated cues.

use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::Array1;
use rayon::prelude::*;

use super::dual::DualCoordinateDescent;
use super::linear::LinearModel;
use super::problem::Problem;
use crate::error::Result;
use crate::features::{SparseRow, records};

/// Sentences without the label, for each one with it.
const HARD_NEGATIVES: usize = 2;

/// Fits the scorer to the sentences of `problem` by the scorers of `windows` of `radius` words on
/// either side.
///
/// # Errors
/// When a parameter is out of bounds.
pub(crate) fn fit_assertion(
    parameters: &DualCoordinateDescent,
    problem: &Problem<'_>,
    windows: &[LinearModel],
    radius: usize,
) -> Result<LinearModel> {
    let by_label: Vec<Vec<(SparseRow, bool)>> = windows
        .par_iter()
        .enumerate()
        .map(|(label, model)| examples(problem, label, model, radius))
        .collect();
    let (rows, holds): (Vec<SparseRow>, Vec<bool>) = by_label.into_iter().flatten().unzip();
    let holds = Array1::from_vec(holds);
    if !(holds.iter().any(|&held| held) && holds.iter().any(|&held| !held)) {
        return Ok(LinearModel {
            weights: Array1::zeros(problem.space.assertion_len()),
            bias: 0.0,
        });
    }
    parameters.fit(&DatasetBase::new(records(rows), holds))
}

fn examples(
    problem: &Problem<'_>,
    label: usize,
    model: &LinearModel,
    radius: usize,
) -> Vec<(SparseRow, bool)> {
    let space = problem.space;
    let weights = model.weights.as_slice().unwrap_or_default();
    let scorer = space.scorer(space.effects(weights));
    let mut sums = Vec::new();
    let (places, holds) = problem.decided(label);
    let (mut held, mut missing) = (Vec::new(), Vec::new());
    for (&place, &holds) in places.iter().zip(&holds) {
        let sentence = problem.sentences[place];
        let (score, middle) = scorer.best_window(sentence, radius, &mut sums);
        let trigger = scorer.trigger(sentence, middle, radius);
        match holds {
            true => held.push((sentence, trigger)),
            false => missing.push((score, sentence, trigger)),
        }
    }
    missing.sort_by(|a, b| b.0.total_cmp(&a.0));
    missing.truncate(HARD_NEGATIVES * held.len());
    let missing = missing
        .into_iter()
        .map(|(_, sentence, trigger)| (sentence, trigger));
    let with =
        |holds: bool| move |(sentence, trigger)| (space.assertion_row(sentence, trigger), holds);
    let held = held.into_iter().map(with(true));
    held.chain(missing.map(with(false))).collect()
}
