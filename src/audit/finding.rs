//! What is found in a corpus.

use serde::Serialize;

use crate::corpus::{Record, RowPlace};
use crate::error::shortened;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; nothing need be done.
    Note,
    /// Figures or the model are likely to suffer.
    Warning,
    /// Rows are lost, or figures are wrong.
    Error,
}

impl Severity {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One kind of thing that was found, with all its rows.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// A stable name for programs.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// How many rows, or how many labels where it is about labels.
    pub count: usize,
    /// What was found.
    pub message: String,
    /// What to do.
    pub advice: &'static str,
    /// The rows, in the order of the corpus; none where it is about the corpus as a whole.
    pub rows: Vec<FoundRow>,
}

impl Finding {
    /// A finding about rows; nothing where there are none.
    pub(super) fn of_rows(
        (code, severity): (&'static str, Severity),
        rows: Vec<FoundRow>,
        message: &str,
        advice: &'static str,
    ) -> Option<Self> {
        (!rows.is_empty()).then(|| Self {
            code,
            severity,
            count: rows.len(),
            message: message.to_owned(),
            advice,
            rows,
        })
    }
}

/// A row of a finding.
#[derive(Clone, Debug, Serialize)]
pub struct FoundRow {
    /// The file.
    pub file: String,
    /// Line in that file, from 1.
    pub line: u64,
    /// The row's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its text, or as much of it as serves to know it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What is the matter with this row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Another row that it was compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similar_to: Option<SimilarRow>,
}

/// A row that another resembles.
#[derive(Clone, Debug, Serialize)]
pub struct SimilarRow {
    /// The file.
    pub file: String,
    /// Line in that file, from 1.
    pub line: u64,
    /// The row's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Share of common character 5-grams, from 0 to 1.
    pub similarity: f64,
}

impl FoundRow {
    /// A row of a corpus.
    pub(super) fn of(record: &Record) -> Self {
        Self {
            file: record.file.display().to_string(),
            line: record.line,
            id: record.has_id().then(|| record.id.clone()),
            text: Some(shortened(record.text.trim())),
            detail: None,
            similar_to: None,
        }
    }

    /// A row that could not be read as one.
    pub(super) fn at(place: &RowPlace) -> Self {
        Self {
            file: place.file.display().to_string(),
            line: place.line,
            id: place.id.clone(),
            text: None,
            detail: None,
            similar_to: None,
        }
    }

    pub(super) fn with_detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..self
        }
    }

    pub(super) fn similar_to(self, record: &Record, similarity: f64) -> Self {
        Self {
            similar_to: Some(SimilarRow {
                file: record.file.display().to_string(),
                line: record.line,
                id: record.has_id().then(|| record.id.clone()),
                similarity,
            }),
            ..self
        }
    }
}
