//! Runs a plan with all threads and gives its rows in the order of the input.
//!
//! Three changes are made to a plan that DataFusion made, none of which changes its rows: partitions
//! are put together [in their order](in_order) instead of as they come; scans beneath that are parted
//! into small pieces, so that those who are ahead have little to keep; and what stands above a scan
//! works on [several batches of a partition at once](shared_out), so that one large file, compressed
//! perhaps, keeps all threads busy.

mod in_order;
mod shared_out;

use std::sync::Arc;

use datafusion::common::Result as DataResult;
use datafusion::datasource::listing::FileRange;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::unnest::UnnestExec;

use super::errors::told;
use crate::error::Result;
use in_order::{InOrderExec, Turn};
use shared_out::SharedOutExec;

/// Runs a plan on the threads of the current runtime. Rows come in the order of the input, and the
/// same whatever the number of threads, where the plan leaves them in it.
///
/// # Errors
/// When the plan cannot be started; what goes wrong later is told by the stream.
pub fn run_ordered(
    plan: Arc<dyn ExecutionPlan>,
    task: Arc<TaskContext>,
    threads: usize,
) -> Result<SendableRecordBatchStream> {
    let run = || {
        let plan = Arranged { threads }.whole(plan)?;
        plan.execute(0, task)
    };
    run().map_err(told)
}

/// The same plan, with the work above each partition's rows shared out among the threads of this process;
/// partitions and their rows stay as they are.
///
/// # Errors
/// When the plan cannot be put together so.
pub(crate) fn shared_out(
    plan: Arc<dyn ExecutionPlan>,
    threads: usize,
) -> Result<Arc<dyn ExecutionPlan>> {
    Arranged { threads }.parted(plan).map_err(told)
}

/// How a plan is arranged for running in this process.
struct Arranged {
    threads: usize,
}

impl Arranged {
    fn whole(&self, plan: Arc<dyn ExecutionPlan>) -> DataResult<Arc<dyn ExecutionPlan>> {
        let plan = with_children(plan, |child| self.inner(child))?;
        match plan.downcast_ref::<CoalescePartitionsExec>() {
            Some(coalesce) => self.in_order(coalesce.input().clone(), coalesce.fetch()),
            None => self.in_order(plan, None),
        }
    }

    /// A plan whose partitions are run apart from each other.
    fn parted(&self, plan: Arc<dyn ExecutionPlan>) -> DataResult<Arc<dyn ExecutionPlan>> {
        if plan.is::<UnionExec>() {
            return with_children(plan, |child| self.parted(child));
        }
        if !is_row_by_row(&plan) {
            return self.inner(plan);
        }
        let input = self.parted(bottom_of(&plan))?;
        SharedOutExec::over(&plan, input, self.threads, &Turn::unknown())
    }

    /// What stands below the top of a plan.
    fn inner(&self, plan: Arc<dyn ExecutionPlan>) -> DataResult<Arc<dyn ExecutionPlan>> {
        let plan = with_children(plan, |child| self.inner(child))?;
        match plan.downcast_ref::<CoalescePartitionsExec>() {
            Some(coalesce) => self.in_order(coalesce.input().clone(), coalesce.fetch()),
            None => Ok(plan),
        }
    }

    /// A plan's partitions one after the other, several of them at work.
    fn in_order(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        fetch: Option<usize>,
    ) -> DataResult<Arc<dyn ExecutionPlan>> {
        let turn = Turn::first();
        let plan = self.ahead(plan, &turn)?;
        Ok(Arc::new(InOrderExec::new(plan, fetch, self.threads, turn)))
    }

    /// Scans in small pieces, and the work above them shared out.
    fn ahead(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        turn: &Turn,
    ) -> DataResult<Arc<dyn ExecutionPlan>> {
        if let Some(pieces) = in_pieces(&plan)? {
            return Ok(pieces);
        }
        if plan.is::<UnionExec>() {
            return with_children(plan, |child| self.ahead(child, &Turn::unknown()));
        }
        if !is_row_by_row(&plan) {
            return Ok(plan);
        }
        let bottom = bottom_of(&plan);
        let input = self.ahead(bottom, turn)?;
        SharedOutExec::over(&plan, input, self.threads, turn)
    }
}

/// Whether a node makes rows of each row by itself.
pub(super) fn is_row_by_row(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.is::<ProjectionExec>()
        || plan.is::<UnnestExec>()
        || plan
            .downcast_ref::<FilterExec>()
            .is_some_and(|filter| filter.fetch().is_none())
}

/// What lies below all nodes that work row by row.
fn bottom_of(plan: &Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    match plan.children().as_slice() {
        [child] if is_row_by_row(plan) => bottom_of(child),
        _ => plan.clone(),
    }
}

fn with_children(
    plan: Arc<dyn ExecutionPlan>,
    mut change: impl FnMut(Arc<dyn ExecutionPlan>) -> DataResult<Arc<dyn ExecutionPlan>>,
) -> DataResult<Arc<dyn ExecutionPlan>> {
    let children = plan.children();
    if children.is_empty() {
        return Ok(plan);
    }
    let children = children.into_iter().cloned().map(&mut change);
    let children = children.collect::<DataResult<Vec<_>>>()?;
    let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    plan.replace_children(children, recompute)
}

/// Bytes of a file that are read by one partition.
const PIECE_BYTES: u64 = 1 << 24;

/// A scan parted into pieces of files in the same order; nothing where the plan is no scan.
fn in_pieces(plan: &Arc<dyn ExecutionPlan>) -> DataResult<Option<Arc<dyn ExecutionPlan>>> {
    let Some(scan) = plan.downcast_ref::<DataSourceExec>() else {
        return Ok(None);
    };
    let Some(config) = scan.data_source().downcast_ref::<FileScanConfig>() else {
        return Ok(None);
    };
    let can_be_parted = !config.file_compression_type.is_compressed()
        && config.file_source().supports_repartitioning();
    let mut pieces = Vec::new();
    for file in config.file_groups.iter().flat_map(FileGroup::iter) {
        let (mut start, end) = file.range();
        if !can_be_parted || end - start <= PIECE_BYTES {
            pieces.push(FileGroup::new(vec![file.clone()]));
            continue;
        }
        while start < end {
            let stop = end.min(start + PIECE_BYTES);
            let mut piece = file.clone();
            piece.range = Some(FileRange {
                start: start as i64,
                end: stop as i64,
            });
            pieces.push(FileGroup::new(vec![piece]));
            start = stop;
        }
    }
    let mut parted = config.clone();
    parted.file_groups = pieces;
    Ok(Some(DataSourceExec::from_data_source(parted)))
}
