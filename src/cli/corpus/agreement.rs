//! `marsad corpus agreement`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::super::console::{Failure, complain, progress, say};
use super::super::evaluate::bootstrap_samples;
use super::super::{FiguresArgs, ThreadArgs};
use super::{ReadingArgs, beginning};
use crate::audit::{Agreement, Interval, Items, MOST_SETS, agreement, items, items_of_columns};
use crate::corpus::display;
use crate::error::{Error, Result};
use crate::tables::Table;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad corpus agreement both.jsonl                        rows with a field \"annotator\"
  marsad corpus agreement anna.jsonl omar.jsonl             a file an annotator
  marsad corpus agreement labels.tsv --columns first,second a column an annotator
  marsad corpus agreement both.jsonl --json | jq .disputed  all that is in dispute

Rows are of one item where document, id and text are the same, or, where that brings no two annotators
together, where the text is. Alpha is Krippendorff's (1 agreement, 0 chance), kappa Cohen's for each
two annotators; intervals are 95% over documents. Labels left open (\"unsure\") are missing values.")]
pub(in super::super) struct AgreementArgs {
    /// Annotated corpora, each item read by several annotators
    #[arg(required = true)]
    corpus: Vec<PathBuf>,
    /// Columns of a CSV or TSV table that hold the labels, one an annotator; items by its id and doc
    #[arg(long, value_name = "NAME,NAME…", value_delimiter = ',', num_args = 1)]
    columns: Vec<String>,
    /// Items in dispute that are listed; --json lists all
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    rows: usize,
    /// Resamples of documents for the intervals
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = bootstrap_samples)]
    bootstrap: usize,
    /// Decides the resamples
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    figures: FiguresArgs,
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

#[derive(Serialize)]
struct Figures<'a> {
    /// What brought the rows of an item together.
    matched_by: &'a str,
    /// Earlier readings of an item by the annotator of a later one, left out.
    replaced_readings: usize,
    /// Items with the id of another whose text differs.
    same_id_other_text: usize,
    #[serde(flatten)]
    agreement: &'a Agreement,
}

pub(in super::super) fn run(args: &AgreementArgs) -> std::result::Result<ExitCode, Failure> {
    let found = args.items()?;
    let bar = progress(None, "{spinner} {msg} ({elapsed})");
    bar.set_message("resampling documents");
    let measured = (args.threads).run(|| agreement(&found.items, args.bootstrap, args.seed))?;
    bar.finish_and_clear();
    if measured.shared == 0 {
        let names: Vec<&str> = measured.annotators.keys().map(String::as_str).collect();
        return Err(Error::Corpus(format!(
            "no item was read by two annotators ({}); give rows a field \"annotator\", or a file an annotator",
            names.join(", ")
        ))
        .into());
    }
    if args.figures.json {
        let figures = Figures {
            matched_by: if found.by_text { "text" } else { "id" },
            replaced_readings: found.replaced_readings,
            same_id_other_text: found.same_id_other_text,
            agreement: &measured,
        };
        say(&serde_json::to_string_pretty(&figures).map_err(std::io::Error::from)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if measured.label_sets > MOST_SETS {
        complain(&format!(
            "there are {} distinct sets of labels; alpha over whole sets is left out above {MOST_SETS}",
            measured.label_sets
        ));
    }
    if found.by_text {
        complain(
            "no two annotators share an id and its text; rows with the same text are taken for one item",
        );
    }
    if found.replaced_readings > 0 {
        complain(&format!(
            "{} readings are left out: their annotator read the same item again further down, and the last counts",
            found.replaced_readings
        ));
    }
    if found.same_id_other_text > 0 {
        complain(&format!(
            "{} items have the document and id of another with a different text, and are taken for items of their own",
            found.same_id_other_text
        ));
    }
    say(&args.describe(&measured))?;
    Ok(ExitCode::SUCCESS)
}

impl AgreementArgs {
    fn items(&self) -> Result<Items> {
        let reader = self.reading.reader()?;
        if !self.columns.is_empty() {
            return Ok(Items {
                items: items_of_columns(&reader, &self.corpus, &self.columns)?,
                ..Items::default()
            });
        }
        let corpus = reader.separately().read(&self.corpus)?;
        Ok(items(corpus.records()))
    }

    fn describe(&self, measured: &Agreement) -> String {
        let tables = self.figures.tables;
        let annotators = measured.annotators.iter();
        let annotators = annotators.map(|(name, items)| format!("{name} ({items})"));
        let mut parts = vec![format!(
            "{} items in {} documents were read by two or more of {}; {} differ.",
            measured.shared,
            measured.documents,
            annotators.collect::<Vec<_>>().join(", "),
            measured.disputed.len()
        )];
        parts.push(label_table(measured).write(tables));
        parts.push(format!(
            "Whole sets of labels: alpha {} (MASI distance); the same in {}% of the pairs of readings.",
            shown(&measured.masi_alpha),
            measured.same_labels.map_or("–".into(), |share| format!("{:.1}", 100.0 * share))
        ));
        if measured.annotators.len() > 2 {
            parts.push(pair_table(measured).write(tables));
        }
        if !measured.disputed.is_empty() && self.rows > 0 {
            parts.push(self.dispute_table(measured).write(tables));
        }
        let left = measured.disputed.len().saturating_sub(self.rows);
        if left > 0 {
            parts.push(format!("… and {left} more in dispute; --json lists all."));
        }
        parts.join("\n\n")
    }

    fn dispute_table(&self, measured: &Agreement) -> Table {
        let heads = ["in dispute", "labels", "readings", "text"];
        let mut table = Table::new(&heads).with_texts_in(&heads);
        for dispute in measured.disputed.iter().take(self.rows) {
            let readings = dispute.item.readings.iter();
            let readings =
                readings.map(|(name, said)| format!("{name}: {}", display(&said.labels)));
            table.add_row([
                dispute.item.id.clone(),
                dispute.labels.join(", "),
                readings.collect::<Vec<_>>().join("; "),
                beginning(&dispute.item.text),
            ]);
        }
        table
    }
}

fn label_table(measured: &Agreement) -> Table {
    let two = measured.annotators.len() == 2;
    let mut heads = vec!["label", "alpha", "agree", "items", "differ", "yes"];
    if two {
        heads.insert(2, "kappa");
    }
    let mut table = Table::new(&heads);
    for label in &measured.labels {
        let yes = 100.0 * label.yes as f64 / label.readings.max(1) as f64;
        let mut cells = vec![
            label.label.clone(),
            shown(&label.alpha),
            label
                .raw
                .map_or("–".into(), |raw| format!("{:.1}%", 100.0 * raw)),
            label.items.to_string(),
            label.disputed.to_string(),
            format!("{yes:.1}%"),
        ];
        if two {
            let kappa = label.pairs.first().map(|pair| shown(&pair.kappa));
            cells.insert(2, kappa.unwrap_or_default());
        }
        table.add_row(cells);
    }
    table
}

fn pair_table(measured: &Agreement) -> Table {
    let mut table = Table::new(&["label", "annotators", "kappa", "agree", "items"])
        .with_texts_in(&["annotators"]);
    for label in &measured.labels {
        for pair in &label.pairs {
            table.add_row([
                label.label.clone(),
                pair.annotators.join(" – "),
                shown(&pair.kappa),
                format!("{:.1}%", 100.0 * pair.raw),
                pair.items.to_string(),
            ]);
        }
    }
    table
}

fn shown(figure: &Interval) -> String {
    match (figure.value, figure.low, figure.high) {
        (Some(value), Some(low), Some(high)) => format!("{value:.3} [{low:.3}, {high:.3}]"),
        (Some(value), ..) => format!("{value:.3}"),
        _ => "–".into(),
    }
}
