//! Where this program was built without clusters: everything runs in the process.

use std::sync::Arc;

use clap::Args;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;

use crate::error::Result;
use crate::sql::{EventModel, SqlSession};

#[derive(Debug, Args)]
pub(super) struct ClusterArgs {}

impl ClusterArgs {
    pub(super) async fn connect(&self, _: &EventModel) -> Result<Option<Remote>> {
        Ok(None)
    }
}

/// There is none.
pub(super) enum Remote {}

impl Remote {
    pub(super) fn prepare(&self, _: SqlSession) -> SqlSession {
        match *self {}
    }

    pub(super) async fn rows(
        &self,
        _: Arc<dyn ExecutionPlan>,
        _: &SqlSession,
        _: &str,
    ) -> Result<SendableRecordBatchStream> {
        match *self {}
    }

    pub(super) fn partitions(&self) -> Option<usize> {
        match *self {}
    }

    pub(super) async fn end(&self, _: bool) {
        match *self {}
    }
}
