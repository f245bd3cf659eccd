//! How executors of Ballista tell parts their numbers.

use std::sync::Arc;

use ballista_core::JobId;
use ballista_executor::execution_engine::{ExecutionEngine, QueryStageExecutor};
use datafusion::common::Result;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionConfig;

use super::exec::number_parts;

/// Another engine that is given numbered parts. A task has a slice of a plan, and only the engine is told
/// which partitions of the whole plan it has.
pub(crate) struct PartsEngine<Inner>(pub(crate) Inner);

impl<Inner: ExecutionEngine> ExecutionEngine for PartsEngine<Inner> {
    fn create_query_stage_exec(
        &self,
        job_id: JobId,
        stage_id: usize,
        task_id: usize,
        global_output_partition_ids: Vec<usize>,
        plan: Arc<dyn ExecutionPlan>,
        work_dir: &str,
        config: &SessionConfig,
    ) -> Result<Arc<dyn QueryStageExecutor>> {
        let plan = number_parts(plan, &global_output_partition_ids)?;
        self.0.create_query_stage_exec(
            job_id,
            stage_id,
            task_id,
            global_output_partition_ids,
            plan,
            work_dir,
            config,
        )
    }
}
