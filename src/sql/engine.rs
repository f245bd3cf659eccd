//! Threads for DataFusion.

use std::future::Future;

use crate::error::{Error, Result};
use crate::shield::{shield_this_thread, shielded};

/// Deeply nested statements need much of it; what is not needed is not taken from the system.
const STACK_BYTES: usize = 1 << 28;
const WORKER_STACK_BYTES: usize = 1 << 25;

/// Runs work that waits for others on an engine with so many threads. A panic in the code of others
/// becomes an error.
///
/// # Errors
/// When threads cannot be started, or something panics.
pub(crate) fn on_engine<T: Send, F: Future<Output = T>>(
    threads: usize,
    work: impl FnOnce() -> F + Send,
) -> Result<T> {
    let failed = |what: String| Error::Memory(format!("no threads can be started: {what}"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .thread_stack_size(WORKER_STACK_BYTES)
        .on_thread_start(shield_this_thread)
        .enable_all()
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let done = std::thread::scope(|scope| {
        let waiting = std::thread::Builder::new()
            .name("statement".into())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || shielded(|| runtime.block_on(work())));
        waiting
            .map_err(|error| failed(error.to_string()))
            .map(|waiting| waiting.join())
    })?;
    // Threads that still read for nobody are not waited for.
    runtime.shutdown_background();
    let message = match done {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(message)) => message,
        Err(_) => "it ended early".to_owned(),
    };
    Err(Error::Sql(format!(
        "the statement cannot be run: {}",
        crate::error::one_line(&message)
    )))
}
