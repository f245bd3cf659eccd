//! A row as it stands in a file, before labels are checked.

use serde_json::{Map, Value};

use super::labels::split_cell;

/// Fields that every format reads by these names.
pub(crate) const KNOWN_FIELDS: &[&str] = &[
    "text",
    "labels",
    "label",
    "unsure",
    "id",
    "doc",
    "annotator",
];

/// Which fields are kept beside the text and its annotation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeptFields {
    /// None.
    #[default]
    None,
    /// Those of these names; a table must have them all.
    Named(Vec<String>),
    /// All.
    All,
}

impl KeptFields {
    /// Whether a field of this name is kept.
    pub(super) fn keeps(&self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::Named(names) => names.iter().any(|kept| kept == name),
            Self::All => !KNOWN_FIELDS.contains(&name),
        }
    }
}

/// What is wrong with a row.
pub(super) type RowError = String;

/// A row as it stands in a file. `labels` is `None` when the row is not annotated.
#[derive(Default)]
pub(super) struct RawRow {
    pub(super) id: Option<String>,
    pub(super) doc: Option<String>,
    pub(super) text: String,
    pub(super) labels: Option<Vec<String>>,
    pub(super) unsure: Vec<String>,
    /// Who annotated it.
    pub(super) annotator: Option<String>,
    /// The other fields that were asked for.
    pub(super) fields: Map<String, Value>,
}

/// The names in one cell; an empty cell means "not annotated".
pub(super) fn cell_labels(cell: &str) -> Option<Vec<String>> {
    (!cell.trim().is_empty()).then(|| split_cell(cell).map(str::to_owned).collect())
}
