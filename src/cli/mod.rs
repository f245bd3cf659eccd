//! The command line: one file a verb, no logic of its own.

#[cfg(feature = "cluster")]
mod cluster;
#[cfg(feature = "cluster")]
mod cluster_status;
mod compact;
mod compare;
mod complete;
mod console;
mod convert;
mod corpus;
mod decide;
mod evaluate;
mod explain;
mod explained_text;
mod init;
mod inspect;
mod interrupt;
#[cfg(feature = "cluster")]
mod log_lines;
mod man;
mod predict;
mod report;
mod settings;
#[cfg(feature = "sql")]
mod sql;
mod train;
mod train_stream;
mod tune;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::corpus::{Aliases, Contradictions, CorpusFormat, CorpusReader, TextEncoding};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::output_file::same_file;
use crate::tables::TableFormat;
#[cfg(feature = "cluster")]
pub use cluster::run as run_cluster;
use console::{Failure, Voice};

/// Labels Arabic sentences by conflict event, with models trained on annotated sentences.
#[derive(Debug, Parser)]
#[command(
    name = "marsad",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  marsad predict article.txt --to table        label the sentences of an article
  marsad predict rows.jsonl -o labelled.jsonl  label rows that have a field \"text\"
  marsad explain article.txt                   show why its sentences were labelled so
  marsad train                                 train on the bundled corpus
  marsad train mine.csv -o mine.safetensors    train on your own corpus
  marsad evaluate held-out.jsonl -m mine.safetensors

Exit status: 0 done, 1 done with rows in error, 2 could not run, 130 stopped by Ctrl-C.
NO_COLOR=1 switches colours off, CLICOLOR_FORCE=1 on where no terminal is."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    voice: VoiceArgs,
}

/// How the program speaks while it works, for every verb.
#[derive(Debug, Args)]
#[command(next_help_heading = "Speaking")]
struct VoiceArgs {
    /// Neither progress nor remarks on standard error; errors stay
    #[arg(long, global = true)]
    quiet: bool,
    /// How progress and remarks are written on standard error
    #[arg(
        long,
        global = true,
        value_name = "FORM",
        default_value = "text",
        hide_default_value = true
    )]
    log: LogForm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum LogForm {
    /// For people: a bar on a terminal, and lines
    Text,
    /// One JSON object a line: event, level, message, done, total
    Json,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Train a model on annotated sentences and measure it on documents held out
    Train(train::TrainArgs),
    /// Label new text with a model
    Predict(predict::PredictArgs),
    /// Show why a model decides as it does: what each word and feature adds, and what would have to go
    Explain(explain::ExplainArgs),
    /// Measure a model on annotated sentences
    Evaluate(evaluate::EvaluateArgs),
    /// Write a page with figures, plots, every error and the model card
    Report(report::ReportArgs),
    /// Know a corpus: check, split, agreement, suspects, next
    Corpus(corpus::CorpusVerbArgs),
    /// Write an annotated corpus in another format
    Convert(convert::ConvertArgs),
    /// Compare learners, settings or models on the same sentences, with a paired test
    Compare(compare::CompareArgs),
    /// Search for better settings, and tell what they are worth
    Tune(tune::TuneArgs),
    /// Show what a model is: settings, labels, origin, strongest features
    Inspect(inspect::InspectArgs),
    /// Make a model file smaller, and tell what that costs
    Compact(compact::CompactArgs),
    /// Begin a project: settings, a folder for the corpus, a list of commands
    Init(init::InitArgs),
    /// Ask with SQL: files as tables, labels as functions
    #[cfg(feature = "sql")]
    Sql(sql::SqlArgs),
    /// Print a completion script for a shell
    Completions(complete::CompleteArgs),
    /// Print the manual, or write its pages
    Man(man::ManArgs),
}

/// How annotated corpora are read.
#[derive(Debug, Args)]
struct CorpusArgs {
    /// TOML file with other names for labels: [aliases] seize = "capture.territory"
    #[arg(long, value_name = "FILE.toml")]
    aliases: Option<PathBuf>,
    /// What to do with a text that is annotated in two ways [default: refuse; keep with single labels]
    #[arg(long, value_name = "HOW")]
    contradictions: Option<ContradictionsArg>,
    /// Format of the corpora
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    from: CorpusFormat,
    #[command(flatten)]
    files: FileArgs,
}

/// How text files and spreadsheets are opened.
#[derive(Debug, Args)]
struct FileArgs {
    /// Encoding of text files, such as windows-1256 or utf-16le [default: UTF-8, or UTF-16 by its byte
    /// order mark]
    #[arg(long, value_name = "NAME")]
    encoding: Option<TextEncoding>,
    /// Sheet of spreadsheets [default: the first]
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ContradictionsArg {
    /// Stop and name both rows
    Refuse,
    /// Keep all its rows
    Keep,
    /// Leave all its rows out
    Drop,
}

impl CorpusArgs {
    fn reader(&self, default: Contradictions) -> Result<CorpusReader> {
        let aliases = match &self.aliases {
            Some(path) => Aliases::read(path)?,
            None => Aliases::default(),
        };
        let contradictions = match self.contradictions {
            None => default,
            Some(ContradictionsArg::Refuse) => Contradictions::Refuse,
            Some(ContradictionsArg::Keep) => Contradictions::Keep,
            Some(ContradictionsArg::Drop) => Contradictions::Drop,
        };
        Ok(CorpusReader::new(aliases, contradictions)
            .from_format(self.from)
            .encoded(self.files.encoding)
            .sheet(self.files.sheet.clone()))
    }
}

/// Which model is used.
#[derive(Debug, Args)]
struct ModelArgs {
    /// Model file [default: the model built into the program]
    #[arg(short, long, value_name = "MODEL")]
    model: Option<PathBuf>,
}

impl ModelArgs {
    fn is_given(&self) -> bool {
        self.model.is_some()
    }

    fn load(&self) -> Result<Model> {
        match &self.model {
            Some(path) => Model::load(path),
            None => crate::built_in_model(),
        }
    }
}

/// How figures are told.
#[derive(Debug, Args)]
struct FiguresArgs {
    /// Everything as JSON, for programs
    #[arg(long)]
    json: bool,
    /// How tables are written
    #[arg(
        long,
        value_name = "FORM",
        default_value = "text",
        conflicts_with = "json"
    )]
    tables: TableFormat,
}

/// How much of the machine is used.
#[derive(Debug, Args)]
struct ThreadArgs {
    /// Threads; the result is the same for any number [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl ThreadArgs {
    /// Runs work on a pool of that many threads.
    fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let threads = usize::from(self.threads.unwrap_or(0));
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|error| Error::Memory(format!("no threads can be started: {error}")))?;
        Ok(pool.install(work))
    }
}

/// Whether standard output is meant by the name of a file to write.
fn is_standard_output(output: &Path) -> bool {
    output.as_os_str() == "-"
}

/// Refuses - for what is written as files and not to standard output.
fn refuse_standard_output(output: &Path) -> Result<()> {
    if is_standard_output(output) {
        return Err(Error::File {
            path: output.into(),
            message: "this is not written to standard output; name a file or folder, ./- for one of that name".into(),
        });
    }
    Ok(())
}

/// Refuses to write over a file that is read, and to a file that is called - by oversight.
fn refuse_overwriting<'a>(
    output: &Path,
    inputs: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<()> {
    refuse_standard_output(output)?;
    for input in inputs {
        if same_file(output, input) {
            return Err(Error::File {
                path: output.into(),
                message: "is read by this command; name another file to write".into(),
            });
        }
    }
    Ok(())
}

impl Verb {
    /// The file named by verbs that write the very same to standard output where none is named.
    fn rows_output(&mut self) -> Option<&mut Option<PathBuf>> {
        match self {
            Self::Predict(args) => Some(&mut args.output),
            Self::Explain(args) => Some(&mut args.output),
            Self::Convert(args) => Some(&mut args.output),
            Self::Man(args) => Some(&mut args.output),
            #[cfg(feature = "sql")]
            Self::Sql(args) => Some(&mut args.output),
            Self::Corpus(args) => args.rows_output(),
            _ => None,
        }
    }
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let mut cli = Cli::parse();
    if let Some(output) = cli.verb.rows_output() {
        output.take_if(|path| is_standard_output(path));
    }
    let voice = Voice {
        quiet: cli.voice.quiet,
        json: cli.voice.log == LogForm::Json,
        program: None,
    };
    voice.set();
    interrupt::handle();
    let outcome = match &cli.verb {
        Verb::Train(args) => train::run(args),
        Verb::Predict(args) => predict::run(args),
        Verb::Explain(args) => explain::run(args),
        Verb::Evaluate(args) => evaluate::run(args),
        Verb::Report(args) => report::run(args),
        Verb::Corpus(args) => corpus::run(args),
        Verb::Convert(args) => convert::run(args),
        Verb::Compare(args) => compare::run(args),
        Verb::Tune(args) => tune::run(args),
        Verb::Inspect(args) => inspect::run(args),
        Verb::Compact(args) => compact::run(args),
        Verb::Init(args) => init::run(args),
        #[cfg(feature = "sql")]
        Verb::Sql(args) => sql::run(args),
        Verb::Completions(args) => complete::run(args),
        Verb::Man(args) => man::run(args),
    };
    match outcome {
        Ok(status) => status,
        Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Err(Failure::Told(message)) => {
            console::fail(&message);
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::Cli;

    /// A verb's own option of the name of a global one hides it, and the program stops when it is read.
    fn check(command: &Command, global: &[String]) {
        for argument in command.get_arguments() {
            let name = argument.get_id().as_str();
            let hides = global.iter().any(|taken| taken == name) && !argument.is_global_set();
            assert!(!hides, "{}: {name}", command.get_name());
        }
        command
            .get_subcommands()
            .for_each(|verb| check(verb, global));
    }

    #[test]
    fn options_are_well_formed() {
        let command = Cli::command();
        command.clone().debug_assert();
        let arguments = command.get_arguments();
        let global = arguments.filter(|argument| argument.is_global_set());
        let global: Vec<String> = global
            .map(|argument| argument.get_id().to_string())
            .collect();
        assert!(!global.is_empty());
        check(&command, &global);
    }
}
