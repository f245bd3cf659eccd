//! `marsad report`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::console::{Failure, complain, megabytes, progress, say};
use super::evaluate::{TRAINED_ON_THIS, bootstrap_samples, tell_left_out, tell_unknown};
use super::settings::{SettingsArgs, contradictions, fits_bar, tell};
use super::{CorpusArgs, ModelArgs, ThreadArgs, refuse_overwriting, refuse_standard_output};
use crate::corpus::{Contradictions, Corpus, KeptFields, read_bundled};
use crate::error::{Error, Result};
use crate::evaluate::Bootstrap;
use crate::model::Model;
use crate::output_file::{OutputFile, write_whole};
use crate::predict::Predictor;
use crate::report::{MOST_ERRORS, ReportOptions, ReportPage, report_on_model, report_out_of_fold};
use crate::settings::Settings;

const FOLDS: &str = "Out of fold";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad report held-out.jsonl -m ours.safetensors -o report.html
  marsad report ours.jsonl --folds 5 --by outlet
  marsad report ours.jsonl --folds 10 --config best.toml --tables tables/
  marsad report --folds 5                            the bundled corpus

The page needs nothing else: no network, no other file. Measure a model on sentences it was not
trained on, or give --folds, which fits a model to the other documents for each part of the corpus.")]
pub(super) struct ReportArgs {
    /// Annotated corpora to measure on; without any, the bundled one in folds
    corpus: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    /// Page to write
    #[arg(short, long, value_name = "OUT", default_value = "report.html")]
    output: PathBuf,
    /// Folder to write the tables to as well, as Markdown, CSV and LaTeX; it is made where there is none
    #[arg(long, value_name = "FOLDER")]
    tables: Option<PathBuf>,
    /// Title of the page
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Date to print; without it there is none, so that the same input gives the same page
    #[arg(long, value_name = "TEXT")]
    date: Option<String>,
    /// Field of the corpus by whose values figures are given, such as an outlet; may be repeated, and
    /// errors are filtered by the first
    #[arg(long, value_name = "FIELD")]
    by: Vec<String>,
    /// Wrong sentences listed at most, the most surely wrong first; 0 for all
    #[arg(long, value_name = "N", default_value_t = MOST_ERRORS)]
    errors: usize,
    /// Resamples of documents for the intervals
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = bootstrap_samples)]
    bootstrap: usize,
    /// Decides resamples, folds and noise [default: 1, or that of --config]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Measure out of fold in so many parts, by document, instead of a finished model
    #[arg(long, value_name = "K", help_heading = FOLDS, conflicts_with = "model")]
    folds: Option<usize>,
    /// Measure what other spellings change too: as many models again (a finished model is always
    /// measured so)
    #[arg(long, help_heading = FOLDS, conflicts_with = "model")]
    noise: bool,
    /// Train on growing shares of the corpus, and tell what more sentences would bring; takes long
    #[arg(long, help_heading = FOLDS, conflicts_with = "model")]
    learning_curve: bool,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    reading: CorpusArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

impl ReportArgs {
    /// Whether models are fitted, rather than one that is there measured.
    fn is_out_of_fold(&self) -> bool {
        let asked = self.folds.is_some() || self.noise || self.learning_curve;
        asked || self.settings.are_given() || self.is_bundled()
    }

    fn is_bundled(&self) -> bool {
        self.corpus.is_empty()
    }

    fn options(&self, seed: u64) -> ReportOptions {
        ReportOptions {
            title: self.title.clone(),
            date: self.date.clone(),
            by: self.by.clone(),
            bootstrap: Bootstrap {
                samples: self.bootstrap,
                seed,
            },
            most_errors: (self.errors > 0).then_some(self.errors),
            noise: self.noise,
            learning_curve: self.learning_curve,
        }
    }

    fn settings(&self) -> Result<Settings> {
        let mut settings = self.settings.settings(self.seed)?;
        if let Some(folds) = self.folds {
            settings.training.folds = folds;
        }
        settings.training.hold_out = None;
        settings.training.bootstrap_samples = self.bootstrap;
        settings.check()?;
        Ok(settings)
    }

    fn read(&self, contradictions: Contradictions) -> Result<Corpus> {
        let reader = self.reading.reader(contradictions)?;
        let reader = reader.keeping(match self.by.as_slice() {
            [] => KeptFields::None,
            fields => KeptFields::Named(fields.to_vec()),
        });
        match self.is_bundled() {
            true => read_bundled(&reader),
            false => reader.read(&self.corpus),
        }
    }
}

pub(super) fn run(args: &ReportArgs) -> std::result::Result<ExitCode, Failure> {
    if args.model.model.is_some() && args.is_out_of_fold() {
        return Err(Failure::Told(match args.is_bundled() {
            true => "name an annotated corpus to measure the model on, of sentences it was not trained on".into(),
            false => "a finished model is measured as it is: leave out --model, or the settings of models trained for the report".into(),
        }));
    }
    let read = args.corpus.iter().chain(&args.model.model);
    let read = read
        .chain(&args.settings.config)
        .chain(&args.reading.aliases);
    refuse_overwriting(&args.output, read)?;
    if let Some(folder) = &args.tables {
        refuse_standard_output(folder)?;
    }
    // Fail before the work, not after it, where the page cannot be written.
    drop(OutputFile::create(&args.output)?);
    let page = match args.is_out_of_fold() {
        true => out_of_fold(args)?,
        false => on_model(args)?,
    };
    write_whole(&args.output, page.html.as_bytes())?;
    say(&format!(
        "Wrote {} ({}): {} wrong sentences.",
        args.output.display(),
        megabytes(page.html.len() as u64),
        page.wrong_rows
    ))?;
    if page.left_out_rows > 0 {
        complain(&format!(
            "the page lists {} wrong sentences and leaves out {}; --errors 0 lists all",
            page.wrong_rows - page.left_out_rows,
            page.left_out_rows
        ));
    }
    if let Some(folder) = &args.tables {
        let files = write_tables(folder, &page)?;
        say(&format!("Wrote {files} tables in {}.", folder.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn on_model(args: &ReportArgs) -> std::result::Result<ReportPage, Failure> {
    let model: Model = args.model.load()?;
    let corpus = args.read(Contradictions::Keep)?;
    tell_unknown(&Predictor::new(model.clone()), &corpus)?;
    if model.header().provenance.corpus_digest == corpus.digest() {
        complain(TRAINED_ON_THIS);
    }
    let bar = progress(None, "{spinner} measuring ({elapsed})");
    let options = args.options(args.seed.unwrap_or(1));
    let page = args
        .threads
        .run(|| report_on_model(model, &corpus, &options))??;
    bar.finish_and_clear();
    Ok(page)
}

fn out_of_fold(args: &ReportArgs) -> std::result::Result<ReportPage, Failure> {
    let settings = args.settings()?;
    let corpus = args.read(contradictions(&settings))?;
    tell_left_out(&corpus);
    let bar = fits_bar();
    let tell = |at| tell(&bar, at);
    let options = args.options(settings.training.seed);
    let page = args
        .threads
        .run(|| report_out_of_fold(&corpus, &settings, &options, &tell))??;
    bar.finish_and_clear();
    Ok(page)
}

/// Writes each table in each form, and tells how many tables there are.
fn write_tables(folder: &Path, page: &ReportPage) -> Result<usize> {
    std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
    for named in &page.tables {
        let table = &named.table;
        for (ending, written) in [
            ("md", table.to_markdown()),
            ("csv", table.to_csv()),
            ("tex", table.to_latex()),
        ] {
            let path = folder.join(format!("{}.{ending}", named.name));
            write_whole(&path, format!("{written}\n").as_bytes())?;
        }
    }
    Ok(page.tables.len())
}
