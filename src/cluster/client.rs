//! The client: gives the plan of a statement to a scheduler and takes the rows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use ballista_core::JobId;
use ballista_core::config::{BALLISTA_JOB_NAME, BALLISTA_SCHEDULER_MAX_PARTITIONS_PER_TASK};
use ballista_core::extension::{BallistaGrpcMetadataInterceptor, SessionConfigExt};
use ballista_core::ids::new_instance_id;
use ballista_core::serde::protobuf::execute_query_params::Query;
use ballista_core::serde::protobuf::execute_query_result;
use ballista_core::serde::protobuf::job_status::Status;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{
    CancelJobParams, CleanJobDataParams, ExecuteQueryParams, GetJobStatusParams, KeyValuePair,
    PartitionLocation,
};
use ballista_core::utils::create_grpc_client_endpoint;
use ballista_scheduler::planner::{DefaultDistributedPlanner, DistributedPlanner};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, exec_err};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use datafusion::prelude::SessionConfig;
use datafusion_proto::physical_plan::AsExecutionPlan;
use datafusion_proto::protobuf::PhysicalPlanNode;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use super::api::{Api, Task};
use super::arranged::arranged;
use super::codec::ClusterCodec;
use super::endpoint::Endpoint;
use super::limit::{Wanted, peeled};
use super::{CONNECTING, LARGEST_MESSAGE, call_headers, digest_start, failure, fetch};
use crate::error::{Error, shortened};
use crate::sql::EventModel;

/// Tasks a core that a statement is cut into unless told otherwise: enough that no core waits long
/// for the last, few enough that each is worth its while.
const TASKS_A_CORE: usize = 3;
/// How long a scheduler may be silent while a job runs.
const SILENCE: Duration = Duration::from_secs(30);
/// How long executors may be idle while a job has tasks that nobody was given: a scheduler of Ballista 55
/// forgets them now and then when it loses an executor.
const STANDSTILL: Duration = Duration::from_secs(40);
const SLOWEST_ASKING: Duration = Duration::from_millis(500);
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

type Scheduler = SchedulerGrpcClient<InterceptedService<Channel, BallistaGrpcMetadataInterceptor>>;

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TasksDone {
    /// Tasks that are done.
    pub done: usize,
    /// Tasks of the whole job.
    pub all: usize,
}

/// A scheduler, and what its executors can do.
#[derive(Clone, Debug)]
pub struct ClusterClient {
    endpoint: Endpoint,
    api: Api,
    calls: Scheduler,
}

impl ClusterClient {
    /// Connects to a scheduler.
    ///
    /// # Errors
    /// When nothing answers there within seconds, or not as a scheduler of this version.
    pub async fn connect(endpoint: &Endpoint) -> crate::Result<Self> {
        let api = Api::new(endpoint);
        api.reach().await?;
        let unreachable = |error: tonic::transport::Error| {
            Error::Cluster(format!(
                "the scheduler at {endpoint} cannot be reached: {error}"
            ))
        };
        let channel = create_grpc_client_endpoint(endpoint.url(), None).map_err(unreachable)?;
        let channel = channel
            .connect_timeout(CONNECTING)
            .timeout(SILENCE)
            .http2_keep_alive_interval(SILENCE / 3)
            .keep_alive_timeout(SILENCE / 3)
            .connect()
            .await
            .map_err(unreachable)?;
        let headers = BallistaGrpcMetadataInterceptor::new(call_headers());
        let calls = SchedulerGrpcClient::with_interceptor(channel, headers)
            .max_encoding_message_size(LARGEST_MESSAGE as usize)
            .max_decoding_message_size(LARGEST_MESSAGE as usize);
        Ok(Self {
            endpoint: endpoint.clone(),
            api,
            calls,
        })
    }

    /// Cores of the executors, all of which hold the model.
    ///
    /// # Errors
    /// When there is no executor, or one that holds another model, or none.
    pub async fn cores(&self, model: &EventModel) -> crate::Result<usize> {
        let executors = self.api.executors().await?;
        if executors.is_empty() {
            return Err(Error::Cluster(format!(
                "the cluster at {} has no executor; start some with marsad-cluster executor \
                 --scheduler {}",
                self.endpoint, self.endpoint
            )));
        }
        let own = digest_start(model.digest());
        for executor in &executors {
            let (id, at) = (&executor.id, executor.endpoint());
            let wrong = match executor.model() {
                Some(held) if held == own => continue,
                Some(held) => format!(
                    "the executor {id} at {at} holds the model {held}…, and this command the model \
                     {own}…; give the same file to both with --model"
                ),
                None => format!(
                    "the executor {id} at {at} does not know the functions of marsad; start it with \
                     marsad-cluster executor, or take it off this scheduler"
                ),
            };
            return Err(Error::Cluster(wrong));
        }
        let cores: u32 = executors.iter().map(|executor| executor.cores()).sum();
        Ok(cores.max(1) as usize)
    }

    /// The settings with which a statement must be planned to run on a cluster.
    pub fn settings(
        config: SessionConfig,
        cores: usize,
        partitions: Option<usize>,
    ) -> SessionConfig {
        let partitions = partitions
            .unwrap_or(cores.saturating_mul(TASKS_A_CORE))
            .max(1);
        let mut config = config
            .upgrade_for_ballista()
            .with_target_partitions(partitions)
            .with_round_robin_repartition(false)
            // A task is one partition: the least to do again, and the same work for any executor.
            .set_usize(BALLISTA_SCHEDULER_MAX_PARTITIONS_PER_TASK, 1);
        let execution = &mut config.options_mut().execution;
        execution.enable_file_stream_work_stealing = false;
        config
    }

    /// Gives a plan to the scheduler; `name` is what the job is called there.
    ///
    /// # Errors
    /// When the plan cannot be sent, or the scheduler cannot read it.
    pub async fn submit(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &SessionConfig,
        name: &str,
    ) -> Result<ClusterJob> {
        let schema = plan.schema();
        let (plan, wanted) = peeled(plan)?;
        let plan = arranged(plan)?;
        let (tasks, partitions) = count_tasks(&plan, config)?;
        let message =
            PhysicalPlanNode::try_from_physical_plan(plan.clone(), &ClusterCodec::of_planner())?;
        let mut bytes = Vec::new();
        message.try_encode(&mut bytes)?;
        if bytes.len() >= LARGEST_MESSAGE as usize {
            return exec_err!(
                "the plan takes {} MB, and a scheduler takes {}; name fewer files in one statement",
                bytes.len() >> 20,
                LARGEST_MESSAGE >> 20
            );
        }
        let config = config.clone().set_str(BALLISTA_JOB_NAME, &shortened(name));
        let settings = config.options().entries().into_iter();
        let settings = settings.map(|entry| KeyValuePair {
            key: entry.key,
            value: entry.value,
        });
        let query = ExecuteQueryParams {
            query: Some(Query::PhysicalPlan(bytes)),
            settings: settings.collect(),
            session_id: new_instance_id(),
            operation_id: new_instance_id(),
        };
        let answer = self.calls.clone().execute_query(query).await;
        let answer = answer.map_err(|status| self.said(&status))?.into_inner();
        let id = match answer.result {
            Some(execute_query_result::Result::Success(success)) => success.job_id,
            Some(execute_query_result::Result::Failure(refused)) => {
                let why = format!("{:?}", refused.failure);
                return exec_err!(
                    "the scheduler cannot read the plan of this statement: {}",
                    failure::plain(&why)
                );
            }
            None => return exec_err!("the scheduler answered nothing"),
        };
        Ok(ClusterJob {
            client: self.clone(),
            partitions,
            schema,
            wanted,
            id,
            tasks,
        })
    }

    fn said(&self, status: &tonic::Status) -> DataFusionError {
        match status.code() {
            tonic::Code::Unavailable => {
                exec_datafusion_err!(
                    "the scheduler at {} does not answer any more",
                    self.endpoint
                )
            }
            _ => exec_datafusion_err!(
                "the scheduler at {} says: {}",
                self.endpoint,
                failure::plain(status.message())
            ),
        }
    }
}

/// How many tasks a plan is cut into, as the scheduler does it, and how many partitions its rows come in.
fn count_tasks(plan: &Arc<dyn ExecutionPlan>, config: &SessionConfig) -> Result<(usize, usize)> {
    let job = JobId::from(String::new());
    let mut planner = DefaultDistributedPlanner::new();
    let stages = planner.plan_query_stages(&job, plan.clone(), config.options());
    let stages = stages.map_err(|error| {
        exec_datafusion_err!(
            "this statement cannot be cut into tasks: {}",
            failure::plain(&error.to_string())
        )
    })?;
    let tasks = stages.iter().map(|stage| {
        let children = stage.children();
        let child = children.first();
        child.map_or(1, |child| {
            child.properties().output_partitioning().partition_count()
        })
    });
    let tasks: Vec<usize> = tasks.collect();
    Ok((tasks.iter().sum(), tasks.last().copied().unwrap_or(1)))
}

/// A job of a cluster.
#[derive(Clone, Debug)]
pub struct ClusterJob {
    client: ClusterClient,
    schema: SchemaRef,
    partitions: usize,
    wanted: Wanted,
    id: String,
    tasks: usize,
}

impl ClusterJob {
    /// Its name at the scheduler.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Partitions that its rows come in.
    pub fn partitions(&self) -> usize {
        self.partitions
    }

    /// Waits until the job is done and gives its rows, in the order of the input where the plan
    /// keeps it; `progress` is told how far it is.
    ///
    /// # Errors
    /// When the job fails, or the scheduler falls silent.
    pub async fn rows(
        &self,
        progress: &(dyn Fn(TasksDone) + Send + Sync),
    ) -> Result<SendableRecordBatchStream> {
        progress(TasksDone {
            done: 0,
            all: self.tasks,
        });
        let found = tokio::select! {
            found = self.wait() => found?,
            stalled = self.watch(progress) => return Err(stalled),
        };
        progress(TasksDone {
            done: self.tasks,
            all: self.tasks,
        });
        let found = fetch::in_order(found, self.partitions)?;
        Ok(self.wanted.of(fetch::rows(self.schema.clone(), found)))
    }

    /// Waits until the job is done.
    async fn wait(&self) -> Result<Vec<PartitionLocation>> {
        let mut pause = Duration::from_millis(20);
        let mut heard = Instant::now();
        let mut known = false;
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(SLOWEST_ASKING);
            let asked = GetJobStatusParams {
                job_id: self.id.clone(),
            };
            let status = match self.client.calls.clone().get_job_status(asked).await {
                Ok(answer) => answer.into_inner().status.and_then(|job| job.status),
                Err(_) if heard.elapsed() < SILENCE => continue,
                Err(status) => return Err(self.client.said(&status)),
            };
            match status {
                Some(Status::Successful(job)) => return Ok(job.partition_location),
                Some(Status::Failed(job)) => return Err(self.failed(&job.error).await),
                Some(Status::Queued(_) | Status::Running(_)) => known = true,
                None if known || heard.elapsed() >= SILENCE => {
                    return exec_err!(
                        "the scheduler at {} does not know the job any more; it was started anew, or \
                         the job was cancelled: run the statement again",
                        self.client.endpoint
                    );
                }
                None => continue,
            }
            heard = Instant::now();
        }
    }

    /// Tells how many tasks are done, now and then; ends with an error when nobody works on them any more.
    async fn watch(&self, progress: &(dyn Fn(TasksDone) + Send + Sync)) -> DataFusionError {
        let mut pause = PROGRESS_EVERY;
        let mut moved = (Instant::now(), 0);
        loop {
            tokio::time::sleep(pause).await;
            let asked = Instant::now();
            let stages = self.client.api.stages(&self.id).await;
            let idle = stages.is_ok_and(|stages| {
                let done = stages.count(Task::is_done).min(self.tasks);
                progress(TasksDone {
                    done,
                    all: self.tasks,
                });
                let idle = done > 0 && done == moved.1 && stages.count(Task::is_running) == 0;
                moved.1 = done;
                idle
            });
            if !idle || (moved.0.elapsed() >= STANDSTILL && !self.nobody_works().await) {
                moved.0 = Instant::now();
            } else if moved.0.elapsed() >= STANDSTILL {
                return exec_datafusion_err!(
                    "the scheduler at {} gives no tasks of the job to its executors any more, as after \
                     the loss of an executor; run the statement again",
                    self.client.endpoint
                );
            }
            // Answers about many tasks are long; they may take the scheduler a twentieth of its time.
            pause = PROGRESS_EVERY.max(asked.elapsed() * 20);
        }
    }

    /// Whether there are executors, and none has a task of any job.
    async fn nobody_works(&self) -> bool {
        let status = super::status(&self.client.endpoint).await;
        status.is_ok_and(|status| status.busy == 0 && !status.executors.is_empty())
    }

    /// Why the job failed.
    async fn failed(&self, message: &str) -> DataFusionError {
        if message.contains("rejected by executor")
            && let Ok(executors) = self.client.api.executors().await
        {
            let foreign = executors.iter().find(|executor| executor.model().is_none());
            if let Some(executor) = foreign {
                return exec_datafusion_err!(
                    "the executor {} at {} does not know the functions of marsad; start it with \
                     marsad-cluster executor, or take it off this scheduler",
                    executor.id,
                    executor.endpoint()
                );
            }
            return exec_datafusion_err!(
                "an executor could not read its task; its own messages say why; use the same version \
                 of marsad on all machines"
            );
        }
        exec_datafusion_err!("{}", failure::of_job(message))
    }

    /// Tells the scheduler to stop the job.
    pub async fn cancel(&self) {
        let job = CancelJobParams {
            job_id: self.id.clone(),
        };
        // A scheduler that does not answer has nothing left to stop.
        let _ = tokio::time::timeout(CONNECTING, self.client.calls.clone().cancel_job(job)).await;
    }

    /// Tells the executors that the rows of the job have been fetched.
    pub async fn forget_rows(&self) {
        let job = CleanJobDataParams {
            job_id: self.id.clone(),
            ..CleanJobDataParams::default()
        };
        // Rows that are not removed now are removed when the scheduler's --keep-results are over.
        let _ =
            tokio::time::timeout(CONNECTING, self.client.calls.clone().clean_job_data(job)).await;
    }
}
