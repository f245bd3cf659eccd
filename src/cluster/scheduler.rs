//! The scheduler: takes plans, cuts them into tasks, gives tasks to executors.

use std::sync::Arc;
use std::time::Duration;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::utils::default_session_builder;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::{SchedulerConfig, TaskDistributionPolicy};
use ballista_scheduler::scheduler_process::{create_scheduler, start_grpc_service_with_listener};
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use tokio::net::TcpListener;

use super::codec::ClusterCodec;
use super::endpoint::{Endpoint, in_brackets};
use super::{LARGEST_MESSAGE, address_of, not_listening, session_config, warn_of_strangers};
use crate::error::{Error, Result};

/// How a scheduler is run.
#[derive(Clone, Debug)]
pub struct SchedulerSettings {
    /// Address or name to listen on.
    pub bind: String,
    /// Port to listen on; 0 for any that is free.
    pub port: u16,
    /// How executors reach this machine; the address listened on where none is given.
    pub external_host: Option<String>,
    /// An executor that is not heard of for so long is lost.
    pub executor_timeout: Duration,
    /// How long jobs wait when all executors are lost.
    pub without_executors: Duration,
    /// How often a task is tried.
    pub task_attempts: u16,
    /// How long rows are kept that no client has fetched.
    pub keep_results: Duration,
}

impl SchedulerSettings {
    fn config(&self, host: String, port: u16) -> SchedulerConfig {
        let timeout = self.executor_timeout.as_secs().max(1);
        let attempts = usize::from(self.task_attempts);
        SchedulerConfig {
            external_host: host,
            bind_host: self.bind.clone(),
            bind_port: port,
            // Tasks are pushed: an executor that polls for them can neither be told to stop a task
            // nor stops asking for more when it is to end.
            scheduling_policy: TaskSchedulingPolicy::PushStaged,
            task_distribution: TaskDistributionPolicy::RoundRobin,
            executor_timeout_seconds: timeout,
            expire_dead_executor_interval_seconds: (timeout / 5).max(1),
            no_executors_grace_period_seconds: self.without_executors.as_secs(),
            task_max_failures: attempts,
            stage_max_failures: attempts,
            finished_job_data_clean_up_interval_seconds: self.keep_results.as_secs(),
            finished_job_state_clean_up_interval_seconds: self.keep_results.as_secs(),
            grpc_server_max_decoding_message_size: LARGEST_MESSAGE,
            grpc_server_max_encoding_message_size: LARGEST_MESSAGE,
            grpc_client_max_message_size: LARGEST_MESSAGE,
            override_config_producer: Some(Arc::new(session_config)),
            override_session_builder: Some(Arc::new(default_session_builder)),
            override_physical_codec: Some(Arc::new(ClusterCodec::of_planner())),
            ..SchedulerConfig::default()
        }
    }
}

/// Runs a scheduler until its task is dropped; `ready` is told where it listens.
///
/// # Errors
/// When the address cannot be listened on, or the scheduler stops by itself.
pub async fn run_scheduler(
    settings: &SchedulerSettings,
    ready: impl FnOnce(&Endpoint),
) -> Result<()> {
    let address = address_of(&settings.bind, settings.port).await?;
    let host = match &settings.external_host {
        Some(host) => in_brackets(host),
        None if address.ip().is_unspecified() => {
            return Err(Error::Cluster(format!(
                "--bind {}: executors cannot know this machine by that address; say with \
                 --external-host how they reach it",
                settings.bind
            )));
        }
        None => in_brackets(&address.ip().to_string()),
    };
    let refused = |error: &std::io::Error| not_listening(address, "--port", error);
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| refused(&error))?;
    let bound = listener.local_addr().map_err(|error| refused(&error))?;
    warn_of_strangers(bound.ip());
    let config = Arc::new(settings.config(host, bound.port()));
    let stopped = |error: ballista_core::error::BallistaError| {
        Error::Cluster(format!("the scheduler stopped: {error}"))
    };
    let cluster = BallistaCluster::new_from_config(&config)
        .await
        .map_err(stopped)?;
    let scheduler = create_scheduler::<LogicalPlanNode, PhysicalPlanNode>(cluster, config);
    let scheduler = scheduler.await.map_err(stopped)?;
    ready(&Endpoint::from(bound));
    start_grpc_service_with_listener(listener, scheduler)
        .await
        .map_err(stopped)
}
