//! Which format an annotated file has.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::encoding::TextEncoding;
use super::files::ending;
use super::formats::{ObjectFormat, brat, sample, told_by};
use super::row::KeptFields;
use crate::error::{Error, Result};

/// Formats of annotated corpora.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum CorpusFormat {
    /// By the file's name and what it begins with.
    #[default]
    Auto,
    /// JSON objects with text and labels, one a line or in an array.
    Jsonl,
    /// Values between commas or semicolons, with a header.
    Csv,
    /// Values between tabs, with a header or bare `label<TAB>text`.
    Tsv,
    /// Export of doccano: JSON Lines or JSON.
    Doccano,
    /// Export of Label Studio: JSON or JSON-MIN.
    LabelStudio,
    /// Export of Prodigy: JSON Lines.
    Prodigy,
    /// Folder of brat, or one text of it with its .ann file.
    Brat,
    /// Spreadsheet: XLSX, XLS, XLSB or ODS.
    Xlsx,
    /// Parquet.
    Parquet,
    /// Arrow IPC, file or stream.
    Arrow,
}

/// How the files of a corpus are read.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    pub(super) format: CorpusFormat,
    pub(super) encoding: Option<TextEncoding>,
    /// The sheet of spreadsheets; without it the first.
    pub(super) sheet: Option<String>,
    pub(super) kept: KeptFields,
}

/// How the rows of a text file stand in it.
#[derive(Debug)]
pub(super) enum Layout {
    Objects {
        is_array: bool,
        format: ObjectFormat,
        /// Those that stand whole at its beginning.
        head: Vec<Map<String, Value>>,
    },
    Table(TableForm),
}

/// How the fields of a table are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TableForm {
    pub(super) delimiter: u8,
    /// Whether quotes bound fields.
    pub(super) has_quotes: bool,
    /// Whether it has no header, but a text and then 0 or 1 for each label, as the data of ConfliBERT.
    pub(super) is_unnamed: bool,
}

impl CorpusFormat {
    /// What a file of this format is that is no text.
    pub(super) fn container(self) -> Option<Container> {
        match self {
            Self::Xlsx => Some(Container::Sheet),
            Self::Parquet => Some(Container::Parquet),
            Self::Arrow => Some(Container::Arrow),
            _ => None,
        }
    }
}

impl TableForm {
    /// The form of a table that begins like this.
    fn of(delimiter: u8, head: &[u8]) -> Self {
        let is_tab = delimiter == b'\t';
        // In bare TSV quotes are letters, but ConfliBERT's data quote their texts.
        let quoted = is_tab && head.starts_with(b"\"") && begins_with_flags(head, delimiter, true);
        Self {
            delimiter,
            has_quotes: !is_tab || quoted,
            is_unnamed: quoted || begins_with_flags(head, delimiter, !is_tab),
        }
    }
}

/// Whether the first record is a text and then only 0 and 1.
fn begins_with_flags(head: &[u8], delimiter: u8, has_quotes: bool) -> bool {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .quoting(has_quotes)
        .has_headers(false)
        .from_reader(head);
    let mut record = csv::ByteRecord::new();
    let is_flag = |cell: &[u8]| matches!(cell.trim_ascii(), b"0" | b"1");
    let read = reader.read_byte_record(&mut record);
    let mut cells = record.iter();
    let text = cells.next().unwrap_or_default();
    matches!(read, Ok(true)) && record.len() >= 2 && !is_flag(text) && cells.all(is_flag)
}

/// Containers that are known by their first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    /// A spreadsheet: a zip archive, or the compound file of old ones.
    Sheet,
    Parquet,
    /// Arrow IPC as a file.
    Arrow,
    /// Arrow IPC as a stream.
    ArrowStream,
}

/// What the first bytes of a file say that is no text.
pub(crate) fn container(head: &[u8]) -> Option<Container> {
    const SIGNATURES: &[(&[u8], Container)] = &[
        (b"PAR1", Container::Parquet),
        (b"ARROW1\0\0", Container::Arrow),
        (b"\xFF\xFF\xFF\xFF", Container::ArrowStream),
        (b"PK\x03\x04", Container::Sheet),
        (b"\xD0\xCF\x11\xE0", Container::Sheet),
    ];
    let found = SIGNATURES.iter().find(|(bytes, _)| head.starts_with(bytes));
    found.map(|(_, container)| *container)
}

/// What a file's name says that is no text.
pub(crate) fn container_of_ending(ending: &str) -> Option<Container> {
    match ending {
        "parquet" | "pq" => Some(Container::Parquet),
        "arrow" | "arrows" | "ipc" | "feather" => Some(Container::Arrow),
        "xlsx" | "xlsm" | "xlsb" | "xls" | "ods" => Some(Container::Sheet),
        _ => None,
    }
}

/// Whether a file's name says that it is text.
pub(crate) fn names_text(ending: &str) -> bool {
    matches!(
        ending,
        "csv" | "tsv" | "tab" | "jsonl" | "ndjson" | "json" | "txt" | "text"
    )
}

/// What a file is that is no text, by what it begins with; `wanted` is what it is said or named to be.
///
/// # Errors
/// When it is named or said to be one, and is not.
pub(crate) fn container_in(
    path: &Path,
    head: &[u8],
    wanted: Option<Container>,
) -> Result<Option<Container>> {
    let found = container(head);
    let what = match wanted {
        None => return Ok(found),
        Some(Container::Sheet) => "spreadsheet",
        Some(Container::Parquet) => "Parquet file",
        Some(Container::Arrow | Container::ArrowStream) => "Arrow IPC file or stream",
    };
    let is_arrow =
        |found: Option<Container>| matches!(found, Some(Container::Arrow | Container::ArrowStream));
    if found == wanted || (is_arrow(found) && is_arrow(wanted)) {
        return Ok(found);
    }
    let message = match head.is_empty() {
        true => format!("is empty, no {what}"),
        false => format!("is no {what}, or a damaged one; say which format it has with --from"),
    };
    Err(Error::File {
        path: path.into(),
        message,
    })
}

/// The layout of a text file, of which `head` is the beginning without white space.
pub(super) fn text_layout(path: &Path, format: CorpusFormat, head: &[u8]) -> Result<Layout> {
    let objects = |format: Option<ObjectFormat>| {
        let head_objects = sample(head);
        Layout::Objects {
            is_array: head.starts_with(b"["),
            format: format.unwrap_or_else(|| told_by(&head_objects)),
            head: head_objects,
        }
    };
    let first_line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let table = |delimiter| Ok(Layout::Table(TableForm::of(delimiter, head)));
    match format {
        CorpusFormat::Jsonl => Ok(objects(Some(ObjectFormat::Own))),
        CorpusFormat::Doccano => Ok(objects(Some(ObjectFormat::Doccano))),
        CorpusFormat::LabelStudio => Ok(objects(Some(ObjectFormat::LabelStudio))),
        CorpusFormat::Prodigy => Ok(objects(Some(ObjectFormat::Prodigy))),
        CorpusFormat::Csv => table(separator(first_line)),
        CorpusFormat::Tsv => table(b'\t'),
        _ => match ending(path).as_str() {
            "csv" => table(separator(first_line)),
            "tsv" | "tab" => table(b'\t'),
            "jsonl" | "ndjson" | "json" => Ok(objects(None)),
            _ if head.is_empty() || head.starts_with(b"{") || is_array_of_objects(head) => {
                Ok(objects(None))
            }
            _ if first_line.contains(&b'\t') && !head.contains(&0) => table(b'\t'),
            _ if names_a_text(first_line) => table(separator(first_line)),
            _ => Err(Error::File {
                path: path.into(),
                message: "of no format that is known by its name or its first characters; say which it has with --from".into(),
            }),
        },
    }
}

/// Refuses to look for a sheet in what has none.
///
/// # Errors
/// When a sheet is named.
pub(crate) fn refuse_sheet(path: &Path, sheet: Option<&str>) -> Result<()> {
    match sheet {
        None => Ok(()),
        Some(_) => Err(Error::File {
            path: path.into(),
            message: "is no spreadsheet and has no sheets; leave --sheet out".into(),
        }),
    }
}

/// Whether a text begins as an array of objects does.
pub(crate) fn is_array_of_objects(head: &[u8]) -> bool {
    head.strip_prefix(b"[")
        .is_some_and(|rest| matches!(rest.trim_ascii_start().first(), Some(b'{' | b']')))
}

/// What separates the fields of a header: semicolons, as spreadsheets write where the comma is a decimal
/// sign, when it has them and no comma outside of quotes.
pub(crate) fn separator(header: &[u8]) -> u8 {
    let (mut quoted, mut commas, mut semicolons) = (false, 0, 0);
    for byte in header {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => commas += 1,
            b';' if !quoted => semicolons += 1,
            _ => {}
        }
    }
    match (commas, semicolons) {
        (0, 1..) => b';',
        _ => b',',
    }
}

fn names_a_text(header: &[u8]) -> bool {
    let separator = separator(header);
    let mut names = header.split(|byte| *byte == separator);
    names.any(|name| {
        let name = name.trim_ascii();
        let name = name
            .strip_prefix(b"\"")
            .and_then(|name| name.strip_suffix(b"\""))
            .unwrap_or(name);
        matches!(name, b"text" | b"sentence")
    }) && header.contains(&separator)
}

/// A file of a corpus.
pub(super) struct CorpusFile {
    pub(super) path: PathBuf,
    pub(super) format: CorpusFormat,
    /// The folder that it was found in, where that was given.
    pub(super) folder: Option<PathBuf>,
}

impl CorpusFile {
    fn new(path: &Path, format: CorpusFormat) -> Self {
        Self {
            path: path.into(),
            format,
            folder: None,
        }
    }
}

/// The files that a path of a corpus stands for: the texts of a folder of brat, the text of an `.ann`
/// file, else itself.
///
/// # Errors
/// When a folder cannot be read or is none of brat.
pub(super) fn files_of(path: &Path, reading: &Reading) -> Result<Vec<CorpusFile>> {
    let format = reading.format;
    if !matches!(format, CorpusFormat::Auto | CorpusFormat::Brat) {
        return Ok(vec![CorpusFile::new(path, format)]);
    }
    if path.is_dir() {
        let texts = brat::texts_of_folder(path)?.ok_or_else(|| Error::File {
            path: path.into(),
            message: "is a folder, and none of brat with .ann files; name the files in it".into(),
        })?;
        return Ok(texts
            .into_iter()
            .map(|text| CorpusFile {
                folder: Some(path.into()),
                ..CorpusFile::new(&text, CorpusFormat::Brat)
            })
            .collect());
    }
    Ok(vec![match brat::text_of_pair(path) {
        Some(text) => CorpusFile::new(&text, CorpusFormat::Brat),
        None => CorpusFile::new(path, format),
    }])
}
