//! From a corpus to a model: folds, fits, calibration, thresholds, figures.

mod held_out;
mod run;
mod workbench;

pub use workbench::{HeldOutPart, Workbench};

use crate::choices::Choices;
use crate::corpus::{Corpus, Record};
use crate::error::{Error, Result};
use crate::evaluate::{Judged, Report, ReviewPoint};
use crate::learn::{LearnerKind, Targets};
use crate::model::{FORMAT_VERSION, Header, Model, ModelHeads, Provenance, TextVersions};
use crate::scoring::{LabelMode, LabelTree, LeafPrediction, WeightBits};
use crate::settings::Settings;
use run::{Division, Fitted, Run};

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
    train_and_keep(corpus, settings, progress).map(|trained| trained.model)
}

/// A model with the predictions that its figures are made of.
#[derive(Debug)]
pub struct Trained {
    /// The model.
    pub model: Model,
    /// Places in the corpus of the sentences measured on: all of them with folds, else those held
    /// out.
    pub sentences: Vec<usize>,
    /// For each of them what models that have not seen its document predict.
    pub predictions: Vec<LeafPrediction>,
}

/// As [`train`], keeping what is predicted for the sentences measured on.
///
/// # Errors
/// As [`train`].
pub fn train_and_keep(
    corpus: &Corpus,
    settings: &Settings,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<Trained> {
    let targets = check(corpus, settings)?;
    let division = Division::of(corpus.records(), settings)?;
    progress(Step::Tokenize);
    let workbench = Workbench::new(corpus, settings)?;
    let run = workbench.run(settings, &targets, progress)?;
    let (measured, fitted) = run.fit_divided(&division, &workbench.places(), progress)?;
    progress(Step::Measure);
    let decided = run.decide(&measured)?;
    let tree = LabelTree::new(targets.labels());
    let records = measured.records(corpus);
    let judged = Judged::new(tree, run.mode(), &records, &decided.predictions);
    let training = &settings.training;
    let report = Report::measure(&judged, training.bootstrap_samples, training.seed);
    let review = judged.review_curve();
    let model = assemble(corpus, &run, fitted, decided.choices, (report, review))?;
    Ok(Trained {
        model,
        sentences: measured.sentences,
        predictions: decided.predictions,
    })
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
    // What can be told at once is told before the work.
    check(corpus, settings)?;
    let parts = HeldOutPart::of_folds(folds);
    check_parts(match folds.len() == corpus.records().len() {
        true => parts.len(),
        false => 0,
    })?;
    progress(Step::Tokenize);
    let workbench = Workbench::new(corpus, settings)?;
    let mut out_of_fold = workbench.predict_parts(settings, &parts, progress)?;
    let mut predictions = vec![LeafPrediction::default(); folds.len()];
    let places = parts.iter().flat_map(|part| &part.measure_on);
    for (&place, prediction) in places.zip(out_of_fold.predictions) {
        predictions[place] = prediction;
    }
    out_of_fold.predictions = predictions;
    Ok(out_of_fold)
}

/// Refuses fewer than two parts: there would be none to choose thresholds on.
fn check_parts(parts: usize) -> Result<()> {
    match parts {
        0 | 1 => Err(Error::Setting {
            name: "folds",
            value: parts.to_string(),
            allowed: "at least 2, and one for each record",
        }),
        _ => Ok(()),
    }
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
