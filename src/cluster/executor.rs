//! The executor: runs tasks with its model and keeps their rows until they are fetched.

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ballista_core::RuntimeProducer;
use ballista_core::error::BallistaError;
use ballista_core::ids::new_instance_id;
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_executor::execution_engine::DefaultExecutionEngine;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_executor::health::ExecutorHealth;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use tokio::net::TcpListener;

use super::api::{Api, executor_id};
use super::codec::ClusterCodec;
use super::connections::Connections;
use super::endpoint::{Endpoint, in_brackets};
use super::work_folder::WorkFolder;
use super::{LARGEST_MESSAGE, address_of, not_listening, session_config, warn_of_strangers};
use crate::error::{Error, Result};
use crate::sql::parts::PartsEngine;
use crate::sql::{EventModel, FUNCTIONS, MeteredFiles, event_function};

/// How an executor is run.
#[derive(Clone, Debug)]
pub struct ExecutorSettings {
    /// Its scheduler.
    pub scheduler: Endpoint,
    /// How long to wait for the scheduler at the start.
    pub wait: Duration,
    /// How often the scheduler is told that the executor is alive.
    pub heartbeat: Duration,
    /// Cores to work on; all where none are given.
    pub cores: Option<u16>,
    /// Bytes for sorting, grouping and joining; 70% of the machine where none are given.
    pub memory: Option<u64>,
    /// Folder for rows on their way; a temporary one where none is given.
    pub work_dir: Option<PathBuf>,
    /// Address or name to listen on.
    pub bind: String,
    /// Port on which rows are fetched; 0 for any that is free.
    pub port: u16,
    /// Port on which tasks are given; 0 for any that is free.
    pub grpc_port: u16,
    /// How this machine is reached; the address listened on where none is given.
    pub external_host: Option<String>,
}

/// Where an executor listens, before it does.
struct Places {
    rows: SocketAddr,
    tasks: SocketAddr,
    external_host: Option<String>,
}

impl ExecutorSettings {
    async fn places(&self) -> Result<Places> {
        let rows = free_place(address_of(&self.bind, self.port).await?, "--port").await?;
        let tasks = address_of(&self.bind, self.grpc_port).await?;
        let tasks = free_place(tasks, "--grpc-port").await?;
        if rows.port() == tasks.port() {
            return Err(Error::Cluster(format!(
                "--port and --grpc-port are both {}; choose two",
                rows.port()
            )));
        }
        let external_host = match &self.external_host {
            Some(host) => Some(in_brackets(host)),
            // The scheduler takes the address that it sees.
            None if rows.ip().is_unspecified() && rows.is_ipv4() => None,
            None if rows.ip().is_unspecified() => {
                return Err(Error::Cluster(format!(
                    "--bind {}: nobody can know this machine by that address; say with \
                     --external-host how it is reached",
                    self.bind
                )));
            }
            None => Some(in_brackets(&rows.ip().to_string())),
        };
        Ok(Places {
            rows,
            tasks,
            external_host,
        })
    }

    fn config(
        &self,
        id: &str,
        model: &Arc<EventModel>,
        places: &Places,
        folder: &WorkFolder,
        health: &ExecutorHealth,
    ) -> ExecutorProcessConfig {
        let mut functions = BallistaFunctionRegistry::default();
        // Ballista leaves out those of lists, such as array_has.
        for function in SessionStateDefaults::default_scalar_functions() {
            let name = function.name().to_owned();
            functions.scalar_functions.insert(name, function);
        }
        for name in FUNCTIONS {
            if let Some(function) = event_function(name, model) {
                let function = Arc::new(function);
                functions.scalar_functions.insert(name.to_owned(), function);
            }
        }
        let cores = self.cores.map(usize::from);
        let all = || std::thread::available_parallelism().map_or(1, NonZero::get);
        let engine = DefaultExecutionEngine::with_client_pool(Arc::new(Connections::default()));
        let codec = ClusterCodec::of_executor(id.to_owned(), model.clone());
        ExecutorProcessConfig {
            executor_id: id.to_owned(),
            bind_host: in_brackets(&places.rows.ip().to_string()),
            external_host: places.external_host.clone(),
            port: places.rows.port(),
            grpc_port: places.tasks.port(),
            scheduler_host: self.scheduler.host().to_owned(),
            scheduler_port: self.scheduler.port(),
            vcores: cores.unwrap_or_else(all),
            work_dir: Some(folder.path().display().to_string()),
            grpc_max_decoding_message_size: LARGEST_MESSAGE,
            grpc_max_encoding_message_size: LARGEST_MESSAGE,
            executor_heartbeat_interval_seconds: self.heartbeat.as_secs().max(1),
            memory_pool_size: self.memory,
            override_execution_engine: Some(Arc::new(PartsEngine(engine))),
            override_function_registry: Some(Arc::new(functions)),
            override_config_producer: Some(Arc::new(session_config)),
            override_physical_codec: Some(Arc::new(codec)),
            override_runtime_producer: Some(runtime_in(folder)),
            health: health.clone(),
            ..ExecutorProcessConfig::default()
        }
    }
}

/// Makes sure that a place can be listened on, and finds the port where any will do.
async fn free_place(address: SocketAddr, flag: &str) -> Result<SocketAddr> {
    let refused = |error: std::io::Error| not_listening(address, flag, &error);
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    listener.local_addr().map_err(refused)
}

/// Waits until the scheduler answers.
async fn wait_for(scheduler: &Endpoint, patience: Duration) -> Result<()> {
    let api = Api::new(scheduler);
    let begun = Instant::now();
    loop {
        match api.reach().await {
            Ok(()) => return Ok(()),
            Err(error) if begun.elapsed() >= patience => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Runs an executor until its task is dropped or the process is told to end; `ready` is told where
/// rows are fetched once the scheduler has taken it in.
///
/// # Errors
/// When the ports are taken, the folder cannot be written to, the scheduler cannot be reached, or is
/// lost later on.
pub async fn run_executor(
    settings: &ExecutorSettings,
    model: &Arc<EventModel>,
    ready: impl FnOnce(&Endpoint),
) -> Result<()> {
    let places = settings.places().await?;
    let id = executor_id(model.digest(), &new_instance_id());
    let folder = WorkFolder::create(settings.work_dir.as_deref(), &id)?;
    wait_for(&settings.scheduler, settings.wait).await?;
    warn_of_strangers(places.rows.ip());
    let health = ExecutorHealth::new();
    let config = settings.config(&id, model, &places, &folder, &health);
    let process = start_executor_process(Arc::new(config));
    tokio::pin!(process);
    let taken_in = async {
        while !health.is_ready() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let stopped = tokio::select! {
        stopped = &mut process => Some(stopped),
        () = taken_in => None,
    };
    let stopped = match stopped {
        Some(stopped) => stopped,
        None => {
            ready(&Endpoint::from(places.rows));
            process.await
        }
    };
    Err(why_stopped(stopped, &health, &settings.scheduler))
}

/// Why an executor came to its end though nobody had told the process to end.
fn why_stopped(
    stopped: std::result::Result<(), BallistaError>,
    health: &ExecutorHealth,
    scheduler: &Endpoint,
) -> Error {
    Error::Cluster(match stopped {
        Err(error) => format!(
            "the scheduler at {scheduler} did not take this executor in: {}",
            super::failure::plain(&error.to_string())
        ),
        Ok(()) if !health.is_ready() => format!(
            "the scheduler at {scheduler} has not answered several times in a row; start the \
             executor again when it does"
        ),
        Ok(()) => format!(
            "the scheduler at {scheduler} stopped this executor: it had not heard of it for longer \
             than its --executor-timeout; start it again"
        ),
    })
}

/// What tasks are run in: the files of this machine are read as in the process of a client.
fn runtime_in(folder: &WorkFolder) -> RuntimeProducer {
    let work = folder.path().to_owned();
    Arc::new(move |_| {
        let runtime = RuntimeEnvBuilder::new()
            .with_temp_file_path(&work)
            .build_arc()?;
        let files = Arc::new(MeteredFiles::unwatched());
        runtime.register_object_store(ObjectStoreUrl::local_filesystem().as_ref(), files);
        Ok(runtime)
    })
}
