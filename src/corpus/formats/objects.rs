//! Rows that are JSON objects: one a line, or the elements of an array.

use std::io::BufRead;
use std::path::Path;

use serde_json::{Map, Value};

use super::{doccano, label_studio, prodigy};
use crate::corpus::elements::JsonArray;
use crate::corpus::encoding::TextEncoding;
use crate::corpus::files::{Blocks, Line};
use crate::corpus::format::Reading;
use crate::corpus::jsonl;
use crate::corpus::row::{KeptFields, RawRow, RowError};
use crate::corpus::rows::NumberedRow;
use crate::error::Result;

/// Whose objects they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectFormat {
    /// Marsad's own: `text` and `labels`.
    Own,
    Doccano,
    LabelStudio,
    Prodigy,
}

/// The objects that stand whole at the beginning of a file.
pub(crate) fn sample(head: &[u8]) -> Vec<Map<String, Value>> {
    if head.starts_with(b"[") {
        let head: Box<dyn BufRead + Send> = Box::new(std::io::Cursor::new(head.to_vec()));
        let mut array = JsonArray::new(Path::new(""), head);
        let elements = std::iter::from_fn(|| array.next_element().ok().flatten());
        return elements
            .filter_map(|element| serde_json::from_slice(&element.bytes).ok())
            .collect();
    }
    let lines = head.split(|&byte| byte == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

/// Whose objects they are by what the first of them say that says anything.
pub(crate) fn told_by(objects: &[Map<String, Value>]) -> ObjectFormat {
    let told = objects.iter().find_map(|object| {
        if prodigy::is_task(object) {
            Some(ObjectFormat::Prodigy)
        } else if label_studio::is_task(object) {
            Some(ObjectFormat::LabelStudio)
        } else if doccano::is_example(object) {
            Some(ObjectFormat::Doccano)
        } else {
            None
        }
    });
    told.unwrap_or(ObjectFormat::Own)
}

/// Reads the rows of objects; one object can be several.
pub(in crate::corpus) struct ObjectReader {
    format: ObjectFormat,
    kept: KeptFields,
    /// Whether spans were annotated in the file so far: texts without any are then cut into sentences as
    /// the others are.
    has_spans: bool,
}

impl ObjectReader {
    fn rows(&mut self, object: Map<String, Value>) -> std::result::Result<Vec<RawRow>, RowError> {
        let (kept, has_spans) = (&self.kept, &mut self.has_spans);
        match self.format {
            ObjectFormat::Own => jsonl::read_object(object, kept).map(|row| vec![row]),
            ObjectFormat::Doccano => doccano::rows(object, kept, has_spans),
            ObjectFormat::LabelStudio => label_studio::rows(object, kept, has_spans),
            ObjectFormat::Prodigy => prodigy::rows(object, kept),
        }
    }

    fn numbered(
        &mut self,
        line: u64,
        object: std::result::Result<Map<String, Value>, RowError>,
        read: &mut Vec<NumberedRow>,
    ) {
        match object.and_then(|object| self.rows(object)) {
            Ok(rows) => read.extend(rows.into_iter().map(|row| (line, Ok(row)))),
            Err(message) => read.push((line, Err(message))),
        }
    }
}

/// The rows of a file of objects.
pub(in crate::corpus) struct ObjectRows {
    source: Source,
    reader: ObjectReader,
    encoding: Option<TextEncoding>,
    /// Rows that were not handed over yet.
    read: std::vec::IntoIter<NumberedRow>,
}

enum Source {
    Lines(Blocks),
    Elements(JsonArray),
}

impl ObjectRows {
    /// Objects one a line, or those of an array.
    pub(in crate::corpus) fn new(
        path: &Path,
        file: Box<dyn BufRead + Send>,
        is_array: bool,
        format: ObjectFormat,
        head: &[Map<String, Value>],
        reading: &Reading,
    ) -> Self {
        let has_spans = match format {
            ObjectFormat::Doccano => head.iter().any(doccano::has_spans),
            ObjectFormat::LabelStudio => head.iter().any(label_studio::has_spans),
            ObjectFormat::Own | ObjectFormat::Prodigy => false,
        };
        Self {
            source: match is_array {
                true => Source::Elements(JsonArray::new(path, file)),
                false => Source::Lines(Blocks::new(path, file, 1)),
            },
            reader: ObjectReader {
                format,
                kept: reading.kept.clone(),
                has_spans,
            },
            encoding: reading.encoding,
            read: Vec::new().into_iter(),
        }
    }

    /// Reads on; whether there was anything left.
    fn read_on(&mut self) -> Result<bool> {
        let mut read = Vec::new();
        match &mut self.source {
            Source::Lines(blocks) => {
                let Some(block) = blocks.next_block()? else {
                    return Ok(false);
                };
                for Line { number, text, .. } in block.lines() {
                    let object = match text {
                        Ok(text) if text.trim().is_empty() => continue,
                        Ok(text) => jsonl::parse(text),
                        Err(error) => Err(error.message(self.encoding)),
                    };
                    self.reader.numbered(number, object, &mut read);
                }
            }
            Source::Elements(array) => {
                let Some(element) = array.next_element()? else {
                    return Ok(false);
                };
                let object = element.text(self.encoding).and_then(jsonl::parse);
                self.reader.numbered(element.line, object, &mut read);
            }
        }
        self.read = read.into_iter();
        Ok(true)
    }
}

impl Iterator for ObjectRows {
    type Item = Result<NumberedRow>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.read.next() {
                return Some(Ok(row));
            }
            match self.read_on() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
