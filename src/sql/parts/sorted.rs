//! The rows of a partition in the order of the folders that they go to.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{Result, internal_err};
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryLimit};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::StreamExt;

use super::definition::PartsTarget;
use super::keys;

/// Bytes of rows that a partition keeps in memory while it is put in the order of its folders, where the
/// process has no limit of its own; the rest goes to temporary files.
const SORTED_IN_MEMORY: usize = 1 << 28;

/// The rows of a partition with their folders and places added, in the order of both: rows of a folder one
/// after the other as they came.
pub(super) fn by_folder(
    input: Arc<dyn ExecutionPlan>,
    partition: usize,
    target: Arc<PartsTarget>,
    columns: Vec<usize>,
    context: &Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let mut fields: Vec<_> = input.schema().fields().iter().cloned().collect();
    let added = fields.len();
    fields.push(Arc::new(Field::new("folders", DataType::Utf8, false)));
    fields.push(Arc::new(Field::new("place", DataType::UInt64, false)));
    let schema = Arc::new(Schema::new_with_metadata(
        fields,
        input.schema().metadata().clone(),
    ));
    let rows: Arc<dyn PartitionStream> = Arc::new(WithFolders {
        input,
        partition,
        target,
        columns,
        schema: schema.clone(),
        context: context.clone(),
    });
    let rows = StreamingTableExec::try_new(schema, vec![rows], None, [], false, None)?;
    let ascending =
        |name: &str, place| PhysicalSortExpr::new_default(Arc::new(Column::new(name, place)) as _);
    let Some(order) =
        LexOrdering::new([ascending("folders", added), ascending("place", added + 1)])
    else {
        return internal_err!("no order");
    };
    let sorted = SortExec::new(order, Arc::new(rows));
    sorted.execute(0, bounded(context)?)
}

/// The same context with a limit of memory.
fn bounded(context: &Arc<TaskContext>) -> Result<Arc<TaskContext>> {
    if !matches!(context.memory_pool().memory_limit(), MemoryLimit::Infinite) {
        return Ok(context.clone());
    }
    let runtime = RuntimeEnvBuilder::from_runtime_env(&context.runtime_env())
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(SORTED_IN_MEMORY)))
        .build_arc()?;
    let settings = context.session_config().clone();
    let context = TaskContext::default().with_session_config(settings);
    Ok(Arc::new(context.with_runtime(runtime)))
}

#[derive(Debug)]
struct WithFolders {
    input: Arc<dyn ExecutionPlan>,
    partition: usize,
    target: Arc<PartsTarget>,
    columns: Vec<usize>,
    schema: SchemaRef,
    /// The context that the rows are computed in, whatever they are put in order with.
    context: Arc<TaskContext>,
}

impl PartitionStream for WithFolders {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = self.schema.clone();
        let rows = match self.input.execute(self.partition, self.context.clone()) {
            Ok(rows) => rows,
            Err(error) => {
                let failed = futures::stream::once(async { Err(error) });
                return Box::pin(RecordBatchStreamAdapter::new(schema, failed));
            }
        };
        let (target, columns) = (self.target.clone(), self.columns.clone());
        let mut place = 0;
        let with = rows.map(move |batch| {
            let batch = batch?;
            let folders = keys::folders(&batch, target.keys(), &columns)?;
            let end = place + batch.num_rows() as u64;
            let places: ArrayRef = Arc::new(UInt64Array::from_iter_values(place..end));
            place = end;
            let columns = batch.columns().iter().cloned().chain([folders, places]);
            Ok(RecordBatch::try_new(schema.clone(), columns.collect())?)
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), with))
    }
}

/// Rows at the beginning of a batch that belong to these folders.
pub(super) fn run_length(batch: &RecordBatch, folders: &str) -> Result<usize> {
    let (mut low, mut high) = (0, batch.num_rows());
    // In order, so that the end can be found by halving.
    while low < high {
        let middle = low + (high - low) / 2;
        if folders_at(batch, middle)? == folders {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

pub(super) fn folders_at(batch: &RecordBatch, row: usize) -> Result<&str> {
    let place = batch.num_columns().wrapping_sub(2);
    match batch
        .columns()
        .get(place)
        .and_then(|column| column.as_string_opt::<i32>())
    {
        Some(folders) if row < folders.len() => Ok(folders.value(row)),
        _ => internal_err!("rows without folders"),
    }
}
