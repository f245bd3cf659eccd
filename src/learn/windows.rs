//! Local evidence: scorers of windows of words, learnt from labels of whole sentences.
//!
//! A news sentence is long and its event is one clause. Here a sentence holds a label if one of
//! its windows does (multiple-instance learning): in a positive sentence the window that scores
//! highest stands for the label, in a negative one the windows that score highest are its
//! counter-examples; the scorer is fitted to these and the windows are chosen anew. After mi-SVM
//! (Andrews, Tsochantaridis and Hofmann, NIPS 2002) and the latent SVM with its cache of hard
//! negatives (Felzenszwalb et al., PAMI 32, 2010).

use std::collections::BTreeSet;

use ndarray::Array1;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::descent::{Descent, Side};
use super::dual::DualCoordinateDescentValid;
use super::linear::LinearModel;
use super::problem::Problem;
use super::spans::{SpanRows, SquaredNorms};
use crate::features::FeatureSpace;

/// How windows are learnt.
pub(crate) struct WindowLearner<'a> {
    /// Words on either side of the one in a window's middle.
    pub(crate) radius: usize,
    /// Times the windows are chosen.
    pub(crate) rounds: usize,
    /// How the scorer of the chosen windows is fitted.
    pub(crate) parameters: DualCoordinateDescentValid,
    pub(crate) space: &'a FeatureSpace<'a>,
}

/// A window: its sentence and the place of the word in its middle.
type Window = (usize, usize);

impl WindowLearner<'_> {
    /// Fits one scorer a label; the windows of the first round are chosen by the scorers of whole
    /// sentences.
    pub(crate) fn fit(
        &self,
        problem: &Problem<'_>,
        sentence_models: &[LinearModel],
    ) -> Vec<LinearModel> {
        sentence_models
            .par_iter()
            .enumerate()
            .map(|(label, model)| match problem.constant(label) {
                Some(_) => model.clone(),
                None => self.fit_label(problem, label, model),
            })
            .collect()
    }

    fn fit_label(&self, problem: &Problem<'_>, label: usize, model: &LinearModel) -> LinearModel {
        let (places, holds) = problem.decided(label);
        let feature_weights = model.weights.as_slice().unwrap_or_default();
        let mut effects = self.space.effects(feature_weights);
        let mut bias = model.bias;
        // Windows once chosen in a negative sentence stay counter-examples in later rounds, and a
        // window that stays keeps its dual variable: the next fit starts near its end.
        let mut negatives: BTreeSet<Window> = BTreeSet::new();
        let mut positives: Vec<Window> = Vec::new();
        let mut known: FxHashMap<Window, Known> = FxHashMap::default();
        let mut norms = SquaredNorms::new(self.space);
        for _ in 0..self.rounds {
            let scorer = self.space.scorer(effects);
            let (mut sums, mut chosen, before) = (Vec::new(), Vec::new(), negatives.len());
            for (&place, &held) in places.iter().zip(&holds) {
                let sentence = problem.sentences[place];
                let (_, middle) = scorer.best_window(sentence, self.radius, &mut sums);
                if held {
                    chosen.push((sentence, middle));
                } else {
                    negatives.insert((sentence, middle));
                }
            }
            effects = scorer.into_effects();
            if chosen == positives && negatives.len() == before {
                break;
            }
            positives = chosen;
            (effects, bias) = self.fit_windows(&positives, &negatives, &mut known, &mut norms);
        }
        LinearModel {
            weights: Array1::from_vec(self.space.weights(|slot| effects[slot])),
            bias,
        }
    }

    /// Effects of slots and bias from windows, beginning at what is known of them.
    fn fit_windows(
        &self,
        positives: &[Window],
        negatives: &BTreeSet<Window>,
        known: &mut FxHashMap<Window, Known>,
        norms: &mut SquaredNorms<'_>,
    ) -> (Vec<f64>, f64) {
        let windows: Vec<Window> = positives.iter().chain(negatives).copied().collect();
        let span =
            |&(sentence, middle): &Window| self.space.window_span(sentence, middle, self.radius);
        let of_window = |window: &Window| match known.get(window) {
            Some(known) => *known,
            None => Known {
                alpha: 0.0,
                squared_norm: norms.of(span(window)),
            },
        };
        let start: Vec<Known> = windows.iter().map(of_window).collect();
        let rows = SpanRows::with_norms(
            self.space,
            windows.iter().map(span).collect(),
            start.iter().map(|known| known.squared_norm).collect(),
        );
        let sides: Vec<[Side; 2]> = (0..windows.len())
            .map(|row| [(row < positives.len()).into(), Side::Open])
            .collect();
        let alphas = start.iter().map(|known| [known.alpha, 0.0]).collect();
        let (weighted, norms) = (rows.weighted::<2>(), &rows.squared_norms);
        let fitted = Descent::new(&self.parameters, weighted, norms, &sides, alphas).run();
        let fitted_known = start.iter().zip(&fitted.alphas);
        let fitted_known = fitted_known.map(|(known, &[alpha, _])| Known { alpha, ..*known });
        *known = windows.into_iter().zip(fitted_known).collect();
        let slots = 0..self.space.squares().len();
        let effects = slots.map(|slot| fitted.rows.effect(slot, 0)).collect();
        (effects, fitted.bias[0])
    }
}

/// What is known of a window from the fit before.
#[derive(Clone, Copy)]
struct Known {
    alpha: f64,
    squared_norm: f64,
}

/// Scorers of local evidence.
#[derive(Clone, Debug)]
pub(crate) struct LocalEvidence {
    /// Words on either side of the one in a window's middle.
    pub(crate) radius: usize,
    /// One scorer of windows a label.
    pub(crate) windows: Vec<LinearModel>,
    /// Whether what triggers a label is asserted, where that is learnt.
    pub(crate) assertion: Option<LinearModel>,
}

impl LocalEvidence {
    /// For each label and each of some sentences the highest score of a window, and the score of
    /// the assertion of what triggers the label in it.
    pub(crate) fn scores(
        &self,
        space: &FeatureSpace<'_>,
        sentences: &[usize],
    ) -> Vec<Vec<[f64; 2]>> {
        let of_label = |model: &LinearModel| {
            let weights = model.weights.as_slice().unwrap_or_default();
            let scorer = space.scorer(space.effects(weights));
            let mut sums = Vec::new();
            let of_sentence = |&sentence: &usize| {
                let (score, middle) = scorer.best_window(sentence, self.radius, &mut sums);
                let assertion = self.assertion.as_ref().map_or(0.0, |assertion| {
                    let trigger = scorer.trigger(sentence, middle, self.radius);
                    assertion.score(&space.assertion_row(sentence, trigger))
                });
                [score + model.bias, assertion]
            };
            sentences.iter().map(of_sentence).collect()
        };
        self.windows.par_iter().map(of_label).collect()
    }
}
