//! Statements of `marsad sql` that a cluster runs.

use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use tokio::runtime::Handle;

use super::super::console::progress;
use super::super::interrupt;
use crate::cluster::{ClusterClient, ClusterJob, Endpoint, TasksDone};
use crate::error::{Error, Result};
use crate::sql::{EventModel, SqlSession, compressed_file, told};

#[derive(Debug, Args)]
#[command(next_help_heading = "Many machines")]
pub(super) struct ClusterArgs {
    /// Run on the cluster of this scheduler; its executors read the files, and write those of a
    /// folder, under the same paths as here
    #[arg(long, value_name = "HOST:PORT")]
    cluster: Option<Endpoint>,
    /// Parts that the work is cut into, a task each; a folder has one a file [default: three for each
    /// core of the cluster]
    #[arg(long, value_name = "N", requires = "cluster",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    partitions: Option<u32>,
}

impl ClusterArgs {
    /// The cluster that was asked for, with the same model on all its machines.
    pub(super) async fn connect(&self, model: &EventModel) -> Result<Option<Remote>> {
        let Some(endpoint) = &self.cluster else {
            return Ok(None);
        };
        let client = ClusterClient::connect(endpoint).await?;
        let cores = client.cores(model).await?;
        Ok(Some(Remote {
            client,
            cores,
            partitions: self.partitions.map(|partitions| partitions as usize),
            job: Mutex::default(),
        }))
    }
}

/// A cluster, and the job that it works on.
pub(super) struct Remote {
    client: ClusterClient,
    cores: usize,
    partitions: Option<usize>,
    job: Mutex<Option<ClusterJob>>,
}

impl Remote {
    /// The session with the settings that a cluster asks for.
    pub(super) fn prepare(&self, session: SqlSession) -> SqlSession {
        session.with_settings(|config| ClusterClient::settings(config, self.cores, self.partitions))
    }

    /// The rows of a plan, once the cluster has made all of them.
    pub(super) async fn rows(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        session: &SqlSession,
        statement: &str,
    ) -> Result<SendableRecordBatchStream> {
        // A plan on its way to executors does not say how files are compressed.
        if let Some(path) = compressed_file(&plan) {
            return Err(Error::File {
                path,
                message: "is compressed, which executors do not read; write it as Parquet without \
                          --cluster first"
                    .into(),
            });
        }
        let config = session.context().copied_config();
        let job = self.client.submit(plan, &config, statement).await;
        let job = job.map_err(told)?;
        self.with_job(|kept| *kept = Some(job.clone()));
        cancel_at_interrupt(&job);
        let bar = progress(Some(0), "{bar:30} {pos} of {len} tasks ({elapsed})");
        let told_of = |tasks: TasksDone| {
            bar.set_length(tasks.all as u64);
            bar.set_position(tasks.done as u64);
        };
        let rows = job.rows(&told_of).await;
        bar.finish_and_clear();
        match rows {
            Ok(rows) => Ok(rows),
            Err(error) => {
                self.end(false).await;
                Err(told(error))
            }
        }
    }

    /// Partitions of the job's rows.
    pub(super) fn partitions(&self) -> Option<usize> {
        self.with_job(|job| job.as_ref().map(ClusterJob::partitions))
    }

    /// Lets go of the job: its rows were fetched, or are not wanted any more.
    pub(super) async fn end(&self, fetched: bool) {
        let Some(job) = self.with_job(Option::take) else {
            return;
        };
        if !fetched {
            job.cancel().await;
        }
        job.forget_rows().await;
    }

    fn with_job<T>(&self, work: impl FnOnce(&mut Option<ClusterJob>) -> T) -> T {
        // Nothing that is done under the lock panics half way.
        work(&mut self.job.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// At Ctrl-C the cluster is told to stop before this program ends.
fn cancel_at_interrupt(job: &ClusterJob) {
    let (job, engine) = (job.clone(), Handle::current());
    interrupt::ask_first(move || {
        let (job, engine) = (job.clone(), engine.clone());
        // The second Ctrl-C must find someone who listens.
        std::thread::spawn(move || {
            engine.block_on(async {
                job.cancel().await;
                job.forget_rows().await;
            });
            interrupt::end_now();
        });
    });
}
