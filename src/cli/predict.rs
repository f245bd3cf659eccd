//! `marsad predict`.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::decide::DecisionArgs;
use super::report::{Failure, colours, complain, progress};
use super::{ModelArgs, ThreadArgs, refuse_overwriting};
use crate::corpus::STANDARD_INPUT;
use crate::error::Error;
use crate::output_file::OutputFile;
use crate::predict::{
    InputFields, InputFormat, Labeller, OutputFormat, OutputRow, Predictor, RowWriter, Split, Unit,
    Units,
};
use crate::text::Furniture;

/// Text labelled in one go, in bytes; enough to keep all threads at work.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_UNITS: usize = 1 << 13;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad predict article.txt --to table
  marsad predict rows.jsonl --text-field body --id-field nr -o labelled.jsonl
  marsad predict posts.csv --to csv --keep date,source > labelled.csv
  marsad predict posts.csv --review 10% --prior estimate -o labelled.jsonl
  zcat archive.jsonl.gz | marsad predict - --from jsonl | jq .labels

Plain text is split into sentences; a row of JSON Lines, CSV or TSV is one unit unless --split yes.
Offsets are bytes: of the file for plain text, of the text field for rows.
With --review each row says whether it is to be read by hand: {\"review\": true}.
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
    decision: DecisionArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

pub(super) fn run(args: &PredictArgs) -> Result<ExitCode, Failure> {
    let predictor = Predictor::new(args.model.load()?);
    let margin = args.decision.review_margin(&predictor)?;
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
    let run = Run {
        args,
        inputs: &inputs,
        fields: &fields,
        margin,
    };
    run.check_inputs()?;
    let predictor = args.decision.apply(predictor, |predictor| {
        run.probabilities(predictor)
            .map_err(|stopped| stopped.into_failure(Path::new("standard error")))
    })?;
    let counts = match &args.output {
        None => {
            let written = run.label(&predictor, BufWriter::new(io::stdout()));
            written
                .map_err(|stopped| stopped.into_failure(Path::new("standard output")))?
                .0
        }
        Some(path) => {
            refuse_overwriting(path, inputs.iter().chain(&args.model.model))?;
            let output = BufWriter::new(OutputFile::create(path)?);
            let written = run.label(&predictor, output);
            let (counts, output) = written.map_err(|stopped| stopped.into_failure(path))?;
            let file = output.into_inner();
            file.map_err(|error| Error::io(path, error.into_error()))?
                .keep()?;
            counts
        }
    };
    run.tell(&predictor, &counts);
    Ok(match counts.errors {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(1),
    })
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

/// What was written.
#[derive(Default)]
struct Counts {
    rows: usize,
    errors: usize,
    /// Rows to be read by hand.
    review: usize,
}

impl Counts {
    fn count(&mut self, row: &OutputRow) {
        self.rows += 1;
        match &row.outcome {
            Ok(labelled) => self.review += usize::from(labelled.review == Some(true)),
            Err(_) => self.errors += 1,
        }
    }
}

/// One run over all inputs.
struct Run<'a> {
    args: &'a PredictArgs,
    inputs: &'a [PathBuf],
    fields: &'a InputFields,
    margin: Option<f64>,
}

impl Run<'_> {
    /// What is wrong with a file is told before anything is written.
    fn check_inputs(&self) -> Result<(), Error> {
        for path in self.inputs {
            if !is_stream(path) {
                drop(Units::open(path, self.args.from, self.fields)?);
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
        let args = self.args;
        let labels = predictor.tree().labels().iter();
        let labels = labels.map(|label| label.name.clone()).collect();
        let colour = args.output.is_none() && colours();
        let mut writer = RowWriter::new(
            args.to,
            labels,
            args.keep.clone(),
            self.margin.is_some(),
            colour,
            output,
        )?;
        let mut counts = Counts::default();
        self.each_row(predictor, "", |row| {
            counts.count(row);
            writer.write(row)
        })?;
        Ok((counts, writer.finish()?))
    }

    /// The calibrated probabilities of all rows that can carry a label, `[row × labels + label]`.
    fn probabilities(&self, predictor: &Predictor) -> Result<Vec<f32>, Stopped> {
        let mut probabilities = Vec::new();
        self.each_row(predictor, "counting labels: ", |row| {
            if let Ok(labelled) = &row.outcome
                && !labelled.furniture.is_some_and(Furniture::carries_no_label)
            {
                let leaves = labelled.leaf_probabilities.iter();
                probabilities.extend(leaves.map(|&probability| probability as f32));
            }
            Ok(())
        })?;
        Ok(probabilities)
    }

    /// Hands all rows to `sink`, in order.
    fn each_row(
        &self,
        predictor: &Predictor,
        stage: &'static str,
        mut sink: impl FnMut(&OutputRow) -> io::Result<()> + Send,
    ) -> Result<(), Stopped> {
        let bar = progress(
            None,
            "{spinner} {prefix}{human_pos} rows, {per_sec} ({elapsed})",
        );
        bar.set_prefix(stage);
        self.args.threads.run(|| -> Result<(), Stopped> {
            let mut labeller = Labeller::new(predictor, self.args.split);
            if let Some(margin) = self.margin {
                labeller = labeller.with_review(margin);
            }
            for path in self.inputs {
                let mut batch = Batch::default();
                labeller.start_document();
                for unit in Units::open(path, self.args.from, self.fields)? {
                    batch.push(unit?);
                    if batch.is_full() {
                        bar.inc(batch.units.len() as u64);
                        batch.hand_over(&mut labeller, &mut sink)?;
                    }
                }
                batch.hand_over(&mut labeller, &mut sink)?;
            }
            Ok(())
        })??;
        bar.finish_and_clear();
        Ok(())
    }

    /// Tells on standard error what the output does not show at a glance.
    fn tell(&self, predictor: &Predictor, counts: &Counts) {
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
            complain(&format!(
                "{} rows could not be read; each has its error in the output",
                counts.errors
            ));
        }
    }
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

    fn hand_over(
        &mut self,
        labeller: &mut Labeller<'_>,
        sink: &mut impl FnMut(&OutputRow) -> io::Result<()>,
    ) -> io::Result<()> {
        labeller.label(&self.units).iter().try_for_each(sink)?;
        self.units.clear();
        self.bytes = 0;
        Ok(())
    }
}
