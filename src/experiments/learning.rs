//! Training on growing shares of the documents.

use rayon::prelude::*;

use super::Progress;
use super::parts::nested_groups;
use crate::corpus::{Corpus, assign_folds};
use crate::error::{Error, Result};
use crate::evaluate::{
    Bootstrap, LabelPoint, LearningCurve, LearningPoint, Report, Spread, forecast_curve,
};
use crate::settings::Settings;
use crate::training::Workbench;

/// How a learning curve is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearningPlan {
    /// Times documents are drawn, at least 2: in each draw another such part of the documents is held
    /// out, and the others are trained on in growing shares.
    pub draws: usize,
    /// Resamples of the draws behind the intervals of the forecast.
    pub bootstrap: Bootstrap,
}

/// The documents to train on are divided into so many groups, of which growing numbers are taken.
const GROUPS: usize = 16;
const TAKEN: [usize; 6] = [1, 2, 4, 8, 12, 16];

/// A curve through fewer points says nothing.
const FEWEST_POINTS: usize = 4;

/// What one draw measured at one point.
struct Measured {
    sentences: usize,
    documents: usize,
    report: Report,
}

/// Trains on nested growing shares of the documents of a corpus and measures on documents held out.
/// Runs on the current rayon thread pool; the result is the same for any number of threads.
///
/// # Errors
/// As [`crate::training::train`], and when there are too few documents for a curve.
pub fn learning_curve(
    corpus: &Corpus,
    settings: &Settings,
    plan: LearningPlan,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<LearningCurve> {
    let seed = settings.training.seed;
    let folds = assign_folds(corpus.records(), plan.draws, seed)?;
    let shares = shares(corpus.documents(), settings, plan.draws)?;
    let fits = plan.draws * shares.len() * Workbench::fits_to_hold_out(settings);
    progress(Progress::Planned(fits));
    let workbench = Workbench::new(corpus, settings)?;
    let steps = |step| progress(Progress::Step(step));
    let draw = |draw: usize| -> Result<Vec<Measured>> {
        let (measure_on, train_on): (Vec<usize>, Vec<usize>) =
            (0..folds.len()).partition(|&row| folds[row] == draw);
        let to_train_on = corpus.select(&train_on);
        let groups = nested_groups(
            to_train_on.records(),
            GROUPS,
            seed.wrapping_add(draw as u64),
        )?;
        let measured_on = corpus.select(&measure_on);
        let measure = |&taken: &usize| {
            let rows = train_on.iter().zip(&groups);
            let fit_on: Vec<usize> = rows
                .filter(|(_, group)| **group < taken)
                .map(|(&row, _)| row)
                .collect();
            let predicted = workbench.hold_out(settings, &fit_on, &measure_on, &steps)?;
            let judged = predicted.judged(measured_on.records());
            Ok(Measured {
                sentences: fit_on.len(),
                documents: corpus.select(&fit_on).documents(),
                report: Report::measure(&judged, 0, seed),
            })
        };
        shares.par_iter().map(measure).collect()
    };
    // One draw after the other bounds what is held in memory.
    let draws: Vec<Vec<Measured>> = (0..plan.draws).map(draw).collect::<Result<_>>()?;
    let points = (0..shares.len()).map(|place| point(&draws, place));
    let points = points.collect();
    let sentences = corpus.records().len();
    Ok(forecast_curve(
        points,
        sentences,
        plan.draws,
        plan.bootstrap,
    ))
}

/// The numbers of groups that hold enough documents for the folds within.
fn shares(documents: usize, settings: &Settings, draws: usize) -> Result<Vec<usize>> {
    let to_train_on = documents - documents.div_ceil(draws.max(1)).min(documents);
    let least = 2 * settings.training.folds.max(2);
    let shares: Vec<usize> = TAKEN
        .into_iter()
        .filter(|taken| taken * to_train_on / GROUPS >= least)
        .collect();
    match shares.len() {
        FEWEST_POINTS.. => Ok(shares),
        _ => Err(Error::Corpus(format!(
            "{documents} documents are too few for a learning curve; at least {} are needed",
            (least * GROUPS / TAKEN[TAKEN.len() - FEWEST_POINTS]) * draws / (draws - 1).max(1)
                + draws
        ))),
    }
}

fn point(draws: &[Vec<Measured>], place: usize) -> LearningPoint {
    let at_point: Vec<&Measured> = draws.iter().filter_map(|draw| draw.get(place)).collect();
    let mean = |figure: &dyn Fn(&Measured) -> f64| {
        let sum: f64 = at_point.iter().map(|measured| figure(measured)).sum();
        sum / at_point.len().max(1) as f64
    };
    let largest = |draw: &Vec<Measured>| draw.last().map_or(0, |last| last.sentences);
    let all: usize = draws.iter().map(largest).sum();
    let sentences = mean(&|measured| measured.sentences as f64);
    let labels = at_point.first().map_or(&[][..], |m| &m.report.labels);
    LearningPoint {
        share: sentences * at_point.len() as f64 / all.max(1) as f64,
        sentences,
        documents: mean(&|measured| measured.documents as f64),
        macro_f1: Spread::of(
            at_point
                .iter()
                .map(|measured| measured.report.top.macro_f1.value)
                .collect(),
        ),
        labels: labels
            .iter()
            .enumerate()
            .map(|(label, of_report)| LabelPoint {
                label: of_report.label.clone(),
                f1: mean(&|m| m.report.labels.get(label).map_or(0.0, |l| l.f1.value)),
            })
            .collect(),
    }
}
