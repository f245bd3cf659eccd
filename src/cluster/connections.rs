//! Connections between executors, kept for the next rows that are fetched.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ballista_core::client::BallistaClient;
use ballista_core::client_pool::{BallistaClientPool, PooledClient};
use ballista_core::error::Result;
use ballista_core::extension::BallistaConfigGrpcEndpoint;
use ballista_core::utils::GrpcClientConfig;

use super::CONNECTING;

/// Connections that nobody has used for so long are closed.
const IDLE: Duration = Duration::from_secs(30);

/// How long an executor may be silent, and how long it may take to answer whether it is still there, before
/// rows that are fetched from it are given up.
const QUIET: Duration = Duration::from_secs(15);

/// What all connections for rows are made with. Ballista's own would wait for ever for a machine that is
/// gone without a word.
pub(super) fn watched() -> Arc<BallistaConfigGrpcEndpoint> {
    Arc::new(BallistaConfigGrpcEndpoint::new(Arc::new(|endpoint| {
        Ok(endpoint
            .connect_timeout(CONNECTING)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(QUIET)
            .keep_alive_timeout(QUIET)
            .keep_alive_while_idle(true))
    })))
}

type Idle = HashMap<(String, u16), Vec<(Instant, BallistaClient)>>;

/// Ballista keeps such connections itself, but not for an execution engine of one's own: without
/// them, a statement with much to exchange would use up the ports of a machine.
#[derive(Clone, Default)]
pub(super) struct Connections {
    idle: Arc<Mutex<Idle>>,
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Connections")
    }
}

impl Connections {
    fn with_idle<T>(&self, work: impl FnOnce(&mut Idle) -> T) -> T {
        // Nothing that is done under the lock panics half way.
        work(&mut self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn close_idle(&self) {
        self.with_idle(|idle| {
            for clients in idle.values_mut() {
                clients.retain(|(since, _)| since.elapsed() < IDLE);
            }
            idle.retain(|_, clients| !clients.is_empty());
        });
    }
}

#[async_trait]
impl BallistaClientPool for Connections {
    async fn acquire(
        &self,
        host: &str,
        port: u16,
        config: &GrpcClientConfig,
        customize_endpoint: Option<Arc<BallistaConfigGrpcEndpoint>>,
    ) -> Result<PooledClient> {
        self.close_idle();
        let key = (host.to_owned(), port);
        let kept = self.with_idle(|idle| idle.get_mut(&key).and_then(Vec::pop));
        let client = match kept {
            Some((_, client)) => client,
            None => {
                BallistaClient::try_new(
                    host,
                    port,
                    config.max_message_size,
                    config.use_tls,
                    customize_endpoint.or_else(|| Some(watched())),
                    config.io_retries_times,
                    config.io_retry_wait_time_ms,
                    config.initial_connection_window_size,
                    config.initial_stream_window_size,
                )
                .await?
            }
        };
        let connections = self.clone();
        let give_back = move |client: BallistaClient| {
            connections.with_idle(|idle| {
                idle.entry(key).or_default().push((Instant::now(), client));
            });
        };
        Ok(PooledClient::new(client, Box::new(give_back)))
    }

    async fn evict_idle(&self) {
        self.close_idle();
    }
}
