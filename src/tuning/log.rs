//! The log of a search: one line a finished trial, so that a search goes on where it was stopped.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::space::Vary;
use crate::error::{Error, Result};
use crate::settings::Settings;

/// What decides all trials of a log: its first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogHead {
    /// Version of the log and of the space.
    pub(super) marsad_tune: u32,
    pub(super) corpus_digest: String,
    pub(super) seed: u64,
    pub(super) aim: String,
    pub(super) vary: Vec<Vary>,
    pub(super) hold_out: f64,
    pub(super) start: Settings,
}

/// Version of the log and of the space that trials are drawn from.
pub(super) const LOG_VERSION: u32 = 1;

/// One trial on one rung.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogEntry {
    pub(super) rung: usize,
    pub(super) trial: usize,
    /// Settings that differ from those of the start.
    pub(super) changes: Map<String, Value>,
    pub(super) documents: usize,
    pub(super) sentences: usize,
    pub(super) folds: usize,
    /// `null` where the trial failed.
    pub(super) score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) failure: Option<String>,
    /// All that differs from run to run.
    pub(super) timing: Timing,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Timing {
    pub(super) seconds: f64,
}

/// Trials that are finished, and the file that they are kept in.
pub(super) struct TrialLog {
    file: Option<(PathBuf, File)>,
    finished: BTreeMap<(usize, usize), LogEntry>,
}

impl TrialLog {
    /// A log that is kept nowhere.
    pub(super) fn unkept() -> Self {
        Self {
            file: None,
            finished: BTreeMap::new(),
        }
    }

    /// Opens a log, or begins one. A last line that was cut off is left out.
    ///
    /// # Errors
    /// When the file cannot be read or written, is no such log, or is one of another search.
    pub(super) fn open(path: &Path, head: &LogHead) -> Result<Self> {
        let io = |error| Error::io(path, error);
        let mut file = File::options()
            .create(true)
            .read(true)
            .append(true)
            .open(path)
            .map_err(io)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |last| last + 1);
        let lines = bytes.get(..whole).unwrap_or_default();
        let finished = read_lines(path, lines, bytes.len(), head)?;
        // Checked first: a file that is no log is not touched.
        file.set_len(whole as u64).map_err(io)?;
        let mut log = Self {
            file: Some((path.into(), file)),
            finished,
        };
        if whole == 0 {
            log.write_line(head)?;
        }
        Ok(log)
    }

    /// A trial that is finished.
    pub(super) fn finished(&self, rung: usize, trial: usize) -> Option<&LogEntry> {
        self.finished.get(&(rung, trial))
    }

    /// Keeps a finished trial.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn keep(&mut self, entry: LogEntry) -> Result<()> {
        self.write_line(&entry)?;
        self.finished.insert((entry.rung, entry.trial), entry);
        Ok(())
    }

    /// Writes a line at once, so that a run that is stopped leaves whole lines.
    fn write_line(&mut self, line: &impl Serialize) -> Result<()> {
        let Some((path, file)) = &mut self.file else {
            return Ok(());
        };
        let io = |error| Error::io(path.as_path(), error);
        let mut line = serde_json::to_vec(line).map_err(|error| io(error.into()))?;
        line.push(b'\n');
        file.write_all(&line).map_err(io)?;
        file.sync_data().map_err(io)
    }
}

fn read_lines(
    path: &Path,
    lines: &[u8],
    bytes: usize,
    head: &LogHead,
) -> Result<BTreeMap<(usize, usize), LogEntry>> {
    let refuse = |message: String| Error::File {
        path: path.into(),
        message,
    };
    let mut finished = BTreeMap::new();
    let mut lines = lines.split_inclusive(|&byte| byte == b'\n');
    let Some(first) = lines.next() else {
        return match bytes {
            0 => Ok(finished),
            _ => Err(refuse("is no log of trials; name another file".into())),
        };
    };
    let found: LogHead = serde_json::from_slice(first)
        .map_err(|_| refuse("is no log of trials; name another file".into()))?;
    if let Some(what) = head.differs_from(&found) {
        return Err(refuse(format!(
            "is the log of a search with {what}; name another file, or search as before"
        )));
    }
    for (number, line) in lines.enumerate() {
        let entry: LogEntry = serde_json::from_slice(line).map_err(|error| Error::Row {
            path: path.into(),
            line: number as u64 + 2,
            message: format!("is no finished trial ({error}); remove the line"),
        })?;
        finished.insert((entry.rung, entry.trial), entry);
    }
    Ok(finished)
}

impl LogHead {
    fn differs_from(&self, found: &Self) -> Option<&'static str> {
        let parts = [
            (
                self.marsad_tune == found.marsad_tune,
                "another version of the program",
            ),
            (self.corpus_digest == found.corpus_digest, "another corpus"),
            (self.seed == found.seed, "another seed"),
            (self.aim == found.aim, "another aim"),
            (self.vary == found.vary, "other settings varied"),
            (self.hold_out == found.hold_out, "another share held out"),
            (self.start == found.start, "other settings to begin from"),
        ];
        let other = parts.into_iter().find(|(same, _)| !same);
        other.map(|(_, what)| what)
    }
}
