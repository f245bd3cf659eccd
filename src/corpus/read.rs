//! Reading annotated corpora of any supported format into records.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::{Blocks, Line, ending, open, peek};
use super::labels::{Aliases, LabelSet, display};
use super::record::{ReadCounts, Record};
use super::row::RawRow;
use super::stream::RecordStream;
use super::{Corpus, jsonl, table};
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

/// Formats of annotated corpora.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    JsonLines,
    Table { delimiter: u8 },
}

/// Reads corpora from files, `-` being standard input.
#[derive(Clone, Debug, Default)]
pub struct CorpusReader {
    aliases: Aliases,
    contradictions: Contradictions,
    group_field: Option<String>,
}

impl CorpusReader {
    /// A reader that renames labels by `aliases` and treats contradictory rows as told.
    pub fn new(aliases: Aliases, contradictions: Contradictions) -> Self {
        Self {
            aliases,
            contradictions,
            group_field: None,
        }
    }

    /// The same reader, keeping the field that rows are to be grouped by.
    pub fn grouped_by(self, field: Option<String>) -> Self {
        Self {
            group_field: field,
            ..self
        }
    }

    /// Reads files in the order given; the format of each is known by its name
    /// (`.jsonl`, `.csv`, `.tsv`, with `.gz` or `.zst` behind), else by its first character.
    ///
    /// # Errors
    /// At the first file that cannot be read, row that cannot be understood, or text annotated
    /// in two ways; each names file and line.
    pub fn read(&self, paths: &[PathBuf]) -> Result<Corpus> {
        let mut collector = Collector::new(self);
        let group_field = self.group_field.as_deref();
        for path in paths {
            let mut reader = open(path)?;
            match format_of(path, &mut *reader)? {
                Format::JsonLines => collector.read_lines(path, reader)?,
                Format::Table { delimiter } => {
                    let file = Arc::new(path.clone());
                    for (line, row) in table::read_rows(path, reader, delimiter, group_field)? {
                        collector.add(&file, line, row)?;
                    }
                }
            }
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
            collector.read_lines(path, Box::new(*content))?;
        }
        collector.finish()
    }

    /// The row that a line of JSON Lines holds, with its number; nothing for an empty line.
    pub(super) fn line(&self, path: &Path, line: &Line<'_>) -> Result<Option<(u64, RawRow)>> {
        let number = line.number;
        let text = line.text.map_err(|byte| Error::Encoding {
            path: path.into(),
            line: number,
            byte,
        })?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        match jsonl::read_row(text, self.group_field.as_deref()) {
            Ok(row) => Ok(Some((number, row))),
            Err(message) => Err(Error::Row {
                path: path.into(),
                line: number,
                message,
            }),
        }
    }

    /// The record that a row stands for, counted; nothing for a row without annotation or text.
    pub(super) fn record(
        &self,
        file: &Arc<PathBuf>,
        line: u64,
        row: RawRow,
        counts: &mut ReadCounts,
    ) -> Result<Option<Record>> {
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
                .map_err(|message| Error::Row {
                    path: file.to_path_buf(),
                    line,
                    message,
                })
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
            group: row.group,
            file: file.clone(),
            line,
        };
        counts.annotated += 1;
        Ok(Some(record))
    }

    /// The field that rows are grouped by, if any.
    pub(super) fn group_field(&self) -> Option<&str> {
        self.group_field.as_deref()
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

/// The format that a file's name tells, else what it begins with.
pub(super) fn format_of(
    path: &Path,
    reader: &mut (dyn BufRead + Send + 'static),
) -> Result<Format> {
    match ending(path).as_str() {
        "csv" => Ok(Format::Table { delimiter: b',' }),
        "tsv" | "tab" => Ok(Format::Table { delimiter: b'\t' }),
        "jsonl" | "ndjson" => Ok(Format::JsonLines),
        _ => {
            let head = peek(path, reader)?;
            let first_line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
            if head.is_empty() || head.starts_with(b"{") {
                Ok(Format::JsonLines)
            } else if first_line.contains(&b'\t') {
                Ok(Format::Table { delimiter: b'\t' })
            } else {
                Err(Error::File {
                    path: path.into(),
                    message: "neither JSON Lines nor a table; name it .jsonl, .csv or .tsv".into(),
                })
            }
        }
    }
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

    fn read_lines(&mut self, path: &Path, reader: Box<dyn BufRead + Send>) -> Result<()> {
        let file = Arc::new(path.to_path_buf());
        let mut blocks = Blocks::new(path, reader, 1);
        while let Some(block) = blocks.next_block()? {
            for line in block.lines() {
                if let Some((number, row)) = self.reader.line(path, &line)? {
                    self.add(&file, number, row)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, file: &Arc<PathBuf>, line: u64, row: RawRow) -> Result<()> {
        let Some(record) = self.reader.record(file, line, row, &mut self.counts)? else {
            return Ok(());
        };
        self.compare(&record)?;
        self.records.push(record);
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
