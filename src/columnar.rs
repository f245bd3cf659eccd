//! Batches of columns into Parquet and Arrow files.

use std::io::{self, Write};

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::writer::{FileWriter, StreamWriter};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

/// What holds the batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    /// Parquet, compressed with Snappy.
    Parquet,
    /// Arrow IPC that can be read while it is written.
    ArrowStream,
    /// Arrow IPC that can be read from any place.
    ArrowFile,
}

/// Rows and bytes, before compression, of which a row group of Parquet has at most so many.
const GROUP_ROWS: usize = 1 << 16;
const GROUP_BYTES: usize = 1 << 26;

/// Writes batches one after the other.
pub(crate) enum BatchWriter<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    Stream(Box<StreamWriter<W>>),
    File(Box<FileWriter<W>>),
}

impl<W: Write + Send> BatchWriter<W> {
    pub(crate) fn new(container: Container, schema: &SchemaRef, output: W) -> io::Result<Self> {
        Ok(match container {
            Container::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::SNAPPY)
                    .set_max_row_group_row_count(Some(GROUP_ROWS))
                    .set_max_row_group_bytes(Some(GROUP_BYTES))
                    .set_created_by(format!("marsad {}", env!("CARGO_PKG_VERSION")))
                    .build();
                let writer = ArrowWriter::try_new(output, schema.clone(), Some(properties));
                Self::Parquet(Box::new(writer.map_err(of_parquet)?))
            }
            Container::ArrowStream => {
                let writer = StreamWriter::try_new(output, schema);
                Self::Stream(Box::new(writer.map_err(of_arrow)?))
            }
            Container::ArrowFile => {
                let writer = FileWriter::try_new(output, schema);
                Self::File(Box::new(writer.map_err(of_arrow)?))
            }
        })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        match self {
            Self::Parquet(writer) => writer.write(batch).map_err(of_parquet),
            Self::Stream(writer) => writer.write(batch).map_err(of_arrow),
            Self::File(writer) => writer.write(batch).map_err(of_arrow),
        }
    }

    /// Writes what stands at the end and gives the output back.
    pub(crate) fn finish(self) -> io::Result<W> {
        let mut output = match self {
            Self::Parquet(writer) => writer.into_inner().map_err(of_parquet)?,
            Self::Stream(writer) => writer.into_inner().map_err(of_arrow)?,
            Self::File(writer) => writer.into_inner().map_err(of_arrow)?,
        };
        output.flush()?;
        Ok(output)
    }
}

/// The system's own error where there is one beneath.
fn of_parquet(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(inner) => io::Error::other(inner),
        },
        error => io::Error::other(error),
    }
}

pub(crate) fn of_arrow(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        error => io::Error::other(error),
    }
}
