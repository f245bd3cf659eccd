//! The formats of labelled rows, and what rows hold whatever their format.

use std::path::Path;

use crate::columnar::Container;
use crate::corpus::{CodingColumns, ending};

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// One JSON object a line.
    #[default]
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// Labels and sentence for people to read.
    Table,
    /// Parquet, compressed with Snappy.
    Parquet,
    /// A stream of Arrow IPC.
    Arrow,
    /// Tasks of Label Studio with predictions.
    #[value(alias = "labelstudio")]
    LabelStudio,
    /// JSON Lines of doccano with labels.
    Doccano,
    /// JSON Lines of Prodigy's choice interface.
    Prodigy,
}

/// A format in which rows are bytes one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFormat {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// Lines for people.
    Table,
    /// An array of tasks.
    LabelStudio,
    /// One JSON object a line, as doccano imports them.
    Doccano,
    /// One JSON object a line, as Prodigy reads them.
    Prodigy,
}

/// What a format needs of its writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormatKind {
    /// Bytes appended row by row.
    Text(TextFormat),
    /// Batches of columns.
    Columns(Container),
}

impl OutputFormat {
    /// The format that a file's name asks for; JSON Lines where it asks for none.
    pub fn of(path: &Path) -> Self {
        match ending(path).as_str() {
            "csv" => Self::Csv,
            "tsv" | "tab" => Self::Tsv,
            "parquet" => Self::Parquet,
            "arrow" | "arrows" => Self::Arrow,
            _ => Self::Jsonl,
        }
    }

    pub(crate) fn kind(self) -> FormatKind {
        match self {
            Self::Jsonl => FormatKind::Text(TextFormat::Jsonl),
            Self::Csv => FormatKind::Text(TextFormat::Csv),
            Self::Tsv => FormatKind::Text(TextFormat::Tsv),
            Self::Table => FormatKind::Text(TextFormat::Table),
            Self::LabelStudio => FormatKind::Text(TextFormat::LabelStudio),
            Self::Doccano => FormatKind::Text(TextFormat::Doccano),
            Self::Prodigy => FormatKind::Text(TextFormat::Prodigy),
            Self::Parquet => FormatKind::Columns(Container::Parquet),
            Self::Arrow => FormatKind::Columns(Container::ArrowStream),
        }
    }
}

/// What rows of output hold, whatever their format.
#[derive(Clone, Debug, Default)]
pub struct RowLayout {
    /// The labels, parents included, in the order of the lists of [`super::Labelled`].
    pub labels: Vec<String>,
    /// Fields of the input that are carried along, in the order of [`super::Unit::kept`].
    pub keep: Vec<String>,
    /// Whether rows are marked to be read by hand.
    pub review: bool,
    /// Columns of another coding scheme.
    pub columns: Option<CodingColumns>,
    /// What pre-annotations name as the model that they come from.
    pub model: String,
}

impl RowLayout {
    /// The first column of the coding scheme that has the name of another column.
    pub(crate) fn clash(&self) -> Option<&str> {
        const NAMES: [&str; 10] = [
            "id",
            "doc",
            "line",
            "start",
            "end",
            "text",
            "labels",
            "review",
            "furniture",
            "error",
        ];
        const PREFIXES: [&str; 3] = ["score.", "evidence.", "input."];
        let names = self.columns.iter().flat_map(CodingColumns::names);
        let mut names = names.map(String::as_str);
        names.find(|name| {
            let evidence = *name == "evidence";
            let prefixed = PREFIXES.iter().any(|prefix| name.starts_with(prefix));
            evidence || prefixed || NAMES.contains(name)
        })
    }

    /// The values of the coding scheme's columns for a row; nothing without one.
    pub(super) fn coded(&self, holds: &[bool]) -> Vec<String> {
        let Some(columns) = &self.columns else {
            return Vec::new();
        };
        let held = self.labels.iter().zip(holds);
        columns.values(
            held.filter(|(_, holds)| **holds)
                .map(|(label, _)| label.as_str()),
        )
    }
}
