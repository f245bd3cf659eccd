//! The questions that a scheduler answers over HTTP.

use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::endpoint::Endpoint;
use super::{CONNECTING, digest_start};
use crate::error::{Error, Result};

/// How long an answer may take.
const ANSWERING: Duration = Duration::from_secs(20);

/// What the ids of this program's executors begin with; the start of their model's digest follows.
const ID_START: &str = "marsad-";

/// The id of an executor that holds a model.
pub(super) fn executor_id(digest: &str, instance: &str) -> String {
    format!("{ID_START}{}-{instance}", digest_start(digest))
}

/// An executor, as the scheduler knows it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Executor {
    pub(super) id: String,
    pub(super) host: String,
    pub(super) port: u16,
    /// Milliseconds since 1970.
    pub(super) last_seen: Option<u64>,
    specification: Specification,
    #[serde(default)]
    metrics: Vec<Metric>,
}

#[derive(Clone, Debug, Deserialize)]
struct Specification {
    vcores: u32,
}

#[derive(Clone, Debug, Deserialize)]
struct Metric {
    r#type: String,
    value: u64,
}

impl Executor {
    pub(super) fn cores(&self) -> u32 {
        self.specification.vcores
    }

    /// Where its rows are fetched.
    pub(super) fn endpoint(&self) -> Endpoint {
        Endpoint::new(&self.host, self.port)
    }

    /// The first digits of the digest of its model; none for an executor of another program.
    pub(super) fn model(&self) -> Option<&str> {
        let (digest, _) = self.id.strip_prefix(ID_START)?.split_once('-')?;
        let is_digest = digest.len() == 12 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_digest.then_some(digest)
    }

    /// Bytes of memory in use, where it tells.
    pub(super) fn memory(&self) -> Option<u64> {
        let mut metrics = self.metrics.iter();
        let found = metrics.find(|metric| metric.r#type == "proc_physical_memory");
        found.map(|metric| metric.value).filter(|&value| value > 0)
    }

    /// The most bytes of memory that were in use at a heartbeat, where it tells.
    pub(super) fn peak_memory(&self) -> Option<u64> {
        let mut metrics = self.metrics.iter();
        let found = metrics.find(|metric| metric.r#type == "peak_physical_memory");
        found.map(|metric| metric.value).filter(|&value| value > 0)
    }
}

/// A job, as the scheduler knows it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Job {
    pub(super) job_id: String,
    #[serde(default)]
    pub(super) job_name: String,
    /// Queued, Running, Completed, Failed or Invalid.
    pub(super) status: String,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub(super) start_time: u64,
    #[serde(default)]
    pub(super) end_time: u64,
}

/// The stages of a job.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Stages {
    pub(super) stages: Vec<Stage>,
}

/// A stage of a job: the same work on different partitions.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Stage {
    #[serde(default)]
    pub(super) tasks: Vec<Option<Task>>,
}

/// A task that was given to an executor; one that is tried again stands there twice.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Task {
    status: serde_json::Value,
}

impl Task {
    pub(super) fn is_done(&self) -> bool {
        self.status == "Successful"
    }

    pub(super) fn is_running(&self) -> bool {
        self.status == "Running"
    }
}

impl Stages {
    pub(super) fn count(&self, which: impl Fn(&Task) -> bool) -> usize {
        let tasks = self
            .stages
            .iter()
            .flat_map(|stage| stage.tasks.iter().flatten());
        tasks.filter(|task| which(task)).count()
    }
}

/// Asks a scheduler.
#[derive(Clone, Debug)]
pub(super) struct Api {
    scheduler: Endpoint,
    client: Client<HttpConnector, Empty<&'static [u8]>>,
}

impl Api {
    pub(super) fn new(scheduler: &Endpoint) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECTING));
        Self {
            scheduler: scheduler.clone(),
            client: Client::builder(TokioExecutor::new()).build(connector),
        }
    }

    /// Whether the scheduler answers at all, and as one.
    pub(super) async fn reach(&self) -> Result<()> {
        #[derive(Deserialize)]
        struct State {
            scheduling_policy: String,
            version: String,
        }
        let state: State = self.get("/api/state").await?;
        let major = |version: &str| version.split('.').next().map(str::to_owned);
        if major(&state.version) != major(ballista_core::BALLISTA_VERSION) {
            return Err(Error::Cluster(format!(
                "the scheduler at {} is of Ballista {}, and this program of {}; use the same \
                 version of marsad on all machines",
                self.scheduler,
                state.version,
                ballista_core::BALLISTA_VERSION
            )));
        }
        match state
            .scheduling_policy
            .to_ascii_lowercase()
            .contains("push")
        {
            true => Ok(()),
            false => Err(Error::Cluster(format!(
                "the scheduler at {} waits for executors to ask for tasks; start it with \
                 marsad-cluster scheduler",
                self.scheduler
            ))),
        }
    }

    pub(super) async fn executors(&self) -> Result<Vec<Executor>> {
        self.get("/api/executors").await
    }

    pub(super) async fn jobs(&self) -> Result<Vec<Job>> {
        self.get("/api/jobs").await
    }

    pub(super) async fn stages(&self, job: &str) -> Result<Stages> {
        self.get(&format!("/api/job/{job}/stages")).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let foreign = || {
            Error::Cluster(format!(
                "{} answers, but not as a scheduler; give the address that marsad-cluster \
                 scheduler says it listens on",
                self.scheduler
            ))
        };
        let address = format!("{}{path}", self.scheduler.url());
        let address = address.parse().map_err(|_| foreign())?;
        let asked = async {
            let answer =
                self.client
                    .get(address)
                    .await
                    .map_err(|error| match error.is_connect() {
                        true if is_unknown_name(&error) => {
                            self.unreachable("no machine of this name is known")
                        }
                        true => self.unreachable("nothing listens there"),
                        false => foreign(),
                    })?;
            if !answer.status().is_success() {
                return Err(foreign());
            }
            let body = answer.into_body().collect().await.map_err(|_| foreign())?;
            serde_json::from_slice(&body.to_bytes()).map_err(|_| foreign())
        };
        let answered = tokio::time::timeout(ANSWERING, asked).await;
        answered.unwrap_or_else(|_| Err(self.unreachable("it does not answer")))
    }

    fn unreachable(&self, why: &str) -> Error {
        Error::Cluster(format!(
            "the scheduler at {} cannot be reached: {why}; start one with marsad-cluster scheduler, \
             or give its address",
            self.scheduler
        ))
    }
}

/// Whether a connection failed because no address was found for the name.
fn is_unknown_name(error: &(dyn std::error::Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |error| error.source());
    // The connector's own type for this is private.
    causes
        .into_iter()
        .any(|cause| cause.to_string().starts_with("dns error"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_executors_name_their_model() {
        let executor = |id: String| Executor {
            id,
            host: "::1".into(),
            port: 1,
            last_seen: None,
            specification: Specification { vcores: 1 },
            metrics: Vec::new(),
        };
        let digest = "0123456789abcdef".repeat(4);
        let ours = executor(executor_id(&digest, "1-2-3"));
        assert_eq!(ours.model(), Some("0123456789ab"));
        assert_eq!(ours.endpoint().to_string(), "[::1]:1");
        for id in ["1-2-3", "marsad-", "marsad-12-3", "marsad-0123456789xy-1"] {
            assert_eq!(executor(id.into()).model(), None, "{id}");
        }
    }
}
