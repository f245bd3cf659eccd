//! Reading annotated corpora of any supported format into records.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Corpus;
use super::labels::{Aliases, LabelSet, display};
use super::record::{ReadCounts, Record};
use super::row::KeptFields;
use super::rows::{FileRows, NumberedRow};
use super::stream::RecordStream;
use crate::error::{Annotated, Error, Result};

/// What to do with texts that are annotated in more than one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Contradictions {
    /// Stop with an error that names both rows.
    #[default]
    Refuse,
    /// Keep every row, and count the texts.
    Keep,
    /// Leave out every row of such a text, and count the texts.
    Drop,
}

/// Reads corpora from files, `-` being standard input.
#[derive(Clone, Debug, Default)]
pub struct CorpusReader {
    aliases: Aliases,
    contradictions: Contradictions,
    kept: KeptFields,
}

impl CorpusReader {
    /// A reader that renames labels by `aliases` and treats contradictory rows as told.
    pub fn new(aliases: Aliases, contradictions: Contradictions) -> Self {
        Self {
            aliases,
            contradictions,
            kept: KeptFields::None,
        }
    }

    /// The same reader, keeping other fields of the rows as well.
    pub fn keeping(self, kept: KeptFields) -> Self {
        Self { kept, ..self }
    }

    /// Reads files in the order given; the format of each is known by its name
    /// (`.jsonl`, `.csv`, `.tsv`, with `.gz` or `.zst` behind), else by its first character.
    ///
    /// # Errors
    /// At the first file that cannot be read, row that cannot be understood, or text annotated
    /// in two ways; each names file and line.
    pub fn read(&self, paths: &[PathBuf]) -> Result<Corpus> {
        let mut collector = Collector::new(self);
        for path in paths {
            collector.read(path, FileRows::open(path, &self.kept)?)?;
        }
        collector.finish()
    }

    /// Reads JSON Lines held in memory; `name` stands for the file in ids and errors.
    ///
    /// # Errors
    /// As [`CorpusReader::read`].
    pub fn read_memory(&self, parts: &[(&str, &'static [u8])]) -> Result<Corpus> {
        let mut collector = Collector::new(self);
        for (name, content) in parts {
            let path = Path::new(name);
            let rows = FileRows::lines(path, Box::new(*content), &self.kept);
            collector.read(path, rows)?;
        }
        collector.finish()
    }

    /// The record that a row stands for, counted; nothing for a row without annotation or text.
    pub(super) fn record(
        &self,
        file: &Arc<PathBuf>,
        (line, row): NumberedRow,
        counts: &mut ReadCounts,
    ) -> Result<Option<Record>> {
        let in_row = |message| Error::Row {
            path: file.to_path_buf(),
            line,
            message,
        };
        let row = row.map_err(in_row)?;
        let Some(names) = row.labels else {
            counts.unannotated += 1;
            return Ok(None);
        };
        if row.text.trim().is_empty() {
            counts.empty += 1;
            return Ok(None);
        }
        let labels_of = |names: &[String]| -> Result<LabelSet> {
            self.aliases
                .read_labels(names.iter().map(String::as_str))
                .map_err(in_row)
        };
        let record = Record {
            labels: labels_of(&names)?,
            unsure: labels_of(&row.unsure)?,
            id: row
                .id
                .unwrap_or_else(|| format!("{}:{line}", file.display())),
            // A text without a document is its own, so that its repeats stay in one fold.
            doc: row
                .doc
                .unwrap_or_else(|| format!("text:{}", row.text.trim())),
            text: row.text,
            annotator: row.annotator,
            fields: row.fields,
            file: file.clone(),
            line,
        };
        counts.annotated += 1;
        Ok(Some(record))
    }

    /// Other names of labels.
    pub(super) fn aliases(&self) -> &Aliases {
        &self.aliases
    }

    /// Which other fields are kept.
    pub(super) fn kept(&self) -> &KeptFields {
        &self.kept
    }

    /// Reads the records of files one by one, in the order given. Texts are not compared: repeats
    /// and contradictions are not found.
    pub fn stream<'a>(&'a self, paths: &'a [PathBuf]) -> RecordStream<'a> {
        RecordStream::new(self, paths)
    }
}

/// The error of a corpus in which no row can be learnt from.
pub(crate) fn empty_corpus(counts: &ReadCounts) -> Error {
    Error::Corpus(format!(
        "the corpus is empty: no annotated sentence was found ({} rows without annotation, {} without text)",
        counts.unannotated, counts.empty
    ))
}

struct Collector<'a> {
    reader: &'a CorpusReader,
    records: Vec<Record>,
    counts: ReadCounts,
    /// For each text: the first row that holds it.
    first_rows: HashMap<String, usize>,
    /// Texts with more than one annotation.
    contradictory: std::collections::BTreeSet<String>,
}

impl<'a> Collector<'a> {
    fn new(reader: &'a CorpusReader) -> Self {
        Self {
            reader,
            records: Vec::new(),
            counts: ReadCounts::default(),
            first_rows: HashMap::new(),
            contradictory: std::collections::BTreeSet::new(),
        }
    }

    fn read(&mut self, path: &Path, rows: FileRows) -> Result<()> {
        let file = Arc::new(path.to_path_buf());
        for row in rows {
            let record = self.reader.record(&file, row?, &mut self.counts)?;
            if let Some(record) = record {
                self.compare(&record)?;
                self.records.push(record);
            }
        }
        Ok(())
    }

    /// Counts a repeated text, or treats a contradictory one as the reader was told.
    fn compare(&mut self, record: &Record) -> Result<()> {
        let text = record.text.trim();
        let Some(&earlier) = self.first_rows.get(text) else {
            self.first_rows.insert(text.to_owned(), self.records.len());
            return Ok(());
        };
        let first = &self.records[earlier];
        if first.labels == record.labels {
            self.counts.repeated += 1;
            return Ok(());
        }
        if self.reader.contradictions == Contradictions::Refuse {
            let annotated = |record: &Record| {
                Box::new(Annotated {
                    place: record.place(),
                    labels: display(&record.labels),
                })
            };
            return Err(Error::Contradiction {
                first: annotated(first),
                second: annotated(record),
            });
        }
        self.contradictory.insert(text.to_owned());
        Ok(())
    }

    fn finish(mut self) -> Result<Corpus> {
        self.counts.contradictory = self.contradictory.len();
        if self.reader.contradictions == Contradictions::Drop {
            let contradictory = &self.contradictory;
            self.records
                .retain(|record| !contradictory.contains(record.text.trim()));
            self.counts.annotated = self.records.len();
        }
        if self.records.is_empty() {
            return Err(empty_corpus(&self.counts));
        }
        Ok(Corpus::new(self.records, self.counts))
    }
}
