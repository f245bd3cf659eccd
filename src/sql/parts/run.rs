//! Parts written in this process.

use std::sync::Arc;

use datafusion::common::runtime::SpawnedTask;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
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
