//! From a corpus to a model: folds, fits, calibration, thresholds, figures.

use ndarray::Array2;
use rayon::prelude::*;

use crate::choices::{Choices, Decider, RawScore};
use crate::corpus::{Corpus, assign_folds};
use crate::error::{Error, Result};
use crate::evaluate::{Judged, Report, ReviewPoint};
use crate::features::{
    Candidates, FeatureSpace, SparseRow, TokenizedCorpus, records, select_by_chi_squared,
};
use crate::learn::{
    Heads, LearnerKind, LocalEvidence, Problem, Targets, check_memory, fit_heads,
    fit_local_evidence,
};
use crate::model::{FORMAT_VERSION, Header, Model, ModelHeads, Provenance, TextVersions};
use crate::scoring::{LabelMode, LabelTree, WeightBits};
use crate::settings::Settings;
use crate::text::TextPipeline;

/// Words on either side of the middle of the window shown as evidence where windows are not learnt:
/// a clause of news.
pub(crate) const EVIDENCE_RADIUS: usize = 4;

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
pub fn train(corpus: &Corpus, settings: &Settings, progress: &dyn Fn(Step)) -> Result<Model> {
    settings.check()?;
    if settings.learner.kind == LearnerKind::Ftrl || settings.learner.stream.is_some() {
        return Err(Error::Setting {
            name: "learner",
            value: LearnerKind::Ftrl.name(),
            allowed: "another learner, or given with --stream",
        });
    }
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
    let scores = run.out_of_fold_scores(progress)?;
    let decider = Decider {
        settings,
        targets: &targets,
        folds: &folds,
        fold_count: settings.training.folds,
    };
    let decided = decider.decide(&scores)?;
    progress(Step::Final);
    let all: Vec<usize> = (0..rows).collect();
    let fitted = run.fit(&all)?;
    progress(Step::Measure);
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
    let heads = ModelHeads::from_fitted(&fitted.heads, fitted.local.as_ref(), &fitted.space)
        .with_bits(WeightBits::Eight);
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
        (0..sentences.len())
            .into_par_iter()
            .map(|place| {
                let whole = self.heads.scores(&self.space.row(sentences[place]));
                let local = |label: usize| local.as_ref().map_or([0.0; 2], |l| l[label][place]);
                whole
                    .into_iter()
                    .enumerate()
                    .map(|(label, score)| {
                        let [window, assertion] = local(label);
                        [score, window, assertion]
                    })
                    .collect()
            })
            .collect()
    }
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
            let rows = rows_of(&space, fit_on);
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
        let rows = rows_of(&space, fit_on);
        let problem = Problem {
            targets: self.targets,
            rows: &rows,
            sentences: fit_on,
            features: space.len(),
        };
        let seed = self.settings.training.seed;
        let heads = fit_heads(learner, &problem, seed)?;
        let local = fit_local_evidence(learner, &problem, &space, &heads, seed)?;
        Ok(Fitted {
            space,
            heads,
            local,
        })
    }

    /// Raw scores of each sentence, label by label, by a model that has not seen its document.
    fn out_of_fold_scores(&self, progress: &dyn Fn(Step)) -> Result<Vec<Vec<RawScore>>> {
        let mut scores = vec![Vec::new(); self.folds.len()];
        for fold in 0..self.settings.training.folds {
            progress(Step::Fold(fold));
            let (held_out, fit_on): (Vec<usize>, Vec<usize>) =
                (0..self.folds.len()).partition(|&sentence| self.folds[sentence] == fold);
            let fitted = self.fit(&fit_on)?;
            let of_fold = fitted.scores(&held_out);
            for (sentence, of_sentence) in held_out.into_iter().zip(of_fold) {
                scores[sentence] = of_sentence;
            }
        }
        Ok(scores)
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
