//! The node of a plan that writes parts.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
#[cfg(any(feature = "cluster", test))]
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};

use super::attempt::write_part;
use super::definition::PartsTarget;
use super::report;

/// Which part a partition is.
#[derive(Clone, Debug)]
enum Numbers {
    /// The plan is whole: partitions are parts.
    OfPartitions,
    /// The plan came from elsewhere and may be a slice, whose parts nobody told yet.
    Unknown,
    /// A slice with these parts.
    #[cfg(any(feature = "cluster", test))]
    Of(Arc<[usize]>),
}

/// Writes each partition of its input into files of its own and gives rows that name them, partition by
/// partition: one row a file, at least one a partition, all of them when the partition is through.
#[derive(Debug)]
pub(crate) struct PartsExec {
    input: Arc<dyn ExecutionPlan>,
    target: Arc<PartsTarget>,
    numbers: Numbers,
    properties: Arc<PlanProperties>,
}

impl PartsExec {
    /// Writes the partitions of a whole plan.
    ///
    /// # Errors
    /// When the target's key columns cannot name folders.
    pub(crate) fn try_new(input: Arc<dyn ExecutionPlan>, target: PartsTarget) -> Result<Self> {
        Self::with_numbers(input, Arc::new(target), Numbers::OfPartitions)
    }

    fn with_numbers(
        input: Arc<dyn ExecutionPlan>,
        target: Arc<PartsTarget>,
        numbers: Numbers,
    ) -> Result<Self> {
        target.key_columns(&input.schema())?;
        let properties = PlanProperties::new(
            EquivalenceProperties::new(report::schema()),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Ok(Self {
            input,
            target,
            numbers,
            properties: Arc::new(properties),
        })
    }

    /// What executors need to know beside the input.
    ///
    /// # Errors
    /// When it cannot be written down.
    #[cfg(any(feature = "cluster", test))]
    pub(crate) fn to_definition(&self) -> Result<Vec<u8>> {
        self.target.to_bytes()
    }

    /// The node that [`to_definition`](Self::to_definition) described. Its input may be a slice of the plan,
    /// so that it does not run before [`number_parts`] told it which.
    ///
    /// # Errors
    /// When the definition is of another version of the program, damaged, or does not fit the input.
    #[cfg(any(feature = "cluster", test))]
    pub(crate) fn from_definition(bytes: &[u8], input: Arc<dyn ExecutionPlan>) -> Result<Self> {
        let target = PartsTarget::from_bytes(bytes)?;
        Self::with_numbers(input, Arc::new(target), Numbers::Unknown)
    }

    fn number(&self, partition: usize) -> Result<u64> {
        let number = match &self.numbers {
            Numbers::OfPartitions => Some(partition),
            Numbers::Unknown => None,
            #[cfg(any(feature = "cluster", test))]
            Numbers::Of(numbers) => numbers.get(partition).copied(),
        };
        match number {
            Some(number) => Ok(number as u64),
            None => internal_err!("nothing tells which part partition {partition} is"),
        }
    }
}

/// Tells the node that writes parts, where a plan has one, which partitions of the whole plan the partitions
/// of this slice are.
///
/// # Errors
/// When their numbers differ.
#[cfg(any(feature = "cluster", test))]
pub(crate) fn number_parts(
    plan: Arc<dyn ExecutionPlan>,
    partitions: &[usize],
) -> Result<Arc<dyn ExecutionPlan>> {
    let numbered = plan.transform_down(|node| {
        let Some(parts) = node.downcast_ref::<PartsExec>() else {
            return Ok(Transformed::no(node));
        };
        let count = parts.properties.output_partitioning().partition_count();
        if count != partitions.len() {
            return internal_err!(
                "{count} parts to write, and {} numbers for them",
                partitions.len()
            );
        }
        let numbers = Numbers::Of(partitions.into());
        let numbered = PartsExec::with_numbers(parts.input.clone(), parts.target.clone(), numbers)?;
        Ok(Transformed::new(
            Arc::new(numbered) as _,
            true,
            TreeNodeRecursion::Jump,
        ))
    })?;
    Ok(numbered.data)
}

impl DisplayAs for PartsExec {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extension = self.target.format().extension();
        write!(formatter, "PartsExec: files={extension}")?;
        match self.target.keys() {
            [] => Ok(()),
            keys => write!(formatter, ", folders by {}", keys.join(", ")),
        }
    }
}

impl ExecutionPlan for PartsExec {
    fn name(&self) -> &str {
        "PartsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    /// The partitions of the input are the files: nothing may split them further.
    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let [input] = children.as_slice() else {
            return internal_err!("parts are written of one input, not {}", children.len());
        };
        // A slice of the input has other numbers, which its executor is told.
        let same = input.output_partitioning().partition_count()
            == self.input.output_partitioning().partition_count();
        let numbers = if same {
            self.numbers.clone()
        } else {
            Numbers::Unknown
        };
        let node = Self::with_numbers(input.clone(), self.target.clone(), numbers)?;
        Ok(Arc::new(node))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let part = self.number(partition)?;
        let (input, target) = (self.input.clone(), self.target.clone());
        let rows = futures::stream::once(async move {
            let files = write_part(part, input, partition, target, context).await?;
            report::to_batch(&files)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            report::schema(),
            rows,
        )))
    }
}
