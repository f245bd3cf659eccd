//! From a corpus to a model: folds, fits, calibration, thresholds, figures.

use rayon::prelude::*;

use crate::corpus::{Corpus, assign_folds};
use crate::error::{Error, Result};
use crate::evaluate::{Judged, Report, ReviewPoint};
use crate::features::{Candidates, FeatureSpace, TokenizedCorpus, records, select_by_chi_squared};
use crate::learn::{
    Heads, LocalEvidence, Problem, Targets, best_single_label_thresholds, best_threshold,
    calibrate, check_memory, fit_heads, fit_local_evidence, mix_scores,
};
use crate::model::{FORMAT_VERSION, Header, Model, ModelHeads, Provenance, TextVersions};
use crate::scoring::{Calibration, LabelMode, LabelTree, LeafPrediction};
use crate::settings::Settings;
use crate::text::TextPipeline;

/// Words on either side of the middle of the window shown as evidence where windows are not learnt:
/// a clause of news.
const EVIDENCE_RADIUS: usize = 4;

/// A training run as it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Texts are normalised and cut into tokens.
    Tokenize,
    /// Dense rows of so many features are about to be made, which takes about so many MB.
    Dense {
        /// Features kept.
        features: usize,
        /// Memory at the peak.
        megabytes: usize,
    },
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
pub fn train(
    corpus: &Corpus,
    settings: &Settings,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<Model> {
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
    progress(Step::Tokenize);
    let texts: Vec<&str> = corpus.records().iter().map(|r| r.text.as_str()).collect();
    let tokenized = TokenizedCorpus::new(&TextPipeline::new(&settings.text), &texts);
    let candidates = Candidates::new(&settings.features, &tokenized)?;
    if settings.learner.kind.is_stock() {
        let features = settings.learner.top_features.min(candidates.len());
        let megabytes = check_memory(&settings.learner, rows, features)?;
        progress(Step::Dense {
            features,
            megabytes,
        });
    }
    let run = Run {
        settings,
        targets: &targets,
        tokenized: &tokenized,
        candidates: &candidates,
        folds: &folds,
    };
    let (scores, fitted) = run.cross_validate(progress)?;
    progress(Step::Measure);
    let decided = run.decide(&scores)?;
    let tree = LabelTree::new(targets.labels());
    let judged = Judged::new(tree, run.mode(), corpus.records(), &decided.predictions);
    let report = Report::measure(
        &judged,
        settings.training.bootstrap_samples,
        settings.training.seed,
    );
    let review = judged.review_curve();
    assemble(corpus, &run, fitted, decided.choices, (report, review))
}

/// Puts the parts of a finished run together.
fn assemble(
    corpus: &Corpus,
    run: &Run<'_>,
    fitted: Fitted<'_>,
    choices: Choices,
    (report, review): (Report, Vec<ReviewPoint>),
) -> Result<Model> {
    let settings = run.settings;
    let vocabulary = fitted.space.vocabulary();
    let heads = ModelHeads::from_fitted(&fitted.heads, fitted.local.as_ref(), &fitted.space);
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
        labels: run.targets.labels().to_vec(),
        mixes: fitted.local.is_some().then_some(choices.mixes),
        calibrations: choices.calibrations,
        thresholds: choices.thresholds,
        priors: run.priors(),
        review,
        window_radius: match &fitted.local {
            Some(local) => local.radius,
            None => EVIDENCE_RADIUS,
        },
        alphabet: vocabulary.alphabet.stored(),
        subwords,
        provenance: Provenance {
            corpus_digest: corpus.digest(),
            sentences: corpus.records().len(),
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

/// The score of a whole sentence, the highest score of a window in it and the score of the assertion
/// of what triggers the label there; 0 for what is not learnt.
type RawScore = [f64; 3];

/// Features and scorers fitted on some sentences.
struct Fitted<'a> {
    space: FeatureSpace<'a>,
    heads: Heads,
    local: Option<LocalEvidence>,
}

impl Fitted<'_> {
    /// Raw scores of some sentences, label by label.
    fn scores(&self, sentences: &[usize]) -> Vec<Vec<RawScore>> {
        let local = self.local.as_ref();
        let local = local.map(|local| local.scores(&self.space, sentences));
        let whole = self.heads.scores(&self.space, sentences);
        (0..sentences.len())
            .map(|place| {
                let of_label = |(label, whole): (usize, &Vec<f64>)| {
                    let local = local.as_ref().map_or([0.0; 2], |l| l[label][place]);
                    [whole[place], local[0], local[1]]
                };
                whole.iter().enumerate().map(of_label).collect()
            })
            .collect()
    }
}

/// One fit of a cross-validation.
enum Part<'a> {
    /// On all sentences.
    Final(Fitted<'a>),
    /// Without some sentences, with the raw scores of these.
    HeldOut(Vec<usize>, Vec<Vec<RawScore>>),
}

/// How raw scores become decisions.
struct Choices {
    /// For each label how much each part of the raw score counts.
    mixes: Vec<[f64; 3]>,
    calibrations: Vec<Calibration>,
    thresholds: Vec<f64>,
}

/// Decisions on out-of-fold scores.
struct Decided {
    /// For each sentence, by the choices made on the other folds.
    predictions: Vec<LeafPrediction>,
    /// For the model, from all folds.
    choices: Choices,
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

    /// The share of the sentences that hold each label, among those that decide on it.
    fn priors(&self) -> Vec<f64> {
        (0..self.labels())
            .map(|label| {
                let decided = (0..self.folds.len()).filter_map(|s| self.targets.holds(label, s));
                let (held, rows) = decided.fold((0, 0), |(held, rows), holds| {
                    (held + u32::from(holds), rows + 1)
                });
                f64::from(held) / f64::from(rows.max(1))
            })
            .collect()
    }

    /// Fits features and scorers on some sentences.
    fn fit(&self, fit_on: &[usize]) -> Result<Fitted<'a>> {
        let mut space = FeatureSpace::fit(self.candidates, self.tokenized, fit_on);
        if space.is_empty() {
            return Err(Error::Corpus(
                "no feature is frequent enough; give more text or a lower features.min_document_frequency".into(),
            ));
        }
        let learner = &self.settings.learner;
        if learner.kind.is_stock() {
            let rows = records(space.rows(fit_on));
            let holds: Vec<Vec<bool>> = (0..self.labels())
                .map(|label| {
                    let held =
                        |&sentence: &usize| self.targets.holds(label, sentence) == Some(true);
                    fit_on.iter().map(held).collect()
                })
                .collect();
            let keep = select_by_chi_squared(&rows, space.len(), &holds, learner.top_features);
            space = space.restricted(&keep);
        }
        let rows = match learner.kind.works_on_spans() {
            true => Vec::new(),
            false => space.rows(fit_on),
        };
        let rows = records(rows);
        let problem = Problem {
            targets: self.targets,
            space: &space,
            rows: &rows,
            sentences: fit_on,
            features: space.len(),
        };
        let seed = self.settings.training.seed;
        let heads = fit_heads(learner, &problem, seed)?;
        let local = fit_local_evidence(learner, &problem, &heads, seed)?;
        Ok(Fitted {
            space,
            heads,
            local,
        })
    }

    /// Raw scores of each sentence, label by label, by a model that has not seen its document; and
    /// the model fitted on all.
    fn cross_validate(
        &self,
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<(Vec<Vec<RawScore>>, Fitted<'a>)> {
        let all: Vec<usize> = (0..self.folds.len()).collect();
        // The final model takes longest, so it comes first.
        let parts = std::iter::once(None).chain((0..self.settings.training.folds).map(Some));
        let fit = |part: Option<usize>| match part {
            None => {
                progress(Step::Final);
                Ok(Part::Final(self.fit(&all)?))
            }
            Some(fold) => {
                progress(Step::Fold(fold));
                let (held_out, fit_on): (Vec<usize>, Vec<usize>) =
                    all.iter().partition(|&&s| self.folds[s] == fold);
                let scores = self.fit(&fit_on)?.scores(&held_out);
                Ok(Part::HeldOut(held_out, scores))
            }
        };
        // linfa's estimators are bounded by what one fit takes of memory.
        let parts: Result<Vec<Part<'a>>> = match self.settings.learner.kind.is_stock() {
            true => parts.map(fit).collect(),
            false => parts.collect::<Vec<_>>().into_par_iter().map(fit).collect(),
        };
        let mut scores = vec![Vec::new(); self.folds.len()];
        let mut last = None;
        for part in parts? {
            match part {
                Part::Final(fitted) => last = Some(fitted),
                Part::HeldOut(sentences, of_part) => {
                    for (sentence, of_sentence) in sentences.into_iter().zip(of_part) {
                        scores[sentence] = of_sentence;
                    }
                }
            }
        }
        let last = last.ok_or_else(|| Error::Estimator("no model was fitted".into()))?;
        Ok((scores, last))
    }

    fn decide(&self, scores: &[Vec<RawScore>]) -> Result<Decided> {
        let all: Vec<usize> = (0..scores.len()).collect();
        let mut predictions = vec![LeafPrediction::default(); scores.len()];
        for fold in 0..self.settings.training.folds {
            let (held_out, others): (Vec<usize>, Vec<usize>) = all
                .iter()
                .partition(|&&sentence| self.folds[sentence] == fold);
            let choices = self.choose(scores, &others)?;
            for sentence in held_out {
                let probabilities = self.probabilities(&choices, &scores[sentence]);
                predictions[sentence] =
                    LeafPrediction::decide(self.mode(), probabilities, &choices.thresholds);
            }
        }
        Ok(Decided {
            predictions,
            choices: self.choose(scores, &all)?,
        })
    }

    fn probabilities(&self, choices: &Choices, scores: &[RawScore]) -> Vec<f64> {
        let mut probabilities: Vec<f64> = choices
            .calibrations
            .iter()
            .zip(&choices.mixes)
            .zip(scores)
            .map(|((calibration, mix), score)| calibration.probability(mixed(mix, score)))
            .collect();
        self.mode().normalize(&mut probabilities);
        probabilities
    }

    /// Mixes, calibrations and thresholds from the out-of-fold scores of some sentences.
    fn choose(&self, scores: &[Vec<RawScore>], sentences: &[usize]) -> Result<Choices> {
        let by_label: Result<Vec<([f64; 3], Calibration, f64)>> = (0..self.labels())
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
                    true => mix_scores(&scores, &holds)?,
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
                .map(|&sentence| self.probabilities(&choices, &scores[sentence]))
                .collect();
            let classes: Vec<usize> = sentences.iter().map(|&s| classes[s]).collect();
            choices.thresholds =
                best_single_label_thresholds(&probabilities, &classes, self.labels());
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
