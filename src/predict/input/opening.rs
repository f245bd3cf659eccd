//! Finding out what a file is, and opening it.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::objects::Objects;
use super::{InputFields, InputFormat, InputOptions, Most, Rows, Source, cells, delimited};
use crate::corpus::{
    Blocks, Container, JsonArray, ObjectFormat, Source as ColumnSource, Wanted, container_in,
    container_of_ending, decoded, ending, is_array_of_objects, names_text, open, open_sheet,
    open_stream, peek, refuse_sheet, sample_objects, separator, sheet_bytes, texts_of_folder,
    told_by,
};
use crate::error::{Error, Result};

/// The files that paths stand for: the texts of a folder of brat, else the paths themselves.
///
/// # Errors
/// When a folder cannot be read.
pub(crate) fn input_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        match path.is_dir() {
            true => match texts_of_folder(path)? {
                Some(texts) => files.extend(texts),
                None => files.push(path.clone()),
            },
            false => files.push(path.clone()),
        }
    }
    Ok(files)
}

/// Opens a file by its format, told or found out.
pub(super) fn open_source(
    path: &Path,
    options: &InputOptions,
    fields: &InputFields,
    pieces: usize,
) -> Result<(Rows, Source)> {
    let mut reader = open(path)?;
    let is_auto = options.format == InputFormat::Auto;
    let wanted = match options.format {
        InputFormat::Auto => container_of_ending(&ending(path)),
        InputFormat::Xlsx => Some(Container::Sheet),
        InputFormat::Parquet => Some(Container::Parquet),
        InputFormat::Arrow => Some(Container::Arrow),
        _ => None,
    };
    if wanted.is_some() || (is_auto && !names_text(&ending(path))) {
        let head = reader.fill_buf().map_err(|error| Error::io(path, error))?;
        if let Some(found) = container_in(path, head, wanted)? {
            return open_container(path, reader, found, options, fields, pieces);
        }
    }
    refuse_sheet(path, options.sheet.as_deref())?;
    let mut reader = decoded(reader, options.encoding).map_err(|error| Error::io(path, error))?;
    let head = peek(path, &mut *reader)?;
    let format = match options.format {
        InputFormat::Auto if head.contains(&0) => {
            return Err(Error::File {
                path: path.into(),
                message: "is neither text nor of a format that is known; a model is named with -m"
                    .into(),
            });
        }
        InputFormat::Auto => text_format(path, head),
        told => told,
    };
    let asks_for_fields = fields.id.is_some() || !fields.keep.is_empty();
    if format == InputFormat::Text && asks_for_fields {
        return Err(Error::File {
            path: path.into(),
            message:
                "plain text has no fields; name its format with --from, such as jsonl, csv or tsv"
                    .into(),
        });
    }
    let objects = match format {
        InputFormat::Jsonl if is_auto => Some(told_by(&sample_objects(head))),
        InputFormat::Jsonl => Some(ObjectFormat::Own),
        InputFormat::Doccano => Some(ObjectFormat::Doccano),
        InputFormat::LabelStudio => Some(ObjectFormat::LabelStudio),
        InputFormat::Prodigy => Some(ObjectFormat::Prodigy),
        _ => None,
    };
    if let Some(objects) = objects {
        let source = match is_array_of_objects(head) {
            true => Source::Elements {
                array: JsonArray::new(path, reader),
                most: Most::of_pieces(pieces),
            },
            false => Source::Lines(Blocks::new(path, reader, pieces)),
        };
        return Ok((Rows::Objects(Objects::new(fields, objects)), source));
    }
    let delimiter = match format {
        InputFormat::Csv => {
            let first_line = head.split(|&byte| byte == b'\n').next();
            separator(first_line.unwrap_or_default())
        }
        InputFormat::Tsv => b'\t',
        _ => {
            let source = Source::Lines(Blocks::new(path, reader, pieces));
            return Ok((Rows::Paragraphs, source));
        }
    };
    delimited::open_table(path, reader, delimiter, fields, pieces, options.encoding)
}

fn open_container(
    path: &Path,
    reader: Box<dyn BufRead + Send>,
    container: Container,
    options: &InputOptions,
    fields: &InputFields,
    pieces: usize,
) -> Result<(Rows, Source)> {
    if container != Container::Sheet {
        refuse_sheet(path, options.sheet.as_deref())?;
    }
    let names = cells::names(fields);
    let wanted = Wanted {
        column: &|_| false,
        names: &names,
        typed: !fields.keep.is_empty(),
    };
    let table = match container {
        Container::Sheet => open_sheet(path, sheet_bytes(path, reader)?, options.sheet.as_deref())?,
        Container::ArrowStream => open_stream(path, reader, &wanted)?,
        _ => ColumnSource::new(path, reader, container)?.open(&wanted)?,
    };
    cells::open(path, table, fields, pieces)
}

/// What a text file is by its name, else by what it begins with.
fn text_format(path: &Path, head: &[u8]) -> InputFormat {
    match ending(path).as_str() {
        "jsonl" | "ndjson" | "json" => InputFormat::Jsonl,
        "csv" => InputFormat::Csv,
        "tsv" | "tab" => InputFormat::Tsv,
        "txt" | "text" => InputFormat::Text,
        _ if head.starts_with(b"{") || is_array_of_objects(head) => InputFormat::Jsonl,
        _ => InputFormat::Text,
    }
}
