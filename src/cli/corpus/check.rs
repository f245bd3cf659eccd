//! `marsad corpus check`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::super::console::{Failure, progress, say};
use super::super::{FiguresArgs, ThreadArgs};
use super::{ReadingArgs, known_labels, row_table, similarity};
use crate::audit::{CheckSettings, Checked, Finding, Severity, Threshold, check};
use crate::error::Result;
use crate::tables::{Table, TableFormat};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad corpus check ours.jsonl
  marsad corpus check train.csv --against test.csv --similarity 0.7
  marsad corpus check ours.jsonl --labels airstrike,shelling,clash
  marsad corpus check ours.jsonl --json | jq '.findings[] | {code, severity, count}'

Near-duplicates share most of their character 5-grams after spellings are folded; --similarity says
how many. A label is unknown where it is not in the list that --labels or --labels-from gives.

Exit status: 0 nothing worse than a note was found, 1 errors or warnings, 2 could not run.")]
pub(in super::super) struct CheckArgs {
    /// Annotated corpora to check, all together
    #[arg(required = true)]
    corpus: Vec<PathBuf>,
    /// Test set: rows of it that the corpus holds too are errors
    #[arg(long, value_name = "TEST", num_args = 1..)]
    against: Vec<PathBuf>,
    /// The labels that there are; others are errors
    #[arg(long, value_name = "LABEL,…", value_delimiter = ',')]
    labels: Vec<String>,
    /// File with the labels that there are, one a line
    #[arg(long, value_name = "FILE")]
    labels_from: Option<PathBuf>,
    /// Share of common 5-grams from which on texts are near-duplicates
    #[arg(long, value_name = "SHARE", default_value = "0.8", value_parser = similarity)]
    similarity: Threshold,
    /// A label of fewer sentences is rare
    #[arg(long, value_name = "N", default_value_t = 30)]
    rare: usize,
    /// Folds that the corpus is to be divided into: a label must be in as many documents
    #[arg(long, value_name = "N", default_value_t = 5)]
    folds: usize,
    /// A row of more words is very long
    #[arg(long, value_name = "N", default_value_t = 120)]
    most_words: usize,
    /// Rows listed of each finding; --json lists all
    #[arg(short = 'n', long, value_name = "N", default_value_t = 5)]
    rows: usize,
    #[command(flatten)]
    figures: FiguresArgs,
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

pub(in super::super) fn run(args: &CheckArgs) -> std::result::Result<ExitCode, Failure> {
    let checked = args.threads.run(|| args.check())??;
    match args.figures.json {
        true => say(&serde_json::to_string_pretty(&checked).map_err(std::io::Error::from)?)?,
        false => say(&args.describe(&checked))?,
    }
    Ok(match checked.is_wrong() {
        true => ExitCode::from(1),
        false => ExitCode::SUCCESS,
    })
}

impl CheckArgs {
    fn check(&self) -> Result<Checked> {
        let settings = CheckSettings {
            labels: known_labels(&self.labels, self.labels_from.as_deref())?,
            similarity: self.similarity,
            rare: self.rare,
            folds: self.folds,
            most_words: self.most_words,
        };
        let reader = self.reading.reader()?;
        let bar = progress(None, "{spinner} {msg} ({elapsed})");
        bar.set_message("reading");
        let corpus = reader.survey(&self.corpus)?;
        let test = match self.against.as_slice() {
            [] => None,
            paths => Some(reader.survey(paths)?),
        };
        bar.set_message(format!("checking {} rows", corpus.rows()));
        let checked = check(&corpus, test.as_ref(), &settings);
        bar.finish_and_clear();
        Ok(checked)
    }

    fn describe(&self, checked: &Checked) -> String {
        let tables = self.figures.tables;
        let mut parts = vec![format!(
            "{} rows: {} annotated sentences in {} documents.",
            checked.rows, checked.sentences, checked.documents
        )];
        if checked.sentences > 0 {
            parts.push(label_table(checked).write(tables));
        }
        for finding in &checked.findings {
            parts.push(describe_finding(finding, self.rows, tables));
        }
        let count = |severity| {
            let of_kind = checked.findings.iter().filter(|f| f.severity == severity);
            of_kind.count()
        };
        parts.push(format!(
            "Kinds of errors: {}, of warnings: {}, of notes: {}.",
            count(Severity::Error),
            count(Severity::Warning),
            count(Severity::Note)
        ));
        parts.join("\n\n")
    }
}

fn label_table(checked: &Checked) -> Table {
    let mut table = Table::new(&["label", "sentences", "documents"]);
    for count in &checked.labels {
        table.add_row([
            count.label.clone(),
            count.sentences.to_string(),
            count.documents.to_string(),
        ]);
    }
    table.add_row(["(none)".to_owned(), checked.without_label.to_string()]);
    table
}

fn describe_finding(finding: &Finding, most: usize, tables: TableFormat) -> String {
    let mut text = format!(
        "{} {} ({}): {}\n  {}",
        finding.severity.name().to_uppercase(),
        finding.code,
        finding.count,
        finding.message,
        finding.advice
    );
    let shown = finding.rows.len().min(most);
    if shown > 0 {
        let table = row_table(&finding.rows, most, tables);
        match tables {
            TableFormat::Text => {
                for line in table.lines() {
                    text += &format!("\n    {line}");
                }
            }
            _ => text += &format!("\n\n{table}"),
        }
    }
    if finding.rows.len() > shown {
        text += &format!(
            "\n    … and {} more; --json lists all.",
            finding.rows.len() - shown
        );
    }
    text
}
