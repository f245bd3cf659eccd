//! Why a job failed, in one plain line.

use crate::error::one_line;

/// What Ballista and DataFusion wrap around a reason, from the outside in.
const WRAPPINGS: [&str; 17] = [
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
    "Task failed due to runtime execution error: ",
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
    let told = of_debug(rest).unwrap_or_else(|| rest.to_owned());
    told.trim_end_matches('.').to_owned()
}

/// The reason in an error that Ballista writes as Rust's programmers see it:
/// `Shared(External(ArrowError(CastError("Cannot cast …"))))`.
fn of_debug(message: &str) -> Option<String> {
    let is_debug = ["External(", "Shared(", "ObjectStore(", "Error("];
    if !is_debug.iter().any(|sign| message.contains(sign)) {
        return None;
    }
    let field = |name: &str| {
        let (_, rest) = message.split_once(&format!("{name}: \""))?;
        Some(unescaped(rest.split_once('"')?.0))
    };
    if let Some(path) = field("path") {
        return Some(match field("message") {
            _ if message.contains("NotFound") => format!("Object at location {path} not found"),
            Some(why) => format!("{path}: {}", why.to_lowercase()),
            None => format!("{path}: it cannot be read"),
        });
    }
    let quoted = message
        .split_once("(\"")
        .and_then(|(_, rest)| rest.rsplit_once('"'));
    Some(match quoted {
        Some((text, _)) => plain(&unescaped(text)),
        // An error that is a name alone: ArrowError(DivideByZero).
        None => in_words(message.rsplit('(').next()?.trim_end_matches(')')),
    })
}

fn in_words(name: &str) -> String {
    let mut words = String::new();
    for sign in name.chars() {
        if sign.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(sign.to_ascii_lowercase());
    }
    words
}

fn unescaped(text: &str) -> String {
    text.replace("\\n", " ")
        .replace("\\\"", "\"")
        .replace("\\'", "'")
        .replace("\\\\", "\\")
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
    crate::sql::advised(&reason).unwrap_or(reason)
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
            (
                "Job failed due to stage 1 failed: Task failed due to runtime execution error: \
                 DataFusionError(Shared(External(ArrowError(CastError(\"Cannot cast string 'zz' to \
                 value of Int32 type\")))))",
                "the text 'zz' is no whole number; TRY_CAST gives null for such texts",
            ),
            (
                "Task failed due to runtime execution error: DataFusionError(Shared(External(\
                 DataFusionError(ObjectStore(NotFound { path: \"/a/b.json\", source: Os { code: 2, \
                 kind: NotFound, message: \"No such file or directory\" } })))))",
                "/a/b.json: an executor has no such file; the same paths must lead to the same \
                 files on all machines",
            ),
            (
                "DataFusionError(Shared(ObjectStore(Generic { source: UnableToOpenFile { source: Os { \
                 code: 13, message: \"Permission denied\" }, path: \"/a/c\" } })))",
                "/a/c: permission denied",
            ),
            (
                "Shared(External(ArrowError(DivideByZero))))",
                "divide by zero",
            ),
            ("plain", "plain"),
            ("", ""),
        ] {
            assert_eq!(of_job(message), told, "{message}");
        }
    }
}
