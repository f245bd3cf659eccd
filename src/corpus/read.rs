//! Reading annotated corpora of any supported format into records.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Corpus;
use super::encoding::TextEncoding;
use super::format::{CorpusFormat, Reading, files_of};
use super::joining::{ReadRecord, decide_by_majority, join_answers};
use super::labels::{Aliases, LabelSet, display};
use super::record::{ReadCounts, Record};
use super::row::{KeptFields, LeftOut, own_document};
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
    reading: Reading,
    separately: bool,
}

impl CorpusReader {
    /// A reader that renames labels by `aliases` and treats contradictory rows as told.
    pub fn new(aliases: Aliases, contradictions: Contradictions) -> Self {
        Self {
            aliases,
            contradictions,
            ..Self::default()
        }
    }

    /// The same reader, keeping other fields of the rows as well.
    pub fn keeping(mut self, kept: KeptFields) -> Self {
        self.reading.kept = kept;
        self
    }

    /// The same reader for files of one format, whatever their names say.
    pub fn from_format(mut self, format: CorpusFormat) -> Self {
        self.reading.format = format;
        self
    }

    /// The same reader for text files that are not UTF-8.
    pub fn encoded(mut self, encoding: Option<TextEncoding>) -> Self {
        self.reading.encoding = encoding;
        self
    }

    /// The same reader for one sheet of spreadsheets; without a name the first.
    pub fn sheet(mut self, name: Option<String>) -> Self {
        self.reading.sheet = name;
        self
    }

    /// The same reader, keeping a record for each annotator of a sentence. Otherwise they become one, with
    /// the labels that most of its annotators gave; a label with as many for as against is
    /// [`Record::unsure`].
    pub fn separately(mut self) -> Self {
        self.separately = true;
        self
    }

    /// Reads files in the order given; the format of each is known by its name and by what it begins
    /// with, unless the reader was told another. A folder is read as one of brat.
    ///
    /// # Errors
    /// At the first file that cannot be read, row that cannot be understood, or text annotated
    /// in two ways; each names file and line.
    pub fn read(&self, paths: &[PathBuf]) -> Result<Corpus> {
        refuse_twice(paths)?;
        let mut collector = Collector::new(self);
        for path in paths {
            for file in files_of(path, &self.reading)? {
                let rows = FileRows::open(&file, &self.reading)?;
                collector.read(&file.path, rows)?;
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
            let rows = FileRows::lines(path, Box::new(*content), &self.reading.kept)?;
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
    ) -> Result<Option<ReadRecord>> {
        let in_row = |message| Error::Row {
            path: file.to_path_buf(),
            line,
            message,
        };
        let row = row.map_err(in_row)?;
        match row.left_out {
            None => {}
            Some(LeftOut::Skipped) => counts.skipped += 1,
            Some(LeftOut::Ignored) => counts.ignored += 1,
            Some(LeftOut::Rejected) => counts.rejected += 1,
        }
        if row.left_out.is_some() {
            return Ok(None);
        }
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
        let has_id = row.id.is_some();
        let place = || format!("{}:{line}", file.display());
        let id = row.id.clone().unwrap_or_else(place);
        let (id, whole) = match row.sentence {
            Some(sentence) => (format!("{id}:{sentence}"), row.id),
            None => (id, None),
        };
        let doc = row.doc.or(whole);
        let record = Record {
            labels: labels_of(&names)?,
            unsure: labels_of(&row.unsure)?,
            id,
            doc: doc.unwrap_or_else(|| own_document(&row.text)),
            text: row.text,
            annotator: row.annotator,
            fields: row.fields,
            file: file.clone(),
            line,
        };
        counts.annotated += 1;
        Ok(Some(ReadRecord {
            record,
            has_id,
            sentence: row.sentence,
            asked: row.asked.as_deref().map(labels_of).transpose()?,
        }))
    }

    /// Other names of labels.
    pub(super) fn aliases(&self) -> &Aliases {
        &self.aliases
    }

    /// Whether rows that say something of the same sentence stay apart.
    pub(super) fn is_separate(&self) -> bool {
        self.separately
    }

    /// How files are read.
    pub(super) fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Reads the records of files one by one, in the order given. Texts are not compared: repeats
    /// and contradictions are not found, and each annotator of a sentence has a record.
    pub fn stream<'a>(&'a self, paths: &'a [PathBuf]) -> RecordStream<'a> {
        RecordStream::new(self, paths)
    }
}

/// Refuses a file that is named twice: its rows would count twice.
fn refuse_twice(paths: &[PathBuf]) -> Result<()> {
    let mut named = std::collections::HashSet::new();
    for path in paths {
        // What cannot be found is told when it is opened.
        if std::fs::canonicalize(path).is_ok_and(|place| !named.insert(place)) {
            return Err(Error::File {
                path: path.clone(),
                message: "is named twice; name it once".into(),
            });
        }
    }
    Ok(())
}

/// The error of a corpus in which no row can be learnt from.
pub(crate) fn empty_corpus(counts: &ReadCounts) -> Error {
    Error::Corpus(format!(
        "the corpus is empty: no annotated sentence was found ({})",
        match counts.left_out() {
            told if told.is_empty() => "no row at all".to_owned(),
            told => told.join(", "),
        }
    ))
}

struct Collector<'a> {
    reader: &'a CorpusReader,
    read: Vec<ReadRecord>,
    counts: ReadCounts,
}

impl<'a> Collector<'a> {
    fn new(reader: &'a CorpusReader) -> Self {
        Self {
            reader,
            read: Vec::new(),
            counts: ReadCounts::default(),
        }
    }

    fn read(&mut self, path: &Path, rows: FileRows) -> Result<()> {
        let file = Arc::new(path.to_path_buf());
        for row in rows {
            let record = self.reader.record(&file, row?, &mut self.counts)?;
            self.read.extend(record);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Corpus> {
        let mut read = join_answers(self.read, &mut self.counts);
        if !self.reader.separately {
            read = decide_by_majority(read, &mut self.counts);
        }
        let mut records: Vec<Record> = read.into_iter().map(|row| row.record).collect();
        let contradictory = self.reader.compare(&records, &mut self.counts)?;
        self.counts.contradictory = contradictory.len();
        if self.reader.contradictions == Contradictions::Drop {
            records.retain(|record| !contradictory.contains(record.text.trim()));
            self.counts.annotated = records.len();
        }
        if records.is_empty() {
            return Err(empty_corpus(&self.counts));
        }
        Ok(Corpus::new(records, self.counts))
    }
}

impl CorpusReader {
    /// Counts repeated texts and finds contradictory ones, or refuses the first.
    fn compare(&self, records: &[Record], counts: &mut ReadCounts) -> Result<HashSet<String>> {
        let mut first_rows: HashMap<&str, &Record> = HashMap::new();
        let mut contradictory = HashSet::new();
        for record in records {
            let text = record.text.trim();
            let Some(first) = first_rows.get(text) else {
                first_rows.insert(text, record);
                continue;
            };
            // That people differ is what rows read separately are for.
            if self.separately && first.annotator != record.annotator {
                continue;
            }
            if first.labels == record.labels {
                counts.repeated += 1;
                continue;
            }
            if self.contradictions == Contradictions::Refuse {
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
            contradictory.insert(text.to_owned());
        }
        Ok(contradictory)
    }
}
