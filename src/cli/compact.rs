//! `marsad compact`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::console::{Failure, megabytes, progress, reading, say};
use super::{CorpusArgs, FiguresArgs, ThreadArgs, refuse_overwriting};
use crate::compacting::{Change, CompactSettings, compact};
use crate::corpus::{Contradictions, read_bundled};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::output_file::OutputFile;
use crate::scoring::WeightBits;
use crate::tables::{Table, TableFormat};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad compact -o small.safetensors --size 1MB
  marsad compact ours.safetensors -o small.safetensors --size 500kB --on held-out.jsonl
  marsad compact ours.safetensors -o small.safetensors --bits 4

Weights are stored in fewer bits; where that is not enough, the features that matter least are
left out. What is left is fitted to the scores of the model as it was, on the sentences of --on.
The table tells what it costs; give annotated sentences that the model was not trained on, or
figures flatter it.")]
pub(super) struct CompactArgs {
    /// Model file; without one, the model built into the program
    model: Option<PathBuf>,
    /// The model file, as other verbs take it
    #[arg(
        short = 'm',
        long = "model",
        value_name = "MODEL",
        conflicts_with = "model",
        hide = true
    )]
    model_as_flag: Option<PathBuf>,
    /// Model file to write
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Size that the file may have, such as 1MB or 500kB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    size: Option<usize>,
    /// Bits of a stored weight [default: 8 where the size allows, else 4]
    #[arg(long, value_name = "BITS")]
    bits: Option<WeightBits>,
    /// Annotated sentences to fit and measure on [default: the bundled corpus]
    #[arg(long, value_name = "FILE")]
    on: Vec<PathBuf>,
    #[command(flatten)]
    figures: FiguresArgs,
    #[command(flatten)]
    reading: CorpusArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

/// A number of bytes, with or without a unit.
pub(super) fn size(given: &str) -> std::result::Result<usize, String> {
    let digits = given
        .trim_end_matches(|c: char| c.is_ascii_alphabetic())
        .trim_end();
    let unit = match given[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        _ => return Err("a number of bytes, such as 1MB, 500kB or 800000".into()),
    };
    match digits.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok((number * unit) as usize),
        _ => Err("a number of bytes, such as 1MB, 500kB or 800000".into()),
    }
}

pub(super) fn run(args: &CompactArgs) -> std::result::Result<ExitCode, Failure> {
    refuse_overwriting(
        &args.output,
        args.model.iter().chain(&args.model_as_flag).chain(&args.on),
    )?;
    let model = match args.model.as_ref().or(args.model_as_flag.as_ref()) {
        Some(path) => Model::load(path)?,
        None => crate::built_in_model()?,
    };
    let reader = args.reading.reader(Contradictions::Keep)?;
    let corpus = match args.on.as_slice() {
        [] => read_bundled(&reader)?,
        paths => {
            let bar = reading(paths);
            let corpus = reader.read(paths)?;
            bar.finish_and_clear();
            corpus
        }
    };
    // Fail before the work where the file cannot be written.
    drop(OutputFile::create(&args.output)?);
    let settings = CompactSettings {
        size: args.size,
        bits: args.bits,
    };
    // Each sentence is asked about twice to fit what is left, and twice to measure the change.
    let bar = progress(
        Some(4 * corpus.records().len() as u64),
        "{bar:30} {percent}%, {per_sec} ({elapsed})",
    );
    let done = |sentences| bar.inc(sentences);
    let (smaller, change) = args.threads.run(|| -> Result<_> {
        let texts: Vec<&str> = corpus.records().iter().map(|r| r.text.as_str()).collect();
        let smaller = compact(&model, settings, &texts, &done)?;
        let change = Change::measure(&model, &smaller, corpus.records(), &done);
        Ok((smaller, change))
    })??;
    bar.finish_and_clear();
    smaller.save(&args.output)?;
    let costs = Costs::new(&model, &smaller, args, change)?;
    say(&match args.figures.json {
        true => serde_json::to_string_pretty(&costs).map_err(std::io::Error::from)?,
        false => costs.told(args.figures.tables),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A figure of the model as it was and as it is.
#[derive(Serialize)]
struct BeforeAfter<T> {
    before: T,
    after: T,
}

/// What the smaller model costs.
#[derive(Serialize)]
struct Costs {
    output: PathBuf,
    bytes: BeforeAfter<u64>,
    bits: BeforeAfter<u8>,
    features: BeforeAfter<usize>,
    /// None where the sentences are not annotated with labels of the model.
    macro_f1: Option<BeforeAfter<f64>>,
    /// Whether it was measured on the bundled corpus.
    bundled: bool,
    sentences: usize,
    relabelled: usize,
    mean_difference: f64,
}

impl Costs {
    fn new(model: &Model, smaller: &Model, args: &CompactArgs, change: Change) -> Result<Self> {
        let output = args.output.clone();
        let written = std::fs::metadata(&output).map_err(|error| Error::io(&output, error))?;
        let both = |of: fn(&Model) -> usize| BeforeAfter {
            before: of(model),
            after: of(smaller),
        };
        Ok(Self {
            output,
            bytes: BeforeAfter {
                before: model.to_bytes()?.len() as u64,
                after: written.len(),
            },
            bits: BeforeAfter {
                before: model.weight_bits().number(),
                after: smaller.weight_bits().number(),
            },
            features: both(|model| model.vocabulary().len()),
            macro_f1: change
                .macro_f1
                .map(|[before, after]| BeforeAfter { before, after }),
            bundled: args.on.is_empty(),
            sentences: change.sentences,
            relabelled: change.relabelled,
            mean_difference: change.mean_difference,
        })
    }

    fn told(&self, form: TableFormat) -> String {
        let mut table = Table::new(&["", "before", "after"]);
        let mut row = |name: &str, before: String, after: String| {
            table.add_row([name.to_owned(), before, after]);
        };
        let bytes = &self.bytes;
        row("size", megabytes(bytes.before), megabytes(bytes.after));
        let bits = &self.bits;
        row(
            "bits a weight",
            bits.before.to_string(),
            bits.after.to_string(),
        );
        let features = &self.features;
        row(
            "features",
            features.before.to_string(),
            features.after.to_string(),
        );
        if let Some(f1) = &self.macro_f1 {
            row(
                "macro-F1",
                format!("{:.4}", f1.before),
                format!("{:.4}", f1.after),
            );
        }
        let source = match self.bundled {
            true => "sentences of the bundled corpus",
            false => "sentences given",
        };
        format!(
            "{}\n\nOf {} {source}, {} get other labels ({:.2}%); probabilities differ by {:.4} on average.\nWrote {}.",
            table.write(form),
            self.sentences,
            self.relabelled,
            100.0 * self.relabelled as f64 / self.sentences.max(1) as f64,
            self.mean_difference,
            self.output.display()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("1MB"), Ok(1_000_000));
        assert_eq!(size("1.5 kB"), Ok(1500));
        assert_eq!(size("800000"), Ok(800_000));
        for wrong in ["", "MB", "-1MB", "1TB", "nan", "1 2"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
