//! Reading what is to be labelled: text, JSON, tables, spreadsheets, Parquet and Arrow, in batches that
//! hold their own bytes, so that units only borrow.

mod cells;
mod delimited;
mod objects;
mod opening;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use super::fields::FieldValue;
use crate::corpus::{
    Block, Blocks, CellRecord, Delimited, DelimitedRecords, Element, JsonArray, PieceLines,
    TextEncoding,
};
use crate::error::Result;
use cells::CellColumns;
use delimited::Columns;
use objects::Objects;

pub(crate) use opening::input_files;

const DEFAULT_ID_FIELD: &str = "id";

/// Records of a table that make a piece of a batch, and bytes at which a batch of them ends.
const PIECE_RECORDS: usize = 1 << 8;
const PIECE_BYTES: usize = 1 << 16;

/// How input is to be understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum InputFormat {
    /// By the file's name, else by its first character.
    #[default]
    Auto,
    /// Plain text; each line is a paragraph.
    Text,
    /// One JSON object a line.
    Jsonl,
    /// Values between commas or semicolons, with a header.
    Csv,
    /// Tab-separated values with a header, or bare `label<TAB>text`.
    Tsv,
    /// Tasks or exports of doccano, JSON Lines or JSON.
    Doccano,
    /// Tasks or exports of Label Studio: JSON or JSON-MIN.
    LabelStudio,
    /// Tasks or exports of Prodigy: JSON Lines.
    Prodigy,
    /// Spreadsheet: XLSX, XLS, XLSB or ODS.
    Xlsx,
    /// Parquet.
    Parquet,
    /// Arrow IPC, file or stream.
    Arrow,
}

/// How a file is opened.
#[derive(Clone, Debug, Default)]
pub struct InputOptions {
    /// Its format.
    pub format: InputFormat,
    /// The encoding of text; without it UTF-8, or UTF-16 by its byte order mark.
    pub encoding: Option<TextEncoding>,
    /// The sheet of a spreadsheet; without it the first.
    pub sheet: Option<String>,
}

impl From<InputFormat> for InputOptions {
    fn from(format: InputFormat) -> Self {
        Self {
            format,
            ..Self::default()
        }
    }
}

/// Which fields of the input are read.
#[derive(Clone, Debug)]
pub struct InputFields {
    /// The field that holds the text. In JSON and Parquet a name with dots leads to a field within others
    /// (`data.text`); `text` also means the field in which annotation tools keep it.
    pub text: String,
    /// The field that holds the id; without it `id`, where there is one.
    pub id: Option<String>,
    /// The field that names the document.
    pub doc: String,
    /// Fields carried along to the output.
    pub keep: Vec<String>,
}

impl Default for InputFields {
    fn default() -> Self {
        Self {
            text: "text".into(),
            id: None,
            doc: "doc".into(),
            keep: Vec::new(),
        }
    }
}

/// A piece of input: a row, or a line of a text file.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit<'a> {
    /// The file.
    pub file: &'a str,
    /// The input's id; without it `FILE:LINE` is meant.
    pub id: Option<Cow<'a, str>>,
    /// The input's document; without it the file is meant.
    pub doc: Option<Cow<'a, str>>,
    /// Line in the file, from 1.
    pub line: u64,
    /// Where `text` begins in the file for plain text, 0 for fields of rows.
    pub offset: usize,
    /// The text, or why it could not be read.
    pub text: std::result::Result<Cow<'a, str>, String>,
    /// Whether it is a paragraph of a document, with page furniture around.
    pub paragraph: bool,
    /// Fields carried along, in the order in which they were asked for; none where the row could
    /// not be read.
    pub kept: Vec<Option<FieldValue<'a>>>,
}

impl<'a> Unit<'a> {
    fn new(file: &'a str, line: u64) -> Self {
        Self {
            file,
            id: None,
            doc: None,
            line,
            offset: 0,
            text: Ok(Cow::Borrowed("")),
            paragraph: false,
            kept: Vec::new(),
        }
    }
}

/// One file, read batch by batch.
pub struct Input {
    layout: Arc<Layout>,
    source: Source,
}

enum Source {
    Lines(Blocks),
    Table {
        records: DelimitedRecords,
        /// The first record of a table without a header.
        first: Option<Delimited>,
        most: Most,
    },
    Elements {
        array: JsonArray,
        most: Most,
    },
    Cells {
        records: Box<dyn Iterator<Item = Result<CellRecord>> + Send>,
        most: Most,
    },
}

/// What a batch of a table holds at most.
#[derive(Clone, Copy)]
struct Most {
    records: usize,
    bytes: usize,
}

impl Most {
    fn of_pieces(pieces: usize) -> Self {
        Self {
            records: pieces.max(1) * PIECE_RECORDS,
            bytes: pieces.max(1) * PIECE_BYTES,
        }
    }

    /// The next records, as many as a batch may have.
    fn batch<T>(
        self,
        mut next: impl FnMut() -> Result<Option<T>>,
        size: impl Fn(&T) -> usize,
    ) -> Result<Vec<T>> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < self.records && bytes < self.bytes {
            let Some(found) = next()? else { break };
            bytes += size(&found);
            batch.push(found);
        }
        Ok(batch)
    }
}

/// What must be known to read units from the bytes of a file.
#[derive(Debug)]
struct Layout {
    file: String,
    encoding: Option<TextEncoding>,
    rows: Rows,
}

#[derive(Debug)]
enum Rows {
    Paragraphs,
    Objects(Objects),
    Records(Columns),
    Cells(CellColumns),
}

/// Units of one file with the bytes that they borrow from.
pub struct Batch {
    layout: Arc<Layout>,
    content: Content,
}

enum Content {
    Lines(Block),
    Records(Vec<Delimited>),
    Elements(Vec<Element>),
    Cells(Vec<CellRecord>),
}

/// The units of a part of a batch, in order.
pub(super) struct PieceUnits<'a> {
    layout: &'a Layout,
    rows: PieceRows<'a>,
}

enum PieceRows<'a> {
    Lines(PieceLines<'a>),
    Records(std::slice::Iter<'a, Delimited>),
    Elements(std::slice::Iter<'a, Element>),
    Cells(std::slice::Iter<'a, CellRecord>),
}

impl Input {
    /// Opens a file, or standard input for `-`. A batch has at most `pieces` pieces for threads to
    /// share.
    ///
    /// # Errors
    /// When it cannot be opened, is not what it is said to be, or a table lacks a field that is asked for.
    pub fn open(
        path: &Path,
        options: impl Into<InputOptions>,
        fields: &InputFields,
        pieces: usize,
    ) -> Result<Self> {
        let options = options.into();
        let (rows, source) = opening::open_source(path, &options, fields, pieces)?;
        Ok(Self {
            layout: Arc::new(Layout {
                file: path.display().to_string(),
                encoding: options.encoding,
                rows,
            }),
            source,
        })
    }

    /// The next units; nothing at the end of the file.
    ///
    /// # Errors
    /// When the file cannot be read or decompressed.
    pub fn next_batch(&mut self) -> Result<Option<Batch>> {
        let content = match &mut self.source {
            Source::Lines(blocks) => blocks.next_block()?.map(Content::Lines),
            Source::Table {
                records,
                first,
                most,
            } => {
                let next = || first.take().map(Ok).or_else(|| records.next()).transpose();
                let batch = most.batch(next, |found| found.record.as_slice().len())?;
                (!batch.is_empty()).then_some(Content::Records(batch))
            }
            Source::Elements { array, most } => {
                let batch = most.batch(|| array.next_element(), |element| element.bytes.len())?;
                (!batch.is_empty()).then_some(Content::Elements(batch))
            }
            Source::Cells { records, most } => {
                let next = || records.next().transpose();
                let batch = most.batch(next, |record| record.cells.as_slice().len())?;
                (!batch.is_empty()).then_some(Content::Cells(batch))
            }
        };
        Ok(content.map(|content| Batch {
            layout: self.layout.clone(),
            content,
        }))
    }
}

impl Batch {
    /// The units, in order.
    pub fn units(&self) -> impl Iterator<Item = Unit<'_>> {
        self.pieces().into_iter().flatten()
    }

    /// The units in parts that can be worked on at the same time.
    pub(super) fn pieces(&self) -> Vec<PieceUnits<'_>> {
        let layout = &*self.layout;
        let piece = |rows| PieceUnits { layout, rows };
        match &self.content {
            Content::Lines(block) => {
                let pieces = block.pieces().map(PieceRows::Lines);
                pieces.map(piece).collect()
            }
            Content::Records(records) => {
                let pieces = records.chunks(PIECE_RECORDS);
                pieces
                    .map(|records| piece(PieceRows::Records(records.iter())))
                    .collect()
            }
            Content::Elements(elements) => {
                let pieces = elements.chunks(PIECE_RECORDS);
                pieces
                    .map(|elements| piece(PieceRows::Elements(elements.iter())))
                    .collect()
            }
            Content::Cells(records) => {
                let pieces = records.chunks(PIECE_RECORDS);
                pieces
                    .map(|records| piece(PieceRows::Cells(records.iter())))
                    .collect()
            }
        }
    }
}

impl<'a> Iterator for PieceUnits<'a> {
    type Item = Unit<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let Layout { file, encoding, .. } = self.layout;
        match (&mut self.rows, &self.layout.rows) {
            (PieceRows::Lines(lines), Rows::Objects(objects)) => lines
                .find(|line| !line.text.is_ok_and(|text| text.trim().is_empty()))
                .map(|line| {
                    let text = line.text.map_err(|error| error.message(*encoding));
                    objects.unit(Unit::new(file, line.number), text)
                }),
            (PieceRows::Elements(elements), Rows::Objects(objects)) => {
                let element = elements.next()?;
                let text = element.text(*encoding);
                Some(objects.unit(Unit::new(file, element.line), text))
            }
            (PieceRows::Records(records), Rows::Records(columns)) => {
                let found = records.next()?;
                Some(columns.unit(Unit::new(file, found.line), found, *encoding))
            }
            (PieceRows::Cells(records), Rows::Cells(columns)) => {
                let found = records.next()?;
                Some(columns.unit(Unit::new(file, found.line), found))
            }
            (PieceRows::Lines(lines), _) => {
                let line = lines.next()?;
                Some(Unit {
                    offset: line.offset as usize,
                    text: line
                        .text
                        .map(Cow::Borrowed)
                        .map_err(|error| error.message(*encoding)),
                    paragraph: true,
                    ..Unit::new(file, line.number)
                })
            }
            (PieceRows::Records(_) | PieceRows::Elements(_) | PieceRows::Cells(_), _) => None,
        }
    }
}
