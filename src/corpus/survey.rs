//! All rows of annotated files: those that can be learnt from, and those that cannot with the reason.

use std::path::PathBuf;
use std::sync::Arc;

use super::read::CorpusReader;
use super::record::{ReadCounts, Record};
use super::rows::FileRows;
use crate::error::{Error, Result};

/// Where a row stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowPlace {
    /// The file.
    pub file: Arc<PathBuf>,
    /// Line in that file, from 1.
    pub line: u64,
    /// The row's own id, where it can be read.
    pub id: Option<String>,
}

/// What annotated files hold, row by row, each row in one of the lists.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Rows with text and annotation.
    pub records: Vec<Record>,
    /// Rows that cannot be understood, with what is wrong.
    pub errors: Vec<(RowPlace, String)>,
    /// Rows without text.
    pub empty: Vec<RowPlace>,
    /// Rows without annotation.
    pub unannotated: Vec<RowPlace>,
}

impl Survey {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.records.len() + self.errors.len() + self.empty.len() + self.unannotated.len()
    }
}

impl CorpusReader {
    /// Reads files as [`CorpusReader::read`] does, but stops at no row: what is wrong with rows is
    /// listed, and texts are not compared.
    ///
    /// # Errors
    /// When a file cannot be read as a whole.
    pub fn survey(&self, paths: &[PathBuf]) -> Result<Survey> {
        let mut survey = Survey::default();
        for path in paths {
            let file = Arc::new(path.clone());
            for row in FileRows::open(path, self.kept())? {
                let (line, row) = row?;
                let place = |id: Option<String>| RowPlace {
                    file: file.clone(),
                    line,
                    id,
                };
                let id = row.as_ref().ok().and_then(|row| row.id.clone());
                let mut counts = ReadCounts::default();
                match self.record(&file, (line, row), &mut counts) {
                    Ok(Some(record)) => survey.records.push(record),
                    Ok(None) if counts.empty > 0 => survey.empty.push(place(id)),
                    Ok(None) => survey.unannotated.push(place(id)),
                    Err(Error::Row { message, .. }) => survey.errors.push((place(id), message)),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(survey)
    }
}

impl Record {
    /// Whether its row names a document; a text without one is taken for a document of its own.
    pub fn has_document(&self) -> bool {
        let own = self.doc.strip_prefix("text:");
        own.is_none_or(|text| text != self.text.trim())
    }

    /// Whether its row has an id of its own.
    pub fn has_id(&self) -> bool {
        self.id != format!("{}:{}", self.file.display(), self.line)
    }
}
