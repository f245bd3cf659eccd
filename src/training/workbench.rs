//! A corpus made ready once for many fits.

use std::sync::Arc;

use super::run::{Division, Run};
use super::{OutOfFold, Step, assemble, check, check_parts};
use crate::corpus::Corpus;
use crate::error::Result;
use crate::evaluate::{Judged, Report};
use crate::features::{Candidates, FeatureSettings, TokenizedCorpus};
use crate::learn::Targets;
use crate::model::Model;
use crate::scoring::LabelTree;
use crate::settings::Settings;
use crate::text::{TextPipeline, TextSettings};

/// A corpus read through the text pipeline, with everything in it that could become a feature: what
/// fits on any part of it share. All work runs on the current rayon thread pool; results are the same
/// for any number of threads.
#[derive(Clone, Debug)]
pub struct Workbench<'c> {
    corpus: &'c Corpus,
    text: TextSettings,
    features: FeatureSettings,
    tokenized: Arc<TokenizedCorpus>,
    candidates: Arc<Candidates>,
}

impl<'c> Workbench<'c> {
    /// Reads a corpus as settings of text and features say.
    ///
    /// # Errors
    /// When these settings are out of bounds.
    pub fn new(corpus: &'c Corpus, settings: &Settings) -> Result<Self> {
        let texts: Vec<&str> = corpus.records().iter().map(|r| r.text.as_str()).collect();
        let tokenized = TokenizedCorpus::new(&TextPipeline::new(&settings.text), &texts);
        let candidates = Candidates::new(&settings.features, &tokenized)?;
        Ok(Self {
            corpus,
            text: settings.text,
            features: settings.features.clone(),
            tokenized: Arc::new(tokenized),
            candidates: Arc::new(candidates),
        })
    }

    /// The same corpus for other settings; what these do not change is shared.
    ///
    /// # Errors
    /// As [`Workbench::new`].
    pub fn with(&self, settings: &Settings) -> Result<Self> {
        if settings.text != self.text {
            return Self::new(self.corpus, settings);
        }
        let mut other = self.clone();
        if settings.features != self.features {
            other.features = settings.features.clone();
            other.candidates = Arc::new(Candidates::new(&settings.features, &self.tokenized)?);
        }
        Ok(other)
    }

    /// The corpus.
    pub fn corpus(&self) -> &'c Corpus {
        self.corpus
    }

    /// The places of all records.
    pub fn places(&self) -> Vec<usize> {
        (0..self.corpus.records().len()).collect()
    }

    /// A run on the corpus, once the memory that it takes is known to be there.
    pub(super) fn run<'a>(
        &'a self,
        settings: &'a Settings,
        targets: &'a Targets,
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<Run<'a>> {
        Run::new(
            settings,
            targets,
            &self.tokenized,
            &self.candidates,
            progress,
        )
    }

    /// Predicts the records of each part by a model fitted to others, with choices of calibration and
    /// threshold made on the other parts. Predictions are in the order of the parts. The folds of the
    /// settings are not looked at, no final model is fitted.
    ///
    /// # Errors
    /// As [`super::train`], and when there are fewer than two parts.
    pub fn predict_parts(
        &self,
        settings: &Settings,
        parts: &[HeldOutPart],
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<OutOfFold> {
        let targets = check(self.corpus, settings)?;
        check_parts(parts.len())?;
        let run = self.run(settings, &targets, progress)?;
        let measured = run.measure_parts(parts, progress)?;
        progress(Step::Measure);
        let decided = run.decide(&measured)?;
        Ok(OutOfFold {
            labels: targets.labels().to_vec(),
            mode: run.mode(),
            predictions: decided.predictions,
        })
    }

    /// Predicts some records by a model fitted to others, with calibration and thresholds from folds,
    /// or a share held out, of those others, as [`super::train`] does it.
    ///
    /// # Errors
    /// As [`super::train`].
    pub fn hold_out(
        &self,
        settings: &Settings,
        fit_on: &[usize],
        measure_on: &[usize],
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<OutOfFold> {
        let targets = check(self.corpus, settings)?;
        let division = Division::of(self.corpus.select(fit_on).records(), settings)?;
        let run = self.run(settings, &targets, progress)?;
        let (measured, fitted) = run.fit_divided(&division, fit_on, progress)?;
        let decided = run.decide(&measured)?;
        progress(Step::Measure);
        Ok(OutOfFold {
            labels: targets.labels().to_vec(),
            mode: run.mode(),
            predictions: run.decide_by(&decided.choices, &fitted.scores(measure_on)),
        })
    }

    /// Fits that [`Workbench::hold_out`] takes.
    pub fn fits_to_hold_out(settings: &Settings) -> usize {
        Division::fits(settings)
    }

    /// For each part its model, with choices of calibration and threshold made on the other parts.
    /// The models hold no figures.
    ///
    /// # Errors
    /// As [`Workbench::predict_parts`].
    pub fn part_models(
        &self,
        settings: &Settings,
        parts: &[HeldOutPart],
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<Vec<Model>> {
        let targets = check(self.corpus, settings)?;
        check_parts(parts.len())?;
        let run = self.run(settings, &targets, progress)?;
        let (measured, fitted) = run.fit_to_parts(parts, progress)?;
        let choices = run.choices_by_fold(&measured)?;
        let empty = Judged::new(LabelTree::new(targets.labels()), run.mode(), &[], &[]);
        let unmeasured = Report::measure(&empty, 0, settings.training.seed);
        let models = fitted.into_iter().zip(choices);
        models
            .map(|(fitted, choices)| {
                let figures = (unmeasured.clone(), Vec::new());
                assemble(self.corpus, &run, fitted, choices, figures)
            })
            .collect()
    }
}

/// Records that a model is fitted on, and others that it predicts: places in a corpus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldOutPart {
    /// Fitted on.
    pub fit_on: Vec<usize>,
    /// Predicted.
    pub measure_on: Vec<usize>,
}

impl HeldOutPart {
    /// A fold against all others; `folds[n]` is the fold of the record at `places[n]`.
    pub(super) fn fold(fold: usize, places: &[usize], folds: &[usize]) -> Self {
        let of_fold = |held: bool| {
            let divided = places.iter().zip(folds);
            let chosen = divided.filter(|(_, at)| (**at == fold) == held);
            chosen.map(|(&place, _)| place).collect()
        };
        Self {
            fit_on: of_fold(false),
            measure_on: of_fold(true),
        }
    }

    /// Each fold of a corpus against all others; `folds[record]` is a number from 0 without gaps.
    pub fn of_folds(folds: &[usize]) -> Vec<Self> {
        let places: Vec<usize> = (0..folds.len()).collect();
        let count = folds.iter().max().map_or(0, |&last| last + 1);
        (0..count)
            .map(|fold| Self::fold(fold, &places, folds))
            .collect()
    }
}
