//! How the parts of a cluster come to their end.

use std::time::Duration;

use crate::error::Result;

/// For work that may be dropped at any moment.
pub(crate) const AT_ONCE: Duration = Duration::ZERO;

/// How long an executor may take to sign off at its scheduler. Its tasks go to others then, so that
/// there is no use in waiting for them.
pub(crate) const SIGNING_OFF: Duration = Duration::from_secs(3);

/// Works until it ends by itself, or until Ctrl-C or SIGTERM and so much longer.
pub(crate) async fn until_told(
    work: impl Future<Output = Result<()>>,
    ending: Duration,
) -> Result<()> {
    tokio::pin!(work);
    tokio::select! {
        // What ends because of the signal is no failure.
        biased;
        () = told() => {}
        done = &mut work => return done,
    }
    log::info!(target: "marsad", "told to stop");
    let _ = tokio::time::timeout(ending, work).await;
    Ok(())
}

#[cfg(unix)]
async fn told() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return interrupted().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        () = interrupted() => {}
    }
}

#[cfg(not(unix))]
async fn told() {
    interrupted().await;
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Signals cannot be heard here: only the work itself ends the program.
        std::future::pending::<()>().await;
    }
}
