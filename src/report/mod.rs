//! A report on a model as one page of HTML that needs nothing else: figures, plots, every wrong
//! row, and the model card.
//!
//! ```
//! use marsad::corpus::{Aliases, Contradictions, CorpusReader};
//! use marsad::report::{ReportOptions, report_on_model};
//!
//! let reader = CorpusReader::new(Aliases::default(), Contradictions::Keep);
//! let rows = r#"{"text": "شنت طائرات غارات على المدينة", "labels": ["airstrike"]}"#;
//! let corpus = reader.read_memory(&[("held-out.jsonl", rows.as_bytes())])?;
//! let page = report_on_model(marsad::built_in_model()?, &corpus, &ReportOptions::default())?;
//! assert!(page.html.starts_with("<!DOCTYPE html>"));
//! # Ok::<(), marsad::Error>(())
//! ```

mod browser;
mod canvas;
mod card;
mod headline;
mod limits;
mod markup;
mod page;
mod plots;
mod sections;
mod tables;
mod wrong;

use std::borrow::Cow;
use std::path::Path;

use rayon::prelude::*;

use crate::corpus::Corpus;
use crate::error::Result;
use crate::evaluate::{Bootstrap, Examination, Judged, Method, NoiseEffect, Report};
use crate::model::{Header, Model};
use crate::predict::{Predictor, Scratch};
use crate::scoring::{LabelTree, LeafPrediction, WeightBits};
use crate::settings::Settings;
use crate::tables::Table;
use crate::text::ScriptNoise;
use crate::training::{Step, train_and_keep};
use wrong::{WrongRow, wrong_rows};

/// What a report says and shows beyond what is always in it.
#[derive(Clone, Debug)]
pub struct ReportOptions {
    /// The page's title; without one it is made of what is measured.
    pub title: Option<String>,
    /// A date to print. Without one there is none, so that the same input gives the same page.
    pub date: Option<String>,
    /// A field of the corpus by whose values figures are given as well.
    pub by: Option<String>,
    /// Resamples of documents behind the intervals.
    pub bootstrap: Bootstrap,
    /// Wrong rows listed at most; `None` lists all.
    pub most_errors: Option<usize>,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            title: None,
            date: None,
            by: None,
            bootstrap: Bootstrap {
                samples: 1000,
                seed: 1,
            },
            most_errors: None,
        }
    }
}

/// A finished report.
#[derive(Clone, Debug)]
pub struct ReportPage {
    /// The page, whole in itself.
    pub html: String,
    /// Its tables.
    pub tables: Vec<NamedTable>,
    /// Rows with a wrong label.
    pub wrong_rows: usize,
}

/// A table of a report.
#[derive(Clone, Debug)]
pub struct NamedTable {
    /// The name of its file, without an ending.
    pub name: &'static str,
    /// What it shows.
    pub caption: String,
    /// The table.
    pub table: Table,
}

/// Everything that a page is made of.
struct Material<'a> {
    options: &'a ReportOptions,
    corpus: Cow<'a, Corpus>,
    judged: Judged,
    examination: Examination,
    model: ModelFacts,
    wrong: Vec<WrongRow>,
}

/// What the page tells of a model.
struct ModelFacts {
    header: Header,
    /// Features of each family.
    families: Vec<(String, usize)>,
    weight_bits: WeightBits,
}

impl ModelFacts {
    fn of(model: &Model) -> Self {
        let families = model.vocabulary().family_sizes().into_iter();
        Self {
            header: model.header().clone(),
            families: families
                .filter(|(_, size)| *size > 0)
                .map(|(family, size)| (family.to_string(), size))
                .collect(),
            weight_bits: model.weight_bits(),
        }
    }
}

/// Reports on a model by what it predicts for an annotated corpus, which it should not have been
/// trained on. Runs on the current rayon thread pool; the page is the same for any number of threads.
///
/// # Errors
/// When a plot cannot be drawn.
pub fn report_on_model(
    model: Model,
    corpus: &Corpus,
    options: &ReportOptions,
) -> Result<ReportPage> {
    let facts = ModelFacts::of(&model);
    let predictor = Predictor::new(model);
    let judge = |text: &(dyn Fn(&str) -> String + Sync)| {
        let records = corpus.records().par_iter();
        let predictions = records.map_init(Scratch::default, |scratch, record| {
            predictor.predict_leaves(&text(&record.text), scratch)
        });
        let predictions: Vec<LeafPrediction> = predictions.collect();
        let mode = predictor.header().mode;
        Judged::new(
            predictor.tree().clone(),
            mode,
            corpus.records(),
            &predictions,
        )
    };
    let judged = judge(&str::to_owned);
    let trained_on_these_rows = facts.header.provenance.corpus_digest == corpus.digest();
    let method = Method::Model {
        trained_on_these_rows,
    };
    let mut examination = examine(&judged, corpus, options, method, None);
    examination.noise = ScriptNoise::ALL
        .into_iter()
        .map(|noise| {
            let records = corpus.records();
            let seed = options.bootstrap.seed;
            let changes = |text: &str| noise.apply(text, seed) != text;
            let changed = records
                .iter()
                .filter(|record| changes(&record.text))
                .count();
            let noisy = judge(&|text| noise.apply(text, seed));
            NoiseEffect::measure(noise, changed, [&judged, &noisy], options.bootstrap)
        })
        .collect();
    let wrong = wrong_rows(&judged, corpus, &predictor);
    let material = Material {
        options,
        corpus: Cow::Borrowed(corpus),
        judged,
        examination,
        model: facts,
        wrong,
    };
    page::page(&material)
}

/// Reports on settings by cross-validation on a corpus: each row is predicted by a model that has not
/// seen its document. The model card and the marked passages are those of a model trained on all.
/// Runs on the current rayon thread pool; the page is the same for any number of threads.
///
/// # Errors
/// As [`crate::training::train`], and when a plot cannot be drawn.
pub fn report_out_of_fold(
    corpus: &Corpus,
    settings: &Settings,
    options: &ReportOptions,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<ReportPage> {
    let trained = train_and_keep(corpus, settings, progress)?;
    let all = 0..corpus.records().len();
    let corpus = match trained.sentences.iter().copied().eq(all) {
        true => Cow::Borrowed(corpus),
        false => Cow::Owned(corpus.select(&trained.sentences)),
    };
    let facts = ModelFacts::of(&trained.model);
    let header = &facts.header;
    let tree = LabelTree::new(&header.labels);
    let judged = Judged::new(tree, header.mode, corpus.records(), &trained.predictions);
    let method = Method::Folds {
        folds: settings.training.folds,
        repeats: 1,
    };
    let report = header.provenance.out_of_fold.clone();
    let examination = examine(&judged, &corpus, options, method, Some(report));
    let wrong = wrong_rows(&judged, &corpus, &Predictor::new(trained.model));
    let material = Material {
        options,
        corpus,
        judged,
        examination,
        model: facts,
        wrong,
    };
    page::page(&material)
}

/// Measures all that needs no other predictions than those there are.
fn examine(
    judged: &Judged,
    corpus: &Corpus,
    options: &ReportOptions,
    method: Method,
    report: Option<Report>,
) -> Examination {
    let bootstrap = options.bootstrap;
    let records = corpus.records();
    let mut slices = vec![judged.by_length(records, bootstrap)];
    if let Some(field) = &options.by {
        let values: Vec<Option<String>> = records.iter().map(|r| r.field(field)).collect();
        slices.push(judged.by_value(field, &values, bootstrap));
    }
    Examination {
        method,
        report: report
            .unwrap_or_else(|| Report::measure(judged, bootstrap.samples, bootstrap.seed)),
        review: None,
        parts: Vec::new(),
        repeats: None,
        calibration: judged.calibration(bootstrap),
        risk_coverage: judged.risk_coverage(bootstrap),
        slices,
        noise: Vec::new(),
        learning_curve: None,
    }
}

impl Material<'_> {
    /// The files of the corpus by name, in the order they were read.
    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut last: Option<&Path> = None;
        for record in self.corpus.records() {
            let path = record.file.as_path();
            if last == Some(path) {
                continue;
            }
            last = Some(path);
            let name = path.file_name().unwrap_or(path.as_os_str());
            let name = name.to_string_lossy().into_owned();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}
