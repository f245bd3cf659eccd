//! Examining a model, or settings, on annotated rows.

use std::collections::HashSet;

use rayon::prelude::*;

use super::Progress;
use super::parts::{MOST_SOURCES, Plan, PlanParts};
use crate::corpus::{Corpus, Record};
use crate::error::{Error, Result};
use crate::evaluate::{
    Bootstrap, Examination, Judged, LabelSpread, Method, NoiseEffect, Part, Repeats, Report, Spread,
};
use crate::predict::{Predictor, Scratch};
use crate::scoring::LeafPrediction;
use crate::settings::Settings;
use crate::text::ScriptNoise;
use crate::training::{HeldOutPart, OutOfFold, Workbench};

/// What is to be measured beside the figures that are always given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Resamples of documents behind all intervals.
    pub bootstrap: Bootstrap,
    /// Fields of the corpus by whose values figures are given.
    pub by: Vec<String>,
    /// Calibration, risk over coverage, figures by length.
    pub details: bool,
    /// What other spellings of the text change.
    pub noise: bool,
}

/// An examination with the predictions that it is of.
#[derive(Clone, Debug)]
pub struct Examined {
    /// What was measured.
    pub examination: Examination,
    /// Places in the corpus of the rows measured.
    pub places: Vec<usize>,
    /// For each of them what was predicted.
    pub predictions: Vec<LeafPrediction>,
}

/// Predicts all rows of a corpus and tells now and then how many more are done. Runs on the current
/// rayon thread pool.
pub fn predict_corpus(
    predictor: &Predictor,
    corpus: &Corpus,
    progress: &(dyn Fn(usize) + Sync),
) -> Vec<LeafPrediction> {
    /// Rows after which progress is told.
    const STEP: usize = 256;
    let pieces = corpus.records().par_chunks(STEP);
    let predictions = pieces.map_init(Scratch::default, |scratch, records| {
        let records = records.iter();
        let predicted = records.map(|record| predictor.predict_leaves(&record.text, scratch));
        let predicted: Vec<LeafPrediction> = predicted.collect();
        progress(predicted.len());
        predicted
    });
    predictions.flatten_iter().collect()
}

fn predict_texts(
    predictor: &Predictor,
    records: &[Record],
    text: &(dyn Fn(&str) -> String + Sync),
) -> Vec<LeafPrediction> {
    let predictions = records
        .par_iter()
        .map_init(Scratch::default, |scratch, record| {
            predictor.predict_leaves(&text(&record.text), scratch)
        });
    predictions.collect()
}

/// Examines a model on rows that it has predicted; `predictions` are those of
/// [`predict_corpus`]. Runs on the current rayon thread pool; the result is the same for any number of
/// threads.
///
/// # Errors
/// When no row has a field that figures are wanted by, or it has more than two hundred values.
pub fn examine_model(
    predictor: &Predictor,
    corpus: &Corpus,
    predictions: &[LeafPrediction],
    wanted: &Wanted,
) -> Result<Examination> {
    let header = predictor.header();
    let records = corpus.records();
    let judged = |predictions: &[LeafPrediction]| {
        Judged::new(predictor.tree().clone(), header.mode, records, predictions)
    };
    let plain = judged(predictions);
    let method = Method::Model {
        trained_on_these_rows: header.provenance.corpus_digest == corpus.digest(),
    };
    let mut examination = examine(method, records, &plain, wanted)?;
    if wanted.noise {
        let effects = ScriptNoise::ALL.iter().map(|&noise| {
            let seed = wanted.bootstrap.seed;
            let noisy = predict_texts(predictor, records, &|text| noise.apply(text, seed));
            let changed = changed_rows(noise, records, seed);
            NoiseEffect::measure(noise, changed, [&plain, &judged(&noisy)], wanted.bootstrap)
        });
        examination.noise = effects.collect();
    }
    Ok(examination)
}

fn changed_rows(noise: ScriptNoise, records: &[Record], seed: u64) -> usize {
    let changed = |record: &&Record| noise.apply(&record.text, seed) != record.text;
    records.iter().filter(changed).count()
}

/// Checks before the work that rows can be divided by each of the fields.
pub(crate) fn check_fields(fields: &[String], records: &[Record]) -> Result<()> {
    fields
        .iter()
        .try_for_each(|field| values_of(field, records).map(drop))
}

/// The value of a field in each row.
fn values_of(field: &str, records: &[Record]) -> Result<Vec<Option<String>>> {
    let values: Vec<Option<String>> = records.iter().map(|r| r.field(field)).collect();
    let different: HashSet<&str> = values.iter().flatten().map(String::as_str).collect();
    match different.len() {
        0 => Err(Error::Corpus(format!(
            "no row has the field {field:?} that --by names"
        ))),
        1..=MOST_SOURCES => Ok(values),
        many => Err(Error::Corpus(format!(
            "the field {field:?} has {many} values; figures by a field take at most {MOST_SOURCES}; name one that many rows share, such as an outlet or a year"
        ))),
    }
}

/// Everything that the predictions at hand show.
pub(crate) fn examine(
    method: Method,
    records: &[Record],
    judged: &Judged,
    wanted: &Wanted,
) -> Result<Examination> {
    let bootstrap = wanted.bootstrap;
    let mut slices = Vec::new();
    if wanted.details || !wanted.by.is_empty() {
        let total = judged.total(bootstrap);
        for field in &wanted.by {
            let values = values_of(field, records)?;
            slices.push(judged.by_value(field, &values, &total, bootstrap));
        }
        if wanted.details {
            slices.push(judged.by_length(records, &total, bootstrap));
        }
    }
    Ok(Examination {
        method,
        report: Report::measure(judged, bootstrap.samples, bootstrap.seed),
        review: None,
        parts: Vec::new(),
        repeats: None,
        calibration: match wanted.details {
            true => judged.calibration(bootstrap),
            false => Vec::new(),
        },
        risk_coverage: match wanted.details {
            true => judged.risk_coverage(bootstrap),
            false => None,
        },
        slices,
        noise: Vec::new(),
        learning_curve: None,
    })
}

/// Examines settings: trains models on parts of a corpus as the plan says, and measures them on the
/// rows held out. Runs on the current rayon thread pool; the result is the same for any number of
/// threads.
///
/// # Errors
/// As [`crate::training::train`]; when the corpus cannot be divided as planned; when no row measured
/// has a field that figures are wanted by, or it has more than two hundred values; when noise is wanted with another plan than folds.
pub fn examine_settings(
    corpus: &Corpus,
    settings: &Settings,
    plan: &Plan,
    wanted: &Wanted,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Examined> {
    check_fields(&wanted.by, corpus.records())?;
    let seed = settings.training.seed;
    let parts = match plan {
        Plan::Folds { folds, .. } => PlanParts::folds(corpus, *folds, seed)?,
        Plan::LeaveOneOut { field } => PlanParts::leave_one_out(corpus, field)?,
        Plan::ByPeriod { field, period } => PlanParts::by_period(corpus, field, *period)?,
    };
    progress(Progress::Planned(planned_fits(
        plan, &parts, settings, wanted,
    )));
    let steps = |step| progress(Progress::Step(step));
    let workbench = Workbench::new(corpus, settings)?;
    let (places, out_of_fold) = predict_plan(&workbench, settings, plan, &parts, &steps)?;
    let measured = corpus.select(&places);
    let judged = out_of_fold.judged(measured.records());
    let mut examination = examine(method(plan, &parts), measured.records(), &judged, wanted)?;
    examination.parts = measure_parts(&parts, &judged, wanted.bootstrap);
    if let Plan::Folds { folds, repeats } = plan {
        if *repeats > 1 {
            let draws = (1..*repeats as u64).map(|draw| {
                let parts = PlanParts::folds(corpus, *folds, seed.wrapping_add(draw))?;
                let (places, out) = predict_plan(&workbench, settings, plan, &parts, &steps)?;
                Ok(Report::measure(
                    &out.judged(corpus.select(&places).records()),
                    0,
                    seed,
                ))
            });
            let others: Vec<Report> = draws.collect::<Result<_>>()?;
            let reports: Vec<&Report> = std::iter::once(&examination.report)
                .chain(&others)
                .collect();
            examination.repeats = Some(spread(&reports));
        }
        if wanted.noise {
            examination.noise = noise_by_folds(&workbench, settings, &parts, wanted, &steps)?;
        }
    } else if wanted.noise {
        return Err(Error::Corpus(
            "noise is measured with a model or with folds".into(),
        ));
    }
    Ok(Examined {
        examination,
        places,
        predictions: out_of_fold.predictions,
    })
}

fn planned_fits(plan: &Plan, parts: &PlanParts, settings: &Settings, wanted: &Wanted) -> usize {
    let each = parts.parts.len();
    match plan {
        Plan::Folds { repeats, .. } => each * (repeats + usize::from(wanted.noise)),
        Plan::LeaveOneOut { .. } => each,
        Plan::ByPeriod { .. } => each * Workbench::fits_to_hold_out(settings),
    }
}

/// Predicts the rows of all parts; gives their places in the corpus with the predictions.
fn predict_plan(
    workbench: &Workbench<'_>,
    settings: &Settings,
    plan: &Plan,
    parts: &PlanParts,
    steps: &(dyn Fn(crate::training::Step) + Sync),
) -> Result<(Vec<usize>, OutOfFold)> {
    let Plan::ByPeriod { .. } = plan else {
        let predicted = workbench.predict_parts(settings, &parts.parts, steps)?;
        return Ok((parts.measured(), predicted));
    };
    // Thresholds, too, are chosen on the past only.
    let mut together: Option<OutOfFold> = None;
    for HeldOutPart { fit_on, measure_on } in &parts.parts {
        let of_part = workbench.hold_out(settings, fit_on, measure_on, steps)?;
        match &mut together {
            Some(together) => together.predictions.extend(of_part.predictions),
            None => together = Some(of_part),
        }
    }
    let together = together.ok_or_else(|| Error::Corpus("there is nothing to measure".into()))?;
    Ok((parts.measured(), together))
}

fn method(plan: &Plan, parts: &PlanParts) -> Method {
    match plan {
        Plan::Folds { folds, repeats } => Method::Folds {
            folds: *folds,
            repeats: *repeats,
        },
        Plan::LeaveOneOut { field } => Method::LeaveOneOut {
            field: field.clone(),
            without: parts.without,
        },
        Plan::ByPeriod { field, period } => Method::ByPeriod {
            field: field.clone(),
            period: *period,
            first: parts.first,
            without: parts.without,
        },
    }
}

fn measure_parts(parts: &PlanParts, judged: &Judged, bootstrap: Bootstrap) -> Vec<Part> {
    let mut begin = 0;
    let named = parts.parts.iter().zip(&parts.names);
    let measured = named.map(|(part, name)| {
        let rows: Vec<usize> = (begin..begin + part.measure_on.len()).collect();
        begin += rows.len();
        Part {
            fitted_on: part.fit_on.len(),
            slice: judged.slice(Some(name.clone()), &rows, bootstrap),
        }
    });
    measured.collect()
}

fn spread(reports: &[&Report]) -> Repeats {
    let of = |figure: &dyn Fn(&Report) -> f64| {
        Spread::of(reports.iter().map(|report| figure(report)).collect())
    };
    let labels = reports.first().map_or(&[][..], |report| &report.labels);
    let labels = labels.iter().enumerate().map(|(place, label)| LabelSpread {
        label: label.label.clone(),
        f1: of(&|report| report.labels.get(place).map_or(0.0, |label| label.f1.value)),
    });
    Repeats {
        macro_f1: of(&|report| report.top.macro_f1.value),
        micro_f1: of(&|report| report.top.micro_f1.value),
        exact_match: of(&|report| report.exact_match.value),
        labels: labels.collect(),
    }
}

/// Each fold's text is predicted, as it is and noisy, by the model fitted to the other folds.
pub(crate) fn noise_by_folds(
    workbench: &Workbench<'_>,
    settings: &Settings,
    parts: &PlanParts,
    wanted: &Wanted,
    steps: &(dyn Fn(crate::training::Step) + Sync),
) -> Result<Vec<NoiseEffect>> {
    let models = workbench.part_models(settings, &parts.parts, steps)?;
    let Some(first) = models.first() else {
        return Ok(Vec::new());
    };
    let tree = crate::scoring::LabelTree::new(&first.header().labels);
    let mode = first.header().mode;
    let corpus = workbench.corpus();
    let measured = corpus.select(&parts.measured());
    let predictors: Vec<(Predictor, Corpus)> = models
        .into_iter()
        .zip(&parts.parts)
        .map(|(model, part)| (Predictor::new(model), corpus.select(&part.measure_on)))
        .collect();
    let judge = |text: &(dyn Fn(&str) -> String + Sync)| {
        let of_fold = |(predictor, corpus): &(Predictor, Corpus)| {
            predict_texts(predictor, corpus.records(), text)
        };
        let predictions: Vec<LeafPrediction> = predictors.iter().flat_map(of_fold).collect();
        Judged::new(tree.clone(), mode, measured.records(), &predictions)
    };
    let plain = judge(&str::to_owned);
    let seed = wanted.bootstrap.seed;
    let effects = ScriptNoise::ALL.iter().map(|&noise| {
        let noisy = judge(&|text| noise.apply(text, seed));
        let changed = changed_rows(noise, measured.records(), seed);
        NoiseEffect::measure(noise, changed, [&plain, &noisy], wanted.bootstrap)
    });
    Ok(effects.collect())
}
