//! Rows that are JSON objects: one a line, or the elements of an array.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{doccano, label_studio, prodigy};
use crate::corpus::elements::JsonArray;
use crate::corpus::encoding::TextEncoding;
use crate::corpus::files::{Blocks, Line, can_be_read_twice, open_text};
use crate::corpus::format::Reading;
use crate::corpus::jsonl;
use crate::corpus::row::{KeptFields, RawRow, RowError};
use crate::corpus::rows::NumberedRow;
use crate::error::{Error, Result};

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
    unit: Unit,
}

/// Whether texts are cut into sentences: all of a file are where spans are annotated in one of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unit {
    /// Whether spans are annotated in the file.
    pub(super) has_spans: bool,
    /// Whether a text was read as one that would have been cut.
    pub(super) left_whole: bool,
}

const LATE_SPAN: &str = "a span is annotated here, but texts before it were read as a whole, as no span was known; what is piped in can be read only once: save it as a file and name that";

/// Whether spans are annotated in an object whose texts are cut by the spans of the whole file.
fn has_spans(format: ObjectFormat, object: &Map<String, Value>) -> bool {
    match format {
        ObjectFormat::Doccano => doccano::has_spans(object),
        ObjectFormat::LabelStudio => label_studio::has_spans(object),
        // A task of Prodigy says itself what was asked.
        ObjectFormat::Own | ObjectFormat::Prodigy => false,
    }
}

impl ObjectReader {
    fn rows(&mut self, object: Map<String, Value>) -> std::result::Result<Vec<RawRow>, RowError> {
        let (kept, unit) = (&self.kept, &mut self.unit);
        match self.format {
            ObjectFormat::Own => jsonl::read_object(object, kept).map(|row| vec![row]),
            ObjectFormat::Doccano => doccano::rows(object, kept, unit),
            ObjectFormat::LabelStudio => label_studio::rows(object, kept, unit),
            ObjectFormat::Prodigy => prodigy::rows(object, kept),
        }
    }

    fn numbered(
        &mut self,
        line: u64,
        object: std::result::Result<Map<String, Value>, RowError>,
        read: &mut Vec<NumberedRow>,
    ) -> std::result::Result<(), RowError> {
        if !self.unit.has_spans
            && let Ok(object) = &object
            && has_spans(self.format, object)
        {
            if self.unit.left_whole {
                return Err(LATE_SPAN.into());
            }
            self.unit.has_spans = true;
        }
        match object.and_then(|object| self.rows(object)) {
            Ok(rows) => read.extend(rows.into_iter().map(|row| (line, Ok(row)))),
            Err(message) => read.push((line, Err(message))),
        }
        Ok(())
    }
}

/// The rows of a file of objects.
pub(in crate::corpus) struct ObjectRows {
    path: PathBuf,
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

impl Source {
    fn new(path: &Path, file: Box<dyn BufRead + Send>, is_array: bool) -> Self {
        match is_array {
            true => Self::Elements(JsonArray::new(path, file)),
            false => Self::Lines(Blocks::new(path, file, 1)),
        }
    }

    /// Whether a span is annotated in what is left; what is wrong with it is told where it is read.
    fn has_spans(&mut self, format: ObjectFormat) -> bool {
        let is_one = |json: &[u8]| {
            serde_json::from_slice(json).is_ok_and(|object| has_spans(format, &object))
        };
        match self {
            Self::Lines(blocks) => {
                while let Ok(Some(block)) = blocks.next_block() {
                    let mut texts = block.lines().filter_map(|line| line.text.ok());
                    if texts.any(|text| is_one(text.as_bytes())) {
                        return true;
                    }
                }
            }
            Self::Elements(array) => {
                while let Ok(Some(element)) = array.next_element() {
                    if is_one(&element.bytes) {
                        return true;
                    }
                }
            }
        }
        false
    }
}

impl ObjectRows {
    /// Objects one a line, or those of an array. A file of a tool that annotates spans is looked through
    /// for one first, where it can be read twice and `head` has none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(in crate::corpus) fn new(
        path: &Path,
        file: Box<dyn BufRead + Send>,
        is_array: bool,
        format: ObjectFormat,
        head: &[Map<String, Value>],
        reading: &Reading,
    ) -> Result<Self> {
        let may_have = matches!(format, ObjectFormat::Doccano | ObjectFormat::LabelStudio);
        let has_spans = may_have
            && (head.iter().any(|object| has_spans(format, object))
                || (can_be_read_twice(path)
                    && Source::new(path, open_text(path, reading.encoding)?, is_array)
                        .has_spans(format)));
        Ok(Self {
            path: path.into(),
            source: Source::new(path, file, is_array),
            reader: ObjectReader {
                format,
                kept: reading.kept.clone(),
                unit: Unit {
                    has_spans,
                    left_whole: false,
                },
            },
            encoding: reading.encoding,
            read: Vec::new().into_iter(),
        })
    }

    /// Reads on; whether there was anything left.
    fn read_on(&mut self) -> Result<bool> {
        let mut read = Vec::new();
        let in_line = |line, message| Error::Row {
            path: self.path.clone(),
            line,
            message,
        };
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
                    self.reader
                        .numbered(number, object, &mut read)
                        .map_err(|message| in_line(number, message))?;
                }
            }
            Source::Elements(array) => {
                let Some(element) = array.next_element()? else {
                    return Ok(false);
                };
                let object = element.text(self.encoding).and_then(jsonl::parse);
                self.reader
                    .numbered(element.line, object, &mut read)
                    .map_err(|message| in_line(element.line, message))?;
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
