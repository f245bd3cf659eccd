//! Reading what is to be labelled: text, JSON Lines, CSV and TSV, one unit after the other.

use std::io::BufRead;
use std::path::Path;

use serde_json::{Map, Value};

use crate::corpus::{
    Delimited, DelimitedRecords, Line, Lines, UNCLOSED_QUOTE, ending, not_an_object, open, peek,
    scalar,
};
use crate::error::{Error, Result, shortened};

const DEFAULT_ID_FIELD: &str = "id";

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
pub struct Unit {
    /// The input's id, or `FILE:LINE`.
    pub id: String,
    /// The input's document, or the file.
    pub doc: String,
    /// Line in the file, from 1.
    pub line: u64,
    /// Where `text` begins in the file for plain text, 0 for fields of rows.
    pub offset: usize,
    /// The text, or why it could not be read.
    pub text: std::result::Result<String, String>,
    /// Whether it is a paragraph of a document, with page furniture around.
    pub paragraph: bool,
    /// Fields carried along.
    pub kept: Map<String, Value>,
}

/// The units of one file, in order.
pub struct Units {
    name: String,
    fields: InputFields,
    source: Source,
}

enum Source {
    Text(Lines),
    JsonLines(Lines),
    Table(Box<Table>),
}

struct Table {
    records: DelimitedRecords,
    header: Vec<String>,
    text: usize,
    id: Option<usize>,
    doc: Option<usize>,
    keep: Vec<usize>,
    /// The first record of a table without a header.
    first: Option<Delimited>,
}

impl Units {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// When it cannot be opened, or a table lacks a field that is asked for.
    pub fn open(path: &Path, format: InputFormat, fields: &InputFields) -> Result<Self> {
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
        let source = match format {
            InputFormat::Auto | InputFormat::Text => Source::Text(Lines::new(path, reader)),
            InputFormat::Jsonl => Source::JsonLines(Lines::new(path, reader)),
            InputFormat::Csv => Source::Table(Box::new(Table::open(path, reader, b',', fields)?)),
            InputFormat::Tsv => Source::Table(Box::new(Table::open(path, reader, b'\t', fields)?)),
        };
        Ok(Self {
            name: path.display().to_string(),
            fields: fields.clone(),
            source,
        })
    }

    fn unit(&self, line: u64) -> Unit {
        Unit {
            id: format!("{}:{line}", self.name),
            doc: self.name.clone(),
            line,
            offset: 0,
            text: Ok(String::new()),
            paragraph: false,
            kept: Map::new(),
        }
    }

    fn of_text_line(&self, line: Line) -> Unit {
        Unit {
            offset: line.offset as usize,
            text: line.text.map_err(invalid_utf8),
            paragraph: true,
            ..self.unit(line.number)
        }
    }

    fn of_json_line(&self, line: Line) -> Unit {
        let mut unit = self.unit(line.number);
        let parsed = line.text.map_err(invalid_utf8).and_then(|text| {
            serde_json::from_str::<Map<String, Value>>(&text).map_err(|error| not_an_object(&error))
        });
        let object = match parsed {
            Ok(object) => object,
            Err(message) => {
                unit.text = Err(message);
                return unit;
            }
        };
        let fields = &self.fields;
        unit.text = match object.get(&fields.text) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(format!("the field {:?} is not a string", fields.text)),
            None => Err(format!("there is no field {:?}", fields.text)),
        };
        let id_field = fields.id.as_deref().unwrap_or(DEFAULT_ID_FIELD);
        for (target, field) in [(&mut unit.id, id_field), (&mut unit.doc, &*fields.doc)] {
            match scalar(field, object.get(field)) {
                Ok(Some(value)) => *target = value,
                Ok(None) => {}
                Err(message) => unit.text = Err(message),
            }
        }
        for name in &fields.keep {
            let value = object.get(name).cloned().unwrap_or(Value::Null);
            unit.kept.insert(name.clone(), value);
        }
        unit
    }

    fn of_record(&self, table: &Table, found: &Delimited) -> Unit {
        let (line, record) = (found.line, &found.record);
        let mut unit = self.unit(line);
        if let Some(line) = found.open_quote {
            unit.text = Err(format!("line {line}: {UNCLOSED_QUOTE}"));
            return unit;
        }
        if record.len() != table.header.len() {
            unit.text = Err(format!(
                "{} fields where {} are expected",
                record.len(),
                table.header.len()
            ));
            return unit;
        }
        let cell = |column: usize| {
            std::str::from_utf8(&record[column])
                .map(str::to_owned)
                .map_err(|error| invalid_utf8(error.valid_up_to() + 1))
        };
        unit.text = cell(table.text);
        for (target, column) in [(&mut unit.id, table.id), (&mut unit.doc, table.doc)] {
            match column.map(cell) {
                Some(Ok(value)) if !value.is_empty() => *target = value,
                Some(Err(message)) => unit.text = Err(message),
                Some(Ok(_)) | None => {}
            }
        }
        for &column in &table.keep {
            match cell(column) {
                Ok(value) => {
                    unit.kept
                        .insert(table.header[column].clone(), Value::String(value));
                }
                Err(message) => unit.text = Err(message),
            }
        }
        unit
    }
}

impl Iterator for Units {
    type Item = Result<Unit>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.source {
            Source::Text(lines) => {
                let line = lines.next()?;
                Some(line.map(|line| self.of_text_line(line)))
            }
            Source::JsonLines(lines) => loop {
                match lines.next()? {
                    Ok(line) if line.text.as_ref().is_ok_and(|text| text.trim().is_empty()) => {}
                    Ok(line) => return Some(Ok(self.of_json_line(line))),
                    Err(error) => return Some(Err(error)),
                }
            },
            Source::Table(table) => {
                let found = match table.first.take() {
                    Some(first) => first,
                    None => match table.records.next()? {
                        Ok(found) => found,
                        Err(error) => return Some(Err(error)),
                    },
                };
                let Source::Table(table) = &self.source else {
                    return None;
                };
                Some(Ok(self.of_record(table, &found)))
            }
        }
    }
}

impl Table {
    fn open(
        path: &Path,
        reader: Box<dyn BufRead + Send>,
        delimiter: u8,
        fields: &InputFields,
    ) -> Result<Self> {
        let mut records = DelimitedRecords::new(path, reader, delimiter)?;
        let Some(first) = records.next().transpose()? else {
            return Ok(Self {
                records,
                header: Vec::new(),
                text: 0,
                id: None,
                doc: None,
                keep: Vec::new(),
                first: None,
            });
        };
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
        let keep = fields
            .keep
            .iter()
            .map(|name| find(name).ok_or_else(|| missing(name)))
            .collect::<Result<_>>()?;
        Ok(Self {
            records,
            text,
            id: match &fields.id {
                Some(name) => Some(find(name).ok_or_else(|| missing(name))?),
                None => find(DEFAULT_ID_FIELD),
            },
            doc: find(&fields.doc),
            keep,
            first: bare.then_some(first),
            header,
        })
    }
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
