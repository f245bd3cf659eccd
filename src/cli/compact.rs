//! `marsad compact`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::console::{Failure, megabytes, say};
use super::{CorpusArgs, ThreadArgs, refuse_overwriting};
use crate::compacting::{Change, CompactSettings, compact};
use crate::corpus::{Contradictions, read_bundled};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::output_file::OutputFile;
use crate::scoring::WeightBits;
use crate::tables::Table;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad compact -o small.safetensors --size 1MB
  marsad compact ours.safetensors -o small.safetensors --size 500kB --on held-out.jsonl
  marsad compact ours.safetensors -o small.safetensors --bits 4

Weights are stored in fewer bits; where that is not enough, the features that matter least are left out.
What is left is fitted to the scores of the model as it was, on the sentences of --on. The table tells
what it costs; give annotated sentences that the model was not trained on, or figures flatter it.")]
pub(super) struct CompactArgs {
    /// Model file; without one, the model built into the program
    model: Option<PathBuf>,
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
    reading: CorpusArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

/// A number of bytes, with or without a unit.
fn size(given: &str) -> std::result::Result<usize, String> {
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
    refuse_overwriting(&args.output, args.model.iter().chain(&args.on))?;
    let model = match &args.model {
        Some(path) => Model::load(path)?,
        None => crate::built_in_model()?,
    };
    let reader = args.reading.reader(Contradictions::Keep)?;
    let corpus = match args.on.as_slice() {
        [] => read_bundled(&reader)?,
        paths => reader.read(paths)?,
    };
    // Fail before the work where the file cannot be written.
    drop(OutputFile::create(&args.output)?);
    let settings = CompactSettings {
        size: args.size,
        bits: args.bits,
    };
    let (smaller, change) = args.threads.run(|| -> Result<_> {
        let texts: Vec<&str> = corpus.records().iter().map(|r| r.text.as_str()).collect();
        let smaller = compact(&model, settings, &texts)?;
        let change = Change::measure(&model, &smaller, corpus.records());
        Ok((smaller, change))
    })??;
    smaller.save(&args.output)?;
    say(&table(
        &model,
        &smaller,
        &args.output,
        &change,
        args.on.is_empty(),
    )?)?;
    Ok(ExitCode::SUCCESS)
}

fn table(
    model: &Model,
    smaller: &Model,
    output: &Path,
    change: &Change,
    is_bundled: bool,
) -> Result<String> {
    let written = std::fs::metadata(output).map_err(|error| Error::io(output, error))?;
    let before = model.to_bytes()?.len() as u64;
    let mut table = Table::new(&["", "before", "after"]);
    let row = |name: &str, before: String, after: String| [name.to_owned(), before, after];
    table.add_row(row("size", megabytes(before), megabytes(written.len())));
    let bits = |model: &Model| model.weight_bits().to_string();
    table.add_row(row("bits a weight", bits(model), bits(smaller)));
    let features = |model: &Model| model.vocabulary().len().to_string();
    table.add_row(row("features", features(model), features(smaller)));
    if let Some([before, after]) = change.macro_f1 {
        table.add_row(row(
            "macro-F1",
            format!("{before:.4}"),
            format!("{after:.4}"),
        ));
    }
    let source = match is_bundled {
        true => "sentences of the bundled corpus",
        false => "sentences given",
    };
    Ok(format!(
        "{}\n\nOf {} {source}, {} get other labels ({:.2}%); probabilities differ by {:.4} on average.\nWrote {}.",
        table.to_text(),
        change.sentences,
        change.relabelled,
        100.0 * change.relabelled as f64 / change.sentences.max(1) as f64,
        change.mean_difference,
        output.display()
    ))
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
