//! Why a job failed, in one plain line.

use crate::error::one_line;

/// What Ballista and DataFusion wrap around a reason, from the outside in.
const WRAPPINGS: [&str; 16] = [
    "DataFusion error: ",
    "DataFusionError(",
    "Execution error: ",
    "Execution(",
    "External error: ",
    "External(",
    "Internal error: ",
    "Internal Ballista error: ",
    "General error: ",
    "Ballista error: ",
    "Arrow error: ",
    "Object Store error: ",
    "IO error: ",
    "Parquet error: ",
    "Shared error: ",
    "Error during planning: ",
];

/// The reason without what was wrapped around it on its way.
pub(super) fn plain(message: &str) -> String {
    let line = one_line(message);
    let mut rest = line.trim();
    loop {
        let inner = inner(rest);
        if inner == rest {
            break;
        }
        rest = inner;
    }
    rest.trim_end_matches('.').to_owned()
}

fn inner(message: &str) -> &str {
    let mut rest = message.trim();
    for known in WRAPPINGS {
        rest = rest.strip_prefix(known).unwrap_or(rest);
    }
    for (before, after) in [
        ("Job failed due to stage ", " failed: "),
        ("Job ", " failed: "),
        ("Error planning job ", ": "),
        ("Task ", "most recent failure reason: "),
        ("Tasks ", "most recent failure reason: "),
        ("Stage ", "most recent failure reason: "),
    ] {
        if rest.starts_with(before)
            && let Some((_, reason)) = rest.split_once(after)
        {
            rest = reason;
        }
    }
    let quoted = rest
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    quoted.unwrap_or(rest).trim()
}

/// What a failed job says, made plain.
pub(super) fn of_job(message: &str) -> String {
    let reason = plain(message);
    if let Some((_, rest)) = reason.split_once("Object at location ")
        && let Some((path, _)) = rest.split_once(" not found")
    {
        return format!(
            "{path}: an executor has no such file; the same paths must lead to the same files on all \
             machines"
        );
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_without_their_wrappings() {
        for (message, told) in [
            (
                "Job failed due to stage 1 failed: DataFusion error: Execution error: too long\n",
                "too long",
            ),
            (
                "Job failed due to stage 1 failed: Task 0 in Stage 1 failed 4 times, fail the \
                 stage, most recent failure reason: \"DataFusion error: Object Store error: Object \
                 at location /a/b.parquet not found: No such file or directory (os error 2)\"",
                "/a/b.parquet: an executor has no such file; the same paths must lead to the same \
                 files on all machines",
            ),
            ("plain", "plain"),
            ("", ""),
        ] {
            assert_eq!(of_job(message), told, "{message}");
        }
    }
}
