//! The output of `marsad sql` in many files.

use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use datafusion::common::Result as DataResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use futures::future::{Either, select};

use super::super::console::{Failure, complain};
use super::{Run, SqlArgs};
use crate::corpus::bytes_read;
use crate::error::Result;
use crate::output_folder::OutputFolder;
use crate::sql::parts::{self, PartFile, PartFormat, PartsExec, PartsTarget, Statement, Written};
use crate::sql::{EventModel, RowsFormat, on_engine, shared_out, told};

/// Bytes read for which a file is written unless told otherwise.
const BYTES_A_FILE: u64 = 128 << 20;

/// How often the progress is shown.
const SHOWN_EVERY: Duration = Duration::from_millis(250);

impl SqlArgs {
    /// The folder to write, where it is one.
    pub(super) fn folder(&self) -> std::result::Result<Option<&Path>, Failure> {
        let by_flag = !self.partition_by.is_empty() || self.files.is_some();
        let Some(path) = &self.output else {
            return match by_flag {
                true => Err(Failure::Told(
                    "--partition-by and --files are for folders; name one with -o OUT/".into(),
                )),
                false => Ok(None),
            };
        };
        let by_name = path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.is_dir();
        Ok((by_flag || by_name).then_some(path))
    }

    fn part_format(&self) -> std::result::Result<PartFormat, Failure> {
        if self.bom {
            return Err(Failure::Told(
                "--bom is for one file; leave it out, or write one: -o NAME.csv".into(),
            ));
        }
        match self.to {
            None | Some(RowsFormat::Parquet) => Ok(PartFormat::Parquet),
            Some(RowsFormat::Csv) => Ok(PartFormat::Csv),
            Some(RowsFormat::Tsv) => Ok(PartFormat::Tsv),
            Some(RowsFormat::Jsonl) => Ok(PartFormat::Jsonl),
            Some(RowsFormat::Table | RowsFormat::Arrow) => Err(Failure::Told(
                "the files of a folder are Parquet, CSV, TSV or JSON Lines; choose one of these with --to".into(),
            )),
        }
    }
}

/// Runs a statement whose rows go into a folder.
pub(super) fn run(args: &SqlArgs, path: &Path) -> std::result::Result<ExitCode, Failure> {
    let format = args.part_format()?;
    let statement = args.statement()?;
    let folder = OutputFolder::create(path)?;
    let target =
        PartsTarget::new(folder.staging(), format, args.partition_by.clone()).map_err(told)?;
    let model = Arc::new(EventModel::new(args.model.load()?));
    let written = on_engine(args.threads(), || async {
        let run = Run::begin(args, &model).await?;
        run.write_folder(folder, target, &statement, &model).await
    })??;
    tell(path, &written);
    Ok(ExitCode::SUCCESS)
}

impl Run<'_> {
    async fn write_folder(
        &self,
        folder: OutputFolder,
        target: PartsTarget,
        statement: &str,
        model: &EventModel,
    ) -> std::result::Result<Written, Failure> {
        let plan = self.parted(statement).await?;
        target.key_columns(&plan.schema()).map_err(told)?;
        // A single part of a cluster is written here: its rows are fetched in their order, of which LIMIT
        // takes the first.
        let alone = plan.properties().output_partitioning().partition_count() == 1;
        let (plan, remote) = match &self.remote {
            None => (shared_out(plan, self.args.threads())?, None),
            Some(remote) if alone => {
                let rows = remote.rows(plan, &self.session, statement).await?;
                (parts::fetched(rows).map_err(told)?, None)
            }
            Some(remote) => (plan, Some(remote)),
        };
        let parts = Arc::new(PartsExec::try_new(plan, target.clone()).map_err(told)?);
        let mut count = parts.properties().output_partitioning().partition_count();
        let rows = match remote {
            Some(remote) => {
                let rows = remote.rows(parts, &self.session, statement).await?;
                // A cluster may put partitions together that cannot be worked on apart.
                count = remote.partitions().unwrap_or(count);
                rows
            }
            None => parts::run(parts, self.args.threads(), self.session.task()),
        };
        let manifest = Statement {
            text: statement,
            model: Some(model.digest()),
            parts: count,
        };
        let files = self.gather(rows).await.map_err(told);
        self.end(files.is_ok()).await;
        let files = files?;
        Ok(parts::commit(folder, &target, files, &manifest)?)
    }

    /// The plan of a statement with a partition for each file. In this process their number is that of the
    /// input and not of the threads; a cluster has its own, so that all its cores have work.
    async fn parted(&self, statement: &str) -> Result<Arc<dyn ExecutionPlan>> {
        if let (Some(_), None) = (&self.remote, self.args.files) {
            return self.plan(statement).await;
        }
        self.session.set_partitions(1);
        let plan = self.plan(statement).await?;
        let by_size = self.session.bytes_to_read().div_ceil(BYTES_A_FILE);
        let files = self
            .args
            .files
            .map_or(by_size as usize, |files| files as usize);
        if files <= 1 {
            return Ok(plan);
        }
        self.session.set_partitions(files);
        self.session.plan(statement).await
    }

    async fn gather(&self, rows: SendableRecordBatchStream) -> DataResult<Vec<PartFile>> {
        let bar = self.progress();
        let before = bytes_read();
        let seen = AtomicUsize::new(0);
        let gathered = parts::gather(rows, |file| {
            seen.fetch_add(file.rows as usize, Ordering::Relaxed);
        });
        let showing = async {
            loop {
                tokio::time::sleep(SHOWN_EVERY).await;
                self.session.count_bytes();
                bar.set_rows(seen.load(Ordering::Relaxed), before);
            }
        };
        let (gathered, showing) = (pin!(gathered), pin!(showing));
        let files: DataResult<Vec<PartFile>> = match select(gathered, showing).await {
            Either::Left((files, _)) => files,
            Either::Right((never, _)) => never,
        };
        bar.finish_and_clear();
        files
    }
}

fn tell(path: &Path, written: &Written) {
    let Written { rows, files, .. } = *written;
    let path = path.display();
    complain(&match (rows, files) {
        (0, _) => format!("the result has no rows; {path} has one file with the columns alone"),
        (1, _) => format!("1 row in 1 file in {path}"),
        (_, 1) => format!("{rows} rows in 1 file in {path}"),
        _ => format!("{rows} rows in {files} files in {path}"),
    });
}
