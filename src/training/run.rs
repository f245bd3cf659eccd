//! One training run: fits on parts of a corpus, and what they say about the rest.

use std::borrow::Cow;

use rayon::prelude::*;

use super::workbench::HeldOutPart;
use super::{Step, held_out};
use crate::choices::{Choices, Decided, Decider, RawScore};
use crate::corpus::{Corpus, Record, assign_folds};
use crate::error::{Error, Result};
use crate::features::{Candidates, FeatureSpace, TokenizedCorpus, records, select_by_chi_squared};
use crate::learn::{
    Heads, LocalEvidence, Problem, Targets, check_memory, fit_heads, fit_local_evidence,
};
use crate::scoring::{LabelMode, LeafPrediction};
use crate::settings::Settings;

/// How sentences are divided into those fitted on and those measured on.
pub(super) enum Division {
    /// The fold of each sentence: each is measured on by the model fitted to the others.
    Folds(Vec<usize>),
    /// For each sentence held out its half, 0 or 1.
    HeldOut(Vec<Option<usize>>),
}

impl Division {
    /// Divides records as settings say.
    ///
    /// # Errors
    /// When there are too few documents.
    pub(super) fn of(records: &[Record], settings: &Settings) -> Result<Self> {
        let training = &settings.training;
        Ok(match training.hold_out {
            None => Self::Folds(assign_folds(records, training.folds, training.seed)?),
            Some(share) => Self::HeldOut(held_out::hold_out(records, share, training.seed)?),
        })
    }

    /// Fits that the division takes, the last on all that there is to fit on.
    pub(super) fn fits(settings: &Settings) -> usize {
        match settings.training.hold_out {
            None => settings.training.folds + 1,
            Some(_) => 1,
        }
    }
}

/// Sentences with raw scores by a model that has not seen their document.
pub(super) struct Measured {
    pub(super) sentences: Vec<usize>,
    /// For each its fold or half: what is decided on one is chosen on the others.
    groups: Vec<usize>,
    /// For each its scores label by label.
    scores: Vec<Vec<RawScore>>,
}

impl Measured {
    fn of_parts(parts: &[HeldOutPart], scores: Vec<Vec<Vec<RawScore>>>) -> Self {
        let of_part =
            |(part, plan): (usize, &HeldOutPart)| std::iter::repeat_n(part, plan.measure_on.len());
        Self {
            sentences: parts.iter().flat_map(|p| p.measure_on.clone()).collect(),
            groups: parts.iter().enumerate().flat_map(of_part).collect(),
            scores: scores.into_iter().flatten().collect(),
        }
    }

    /// The records of the sentences.
    pub(super) fn records<'c>(&self, corpus: &'c Corpus) -> Cow<'c, [Record]> {
        let records = corpus.records();
        if self.sentences.len() == records.len() {
            return Cow::Borrowed(records);
        }
        let held_out = self.sentences.iter();
        Cow::Owned(held_out.map(|&place| records[place].clone()).collect())
    }
}

/// What one training run works on.
pub(super) struct Run<'a> {
    pub(super) settings: &'a Settings,
    pub(super) targets: &'a Targets,
    tokenized: &'a TokenizedCorpus,
    candidates: &'a Candidates,
    /// Sentences of the corpus.
    pub(super) rows: usize,
}

/// Features and scorers fitted on some sentences.
pub(super) struct Fitted<'a> {
    pub(super) space: FeatureSpace<'a>,
    pub(super) heads: Heads,
    pub(super) local: Option<LocalEvidence>,
}

impl Fitted<'_> {
    /// Raw scores of some sentences, label by label.
    pub(super) fn scores(&self, sentences: &[usize]) -> Vec<Vec<RawScore>> {
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
pub(super) enum Part<'a> {
    /// On all sentences.
    Final(Box<Fitted<'a>>),
    /// Without some sentences, with the raw scores of these.
    HeldOut(Vec<usize>, Vec<Vec<RawScore>>),
}

impl<'a> Run<'a> {
    /// A run, once the memory that it takes is known to be there.
    pub(super) fn new(
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

    pub(super) fn mode(&self) -> LabelMode {
        match self.targets.is_single() {
            true => LabelMode::Single,
            false => LabelMode::Multiple,
        }
    }

    fn labels(&self) -> usize {
        self.targets.labels().len()
    }

    /// The share of the sentences that hold each label, among those that decide on it.
    pub(super) fn priors(&self) -> Vec<f64> {
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

    /// Fits as a division of some sentences says; `places` are theirs in the corpus.
    pub(super) fn fit_divided(
        &self,
        division: &Division,
        places: &[usize],
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<(Measured, Fitted<'a>)> {
        match division {
            Division::Folds(folds) => self.fit_with_folds(places, folds, progress),
            Division::HeldOut(halves) => self.fit_without(places, halves, progress),
        }
    }

    /// Fits a model to the others of each fold, and one to all sentences.
    fn fit_with_folds(
        &self,
        places: &[usize],
        folds: &[usize],
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<(Measured, Fitted<'a>)> {
        // The final model takes longest, so it comes first.
        let parts = std::iter::once(None).chain((0..self.settings.training.folds).map(Some));
        let parts = self.fit_parts(parts.collect(), places, folds, progress)?;
        let (measured, last) = self.gather(parts, places, folds);
        let last = last.ok_or_else(|| Error::Estimator("no model was fitted".into()))?;
        Ok((measured, last))
    }

    /// Fits a model without each fold that is named, and one on all sentences for `None`.
    fn fit_parts(
        &self,
        parts: Vec<Option<usize>>,
        places: &[usize],
        folds: &[usize],
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<Vec<Part<'a>>> {
        let fit = |part: Option<usize>| match part {
            None => {
                progress(Step::Final);
                Ok(Part::Final(Box::new(self.fit(places)?)))
            }
            Some(fold) => {
                progress(Step::Fold(fold));
                let part = HeldOutPart::fold(fold, places, folds);
                let scores = self.fit(&part.fit_on)?.scores(&part.measure_on);
                Ok(Part::HeldOut(part.measure_on, scores))
            }
        };
        self.each(parts, fit)
    }

    /// Does things at once, unless the learner is one of linfa's, which are bounded by what one fit
    /// takes of memory.
    fn each<T: Send, U: Send>(
        &self,
        things: Vec<T>,
        work: impl Fn(T) -> Result<U> + Sync + Send,
    ) -> Result<Vec<U>> {
        match self.settings.learner.kind.is_stock() {
            true => things.into_iter().map(work).collect(),
            false => things.into_par_iter().map(work).collect(),
        }
    }

    /// The raw scores of the sentences of each part, by a model fitted to others.
    pub(super) fn measure_parts(
        &self,
        parts: &[HeldOutPart],
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<Measured> {
        let fit = |part: usize| {
            progress(Step::Fold(part));
            let HeldOutPart { fit_on, measure_on } = &parts[part];
            Ok(self.fit(fit_on)?.scores(measure_on))
        };
        let scores = self.each((0..parts.len()).collect(), fit)?;
        Ok(Measured::of_parts(parts, scores))
    }

    /// As [`Run::measure_parts`], with the model of each part.
    pub(super) fn fit_to_parts(
        &self,
        parts: &[HeldOutPart],
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<(Measured, Vec<Fitted<'a>>)> {
        let fit = |part: usize| {
            progress(Step::Fold(part));
            let fitted = self.fit(&parts[part].fit_on)?;
            Ok((fitted.scores(&parts[part].measure_on), fitted))
        };
        let fitted = self.each((0..parts.len()).collect(), fit)?;
        let (scores, models) = fitted.into_iter().unzip();
        Ok((Measured::of_parts(parts, scores), models))
    }

    /// The raw scores of all sentences held out once, and the model on all, if it was fitted.
    fn gather(
        &self,
        parts: Vec<Part<'a>>,
        places: &[usize],
        folds: &[usize],
    ) -> (Measured, Option<Fitted<'a>>) {
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
            sentences: places.to_vec(),
            groups: folds.to_vec(),
            scores: places
                .iter()
                .map(|&place| std::mem::take(&mut scores[place]))
                .collect(),
        };
        (measured, last)
    }

    /// Fits one model to the sentences that are not held out.
    fn fit_without(
        &self,
        places: &[usize],
        halves: &[Option<usize>],
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<(Measured, Fitted<'a>)> {
        progress(Step::Final);
        let chosen = |held: bool| -> Vec<usize> {
            let divided = places.iter().zip(halves);
            let chosen = divided.filter(|(_, half)| half.is_some() == held);
            chosen.map(|(&place, _)| place).collect()
        };
        let (sentences, fitted) = (chosen(true), self.fit(&chosen(false))?);
        let measured = Measured {
            scores: fitted.scores(&sentences),
            groups: halves.iter().copied().flatten().collect(),
            sentences,
        };
        Ok((measured, fitted))
    }

    /// Decides on the sentences that were measured, and chooses for a model.
    pub(super) fn decide(&self, measured: &Measured) -> Result<Decided> {
        let targets = self.targets.select(&measured.sentences);
        self.decider(measured, &targets).decide(&measured.scores)
    }

    /// The choices for each fold, made on the other folds.
    pub(super) fn choices_by_fold(&self, measured: &Measured) -> Result<Vec<Choices>> {
        let targets = self.targets.select(&measured.sentences);
        let decider = self.decider(measured, &targets);
        (0..decider.fold_count)
            .map(|fold| decider.choose_for(fold, &measured.scores))
            .collect()
    }

    /// Decides on other sentences by choices that are already made.
    pub(super) fn decide_by(
        &self,
        choices: &Choices,
        scores: &[Vec<RawScore>],
    ) -> Vec<LeafPrediction> {
        let scores = scores.iter();
        scores.map(|of| choices.decide(self.mode(), of)).collect()
    }

    fn decider<'d>(&'d self, measured: &'d Measured, targets: &'d Targets) -> Decider<'d> {
        Decider {
            settings: self.settings,
            targets,
            folds: &measured.groups,
            fold_count: measured.groups.iter().max().map_or(0, |&last| last + 1),
        }
    }
}
