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

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= Self::level_of(metadata.target())
    }

    fn log(&self, record: &Record) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = one_line(&record.args().to_string());
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
