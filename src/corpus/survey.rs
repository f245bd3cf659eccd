//! All rows of annotated files: those that can be learnt from, and those that cannot with the reason.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::encoding::decoded;
use super::files::{can_be_read_twice, open, peek};
use super::format::files_of;
use super::joining::{ReadRecord, join_answers};
use super::labels::LabelSet;
use super::read::CorpusReader;
use super::record::{ReadCounts, Record};
use super::row::is_own_document;
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

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurveyedFile {
    /// The file.
    pub path: PathBuf,
    /// Whether each of its rows stands on lines of its own, as in JSON Lines and delimited text; not in
    /// spreadsheets, Parquet and Arrow.
    pub has_lines: bool,
}

/// What annotated files hold, row by row, each row in one of the lists.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The files, in the order in which they were read.
    pub files: Vec<SurveyedFile>,
    /// Rows with text and annotation.
    pub records: Vec<Record>,
    /// Rows that cannot be understood, with what is wrong.
    pub errors: Vec<(RowPlace, String)>,
    /// Rows without text.
    pub empty: Vec<RowPlace>,
    /// Rows without annotation, those that annotators skipped, ignored or rejected included.
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
    /// listed, texts are not compared, and each annotator of a sentence has a record. Answers on one
    /// label at a time are joined, unless rows are read separately.
    ///
    /// # Errors
    /// When a file cannot be read as a whole.
    pub fn survey(&self, paths: &[PathBuf]) -> Result<Survey> {
        let mut survey = Survey::default();
        let mut read = Vec::new();
        for path in paths {
            for file in files_of(path, self.reading())? {
                let rows = FileRows::open(&file, self.reading())?;
                let path = file.path;
                survey.files.push(SurveyedFile {
                    has_lines: match rows {
                        FileRows::Table(_) => true,
                        FileRows::Objects(_) => !self.is_array(&path)?,
                        FileRows::Cells(_) | FileRows::Read(_) => false,
                    },
                    path: path.clone(),
                });
                self.survey_rows(path, rows, &mut survey, &mut read)?;
            }
        }
        if !self.is_separate() {
            read = join_answers(read, &mut ReadCounts::default());
        }
        survey.records = read.into_iter().map(|row| row.record).collect();
        Ok(survey)
    }

    fn survey_rows(
        &self,
        path: PathBuf,
        rows: FileRows,
        survey: &mut Survey,
        read: &mut Vec<ReadRecord>,
    ) -> Result<()> {
        let file = Arc::new(path);
        for row in rows {
            let (line, row) = row?;
            let place = |id: Option<String>| RowPlace {
                file: file.clone(),
                line,
                id,
            };
            let id = row.as_ref().ok().and_then(|row| row.id.clone());
            let mut counts = ReadCounts::default();
            match self.record(&file, (line, row), &mut counts) {
                Ok(Some(record)) => read.push(record),
                Ok(None) if counts.empty > 0 => survey.empty.push(place(id)),
                Ok(None) => survey.unannotated.push(place(id)),
                Err(Error::Row { message, .. }) => survey.errors.push((place(id), message)),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether a file of objects is one array. One that can be read only once is not looked at.
    fn is_array(&self, path: &Path) -> Result<bool> {
        if !can_be_read_twice(path) {
            return Ok(false);
        }
        let mut reader = self.open_text(path)?;
        Ok(peek(path, &mut *reader)?.starts_with(b"["))
    }

    /// Reads the names of labels as rows give them.
    ///
    /// # Errors
    /// A message when a name is no possible label.
    pub(crate) fn read_labels<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> std::result::Result<LabelSet, String> {
        self.aliases().read_labels(names)
    }

    /// Opens a text file in the encoding that the reader was told.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) fn open_text(&self, path: &Path) -> Result<Box<dyn BufRead + Send>> {
        decoded(open(path)?, self.reading().encoding).map_err(|error| Error::io(path, error))
    }
}

impl Record {
    /// Whether its row names a document; a text without one is taken for a document of its own.
    pub fn has_document(&self) -> bool {
        !is_own_document(&self.doc, &self.text)
    }

    /// Whether its row has an id of its own.
    pub fn has_id(&self) -> bool {
        let place = format!("{}:{}", self.file.display(), self.line);
        let Some(rest) = self.id.strip_prefix(&place) else {
            return true;
        };
        // The sentences of a text without an id are numbered behind its place.
        let is_number =
            |number: &str| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
        !rest.is_empty() && !rest.strip_prefix(':').is_some_and(is_number)
    }
}
