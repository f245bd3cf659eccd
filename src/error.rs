//! One error type for the library: each error names the file, line and field where it can.

use std::path::PathBuf;

/// What can go wrong in reading, training, loading and predicting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be opened, read or written.
    #[error("{}: {}", path.display(), plain(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A row of a corpus or of input that cannot be understood.
    #[error("{}, line {line}: {message}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Line in the file, from 1.
        line: u64,
        /// What is wrong and what to do.
        message: String,
    },
    /// A file as a whole that cannot be understood.
    #[error("{}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// The same text annotated in two ways.
    #[error(
        "{} and {} hold the same text with different labels ({} against {}); correct one of them, \
         or choose with --contradictions keep or drop",
        first.place, second.place, first.labels, second.labels
    )]
    Contradiction {
        /// The row read first.
        first: Box<Annotated>,
        /// The row that contradicts it.
        second: Box<Annotated>,
    },
    /// The corpus cannot be trained on or measured with.
    #[error("{0}")]
    Corpus(String),
    /// A setting with a value outside what it allows.
    #[error("{name} = {value}: must be {allowed}")]
    Setting {
        /// The setting's name as in the configuration file.
        name: &'static str,
        /// The value given.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A model that cannot be made as small as was asked.
    #[error("size = {size}: the model cannot be made so small; the least is {least} bytes")]
    Size {
        /// Bytes asked for.
        size: usize,
        /// Bytes of the smallest model.
        least: usize,
    },
    /// A run that would need more memory than it may have.
    #[error("{0}")]
    Memory(String),
    /// A model file that is damaged, foreign or too new.
    #[error("{}: {message}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// An error of linfa or of one of its estimators.
    #[error("the estimator failed: {0}")]
    Estimator(String),
    /// The subword tokeniser could not be trained or read.
    #[error("the subword tokeniser failed: {0}")]
    Subwords(String),
    /// A cluster that cannot be reached, run or asked.
    #[cfg(feature = "cluster")]
    #[error("{0}")]
    Cluster(String),
    /// A statement of SQL that cannot be understood or carried out.
    #[error("{0}")]
    Sql(String),
    /// A plot of a report could not be drawn.
    #[error("a plot could not be drawn: {0}")]
    Plot(String),
}

/// Where a row stands and what it says, for errors that compare rows.
#[derive(Debug)]
pub struct Annotated {
    /// File and line.
    pub place: String,
    /// Its labels, or "none".
    pub labels: String,
}

impl Error {
    /// Wraps an error of the system with the file it belongs to.
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io {
            path: path.into(),
            source,
        }
    }
}

impl From<linfa::Error> for Error {
    fn from(error: linfa::Error) -> Self {
        Self::Estimator(error.to_string())
    }
}

/// Result of the library's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// What the system said, in plain words where it is a frequent mistake, without its number.
fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file or folder".into(),
        std::io::ErrorKind::PermissionDenied => "permission is denied".into(),
        std::io::ErrorKind::StorageFull => "the disk is full".into(),
        std::io::ErrorKind::IsADirectory => "is a folder; name a file".into(),
        std::io::ErrorKind::NotADirectory => "a part of this path is a file, not a folder".into(),
        _ => {
            let message = error.to_string();
            let numbered = message.rsplit_once(" (os error ");
            numbered.map_or(message.clone(), |(what, _)| what.to_owned())
        }
    }
}

/// A message of several lines as one.
pub(crate) fn one_line(message: &str) -> String {
    message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.chars().all(|c| matches!(c, '|' | '^' | ' ')))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The error of a label that a model does not know.
pub(crate) fn label_not_known<'l>(label: &str, known: impl Iterator<Item = &'l str>) -> Error {
    let known: Vec<&str> = known.collect();
    Error::Corpus(format!(
        "the model does not know the label {label:?}; it knows {}",
        known.join(", ")
    ))
}

/// A piece of input short enough to stand in a message.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 120;
    if text.chars().nth(LONGEST).is_none() {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}
