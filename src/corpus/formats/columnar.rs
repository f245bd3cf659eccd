//! Parquet, and Arrow IPC as file and as stream, batch by batch.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::reader::{FileReader, StreamReader};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;

use super::arrow_values::{self, nested};
use crate::corpus::cells::{CellRecord, CellTable};
use crate::corpus::files::can_be_read_twice;
use crate::corpus::format::Container;
use crate::error::{Error, Result, one_line, shortened};
use crate::shield::{Shielded, shielded};

/// Rows that are decoded together.
const ROWS_A_BATCH: usize = 1024;

/// The columns that are read.
pub(crate) struct Wanted<'a> {
    /// Whether a column of this name is read.
    pub(crate) column: &'a dyn Fn(&str) -> bool,
    /// Names, of columns or of fields within them (`data.text`), that are read where they exist.
    pub(crate) names: &'a [String],
    /// Whether the values of cells are wanted beside their text.
    pub(crate) typed: bool,
}

/// The names of all columns, and batches of those that are read with their schema.
type Opened = (Vec<String>, SchemaRef, Batches);

type Batches = Box<dyn Iterator<Item = std::result::Result<RecordBatch, String>> + Send>;

/// A file that can be read at any place, and more than once.
pub(crate) struct Source {
    path: PathBuf,
    file: File,
    container: Container,
}

impl Source {
    /// The file at `path`, which `reader` has open; what cannot be read at any place, as standard input and
    /// compressed files, is copied to a file that vanishes.
    ///
    /// # Errors
    /// When it cannot be read or copied.
    pub(crate) fn new(
        path: &Path,
        mut reader: Box<dyn BufRead + Send>,
        container: Container,
    ) -> Result<Self> {
        let with_path = |error| Error::io(path, error);
        let head = reader.fill_buf().map_err(with_path)?;
        let signature = head[..head.len().min(4)].to_vec();
        let file = match plain_file(path, &signature)? {
            Some(file) => file,
            None => {
                let mut copy = tempfile::tempfile().map_err(with_path)?;
                std::io::copy(&mut reader, &mut copy).map_err(with_path)?;
                copy
            }
        };
        Ok(Self {
            path: path.into(),
            file,
            container,
        })
    }

    /// Opens the table, from its start. What was opened before must not be read any more.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or has a column wanted that this program cannot decompress.
    pub(crate) fn open(&self, wanted: &Wanted<'_>) -> Result<CellTable> {
        let path = &self.path;
        let with_path = |error| Error::io(path, error);
        let mut file = self.file.try_clone().map_err(with_path)?;
        file.rewind().map_err(with_path)?;
        let opened = shielded(|| match self.container {
            Container::Parquet => parquet(path, file, wanted),
            Container::Arrow => arrow_file(BufReader::new(file), wanted)
                .map_err(|error| damaged(path, &error.to_string())),
            _ => arrow_stream(path, BufReader::new(file)),
        });
        let opened = opened.map_err(|message| damaged(path, &message))??;
        Ok(table(path, opened, wanted))
    }
}

/// Opens a stream of Arrow, which is read once.
///
/// # Errors
/// When it cannot be read or is damaged.
pub(crate) fn open_stream(
    path: &Path,
    reader: Box<dyn BufRead + Send>,
    wanted: &Wanted<'_>,
) -> Result<CellTable> {
    let opened = shielded(|| arrow_stream(path, reader));
    let opened = opened.map_err(|message| damaged(path, &message))??;
    Ok(table(path, opened, wanted))
}

fn table(path: &Path, opened: Opened, wanted: &Wanted<'_>) -> CellTable {
    let (all, schema, batches) = opened;
    let columns = columns(&schema, wanted);
    let file = path.to_path_buf();
    let typed = wanted.typed;
    let names = columns.iter().map(|(name, _)| name.clone()).collect();
    let mut rows = 0;
    let records = Shielded::new(batches).flat_map(move |batch| {
        let batch = batch.map_err(|message| damaged(&file, &message));
        let records = batch.and_then(|batch| {
            let first = rows;
            rows += batch.num_rows() as u64;
            shielded(|| read_batch(&file, &batch, &columns, first, typed))
                .unwrap_or_else(|message| Err(damaged(&file, &message)))
        });
        match records {
            Ok(records) => records.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        }
    });
    // What follows damage is no part of the table.
    let mut stopped = false;
    let records =
        records.take_while(move |record| !std::mem::replace(&mut stopped, record.is_err()));
    CellTable {
        names,
        columns: all,
        records: Box::new(records),
    }
}

fn damaged(path: &Path, message: &str) -> Error {
    let message = one_line(message);
    let cannot = ["lz4", "zstd"]
        .into_iter()
        .find(|codec| message.contains(&format!("requires the {codec} feature")));
    Error::File {
        path: path.into(),
        message: match cannot {
            Some(codec) => not_decompressed(codec),
            None => format!("damaged or cut short: {}", shortened(&message)),
        },
    }
}

fn not_decompressed(codec: &str) -> String {
    format!(
        "its columns are compressed with {codec}, which this program does not read; write it again with snappy, gzip or lz4, or as Arrow IPC without compression"
    )
}

/// The file at a path, when it begins like this and can be read at any place.
fn plain_file(path: &Path, signature: &[u8]) -> Result<Option<File>> {
    if !can_be_read_twice(path) {
        return Ok(None);
    }
    let with_path = |error| Error::io(path, error);
    let mut file = File::open(path).map_err(with_path)?;
    let mut head = Vec::with_capacity(signature.len());
    let length = signature.len() as u64;
    (&mut file)
        .take(length)
        .read_to_end(&mut head)
        .map_err(with_path)?;
    file.rewind().map_err(with_path)?;
    Ok((head == signature).then_some(file))
}

fn parquet(path: &Path, file: File, wanted: &Wanted<'_>) -> Result<Opened> {
    let of_file = |error: parquet::errors::ParquetError| damaged(path, &error.to_string());
    let metadata = ArrowReaderMetadata::load(&file, Default::default()).map_err(of_file)?;
    let all = names(metadata.schema());
    let roots = roots(metadata.schema(), wanted);
    // DataFusion brings the C library that decompresses it.
    if !cfg!(feature = "sql")
        && let Some(column) = unreadable(metadata.metadata(), &roots)
    {
        return Err(Error::File {
            path: path.into(),
            message: format!(
                "the column {:?}: {}; programs built with --features sql read it",
                shortened(&column),
                not_decompressed("zstd")
            ),
        });
    }
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let reader = builder
        .with_projection(mask)
        .with_batch_size(ROWS_A_BATCH)
        .build()
        .map_err(of_file)?;
    let schema = arrow::array::RecordBatchReader::schema(&reader);
    let batches = reader.map(|batch| batch.map_err(|error| error.to_string()));
    Ok((all, schema, Box::new(batches)))
}

/// The first column wanted that is compressed with zstd.
fn unreadable(metadata: &ParquetMetaData, roots: &[usize]) -> Option<String> {
    let schema = metadata.file_metadata().schema_descr();
    metadata.row_groups().iter().find_map(|group| {
        let mut columns = group.columns().iter().enumerate();
        columns.find_map(|(leaf, column)| {
            let is_wanted = roots.contains(&schema.get_column_root_idx(leaf));
            let is_zstd = matches!(column.compression(), Compression::ZSTD(_));
            (is_wanted && is_zstd).then(|| column.column_path().string())
        })
    })
}

fn arrow_stream(path: &Path, reader: impl Read + Send + 'static) -> Result<Opened> {
    let reader = StreamReader::try_new(reader, None);
    let reader = reader.map_err(|error| damaged(path, &error.to_string()))?;
    Ok((names(&reader.schema()), reader.schema(), sliced(reader)))
}

fn arrow_file<R: Read + Seek + Send + 'static>(
    mut file: R,
    wanted: &Wanted<'_>,
) -> std::result::Result<Opened, arrow::error::ArrowError> {
    let schema = FileReader::try_new(&mut file, None)?.schema();
    file.rewind()?;
    let reader = FileReader::try_new(file, Some(roots(&schema, wanted)))?;
    Ok((names(&schema), reader.schema(), sliced(reader)))
}

/// Batches of any size as batches of a bounded size.
fn sliced(
    batches: impl Iterator<Item = std::result::Result<RecordBatch, arrow::error::ArrowError>>
    + Send
    + 'static,
) -> Batches {
    Box::new(batches.flat_map(|batch| match batch {
        Ok(batch) => {
            let starts = (0..batch.num_rows()).step_by(ROWS_A_BATCH);
            let slices = starts.map(|start| {
                let length = ROWS_A_BATCH.min(batch.num_rows() - start);
                Ok(batch.slice(start, length))
            });
            slices.collect::<Vec<_>>()
        }
        Err(error) => vec![Err(error.to_string())],
    }))
}

fn names(schema: &Schema) -> Vec<String> {
    let names = schema.fields().iter().map(|field| field.name().clone());
    names.collect()
}

/// The columns that hold anything wanted.
fn roots(schema: &Schema, wanted: &Wanted<'_>) -> Vec<usize> {
    let fields = schema.fields().iter().enumerate();
    let wanted = fields.filter(|(_, field)| {
        let within = |name: &String| {
            name.strip_prefix(field.name().as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        (wanted.column)(field.name()) || wanted.names.iter().any(within)
    });
    wanted.map(|(place, _)| place).collect()
}

/// Names with the places that lead to their values: a column, and fields within it.
fn columns(schema: &Schema, wanted: &Wanted<'_>) -> Vec<(String, Vec<usize>)> {
    let whole = schema.fields().iter().enumerate();
    let whole = whole
        .filter(|(_, field)| (wanted.column)(field.name()) || wanted.names.contains(field.name()))
        .map(|(place, field)| (field.name().clone(), vec![place]));
    let mut columns: Vec<(String, Vec<usize>)> = whole.collect();
    for name in wanted.names {
        if !columns.iter().any(|(known, _)| known == name)
            && let Some(path) = nested(schema.fields(), name)
        {
            columns.push((name.clone(), path));
        }
    }
    columns
}

fn push_null(record: &mut CellRecord, column: usize, typed: bool) {
    record.cells.push_field("");
    record.nulls.push(column);
    if typed {
        record.typed.push(Some(serde_json::Value::Null));
    }
}

fn read_batch(
    path: &Path,
    batch: &RecordBatch,
    columns: &[(String, Vec<usize>)],
    before: u64,
    typed: bool,
) -> Result<Vec<CellRecord>> {
    let of_file = |message: String| damaged(path, &message);
    let arrays: Vec<Vec<ArrayRef>> = columns
        .iter()
        .map(|(_, path)| arrow_values::descend(batch, path))
        .collect::<std::result::Result<_, _>>()
        .map_err(of_file)?;
    let mut records = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let mut record = CellRecord {
            line: before + row as u64 + 1,
            ..CellRecord::default()
        };
        for (column, levels) in arrays.iter().enumerate() {
            let array = match levels.split_last() {
                Some((array, above)) if !above.iter().any(|level| level.is_null(row)) => array,
                _ => {
                    push_null(&mut record, column, typed);
                    continue;
                }
            };
            if let Some(text) = arrow_values::text(array, row) {
                match text {
                    Ok(text) => record.cells.push_field(text),
                    Err(message) => {
                        record.broken.push((column, message));
                        record.cells.push_field("");
                    }
                }
                if typed {
                    record.typed.push(None);
                }
                continue;
            }
            if array.is_null(row) {
                push_null(&mut record, column, typed);
                continue;
            }
            let value = arrow_values::value(array, row).map_err(of_file)?;
            record.cells.push_field(&arrow_values::shown(&value));
            if typed {
                record.typed.push(Some(value));
            }
        }
        records.push(record);
    }
    Ok(records)
}
