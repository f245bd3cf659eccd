//! `marsad corpus split`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::super::console::{Failure, complain, percent, progress, say};
use super::super::{FiguresArgs, ThreadArgs, refuse_standard_output};
use super::{ReadingArgs, row_table, similarity};
use crate::audit::{
    Date, Division, Part, SplitSettings, SplitSummary, TestRows, Threshold, split, write_parts,
};
use crate::corpus::{KeptFields, refuse_pipes};
use crate::error::{Error, Result};
use crate::tables::{Table, TableFormat};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad corpus split ours.jsonl -o parts
  marsad corpus split ours.csv -o parts --test 0.15 --dev 0.15 --seed 7
  marsad corpus split ours.jsonl -o parts --by-date date --from 2020-01-01
  marsad corpus split ours.jsonl -o parts --by outlet=reuters --by outlet=afp --dev 0

Documents stay whole, and so do groups of near-duplicates; labels are spread evenly. By date or by
value a document with one row on the test side is for testing as a whole; near-duplicates of rows
learnt from are then told, not moved. Dates are written 2015-08-06, 2015-08, 2015 or 20150806.

FOLDER gets train, dev and test in the rows' own format, byte for byte, left-out for rows in no part
(no annotation, no text, no date), and split.json with the figures. Nothing is overwritten.")]
pub(in super::super) struct SplitArgs {
    /// Annotated corpora to divide, all together
    #[arg(required = true)]
    corpus: Vec<PathBuf>,
    /// Folder to write to; made where it does not exist
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// Share of the rows for testing
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, conflicts_with_all = ["by_date", "by"])]
    test: f64,
    /// Share of the rows for development; with --by-date and --by of those that are not for testing
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    dev: f64,
    /// Field with the date: everything from --from on is for testing
    #[arg(long, value_name = "FIELD", requires = "from", conflicts_with = "by")]
    by_date: Option<String>,
    /// The first day for testing
    #[arg(long, value_name = "DATE", requires = "by_date")]
    from: Option<Date>,
    /// Rows with this value in this field are for testing; may be given several times for one field
    #[arg(long, value_name = "FIELD=VALUE", value_parser = field_and_value)]
    by: Vec<(String, String)>,
    /// Share of common 5-grams from which on texts stay together
    #[arg(long, value_name = "SHARE", default_value = "0.8", value_parser = similarity)]
    similarity: Threshold,
    /// Decides what is left to chance
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    figures: FiguresArgs,
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

fn field_and_value(given: &str) -> std::result::Result<(String, String), String> {
    match given.split_once('=') {
        Some((field, value)) if !field.trim().is_empty() => {
            Ok((field.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("FIELD=VALUE is expected".into()),
    }
}

pub(in super::super) fn run(args: &SplitArgs) -> std::result::Result<ExitCode, Failure> {
    let settings = args.settings()?;
    refuse_standard_output(&args.output)?;
    refuse_pipes(&args.corpus)?;
    let reader = args.reading.reader()?.keeping(KeptFields::All).separately();
    let bar = progress(None, "{spinner} {msg} ({elapsed})");
    bar.set_message("reading");
    let (division, files) = args.threads.run(|| -> Result<_> {
        let corpus = reader.survey(&args.corpus)?;
        bar.set_message(format!("dividing {} rows", corpus.rows()));
        let division = split(&corpus, &settings)?;
        let files = write_parts(&args.output, &reader, &corpus, &division)?;
        Ok((division, files))
    })??;
    bar.finish_and_clear();
    let summary = &division.summary;
    match args.figures.json {
        true => say(&serde_json::to_string_pretty(summary).map_err(std::io::Error::from)?)?,
        false => say(&args.describe(&division, &files))?,
    }
    for missing in missing_labels(summary) {
        complain(&missing);
    }
    Ok(ExitCode::SUCCESS)
}

impl SplitArgs {
    fn settings(&self) -> Result<SplitSettings> {
        let test = match (&self.by_date, self.from, self.by.as_slice()) {
            (Some(field), Some(date), _) => TestRows::From {
                field: field.clone(),
                date,
            },
            (_, _, [(field, _), others @ ..]) => {
                if let Some((other, _)) = others.iter().find(|(other, _)| other != field) {
                    return Err(Error::Corpus(format!(
                        "--by names two fields, {field:?} and {other:?}; give one"
                    )));
                }
                let values: BTreeSet<String> =
                    self.by.iter().map(|(_, value)| value.clone()).collect();
                TestRows::Values {
                    field: field.clone(),
                    values,
                }
            }
            _ => TestRows::Share(self.test),
        };
        Ok(SplitSettings {
            test,
            dev: self.dev,
            seed: self.seed,
            similarity: self.similarity,
        })
    }

    fn describe(&self, division: &Division, files: &[PathBuf]) -> String {
        let summary = &division.summary;
        let mut lines = vec![
            summary_table(summary).write(self.figures.tables),
            String::new(),
        ];
        lines.push(format!(
            "{} groups of documents stay together; the largest has {} rows.",
            summary.groups, summary.largest_group
        ));
        let out = &summary.left_out;
        for (count, what) in [
            (out.unannotated, "rows without annotation"),
            (out.empty, "rows without text"),
            (out.undated, "rows without a date that can be read"),
        ] {
            if count > 0 {
                lines.push(format!("{count} {what} are in no part (left-out)."));
            }
        }
        if summary.documents_on_both_sides > 0 {
            lines.push(format!(
                "{} documents had rows on both sides; they are for testing as a whole.",
                summary.documents_on_both_sides
            ));
        }
        let repeated = &summary.repeated_in_test;
        if !repeated.is_empty() {
            lines.push(format!(
                "{} test rows nearly repeat a row of another part; figures without them are the honest ones:\n{}",
                repeated.len(),
                row_table(repeated, 5, TableFormat::Text)
            ));
        }
        let names: Vec<String> = files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        lines.push(format!("Wrote {}.", names.join(", ")));
        lines.join("\n")
    }
}

fn summary_table(summary: &SplitSummary) -> Table {
    let heads: Vec<&str> = std::iter::once("")
        .chain(summary.parts.iter().map(|part| part.part.name()))
        .collect();
    let mut table = Table::new(&heads);
    let mut add = |name: &str, cell: &dyn Fn(&crate::audit::PartSummary) -> String| {
        let cells = summary.parts.iter().map(cell);
        table.add_row(std::iter::once(name.to_owned()).chain(cells));
    };
    add("rows", &|part| {
        format!("{} ({})", part.rows, percent(part.share))
    });
    add("documents", &|part| part.documents.to_string());
    let share = |count: usize, rows: usize| {
        format!("{count} ({})", percent(count as f64 / rows.max(1) as f64))
    };
    let labels = summary.parts.iter().flat_map(|part| part.labels.keys());
    for label in labels.collect::<BTreeSet<_>>() {
        add(label, &|part| {
            share(part.labels.get(label).copied().unwrap_or(0), part.rows)
        });
    }
    add("(none)", &|part| share(part.without_label, part.rows));
    table
}

/// Labels that a part has no sentence of.
fn missing_labels(summary: &SplitSummary) -> Vec<String> {
    let mut missing = Vec::new();
    for part in &summary.parts {
        let without: Vec<&str> = (part.labels.iter())
            .filter(|&(_, &count)| count == 0)
            .map(|(label, _)| label.as_str())
            .collect();
        if !without.is_empty() {
            let what = match part.part {
                Part::Train => "nothing can be learnt of",
                Part::Dev | Part::Test => "nothing can be measured of",
            };
            missing.push(format!(
                "{}: {what} {}, which it has no row of",
                part.part.name(),
                without.join(", ")
            ));
        }
    }
    missing
}
