//! Ctrl-C: nothing half done is left behind, and what is kept is told.

use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::console::{complain, fail_aside, rows_printed};
use crate::output_file::stop_all;

/// What shells expect of a program that was interrupted: 128 and the number of the signal.
pub(super) const INTERRUPTED: u8 = 130;

/// What a verb does at the first Ctrl-C, where it can stop by itself.
type Ask = Box<dyn Fn() + Send>;

static ASK: Mutex<Option<Ask>> = Mutex::new(None);

/// Lets a verb stop by itself: the first Ctrl-C only calls `ask`, the second ends the program as the
/// first does elsewhere.
pub(super) fn ask_first(ask: impl Fn() + Send + 'static) {
    *ASK.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(ask));
}

/// Ends the program at Ctrl-C, files that are not whole being removed first; a second Ctrl-C ends it
/// at once.
pub(super) fn handle() {
    let ends = AtomicBool::new(false);
    let handler = move || {
        if let Some(ask) = ASK.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return ask();
        }
        if ends.swap(true, Ordering::SeqCst) {
            process::exit(INTERRUPTED.into());
        }
        // The handler must be free for the second signal.
        std::thread::spawn(|| {
            end();
            process::exit(INTERRUPTED.into());
        });
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        complain(&format!("Ctrl-C will leave unfinished files: {error}"));
    }
}

/// Ends the program as Ctrl-C does, where a verb had something else to do first.
#[cfg(feature = "cluster")]
pub(super) fn end_now() -> ! {
    end();
    process::exit(INTERRUPTED.into());
}

fn end() {
    let stopped = stop_all();
    let list = |paths: &[PathBuf]| {
        let names: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        names.join(", ")
    };
    let mut told = match stopped.dropped.as_slice() {
        [] => "stopped".to_owned(),
        [one] => format!(
            "stopped; {} was not written, and what stood there before is as it was",
            one.display()
        ),
        several => format!(
            "stopped; not written, and as they were before: {}",
            list(several)
        ),
    };
    let rows = rows_printed();
    match stopped.kept.as_slice() {
        [] if rows > 0 => {
            told += &format!("; {rows} rows were printed whole, and perhaps a part of the next");
        }
        [] => told += "; nothing else was changed",
        kept => told += &format!("; kept: {}", list(kept)),
    }
    fail_aside(&told);
}
