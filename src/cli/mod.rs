//! The command line: one file a verb, no logic of its own.

mod compact;
mod compare;
mod complete;
mod console;
mod decide;
mod evaluate;
mod inspect;
mod predict;
mod report;
mod settings;
mod train;
mod train_stream;
mod tune;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::corpus::{Aliases, Contradictions, CorpusReader};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::output_file::same_file;
use crate::tables::TableFormat;
use console::Failure;

/// Labels Arabic sentences by conflict event, with models trained on annotated sentences.
#[derive(Debug, Parser)]
#[command(
    name = "marsad",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  marsad predict article.txt --to table        label the sentences of an article
  marsad predict rows.jsonl -o labelled.jsonl  label rows that have a field \"text\"
  marsad train                                 train on the bundled corpus
  marsad train mine.csv -o mine.safetensors    train on your own corpus
  marsad evaluate held-out.jsonl -m mine.safetensors

Exit status: 0 done, 1 done with rows in error, 2 could not run."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Train a model on annotated sentences and measure it on documents held out
    Train(train::TrainArgs),
    /// Label new text with a model
    Predict(predict::PredictArgs),
    /// Measure a model on annotated sentences
    Evaluate(evaluate::EvaluateArgs),
    /// Write a page with figures, plots, every error and the model card
    Report(report::ReportArgs),
    /// Compare learners, settings or models on the same sentences, with a paired test
    Compare(compare::CompareArgs),
    /// Search for better settings, and tell what they are worth
    Tune(tune::TuneArgs),
    /// Show what a model is: settings, labels, origin, strongest features
    Inspect(inspect::InspectArgs),
    /// Make a model file smaller, and tell what that costs
    Compact(compact::CompactArgs),
    /// Print a completion script for a shell
    Completions(complete::CompleteArgs),
}

/// How annotated corpora are read.
#[derive(Debug, Args)]
struct CorpusArgs {
    /// TOML file with other names for labels: [aliases] seize = "capture.territory"
    #[arg(long, value_name = "FILE.toml")]
    aliases: Option<PathBuf>,
    /// What to do with a text that is annotated in two ways [default: refuse; keep with single labels]
    #[arg(long, value_name = "HOW")]
    contradictions: Option<ContradictionsArg>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ContradictionsArg {
    /// Stop and name both rows
    Refuse,
    /// Keep all its rows
    Keep,
    /// Leave all its rows out
    Drop,
}

impl CorpusArgs {
    fn reader(&self, default: Contradictions) -> Result<CorpusReader> {
        let aliases = match &self.aliases {
            Some(path) => Aliases::read(path)?,
            None => Aliases::default(),
        };
        let contradictions = match self.contradictions {
            None => default,
            Some(ContradictionsArg::Refuse) => Contradictions::Refuse,
            Some(ContradictionsArg::Keep) => Contradictions::Keep,
            Some(ContradictionsArg::Drop) => Contradictions::Drop,
        };
        Ok(CorpusReader::new(aliases, contradictions))
    }
}

/// Which model is used.
#[derive(Debug, Args)]
struct ModelArgs {
    /// Model file [default: the model built into the program]
    #[arg(short, long, value_name = "MODEL")]
    model: Option<PathBuf>,
}

impl ModelArgs {
    fn is_given(&self) -> bool {
        self.model.is_some()
    }

    fn load(&self) -> Result<Model> {
        match &self.model {
            Some(path) => Model::load(path),
            None => crate::built_in_model(),
        }
    }
}

/// How figures are told.
#[derive(Debug, Args)]
struct FiguresArgs {
    /// Everything as JSON, for programs
    #[arg(long)]
    json: bool,
    /// How tables are written
    #[arg(
        long,
        value_name = "FORM",
        default_value = "text",
        conflicts_with = "json"
    )]
    tables: TableFormat,
}

/// How much of the machine is used.
#[derive(Debug, Args)]
struct ThreadArgs {
    /// Threads; the result is the same for any number [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl ThreadArgs {
    /// Runs work on a pool of that many threads.
    fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let threads = usize::from(self.threads.unwrap_or(0));
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|error| Error::Memory(format!("no threads can be started: {error}")))?;
        Ok(pool.install(work))
    }
}

/// Refuses to write over a file that is read.
fn refuse_overwriting<'a>(
    output: &Path,
    inputs: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<()> {
    for input in inputs {
        if same_file(output, input) {
            return Err(Error::File {
                path: output.into(),
                message: "is read by this command; name another file to write".into(),
            });
        }
    }
    Ok(())
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.verb {
        Verb::Train(args) => train::run(args),
        Verb::Predict(args) => predict::run(args),
        Verb::Evaluate(args) => evaluate::run(args),
        Verb::Report(args) => report::run(args),
        Verb::Compare(args) => compare::run(args),
        Verb::Tune(args) => tune::run(args),
        Verb::Inspect(args) => inspect::run(args),
        Verb::Compact(args) => compact::run(args),
        Verb::Completions(args) => complete::run(args),
    };
    match outcome {
        Ok(status) => status,
        Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Err(Failure::Told(message)) => {
            console::complain(&message);
            ExitCode::from(2)
        }
    }
}
