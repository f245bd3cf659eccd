//! Mixes, calibrations and thresholds, chosen on scores of sentences held out.

use rayon::prelude::*;

use crate::error::Result;
use crate::learn::{Targets, best_single_label_thresholds, best_threshold, calibrate, mix_scores};
use crate::scoring::{Calibration, LabelMode, LeafPrediction};
use crate::settings::Settings;

/// The score of a whole sentence, the highest score of a window in it and the score of the assertion
/// of what triggers the label there; 0 for what is not learnt.
pub(crate) type RawScore = [f64; 3];

/// How raw scores become decisions.
pub(crate) struct Choices {
    /// For each label how much each part of the raw score counts.
    pub(crate) mixes: Vec<[f64; 3]>,
    pub(crate) calibrations: Vec<Calibration>,
    pub(crate) thresholds: Vec<f64>,
}

impl Choices {
    fn probabilities(&self, mode: LabelMode, scores: &[RawScore]) -> Vec<f64> {
        let mut probabilities: Vec<f64> = (self.calibrations.iter())
            .zip(&self.mixes)
            .zip(scores)
            .map(|((calibration, mix), score)| calibration.probability(mixed(mix, score)))
            .collect();
        mode.normalize(&mut probabilities);
        probabilities
    }

    /// Decides on the raw scores of one sentence.
    pub(crate) fn decide(&self, mode: LabelMode, scores: &[RawScore]) -> LeafPrediction {
        LeafPrediction::decide(mode, self.probabilities(mode, scores), &self.thresholds)
    }
}

/// Decisions on out-of-fold scores.
pub(crate) struct Decided {
    /// For each sentence, by the choices made on the other folds.
    pub(crate) predictions: Vec<LeafPrediction>,
    /// For the model, from all folds.
    pub(crate) choices: Choices,
}

/// Chooses on some folds what decides on another.
pub(crate) struct Decider<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) targets: &'a Targets,
    /// The fold of each sentence.
    pub(crate) folds: &'a [usize],
    pub(crate) fold_count: usize,
}

impl Decider<'_> {
    fn mode(&self) -> LabelMode {
        match self.targets.is_single() {
            true => LabelMode::Single,
            false => LabelMode::Multiple,
        }
    }

    /// Decides on each sentence by choices made on the other folds, and chooses for the model on all.
    ///
    /// # Errors
    /// When the parts of the raw score cannot be mixed.
    pub(crate) fn decide(&self, scores: &[Vec<RawScore>]) -> Result<Decided> {
        let all: Vec<usize> = (0..scores.len()).collect();
        let mut predictions = vec![LeafPrediction::default(); scores.len()];
        for fold in 0..self.fold_count {
            let choices = self.choose_for(fold, scores)?;
            for &sentence in all.iter().filter(|&&sentence| self.folds[sentence] == fold) {
                predictions[sentence] = choices.decide(self.mode(), &scores[sentence]);
            }
        }
        Ok(Decided {
            predictions,
            choices: self.choose(scores, &all)?,
        })
    }

    /// Chooses for a fold on the others.
    ///
    /// # Errors
    /// When the parts of the raw score cannot be mixed.
    pub(crate) fn choose_for(&self, fold: usize, scores: &[Vec<RawScore>]) -> Result<Choices> {
        let others = (0..scores.len()).filter(|&sentence| self.folds[sentence] != fold);
        self.choose(scores, &others.collect::<Vec<_>>())
    }

    /// Mixes, calibrations and thresholds from the out-of-fold scores of some sentences.
    fn choose(&self, scores: &[Vec<RawScore>], sentences: &[usize]) -> Result<Choices> {
        let by_label: Result<Vec<([f64; 3], Calibration, f64)>> = (0..self.targets.labels().len())
            .into_par_iter()
            .map(|label| {
                let (scores, holds): (Vec<RawScore>, Vec<bool>) = sentences
                    .iter()
                    .filter_map(|&sentence| {
                        let held = self.targets.holds(label, sentence)?;
                        Some((scores[sentence][label], held))
                    })
                    .unzip();
                let learner = &self.settings.learner;
                let mix = match learner.learns_windows(self.targets.is_single()) {
                    true => mix_scores(&scores, &holds),
                    false => [1.0, 0.0, 0.0],
                };
                let scores: Vec<f64> = scores.iter().map(|score| mixed(&mix, score)).collect();
                let calibration = calibrate(self.settings.training.calibration, &scores, &holds);
                let probabilities: Vec<f64> =
                    scores.iter().map(|&s| calibration.probability(s)).collect();
                let threshold = best_threshold(self.settings.training.aim, &probabilities, &holds);
                Ok((mix, calibration, threshold))
            })
            .collect();
        let mut choices = Choices {
            mixes: Vec::new(),
            calibrations: Vec::new(),
            thresholds: Vec::new(),
        };
        for (mix, calibration, threshold) in by_label? {
            choices.mixes.push(mix);
            choices.calibrations.push(calibration);
            choices.thresholds.push(threshold);
        }
        if let Some(classes) = self.targets.classes() {
            let probabilities: Vec<Vec<f64>> = sentences
                .iter()
                .map(|&sentence| choices.probabilities(self.mode(), &scores[sentence]))
                .collect();
            let classes: Vec<usize> = sentences.iter().map(|&s| classes[s]).collect();
            choices.thresholds =
                best_single_label_thresholds(&probabilities, &classes, self.targets.labels().len());
        }
        Ok(choices)
    }
}

fn mixed(mix: &[f64; 3], score: &RawScore) -> f64 {
    mix.iter()
        .zip(score)
        .map(|(share, part)| share * part)
        .sum()
}
