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
use crate::corpus::{STANDARD_INPUT, bytes_read};
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
  marsad sql \"SELECT id, event_labels(text) AS labels FROM t\" --table t=rows.parquet
  marsad sql \"SELECT id, event_labels(text) AS labels FROM 'rows.jsonl.gz'\" -o labelled.jsonl
  marsad sql \"SELECT day, id, event_labels(text) AS labels FROM t\" --table t=archive/ -o labelled/ --partition-by day")]
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
        read.map_err(|error| Error::io(path, error))?;
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
        let plan = run.session.plan(&statement).await?;
        run.write(plan, &statement).await
    })?
}

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

    async fn write(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        statement: &str,
    ) -> std::result::Result<ExitCode, Failure> {
        let args = self.args;
        let files = self.session.files();
        if let Some(path) = &args.output {
            refuse_overwriting(
                path,
                files.iter().chain(&args.model.model).chain(&args.file),
            )?;
        }
        let written = match &args.output {
            None => {
                let rows = self.rows(plan, statement).await?;
                let written = self.write_into(rows, io::stdout()).await;
                self.end(written.is_ok()).await;
                written
                    .map_err(|stopped| stopped.into_failure(Path::new("standard output")))?
                    .0
            }
            Some(path) => {
                let file = Compressed::new(Compression::of(path), OutputFile::create(path)?);
                let rows = self.rows(plan, statement).await?;
                let written = self.write_into(rows, file).await;
                self.end(written.is_ok()).await;
                let (written, file) = written.map_err(|stopped| stopped.into_failure(path))?;
                let file = file.finish().map_err(|error| Error::io(path, error))?;
                file.keep()?;
                written
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
        output: W,
    ) -> std::result::Result<(WrittenRows, W), Stopped> {
        let bar = self.progress();
        let before = bytes_read();
        let written = write_rows(rows, self.args.format(), output, |rows| {
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
