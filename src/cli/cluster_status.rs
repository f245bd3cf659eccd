//! `marsad-cluster status` as text.

use crate::cluster::{ClusterStatus, ExecutorStatus, JobStatus};

/// Jobs of the past that are shown; JSON holds all.
const JOBS: usize = 20;

/// Everything in lines.
pub(super) fn text(status: &ClusterStatus) -> String {
    let mut lines = vec![format!(
        "Scheduler {}: {} with {}, {} busy.",
        status.scheduler,
        count(status.executors.len(), "executor"),
        count(status.cores as usize, "core"),
        status.busy
    )];
    if !status.executors.is_empty() {
        let header = [
            "executor", "address", "cores", "model", "seen", "memory", "peak",
        ];
        let rows = status.executors.iter().map(executor);
        lines.push(String::new());
        lines.extend(columns(header, rows));
    }
    if !status.jobs.is_empty() {
        let header = [
            "job",
            "state",
            "tasks done",
            "begun",
            "seconds",
            "statement",
        ];
        lines.push(String::new());
        lines.extend(columns(header, status.jobs.iter().take(JOBS).map(job)));
    }
    if status.jobs.len() > JOBS {
        lines.push(format!(
            "{} more; --json shows all.",
            count(status.jobs.len() - JOBS, "job")
        ));
    }
    lines.join("\n")
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

fn executor(executor: &ExecutorStatus) -> [String; 7] {
    let megabytes = |bytes: Option<u64>| {
        bytes.map_or("-".into(), |bytes| {
            format!("{} MB", bytes.div_ceil(1_000_000))
        })
    };
    let seen = executor.last_seen_seconds;
    [
        executor.id.clone(),
        executor.address.clone(),
        executor.cores.to_string(),
        executor.model.clone().unwrap_or("none".into()),
        seen.map_or("-".into(), |seconds| format!("{seconds:.0} s ago")),
        megabytes(executor.memory),
        megabytes(executor.peak_memory),
    ]
}

fn job(job: &JobStatus) -> [String; 6] {
    [
        job.id.clone(),
        job.state.clone(),
        job.tasks_done.to_string(),
        job.tasks_begun.to_string(),
        format!("{:.1}", job.seconds),
        job.name.split_whitespace().collect::<Vec<_>>().join(" "),
    ]
}

/// Rows in columns as wide as their widest cell; the last is as it is.
fn columns<const N: usize>(
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Vec<String> {
    let mut all = vec![header.map(str::to_owned)];
    all.extend(rows);
    let mut widths = [0; N];
    for row in &all {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths);
        let padded = cells.map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect()
}
