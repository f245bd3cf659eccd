//! Writing the rows of a divided corpus as they stood in their files.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{Division, Part};
use crate::corpus::{CorpusReader, Record, RowPlace, Survey, SurveyedFile, ending};
use crate::error::{Error, Result};
use crate::output_file::OutputFile;

/// The name of the files with rows that are in no part.
const LEFT_OUT: &str = "left-out";

/// The file with what the division comes to.
const SUMMARY: &str = "split.json";

/// Writes the parts of a corpus into a folder, which is made where it does not exist: `train`, `dev` and
/// `test`, `left-out` for rows that are in no part, and `split.json`. Rows of JSON Lines and
/// delimited text are written as they stand, tables with their header, in UTF-8 whatever the encoding
/// was; those of other formats as JSON Lines. Files of other
/// formats or with another header are not mixed: `train.jsonl`, `train.csv`, `train-2.csv`.
///
/// Returns the files that were written.
///
/// # Errors
/// When one of the files exists, or a file cannot be read or written; files appear only when all are whole.
pub fn write_parts(
    folder: &Path,
    reader: &CorpusReader,
    corpus: &Survey,
    division: &Division,
) -> Result<Vec<PathBuf>> {
    let mut outputs = Outputs::default();
    let mut rows: BTreeMap<&Path, Vec<Row<'_>>> = BTreeMap::new();
    for (record, part) in corpus.records.iter().zip(&division.parts) {
        let row = Row {
            line: record.line,
            part: *part,
            content: Content::Record(record),
        };
        rows.entry(&record.file).or_default().push(row);
    }
    for place in corpus.empty.iter().chain(&corpus.unannotated) {
        let row = Row {
            line: place.line,
            part: None,
            content: Content::Place(place),
        };
        rows.entry(&place.file).or_default().push(row);
    }
    for file in &corpus.files {
        // A file named twice holds its rows twice, in the order of their lines.
        let Some(mut rows) = rows.remove(file.path.as_path()) else {
            continue;
        };
        rows.sort_by_key(|row| row.line);
        if file.has_lines {
            // A line that holds several rows is in one part as a whole.
            rows.dedup_by_key(|row| row.line);
        }
        outputs.add_file(reader, file, &rows)?;
    }
    outputs.write(folder, division)
}

struct Row<'a> {
    line: u64,
    part: Option<Part>,
    content: Content<'a>,
}

enum Content<'a> {
    Record(&'a Record),
    Place(&'a RowPlace),
}

/// Rows that can stand in one file.
struct Kind {
    ending: &'static str,
    /// What stands before the rows, a byte order mark and the line's end included.
    header: Vec<u8>,
    /// The rows of each part.
    parts: BTreeMap<&'static str, Vec<u8>>,
}

#[derive(Default)]
struct Outputs {
    kinds: Vec<Kind>,
}

impl Outputs {
    fn add_file(
        &mut self,
        reader: &CorpusReader,
        file: &SurveyedFile,
        rows: &[Row<'_>],
    ) -> Result<()> {
        let mut bytes = Vec::new();
        if file.has_lines {
            reader
                .open_text(&file.path)?
                .read_to_end(&mut bytes)
                .map_err(|error| Error::io(&file.path, error))?;
        }
        let (ending, header, texts) = match as_they_stand(file, &bytes, rows) {
            Some(found) => found,
            None => ("jsonl", Vec::new(), rows.iter().map(as_json).collect()),
        };
        let kind = self.kind(ending, header);
        for (row, text) in rows.iter().zip(texts) {
            let name = row.part.map_or(LEFT_OUT, Part::name);
            let content = kind
                .parts
                .entry(name)
                .or_insert_with(|| kind.header.clone());
            content.extend_from_slice(&text);
            content.extend_from_slice(match kind.header.ends_with(b"\r\n") {
                true => b"\r\n",
                false => b"\n",
            });
        }
        Ok(())
    }

    /// The files for rows under this header.
    fn kind(&mut self, ending: &'static str, header: Vec<u8>) -> &mut Kind {
        let names = |header: &[u8]| {
            let unmarked = header.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(header);
            unmarked.trim_ascii().to_vec()
        };
        let is_same = |kind: &Kind| kind.ending == ending && names(&kind.header) == names(&header);
        let place = self.kinds.iter().position(is_same).unwrap_or_else(|| {
            self.kinds.push(Kind {
                ending,
                header,
                parts: BTreeMap::new(),
            });
            self.kinds.len() - 1
        });
        &mut self.kinds[place]
    }

    fn write(&self, folder: &Path, division: &Division) -> Result<Vec<PathBuf>> {
        let mut files: Vec<(PathBuf, &[u8])> = Vec::new();
        for (place, kind) in self.kinds.iter().enumerate() {
            let before = self.kinds[..place].iter();
            let number = 1 + before.filter(|other| other.ending == kind.ending).count();
            for (name, content) in &kind.parts {
                let name = match number {
                    1 => format!("{name}.{}", kind.ending),
                    _ => format!("{name}-{number}.{}", kind.ending),
                };
                files.push((folder.join(name), content));
            }
        }
        let summary = serde_json::to_vec_pretty(&division.summary)
            .map_err(|error| Error::io(folder.join(SUMMARY), error.into()))?;
        files.push((folder.join(SUMMARY), &summary));
        files.sort();
        if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
            return Err(Error::File {
                path: path.clone(),
                message: "is there already; name another folder".into(),
            });
        }
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        let mut written = Vec::new();
        for (path, content) in &files {
            let mut file = OutputFile::create(path)?;
            file.write_all(content)
                .map_err(|error| Error::io(path, error))?;
            written.push(file);
        }
        for file in written {
            file.keep()?;
        }
        Ok(files.into_iter().map(|(path, _)| path).collect())
    }
}

/// A file's ending, what stands before its rows, and each row's bytes.
type Verbatim = (&'static str, Vec<u8>, Vec<Vec<u8>>);

/// The rows of JSON Lines and delimited text as they stand; nothing for a file that is neither.
fn as_they_stand(file: &SurveyedFile, bytes: &[u8], rows: &[Row<'_>]) -> Option<Verbatim> {
    file.has_lines.then_some(())?;
    std::str::from_utf8(bytes).ok()?;
    let head = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
    let head = head.trim_ascii_start();
    let first_line = head.split(|&byte| byte == b'\n').next()?;
    let name = match ending(&file.path).as_str() {
        "csv" => "csv",
        "tsv" | "tab" => "tsv",
        _ if head.starts_with(b"{") => "jsonl",
        _ if first_line.contains(&b'\t') => "tsv",
        _ => "csv",
    };
    let starts = line_starts(bytes, name != "jsonl");
    let start = |row: &Row<'_>| {
        let line = usize::try_from(row.line).ok()?.checked_sub(1)?;
        starts.get(line).copied()
    };
    let starts: Vec<usize> = rows.iter().map(start).collect::<Option<_>>()?;
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let mut texts = Vec::with_capacity(rows.len());
    for (&start, end) in starts.iter().zip(ends) {
        let mut text = bytes.get(start..end)?;
        while let Some((b'\n' | b'\r', before)) = text.split_last() {
            text = before;
        }
        let text = text.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(text);
        if name == "jsonl" && serde_json::from_slice::<Map<String, Value>>(text).is_err() {
            return None;
        }
        texts.push(text.to_vec());
    }
    let header = match name {
        "jsonl" => Vec::new(),
        _ => bytes.get(..starts.first().copied()?)?.to_vec(),
    };
    // A mark alone is no header.
    let header = match header.as_slice() {
        [0xEF, 0xBB, 0xBF] => Vec::new(),
        _ => header,
    };
    Some((name, header, texts))
}

/// Where lines begin. In tables a carriage return ends one too.
fn line_starts(bytes: &[u8], table: bool) -> Vec<usize> {
    let mut starts = vec![0];
    for (place, &byte) in bytes.iter().enumerate() {
        let next = bytes.get(place + 1);
        let ends = byte == b'\n' || (table && byte == b'\r' && next != Some(&b'\n'));
        if ends {
            starts.push(place + 1);
        }
    }
    starts
}

/// A row in this program's own form.
fn as_json(row: &Row<'_>) -> Vec<u8> {
    let mut object = Map::new();
    match row.content {
        Content::Record(record) => {
            object.insert("id".into(), record.id.clone().into());
            if record.has_document() {
                object.insert("doc".into(), record.doc.clone().into());
            }
            object.insert("text".into(), record.text.clone().into());
            let labels = |labels: &crate::corpus::LabelSet| -> Value {
                labels.iter().cloned().map(Value::String).collect()
            };
            object.insert("labels".into(), labels(&record.labels));
            if !record.unsure.is_empty() {
                object.insert("unsure".into(), labels(&record.unsure));
            }
            if let Some(annotator) = &record.annotator {
                object.insert("annotator".into(), annotator.clone().into());
            }
            for (name, value) in &record.fields {
                object.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        Content::Place(place) => {
            object.insert("id".into(), place.id.clone().into());
            object.insert("file".into(), place.file.display().to_string().into());
            object.insert("line".into(), place.line.into());
        }
    }
    Value::Object(object).to_string().into_bytes()
}
