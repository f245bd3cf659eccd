//! Work row by row on several batches of a partition at once.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result as DataResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::{FutureExt, Stream, StreamExt, TryStreamExt};

use super::super::errors::panicked;
use super::in_order::Turn;
use super::{is_row_by_row, with_children};

/// Some nodes that make rows of each row by itself, applied to several batches at once.
#[derive(Debug)]
pub(super) struct SharedOutExec {
    /// The nodes over [`OneBatch`].
    work: Arc<dyn ExecutionPlan>,
    batches: Arc<OneBatch>,
    input: Arc<dyn ExecutionPlan>,
    /// Batches of a partition in its turn that are worked on at once.
    threads: usize,
    turn: Turn,
    properties: Arc<PlanProperties>,
}

impl SharedOutExec {
    /// Shares out the nodes at the top of a plan that work row by row, over what gives them rows. Where
    /// they compute nothing, sharing would cost more than it saves.
    pub(super) fn over(
        top: &Arc<dyn ExecutionPlan>,
        input: Arc<dyn ExecutionPlan>,
        threads: usize,
        turn: &Turn,
    ) -> DataResult<Arc<dyn ExecutionPlan>> {
        let whole = placed_on(top, &input)?;
        if !computes(top)? {
            return Ok(whole);
        }
        let batches = Arc::new(OneBatch {
            properties: input.properties().clone(),
            slots: Mutex::default(),
            next: AtomicUsize::new(0),
        });
        let bottom: Arc<dyn ExecutionPlan> = batches.clone();
        Ok(Arc::new(Self {
            work: placed_on(top, &bottom)?,
            batches,
            threads,
            turn: turn.clone(),
            properties: whole.properties().clone(),
            input,
        }))
    }

    /// The rows that come of one batch.
    fn work_on(
        &self,
        batch: RecordBatch,
        context: &Arc<TaskContext>,
    ) -> DataResult<SpawnedTask<DataResult<Vec<RecordBatch>>>> {
        let slot = self.batches.put(batch);
        let rows = self.work.execute(slot, context.clone())?;
        Ok(SpawnedTask::spawn(async move {
            let collected = std::panic::AssertUnwindSafe(rows.try_collect::<Vec<_>>());
            match collected.catch_unwind().await {
                Ok(rows) => rows,
                Err(panic) => Err(panicked(Some(&*panic))),
            }
        }))
    }
}

/// Nodes that work row by row, on another plan below them.
fn placed_on(
    top: &Arc<dyn ExecutionPlan>,
    bottom: &Arc<dyn ExecutionPlan>,
) -> DataResult<Arc<dyn ExecutionPlan>> {
    match top.children().as_slice() {
        [child] if is_row_by_row(top) => {
            let child = placed_on(child, bottom)?;
            with_children(top.clone(), |_| Ok(child.clone()))
        }
        _ => Ok(bottom.clone()),
    }
}

/// Whether any of the nodes calls a function.
fn computes(top: &Arc<dyn ExecutionPlan>) -> DataResult<bool> {
    let mut found = false;
    top.apply_expressions(&mut |expression| {
        found |= calls(expression);
        Ok(TreeNodeRecursion::Continue)
    })?;
    match top.children().as_slice() {
        [child] if !found && is_row_by_row(child) => computes(child),
        _ => Ok(found),
    }
}

fn calls(expression: &Arc<dyn PhysicalExpr>) -> bool {
    expression.downcast_ref::<ScalarFunctionExpr>().is_some()
        || expression.children().into_iter().any(calls)
}

impl DisplayAs for SharedOutExec {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SharedOutExec")
    }
}

impl ExecutionPlan for SharedOutExec {
    fn name(&self) -> &str {
        "SharedOutExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        function: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataResult<TreeNodeRecursion>,
    ) -> DataResult<TreeNodeRecursion> {
        self.work.apply_expressions(function)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataResult<Arc<dyn ExecutionPlan>> {
        let [input] = children.try_into().map_err(|_| {
            DataFusionError::Internal("work that is shared out is that over one plan".into())
        })?;
        Self::over(&self.work, input, self.threads, &self.turn)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DataResult<SendableRecordBatchStream> {
        let partitions = self.input.output_partitioning().partition_count().max(1);
        let running = Running {
            shared: Arc::new(Self {
                work: self.work.clone(),
                batches: self.batches.clone(),
                input: self.input.clone(),
                threads: self.threads,
                turn: self.turn.clone(),
                properties: self.properties.clone(),
            }),
            input: Some(self.input.execute(partition, context.clone())?),
            context,
            partition,
            partitions,
            working: VecDeque::new(),
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            running.into_stream(),
        )))
    }
}

struct Running {
    shared: Arc<SharedOutExec>,
    /// Nothing once it has ended.
    input: Option<SendableRecordBatchStream>,
    context: Arc<TaskContext>,
    partition: usize,
    partitions: usize,
    working: VecDeque<SpawnedTask<DataResult<Vec<RecordBatch>>>>,
}

impl Running {
    fn into_stream(self) -> impl Stream<Item = DataResult<RecordBatch>> {
        let lists = futures::stream::try_unfold(self, |mut running| async move {
            let rows = running.next().await?;
            Ok::<_, DataFusionError>(rows.map(|rows| (rows, running)))
        });
        lists
            .map_ok(|rows| futures::stream::iter(rows.into_iter().map(Ok)))
            .try_flatten()
    }

    /// Batches that may be worked on at once: all threads for the partition whose rows are given out,
    /// a share where all partitions are alike, one ahead of one's turn.
    fn most(&self) -> usize {
        let shared = &self.shared;
        match shared.turn.knows() {
            true if shared.turn.has(self.partition) => shared.threads + 1,
            true => 1,
            false => shared.threads.div_ceil(self.partitions) + 1,
        }
    }

    async fn next(&mut self) -> DataResult<Option<Vec<RecordBatch>>> {
        while self.working.len() < self.most() {
            let Some(input) = &mut self.input else {
                break;
            };
            match input.next().await {
                Some(batch) => {
                    let work = self.shared.work_on(batch?, &self.context)?;
                    self.working.push_back(work);
                }
                None => self.input = None,
            }
        }
        match self.working.pop_front() {
            Some(work) => work.join().await.map_err(|_| panicked(None))?.map(Some),
            None => Ok(None),
        }
    }
}

/// Stands for the input of nodes that work on one batch: its partitions are numbers given to batches.
#[derive(Debug)]
struct OneBatch {
    properties: Arc<PlanProperties>,
    slots: Mutex<HashMap<usize, RecordBatch>>,
    next: AtomicUsize,
}

impl OneBatch {
    fn put(&self, batch: RecordBatch) -> usize {
        let slot = self.next.fetch_add(1, Ordering::Relaxed);
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.insert(slot, batch);
        slot
    }
}

impl DisplayAs for OneBatch {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OneBatch")
    }
}

impl ExecutionPlan for OneBatch {
    fn name(&self) -> &str {
        "OneBatch"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataResult<TreeNodeRecursion>,
    ) -> DataResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        _: Arc<TaskContext>,
    ) -> DataResult<SendableRecordBatchStream> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = slots.remove(&partition);
        let rows = futures::stream::iter(batch.map(Ok));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
