//! Rows of annotated files as they stand, those without annotation or text among them.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::labels::LabelSet;
use super::read::CorpusReader;
use super::rows::NumberedRow;
use super::stream::RecordStream;
use crate::error::{Error, Result};

/// A row of an annotated file: nothing is left out and nothing filled in, other than in
/// [`super::Record`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CorpusRow {
    /// The corpus's own id.
    pub id: Option<String>,
    /// The document it belongs to.
    pub doc: Option<String>,
    /// The sentence.
    pub text: String,
    /// The labels that hold, as they are written; empty when annotated as none, nothing when not
    /// annotated.
    pub labels: Option<LabelSet>,
    /// Labels on which readers could differ.
    pub unsure: LabelSet,
    /// Who annotated it.
    pub annotator: Option<String>,
    /// The other fields of its row that the reader was asked to keep; see [`super::KeptFields`].
    pub fields: Map<String, Value>,
    /// The file it was read from.
    pub file: Arc<PathBuf>,
    /// Line in that file, from 1.
    pub line: u64,
}

/// Reads the rows of some files one by one; ends after the first error.
pub struct CorpusRows<'a> {
    reader: &'a CorpusReader,
    rows: Option<RecordStream<'a>>,
}

impl CorpusReader {
    /// All rows of files one by one, in the order given. Texts are not compared; rows without
    /// annotation or text are there.
    pub fn rows<'a>(&'a self, paths: &'a [PathBuf]) -> CorpusRows<'a> {
        CorpusRows {
            reader: self,
            rows: Some(self.stream(paths)),
        }
    }
}

impl CorpusRows<'_> {
    fn row(&self, file: Arc<PathBuf>, (line, row): NumberedRow) -> Result<CorpusRow> {
        let in_row = |message| Error::Row {
            path: file.to_path_buf(),
            line,
            message,
        };
        let row = row.map_err(in_row)?;
        let names = |names: &[String]| {
            let names = names.iter().map(String::as_str);
            self.reader.aliases().read_names(names).map_err(in_row)
        };
        Ok(CorpusRow {
            id: row.id,
            doc: row.doc,
            labels: row.labels.as_deref().map(names).transpose()?,
            unsure: names(&row.unsure)?,
            text: row.text,
            annotator: row.annotator,
            fields: row.fields,
            file,
            line,
        })
    }
}

impl Iterator for CorpusRows<'_> {
    type Item = Result<CorpusRow>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.rows.as_mut()?.row().transpose()?;
        let row = found.and_then(|(file, row)| self.row(file, row));
        if row.is_err() {
            self.rows = None;
        }
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::KeptFields;

    #[test]
    fn nothing_is_left_out_or_filled_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let lines = [
            r#"{"text":"a","labels":["x","x.y"],"unsure":["z"],"annotator":3,"more":null}"#,
            r#"{"text":"","labels":[]}"#,
            r#"{"text":"b","id":"7"}"#,
            r#"{"text":5}"#,
            r#"{"text":"c"}"#,
        ];
        std::fs::write(&path, lines.join("\n")).unwrap();
        let paths = [path];
        let reader = CorpusReader::default().keeping(KeptFields::All);
        let rows: Vec<Result<CorpusRow>> = reader.rows(&paths).collect();
        assert_eq!(rows.len(), 4, "the error ends them");
        let row = |place: usize| rows[place].as_ref().unwrap();
        let labels = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(row(0).labels, Some(labels(&["x", "x.y"])));
        assert_eq!(row(0).unsure, labels(&["z"]));
        assert_eq!(row(0).annotator.as_deref(), Some("3"));
        assert_eq!(row(0).fields["more"], Value::Null);
        assert_eq!((&row(1).labels, &*row(1).text), (&Some(labels(&[])), ""));
        assert_eq!((&row(2).labels, row(2).id.as_deref()), (&None, Some("7")));
        assert!(rows[3].as_ref().unwrap_err().to_string().contains("line 4"));
    }
}
