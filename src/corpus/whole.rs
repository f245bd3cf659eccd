//! Rows of annotated files as they stand, those without annotation or text among them.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::joining::{ReadRecord, join_answers};
use super::labels::LabelSet;
use super::read::CorpusReader;
use super::record::{ReadCounts, Record};
use super::row::LeftOut;
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
///
/// Answers to one label at a time are joined to rows as [`CorpusReader::read`] joins them: from the first
/// of them on, all rows are held in memory.
pub struct CorpusRows<'a> {
    reader: &'a CorpusReader,
    rows: Option<RecordStream<'a>>,
    /// All labels so far.
    labels: LabelSet,
    joined: std::vec::IntoIter<CorpusRow>,
    counts: ReadCounts,
}

impl CorpusReader {
    /// All rows of files one by one, in the order given. Texts are not compared; rows without
    /// annotation or text are there.
    pub fn rows<'a>(&'a self, paths: &'a [PathBuf]) -> CorpusRows<'a> {
        CorpusRows {
            reader: self,
            rows: Some(self.stream(paths)),
            labels: LabelSet::new(),
            joined: Vec::new().into_iter(),
            counts: ReadCounts::default(),
        }
    }
}

/// A row with the labels that were asked about, where nothing was said of others.
type Answer = (CorpusRow, Option<LabelSet>);

impl CorpusRows<'_> {
    /// What was read so far. Rows that annotators skipped, ignored or rejected are there, without
    /// annotation.
    pub fn counts(&self) -> &ReadCounts {
        &self.counts
    }

    fn row(&mut self, file: Arc<PathBuf>, (line, row): NumberedRow) -> Result<Answer> {
        let in_row = |message| Error::Row {
            path: file.to_path_buf(),
            line,
            message,
        };
        let row = row.map_err(in_row)?;
        self.count(row.left_out, row.labels.is_some());
        let names = |names: &[String]| {
            let names = names.iter().map(String::as_str);
            self.reader.aliases().read_names(names).map_err(in_row)
        };
        let (id, doc) = match row.sentence {
            None => (row.id, row.doc),
            // The sentences of one text are told apart as where they are read for training. Without an
            // id their document is the text.
            Some(sentence) => {
                let id = row.id.as_ref().map(|whole| format!("{whole}:{sentence}"));
                (id, row.doc.or(row.id))
            }
        };
        let asked = row.asked.as_deref().map(names).transpose()?;
        let row = CorpusRow {
            id,
            doc,
            labels: row.labels.as_deref().map(names).transpose()?,
            unsure: names(&row.unsure)?,
            text: row.text,
            annotator: row.annotator,
            fields: row.fields,
            file,
            line,
        };
        Ok((row, asked))
    }

    fn count(&mut self, left_out: Option<LeftOut>, annotated: bool) {
        let counts = &mut self.counts;
        match left_out {
            Some(LeftOut::Skipped) => counts.skipped += 1,
            Some(LeftOut::Ignored) => counts.ignored += 1,
            Some(LeftOut::Rejected) => counts.rejected += 1,
            None if annotated => counts.annotated += 1,
            None => counts.unannotated += 1,
        }
    }

    /// The next row as it stands; nothing at the end.
    fn read(&mut self) -> Result<Option<Answer>> {
        let Some(rows) = &mut self.rows else {
            return Ok(None);
        };
        let found = rows.row()?;
        found.map(|(file, row)| self.row(file, row)).transpose()
    }

    fn next_row(&mut self) -> Result<Option<CorpusRow>> {
        if let Some(row) = self.joined.next() {
            return Ok(Some(row));
        }
        let Some((row, asked)) = self.read()? else {
            return Ok(None);
        };
        if asked.is_none() {
            let new = row
                .labels
                .iter()
                .flatten()
                .filter(|label| !self.labels.contains(*label));
            let new: Vec<String> = new.cloned().collect();
            self.labels.extend(new);
            return Ok(Some(row));
        }
        let mut rest = vec![(row, asked)];
        while let Some(answer) = self.read()? {
            rest.push(answer);
        }
        self.rows = None;
        self.joined = self.join(rest).into_iter();
        Ok(self.joined.next())
    }

    /// Joins answers on the same text.
    fn join(&mut self, rows: Vec<Answer>) -> Vec<CorpusRow> {
        // The records stand for the rows, with their places instead of lines; the first for all rows
        // that were handed over before.
        let record = |place: usize, row: &CorpusRow| Record {
            id: row.id.clone().unwrap_or_default(),
            doc: row.doc.clone().unwrap_or_default(),
            text: row.text.clone(),
            labels: row.labels.clone().unwrap_or_default(),
            unsure: row.unsure.clone(),
            annotator: row.annotator.clone(),
            fields: Map::new(),
            file: row.file.clone(),
            line: place as u64,
        };
        let before = CorpusRow {
            labels: Some(self.labels.clone()),
            ..CorpusRow::default()
        };
        let mut records = vec![ReadRecord {
            record: record(rows.len(), &before),
            has_id: false,
            sentence: None,
            asked: None,
        }];
        for (place, (row, asked)) in rows.iter().enumerate() {
            records.push(ReadRecord {
                record: record(place, row),
                has_id: row.id.is_some(),
                // No answer to one label is cut.
                sentence: None,
                asked: asked.clone(),
            });
        }
        let mut rows: Vec<Option<Answer>> = rows.into_iter().map(Some).collect();
        let annotated = self.counts.annotated;
        let joined = join_answers(records, &mut self.counts);
        self.counts.annotated = annotated;
        let joined = joined.into_iter().filter_map(|read| {
            let place = usize::try_from(read.record.line).ok()?;
            let (mut row, asked) = rows.get_mut(place)?.take()?;
            if asked.is_some() {
                row.labels = Some(read.record.labels);
                row.unsure = read.record.unsure;
            }
            Some(row)
        });
        joined.collect()
    }
}

impl Iterator for CorpusRows<'_> {
    type Item = Result<CorpusRow>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.next_row();
        if row.is_err() {
            self.rows = None;
        }
        row.transpose()
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

    #[test]
    fn answers_are_joined_and_what_was_left_out_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let first = folder.path().join("a.jsonl");
        std::fs::write(&first, r#"{"text":"a","labels":["w"]}"#).unwrap();
        let second = folder.path().join("b.jsonl");
        let lines = [
            r#"{"text":"b","label":"x","answer":"accept"}"#,
            r#"{"text":"c","label":"x","answer":"reject"}"#,
            r#"{"text":"b","label":"y","answer":"reject"}"#,
            r#"{"text":"d","label":"y","answer":"ignore"}"#,
        ];
        std::fs::write(&second, lines.join("\n")).unwrap();
        let paths = [first, second];
        let reader = CorpusReader::default();
        let mut rows = reader.rows(&paths);
        let read: Vec<CorpusRow> = rows.by_ref().map(Result::unwrap).collect();
        let names = |labels: &LabelSet| labels.iter().cloned().collect::<Vec<_>>().join("|");
        let said: Vec<_> = read
            .iter()
            .map(|row| {
                (
                    &*row.text,
                    row.labels.as_ref().map(names),
                    names(&row.unsure),
                )
            })
            .collect();
        let expected = [
            ("a", Some("w"), ""),
            ("b", Some("x"), "w"),
            ("c", Some(""), "w|y"),
            ("d", None, ""),
        ];
        let expected = expected
            .map(|(text, labels, unsure)| (text, labels.map(str::to_owned), unsure.to_owned()));
        assert_eq!(said, expected);
        assert_eq!((rows.counts().ignored, rows.counts().answers), (1, 3));
    }
}
