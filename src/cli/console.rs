//! What the program says, where, and how it fails.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde_json::{Value, json};

use crate::corpus::bytes_read;
use crate::error::Error;

/// Why a verb could not be carried out.
pub(super) enum Failure {
    /// Nobody reads the output any more.
    BrokenPipe,
    /// One line for the user.
    Told(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => {
                Self::BrokenPipe
            }
            error => Self::Told(error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::Told(format!("standard output: {error}")),
        }
    }
}

/// Prints to standard output, a broken pipe being no panic.
pub(super) fn say(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{text}")?;
    output.flush()
}

/// How the program speaks on standard error.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Voice {
    /// Neither progress nor remarks.
    pub(super) quiet: bool,
    /// Lines of JSON.
    pub(super) json: bool,
    /// The program that speaks, where it is not `marsad`.
    pub(super) program: Option<&'static str>,
}

static VOICE: OnceLock<Voice> = OnceLock::new();

impl Voice {
    /// Decides it for the whole run.
    pub(super) fn set(self) {
        // It is set once, before anything is said.
        let _ = VOICE.set(self);
    }

    fn now() -> Self {
        VOICE.get().copied().unwrap_or_default()
    }
}

/// Rows that were printed whole.
static PRINTED: AtomicU64 = AtomicU64::new(0);

/// Tells that so many rows have been printed whole, for the case that the run is stopped.
pub(super) fn printed(rows: usize) {
    PRINTED.store(rows as u64, Ordering::Relaxed);
}

/// How many rows have been printed whole.
pub(super) fn rows_printed() -> u64 {
    PRINTED.load(Ordering::Relaxed)
}

/// A remark: one line on standard error, left out under `--quiet`.
pub(super) fn complain(message: &str) {
    if !Voice::now().quiet {
        tell("warning", message);
    }
}

/// What is being done, for those who asked to hear of it: one line on standard error.
#[cfg(feature = "cluster")]
pub(super) fn mention(message: &str) {
    tell("info", message);
}

/// What ends the run from another thread, on a line of its own where a bar may stand.
pub(super) fn fail_aside(message: &str) {
    if io::stderr().is_terminal() && !Voice::now().json {
        let _ = write!(io::stderr().lock(), "\r\u{1b}[2K");
    }
    fail(message);
}

/// What went wrong: one line on standard error, always.
pub(super) fn fail(message: &str) {
    tell("error", message);
}

fn tell(level: &str, message: &str) {
    if Voice::now().json {
        return log(&json!({"event": "remark", "level": level, "message": message}));
    }
    let visible = |sign: char| if sign.is_control() { ' ' } else { sign };
    let line: String = message.chars().map(visible).collect();
    // Where even this fails there is nobody left to tell.
    let program = Voice::now().program.unwrap_or("marsad");
    let _ = writeln!(io::stderr().lock(), "{program}: {line}");
}

fn log(event: &Value) {
    let _ = writeln!(io::stderr().lock(), "{event}");
}

/// Whether standard output takes colours: a terminal does, unless `NO_COLOR` is set; anything does
/// where `CLICOLOR_FORCE` is.
pub(super) fn colours() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    !is_set("NO_COLOR") && ((forced && is_set("CLICOLOR_FORCE")) || is_terminal())
}

/// Whether people read standard output on a terminal.
pub(super) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// A text that may run from right to left, between marks that keep the order of what stands beside it;
/// bare where no terminal shows it.
pub(super) fn isolated(text: &str) -> String {
    match is_terminal() {
        true => format!("\u{2068}{text}\u{2069}"),
        false => text.to_owned(),
    }
}

/// How far some work is: a bar on standard error, hidden when that is no terminal, or lines of JSON.
pub(super) struct Progress {
    bar: ProgressBar,
    logged: Option<Mutex<Logged>>,
}

/// What was logged last.
struct Logged {
    at: Instant,
    message: String,
}

/// The bar's own steps are logged at most this often.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// A bar on standard error. Where the length is known the time left stands behind the time passed.
pub(super) fn progress(length: Option<u64>, template: &str) -> Progress {
    let voice = Voice::now();
    let bar = match length {
        Some(length) => ProgressBar::new(length),
        None => ProgressBar::new_spinner(),
    };
    if voice.quiet || voice.json || !io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let template = match length {
        Some(_) => template.replace("({elapsed})", "({elapsed}, {eta} left)"),
        None => template.to_owned(),
    };
    let template = template.replace("{per_sec}", "{rate}");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        let read = |_: &ProgressState, line: &mut dyn fmt::Write| {
            let _ = write!(line, "{}", megabytes(bytes_read()));
        };
        let rate = |state: &ProgressState, line: &mut dyn fmt::Write| {
            let _ = write!(line, "{:.0} a second", state.per_sec());
        };
        bar.set_style(style.with_key("read", read).with_key("rate", rate));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    let logged = Logged {
        at: Instant::now(),
        message: String::new(),
    };
    Progress {
        bar,
        logged: (voice.json && !voice.quiet).then(|| Mutex::new(logged)),
    }
}

/// A bar over the bytes of files, as far as their sizes are known; `{rows}` are told by
/// [`Progress::set_rows`].
pub(super) fn reading_progress<'p>(files: impl IntoIterator<Item = &'p PathBuf>) -> Progress {
    let sizes = files.into_iter().map(|path| {
        let found = std::fs::metadata(path).ok()?;
        found.is_file().then_some(found.len())
    });
    match sizes.sum::<Option<u64>>() {
        Some(bytes) => progress(
            Some(bytes),
            "{bar:30} {percent}% {msg}, {bytes_per_sec} ({elapsed})",
        ),
        None => progress(None, "{spinner} {msg}, {read} read ({elapsed})"),
    }
}

/// Shows how much of some files has been read, by work that tells nothing itself.
pub(super) fn reading<'p>(files: impl IntoIterator<Item = &'p PathBuf>) -> Progress {
    let sizes = files.into_iter().map(|path| {
        let found = std::fs::metadata(path).ok()?;
        found.is_file().then_some(found.len())
    });
    let all = sizes.sum::<Option<u64>>();
    let before = bytes_read();
    let bar = progress(None, "{spinner} reading: {so_far} ({elapsed})");
    let so_far = move |state: &ProgressState, line: &mut dyn fmt::Write| {
        let done = bytes_read().saturating_sub(before);
        let _ = match all.filter(|&all| done > 0 && done <= all) {
            None => write!(line, "{}", megabytes(done)),
            Some(all) => {
                let left = state.elapsed().as_secs_f64() * (all - done) as f64 / done as f64;
                let left = HumanDuration(Duration::from_secs_f64(left.min(1e9)));
                write!(
                    line,
                    "{} of {}, {left:#} left",
                    megabytes(done),
                    megabytes(all)
                )
            }
        };
    };
    let style = ProgressStyle::with_template("{spinner} reading: {so_far} ({elapsed})");
    if let Ok(style) = style {
        bar.bar.set_style(style.with_key("so_far", so_far));
    }
    bar
}

impl Progress {
    /// Moves on by some steps.
    pub(super) fn inc(&self, steps: u64) {
        self.bar.inc(steps);
        self.log_now_and_then();
    }

    /// Adds steps that are still to be done.
    pub(super) fn inc_length(&self, steps: u64) {
        self.bar.inc_length(steps);
    }

    /// Tells how many steps there are.
    pub(super) fn set_length(&self, steps: u64) {
        self.bar.set_length(steps);
    }

    /// Moves on to a step.
    pub(super) fn set_position(&self, position: u64) {
        self.bar.set_position(position);
        self.log_now_and_then();
    }

    /// Tells what is being done.
    pub(super) fn set_message(&self, message: impl Into<String>) {
        let message = message.into();
        let Some(logged) = &self.logged else {
            return self.bar.set_message(message);
        };
        // A poisoned lock only means that another thread stopped while it logged.
        let mut last = logged.lock().unwrap_or_else(PoisonError::into_inner);
        if last.message != message {
            last.message = message;
            if last.at.elapsed() >= LOG_EVERY || self.bar.length().is_some() {
                self.log(&mut last);
            }
        }
    }

    /// Tells how many rows were done, of files of which so many bytes were read before.
    pub(super) fn set_rows(&self, rows: usize, bytes_before: u64) {
        let done = bytes_read().saturating_sub(bytes_before);
        self.bar
            .set_position(done.min(self.bar.length().unwrap_or(done)));
        let message = format!("{rows} rows");
        match &self.logged {
            None => self.bar.set_message(message),
            Some(logged) => {
                let mut last = logged.lock().unwrap_or_else(PoisonError::into_inner);
                last.message = message;
            }
        }
        self.log_now_and_then();
    }

    /// Says something else while the bar is not shown.
    pub(super) fn suspend<T>(&self, work: impl FnOnce() -> T) -> T {
        self.bar.suspend(work)
    }

    /// Hides the bar, where rows are printed on the terminal that it would stand on.
    pub(super) fn hide(&self) {
        self.bar.set_draw_target(ProgressDrawTarget::hidden());
    }

    /// Takes the bar away.
    pub(super) fn finish_and_clear(&self) {
        self.bar.finish_and_clear();
    }

    fn log_now_and_then(&self) {
        if let Some(logged) = &self.logged {
            let mut last = logged.lock().unwrap_or_else(PoisonError::into_inner);
            if last.at.elapsed() >= LOG_EVERY {
                self.log(&mut last);
            }
        }
    }

    fn log(&self, last: &mut Logged) {
        last.at = Instant::now();
        log(&json!({
            "event": "progress",
            "level": "info",
            "message": last.message,
            "done": self.bar.position(),
            "total": self.bar.length(),
        }));
    }
}

/// A share as people write it.
pub(super) fn percent(share: f64) -> String {
    format!("{}%", (1000.0 * share).round() / 10.0)
}

/// Bytes for people.
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
