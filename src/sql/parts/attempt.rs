//! One attempt at a part: the rows of one partition into files of their own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::{DataFusionError, Result, exec_err, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt, TryStreamExt};
use tempfile::TempDir;

use super::definition::PartsTarget;
use super::report::PartFile;
use super::{sink, sorted, store};

/// Batches that wait for a writer.
const WAITING: usize = 2;

/// Files that the disk is asked to have at the same time.
const SYNCED_AT_ONCE: usize = 64;

/// Begins the name of every attempt's folder.
pub(super) const ATTEMPT: &str = "attempt-";

/// Writes the rows of a partition below the staging folder and tells which files it made. When it fails or
/// is dropped, its folder goes away.
pub(super) async fn write_part(
    part: u64,
    input: Arc<dyn ExecutionPlan>,
    partition: usize,
    target: Arc<PartsTarget>,
    context: Arc<TaskContext>,
) -> Result<Vec<PartFile>> {
    let schema = input.schema();
    let columns = target.key_columns(&schema)?;
    let folder = begin(part, target.staging())?;
    let writing = store::writing_into(folder.path().to_owned(), &context)?;
    let mut attempt = Attempt {
        part,
        folder,
        target,
        context: writing,
        files: Vec::new(),
    };
    if columns.is_empty() {
        let rows = input.execute(partition, context)?;
        let path = attempt.next_file();
        let sink = sink::one_file(attempt.target.format(), &schema, &path)?;
        let written = sink.write_all(rows, &attempt.context).await?;
        attempt.keep_file(&path, String::new(), written);
    } else {
        let rows = sorted::by_folder(
            input,
            partition,
            attempt.target.clone(),
            columns.clone(),
            &context,
        )?;
        attempt.write_folders(rows, &schema, &columns).await?;
    }
    attempt.finish().await
}

struct Attempt {
    part: u64,
    folder: TempDir,
    target: Arc<PartsTarget>,
    /// What the writers, but not the rows, are run with.
    context: Arc<TaskContext>,
    files: Vec<PartFile>,
}

impl Attempt {
    fn next_file(&self) -> PathBuf {
        let extension = self.target.format().extension();
        let name = format!("{:06}.{extension}", self.files.len());
        self.folder.path().join(name)
    }

    /// Notes a file that was closed.
    fn keep_file(&mut self, path: &Path, folders: String, rows: u64) {
        self.files.push(PartFile {
            part: self.part,
            files: 0,
            attempt: name_of(self.folder.path()),
            file: name_of(path),
            folders,
            rows,
            bytes: 0,
        });
    }

    /// Writes rows that come in the order of their folders, so that one file at a time is open.
    async fn write_folders(
        &mut self,
        mut rows: SendableRecordBatchStream,
        schema: &SchemaRef,
        columns: &[usize],
    ) -> Result<()> {
        let kept: Vec<usize> = (0..schema.fields().len())
            .filter(|place| !columns.contains(place))
            .collect();
        let kept_schema = Arc::new(schema.project(&kept)?);
        let mut next = next_batch(&mut rows).await?;
        if next.is_none() {
            // Nothing would tell the columns otherwise.
            let path = self.next_file();
            let sink = sink::one_file(self.target.format(), schema, &path)?;
            let none = RecordBatchStreamAdapter::new(schema.clone(), futures::stream::empty());
            sink.write_all(Box::pin(none), &self.context).await?;
            self.keep_file(&path, String::new(), 0);
            return Ok(());
        }
        while let Some(batch) = next {
            let folders = sorted::folders_at(&batch, 0)?.to_owned();
            let path = self.next_file();
            let sink = sink::one_file(self.target.format(), &kept_schema, &path)?;
            let (sender, receiver) = mpsc::channel(WAITING);
            let received = RecordBatchStreamAdapter::new(kept_schema.clone(), receiver);
            let (written, fed) = futures::join!(
                sink.write_all(Box::pin(received), &self.context),
                feed(sender, batch, &mut rows, &folders, &kept),
            );
            let (expected, following) = fed?;
            let written = written?;
            if written != expected {
                return internal_err!(
                    "{written} of {expected} rows were written to {}",
                    path.display()
                );
            }
            self.keep_file(&path, folders, written);
            next = following;
        }
        Ok(())
    }

    /// Lets the files stand, once they are on the disk, and tells of them.
    async fn finish(self) -> Result<Vec<PartFile>> {
        let folder = self.folder.path().to_owned();
        let count = self.files.len() as u64;
        // The disk takes many at a time, and one after the other needs long.
        let files = futures::stream::iter(self.files).map(|mut file| {
            let path = folder.join(&file.file);
            async move {
                file.files = count;
                file.bytes = on_the_disk(path).await?;
                Ok::<_, DataFusionError>(file)
            }
        });
        let files = files.buffered(SYNCED_AT_ONCE).try_collect().await?;
        // Folders cannot be opened elsewhere.
        if cfg!(unix) {
            on_the_disk(self.folder.path().to_owned()).await?;
        }
        let _ = self.folder.keep();
        Ok(files)
    }
}

/// Sends the rows of one folder to its writer; gives their number and the first batch of the next folder.
async fn feed(
    mut sender: mpsc::Sender<Result<RecordBatch>>,
    mut batch: RecordBatch,
    rows: &mut SendableRecordBatchStream,
    folders: &str,
    kept: &[usize],
) -> Result<(u64, Option<RecordBatch>)> {
    let mut sent = 0;
    loop {
        let end = sorted::run_length(&batch, folders)?;
        if end > 0 {
            sent += end as u64;
            let piece = batch.slice(0, end).project(kept)?;
            if sender.send(Ok(piece)).await.is_err() {
                // The writer ended and says why.
                return Ok((sent, None));
            }
        }
        if end < batch.num_rows() {
            return Ok((sent, Some(batch.slice(end, batch.num_rows() - end))));
        }
        match next_batch(rows).await {
            Ok(Some(following)) => batch = following,
            Ok(None) => return Ok((sent, None)),
            Err(error) => {
                // The file must not look whole.
                let _ = sender.send(exec_err!("the rows ended too early")).await;
                return Err(error);
            }
        }
    }
}

/// The next batch with rows.
async fn next_batch(rows: &mut SendableRecordBatchStream) -> Result<Option<RecordBatch>> {
    while let Some(batch) = rows.next().await.transpose()? {
        if batch.num_rows() > 0 {
            return Ok(Some(batch));
        }
    }
    Ok(None)
}

/// Makes the folder of an attempt. The staging folder is there already, unless this is another machine.
fn begin(part: u64, staging: &Path) -> Result<TempDir> {
    let prefix = format!("{ATTEMPT}{part:05}-");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Whoever began the statement moves the files out of it, perhaps as another user of a group.
        builder.permissions(std::fs::Permissions::from_mode(0o777));
    }
    match builder.tempdir_in(staging) {
        Ok(folder) => Ok(folder),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => exec_err!(
            "{}: this folder, made where the statement was begun, is not to be seen{}; the output folder must \
             be shared by all machines under the same path",
            staging.display(),
            this_machine()
        ),
        Err(error) => {
            let error = crate::output_file::plain(error);
            exec_err!("{}: {error}{}", staging.display(), this_machine())
        }
    }
}

fn this_machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => String::new(),
        name => format!(" on machine {name}"),
    }
}

/// Waits until a file or folder is on the disk, and gives its size.
async fn on_the_disk(path: PathBuf) -> Result<u64> {
    let synced = SpawnedTask::spawn_blocking(move || {
        let file = std::fs::File::open(&path)?;
        file.sync_all()?;
        Ok::<_, std::io::Error>(file.metadata()?.len())
    });
    match synced.join().await {
        Ok(synced) => Ok(synced?),
        Err(error) => Err(DataFusionError::ExecutionJoin(Box::new(error))),
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
