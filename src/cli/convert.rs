//! `marsad convert`.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::console::{Failure, complain, progress};
use super::predict::tell_missing;
use super::{FileArgs, refuse_overwriting};
use crate::compressed::{Compressed, Compression};
use crate::convert::{Conversion, Converted, WrittenFormat, convert};
use crate::corpus::{
    Aliases, CodingColumns, Contradictions, CorpusFormat, CorpusReader, ReadCounts,
};
use crate::error::Error;
use crate::output_file::OutputFile;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad convert mine.csv -o mine.jsonl
  marsad convert first.jsonl second.tsv -o both.parquet
  marsad convert mine.jsonl --bom -o for-the-spreadsheet.csv
  marsad convert mine.jsonl --wide -o columns.tsv
  marsad convert mine.jsonl -o tasks.json            tasks of Label Studio
  marsad convert mine.jsonl --to prodigy -o for-prodigy.jsonl
  marsad convert old.csv --encoding windows-1256 -o new.csv

All rows are kept in their order, those without annotation too, with all their fields. What the
format cannot hold is told, with the number of rows. Annotated as none differs from not annotated
in every format. Rows are converted one by one; for CSV, TSV, Prodigy, Parquet and Arrow files are
read twice, and pipes held in memory; for Label Studio the whole corpus is held in memory.
How each format holds what is listed in docs/fields.md.")]
pub(super) struct ConvertArgs {
    /// Annotated corpora; - for standard input
    #[arg(required = true)]
    input: Vec<PathBuf>,
    /// File to write, compressed when it ends in .gz or .zst [default: standard output]
    #[arg(short, long, value_name = "OUT")]
    pub(super) output: Option<PathBuf>,
    /// Format of the output [default: by the ending of OUT; .json is Label Studio's]
    #[arg(long, value_name = "FORMAT")]
    to: Option<WrittenFormat>,
    /// Write CSV or TSV with a column of 0 and 1 for each label
    #[arg(long)]
    wide: bool,
    /// Begin CSV or TSV with a byte order mark, so that spreadsheets show Arabic
    #[arg(long)]
    bom: bool,
    /// TOML file with the columns of another coding scheme, as data/acled.toml
    #[arg(long, value_name = "FILE.toml")]
    columns: Option<PathBuf>,
    /// TOML file with other names for labels: [aliases] seize = "capture.territory"
    #[arg(long, value_name = "FILE.toml")]
    aliases: Option<PathBuf>,
    /// Format of the corpora
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    from: CorpusFormat,
    #[command(flatten)]
    files: FileArgs,
}

pub(super) fn run(args: &ConvertArgs) -> Result<ExitCode, Failure> {
    let how = args.conversion()?;
    let aliases = args.aliases.as_deref().map(Aliases::read);
    let aliases = aliases.transpose()?.unwrap_or_default();
    // Texts are not compared.
    let reader = CorpusReader::new(aliases, Contradictions::Keep)
        .from_format(args.from)
        .encoded(args.files.encoding)
        .sheet(args.files.sheet.clone());
    let run = |output: &mut (dyn Write + Send), target: &Path| {
        let bar = progress(None, "{spinner} {human_pos} rows, {per_sec} ({elapsed})");
        let set = |rows: usize| bar.set_position(rows as u64);
        let converted = convert(&reader, &args.input, &how, output, target, &set);
        bar.finish_and_clear();
        converted
    };
    let converted = match &args.output {
        None => run(&mut io::stdout(), Path::new("standard output"))?,
        Some(path) => {
            let read = args.input.iter().chain(&args.columns).chain(&args.aliases);
            refuse_overwriting(path, read)?;
            let mut file = Compressed::new(Compression::of(path), OutputFile::create(path)?);
            let converted = run(&mut file, path)?;
            let file = file.finish().map_err(|error| Error::io(path, error))?;
            file.keep()?;
            converted
        }
    };
    args.tell(&how, &converted);
    Ok(ExitCode::SUCCESS)
}

impl ConvertArgs {
    fn conversion(&self) -> Result<Conversion, Failure> {
        let told = |message: &str| Err(Failure::Told(message.to_owned()));
        let format = self.output.as_deref().and_then(WrittenFormat::of);
        let Some(format) = self.to.or(format) else {
            let name = self.output.as_deref().map_or_else(
                || "standard output".into(),
                |path| path.display().to_string(),
            );
            return told(&format!(
                "{name}: its name tells no format; choose one with --to, such as --to jsonl"
            ));
        };
        if self.wide && !format.is_table() {
            return told("--wide is for CSV and TSV only; leave it out or choose --to csv");
        }
        if self.bom && !format.is_table() {
            return told("--bom marks CSV and TSV only; leave it out or choose --to csv");
        }
        match &self.output {
            Some(path) if format.is_binary() && Compression::of(path) != Compression::None => {
                return told(&format!(
                    "{}: Parquet and Arrow are not compressed as a whole; leave out the last ending",
                    path.display()
                ));
            }
            None if format.is_binary() && io::stdout().is_terminal() => {
                return told("Parquet and Arrow are not for the terminal; name a file with -o");
            }
            _ => {}
        }
        let columns = self.columns.as_deref().map(CodingColumns::read);
        let how = Conversion {
            format,
            wide: self.wide,
            byte_order_mark: self.bom,
            columns: columns.transpose()?,
        };
        if let (Some(name), Some(path)) = (how.clash(), &self.columns) {
            return told(&format!(
                "{}: columns: {name:?} is the name of a column of the output; choose another",
                path.display()
            ));
        }
        Ok(how)
    }

    /// Tells on standard error what was converted and what was lost.
    fn tell(&self, how: &Conversion, converted: &Converted) {
        if let (Some(columns), Some(path)) = (&how.columns, &self.columns) {
            let labels = converted.labels.iter().map(String::as_str);
            tell_missing(path, &columns.missing(labels));
        }
        for line in converted.counts.brought_together() {
            complain(&line);
        }
        for loss in &converted.losses {
            complain(loss);
        }
        let rows = |count: usize| if count == 1 { "row" } else { "rows" };
        if self.output.is_some() {
            let counts = &converted.counts;
            let left_out = ReadCounts {
                skipped: counts.skipped,
                ignored: counts.ignored,
                rejected: counts.rejected,
                ..ReadCounts::default()
            };
            let left_out = match left_out.left_out().join(", ") {
                empty if empty.is_empty() => empty,
                listed => format!(" ({listed})"),
            };
            complain(&format!(
                "{} {} written, {} without annotation{left_out}",
                converted.rows,
                rows(converted.rows),
                converted.unannotated
            ));
        }
    }
}
