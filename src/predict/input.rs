//! Reading what is to be labelled: text, JSON Lines, CSV and TSV, in batches that hold their own
//! bytes, so that units only borrow.

use std::borrow::Cow;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use super::fields::{FieldReader, FieldValue};
use crate::corpus::{
    Block, Blocks, Delimited, DelimitedRecords, Line, PieceLines, UNCLOSED_QUOTE, ending, open,
    peek, scalar,
};
use crate::error::{Error, Result, shortened};

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
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header, or bare `label<TAB>text`.
    Tsv,
}

/// Which fields of the input are read.
#[derive(Clone, Debug)]
pub struct InputFields {
    /// The field that holds the text.
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
        most_records: usize,
        most_bytes: usize,
    },
}

/// What must be known to read units from the bytes of a file.
#[derive(Debug)]
struct Layout {
    file: String,
    rows: Rows,
}

#[derive(Debug)]
enum Rows {
    Paragraphs,
    Objects(Objects),
    Records(Columns),
}

/// Where in a table the fields stand that are asked for.
#[derive(Debug, Default)]
struct Columns {
    count: usize,
    text: usize,
    id: Option<usize>,
    doc: Option<usize>,
    keep: Vec<usize>,
}

/// Which fields of JSON objects are asked for.
#[derive(Debug)]
struct Objects {
    reader: FieldReader,
    /// The names, each once; the places below are in them.
    names: Vec<String>,
    text: usize,
    id: usize,
    doc: usize,
    keep: Vec<usize>,
}

/// Units of one file with the bytes that they borrow from.
pub struct Batch {
    layout: Arc<Layout>,
    content: Content,
}

enum Content {
    Lines(Block),
    Records(Vec<Delimited>),
}

/// The units of a part of a batch, in order.
pub(super) struct PieceUnits<'a> {
    layout: &'a Layout,
    rows: PieceRows<'a>,
}

enum PieceRows<'a> {
    Lines(PieceLines<'a>),
    Records(std::slice::Iter<'a, Delimited>),
}

impl Input {
    /// Opens a file, or standard input for `-`. A batch has at most `pieces` pieces for threads to
    /// share.
    ///
    /// # Errors
    /// When it cannot be opened, or a table lacks a field that is asked for.
    pub fn open(
        path: &Path,
        format: InputFormat,
        fields: &InputFields,
        pieces: usize,
    ) -> Result<Self> {
        let mut reader = open(path)?;
        let format = match format {
            InputFormat::Auto => detect(path, &mut *reader)?,
            told => told,
        };
        let asks_for_fields = fields.id.is_some() || !fields.keep.is_empty();
        if format == InputFormat::Text && asks_for_fields {
            return Err(Error::File {
                path: path.into(),
                message: "plain text has no fields; name its format with --from jsonl, csv or tsv"
                    .into(),
            });
        }
        let (rows, source) = match format {
            InputFormat::Auto | InputFormat::Text => (
                Rows::Paragraphs,
                Source::Lines(Blocks::new(path, reader, pieces)),
            ),
            InputFormat::Jsonl => (
                Rows::Objects(Objects::new(fields)),
                Source::Lines(Blocks::new(path, reader, pieces)),
            ),
            InputFormat::Csv => open_table(path, reader, b',', fields, pieces)?,
            InputFormat::Tsv => open_table(path, reader, b'\t', fields, pieces)?,
        };
        let file = path.display().to_string();
        Ok(Self {
            layout: Arc::new(Layout { file, rows }),
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
                most_records,
                most_bytes,
            } => {
                let mut batch = Vec::new();
                let mut bytes = 0;
                while batch.len() < *most_records && bytes < *most_bytes {
                    let Some(found) = first.take().map(Ok).or_else(|| records.next()) else {
                        break;
                    };
                    let found = found?;
                    bytes += found.record.as_slice().len();
                    batch.push(found);
                }
                (!batch.is_empty()).then_some(Content::Records(batch))
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
        }
    }
}

impl<'a> Iterator for PieceUnits<'a> {
    type Item = Unit<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let file = &*self.layout.file;
        match (&mut self.rows, &self.layout.rows) {
            (PieceRows::Lines(lines), Rows::Objects(objects)) => lines
                .find(|line| !line.text.is_ok_and(|text| text.trim().is_empty()))
                .map(|line| objects.unit(Unit::new(file, line.number), line)),
            (PieceRows::Records(records), Rows::Records(columns)) => {
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
                        .map_err(|error| error.message(None)),
                    paragraph: true,
                    ..Unit::new(file, line.number)
                })
            }
            (PieceRows::Records(_), _) => None,
        }
    }
}

impl Objects {
    fn new(fields: &InputFields) -> Self {
        let mut names: Vec<String> = Vec::new();
        let mut place_of = |name: &str| {
            names
                .iter()
                .position(|known| known == name)
                .unwrap_or_else(|| {
                    names.push(name.to_owned());
                    names.len() - 1
                })
        };
        let text = place_of(&fields.text);
        let id = place_of(fields.id.as_deref().unwrap_or(DEFAULT_ID_FIELD));
        let doc = place_of(&fields.doc);
        let keep = fields.keep.iter().map(|name| place_of(name)).collect();
        Self {
            reader: FieldReader::new(names.clone()),
            names,
            text,
            id,
            doc,
            keep,
        }
    }

    fn unit<'a>(&self, mut unit: Unit<'a>, line: Line<'a>) -> Unit<'a> {
        let found = line.text.map_err(|error| error.message(None));
        let mut values = match found.and_then(|text| self.reader.read(text)) {
            Ok(values) => values,
            Err(message) => {
                unit.text = Err(message);
                return unit;
            }
        };
        let null = FieldValue::Other(serde_json::Value::Null);
        let kept = self.keep.iter().map(|&place| {
            let value = values[place].as_ref();
            Some(value.unwrap_or(&null).clone())
        });
        unit.kept = kept.collect();
        let id = self.scalar(self.id, &values);
        let doc = self.scalar(self.doc, &values);
        let name = &self.names[self.text];
        unit.text = match values[self.text].take() {
            Some(FieldValue::Text(text)) => Ok(text),
            Some(FieldValue::Other(_)) => Err(format!("the field {name:?} is not a string")),
            None => Err(format!("there is no field {name:?}")),
        };
        for (target, value) in [(&mut unit.id, id), (&mut unit.doc, doc)] {
            match value {
                Ok(value) => *target = value,
                Err(message) => unit.text = Err(message),
            }
        }
        unit
    }

    /// A string or a number as text.
    fn scalar<'a>(
        &self,
        place: usize,
        values: &[Option<FieldValue<'a>>],
    ) -> std::result::Result<Option<Cow<'a, str>>, String> {
        match &values[place] {
            Some(FieldValue::Text(text)) => Ok(Some(text.clone())),
            Some(FieldValue::Other(value)) => {
                let text = scalar(&self.names[place], Some(value))?;
                Ok(text.map(Cow::Owned))
            }
            None => Ok(None),
        }
    }
}

impl Columns {
    fn unit<'a>(&self, mut unit: Unit<'a>, found: &'a Delimited) -> Unit<'a> {
        let record = &found.record;
        if let Some(line) = found.open_quote {
            unit.text = Err(format!("line {line}: {UNCLOSED_QUOTE}"));
            return unit;
        }
        if record.len() != self.count {
            unit.text = Err(format!(
                "{} fields where {} are expected",
                record.len(),
                self.count
            ));
            return unit;
        }
        let cell = |column: usize| {
            std::str::from_utf8(&record[column])
                .map(Cow::Borrowed)
                .map_err(|error| invalid_utf8(error.valid_up_to() + 1))
        };
        unit.text = cell(self.text);
        for (target, column) in [(&mut unit.id, self.id), (&mut unit.doc, self.doc)] {
            match column.map(cell) {
                Some(Ok(value)) if !value.is_empty() => *target = Some(value),
                Some(Err(message)) => unit.text = Err(message),
                Some(Ok(_)) | None => {}
            }
        }
        for &column in &self.keep {
            let kept = cell(column).map(FieldValue::Text);
            unit.kept.push(match kept {
                Ok(value) => Some(value),
                Err(message) => {
                    unit.text = Err(message);
                    None
                }
            });
        }
        unit
    }
}

fn open_table(
    path: &Path,
    reader: Box<dyn BufRead + Send>,
    delimiter: u8,
    fields: &InputFields,
    pieces: usize,
) -> Result<(Rows, Source)> {
    let mut records = DelimitedRecords::new(path, reader, delimiter)?;
    let header = records.next().transpose()?;
    let (columns, first) = match header {
        Some(header) => columns_of(path, header, delimiter, fields)?,
        None => (Columns::default(), None),
    };
    let source = Source::Table {
        records,
        first,
        most_records: pieces.max(1) * PIECE_RECORDS,
        most_bytes: pieces.max(1) * PIECE_BYTES,
    };
    Ok((Rows::Records(columns), source))
}

/// The columns that a header names, or, for bare `label<TAB>text`, those that are meant, with the
/// record that is none.
fn columns_of(
    path: &Path,
    first: Delimited,
    delimiter: u8,
    fields: &InputFields,
) -> Result<(Columns, Option<Delimited>)> {
    if let Err(error) = csv::StringRecord::from_byte_record(first.record.clone()) {
        return Err(Error::Encoding {
            path: path.into(),
            line: first.line,
            byte: error.utf8_error().valid_up_to() + 1,
        });
    }
    let header: Vec<String> = first
        .record
        .iter()
        .map(|name| String::from_utf8_lossy(name).trim().to_owned())
        .collect();
    let find = |name: &str| header.iter().position(|other| other == name);
    let bare = delimiter == b'\t' && header.len() == 2 && find(&fields.text).is_none();
    let semicolons = header.len() == 1 && header[0].contains(';');
    let missing = |name: &str| Error::File {
        path: path.into(),
        message: if semicolons {
            "its fields are separated by semicolons; save it with commas or tabs".to_owned()
        } else {
            format!(
                "no column {name:?} in the header ({}); name the right one with --text-field, --id-field or --keep",
                shortened(&header.join(", "))
            )
        },
    };
    let text = match find(&fields.text) {
        Some(column) => column,
        None if bare => 1,
        None => return Err(missing(&fields.text)),
    };
    let keep = fields.keep.iter();
    let keep = keep.map(|name| find(name).ok_or_else(|| missing(name)));
    let columns = Columns {
        count: header.len(),
        text,
        keep: keep.collect::<Result<_>>()?,
        id: match &fields.id {
            Some(name) => Some(find(name).ok_or_else(|| missing(name))?),
            None => find(DEFAULT_ID_FIELD),
        },
        doc: find(&fields.doc),
    };
    Ok((columns, bare.then_some(first)))
}

fn invalid_utf8(byte: usize) -> String {
    format!("not valid UTF-8 at byte {byte}; convert the file to UTF-8 first")
}

fn detect(path: &Path, reader: &mut (dyn BufRead + Send + 'static)) -> Result<InputFormat> {
    Ok(match ending(path).as_str() {
        "jsonl" | "ndjson" => InputFormat::Jsonl,
        "csv" => InputFormat::Csv,
        "tsv" | "tab" => InputFormat::Tsv,
        "txt" | "text" => InputFormat::Text,
        _ if peek(path, reader)?.starts_with(b"{") => InputFormat::Jsonl,
        _ => InputFormat::Text,
    })
}
