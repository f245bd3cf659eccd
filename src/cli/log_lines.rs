//! What the engine below logs, in the program's own lines.

use log::{Level, LevelFilter, Log, Metadata, Record};

use super::console::{complain, mention};
use crate::error::one_line;

/// Engine messages can hold whole plans; this is enough to see what went on.
const LONGEST: usize = 500;

/// Warnings of the engine become remarks; what goes well is told where it was asked for.
struct Lines;

impl Lines {
    fn level_of(target: &str) -> LevelFilter {
        let from = target.split("::").next().unwrap_or(target);
        match from {
            "marsad" => LevelFilter::Info,
            from if from.starts_with("ballista") => LevelFilter::Info,
            // The transport below complains of every connection that is closed.
            _ => LevelFilter::Off,
        }
    }
}

/// An engine's message as people write it; nothing for one that says what another says as well.
fn told(message: &str) -> Option<String> {
    let between = |before: &str, after: &str| {
        let (_, rest) = message.split_once(before)?;
        Some(rest.split_once(after)?.0.trim().to_owned())
    };
    let repeated = [
        "Failed to send stop_executor rpc",
        "Executor is already dead",
        "error sending heartbeat with fenced status",
        "ExecutorStopped grpc failed",
        "Fail to find job ",
        "Receive buggy tasks status",
        "Fail to update heartbeat to scheduler",
        "Heartbeat failed ",
    ];
    if repeated.iter().any(|begin| message.starts_with(begin)) {
        return None;
    }
    if let Some(executor) = between("ACTIVE executor ", " heartbeat timed out") {
        return Some(format!(
            "the executor {executor} has not been heard of for too long and counts as lost; its \
             tasks go to others"
        ));
    }
    if let Some(job) = between("Job failed: [", "]") {
        return Some(format!("the job {job} failed; its client is told why"));
    }
    if let (Some(tasks), Some(job)) = (
        between("Reset ", " tasks for running"),
        between("job/stage ", "/"),
    ) {
        return Some(format!("{tasks} tasks of the job {job} are done again"));
    }
    if message.starts_with("Fail to update heartbeat to its registration scheduler") {
        return Some("the scheduler does not answer; asking again".into());
    }
    if message.starts_with("Fail to update tasks [") {
        return Some("the scheduler could not be told what became of some tasks".into());
    }
    if let Some((_, executor)) = message.split_once("Failed to call remove_job_data on Executor ") {
        let executor = executor.split(' ').next().unwrap_or(executor);
        return Some(format!(
            "the executor {executor} does not answer; rows of a job that has ended stay with it"
        ));
    }
    if message == "Task has been aborted!" {
        return Some("a task was stopped".into());
    }
    // What follows is Rust's view of an error of the transport.
    let known = message.split(" Status { ").next().unwrap_or(message);
    let known = known.trim_end().trim_end_matches(" due to");
    Some(known.to_owned())
}

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= Self::level_of(metadata.target())
    }

    fn log(&self, record: &Record) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let Some(line) = told(&one_line(&record.args().to_string())) else {
            return;
        };
        let line = match line.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
            None => line,
        };
        match record.level() {
            Level::Error | Level::Warn => complain(&line),
            _ => mention(&line),
        }
    }

    fn flush(&self) {}
}

/// Begins to write lines.
pub(super) fn begin(verbose: bool) {
    let most = match verbose {
        true => LevelFilter::Info,
        false => LevelFilter::Warn,
    };
    // It is begun once, before anything is logged.
    if log::set_logger(&Lines).is_ok() {
        log::set_max_level(most);
    }
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn messages_of_the_engine_are_told_in_plain_words() {
        for (message, line) in [
            (
                "ACTIVE executor marsad-1 heartbeat timed out after 10s",
                Some(
                    "the executor marsad-1 has not been heard of for too long and counts as lost; its tasks go to others",
                ),
            ),
            (
                "Reset 13 tasks for running job/stage J1/1 on lost Executor marsad-1",
                Some("13 tasks of the job J1 are done again"),
            ),
            (
                "Job failed: [J1]",
                Some("the job J1 failed; its client is told why"),
            ),
            (
                "Fail to launch due to Status { code: Unknown }",
                Some("Fail to launch"),
            ),
            (
                "Fail to update tasks [TaskStatus { task_id: 0 }] due to Status { code: Unavailable }",
                Some("the scheduler could not be told what became of some tasks"),
            ),
            (
                "Failed to call remove_job_data on Executor marsad-1 due to Status { code: 1 }",
                Some(
                    "the executor marsad-1 does not answer; rows of a job that has ended stay with it",
                ),
            ),
            ("Task has been aborted!", Some("a task was stopped")),
            (
                "Heartbeat failed 5 consecutive times; initiating executor shutdown.",
                None,
            ),
            ("Fail to find job J1 in the active cache", None),
            ("anything else", Some("anything else")),
        ] {
            assert_eq!(told(message).as_deref(), line, "{message}");
        }
    }
}
