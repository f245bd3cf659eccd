//! `marsad sql`.

#[cfg(feature = "cluster")]
mod cluster;
#[cfg(not(feature = "cluster"))]
#[path = "sql/no_cluster.rs"]
mod cluster;
mod folder;

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;

use super::console::{Failure, Progress, complain, is_terminal, printed, progress};
use super::{ModelArgs, ThreadArgs, refuse_overwriting};
use crate::compressed::{Compressed, Compression};
use crate::corpus::{STANDARD_INPUT, bytes_read, ending};
use crate::error::{Error, Result};
use crate::output_file::OutputFile;
use crate::sql::{
    EventModel, RowsFormat, SqlSession, Stopped, TableArgument, TableOptions, WrittenRows,
    on_engine, run_ordered, write_rows,
};
use cluster::{ClusterArgs, Remote};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad sql \"SELECT id, event_labels(text) AS labels FROM t\" -t t=rows.parquet -o labels.parquet
  marsad sql \"SELECT s['text'] AS text, event_labels(s['text']) AS labels FROM
    (SELECT unnest(event_sentences(body)) AS s FROM 'articles.jsonl.gz')\"
  marsad sql \"SELECT day, label, count(*) AS n FROM
    (SELECT day, unnest(event_labels(text)) AS label FROM archive)
    GROUP BY day, label ORDER BY day, n DESC\" --table archive=archive/ --to csv
  marsad sql \"SELECT day, id, event_labels(text) AS labels FROM t\" --table t=archive/ -o labelled/ --partition-by day
  marsad sql --file counts.sql --table posts='posts/*.csv' --table places=places.csv --bom -o counts.csv

Functions: event_labels(text), event_scores(text), event_evidence(text), event_sentences(document)
to unnest, normalize_arabic(text), and all of Apache DataFusion; SHOW TABLES and DESCRIBE t help.
PATH is a file, several between commas, a pattern in quotes or a folder, whose key=value folders
become columns of text; hidden files and those that begin with _ are left out.
Formats go by the endings .parquet, .csv, .tsv, .jsonl, .ndjson, .json, also beneath .gz and .zst;
t:csv=PATH tells it. FROM 'rows.parquet' needs no --table. Names keep their capital letters.
All columns of CSV are text unless --infer is given, so that 007 stays 007; an empty cell is null.
Fields of JSON Lines are those of all rows, so that the files are read twice, or in part with
--sample-rows N.
Columns are put together by name; one that a file has not is null there.
Rows come in the order of the input, the same for any number of threads. Grouped and joined rows
come in no fixed order, nor do those that ORDER BY does not tell apart: name enough columns.
Columns of the output are those of the statement; docs/fields.md has their forms.")]
pub(super) struct SqlArgs {
    /// The query; - reads it from standard input
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    statement: Option<String>,
    /// File that holds the query
    #[arg(long, value_name = "FILE.sql")]
    file: Option<PathBuf>,
    /// A table: a name for a file, several between commas, a pattern or a folder; again for others
    #[arg(short, long = "table", value_name = "NAME=PATH")]
    tables: Vec<TableArgument>,
    #[command(flatten)]
    model: ModelArgs,
    /// File to write, compressed when it ends in .gz or .zst, or folder of files, OUT/ [default: standard output]
    #[arg(short, long, value_name = "OUT")]
    pub(super) output: Option<PathBuf>,
    /// Format of the output [default: by the ending of OUT; parquet in a folder, table on a terminal, else jsonl]
    #[arg(long, value_name = "FORMAT")]
    to: Option<RowsFormat>,
    /// Begin CSV or TSV with a byte order mark, so that spreadsheets show Arabic
    #[arg(long, conflicts_with_all = ["partition_by", "files"])]
    bom: bool,
    /// Columns whose values name folders in OUT, as in OUT/day=2024-01-01/; the files leave them out
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    partition_by: Vec<String>,
    /// Files to write into the folder OUT, about, each a stretch of the input [default: one for 128 MiB read]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    files: Option<u32>,
    /// Give columns of CSV that hold numbers, dates or truth values alone such a type [default: all text]
    #[arg(long)]
    infer: bool,
    /// Rows of each file of JSON Lines or CSV that decide on fields and types [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    sample_rows: Option<u64>,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

impl SqlArgs {
    fn statement(&self) -> Result<String> {
        let path = match (&self.statement, &self.file) {
            (Some(statement), _) if statement != STANDARD_INPUT => return Ok(statement.clone()),
            (_, Some(path)) => path.as_path(),
            _ => Path::new(STANDARD_INPUT),
        };
        let mut statement = String::new();
        let read = match path.as_os_str() == STANDARD_INPUT {
            true => io::stdin()
                .lock()
                .read_to_string(&mut statement)
                .map(|_| ()),
            false => std::fs::read_to_string(path).map(|read| statement = read),
        };
        read.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => Error::File {
                path: path.to_owned(),
                message: "is not UTF-8; save the statement as UTF-8 first".into(),
            },
            _ => Error::io(path, error),
        })?;
        Ok(statement.trim_start_matches('\u{FEFF}').to_owned())
    }

    fn format(&self) -> RowsFormat {
        let by_default = match &self.output {
            Some(path) => RowsFormat::of(path),
            None if is_terminal() => RowsFormat::Table,
            None => RowsFormat::Jsonl,
        };
        self.to.unwrap_or(by_default)
    }

    fn check_format(&self) -> std::result::Result<(), Failure> {
        if let Some(path) = &self.output
            && self.to.is_none()
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
        if self.bom && !matches!(self.format(), RowsFormat::Csv | RowsFormat::Tsv) {
            return Err(Failure::Told(
                "--bom marks CSV and TSV only; leave it out or choose --to csv".into(),
            ));
        }
        if !self.format().is_binary() {
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
            None if io::stdout().is_terminal() => Err(Failure::Told(
                "Parquet and Arrow are not for the terminal; name a file with -o".into(),
            )),
            _ => Ok(()),
        }
    }

    fn session(&self, model: &Arc<EventModel>) -> Result<SqlSession> {
        let mut session = SqlSession::new(model, self.threads()).with_options(TableOptions {
            infer: self.infer,
            sample_rows: self.sample_rows,
        });
        session.add_tables(&self.tables)?;
        Ok(session)
    }

    fn threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.threads.map_or_else(all, usize::from)
    }
}

pub(super) fn run(args: &SqlArgs) -> std::result::Result<ExitCode, Failure> {
    if let Some(path) = args.folder()? {
        return folder::run(args, path);
    }
    args.check_format()?;
    let statement = args.statement()?;
    let model = Arc::new(EventModel::new(args.model.load()?));
    on_engine(args.threads(), || async {
        let run = Run::begin(args, &model).await?;
        // What cannot be written is told before anything is read.
        let output = run.open_output()?;
        let plan = run.plan(&statement).await?;
        run.write(plan, output, &statement).await
    })?
}

type Output = Compressed<OutputFile>;

/// One run of a statement.
struct Run<'a> {
    args: &'a SqlArgs,
    session: SqlSession,
    /// The cluster that does the work; this process where there is none.
    remote: Option<Remote>,
}

impl<'a> Run<'a> {
    async fn begin(args: &'a SqlArgs, model: &Arc<EventModel>) -> Result<Self> {
        let remote = args.cluster.connect(model).await?;
        let session = args.session(model)?;
        let session = match &remote {
            Some(remote) => remote.prepare(session),
            None => session,
        };
        Ok(Self {
            args,
            session,
            remote,
        })
    }

    fn open_output(&self) -> Result<Option<Output>> {
        let Some(path) = &self.args.output else {
            return Ok(None);
        };
        self.refuse_overwriting()?;
        let file = OutputFile::create(path)?;
        Ok(Some(Compressed::new(Compression::of(path), file)))
    }

    fn refuse_overwriting(&self) -> Result<()> {
        let (args, session) = (self.args, &self.session);
        let Some(path) = &args.output else {
            return Ok(());
        };
        let files = session.files();
        refuse_overwriting(
            path,
            files.iter().chain(&args.model.model).chain(&args.file),
        )?;
        match session
            .folders()
            .iter()
            .find(|folder| lies_in(path, folder))
        {
            None => Ok(()),
            Some(folder) => Err(Error::File {
                path: path.clone(),
                message: format!(
                    "lies in {}, which is read as a table; write to another folder",
                    folder.display()
                ),
            }),
        }
    }

    async fn plan(&self, statement: &str) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = self.session.plan(statement).await?;
        // The statement itself may have named files.
        self.refuse_overwriting()?;
        if self.session.is_sampled() {
            complain("fields that appear only after the rows of --sample-rows are left out");
        }
        Ok(plan)
    }

    async fn write(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        output: Option<Output>,
        statement: &str,
    ) -> std::result::Result<ExitCode, Failure> {
        let rows = self.rows(plan, statement).await?;
        let written = match (&self.args.output, output) {
            (Some(path), Some(file)) => {
                let written = self.write_into(rows, file).await;
                self.end(written.is_ok()).await;
                let (written, file) = written.map_err(|stopped| stopped.into_failure(path))?;
                let file = file.finish().map_err(|error| Error::io(path, error))?;
                file.keep()?;
                written
            }
            _ => {
                let written = self.write_into(rows, io::stdout()).await;
                self.end(written.is_ok()).await;
                let path = Path::new("standard output");
                written.map_err(|stopped| stopped.into_failure(path))?.0
            }
        };
        tell(&written);
        Ok(ExitCode::SUCCESS)
    }

    /// The rows of a plan, made in this process or on a cluster.
    async fn rows(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        statement: &str,
    ) -> Result<SendableRecordBatchStream> {
        match &self.remote {
            Some(remote) => remote.rows(plan, &self.session, statement).await,
            None => run_ordered(plan, self.session.task(), self.args.threads()),
        }
    }

    /// Tells the cluster that its rows are fetched, or not wanted any more.
    async fn end(&self, fetched: bool) {
        if let Some(remote) = &self.remote {
            remote.end(fetched).await;
        }
    }

    async fn write_into<W: Write + Send>(
        &self,
        rows: SendableRecordBatchStream,
        mut output: W,
    ) -> std::result::Result<(WrittenRows, W), Stopped> {
        if self.args.bom {
            output.write_all("\u{FEFF}".as_bytes())?;
        }
        let bar = self.progress();
        let before = bytes_read();
        let written = write_rows(rows, self.args.format(), output, |rows| {
            self.session.count_bytes();
            bar.set_rows(rows, before);
            if self.args.output.is_none() {
                printed(rows);
            }
        });
        let written = written.await;
        bar.finish_and_clear();
        written
    }

    fn progress(&self) -> Progress {
        let bar = match self.session.bytes_to_read() {
            // What a cluster reads is not read here.
            _ if self.remote.is_some() => progress(None, "{spinner} {msg} fetched ({elapsed})"),
            0 => progress(None, "{spinner} {msg} ({elapsed})"),
            bytes => progress(
                Some(bytes),
                "{bar:30} {percent}% {msg}, {bytes_per_sec} ({elapsed})",
            ),
        };
        if self.args.output.is_none() && is_terminal() {
            bar.hide();
        }
        bar
    }
}

impl Stopped {
    fn into_failure(self, output: &Path) -> Failure {
        match self {
            Self::Running(error) => error.into(),
            Self::Writing(error) => Error::io(output, error).into(),
        }
    }
}

/// Whether a file would be one of a folder's.
fn lies_in(path: &Path, folder: &Path) -> bool {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match (std::fs::canonicalize(parent), std::fs::canonicalize(folder)) {
        (Ok(parent), Ok(folder)) => parent.starts_with(folder),
        _ => false,
    }
}

/// Tells on standard error what the output does not show at a glance.
fn tell(written: &WrittenRows) {
    if written.rows == 0 {
        complain("the result has no rows");
    }
    if written.shown < written.rows {
        complain(&format!(
            "the first {} of {} rows are shown; choose fewer with LIMIT, or write all with --to or -o",
            written.shown, written.rows
        ));
    }
}
