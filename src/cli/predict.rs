//! `marsad predict`.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::report::{Failure, colours, complain, progress};
use super::{ModelArgs, ThreadArgs, refuse_overwriting};
use crate::corpus::STANDARD_INPUT;
use crate::error::Error;
use crate::output_file::OutputFile;
use crate::predict::{
    InputFields, InputFormat, Labeller, OutputFormat, Predictor, RowWriter, Split, Unit, Units,
};

/// Text labelled in one go, in bytes; enough to keep all threads at work.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_UNITS: usize = 1 << 13;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad predict article.txt --to table
  marsad predict rows.jsonl --text-field body --id-field nr -o labelled.jsonl
  marsad predict posts.csv --to csv --keep date,source > labelled.csv
  zcat archive.jsonl.gz | marsad predict - --from jsonl | jq .labels

Plain text is split into sentences; a row of JSON Lines, CSV or TSV is one unit unless --split yes.
Offsets are bytes: of the file for plain text, of the text field for rows.
A row that cannot be read gives {\"id\", \"error\"} in its place, and exit status 1.")]
pub(super) struct PredictArgs {
    /// Files to label; none or - for standard input
    input: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Format of the input
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    from: InputFormat,
    /// Format of the output
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    to: OutputFormat,
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
    threads: ThreadArgs,
}

pub(super) fn run(args: &PredictArgs) -> Result<ExitCode, Failure> {
    let predictor = Predictor::new(args.model.load()?);
    let inputs = match args.input.as_slice() {
        [] => vec![PathBuf::from(STANDARD_INPUT)],
        inputs => inputs.to_vec(),
    };
    let fields = InputFields {
        text: args.text_field.clone(),
        id: args.id_field.clone(),
        keep: args.keep.clone(),
        ..InputFields::default()
    };
    // What is wrong with a file is told before anything is written.
    for path in inputs.iter().filter(|path| !is_stream(path)) {
        drop(Units::open(path, args.from, &fields)?);
    }
    let errors = match &args.output {
        None => {
            let output = BufWriter::new(io::stdout());
            let written = label_all(args, &predictor, &inputs, &fields, output);
            written
                .map_err(|failure| failure.into_failure(Path::new("standard output")))?
                .0
        }
        Some(path) => {
            refuse_overwriting(path, inputs.iter().chain(&args.model.model))?;
            let output = BufWriter::new(OutputFile::create(path)?);
            let written = label_all(args, &predictor, &inputs, &fields, output);
            let (errors, output) = written.map_err(|failure| failure.into_failure(path))?;
            let file = output.into_inner();
            file.map_err(|error| Error::io(path, error.into_error()))?
                .keep()?;
            errors
        }
    };
    if errors == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    complain(&format!(
        "{errors} rows could not be read; each has its error in the output"
    ));
    Ok(ExitCode::from(1))
}

/// Whether a path is standard input, a pipe or a device, which can be read only once.
fn is_stream(path: &Path) -> bool {
    path.as_os_str() == STANDARD_INPUT || (path.exists() && !path.is_file() && !path.is_dir())
}

/// Why labelling stopped: reading failed, or writing did.
enum Stopped {
    Reading(Error),
    Writing(io::Error),
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

/// Labels all inputs into one output; gives the number of rows in error.
fn label_all<W: Write + Send>(
    args: &PredictArgs,
    predictor: &Predictor,
    inputs: &[PathBuf],
    fields: &InputFields,
    output: W,
) -> Result<(usize, W), Stopped> {
    let labels = predictor.tree().labels().iter();
    let labels = labels.map(|label| label.name.clone()).collect();
    let colour = args.output.is_none() && colours();
    let mut writer = RowWriter::new(args.to, labels, args.keep.clone(), colour, output)?;
    let bar = progress(None, "{spinner} {human_pos} rows, {per_sec} ({elapsed})");
    let mut errors = 0;
    args.threads.run(|| -> Result<(), Stopped> {
        let mut labeller = Labeller::new(predictor, args.split);
        for path in inputs {
            let mut batch = Batch::default();
            labeller.start_document();
            for unit in Units::open(path, args.from, fields)? {
                batch.push(unit?);
                if batch.is_full() {
                    bar.inc(batch.units.len() as u64);
                    errors += batch.write(&mut labeller, &mut writer)?;
                }
            }
            errors += batch.write(&mut labeller, &mut writer)?;
        }
        Ok(())
    })??;
    bar.finish_and_clear();
    Ok((errors, writer.finish()?))
}

#[derive(Default)]
struct Batch {
    units: Vec<Unit>,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, unit: Unit) {
        self.bytes += unit.text.as_ref().map_or(0, String::len);
        self.units.push(unit);
    }

    fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.units.len() >= BATCH_UNITS
    }

    fn write<W: Write>(
        &mut self,
        labeller: &mut Labeller<'_>,
        writer: &mut RowWriter<W>,
    ) -> io::Result<usize> {
        let mut errors = 0;
        for row in labeller.label(&self.units) {
            errors += usize::from(row.outcome.is_err());
            writer.write(&row)?;
        }
        self.units.clear();
        self.bytes = 0;
        Ok(errors)
    }
}
