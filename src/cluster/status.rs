//! What a cluster is made of and works on.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::api::{Api, Executor, Job, Stages, Task};
use super::endpoint::Endpoint;
use crate::error::Result;

/// A cluster at one moment.
#[derive(Debug, Serialize)]
pub struct ClusterStatus {
    /// Its scheduler, as it was asked for.
    pub scheduler: String,
    /// Cores of all executors.
    pub cores: u32,
    /// Tasks that run; each takes a core.
    pub busy: usize,
    /// Executors by address.
    pub executors: Vec<ExecutorStatus>,
    /// Jobs, the latest first.
    pub jobs: Vec<JobStatus>,
}

/// An executor at one moment.
#[derive(Debug, Serialize)]
pub struct ExecutorStatus {
    /// Its name.
    pub id: String,
    /// Where its rows are fetched.
    pub address: String,
    /// Cores it works on.
    pub cores: u32,
    /// The first twelve digits of its model's digest; none for an executor of another program.
    pub model: Option<String>,
    /// Seconds since it was heard of.
    pub last_seen_seconds: Option<f64>,
    /// Bytes of memory in use at its last heartbeat.
    pub memory: Option<u64>,
    /// The most bytes of memory in use at a heartbeat.
    pub peak_memory: Option<u64>,
}

/// A job at one moment.
#[derive(Debug, Serialize)]
pub struct JobStatus {
    /// Its name at the scheduler.
    pub id: String,
    /// The beginning of its statement.
    pub name: String,
    /// queued, running, completed, failed or invalid.
    pub state: String,
    /// Tasks that are done.
    pub tasks_done: usize,
    /// Tasks that were given to executors so far, without those that were lost and given again.
    pub tasks_begun: usize,
    /// Seconds from its start to its end, or to now.
    pub seconds: f64,
}

/// Asks a scheduler what its cluster is made of and works on.
///
/// # Errors
/// When the scheduler cannot be reached or does not answer as one.
pub async fn status(scheduler: &Endpoint) -> Result<ClusterStatus> {
    let api = Api::new(scheduler);
    api.reach().await?;
    let now = milliseconds_now();
    let mut executors: Vec<_> = api.executors().await?.into_iter().collect();
    executors.sort_by_cached_key(|executor| executor.endpoint().to_string());
    let mut jobs = Vec::new();
    let mut busy = 0;
    for job in api.jobs().await? {
        // A job that is only queued, or just forgotten, has no stages.
        let stages = api
            .stages(&job.job_id)
            .await
            .unwrap_or(Stages { stages: Vec::new() });
        let done = stages.count(Task::is_done);
        let running = match job.status.as_str() {
            "Running" => stages.count(Task::is_running),
            _ => 0,
        };
        busy += running;
        jobs.push((job.start_time, job_status(job, done, done + running, now)));
    }
    jobs.sort_by_key(|(begun, _)| std::cmp::Reverse(*begun));
    Ok(ClusterStatus {
        scheduler: scheduler.to_string(),
        cores: executors.iter().map(Executor::cores).sum(),
        busy,
        executors: executors
            .iter()
            .map(|one| executor_status(one, now))
            .collect(),
        jobs: jobs.into_iter().map(|(_, job)| job).collect(),
    })
}

fn milliseconds_now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_millis() as u64)
}

fn seconds_between(begun: u64, ended: u64) -> f64 {
    ended.saturating_sub(begun) as f64 / 1e3
}

fn executor_status(executor: &Executor, now: u64) -> ExecutorStatus {
    ExecutorStatus {
        id: executor.id.clone(),
        address: executor.endpoint().to_string(),
        cores: executor.cores(),
        model: executor.model().map(str::to_owned),
        last_seen_seconds: executor.last_seen.map(|seen| seconds_between(seen, now)),
        memory: executor.memory(),
        peak_memory: executor.peak_memory(),
    }
}

fn job_status(job: Job, done: usize, begun: usize, now: u64) -> JobStatus {
    let end = if job.end_time == 0 { now } else { job.end_time };
    JobStatus {
        id: job.job_id,
        name: job.job_name,
        state: job.status.to_ascii_lowercase(),
        tasks_done: done,
        tasks_begun: begun,
        seconds: seconds_between(job.start_time, end),
    }
}
