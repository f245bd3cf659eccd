//! Partitions one after the other, while those that follow are at work already.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result as DataResult, exec_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties,
};
use futures::{FutureExt, Stream, StreamExt};
use tokio::sync::mpsc::{Receiver, channel};

use super::super::errors::panicked;

/// The partition whose rows are given out: it may use all threads, those ahead of it only what is left.
#[derive(Clone, Debug)]
pub(super) struct Turn(Option<Arc<AtomicUsize>>);

impl Turn {
    pub(super) fn first() -> Self {
        Self(Some(Arc::default()))
    }

    /// Where partitions are numbered otherwise.
    pub(super) fn unknown() -> Self {
        Self(None)
    }

    /// Whether a partition has its turn, as far as that is known.
    pub(super) fn has(&self, partition: usize) -> bool {
        match &self.0 {
            Some(current) => partition <= current.load(Ordering::Relaxed),
            None => true,
        }
    }

    pub(super) fn knows(&self) -> bool {
        self.0.is_some()
    }

    fn next(&self) {
        if let Some(current) = &self.0 {
            current.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Gives the rows of all partitions in their order.
#[derive(Debug)]
pub(super) struct InOrderExec {
    input: Arc<dyn ExecutionPlan>,
    fetch: Option<usize>,
    threads: usize,
    turn: Turn,
    properties: Arc<PlanProperties>,
}

impl InOrderExec {
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        fetch: Option<usize>,
        threads: usize,
        turn: Turn,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            input,
            fetch,
            threads,
            turn,
            properties: Arc::new(properties),
        }
    }
}

impl DisplayAs for InOrderExec {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "InOrderExec")
    }
}

impl ExecutionPlan for InOrderExec {
    fn name(&self) -> &str {
        "InOrderExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataResult<TreeNodeRecursion>,
    ) -> DataResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataResult<Arc<dyn ExecutionPlan>> {
        let [input] = children.try_into().map_err(|_| {
            DataFusionError::Internal("partitions in order are those of one plan".into())
        })?;
        let turn = self.turn.clone();
        Ok(Arc::new(Self::new(input, self.fetch, self.threads, turn)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DataResult<SendableRecordBatchStream> {
        if partition != 0 {
            return exec_err!("all partitions in order are one");
        }
        let running = Running {
            input: self.input.clone(),
            context,
            partitions: self.input.output_partitioning().partition_count(),
            started: 0,
            waiting: VecDeque::new(),
            ahead: self.threads.max(2),
            turn: self.turn.clone(),
            left: self.fetch,
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            running.into_stream(),
        )))
    }

    fn fetch(&self) -> Option<usize> {
        self.fetch
    }
}

/// Batches of a partition that wait until it has its turn.
const WAITING_BATCHES: usize = 4;

/// A partition at work.
struct Partition {
    batches: Receiver<DataResult<RecordBatch>>,
    /// Ends with this.
    task: SpawnedTask<()>,
}

struct Running {
    input: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    partitions: usize,
    started: usize,
    waiting: VecDeque<Partition>,
    /// Partitions that are at work at once.
    ahead: usize,
    turn: Turn,
    /// Rows that are still to be given out.
    left: Option<usize>,
}

impl Running {
    fn into_stream(self) -> impl Stream<Item = DataResult<RecordBatch>> {
        futures::stream::try_unfold(self, |mut running| async move {
            Ok(running.next().await?.map(|batch| (batch, running)))
        })
    }

    async fn next(&mut self) -> DataResult<Option<RecordBatch>> {
        loop {
            if self.left == Some(0) {
                self.waiting.clear();
                return Ok(None);
            }
            while self.started < self.partitions && self.waiting.len() < self.ahead {
                let partition = self.start()?;
                self.waiting.push_back(partition);
            }
            let Some(current) = self.waiting.front_mut() else {
                return Ok(None);
            };
            match current.batches.recv().await {
                Some(batch) => return self.cut(batch?).map(Some),
                None => {
                    if let Some(ended) = self.waiting.pop_front() {
                        ended.task.join().await.map_err(|_| panicked(None))?;
                    }
                    self.turn.next();
                }
            }
        }
    }

    fn cut(&mut self, batch: RecordBatch) -> DataResult<RecordBatch> {
        let Some(left) = &mut self.left else {
            return Ok(batch);
        };
        let rows = batch.num_rows().min(*left);
        *left -= rows;
        Ok(batch.slice(0, rows))
    }

    fn start(&mut self) -> DataResult<Partition> {
        let stream = self.input.execute(self.started, self.context.clone())?;
        self.started += 1;
        let (sender, batches) = channel(WAITING_BATCHES);
        let task = SpawnedTask::spawn(async move {
            let mut stream = stream;
            let unwinding = std::panic::AssertUnwindSafe(async {
                while let Some(batch) = stream.next().await {
                    let failed = batch.is_err();
                    // Nobody waits any more where enough rows have been given out.
                    if sender.send(batch).await.is_err() || failed {
                        break;
                    }
                }
            });
            if let Err(panic) = unwinding.catch_unwind().await {
                let _ = sender.send(Err(panicked(Some(&*panic)))).await;
            }
        });
        Ok(Partition { batches, task })
    }
}
