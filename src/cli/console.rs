//! What the program says, where, and how it fails.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

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

/// One line on standard error.
pub(super) fn complain(message: &str) {
    let line: String = message
        .chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect();
    // Where even this fails there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "marsad: {line}");
}

/// Whether standard output takes colours.
pub(super) fn colours() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A bar on standard error, hidden when that is no terminal.
pub(super) fn progress(length: Option<u64>, template: &str) -> ProgressBar {
    let bar = match length {
        Some(length) => ProgressBar::new(length),
        None => ProgressBar::new_spinner(),
    };
    if !io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A share as people write it.
pub(super) fn percent(share: f64) -> String {
    format!("{}%", (1000.0 * share).round() / 10.0)
}

/// Bytes for people.
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
