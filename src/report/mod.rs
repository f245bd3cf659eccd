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

use crate::corpus::Corpus;
use crate::error::Result;
use crate::evaluate::{Bootstrap, Examination, Judged, Method, Slices};
use crate::experiments::{
    LearningPlan, PlanParts, Progress, Wanted, check_fields, examine, examine_model,
    learning_curve, noise_by_folds, predict_corpus,
};
use crate::model::{Header, Model};
use crate::predict::Predictor;
use crate::scoring::{LabelTree, WeightBits};
use crate::settings::Settings;
use crate::tables::Table;
use crate::training::{Workbench, train_and_keep};
use wrong::{WrongRow, wrong_rows};

/// Wrong rows that a page lists where nothing else is asked for: of many more, browsers make heavy work.
pub(crate) const MOST_ERRORS: usize = 5000;

/// What a report says and shows beyond what is always in it.
#[derive(Clone, Debug)]
pub struct ReportOptions {
    /// The page's title; without one it is made of what is measured.
    pub title: Option<String>,
    /// A date to print. Without one there is none, so that the same input gives the same page.
    pub date: Option<String>,
    /// Fields of the corpus by whose values figures are given as well; wrong rows can be chosen by the
    /// first.
    pub by: Vec<String>,
    /// Resamples of documents behind the intervals.
    pub bootstrap: Bootstrap,
    /// Wrong rows listed at most, those of which the model was surest first; `None` lists all.
    pub most_errors: Option<usize>,
    /// Out of fold: whether it is measured what other spellings change, which takes as many models
    /// again; for a finished model it always is.
    pub noise: bool,
    /// Out of fold: whether a learning curve is measured, in as many draws as there are folds; takes
    /// several models a draw.
    pub learning_curve: bool,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            title: None,
            date: None,
            by: Vec::new(),
            bootstrap: Bootstrap {
                samples: 1000,
                seed: 1,
            },
            most_errors: Some(MOST_ERRORS),
            noise: false,
            learning_curve: false,
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
    /// Those of them that the page does not list.
    pub left_out_rows: usize,
}

/// A table of a report.
#[derive(Clone, Debug)]
pub struct NamedTable {
    /// The name of its file, without an ending.
    pub name: String,
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
/// When no row has the field that figures are wanted by, and when a plot cannot be drawn.
pub fn report_on_model(
    model: Model,
    corpus: &Corpus,
    options: &ReportOptions,
) -> Result<ReportPage> {
    let facts = ModelFacts::of(&model);
    let predictor = Predictor::new(model);
    let predictions = predict_corpus(&predictor, corpus, &|_| {});
    let wanted = options.wanted();
    let examination = examine_model(&predictor, corpus, &predictions, &wanted)?;
    let (tree, mode) = (predictor.tree().clone(), predictor.header().mode);
    let judged = Judged::new(tree, mode, corpus.records(), &predictions);
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
/// As [`crate::training::train`] and [`crate::experiments::learning_curve`]; when no row has the field
/// that figures are wanted by, and when a plot cannot be drawn.
pub fn report_out_of_fold(
    corpus: &Corpus,
    settings: &Settings,
    options: &ReportOptions,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<ReportPage> {
    check_fields(&options.by, corpus.records())?;
    let folds = settings.training.folds;
    let steps = |step| progress(Progress::Step(step));
    progress(Progress::Planned(
        1 + folds * (1 + usize::from(options.noise)),
    ));
    let trained = train_and_keep(corpus, settings, &steps)?;
    let mut measured = Cow::Borrowed(corpus);
    if !trained
        .sentences
        .iter()
        .copied()
        .eq(0..corpus.records().len())
    {
        measured = Cow::Owned(corpus.select(&trained.sentences));
    }
    let facts = ModelFacts::of(&trained.model);
    let (tree, mode) = (LabelTree::new(&facts.header.labels), facts.header.mode);
    let judged = Judged::new(tree, mode, measured.records(), &trained.predictions);
    let method = Method::Folds { folds, repeats: 1 };
    let wanted = options.wanted();
    let mut examination = examine(method, measured.records(), &judged, &wanted)?;
    if options.noise {
        let parts = PlanParts::folds(corpus, folds, settings.training.seed)?;
        let workbench = Workbench::new(corpus, settings)?;
        examination.noise = noise_by_folds(&workbench, settings, &parts, &wanted, &steps)?;
    }
    if options.learning_curve {
        let plan = LearningPlan {
            draws: folds,
            bootstrap: options.bootstrap,
        };
        examination.learning_curve = Some(learning_curve(corpus, settings, plan, progress)?);
    }
    let wrong = wrong_rows(&judged, &measured, &Predictor::new(trained.model));
    let material = Material {
        options,
        corpus: measured,
        judged,
        examination,
        model: facts,
        wrong,
    };
    page::page(&material)
}

impl ReportOptions {
    fn wanted(&self) -> Wanted {
        Wanted {
            bootstrap: self.bootstrap,
            by: self.by.clone(),
            details: true,
            // A finished model predicts other spellings fast.
            noise: true,
        }
    }
}

impl Material<'_> {
    /// The wrong rows that the page lists.
    fn listed(&self) -> &[WrongRow] {
        let most = self.options.most_errors.unwrap_or(self.wrong.len());
        self.wrong.get(..most).unwrap_or(&self.wrong)
    }

    /// The figures by slice, each with whether they are by length: that a field of the corpus may have
    /// the name of lengths too is no reason to confuse them.
    fn slices(&self) -> impl Iterator<Item = (bool, &Slices)> {
        let slices = &self.examination.slices;
        let lengths = slices.len().saturating_sub(1);
        let numbered = slices.iter().enumerate();
        numbered.map(move |(place, slices)| (place == lengths, slices))
    }

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
