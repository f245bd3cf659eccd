//! From a corpus to a model: folds, fits, calibration, thresholds, figures.

use ndarray::Array2;
use rayon::prelude::*;

use crate::corpus::{Corpus, assign_folds};
use crate::error::{Error, Result};
use crate::evaluate::{Judged, Report};
use crate::features::{
    Candidates, FeatureSpace, SparseRow, TokenizedCorpus, records, select_by_chi_squared,
};
use crate::learn::{
    Heads, Problem, Targets, best_f1_threshold, best_single_label_thresholds, calibrate,
    check_memory, fit_heads,
};
use crate::model::{FORMAT_VERSION, Header, Model, ModelHeads, Provenance, TextVersions};
use crate::scoring::{Calibration, LabelMode, LabelTree, LeafPrediction};
use crate::settings::Settings;
use crate::text::TextPipeline;

/// Words in the window shown as evidence: a clause of news.
const EVIDENCE_WORDS: usize = 8;

/// A training run as it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Texts are normalised and cut into tokens.
    Tokenize,
    /// The fold of this number, from 0, is fitted without its documents.
    Fold(usize),
    /// The final model is fitted on all documents.
    Final,
    /// Intervals are computed.
    Measure,
}

/// Trains a model and measures it on held-out documents. Runs on the current rayon thread pool;
/// the result is the same for any number of threads.
///
/// # Errors
/// When a setting is out of bounds, the corpus cannot be learnt from, or the learner fails.
pub fn train(corpus: &Corpus, settings: &Settings, progress: &dyn Fn(Step)) -> Result<Model> {
    settings.check()?;
    let targets = match settings.training.single_label {
        true => Targets::single(corpus.records())?,
        false => Targets::multiple(corpus.records(), &corpus.labels())?,
    };
    let folds = assign_folds(
        corpus.records(),
        settings.training.folds,
        settings.training.seed,
    )?;
    let rows = corpus.records().len();
    if settings.learner.kind.is_stock() {
        check_memory(&settings.learner, rows, settings.learner.top_features)?;
    }
    progress(Step::Tokenize);
    let texts: Vec<&str> = corpus.records().iter().map(|r| r.text.as_str()).collect();
    let tokenized = TokenizedCorpus::new(&TextPipeline::new(&settings.text), &texts);
    let candidates = Candidates::new(&settings.features, &tokenized)?;
    let run = Run {
        settings,
        targets: &targets,
        tokenized: &tokenized,
        candidates: &candidates,
        folds: &folds,
    };
    let scores = run.out_of_fold_scores(progress)?;
    let decided = run.decide(&scores);
    progress(Step::Final);
    let all: Vec<usize> = (0..rows).collect();
    let (space, heads) = run.fit(&all)?;
    progress(Step::Measure);
    let tree = LabelTree::new(targets.labels());
    let judged = Judged::new(tree, run.mode(), corpus.records(), &decided.predictions);
    let report = Report::measure(
        &judged,
        settings.training.bootstrap_samples,
        settings.training.seed,
    );
    let vocabulary = space.vocabulary();
    let heads = ModelHeads::from_fitted(&heads, vocabulary.len());
    let subwords = vocabulary
        .subwords
        .as_ref()
        .map(|s| s.to_json())
        .transpose()?;
    let header = Header {
        format_version: FORMAT_VERSION,
        checksum: String::new(),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        text_versions: TextVersions::CURRENT,
        text: settings.text,
        features: settings.features.clone(),
        mode: run.mode(),
        labels: targets.labels().to_vec(),
        calibrations: decided.calibrations,
        thresholds: decided.thresholds,
        evidence_words: EVIDENCE_WORDS,
        alphabet: vocabulary.alphabet.stored(),
        subwords,
        provenance: Provenance {
            corpus_digest: corpus.digest(),
            sentences: rows,
            documents: corpus.documents(),
            label_counts: corpus.label_counts(),
            learner: settings.learner.clone(),
            training: settings.training.clone(),
            out_of_fold: report,
        },
    };
    Ok(Model {
        header,
        vocabulary,
        heads,
    })
}

/// What one training run works on.
struct Run<'a> {
    settings: &'a Settings,
    targets: &'a Targets,
    tokenized: &'a TokenizedCorpus,
    candidates: &'a Candidates,
    /// The fold of each sentence.
    folds: &'a [usize],
}

/// Decisions on out-of-fold scores.
struct Decided {
    /// For each sentence, by calibration and thresholds of the other folds.
    predictions: Vec<LeafPrediction>,
    /// For the model, from all folds.
    calibrations: Vec<Calibration>,
    thresholds: Vec<f64>,
}

impl<'a> Run<'a> {
    fn mode(&self) -> LabelMode {
        match self.targets.is_single() {
            true => LabelMode::Single,
            false => LabelMode::Multiple,
        }
    }

    fn labels(&self) -> usize {
        self.targets.labels().len()
    }

    /// Fits features and heads on some sentences.
    fn fit(&self, fit_on: &[usize]) -> Result<(FeatureSpace<'a>, Heads)> {
        let mut space = FeatureSpace::fit(self.candidates, self.tokenized, fit_on);
        if space.is_empty() {
            return Err(Error::Corpus(
                "no feature is frequent enough; give more text or a lower features.min_document_frequency".into(),
            ));
        }
        let learner = &self.settings.learner;
        if learner.kind.is_stock() {
            let rows = rows_of(&space, fit_on);
            let holds: Vec<Vec<bool>> = (0..self.labels())
                .map(|label| {
                    let held =
                        |&sentence: &usize| self.targets.holds(label, sentence) == Some(true);
                    fit_on.iter().map(held).collect()
                })
                .collect();
            let rows: Vec<SparseRow> = rows.into_iter().collect();
            let keep = select_by_chi_squared(&rows, space.len(), &holds, learner.top_features);
            space = space.restricted(&keep);
        }
        let rows = rows_of(&space, fit_on);
        let problem = Problem {
            targets: self.targets,
            rows: &rows,
            sentences: fit_on,
            features: space.len(),
        };
        let heads = fit_heads(learner, &problem, self.settings.training.seed)?;
        Ok((space, heads))
    }

    /// Raw scores of each sentence by a model that has not seen its document.
    fn out_of_fold_scores(&self, progress: &dyn Fn(Step)) -> Result<Vec<Vec<f64>>> {
        let mut scores = vec![Vec::new(); self.folds.len()];
        for fold in 0..self.settings.training.folds {
            progress(Step::Fold(fold));
            let (held_out, fit_on): (Vec<usize>, Vec<usize>) =
                (0..self.folds.len()).partition(|&sentence| self.folds[sentence] == fold);
            let (space, heads) = self.fit(&fit_on)?;
            let of_fold: Vec<Vec<f64>> = held_out
                .par_iter()
                .map(|&sentence| heads.scores(&space.row(sentence)))
                .collect();
            for (sentence, of_sentence) in held_out.into_iter().zip(of_fold) {
                scores[sentence] = of_sentence;
            }
        }
        Ok(scores)
    }

    fn decide(&self, scores: &[Vec<f64>]) -> Decided {
        let all: Vec<usize> = (0..scores.len()).collect();
        let (calibrations, thresholds) = self.choose(scores, &all);
        let mut predictions = vec![LeafPrediction::default(); scores.len()];
        for fold in 0..self.settings.training.folds {
            let (held_out, others): (Vec<usize>, Vec<usize>) = all
                .iter()
                .partition(|&&sentence| self.folds[sentence] == fold);
            let (calibrations, thresholds) = self.choose(scores, &others);
            for sentence in held_out {
                let probabilities = self.probabilities(&calibrations, &scores[sentence]);
                let mut holds = Vec::new();
                self.mode().decide(&probabilities, &thresholds, &mut holds);
                predictions[sentence] = LeafPrediction {
                    probabilities,
                    holds,
                };
            }
        }
        Decided {
            predictions,
            calibrations,
            thresholds,
        }
    }

    fn probabilities(&self, calibrations: &[Calibration], scores: &[f64]) -> Vec<f64> {
        let mut probabilities: Vec<f64> = calibrations
            .iter()
            .zip(scores)
            .map(|(calibration, &score)| calibration.probability(score))
            .collect();
        self.mode().normalize(&mut probabilities);
        probabilities
    }

    /// Calibrations and thresholds from the out-of-fold scores of some sentences.
    fn choose(&self, scores: &[Vec<f64>], sentences: &[usize]) -> (Vec<Calibration>, Vec<f64>) {
        let kind = self.settings.training.calibration;
        let decided: Vec<(Vec<f64>, Vec<bool>)> = (0..self.labels())
            .map(|label| {
                sentences
                    .iter()
                    .filter_map(|&sentence| {
                        let held = self.targets.holds(label, sentence)?;
                        Some((scores[sentence][label], held))
                    })
                    .unzip()
            })
            .collect();
        let calibrations: Vec<Calibration> = decided
            .par_iter()
            .map(|(scores, holds)| calibrate(kind, scores, holds))
            .collect();
        let thresholds = match self.targets.classes() {
            None => decided
                .iter()
                .zip(&calibrations)
                .map(|((scores, holds), calibration)| {
                    let probabilities: Vec<f64> =
                        scores.iter().map(|&s| calibration.probability(s)).collect();
                    best_f1_threshold(&probabilities, holds)
                })
                .collect(),
            Some(classes) => {
                let probabilities: Vec<Vec<f64>> = sentences
                    .iter()
                    .map(|&sentence| self.probabilities(&calibrations, &scores[sentence]))
                    .collect();
                let classes: Vec<usize> = sentences.iter().map(|&s| classes[s]).collect();
                best_single_label_thresholds(&probabilities, &classes, self.labels())
            }
        };
        (calibrations, thresholds)
    }
}

fn rows_of(space: &FeatureSpace<'_>, sentences: &[usize]) -> Array2<SparseRow> {
    records(
        sentences
            .par_iter()
            .map(|&sentence| space.row(sentence))
            .collect(),
    )
}
