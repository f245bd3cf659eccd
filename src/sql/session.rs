//! A session of DataFusion that knows the functions of a model.

use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use datafusion::prelude::SessionConfig;

use super::functions::{FUNCTIONS, event_function};
use super::model::EventModel;

/// Tables and functions that statements are run with.
pub struct SqlSession {
    context: SessionContext,
}

impl SqlSession {
    /// A session with the functions of a model and no tables.
    pub fn new(model: &Arc<EventModel>, threads: usize) -> Self {
        let mut config = SessionConfig::new().with_target_partitions(threads);
        // Which partition reads what must not depend on which thread is first.
        let execution = &mut config.options_mut().execution;
        execution.enable_file_stream_work_stealing = false;
        let context = SessionContext::new_with_config(config);
        for name in FUNCTIONS {
            if let Some(function) = event_function(name, model) {
                context.register_udf(function);
            }
        }
        Self { context }
    }

    /// The session of DataFusion.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }
}
