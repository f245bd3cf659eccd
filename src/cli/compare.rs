//! `marsad compare`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::console::{Failure, complain, say};
use super::evaluate::{bootstrap_samples, tell_left_out};
use super::settings::{contradictions, fits_bar, tell};
use super::{CorpusArgs, FiguresArgs, ThreadArgs};
use crate::corpus::{Contradictions, Corpus, read_bundled};
use crate::error::{Error, Result};
use crate::evaluate::{Bootstrap, Comparison, ComparisonTest};
use crate::experiments::{ComparisonPlan, System, SystemKind, compare};
use crate::learn::LearnerKind;
use crate::model::Model;
use crate::predict::Predictor;
use crate::settings::Settings;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad compare svm logistic complement-nb
  marsad compare svm best.toml words-only.toml --corpus ours.jsonl --folds 10
  marsad compare old.safetensors new.safetensors --corpus held-out.jsonl
  marsad compare svm linfa-nb --corpus ours.csv --tables latex

What is trained is trained on the same folds of the corpus. Models predict it as they are: give them
sentences that none of them was trained on.")]
pub(super) struct CompareArgs {
    /// Systems: model files, TOML files with settings, names of learners; the others are set against
    /// the first
    #[arg(required = true, num_args = 2..)]
    systems: Vec<PathBuf>,
    /// Annotated corpora to compare on [default: the bundled one, unless a model is compared]
    #[arg(long, value_name = "CORPUS", num_args = 1..)]
    corpus: Vec<PathBuf>,
    /// Which pairs are tested
    #[arg(long, value_name = "WHICH", default_value = "all")]
    pairs: Pairs,
    /// Folds, for systems that are trained
    #[arg(long, value_name = "K", default_value_t = 5)]
    folds: usize,
    /// Every row has exactly one label
    #[arg(long)]
    single_label: bool,
    /// Draws of the randomisation test
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    draws: u32,
    /// Resamples of documents for the intervals
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = bootstrap_samples)]
    bootstrap: usize,
    /// Decides folds, draws and resamples
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    figures: FiguresArgs,
    #[command(flatten)]
    reading: CorpusArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Pairs {
    /// Each system with each other
    All,
    /// Each system with the first
    First,
}

impl CompareArgs {
    fn system(&self, given: &Path) -> Result<System> {
        let kind = match given.extension().and_then(|ending| ending.to_str()) {
            Some("toml") => self.trained(Settings::read(given)?)?,
            Some("safetensors") => SystemKind::Model(Box::new(Predictor::new(Model::load(given)?))),
            _ => match LearnerKind::from_str(&given.to_string_lossy(), false) {
                Ok(kind) => {
                    let mut settings = Settings::default();
                    settings.learner.kind = kind;
                    self.trained(settings)?
                }
                // Models may have any name.
                Err(_) if given.is_file() => {
                    SystemKind::Model(Box::new(Predictor::new(Model::load(given)?)))
                }
                Err(_) => return Err(not_a_system(given)),
            },
        };
        Ok(System {
            name: given.display().to_string(),
            kind,
        })
    }

    fn trained(&self, mut settings: Settings) -> Result<SystemKind> {
        settings.training.single_label |= self.single_label;
        settings.check()?;
        Ok(SystemKind::Settings(Box::new(settings)))
    }

    fn corpus(&self, systems: &[System]) -> Result<Corpus> {
        let settings = systems.iter().filter_map(|system| match &system.kind {
            SystemKind::Settings(settings) => Some(settings),
            SystemKind::Model(_) => None,
        });
        let settings: Vec<_> = settings.collect();
        let default = match settings.first() {
            Some(settings) => contradictions(settings),
            None => Contradictions::Keep,
        };
        if self.corpus.is_empty() && settings.len() < systems.len() {
            return Err(Error::Corpus(
                "name the sentences to compare models on with --corpus: sentences that none of them was trained on".into(),
            ));
        }
        let reader = self.reading.reader(default)?;
        match self.corpus.as_slice() {
            [] => read_bundled(&reader),
            paths => reader.read(paths),
        }
    }
}

fn not_a_system(given: &Path) -> Error {
    let learners = LearnerKind::value_variants().iter().map(|kind| kind.name());
    Error::File {
        path: given.into(),
        message: format!(
            "is no file and no learner; give a model file, a TOML file with settings or one of {}",
            learners.collect::<Vec<_>>().join(", ")
        ),
    }
}

pub(super) fn run(args: &CompareArgs) -> std::result::Result<ExitCode, Failure> {
    let systems = args.systems.iter().map(|given| args.system(given));
    let systems: Vec<System> = systems.collect::<Result<_>>()?;
    let corpus = args.corpus(&systems)?;
    tell_left_out(&corpus);
    let plan = ComparisonPlan {
        folds: args.folds,
        seed: args.seed,
        test: ComparisonTest {
            draws: args.draws as usize,
            bootstrap: Bootstrap {
                samples: args.bootstrap,
                seed: args.seed,
            },
            against_first: args.pairs == Pairs::First,
        },
    };
    let bar = fits_bar();
    let comparison = args
        .threads
        .run(|| compare(&corpus, systems, plan, &|at| tell(&bar, at)))??;
    bar.finish_and_clear();
    for system in comparison
        .systems
        .iter()
        .filter(|s| s.trained_on_these_rows)
    {
        complain(&format!(
            "{}: was trained on this very corpus, which flatters it; compare on sentences it has not seen",
            system.name
        ));
    }
    match args.figures.json {
        true => {
            let json = serde_json::to_string_pretty(&comparison).map_err(std::io::Error::from)?;
            say(&json)?;
        }
        false => print(&comparison, args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print(comparison: &Comparison, args: &CompareArgs) -> std::io::Result<()> {
    let tables = args.figures.tables;
    say(&comparison.systems_table().write(tables))?;
    if comparison.systems.len() > 2 && args.pairs == Pairs::All {
        say(&format!("\n{}", comparison.pairs_table().write(tables)))?;
    }
    say(&format!("\n{}", comparison.labels_table().write(tables)))?;
    say(&format!("\n{}", comparison.describe()))
}
