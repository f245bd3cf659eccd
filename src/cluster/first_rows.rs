//! The first rows of a plan, in the order of the input, where they are wanted within a statement.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, exec_datafusion_err, exec_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use datafusion_proto::physical_plan::{
    AsExecutionPlan, PhysicalExtensionCodec, PhysicalProtoConverterExtension,
};
use datafusion_proto::protobuf::PhysicalPlanNode;
use futures::{StreamExt, TryStreamExt, stream};

use super::limit::Wanted;

/// Reads the partitions of a plan one after the other in one task, until it has enough rows.
///
/// To whoever cuts plans into tasks it has no children: what lies beneath stays whole and together.
#[derive(Debug)]
pub(super) struct FirstRowsExec {
    input: Arc<dyn ExecutionPlan>,
    fetch: Option<usize>,
    properties: Arc<PlanProperties>,
}

impl FirstRowsExec {
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, fetch: Option<usize>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            input,
            fetch,
            properties: Arc::new(properties),
        }
    }

    /// What executors need to know.
    pub(super) fn to_definition(
        &self,
        codec: &dyn PhysicalExtensionCodec,
        converter: &dyn PhysicalProtoConverterExtension,
        bytes: &mut Vec<u8>,
    ) -> Result<()> {
        let fetch = self.fetch.map_or(u64::MAX, |rows| rows as u64);
        bytes.extend(fetch.to_le_bytes());
        let input = converter.execution_plan_to_proto(&self.input, codec)?;
        let mut plan = Vec::new();
        input.try_encode(&mut plan)?;
        bytes.extend(plan);
        Ok(())
    }

    /// The node that [`to_definition`](Self::to_definition) described.
    pub(super) fn from_definition(
        bytes: &[u8],
        context: &TaskContext,
        codec: &dyn PhysicalExtensionCodec,
    ) -> Result<Self> {
        let unknown = || exec_datafusion_err!("the first rows of a plan cannot be understood");
        let (fetch, input) = bytes.split_first_chunk::<8>().ok_or_else(unknown)?;
        let fetch = match u64::from_le_bytes(*fetch) {
            u64::MAX => None,
            rows => Some(usize::try_from(rows).map_err(|_| unknown())?),
        };
        let input = PhysicalPlanNode::try_decode(input)?;
        Ok(Self::new(
            input.try_into_physical_plan(context, codec)?,
            fetch,
        ))
    }
}

impl DisplayAs for FirstRowsExec {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fetch {
            Some(rows) => write!(formatter, "FirstRowsExec: fetch={rows}"),
            None => write!(formatter, "FirstRowsExec"),
        }
    }
}

impl ExecutionPlan for FirstRowsExec {
    fn name(&self) -> &str {
        "FirstRowsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return exec_err!("the first rows are one partition");
        }
        let input = self.input.clone();
        let partitions = 0..input.output_partitioning().partition_count();
        let rows = stream::iter(partitions)
            .map(move |partition| input.execute(partition, context.clone()))
            .try_flatten();
        let rows = RecordBatchStreamAdapter::new(self.schema(), rows);
        Ok(Wanted::first(self.fetch).of(Box::pin(rows)))
    }
}
