//! `marsad predict`.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::console::{Failure, colours, complain, fail, is_terminal, printed, reading_progress};
use super::decide::DecisionArgs;
use super::{FileArgs, ModelArgs, ThreadArgs, refuse_overwriting};
use crate::compressed::{Compressed, Compression};
use crate::corpus::{CodingColumns, STANDARD_INPUT, bytes_read, ending};
use crate::error::Error;
use crate::output_file::OutputFile;
use crate::predict::{
    ColumnFormat, ColumnRows, ColumnWriter, Counts, FormatKind, Input, InputFields, InputFormat,
    InputOptions, Labeller, OutputFormat, OutputRow, Predictor, RowFormat, RowLayout, RowOutput,
    RowSink, RowWriter, Split, Stopped, Stream, WrittenRows, input_files, pieces_of_batches,
};
use crate::text::Furniture;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad predict article.txt --to table
  marsad predict rows.jsonl --text-field body --id-field nr -o labelled.jsonl
  marsad predict posts.csv --to csv --keep date,source > labelled.csv
  marsad predict posts.csv --review 10% --prior estimate -o labelled.jsonl
  marsad predict old.csv --encoding windows-1256 -o labelled.jsonl
  marsad predict tasks.json --text-field data.body -o labelled.jsonl
  marsad predict posts.csv --bom --columns data/acled.toml -o for-the-spreadsheet.csv
  marsad predict archive.jsonl.gz --keep outlet,date -o archive.parquet
  marsad predict rows.jsonl --to label-studio -o tasks.json
  zcat archive.jsonl.gz | marsad predict - --from jsonl | jq .labels

Plain text is split into sentences; a row of JSON, a table, a sheet, Parquet or Arrow is one unit
unless --split yes.
Offsets are bytes: of the file for plain text, of the text field for rows.
With --review each row says whether it is to be read by hand: {\"review\": true}.
A row that cannot be read gives {\"id\", \"error\"} in its place, and exit status 1.
CSV holds text as it is: a cell that begins with = is a formula to a spreadsheet.
Fields and columns of all formats are listed in docs/fields.md.")]
pub(super) struct PredictArgs {
    /// Files to label; none or - for standard input
    input: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    /// File to write, compressed when it ends in .gz or .zst [default: standard output]
    #[arg(short, long, value_name = "OUT")]
    pub(super) output: Option<PathBuf>,
    /// Format of the input
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    from: InputFormat,
    /// Format of the output [default: by the ending of OUT: csv, tsv, parquet, arrow; else jsonl]
    #[arg(long, value_name = "FORMAT")]
    to: Option<OutputFormat>,
    /// Begin CSV or TSV with a byte order mark, so that spreadsheets show Arabic
    #[arg(long)]
    bom: bool,
    /// TOML file with the columns of another coding scheme, as data/acled.toml
    #[arg(long, value_name = "FILE.toml")]
    columns: Option<PathBuf>,
    #[command(flatten)]
    files: FileArgs,
    /// Field that holds the text
    #[arg(long, value_name = "F", default_value = "text")]
    text_field: String,
    /// Field that holds the id [default: id, where there is one]
    #[arg(long, value_name = "F")]
    id_field: Option<String>,
    /// Fields of the input to carry along
    #[arg(long, value_name = "F,…", value_delimiter = ',')]
    keep: Vec<String>,
    /// Whether units are split into sentences
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    split: Split,
    #[command(flatten)]
    decision: DecisionArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

impl PredictArgs {
    fn options(&self) -> InputOptions {
        InputOptions {
            format: self.from,
            encoding: self.files.encoding,
            sheet: self.files.sheet.clone(),
        }
    }
}

pub(super) fn run(args: &PredictArgs) -> Result<ExitCode, Failure> {
    let format = args.format();
    args.check_format(format)?;
    let columns = args.columns.as_deref().map(CodingColumns::read);
    let columns = columns.transpose()?;
    let predictor = Predictor::new(args.model.load()?);
    let margin = args.decision.review_margin(&predictor)?;
    let inputs = match args.input.as_slice() {
        [] => vec![PathBuf::from(STANDARD_INPUT)],
        inputs => input_files(inputs)?,
    };
    let fields = InputFields {
        text: args.text_field.clone(),
        id: args.id_field.clone(),
        keep: args.keep.clone(),
        ..InputFields::default()
    };
    let run = Run {
        args,
        inputs: &inputs,
        fields: &fields,
        margin,
        format,
        layout: args.layout(&predictor, columns, margin.is_some())?,
    };
    run.check_inputs()?;
    if let Some(path) = &args.output {
        refuse_overwriting(path, run.files_read())?;
    }
    run.tell_missing_labels();
    let predictor = args.decision.apply(predictor, |predictor| {
        run.probabilities(predictor)
            .map_err(|stopped| stopped.into_failure(Path::new("standard error")))
    })?;
    let counts = match &args.output {
        None => {
            let written = run.label(&predictor, io::stdout());
            written
                .map_err(|stopped| stopped.into_failure(Path::new("standard output")))?
                .0
        }
        Some(path) => {
            let file = Compressed::new(Compression::of(path), OutputFile::create(path)?);
            let written = run.label(&predictor, file);
            let (counts, file) = written.map_err(|stopped| stopped.into_failure(path))?;
            let file = file.finish().map_err(|error| Error::io(path, error))?;
            file.keep()?;
            counts
        }
    };
    run.tell(&predictor, &counts);
    Ok(match counts.errors {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(1),
    })
}

impl PredictArgs {
    fn format(&self) -> OutputFormat {
        let by_name = self.output.as_deref().map(OutputFormat::of);
        self.to.or(by_name).unwrap_or_default()
    }

    /// Refuses what the format of the output has no place for.
    fn check_format(&self, format: OutputFormat) -> Result<(), Failure> {
        let told = |message: &str| Err(Failure::Told(message.to_owned()));
        if let (None, Some(path)) = (self.to, &self.output)
            && ["xlsx", "xls", "ods", "docx", "html", "pdf"].contains(&ending(path).as_str())
        {
            return Err(Error::File {
                path: path.clone(),
                message:
                    "no file of this kind can be written; spreadsheets open CSV written with --bom"
                        .into(),
            }
            .into());
        }
        if self.bom && !matches!(format, OutputFormat::Csv | OutputFormat::Tsv) {
            return told("--bom marks CSV and TSV only; leave it out or choose --to csv");
        }
        if self.columns.is_some() && format == OutputFormat::Table {
            return told("--columns has no place in --to table; choose --to csv");
        }
        if matches!(format.kind(), FormatKind::Text(_)) {
            return Ok(());
        }
        match &self.output {
            Some(path) if Compression::of(path) != Compression::None => Err(Error::File {
                path: path.clone(),
                message:
                    "Parquet and Arrow are not compressed as a whole; leave out the last ending"
                        .into(),
            }
            .into()),
            None if io::stdout().is_terminal() => {
                told("Parquet and Arrow are not for the terminal; name a file with -o")
            }
            _ => Ok(()),
        }
    }

    /// What the rows of output hold.
    fn layout(
        &self,
        predictor: &Predictor,
        columns: Option<CodingColumns>,
        review: bool,
    ) -> Result<RowLayout, Error> {
        let labels = predictor.tree().labels().iter();
        let labels: Vec<String> = labels.map(|label| label.name.clone()).collect();
        let checksum = &predictor.header().checksum;
        const CHECKSUM_DIGITS: usize = 12;
        let layout = RowLayout {
            keep: self.keep.clone(),
            review,
            columns,
            model: format!(
                "marsad-{}",
                checksum.get(..CHECKSUM_DIGITS).unwrap_or(checksum)
            ),
            labels,
        };
        if let (Some(name), Some(path)) = (layout.clash(), &self.columns) {
            return Err(Error::File {
                path: path.clone(),
                message: format!(
                    "columns: {name:?} is the name of a column of the output; choose another"
                ),
            });
        }
        Ok(layout)
    }
}

/// Tells the labels for which a table of columns has no values.
pub(super) fn tell_missing(path: &Path, missing: &[&str]) {
    if !missing.is_empty() {
        complain(&format!(
            "{}: no values for {}; rows with such labels only have empty cells",
            path.display(),
            missing.join(", ")
        ));
    }
}

/// Whether a path is standard input, a pipe or a device, which can be read only once.
fn is_stream(path: &Path) -> bool {
    path.as_os_str() == STANDARD_INPUT || (path.exists() && !path.is_file() && !path.is_dir())
}

impl Stopped {
    fn into_failure(self, output: &Path) -> Failure {
        match self {
            Self::Reading(error) => error.into(),
            Self::Writing(error) => Error::io(output, error).into(),
        }
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Reading(error)
    }
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Writing(error)
    }
}

/// Takes the calibrated probabilities of rows that can carry a label, `[row × labels + label]`.
#[derive(Default)]
struct Probabilities(Vec<f32>);

impl RowSink for Probabilities {
    fn take(&mut self, row: &OutputRow<'_>) {
        if let Ok(labelled) = &row.outcome
            && !labelled.furniture.is_some_and(Furniture::carries_no_label)
        {
            let leaves = labelled.leaf_probabilities.iter();
            self.0.extend(leaves.map(|&probability| probability as f32));
        }
    }

    fn is_full(&self) -> bool {
        false
    }
}

/// One run over all inputs.
struct Run<'a> {
    args: &'a PredictArgs,
    inputs: &'a [PathBuf],
    fields: &'a InputFields,
    margin: Option<f64>,
    format: OutputFormat,
    layout: RowLayout,
}

impl Run<'_> {
    fn files_read(&self) -> impl Iterator<Item = &PathBuf> {
        let args = self.args;
        let inputs = self.inputs.iter();
        inputs.chain(&args.model.model).chain(&args.columns)
    }

    /// Tells the labels of the model for which the other coding scheme has no values.
    fn tell_missing_labels(&self) {
        if let (Some(columns), Some(path)) = (&self.layout.columns, &self.args.columns) {
            let labels = self.layout.labels.iter().map(String::as_str);
            tell_missing(path, &columns.missing(labels));
        }
    }

    /// What is wrong with a file is told before anything is written.
    fn check_inputs(&self) -> Result<(), Error> {
        for path in self.inputs {
            if !is_stream(path) {
                drop(Input::open(path, self.args.options(), self.fields, 1)?);
            } else if self.args.decision.estimates() {
                return Err(Error::File {
                    path: path.clone(),
                    message: "--prior estimate reads the text twice; give a file, or shares as LABEL=SHARE".into(),
                });
            }
        }
        Ok(())
    }

    /// Labels all inputs into one output.
    fn label<W: Write + Send>(
        &self,
        predictor: &Predictor,
        output: W,
    ) -> Result<(Counts, W), Stopped> {
        match self.format.kind() {
            FormatKind::Text(format) => {
                let format = RowFormat::new(format, &self.layout)
                    .with_byte_order_mark(self.args.bom)
                    .with_colours(self.args.output.is_none() && colours());
                let mut writer = RowWriter::new(&format, output)?;
                self.label_into(predictor, || WrittenRows::new(&format), &mut writer)?;
                Ok(writer.finish()?)
            }
            FormatKind::Columns(container) => {
                let format = ColumnFormat::new(&self.layout);
                let mut writer = ColumnWriter::new(container, &format, output)?;
                self.label_into(predictor, || ColumnRows::new(&format), &mut writer)?;
                Ok(writer.finish()?)
            }
        }
    }

    fn label_into<S: RowSink>(
        &self,
        predictor: &Predictor,
        new_sink: impl Fn() -> S + Sync,
        writer: &mut (impl RowOutput<S> + Send),
    ) -> Result<(), Stopped> {
        let bar = reading_progress(self.inputs);
        if self.args.output.is_none() && is_terminal() {
            bar.hide();
        }
        let before = bytes_read();
        self.on_all_inputs(predictor, |stream, input| {
            writer.start_document();
            stream.run(input, &new_sink, |rows| {
                writer.write(rows)?;
                let rows = writer.counts().rows;
                bar.set_rows(rows, before);
                if self.args.output.is_none() {
                    printed(rows);
                }
                Ok(())
            })
        })?;
        bar.finish_and_clear();
        Ok(())
    }

    /// The probabilities of the labels in all rows that can carry one, row by row.
    fn probabilities(&self, predictor: &Predictor) -> Result<Vec<f32>, Stopped> {
        let mut probabilities = Vec::new();
        let bar = reading_progress(self.inputs);
        let before = bytes_read();
        let labels = predictor.header().labels.len().max(1);
        self.on_all_inputs(predictor, |stream, input| {
            stream.run(input, Probabilities::default, |rows| {
                probabilities.append(&mut rows.0);
                bar.set_rows(probabilities.len() / labels, before);
                Ok(())
            })
        })?;
        bar.finish_and_clear();
        Ok(probabilities)
    }

    /// Opens all inputs, one after the other, for work on a pool of threads.
    fn on_all_inputs(
        &self,
        predictor: &Predictor,
        mut work: impl FnMut(&Stream<'_>, Input) -> Result<(), Stopped> + Send,
    ) -> Result<(), Stopped> {
        self.args.threads.run(|| {
            let mut labeller = Labeller::new(predictor, self.args.split);
            if let Some(margin) = self.margin {
                labeller = labeller.with_review(margin);
            }
            let stream = Stream::new(labeller);
            for path in self.inputs {
                let pieces = pieces_of_batches();
                let input = Input::open(path, self.args.options(), self.fields, pieces)?;
                work(&stream, input)?;
            }
            Ok(())
        })?
    }

    /// Tells on standard error what the output does not show at a glance.
    fn tell(&self, predictor: &Predictor, counts: &Counts) {
        if counts.rows == 0 {
            complain("there was nothing to label: no row and no line of text was found");
        }
        if self.args.decision.estimates() {
            let labels = predictor.header().labels.iter();
            let priors = predictor.priors().iter();
            let told: Vec<String> = labels
                .zip(priors)
                .map(|(label, prior)| format!("{label} {:.1}%", 100.0 * prior))
                .collect();
            complain(&format!("estimated shares: {}", told.join(", ")));
        }
        if self.margin.is_some() {
            complain(&format!(
                "{} of {} rows are to be read by hand ({:.1}%)",
                counts.review,
                counts.rows,
                100.0 * counts.review as f64 / counts.rows.max(1) as f64
            ));
        }
        if counts.errors > 0 {
            let (rows, its) = match counts.errors {
                1 => ("row", "it has its"),
                _ => ("rows", "each has its"),
            };
            fail(&format!(
                "{} {rows} could not be read; {its} error in the output",
                counts.errors
            ));
        }
    }
}
