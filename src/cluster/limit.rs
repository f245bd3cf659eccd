//! LIMIT and OFFSET at the top of a plan, which the client applies itself.
//!
//! On a cluster, partitions that are put together come as they are done: which rows a LIMIT takes would
//! be left to chance. The client fetches partitions in their order, so that the first rows are the
//! first of the input, as in a process.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};

/// Rows of a plan that are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    skip: usize,
    fetch: Option<usize>,
}

/// A plan without what puts its partitions together at the top, and the rows that are wanted of it.
pub(super) fn peeled(plan: Arc<dyn ExecutionPlan>) -> Result<(Arc<dyn ExecutionPlan>, Wanted)> {
    let all = Wanted::default();
    if let Some(coalesce) = plan.downcast_ref::<CoalescePartitionsExec>() {
        let input = coalesce.input().clone();
        return Ok(match coalesce.fetch() {
            None => (input, all),
            Some(fetch) => (first_of_each(input, fetch), Wanted::first(Some(fetch))),
        });
    }
    if let Some(limit) = plan.downcast_ref::<GlobalLimitExec>() {
        let (input, within) = peeled(limit.input().clone())?;
        if Arc::ptr_eq(&input, limit.input()) {
            return Ok((plan, all));
        }
        // Of the rows that are wanted of the input, some are skipped.
        let left = within.fetch.map(|fetch| fetch.saturating_sub(limit.skip()));
        let fetch = [left, limit.fetch()].into_iter().flatten().min();
        let skip = within.skip.saturating_add(limit.skip());
        return Ok((input, Wanted { skip, fetch }));
    }
    if plan.is::<ProjectionExec>()
        && let [child] = plan.children().as_slice()
    {
        let child = Arc::clone(child);
        let (input, wanted) = peeled(child.clone())?;
        if Arc::ptr_eq(&input, &child) {
            return Ok((plan, all));
        }
        let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        return Ok((plan.replace_children(vec![input], recompute)?, wanted));
    }
    Ok((plan, all))
}

/// No partition need give more rows than are wanted of all.
fn first_of_each(input: Arc<dyn ExecutionPlan>, fetch: usize) -> Arc<dyn ExecutionPlan> {
    match input.with_fetch(Some(fetch)) {
        Some(limited) => limited,
        None => Arc::new(LocalLimitExec::new(input, fetch)),
    }
}

impl Wanted {
    /// So many rows from the beginning, or all.
    pub(super) fn first(fetch: Option<usize>) -> Self {
        Self { skip: 0, fetch }
    }

    /// The rows that are wanted of a stream.
    pub(super) fn of(self, rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
        if self == Self::default() {
            return rows;
        }
        let schema = rows.schema();
        let (mut skip, mut left) = (self.skip, self.fetch.unwrap_or(usize::MAX));
        let wanted = rows.map_ok(move |batch| {
            let skipped = skip.min(batch.num_rows());
            let taken = left.min(batch.num_rows() - skipped);
            skip -= skipped;
            left -= taken;
            (batch.slice(skipped, taken), left == 0)
        });
        // No partition is asked for once there are enough rows.
        let mut enough = self.fetch == Some(0);
        let wanted = wanted.take_while(move |batch| {
            let goes_on = !enough;
            enough |= matches!(batch, Ok((_, true)));
            futures::future::ready(goes_on)
        });
        let wanted = wanted.map_ok(|(batch, _)| batch);
        Box::pin(RecordBatchStreamAdapter::new(schema, wanted))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array, RecordBatch};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use datafusion::physical_plan::empty::EmptyExec;
    use futures::executor::block_on;

    use super::*;

    fn rows(batches: &[&[i64]]) -> SendableRecordBatchStream {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
        let batches = batches.iter().map(|numbers| {
            let column = Arc::new(Int64Array::from(numbers.to_vec()));
            RecordBatch::try_new(schema.clone(), vec![column]).unwrap()
        });
        let batches: Vec<_> = batches.map(Ok).collect();
        let batches = futures::stream::iter(batches);
        Box::pin(RecordBatchStreamAdapter::new(schema, batches))
    }

    fn taken(wanted: Wanted) -> Vec<i64> {
        let batches = wanted.of(rows(&[&[1, 2], &[3], &[], &[4, 5, 6]]));
        let batches: Vec<_> = block_on(batches.try_collect()).unwrap();
        let numbers = |batch: &RecordBatch| {
            batch
                .column(0)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        };
        batches.iter().flat_map(numbers).collect()
    }

    #[test]
    fn wanted_rows_are_counted_over_batches() {
        for (skip, fetch, left) in [
            (0, None, vec![1, 2, 3, 4, 5, 6]),
            (0, Some(0), vec![]),
            (0, Some(2), vec![1, 2]),
            (1, Some(3), vec![2, 3, 4]),
            (4, None, vec![5, 6]),
            (9, Some(1), vec![]),
        ] {
            assert_eq!(taken(Wanted { skip, fetch }), left, "{skip} {fetch:?}");
        }
    }

    #[test]
    fn limits_at_the_top_are_peeled_off() {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
        let input: Arc<dyn ExecutionPlan> = Arc::new(EmptyExec::new(schema).with_partitions(3));
        let coalesce = CoalescePartitionsExec::new(input.clone()).with_fetch(Some(12));
        let limit = GlobalLimitExec::new(Arc::new(coalesce), 2, Some(10));
        let (plan, wanted) = peeled(Arc::new(limit)).unwrap();
        assert_eq!(plan.properties().output_partitioning().partition_count(), 3);
        assert_eq!(
            wanted,
            Wanted {
                skip: 2,
                fetch: Some(10)
            }
        );
        let (same, all) = peeled(input.clone()).unwrap();
        assert!(Arc::ptr_eq(&same, &input));
        assert_eq!(all, Wanted::default());
    }
}
