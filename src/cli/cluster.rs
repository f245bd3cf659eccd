//! The program `marsad-cluster`.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use tokio::runtime::Builder;

use super::compact::size;
use super::console::{self, Failure, Voice, say};
use super::{LogForm, ModelArgs, VoiceArgs, cluster_status, log_lines};
use crate::cluster::{
    AT_ONCE, ClusterStatus, Endpoint, ExecutorSettings, SIGNING_OFF, SchedulerSettings,
    run_executor, run_scheduler, status, until_told,
};
use crate::sql::EventModel;

/// Runs the parts of a cluster that `marsad sql --cluster` asks.
#[derive(Debug, Parser)]
#[command(
    name = "marsad-cluster",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  marsad-cluster scheduler
  marsad-cluster executor --model mine.safetensors --scheduler 127.0.0.1:50050
  marsad-cluster status
  marsad sql --cluster 127.0.0.1:50050 -m mine.safetensors \\
    \"SELECT id, event_labels(text) FROM news\" --table news=/archive/news -o labelled.parquet

One scheduler, and one executor a machine; all are Apache DataFusion Ballista 55.
Everything listens on 127.0.0.1 unless --bind says otherwise. There is no password and no encryption:
whoever can reach the ports can run queries and read the files that these programs can read.
Files are read by the executors: the same paths must lead to the same files on all machines.

Exit status: 0 stopped by Ctrl-C or SIGTERM, 2 could not run or lost its scheduler."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    voice: VoiceArgs,
    /// Also tell of what goes well: executors that come and go, jobs and tasks that begin and end
    #[arg(
        long,
        global = true,
        conflicts_with = "quiet",
        help_heading = "Speaking"
    )]
    verbose: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Take statements, share their work out among the executors
    Scheduler(SchedulerArgs),
    /// Do the work of a cluster on this machine, with a model
    Executor(ExecutorArgs),
    /// Show the executors of a cluster, and its jobs
    Status(StatusArgs),
}

const LISTENING: &str = "Listening";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad-cluster scheduler
  marsad-cluster scheduler --bind 10.0.0.1
  marsad-cluster scheduler --bind 0.0.0.0 --external-host scheduler.internal
  marsad-cluster scheduler --port 0 --executor-timeout 30

It says \"listening on HOST:PORT\" on standard output when it takes statements. It needs no model
and no files of the archive. Jobs are kept in memory: they end with the scheduler.")]
pub(super) struct SchedulerArgs {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", help_heading = LISTENING,
        value_parser = clap::builder::NonEmptyStringValueParser::new())]
    bind: String,
    /// Port to listen on; 0 for any that is free
    #[arg(long, default_value_t = crate::cluster::SCHEDULER_PORT, help_heading = LISTENING)]
    port: u16,
    /// Name or address by which executors reach this machine [default: the address of --bind]
    #[arg(long, value_name = "HOST", help_heading = LISTENING)]
    external_host: Option<String>,
    /// An executor that is not heard of for so long is lost, and its tasks go to others
    #[arg(long, value_name = "SECONDS", default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(3..=86_400))]
    executor_timeout: u64,
    /// How long jobs wait for an executor when all are lost, before they fail
    #[arg(long, value_name = "SECONDS", default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(0..=86_400))]
    without_executors: u64,
    /// How often a task is tried where reading or the network fails
    #[arg(long, value_name = "N", default_value_t = 4,
        value_parser = clap::value_parser!(u16).range(1..=100))]
    task_attempts: u16,
    /// How long rows that a client has not fetched are kept by the executors after a job
    #[arg(long, value_name = "SECONDS", default_value_t = 3600,
        value_parser = clap::value_parser!(u64).range(60..=2_592_000))]
    keep_results: u64,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad-cluster executor
  marsad-cluster executor -m mine.safetensors --scheduler scheduler.internal:50050 \\
    --bind 10.0.0.7 --cores 8 --memory 12GB --work-dir /var/lib/marsad
  marsad-cluster executor --port 0 --grpc-port 0 --cores 1

It says \"listening on HOST:PORT\" on standard output when the scheduler has taken it in. A job is
refused by an executor that holds another model than the client; marsad-cluster status shows which
model each holds. Rows wait in --work-dir until the client has fetched them.")]
pub(super) struct ExecutorArgs {
    #[command(flatten)]
    model: ModelArgs,
    /// The scheduler
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50050")]
    scheduler: Endpoint,
    /// How long to wait for the scheduler to answer before giving up
    #[arg(long, value_name = "SECONDS", default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(0..=86_400))]
    wait: u64,
    /// Tell the scheduler so often that this executor is alive; well below its --executor-timeout
    #[arg(long, value_name = "SECONDS", default_value_t = 2,
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    heartbeat: u64,
    /// Cores to work on [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    cores: Option<u16>,
    /// Memory for sorting, grouping and joining, such as 4GB; more goes to the disk [default: 70% of
    /// the machine]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<usize>,
    /// Folder for rows on their way [default: one of its own in the system's folder for temporary
    /// files, removed at the end]
    #[arg(long, value_name = "DIR")]
    work_dir: Option<PathBuf>,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", help_heading = LISTENING,
        value_parser = clap::builder::NonEmptyStringValueParser::new())]
    bind: String,
    /// Port on which clients and other executors fetch rows; 0 for any that is free
    #[arg(long, default_value_t = 50051, help_heading = LISTENING)]
    port: u16,
    /// Port on which the scheduler gives tasks; 0 for any that is free
    #[arg(long, value_name = "PORT", default_value_t = 50052, help_heading = LISTENING)]
    grpc_port: u16,
    /// Name or address by which clients, other executors and the scheduler reach this machine
    /// [default: the address of --bind; with 0.0.0.0 the address that the scheduler sees]
    #[arg(long, value_name = "HOST", help_heading = LISTENING)]
    external_host: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad-cluster status
  marsad-cluster status --cluster scheduler.internal:50050
  marsad-cluster status --json | jq '.executors[].model'

The fields of --json are listed in docs/fields.md.")]
pub(super) struct StatusArgs {
    /// The scheduler
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50050")]
    cluster: Endpoint,
    /// Everything as JSON, for programs
    #[arg(long)]
    json: bool,
}

impl SchedulerArgs {
    fn settings(&self) -> SchedulerSettings {
        SchedulerSettings {
            bind: self.bind.clone(),
            port: self.port,
            external_host: self.external_host.clone(),
            executor_timeout: Duration::from_secs(self.executor_timeout),
            without_executors: Duration::from_secs(self.without_executors),
            task_attempts: self.task_attempts,
            keep_results: Duration::from_secs(self.keep_results),
        }
    }
}

impl ExecutorArgs {
    fn settings(&self) -> ExecutorSettings {
        ExecutorSettings {
            scheduler: self.scheduler.clone(),
            wait: Duration::from_secs(self.wait),
            heartbeat: Duration::from_secs(self.heartbeat),
            cores: self.cores,
            memory: self.memory.map(|bytes| bytes as u64),
            work_dir: self.work_dir.clone(),
            bind: self.bind.clone(),
            port: self.port,
            grpc_port: self.grpc_port,
            external_host: self.external_host.clone(),
        }
    }
}

/// The commands of `marsad-cluster`, for their manual.
pub(super) fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Reads the command line of `marsad-cluster` and does what it says.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let voice = Voice {
        quiet: cli.voice.quiet,
        json: cli.voice.log == LogForm::Json,
        program: Some("marsad-cluster"),
    };
    voice.set();
    log_lines::begin(cli.verbose && !cli.voice.quiet);
    match cli.verb.run() {
        Ok(()) | Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Err(Failure::Told(message)) => {
            console::fail(&message);
            ExitCode::from(2)
        }
    }
}

/// Told on standard output, so that whoever started the program knows when it is ready, and where.
fn say_ready(endpoint: &Endpoint) {
    // Where nobody reads it, the work is done all the same.
    let _ = say(&format!("listening on {endpoint}"));
}

impl Verb {
    fn run(&self) -> Result<(), Failure> {
        let runtime = Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::Told(error.to_string()))?;
        let done = runtime.block_on(async {
            match self {
                Self::Scheduler(args) => {
                    let settings = args.settings();
                    until_told(run_scheduler(&settings, say_ready), AT_ONCE).await
                }
                Self::Executor(args) => {
                    let model = Arc::new(EventModel::new(args.model.load()?));
                    let settings = args.settings();
                    until_told(run_executor(&settings, &model, say_ready), SIGNING_OFF).await
                }
                Self::Status(args) => return show(&status(&args.cluster).await?, args.json),
            }
            .map_err(Failure::from)
        });
        // Tasks that still run are given to other executors; nothing waits for them.
        runtime.shutdown_background();
        done
    }
}

fn show(status: &ClusterStatus, json: bool) -> Result<(), Failure> {
    let text = match json {
        true => serde_json::to_string_pretty(status).map_err(io::Error::other)?,
        false => cluster_status::text(status),
    };
    Ok(say(&text)?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn options_are_well_formed() {
        super::Cli::command().debug_assert();
    }
}
