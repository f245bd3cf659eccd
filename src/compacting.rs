//! Making a model smaller: fewer bits a weight, and without the features that matter least.

use rayon::prelude::*;

use crate::corpus::Record;
use crate::error::{Error, Result};
use crate::evaluate::{Judged, Report};
use crate::features::ROLES;
use crate::model::{Model, ModelHeads};
use crate::predict::{Predictor, Scratch};
use crate::scoring::{Calibration, LeafPrediction, WeightBits, Weights};

/// Steps in which features are left out.
const STEPS: usize = 256;

/// Is told of sentences that were worked on.
pub type Done<'d> = dyn Fn(u64) + Sync + 'd;

/// How small a model is to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct CompactSettings {
    /// Bytes that the file may have; without it no feature is left out.
    pub size: Option<usize>,
    /// Bits a weight; without it 8 where that is small enough, else 4.
    pub bits: Option<WeightBits>,
}

/// What a smaller model says otherwise than the model it was made from.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Sentences that both were asked about.
    pub sentences: usize,
    /// Sentences that get other labels.
    pub relabelled: usize,
    /// Mean difference of a label's probability.
    pub mean_difference: f64,
    /// Macro-F1 before and after, where the sentences are annotated with labels of the model.
    pub macro_f1: Option<[f64; 2]>,
}

impl Change {
    /// Asks both models about the same sentences; `done` is told of each answer. Runs on the current
    /// rayon thread pool.
    pub fn measure(before: &Model, after: &Model, records: &[Record], done: &Done<'_>) -> Self {
        let [before, after] = [before, after].map(|model| Predictor::new(model.clone()));
        let tree = before.tree().clone();
        let [old, new] = [&before, &after].map(|predictor| predict_all(predictor, records, done));
        let pairs = || old.iter().zip(&new);
        let differences = pairs().flat_map(|(old, new)| {
            let pairs = old.probabilities.iter().zip(&new.probabilities);
            pairs.map(|(old, new)| (old - new).abs())
        });
        let (sum, count) = differences.fold((0.0, 0usize), |(sum, count), d| (sum + d, count + 1));
        let known = |label: &String| tree.labels().iter().any(|of_tree| of_tree.name == *label);
        let annotated = records.iter().any(|record| record.labels.iter().any(known));
        let macro_f1 = |predictions: &[LeafPrediction]| {
            let mode = before.header().mode;
            let judged = Judged::new(tree.clone(), mode, records, predictions);
            Report::measure(&judged, 0, 0).top.macro_f1.value
        };
        Self {
            sentences: records.len(),
            relabelled: pairs().filter(|(old, new)| old.holds != new.holds).count(),
            mean_difference: sum / count.max(1) as f64,
            macro_f1: annotated.then(|| [macro_f1(&old), macro_f1(&new)]),
        }
    }
}

fn predict_all(predictor: &Predictor, records: &[Record], done: &Done<'_>) -> Vec<LeafPrediction> {
    let predictions = records
        .par_iter()
        .map_init(Scratch::default, |scratch, record| {
            let leaves = predictor.predict_leaves(&record.text, scratch);
            done(1);
            leaves
        });
    predictions.collect()
}

/// Makes a model smaller. Features are left out by their expected effect on the scores: weight,
/// times idf, times document frequency, the largest over the labels. What is left is fitted to the
/// scores of the model as it was, by least squares on `sentences`, which need no labels; thresholds
/// stay. `done` is told of each of the two answers a sentence. Runs on the current rayon thread pool.
///
/// # Errors
/// When the model has no weights, or cannot be made so small.
pub fn compact(
    model: &Model,
    settings: CompactSettings,
    sentences: &[&str],
    done: &Done<'_>,
) -> Result<Model> {
    let ModelHeads::Linear { .. } = model.heads() else {
        return Err(Error::Estimator(
            "a model of trees has no weights to be stored in fewer bits".into(),
        ));
    };
    let bits = settings.bits;
    let tried = [
        bits.unwrap_or(WeightBits::Eight),
        bits.unwrap_or(WeightBits::Four),
    ];
    let Some(size) = settings.size else {
        return Ok(refitted(with_bits(model, tried[1]), model, sentences, done));
    };
    for bits in tried {
        let smaller = with_bits(model, bits);
        if smaller.to_bytes()?.len() <= size {
            return Ok(refitted(smaller, model, sentences, done));
        }
    }
    let pruned = pruned_to(&with_bits(model, tried[1]), size)?;
    Ok(refitted(pruned, model, sentences, done))
}

fn with_bits(model: &Model, bits: WeightBits) -> Model {
    Model {
        heads: model.heads.with_bits(bits),
        ..model.clone()
    }
}

/// The model with as many features as a size allows.
fn pruned_to(model: &Model, size: usize) -> Result<Model> {
    let effects = Effects::of(model);
    let (mut fits, mut too_many) = (0, STEPS);
    while too_many - fits > 1 {
        let steps = usize::midpoint(fits, too_many);
        match effects.strongest(model, steps).to_bytes()?.len() <= size {
            true => fits = steps,
            false => too_many = steps,
        }
    }
    if fits == 0 {
        let least = effects.strongest(model, 1).to_bytes()?.len();
        return Err(Error::Size { size, least });
    }
    Ok(effects.strongest(model, fits))
}

/// What each feature and unit is expected to add to raw scores over a corpus.
struct Effects {
    features: Vec<f64>,
    units: Vec<f64>,
}

impl Effects {
    fn of(model: &Model) -> Self {
        let (header, vocabulary) = (&model.header, &model.vocabulary);
        let sentences = header.provenance.sentences;
        let ModelHeads::Linear {
            weights, assertion, ..
        } = &model.heads
        else {
            return Self {
                features: Vec::new(),
                units: Vec::new(),
            };
        };
        let labels = header.labels.len();
        let largest_share = |part: usize| {
            let mixes = header.mixes.iter().flatten();
            mixes.fold(0.0f64, |largest, mix| largest.max(mix[part].abs()))
        };
        let of_feature = |feature: usize| {
            let of_label = |label: usize| {
                let Some(mixes) = &header.mixes else {
                    return f64::from(weights.get(feature, label)).abs();
                };
                let [sentence, window, _] = mixes[label];
                (sentence * f64::from(weights.get(feature, label))).abs()
                    + (window * f64::from(weights.get(feature, labels + label))).abs()
            };
            let strongest = (0..labels).map(of_label).fold(0.0, f64::max);
            let frequency = vocabulary.document_frequency(feature, sentences);
            strongest * f64::from(vocabulary.idf[feature]) * frequency
        };
        let of_unit = |unit: usize| {
            if assertion.rows() == 0 {
                return 0.0;
            }
            let by_role = (0..ROLES).map(|role| f64::from(assertion.get(unit, role)).abs());
            let frequency = vocabulary.unit_frequency(unit, sentences);
            by_role.fold(0.0, f64::max) * f64::from(vocabulary.unit_idf[unit]) * frequency
        };
        let asserted = largest_share(2);
        Self {
            features: (0..vocabulary.len()).map(of_feature).collect(),
            units: (0..vocabulary.units.len())
                .map(|unit| asserted * of_unit(unit))
                .collect(),
        }
    }

    /// The model with the strongest of [`STEPS`] parts of the features and of the units.
    fn strongest(&self, model: &Model, steps: usize) -> Model {
        let kept: Vec<usize> = kept(&self.features, steps);
        let of_units = kept_flags(&self.units, steps);
        let (vocabulary, units) = model.vocabulary.restricted(&kept, |unit| of_units[unit]);
        let ModelHeads::Linear {
            weights,
            biases,
            assertion,
        } = &model.heads
        else {
            return model.clone();
        };
        let asserted: Weights = match assertion.rows() {
            0 => assertion.clone(),
            _ => assertion.select_rows(&units),
        };
        Model {
            header: model.header.clone(),
            vocabulary,
            heads: ModelHeads::Linear {
                weights: weights.select_rows(&kept),
                biases: biases.clone(),
                assertion: asserted,
            },
        }
    }
}

/// The places of the largest effects, ascending.
fn kept(effects: &[f64], steps: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..effects.len()).collect();
    order.sort_by(|&a, &b| effects[b].total_cmp(&effects[a]).then(a.cmp(&b)));
    order.truncate(effects.len() * steps / STEPS);
    order.sort_unstable();
    order
}

fn kept_flags(effects: &[f64], steps: usize) -> Vec<bool> {
    let mut flags = vec![false; effects.len()];
    kept(effects, steps)
        .into_iter()
        .for_each(|place| flags[place] = true);
    flags
}

/// Fits the mixes of a smaller model to the raw scores of the model it was made from.
fn refitted(mut smaller: Model, model: &Model, sentences: &[&str], done: &Done<'_>) -> Model {
    if sentences.is_empty() {
        return smaller;
    }
    let before = all_parts(model, sentences, done);
    let after = all_parts(&smaller, sentences, done);
    for label in 0..model.header.labels.len() {
        let rows = before.iter().zip(&after);
        let pairs = rows.map(|(before, after)| (after[label].0, before[label].1));
        let Some([a, b, c, shift]) = least_squares(pairs) else {
            continue;
        };
        let header = &mut smaller.header;
        match &mut header.mixes {
            Some(mixes) => {
                mixes[label] = [a, b, c];
                shift_calibration(&mut header.calibrations[label], 1.0, shift);
            }
            None => shift_calibration(&mut header.calibrations[label], a, shift),
        }
    }
    smaller
}

fn all_parts(model: &Model, sentences: &[&str], done: &Done<'_>) -> Vec<Vec<([f64; 3], f64)>> {
    let predictor = Predictor::new(model.clone());
    let parts = sentences
        .par_iter()
        .map_init(Scratch::default, |scratch, sentence| {
            let parts = predictor.parts(sentence, scratch);
            done(1);
            parts
        });
    parts.collect()
}

/// Makes a calibration give for a score `x` what it gave for `scale × x + shift`.
fn shift_calibration(calibration: &mut Calibration, scale: f64, shift: f64) {
    match calibration {
        Calibration::Platt { slope, intercept } => {
            *intercept += *slope * shift;
            *slope *= scale;
        }
        // A rising curve stays one only where the scale is above 0.
        Calibration::Isotonic { scores, .. } if scale > 0.0 => {
            scores
                .iter_mut()
                .for_each(|score| *score = (*score - shift) / scale);
        }
        Calibration::Isotonic { .. } => {}
    }
}

/// The shares of three parts, and the constant, that come nearest to the targets; `None` where the
/// targets cannot tell them.
fn least_squares(rows: impl Iterator<Item = ([f64; 3], f64)>) -> Option<[f64; 4]> {
    const RIDGE: f64 = 1e-6;
    let mut matrix = [[0.0; 5]; 4];
    for (parts, target) in rows {
        let row = [parts[0], parts[1], parts[2], 1.0, target];
        for (left, line) in matrix.iter_mut().enumerate() {
            for (right, cell) in line.iter_mut().enumerate() {
                *cell += row[left] * row[right];
            }
        }
    }
    for (place, line) in matrix.iter_mut().enumerate() {
        line[place] += RIDGE;
    }
    // The matrix is symmetric and positive definite: elimination needs no exchange of rows.
    for pivot in 0..4 {
        let line = matrix[pivot];
        for (place, other) in matrix.iter_mut().enumerate() {
            if place != pivot {
                let factor = other[pivot] / line[pivot];
                other
                    .iter_mut()
                    .zip(line)
                    .for_each(|(cell, of_pivot)| *cell -= factor * of_pivot);
            }
        }
    }
    let solution = [0, 1, 2, 3].map(|place| matrix[place][4] / matrix[place][place]);
    solution
        .iter()
        .all(|share| share.is_finite())
        .then_some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_squares_finds_the_shares() {
        let rows = (0..50).map(|i| {
            let parts = [f64::from(i % 7), f64::from(i % 5), f64::from(i % 3)];
            (
                parts,
                0.5 * parts[0] - 2.0 * parts[1] + 3.0 * parts[2] + 4.0,
            )
        });
        let found = least_squares(rows).unwrap();
        for (share, expected) in found.iter().zip([0.5, -2.0, 3.0, 4.0]) {
            assert!((share - expected).abs() < 1e-4, "{found:?}");
        }
    }

    #[test]
    fn shifted_calibrations_give_the_same() {
        let calibrations = [
            Calibration::Platt {
                slope: -2.0,
                intercept: 0.3,
            },
            Calibration::Isotonic {
                scores: vec![-1.0, 0.0, 2.0],
                probabilities: vec![0.1, 0.5, 0.9],
            },
        ];
        for calibration in calibrations {
            let mut shifted = calibration.clone();
            shift_calibration(&mut shifted, 0.5, 0.25);
            for score in [-1.0, 0.0, 0.7, 3.0] {
                let expected = calibration.probability(0.5 * score + 0.25);
                assert!((shifted.probability(score) - expected).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn the_strongest_are_kept_in_order() {
        assert_eq!(kept(&[0.5, 3.0, 1.0, 2.0], STEPS / 2), [1, 3]);
        assert_eq!(kept(&[1.0; 4], STEPS / 2), [0, 1]);
    }
}
