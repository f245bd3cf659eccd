//! Runs a plan with all threads and gives its rows in the order of the input.
//!
//! Three changes are made to a plan that DataFusion made, none of which changes its rows: partitions
//! are put together [in their order](in_order) instead of as they come; [scans](reading) beneath that are
//! parted into small pieces, so that those who are ahead have little to keep; and what stands above a scan
//! works on [several batches of a partition at once](shared_out), so that one large file, compressed
//! perhaps, keeps all threads busy.

mod in_order;
mod reading;
mod shared_out;

use std::sync::Arc;

use datafusion::common::Result as DataResult;
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
use reading::ReadingExec;
#[cfg(feature = "cluster")]
pub(crate) use reading::compressed_file;
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
    Arranged { threads }.part(plan, None).map_err(told)
}

/// How a plan is arranged for running in this process.
struct Arranged {
    threads: usize,
}

impl Arranged {
    /// A plan whose partitions are put together at its top.
    fn whole(&self, plan: Arc<dyn ExecutionPlan>) -> DataResult<Arc<dyn ExecutionPlan>> {
        match plan.is::<CoalescePartitionsExec>() {
            true => self.part(plan, None),
            false => self.in_order(&plan, None),
        }
    }

    /// A plan's partitions one after the other, several of them at work.
    fn in_order(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        fetch: Option<usize>,
    ) -> DataResult<Arc<dyn ExecutionPlan>> {
        let turn = Turn::first();
        let plan = self.part(plan.clone(), Some(&turn))?;
        Ok(Arc::new(InOrderExec::new(plan, fetch, self.threads, turn)))
    }

    /// A part of a plan. Where its partitions are put together in order, each in its turn, there may
    /// be any number of them.
    fn part(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        turn: Option<&Turn>,
    ) -> DataResult<Arc<dyn ExecutionPlan>> {
        if let Some(coalesce) = plan.downcast_ref::<CoalescePartitionsExec>() {
            return self.in_order(coalesce.input(), coalesce.fetch());
        }
        if let Some(reading) = ReadingExec::of(&plan, turn.is_some()) {
            return Ok(reading);
        }
        let unknown = Turn::unknown();
        if is_row_by_row(&plan) {
            let input = self.part(bottom_of(&plan), turn)?;
            let turn = turn.unwrap_or(&unknown);
            return SharedOutExec::over(&plan, input, self.threads, turn);
        }
        let turn = turn.filter(|_| plan.is::<UnionExec>()).map(|_| &unknown);
        with_children(plan, |child| self.part(child, turn))
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
