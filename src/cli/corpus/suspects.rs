//! `marsad corpus suspects`.

use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::super::console::{Failure, complain, progress, say};
use super::super::{FiguresArgs, ThreadArgs, is_standard_output, refuse_overwriting};
use super::ReadingArgs;
use crate::audit::{Direction, Doubt, DoubtScore, Suspect, suspects};
use crate::corpus::{Corpus, Record};
use crate::error::{Error, Result};
use crate::learn::LearnerKind;
use crate::output_file::OutputFile;
use crate::settings::Settings;
use crate::tables::Table;
use crate::training::Step;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad corpus suspects ours.jsonl
  marsad corpus suspects ours.jsonl -n 200 -o to-read-again.jsonl
  marsad corpus suspects ours.csv --learner logistic --folds 10
  marsad corpus suspects ours.jsonl --json | jq '.suspects[] | select(.likely) | .id'

Each row is predicted by a model that has not seen its document; rows come first where that model is
surest of the contrary of what is annotated, measured against how sure it usually is (confident
learning). The words between ⟦ and ⟧ are those in which the label shows most. What is likely an error
is for people to settle: rare ways to say a thing are among the suspects too.")]
pub(in super::super) struct SuspectsArgs {
    /// Annotated corpora to look through, all together
    #[arg(required = true)]
    corpus: Vec<PathBuf>,
    /// Rows given, the most suspicious first; 0 for all
    #[arg(short = 'n', long, value_name = "N", default_value_t = 30)]
    rows: usize,
    /// File to write the rows to, as JSON Lines; - for standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Folds by document
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = folds)]
    folds: usize,
    /// Estimator to fit [default: svm]
    #[arg(long, value_name = "NAME")]
    learner: Option<LearnerKind>,
    /// Every row has exactly one label
    #[arg(long)]
    single_label: bool,
    /// TOML file with settings of text, features, learner and training
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// Decides the folds [default: 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    figures: FiguresArgs,
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

fn folds(given: &str) -> std::result::Result<usize, String> {
    match given.parse() {
        Ok(folds) if (2..=100).contains(&folds) => Ok(folds),
        _ => Err("a number from 2 to 100 is expected".into()),
    }
}

/// A suspicious row as it is written.
#[derive(Serialize)]
struct Row<'a> {
    rank: usize,
    file: String,
    line: u64,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    doc: Option<&'a str>,
    text: &'a str,
    /// As annotated.
    labels: Vec<&'a str>,
    #[serde(flatten)]
    doubt: &'a Doubt,
    also: &'a [Doubt],
}

impl<'a> Row<'a> {
    fn new(rank: usize, suspect: &'a Suspect, record: &'a Record) -> Option<Self> {
        let (doubt, also) = suspect.doubts.split_first()?;
        Some(Self {
            rank,
            file: record.file.display().to_string(),
            line: record.line,
            id: &record.id,
            doc: record.has_document().then_some(record.doc.as_str()),
            text: &record.text,
            labels: record.labels.iter().map(String::as_str).collect(),
            doubt,
            also,
        })
    }
}

#[derive(Serialize)]
struct Figures<'a> {
    /// Rows looked through.
    rows: usize,
    /// Rows with a label that is likely an error.
    likely: usize,
    suspects: &'a [Row<'a>],
}

pub(in super::super) fn run(args: &SuspectsArgs) -> std::result::Result<ExitCode, Failure> {
    let settings = args.settings()?;
    let prints_rows = args.output.as_deref().is_some_and(is_standard_output);
    if prints_rows && args.figures.json {
        return Err(Failure::Told(
            "-o - and --json both print the rows; leave out one of them".into(),
        ));
    }
    let file = args.output.as_ref().filter(|_| !prints_rows);
    if let Some(output) = file {
        refuse_overwriting(output, args.corpus.iter().chain(&args.config))?;
        drop(OutputFile::create(output)?);
    }
    let corpus = args.reading.reader()?.read(&args.corpus)?;
    let ranked = args.threads.run(|| args.rank(&corpus, &settings))??;
    let records = corpus.records();
    let is_likely = |suspect: &&Suspect| suspect.doubts.iter().any(|doubt| doubt.likely);
    let likely = ranked.iter().filter(is_likely).count();
    let most = match args.rows {
        0 => ranked.len(),
        rows => rows,
    };
    let rows: Vec<Row<'_>> = (ranked.iter().take(most).enumerate())
        .filter_map(|(place, suspect)| Row::new(place + 1, suspect, &records[suspect.row]))
        .collect();
    let verdict = format!(
        "{likely} of {} rows have a label that is likely an error; the surest come first.",
        records.len()
    );
    if prints_rows {
        for row in &rows {
            say(&serde_json::to_string(row).map_err(std::io::Error::from)?)?;
        }
        complain(verdict.trim_end_matches('.'));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(output) = file {
        write_rows(output, &rows)?;
    }
    if args.figures.json {
        let figures = Figures {
            rows: records.len(),
            likely,
            suspects: &rows,
        };
        say(&serde_json::to_string_pretty(&figures).map_err(std::io::Error::from)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    match file {
        Some(output) => text += &format!("Wrote {} rows to {}.", rows.len(), output.display()),
        None => text += &args.describe(&rows),
    }
    say(&format!("{text}\n\n{verdict}"))?;
    Ok(ExitCode::SUCCESS)
}

impl SuspectsArgs {
    fn settings(&self) -> Result<Settings> {
        let mut settings = match &self.config {
            Some(path) => Settings::read(path)?,
            None => Settings::default(),
        };
        if let Some(learner) = self.learner {
            settings.learner.kind = learner;
        }
        if let Some(seed) = self.seed {
            settings.training.seed = seed;
        }
        settings.training.single_label |= self.single_label;
        settings.training.folds = self.folds;
        settings.training.hold_out = None;
        settings.check()?;
        Ok(settings)
    }

    fn rank(&self, corpus: &Corpus, settings: &Settings) -> Result<Vec<Suspect>> {
        let bar = progress(
            Some(self.folds as u64 + 2),
            "{bar:30} {pos}/{len} {msg} ({elapsed})",
        );
        let tell = |step| {
            bar.set_message(match step {
                Step::Fold(fold) => format!("fold {} of {}", fold + 1, self.folds),
                Step::Measure => "predicting what was held out".to_owned(),
                _ => "reading the text".to_owned(),
            });
            bar.inc(1);
        };
        let ranked = suspects(corpus, settings, DoubtScore::BEST, &tell);
        bar.finish_and_clear();
        ranked
    }

    fn describe(&self, rows: &[Row<'_>]) -> String {
        if self.figures.tables != crate::tables::TableFormat::Text {
            let heads = [
                "rank",
                "row",
                "id",
                "annotated",
                "in doubt",
                "probability",
                "text",
            ];
            let mut table =
                Table::new(&heads).with_texts_in(&["row", "id", "annotated", "in doubt", "text"]);
            for row in rows {
                table.add_row([
                    row.rank.to_string(),
                    format!("{}:{}", row.file, row.line),
                    row.id.to_owned(),
                    annotated(row),
                    question(row.doubt),
                    format!("{:.3}", row.doubt.probability),
                    marked(row.text, row.doubt.evidence.as_ref()),
                ]);
            }
            return table.write(self.figures.tables);
        }
        let blocks = rows.iter().map(|row| {
            let mut block = format!(
                "{}. {}:{} {}\n   annotated {}; {} (probability {:.3})",
                row.rank,
                row.file,
                row.line,
                row.id,
                annotated(row),
                question(row.doubt),
                row.doubt.probability
            );
            for doubt in row.also {
                block += &format!("; {} ({:.3})", question(doubt), doubt.probability);
            }
            let text = marked(row.text, row.doubt.evidence.as_ref());
            block + "\n   " + &text
        });
        blocks.collect::<Vec<_>>().join("\n\n")
    }
}

fn annotated(row: &Row<'_>) -> String {
    match row.labels.as_slice() {
        [] => "none".to_owned(),
        labels => labels.join(", "),
    }
}

fn question(doubt: &Doubt) -> String {
    match doubt.direction {
        Direction::Missing => format!("{} missing?", doubt.label),
        Direction::Wrong => format!("{} wrong?", doubt.label),
    }
}

/// A text on one line with a window of it marked.
fn marked(text: &str, window: Option<&Range<usize>>) -> String {
    let parts = window.and_then(|window| {
        let (before, rest) = text.split_at_checked(window.start)?;
        let (within, after) = rest.split_at_checked(window.end.checked_sub(window.start)?)?;
        Some(format!("{before}⟦{within}⟧{after}"))
    });
    let text = parts.unwrap_or_else(|| text.to_owned());
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn write_rows(output: &std::path::Path, rows: &[Row<'_>]) -> Result<()> {
    let mut file = BufWriter::new(OutputFile::create(output)?);
    for row in rows {
        serde_json::to_writer(&mut file, row).map_err(|e| Error::io(output, e.into()))?;
        file.write_all(b"\n").map_err(|e| Error::io(output, e))?;
    }
    let file = file.into_inner();
    file.map_err(|e| Error::io(output, e.into_error()))?.keep()
}
