//! Parts written in this process.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::{StreamExt, TryStreamExt};

use super::super::errors::panicked;
use super::exec::PartsExec;
use super::report::{PartFile, from_batch};

/// Writes all parts, so many at once, and gives the rows that name the files as they come. When the stream
/// is dropped, the writing ends.
pub(crate) fn run(
    parts: Arc<PartsExec>,
    at_once: usize,
    context: Arc<TaskContext>,
) -> SendableRecordBatchStream {
    let schema = parts.schema();
    let count = parts.properties().output_partitioning().partition_count();
    let written = futures::stream::iter(0..count).map(move |partition| {
        let (parts, context) = (parts.clone(), context.clone());
        async move {
            let task = SpawnedTask::spawn(async move {
                let rows = parts.execute(partition, context)?;
                let rows: Vec<_> = rows.try_collect().await?;
                Ok::<_, DataFusionError>(rows)
            });
            match task.join().await {
                Ok(rows) => rows,
                Err(error) => Err(panicked(error.try_into_panic().ok().as_deref())),
            }
        }
    });
    let rows = written.buffer_unordered(at_once.max(1));
    let rows = rows.map_ok(|rows| futures::stream::iter(rows.into_iter().map(Ok)));
    Box::pin(RecordBatchStreamAdapter::new(schema, rows.try_flatten()))
}

/// All files that the rows name; `seen` is told of each as it comes.
///
/// # Errors
/// When writing failed, or the rows are others.
pub(crate) async fn gather(
    mut rows: SendableRecordBatchStream,
    mut seen: impl FnMut(&PartFile),
) -> Result<Vec<PartFile>> {
    let mut files = Vec::new();
    while let Some(batch) = rows.try_next().await? {
        let told = from_batch(&batch)?;
        told.iter().for_each(&mut seen);
        files.extend(told);
    }
    Ok(files)
}

/// A plan with one partition: rows that come from elsewhere, once.
///
/// # Errors
/// When the rows have no sound columns.
pub(crate) fn fetched(rows: SendableRecordBatchStream) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = rows.schema();
    let fetched = Arc::new(Fetched {
        schema: schema.clone(),
        rows: Mutex::new(Some(rows)),
    });
    let plan = StreamingTableExec::try_new(schema, vec![fetched], None, [], false, None)?;
    Ok(Arc::new(plan))
}

struct Fetched {
    schema: SchemaRef,
    rows: Mutex<Option<SendableRecordBatchStream>>,
}

impl fmt::Debug for Fetched {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fetched")
    }
}

impl PartitionStream for Fetched {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let taken = self
            .rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        taken.unwrap_or_else(|| {
            let again = futures::stream::once(async { internal_err!("rows are fetched once") });
            Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), again))
        })
    }
}
