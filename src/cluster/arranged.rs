//! What a plan needs before Ballista 55 cuts it into tasks, so that its rows are those of one process.
//!
//! A task runs one partition of a stage in a process of its own. Four kinds of nodes are not made for
//! that: joins whose partitions share what they have seen of the left side, which on a cluster would give
//! its unmatched rows once a task; constants beside tables in a UNION, whose task the scheduler never
//! counts as done; LIMIT within a statement, which would take whatever rows come first; and recursion.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{JoinType, Result, exec_err};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::recursive_query::RecursiveQueryExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, ExecutionPlan, ExecutionPlanProperties, ReplaceChildrenOptions,
};

use super::first_rows::FirstRowsExec;

/// The same plan, fit for a cluster.
///
/// # Errors
/// When it cannot run on one.
pub(super) fn arranged(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    Ok(plan.transform_up(fit)?.data)
}

fn fit(node: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    if node.is::<RecursiveQueryExec>() {
        return exec_err!(
            "WITH RECURSIVE does not run on a cluster; run the statement without --cluster"
        );
    }
    if let Some(coalesce) = node.downcast_ref::<CoalescePartitionsExec>()
        && coalesce.fetch().is_some()
    {
        let first = FirstRowsExec::new(coalesce.input().clone(), coalesce.fetch());
        return Ok(Transformed::yes(Arc::new(first)));
    }
    let children: Vec<_> = node.children().into_iter().cloned().collect();
    let fitting: Vec<_> = match () {
        () if needs_whole_right(&node) => {
            let mut sides = children.iter().cloned();
            sides.next().into_iter().chain(sides.map(whole)).collect()
        }
        () if node.is::<UnionExec>() => {
            let branches = children.iter().cloned();
            branches
                .map(|branch| {
                    if holds_constants(&branch) {
                        whole(branch)
                    } else {
                        branch
                    }
                })
                .collect()
        }
        () if node.is::<GlobalLimitExec>() => children.iter().cloned().map(in_order).collect(),
        () => return Ok(Transformed::no(node)),
    };
    let same = children
        .iter()
        .zip(&fitting)
        .all(|(old, new)| Arc::ptr_eq(old, new));
    if same {
        return Ok(Transformed::no(node));
    }
    let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    Ok(Transformed::yes(node.replace_children(fitting, recompute)?))
}

/// Whether a join tells of rows of its left side by what all partitions of the right side had.
fn needs_whole_right(node: &Arc<dyn ExecutionPlan>) -> bool {
    let of_left = |kind: &JoinType| {
        matches!(
            kind,
            JoinType::Left
                | JoinType::Full
                | JoinType::LeftSemi
                | JoinType::LeftAnti
                | JoinType::LeftMark
        )
    };
    if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
        return of_left(join.join_type())
            && join.right().output_partitioning().partition_count() > 1;
    }
    // Ballista does the same to these, but only after the client has counted the partitions.
    node.downcast_ref::<HashJoinExec>()
        .is_some_and(|join| join.null_aware)
}

/// All partitions as one. What is put together alone is taken apart again by the planner of tasks; under a
/// limit, here one that takes all rows, it stays.
fn whole(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    let together: Arc<dyn ExecutionPlan> = match plan.is::<CoalescePartitionsExec>() {
        true => plan,
        false => Arc::new(CoalescePartitionsExec::new(plan)),
    };
    Arc::new(GlobalLimitExec::new(together, 0, None))
}

/// Partitions that are put together for an OFFSET, one after the other.
fn in_order(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    match plan.downcast_ref::<CoalescePartitionsExec>() {
        Some(coalesce) => Arc::new(FirstRowsExec::new(
            coalesce.input().clone(),
            coalesce.fetch(),
        )),
        None => plan,
    }
}

fn holds_constants(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.is::<PlaceholderRowExec>()
        || plan.is::<EmptyExec>()
        || plan.is::<FirstRowsExec>()
        || plan.children().into_iter().any(holds_constants)
}
