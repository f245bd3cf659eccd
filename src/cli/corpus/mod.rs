//! `marsad corpus`.

mod agreement;
mod check;
mod next;
mod split;
mod suspects;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::FileArgs;
use super::console::Failure;
use crate::audit::{FoundRow, Threshold};
use crate::corpus::{Aliases, Contradictions, CorpusFormat, CorpusReader, LabelSet, split_cell};
use crate::error::{Error, Result};
use crate::tables::{Table, TableFormat};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad corpus check ours.jsonl                          what is wrong with it
  marsad corpus split ours.jsonl -o parts --test 0.2      training, development and test sets
  marsad corpus agreement anna.jsonl omar.jsonl           how far annotators agree
  marsad corpus suspects ours.jsonl -n 50                 labels that are likely errors
  marsad corpus next ours.jsonl --from pool.jsonl -n 200  what to annotate next")]
pub(super) struct CorpusVerbArgs {
    #[command(subcommand)]
    verb: CorpusVerb,
}

#[derive(Debug, Subcommand)]
enum CorpusVerb {
    /// Find what is wrong with a corpus, and say what to do
    Check(check::CheckArgs),
    /// Divide a corpus into training, development and test sets that share no document and no sentence
    Split(split::SplitArgs),
    /// Measure how far annotators agree, and list what is in dispute
    Agreement(agreement::AgreementArgs),
    /// Rank rows by how likely one of their labels is an error
    Suspects(suspects::SuspectsArgs),
    /// Choose what to annotate next from text that is not annotated
    Next(next::NextArgs),
}

impl CorpusVerbArgs {
    /// The file named by the verb that writes the very same to standard output where none is named.
    pub(super) fn rows_output(&mut self) -> Option<&mut Option<PathBuf>> {
        match &mut self.verb {
            CorpusVerb::Next(args) => Some(&mut args.output),
            _ => None,
        }
    }
}

pub(super) fn run(args: &CorpusVerbArgs) -> std::result::Result<ExitCode, Failure> {
    let outcome = match &args.verb {
        CorpusVerb::Check(args) => check::run(args),
        CorpusVerb::Split(args) => split::run(args),
        CorpusVerb::Agreement(args) => agreement::run(args),
        CorpusVerb::Suspects(args) => suspects::run(args),
        CorpusVerb::Next(args) => next::run(args),
    };
    // In these verbs --from is something else.
    outcome.map_err(|failure| match failure {
        Failure::Told(message) => Failure::Told(match message.strip_suffix("with --from") {
            Some(start) => format!("{start}with --format"),
            None => message,
        }),
        other => other,
    })
}

/// How the corpora of these verbs are read.
#[derive(Debug, Args)]
struct ReadingArgs {
    /// TOML file with other names for labels: [aliases] seize = "capture.territory"
    #[arg(long, value_name = "FILE.toml")]
    aliases: Option<PathBuf>,
    /// Format of the corpora
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    format: CorpusFormat,
    #[command(flatten)]
    files: FileArgs,
}

impl ReadingArgs {
    fn reader(&self) -> Result<CorpusReader> {
        let aliases = match &self.aliases {
            Some(path) => Aliases::read(path)?,
            None => Aliases::default(),
        };
        Ok(CorpusReader::new(aliases, Contradictions::Keep)
            .from_format(self.format)
            .encoded(self.files.encoding)
            .sheet(self.files.sheet.clone()))
    }
}

fn similarity(given: &str) -> std::result::Result<Threshold, String> {
    let share = given.parse().unwrap_or(f64::NAN);
    Threshold::new(share).map_err(|_| "a share from 0.3 to 1 is expected".into())
}

/// Labels from a list and from a file with one a line.
fn known_labels(listed: &[String], file: Option<&Path>) -> Result<Option<LabelSet>> {
    if listed.is_empty() && file.is_none() {
        return Ok(None);
    }
    let mut labels: LabelSet = listed
        .iter()
        .flat_map(|l| split_cell(l))
        .map(str::to_owned)
        .collect();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|error| Error::io(path, error))?;
        let lines = text.trim_start_matches('\u{FEFF}').lines().map(str::trim);
        let named = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        labels.extend(named.map(str::to_owned));
        if labels.is_empty() {
            return Err(Error::File {
                path: path.into(),
                message: "holds no label; write one a line".into(),
            });
        }
    }
    Ok(Some(labels))
}

/// The first of some rows, as a table without a head.
fn row_table(rows: &[FoundRow], most: usize, format: TableFormat) -> String {
    let mut table =
        Table::new(&["row", "id", "what", "text"]).with_texts_in(&["id", "what", "text"]);
    for row in rows.iter().take(most) {
        let similar = row.similar_to.as_ref().map(|other| {
            let share = (100.0 * other.similarity).floor();
            format!("{share}% as {}:{}", other.file, other.line)
        });
        let what: Vec<&str> = [&similar, &row.detail]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        table.add_row([
            format!("{}:{}", row.file, row.line),
            row.id.clone().unwrap_or_default(),
            what.join("; "),
            beginning(row.text.as_deref().unwrap_or_default()),
        ]);
    }
    table.write(format)
}

/// As much of a text as a table has room for.
fn beginning(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.chars().nth(SHOWN) {
        None => text.to_owned(),
        Some(_) => text.chars().take(SHOWN).chain(['…']).collect(),
    }
}
