//! Rows of a statement into one file or standard output.

mod cells;
mod sizes;

use std::io::{self, Write};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;

use super::errors::told;
use crate::columnar::{Container, PieceWriter};
use crate::corpus::ending;
use crate::error::Error;
use crate::predict::Cells;
use crate::tables::{Table, TableFormat};
use cells::{Column, columns_of};
use sizes::row_sizes;

/// How rows of a statement are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum RowsFormat {
    /// Columns side by side, for people.
    Table,
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// One JSON object a line.
    #[default]
    Jsonl,
    /// Parquet, compressed with Snappy.
    Parquet,
    /// A stream of Arrow IPC.
    Arrow,
}

impl RowsFormat {
    /// The format that a file's name asks for; JSON Lines where it asks for none.
    pub(crate) fn of(path: &Path) -> Self {
        match ending(path).as_str() {
            "csv" => Self::Csv,
            "tsv" | "tab" => Self::Tsv,
            "parquet" => Self::Parquet,
            "arrow" | "arrows" => Self::Arrow,
            _ => Self::Jsonl,
        }
    }

    /// Whether rows are columns of a container and no text.
    pub(crate) fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }
}

/// Why rows were not written to their end.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// They could not be made.
    Running(Error),
    /// They could not be written.
    Writing(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Writing(error)
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WrittenRows {
    /// Rows that there are.
    pub(crate) rows: usize,
    /// Rows that a table for people shows.
    pub(crate) shown: usize,
}

/// Rows that a table for people shows.
pub(crate) const MOST_SHOWN: usize = 1000;

/// Writes all rows of a stream and gives the output back; `progress` is told how many rows there were.
///
/// # Errors
/// When rows cannot be made or written.
pub(crate) async fn write_rows<W: Write + Send>(
    mut rows: SendableRecordBatchStream,
    format: RowsFormat,
    output: W,
    mut progress: impl FnMut(usize),
) -> Result<(WrittenRows, W), Stopped> {
    let mut writer = Writer::new(format, &rows.schema(), output)?;
    let mut written = WrittenRows::default();
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(|error| Stopped::Running(told(error)))?;
        if batch.num_rows() > 0 {
            writer.write(&batch)?;
            written.rows += batch.num_rows();
            progress(written.rows);
        }
    }
    let (shown, output) = writer.finish()?;
    written.shown = shown.unwrap_or(written.rows);
    Ok((written, output))
}

enum Writer<W: Write + Send> {
    Text {
        output: W,
        schema: SchemaRef,
        /// Commas or tabs; objects of JSON without.
        delimiter: Option<u8>,
        buffer: Vec<u8>,
    },
    Columns(Box<PieceWriter<W>>),
    People {
        output: W,
        table: Table,
        shown: usize,
    },
}

impl<W: Write + Send> Writer<W> {
    fn new(format: RowsFormat, schema: &SchemaRef, output: W) -> io::Result<Self> {
        let delimiter = match format {
            RowsFormat::Csv => Some(b','),
            RowsFormat::Tsv => Some(b'\t'),
            RowsFormat::Jsonl => None,
            RowsFormat::Parquet => {
                let writer = PieceWriter::new(Container::Parquet, schema, output)?;
                return Ok(Self::Columns(Box::new(writer)));
            }
            RowsFormat::Arrow => {
                let writer = PieceWriter::new(Container::ArrowStream, schema, output)?;
                return Ok(Self::Columns(Box::new(writer)));
            }
            RowsFormat::Table => {
                return Ok(Self::People {
                    output,
                    table: table_of(schema),
                    shown: 0,
                });
            }
        };
        let mut buffer = Vec::new();
        append_names(schema, delimiter, &mut buffer);
        Ok(Self::Text {
            output,
            schema: schema.clone(),
            delimiter,
            buffer,
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        match self {
            Self::Text {
                output,
                schema,
                delimiter,
                buffer,
            } => {
                append_lines(batch, schema, *delimiter, buffer).map_err(io::Error::other)?;
                output.write_all(buffer)?;
                buffer.clear();
                Ok(())
            }
            Self::Columns(writer) => writer.write(batch, &row_sizes(batch)),
            Self::People { table, shown, .. } => {
                let schema = batch.schema();
                let columns = columns_of(batch, &schema).map_err(io::Error::other)?;
                let rows = MOST_SHOWN.saturating_sub(*shown);
                for row in 0..batch.num_rows().min(rows) {
                    let cells = columns.iter().map(|column| column.for_people(row));
                    add_row(table, &schema, cells.collect());
                    *shown += 1;
                }
                Ok(())
            }
        }
    }

    /// Writes what stands at the end; tells how many rows are shown where not all are.
    fn finish(self) -> io::Result<(Option<usize>, W)> {
        match self {
            Self::Text {
                mut output, buffer, ..
            } => {
                output.write_all(&buffer)?;
                output.flush()?;
                Ok((None, output))
            }
            Self::Columns(writer) => Ok((None, writer.finish()?)),
            Self::People {
                mut output,
                table,
                shown,
            } => {
                writeln!(output, "{}", table.write(TableFormat::Text))?;
                output.flush()?;
                Ok((Some(shown), output))
            }
        }
    }
}

/// A table for people: figures stand to the right, all else to the left.
fn table_of(schema: &SchemaRef) -> Table {
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    let fields = schema.fields().iter();
    let texts: Vec<&str> = fields
        .filter(|field| !field.data_type().is_numeric())
        .map(|field| field.name().as_str())
        .collect();
    Table::new(&names).with_texts_in(&texts)
}

/// The line of names at the beginning of values between commas or tabs; objects of JSON have none.
pub(super) fn append_names(schema: &SchemaRef, delimiter: Option<u8>, output: &mut Vec<u8>) {
    if let Some(delimiter) = delimiter {
        let mut cells = Cells::new(output, delimiter);
        for field in schema.fields() {
            cells.text(field.name());
        }
        cells.end_row();
    }
}

/// Rows as lines: values between commas or tabs, objects of JSON without a delimiter.
///
/// # Errors
/// When values cannot be written as text.
pub(super) fn append_lines(
    batch: &RecordBatch,
    schema: &SchemaRef,
    delimiter: Option<u8>,
    output: &mut Vec<u8>,
) -> std::result::Result<(), ArrowError> {
    let columns = columns_of(batch, schema)?;
    for row in 0..batch.num_rows() {
        match delimiter {
            Some(delimiter) => append_record(&columns, row, delimiter, output),
            None => append_object(&columns, row, output),
        }
    }
    Ok(())
}

/// Adds a row; a plan, as EXPLAIN gives it, keeps its lines.
fn add_row(table: &mut Table, schema: &SchemaRef, cells: Vec<String>) {
    let fields: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    match (fields.as_slice(), cells.as_slice()) {
        (["plan_type", "plan"], [kind, plan]) => {
            for (place, line) in plan.lines().enumerate() {
                let kind = if place == 0 { kind.as_str() } else { "" };
                table.add_row([kind, line]);
            }
        }
        _ => table.add_row(cells),
    }
}

fn append_record(columns: &[Column<'_>], row: usize, delimiter: u8, output: &mut Vec<u8>) {
    let start = output.len();
    let mut cells = Cells::new(output, delimiter);
    for column in columns {
        cells.of(|cell| column.append_plain(row, cell));
    }
    cells.end_row();
    if delimiter == b',' && output.get(start..) == Some(b"\n".as_slice()) {
        // An empty line would be no row at all to those who read it.
        output.truncate(start);
        output.extend_from_slice(b"\"\"\n");
    }
}

fn append_object(columns: &[Column<'_>], row: usize, output: &mut Vec<u8>) {
    output.push(b'{');
    for (place, column) in columns.iter().enumerate() {
        if place > 0 {
            output.push(b',');
        }
        output.extend_from_slice(column.name_in_json());
        output.push(b':');
        column.append_json(row, output);
    }
    output.extend_from_slice(b"}\n");
}
