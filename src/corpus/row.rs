//! A row as it stands in a file, before labels are checked.

use super::labels::split_cell;

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
    /// The value of the field that rows are grouped by.
    pub(super) group: Option<String>,
}

/// The names in one cell; an empty cell means "not annotated".
pub(super) fn cell_labels(cell: &str) -> Option<Vec<String>> {
    (!cell.trim().is_empty()).then(|| split_cell(cell).map(str::to_owned).collect())
}
