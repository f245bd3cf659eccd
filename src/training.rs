//! From a corpus to a model: folds, fits, calibration, thresholds, figures.

mod held_out;

use std::borrow::Cow;

use rayon::prelude::*;

use crate::choices::{Choices, Decided, Decider, RawScore};
use crate::corpus::{Corpus, Record, assign_folds};
use crate::error::{Error, Result};
use crate::evaluate::{Judged, Report, ReviewPoint};
use crate::features::{Candidates, FeatureSpace, TokenizedCorpus, records, select_by_chi_squared};
use crate::learn::{
    Heads, LearnerKind, LocalEvidence, Problem, Targets, check_memory, fit_heads,
    fit_local_evidence,
};
use crate::model::{FORMAT_VERSION, Header, Model, ModelHeads, Provenance, TextVersions};
use crate::scoring::{LabelMode, LabelTree, LeafPrediction, WeightBits};
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
    /// The final model is fitted: on all documents, or on those not held out.
    Final,
    /// Intervals are computed.
    Measure,
}

/// Trains a model and measures it on held-out documents. Runs on the current rayon thread pool;
/// the result is the same for any number of threads.
///
/// ```
/// use marsad::Settings;
/// use marsad::corpus::CorpusReader;
/// use marsad::predict::{Predictor, Scratch};
///
/// let rows = r#"
/// {"doc": "1", "text": "تظاهر مئات العمال في الساحة", "labels": ["protest"]}
/// {"doc": "1", "text": "زار الوزير المستشفى الجديد", "labels": []}
/// {"doc": "2", "text": "تظاهر الطلاب أمام الجامعة", "labels": ["protest"]}
/// {"doc": "2", "text": "زار الوزير الجامعة أمس", "labels": []}
/// {"doc": "3", "text": "تظاهر سكان القرية في الساحة", "labels": ["protest"]}
/// {"doc": "3", "text": "زار الوفد المستشفى أمس", "labels": []}
/// "#;
/// let corpus = CorpusReader::default().read_memory(&[("rows.jsonl", rows.as_bytes())])?;
/// let mut settings = Settings::default();
/// settings.training.folds = 3;
/// settings.training.bootstrap_samples = 0;
/// let model = marsad::training::train(&corpus, &settings, &|_step| ())?;
/// assert_eq!(model.header().labels, ["protest"]);
/// assert_eq!(model.header().provenance.out_of_fold.rows, 6);
///
/// let predictor = Predictor::new(model);
/// let mut scratch = Scratch::default();
/// assert!(predictor.predict("تظاهر العمال في القرية", &mut scratch).holds[0]);
/// # Ok::<(), marsad::Error>(())
/// ```
///
/// # Errors
/// When a setting is out of bounds, the corpus cannot be learnt from, or the learner fails.
pub fn train(
    corpus: &Corpus,
    settings: &Settings,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<Model> {
    let targets = check(corpus, settings)?;
    let training = &settings.training;
    let division = match training.hold_out {
        None => Division::Folds(assign_folds(
            corpus.records(),
            training.folds,
            training.seed,
        )?),
        Some(share) => {
            Division::HeldOut(held_out::hold_out(corpus.records(), share, training.seed)?)
        }
    };
    progress(Step::Tokenize);
    let tokenized = tokenize(corpus, settings);
    let candidates = Candidates::new(&settings.features, &tokenized)?;
    let run = Run::new(settings, &targets, &tokenized, &candidates, progress)?;
    let (measured, fitted) = match &division {
        Division::Folds(folds) => run.fit_with_folds(folds, progress)?,
        Division::HeldOut(halves) => run.hold_out(halves, progress)?,
    };
    progress(Step::Measure);
    let decided = run.decide(&measured)?;
    let tree = LabelTree::new(targets.labels());
    let records = measured.records(corpus);
    let judged = Judged::new(tree, run.mode(), &records, &decided.predictions);
    let report = Report::measure(&judged, training.bootstrap_samples, training.seed);
    let review = judged.review_curve();
    assemble(corpus, &run, fitted, decided.choices, (report, review))
}

/// What models that have not seen a record's document predict for it.
#[derive(Clone, Debug)]
pub struct OutOfFold {
    /// The labels that are decided, in the order of each prediction.
    pub labels: Vec<String>,
    /// Whether a record has one label or several.
    pub mode: LabelMode,
    /// For each record, by choices of calibration and threshold made on the other folds.
    pub predictions: Vec<LeafPrediction>,
}

impl OutOfFold {
    /// The predictions set against the annotations of the same records.
    pub fn judged(&self, records: &[Record]) -> Judged {
        Judged::new(
            LabelTree::new(&self.labels),
            self.mode,
            records,
            &self.predictions,
        )
    }
}

/// Predicts each record by a model fitted to the other folds; `folds[record]` is a number from 0
/// without gaps. The folds of the settings are not looked at, no final model is fitted. Runs on the
/// current rayon thread pool; the result is the same for any number of threads.
///
/// # Errors
/// As [`train`], and when there are fewer than two folds.
pub fn cross_validate(
    corpus: &Corpus,
    settings: &Settings,
    folds: &[usize],
    progress: &(dyn Fn(Step) + Sync),
) -> Result<OutOfFold> {
    let targets = check(corpus, settings)?;
    let fold_count = folds.iter().max().map_or(0, |&last| last + 1);
    if fold_count < 2 || folds.len() != corpus.records().len() {
        return Err(Error::Setting {
            name: "folds",
            value: fold_count.to_string(),
            allowed: "at least 2, and one for each record",
        });
    }
    progress(Step::Tokenize);
    let tokenized = tokenize(corpus, settings);
    let candidates = Candidates::new(&settings.features, &tokenized)?;
    let run = Run::new(settings, &targets, &tokenized, &candidates, progress)?;
    let parts = run.fit_parts((0..fold_count).map(Some).collect(), folds, progress)?;
    let (measured, _) = run.gather(parts, folds);
    progress(Step::Measure);
    let decided = run.decide(&measured)?;
    Ok(OutOfFold {
        labels: targets.labels().to_vec(),
        mode: run.mode(),
        predictions: decided.predictions,
    })
}

/// The targets of a corpus that can be learnt from with some settings.
fn check(corpus: &Corpus, settings: &Settings) -> Result<Targets> {
    settings.check()?;
    if settings.learner.kind == LearnerKind::Ftrl || settings.learner.stream.is_some() {
        return Err(Error::Setting {
            name: "learner",
            value: LearnerKind::Ftrl.name(),
            allowed: "another learner, or given with --stream",
        });
    }
    match settings.training.single_label {
        true => Targets::single(corpus.records()),
        false => Targets::multiple(corpus.records(), &corpus.labels()),
    }
}

fn tokenize(corpus: &Corpus, settings: &Settings) -> TokenizedCorpus {
    let texts: Vec<&str> = corpus.records().iter().map(|r| r.text.as_str()).collect();
    TokenizedCorpus::new(&TextPipeline::new(&settings.text), &texts)
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

/// How sentences are divided into those fitted on and those measured on.
enum Division {
    /// The fold of each sentence: each is measured on by the model fitted to the others.
    Folds(Vec<usize>),
    /// For each sentence held out its half, 0 or 1.
    HeldOut(Vec<Option<usize>>),
}

/// Sentences with raw scores by a model that has not seen their document.
struct Measured {
    sentences: Vec<usize>,
    /// For each its fold or half: what is decided on one is chosen on the others.
    groups: Vec<usize>,
    /// For each its scores label by label.
    scores: Vec<Vec<RawScore>>,
}

impl Measured {
    /// The records of the sentences.
    fn records<'c>(&self, corpus: &'c Corpus) -> Cow<'c, [Record]> {
        let records = corpus.records();
        if self.sentences.len() == records.len() {
            return Cow::Borrowed(records);
        }
        let held_out = self.sentences.iter();
        Cow::Owned(held_out.map(|&place| records[place].clone()).collect())
    }
}

/// What one training run works on.
struct Run<'a> {
    settings: &'a Settings,
    targets: &'a Targets,
    tokenized: &'a TokenizedCorpus,
    candidates: &'a Candidates,
    /// Sentences of the corpus.
    rows: usize,
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
    Final(Box<Fitted<'a>>),
    /// Without some sentences, with the raw scores of these.
    HeldOut(Vec<usize>, Vec<Vec<RawScore>>),
}

impl<'a> Run<'a> {
    /// A run, once the memory that it takes is known to be there.
    fn new(
        settings: &'a Settings,
        targets: &'a Targets,
        tokenized: &'a TokenizedCorpus,
        candidates: &'a Candidates,
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<Self> {
        let rows = tokenized.len();
        if settings.learner.kind.is_stock() {
            let features = settings.learner.top_features.min(candidates.len());
            let megabytes = check_memory(&settings.learner, rows, features)?;
            progress(Step::Dense {
                features,
                megabytes,
            });
        }
        Ok(Self {
            settings,
            targets,
            tokenized,
            candidates,
            rows,
        })
    }

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
                let decided = (0..self.rows).filter_map(|s| self.targets.holds(label, s));
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

    /// Fits a model to the others of each fold, and one to all sentences.
    fn fit_with_folds(
        &self,
        folds: &[usize],
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<(Measured, Fitted<'a>)> {
        // The final model takes longest, so it comes first.
        let parts = std::iter::once(None).chain((0..self.settings.training.folds).map(Some));
        let parts = self.fit_parts(parts.collect(), folds, progress)?;
        let (measured, last) = self.gather(parts, folds);
        let last = last.ok_or_else(|| Error::Estimator("no model was fitted".into()))?;
        Ok((measured, last))
    }

    /// Fits a model without each fold that is named, and one on all sentences for `None`.
    fn fit_parts(
        &self,
        parts: Vec<Option<usize>>,
        folds: &[usize],
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<Vec<Part<'a>>> {
        let all: Vec<usize> = (0..self.rows).collect();
        let fit = |part: Option<usize>| match part {
            None => {
                progress(Step::Final);
                Ok(Part::Final(Box::new(self.fit(&all)?)))
            }
            Some(fold) => {
                progress(Step::Fold(fold));
                let (held_out, fit_on): (Vec<usize>, Vec<usize>) =
                    all.iter().partition(|&&sentence| folds[sentence] == fold);
                let scores = self.fit(&fit_on)?.scores(&held_out);
                Ok(Part::HeldOut(held_out, scores))
            }
        };
        // linfa's estimators are bounded by what one fit takes of memory.
        match self.settings.learner.kind.is_stock() {
            true => parts.into_iter().map(fit).collect(),
            false => parts.into_par_iter().map(fit).collect(),
        }
    }

    /// The raw scores of all sentences held out once, and the model on all, if it was fitted.
    fn gather(&self, parts: Vec<Part<'a>>, folds: &[usize]) -> (Measured, Option<Fitted<'a>>) {
        let mut scores = vec![Vec::new(); self.rows];
        let mut last = None;
        for part in parts {
            match part {
                Part::Final(fitted) => last = Some(*fitted),
                Part::HeldOut(sentences, of_part) => {
                    for (sentence, of_sentence) in sentences.into_iter().zip(of_part) {
                        scores[sentence] = of_sentence;
                    }
                }
            }
        }
        let measured = Measured {
            sentences: (0..self.rows).collect(),
            groups: folds.to_vec(),
            scores,
        };
        (measured, last)
    }

    /// Fits one model to the sentences that are not held out.
    fn hold_out(
        &self,
        halves: &[Option<usize>],
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<(Measured, Fitted<'a>)> {
        progress(Step::Final);
        let (sentences, fit_on): (Vec<usize>, Vec<usize>) =
            (0..self.rows).partition(|&sentence| halves[sentence].is_some());
        let fitted = self.fit(&fit_on)?;
        let measured = Measured {
            scores: fitted.scores(&sentences),
            groups: halves.iter().copied().flatten().collect(),
            sentences,
        };
        Ok((measured, fitted))
    }

    fn decide(&self, measured: &Measured) -> Result<Decided> {
        let decider = Decider {
            settings: self.settings,
            targets: &self.targets.select(&measured.sentences),
            folds: &measured.groups,
            fold_count: measured.groups.iter().max().map_or(0, |&last| last + 1),
        };
        decider.decide(&measured.scores)
    }
}
