//! `marsad tune`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use super::console::{Failure, complain, fail, progress, say};
use super::evaluate::{bootstrap_samples, tell_left_out};
use super::settings::{SettingsArgs, contradictions};
use super::{CorpusArgs, FiguresArgs, ThreadArgs, interrupt, refuse_overwriting};
use crate::corpus::{Corpus, read_bundled};
use crate::error::{Error, Result};
use crate::evaluate::{Bootstrap, Target};
use crate::output_file::{OutputFile, tell_kept, will_be_same_file, write_whole};
use crate::settings::Settings;
use crate::tables::Table;
use crate::tuning::{Search, SearchEnd, SearchProgress, Tuning, Vary, tune};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad tune ours.jsonl --trials 50 -o best.toml
  marsad tune ours.jsonl --trials 200 --trials-log trials.jsonl -o best.toml
  marsad tune ours.jsonl --aim execution,clash --vary regularisation
  marsad train ours.jsonl --config best.toml

Trials are drawn at random and tried on a ninth of the documents; the best third of them on a third, the
best ninth on all. The best of many scores looks better than it is: what it is worth tells a fifth of the
documents that the search never sees. Stopped by Ctrl-C, the same command with the same log goes on.")]
pub(super) struct TuneArgs {
    /// Annotated corpora to search on; without any, the bundled one
    corpus: Vec<PathBuf>,
    /// Settings tried, those to begin from among them
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    trials: u32,
    /// What settings are chosen by: macro-f1, micro-f1, exact, or labels with commas between them
    #[arg(long, value_name = "AIM", default_value = "macro-f1")]
    aim: Target,
    /// What is varied; the rest stays as it is
    #[arg(long, value_name = "WHAT", value_delimiter = ',', default_values = ["features", "windows", "regularisation"])]
    vary: Vec<Vary>,
    /// Share of the documents kept from the search, to tell what its best is worth; 0 for none
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    hold_out: f64,
    /// JSON Lines file that each finished trial is added to; where it is there already, the search goes on
    #[arg(long, value_name = "FILE.jsonl")]
    trials_log: Option<PathBuf>,
    /// TOML file to write the best settings to, for train --config
    #[arg(short, long, value_name = "FILE.toml")]
    output: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Resamples of documents for the intervals
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = bootstrap_samples)]
    bootstrap: usize,
    /// Decides trials, folds and the documents kept from the search [default: 1, or that of --config]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    figures: FiguresArgs,
    #[command(flatten)]
    reading: CorpusArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

/// Draws of the randomisation test.
const DRAWS: usize = 10_000;

pub(super) fn run(args: &TuneArgs) -> std::result::Result<ExitCode, Failure> {
    let start = args.settings.settings(args.seed)?;
    let read = || {
        args.corpus
            .iter()
            .chain(&args.settings.config)
            .chain(&args.reading.aliases)
    };
    for written in args.output.iter().chain(&args.trials_log) {
        refuse_overwriting(written, read())?;
    }
    if let (Some(output), Some(log)) = (&args.output, &args.trials_log)
        && will_be_same_file(output, log)
    {
        return Err(Failure::Told(
            "--trials-log and -o name the same file".into(),
        ));
    }
    if let Some(output) = &args.output {
        if output.extension().is_none_or(|ending| ending != "toml") {
            return Err(Failure::Told(format!(
                "{}: settings are written; give a name that ends in .toml",
                output.display()
            )));
        }
        // Fail before the work, not after it.
        drop(OutputFile::create(output)?);
    }
    let reader = args.reading.reader(contradictions(&start))?;
    let corpus = match args.corpus.as_slice() {
        [] => read_bundled(&reader)?,
        paths => reader.read(paths)?,
    };
    tell_left_out(&corpus);
    let mut vary = args.vary.clone();
    vary.sort_unstable();
    vary.dedup();
    let search = Search {
        aim: args.aim.clone(),
        trials: args.trials as usize,
        seed: start.training.seed,
        vary,
        hold_out: args.hold_out,
        draws: DRAWS,
        bootstrap: Bootstrap {
            samples: args.bootstrap,
            seed: start.training.seed,
        },
    };
    let end = search_with_bar(args, &corpus, &start, &search)?;
    let tuning = match end {
        SearchEnd::Finished(tuning) => tuning,
        SearchEnd::Stopped { done } => {
            fail(&describe_stop(done, args));
            return Ok(ExitCode::from(interrupt::INTERRUPTED));
        }
    };
    if let Some(output) = &args.output {
        write(&tuning, output)?;
    }
    match args.figures.json {
        true => {
            let json = serde_json::to_string_pretty(&*tuning).map_err(std::io::Error::from)?;
            say(&json)?;
        }
        false => print(&tuning, &start, args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn search_with_bar(
    args: &TuneArgs,
    corpus: &Corpus,
    start: &Settings,
    search: &Search,
) -> Result<SearchEnd> {
    let stopped = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stopped);
    interrupt::ask_first(move || {
        asked.store(true, Ordering::SeqCst);
        complain("stopping after the trials that are running; once more to stop at once");
    });
    if let Some(log) = &args.trials_log {
        tell_kept(log);
    }
    let bar = progress(Some(0), "{bar:30} {pos}/{len} trials {msg} ({elapsed})");
    let told = |at| match at {
        SearchProgress::Planned(trials) => bar.set_length(trials as u64),
        SearchProgress::Done { trial, rung, score } => {
            bar.inc(1);
            if let Some(score) = score {
                bar.set_message(format!(
                    "rung {}: trial {trial} scored {score:.3}",
                    rung + 1
                ));
            }
        }
        SearchProgress::Verdict => bar.set_message("on documents held out"),
    };
    let end = args.threads.run(|| {
        let stop = || stopped.load(Ordering::SeqCst);
        tune(
            corpus,
            start,
            search,
            args.trials_log.as_deref(),
            &told,
            &stop,
        )
    })??;
    bar.finish_and_clear();
    Ok(end)
}

fn describe_stop(done: usize, args: &TuneArgs) -> String {
    match &args.trials_log {
        Some(log) => format!(
            "stopped; {done} finished trials are kept in {}, where the same command goes on",
            log.display()
        ),
        None => format!("stopped; {done} finished trials are lost, as there is no --trials-log"),
    }
}

fn write(tuning: &Tuning, output: &Path) -> Result<()> {
    let toml = toml::to_string_pretty(&tuning.settings).map_err(|error| Error::File {
        path: output.into(),
        message: error.to_string(),
    })?;
    let text = format!(
        "# The best of {} trials by marsad tune, aimed at {}, with seed {}.\n# {}\n\n{toml}",
        tuning.trials.len(),
        tuning.aim,
        tuning.seed,
        tuning.describe_verdict()
    );
    write_whole(output, text.as_bytes())
}

fn print(tuning: &Tuning, start: &Settings, args: &TuneArgs) -> std::io::Result<()> {
    let tables = args.figures.tables;
    say(&tuning.trials_table(10).write(tables))?;
    let failed = tuning.trials.iter().filter(|trial| trial.failure.is_some());
    if failed.clone().count() > 0 {
        say(&format!(
            "{} trials could not be tried, the first as: {}",
            failed.clone().count(),
            failed
                .clone()
                .filter_map(|trial| trial.failure.as_deref())
                .next()
                .unwrap_or_default()
        ))?;
    }
    let changes = changes_table(tuning, start);
    if !changes.rows().is_empty() {
        say(&format!(
            "\nWhat the best trial changes:\n\n{}",
            changes.write(tables)
        ))?;
    }
    say(&format!("\n{}", tuning.describe_verdict()))?;
    if let Some(output) = &args.output {
        say(&format!(
            "Wrote {}; use it with: marsad train --config {}",
            output.display(),
            output.display()
        ))?;
    }
    Ok(())
}

fn changes_table(tuning: &Tuning, start: &Settings) -> Table {
    let mut table = Table::new(&["setting", "before", "best"]);
    let before = serde_json::to_value(start).unwrap_or_default();
    let best = tuning
        .trials
        .iter()
        .find(|trial| trial.trial == tuning.best);
    for (name, value) in best.iter().flat_map(|trial| &trial.changes) {
        let was = name
            .split('.')
            .try_fold(&before, |value, part| value.get(part));
        let was = was.filter(|was| !was.is_null());
        table.add_row([
            name.clone(),
            was.map_or_else(|| "(the learner's own)".to_owned(), plain),
            plain(value),
        ]);
    }
    table
}

/// A value without the quotes of JSON.
fn plain(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
