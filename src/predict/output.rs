//! Writing labelled rows as JSON Lines, CSV, TSV, or for people.

use std::io::{Result, Write};

use serde_json::{Map, Value, json};

use super::rows::{Labelled, OutputRow};

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// One JSON object a line.
    #[default]
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// Labels and sentence for people to read.
    Table,
}

/// Writes rows in one format.
pub struct RowWriter<W: Write> {
    format: OutputFormat,
    /// All labels, parents included.
    labels: Vec<String>,
    /// Names of the fields carried along.
    keep: Vec<String>,
    /// Whether rows are marked to be read by hand.
    review: bool,
    colour: bool,
    sink: Sink<W>,
}

enum Sink<W: Write> {
    Plain(W),
    Table(Box<csv::Writer<W>>),
}

impl<W: Write> RowWriter<W> {
    /// A writer; the header of a table is written at once.
    ///
    /// # Errors
    /// When the header cannot be written.
    pub fn new(
        format: OutputFormat,
        labels: Vec<String>,
        keep: Vec<String>,
        review: bool,
        colour: bool,
        output: W,
    ) -> Result<Self> {
        let table = |delimiter, style| {
            let mut builder = csv::WriterBuilder::new();
            builder.delimiter(delimiter).quote_style(style);
            builder
        };
        let sink = match format {
            OutputFormat::Jsonl | OutputFormat::Table => Sink::Plain(output),
            OutputFormat::Csv => Sink::Table(Box::new(
                table(b',', csv::QuoteStyle::Necessary).from_writer(output),
            )),
            OutputFormat::Tsv => Sink::Table(Box::new(
                table(b'\t', csv::QuoteStyle::Never).from_writer(output),
            )),
        };
        let mut writer = Self {
            format,
            labels,
            keep,
            review,
            colour,
            sink,
        };
        writer.write_header()?;
        Ok(writer)
    }

    fn write_header(&mut self) -> Result<()> {
        let Sink::Table(table) = &mut self.sink else {
            return Ok(());
        };
        let fixed = ["id", "doc", "line", "start", "end", "text", "labels"];
        let mut header: Vec<String> = fixed.iter().map(|&name| name.to_owned()).collect();
        header.extend(self.labels.iter().map(|label| format!("score.{label}")));
        header.extend(self.labels.iter().map(|label| format!("evidence.{label}")));
        header.extend(self.review.then(|| "review".to_owned()));
        header.extend(["furniture", "error"].map(str::to_owned));
        header.extend(self.keep.iter().map(|name| format!("input.{name}")));
        table.write_record(&header).map_err(io_error)
    }

    /// Writes one row.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn write(&mut self, row: &OutputRow) -> Result<()> {
        match &mut self.sink {
            Sink::Plain(output) if self.format == OutputFormat::Jsonl => {
                serde_json::to_writer(&mut *output, &json_row(row))?;
                output.write_all(b"\n")
            }
            Sink::Plain(output) => write_for_people(output, row, &self.labels, self.colour),
            Sink::Table(table) => {
                let mut record = table_record(row, &self.labels, &self.keep, self.review);
                if self.format == OutputFormat::Tsv {
                    // TSV has no quotes: a tab or line break in a cell would break the row.
                    for cell in &mut record {
                        *cell = cell.replace(['\t', '\n', '\r'], " ");
                    }
                }
                table.write_record(&record).map_err(io_error)
            }
        }
    }

    /// Writes what is still in buffers and gives the output back.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(self) -> Result<W> {
        match self.sink {
            Sink::Plain(mut output) => {
                output.flush()?;
                Ok(output)
            }
            Sink::Table(table) => table.into_inner().map_err(|error| error.into_error()),
        }
    }
}

/// The system's error inside one of the CSV writer, so that a broken pipe is known as one.
fn io_error(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    }
}

/// A probability with six decimals, the same in every format.
fn rounded(probability: f64) -> f64 {
    (probability * 1e6).round() / 1e6
}

/// The row as a JSON object, fields in the documented order.
fn json_row(row: &OutputRow) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("id".into(), json!(row.id));
    match &row.outcome {
        Err(message) => {
            object.insert("error".into(), json!(message));
        }
        Ok(labelled) => {
            let scores = labelled.scores.iter();
            let scores: Map<String, Value> = scores
                .map(|(label, &score)| (label.clone(), json!(rounded(score))))
                .collect();
            let evidence: Map<String, Value> = labelled
                .evidence
                .iter()
                .map(|(label, span)| (label.clone(), json!([span.start, span.end])))
                .collect();
            object.insert("doc".into(), json!(row.doc));
            object.insert("line".into(), json!(row.line));
            object.insert("start".into(), json!(labelled.span.start));
            object.insert("end".into(), json!(labelled.span.end));
            object.insert("text".into(), json!(labelled.text));
            object.insert("labels".into(), json!(labelled.labels));
            object.insert("scores".into(), Value::Object(scores));
            object.insert("evidence".into(), Value::Object(evidence));
            if let Some(review) = labelled.review {
                object.insert("review".into(), json!(review));
            }
            if let Some(furniture) = labelled.furniture {
                object.insert("furniture".into(), json!(furniture));
            }
        }
    }
    if !row.kept.is_empty() {
        object.insert("input".into(), Value::Object(row.kept.clone()));
    }
    object
}

fn table_record(row: &OutputRow, labels: &[String], keep: &[String], review: bool) -> Vec<String> {
    let mut record = vec![row.id.clone(), row.doc.clone(), row.line.to_string()];
    match &row.outcome {
        Ok(labelled) => {
            record.push(labelled.span.start.to_string());
            record.push(labelled.span.end.to_string());
            record.push(labelled.text.clone());
            record.push(labelled.labels.join("|"));
            record.extend(labels.iter().map(|label| {
                let score = labelled.scores.get(label);
                score.map_or_else(String::new, |&score| rounded(score).to_string())
            }));
            record.extend(labels.iter().map(|label| {
                let span = labelled.evidence.get(label);
                span.map_or_else(String::new, |span| format!("{}-{}", span.start, span.end))
            }));
            if review {
                record.push(labelled.review.map_or_else(String::new, |r| r.to_string()));
            }
            record.push(furniture_name(labelled));
            record.push(String::new());
        }
        Err(message) => {
            record.resize(
                record.len() + 4 + 2 * labels.len() + 1 + usize::from(review),
                String::new(),
            );
            record.push(message.clone());
        }
    }
    record.extend(keep.iter().map(|name| match row.kept.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }));
    record
}

fn furniture_name(labelled: &Labelled) -> String {
    labelled
        .furniture
        .and_then(|furniture| json!(furniture).as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Colours of the labels in the terminal, in their order.
const COLOURS: [u8; 6] = [31, 33, 35, 36, 32, 34];

fn write_for_people(
    output: &mut impl Write,
    row: &OutputRow,
    labels: &[String],
    colour: bool,
) -> Result<()> {
    const WIDTH: usize = 34;
    let labelled = match &row.outcome {
        Ok(labelled) => labelled,
        Err(message) => return writeln!(output, "{:<WIDTH$}  {}", "error", message),
    };
    // A parent says nothing beside its child.
    let shown: Vec<&String> = labelled
        .labels
        .iter()
        .filter(|label| {
            let child = format!("{label}.");
            !labelled
                .labels
                .iter()
                .any(|other| other.starts_with(&child))
        })
        .collect();
    let mut width = 0;
    for label in &shown {
        let score = labelled.scores.get(*label).copied().unwrap_or_default();
        let text = format!("{label} {:.0}%  ", score * 100.0);
        width += text.chars().count();
        let place = labels.iter().position(|other| other == *label).unwrap_or(0);
        if colour {
            write!(
                output,
                "\u{1b}[{}m{text}\u{1b}[0m",
                COLOURS[place % COLOURS.len()]
            )?;
        } else {
            write!(output, "{text}")?;
        }
    }
    if labelled.review == Some(true) {
        write!(output, "review?  ")?;
        width += "review?  ".len();
    }
    if shown.is_empty() || labelled.furniture.is_some() {
        let text = match labelled.furniture {
            Some(_) => format!("({})  ", furniture_name(labelled)),
            None => "–  ".to_owned(),
        };
        width += text.chars().count();
        write!(output, "{text}")?;
    }
    let sentence = labelled.text.replace(['\n', '\r', '\t'], " ");
    writeln!(
        output,
        "{:pad$}{sentence}",
        "",
        pad = WIDTH.saturating_sub(width)
    )
}
