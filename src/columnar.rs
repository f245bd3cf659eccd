//! Batches of columns into Parquet and Arrow files.

use std::io::{self, BufWriter, Write};

use arrow::compute::concat_batches;
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
pub(crate) const GROUP_ROWS: usize = 1 << 16;
pub(crate) const GROUP_BYTES: usize = 1 << 26;

/// What Parquet files say of the program that wrote them.
pub(crate) fn created_by() -> String {
    format!("marsad {}", env!("CARGO_PKG_VERSION"))
}

/// Writes batches one after the other.
pub(crate) enum BatchWriter<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    Stream(Box<StreamWriter<BufWriter<W>>>),
    File(Box<FileWriter<BufWriter<W>>>),
}

impl<W: Write + Send> BatchWriter<W> {
    pub(crate) fn new(container: Container, schema: &SchemaRef, output: W) -> io::Result<Self> {
        Ok(match container {
            Container::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::SNAPPY)
                    .set_max_row_group_row_count(Some(GROUP_ROWS))
                    .set_max_row_group_bytes(Some(GROUP_BYTES))
                    .set_created_by(created_by())
                    .build();
                let writer = ArrowWriter::try_new(output, schema.clone(), Some(properties));
                Self::Parquet(Box::new(writer.map_err(of_parquet)?))
            }
            Container::ArrowStream => {
                let writer = StreamWriter::try_new(BufWriter::new(output), schema);
                Self::Stream(Box::new(writer.map_err(of_arrow)?))
            }
            Container::ArrowFile => {
                let writer = FileWriter::try_new(BufWriter::new(output), schema);
                Self::File(Box::new(writer.map_err(of_arrow)?))
            }
        })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        match self {
            Self::Parquet(writer) => writer.write(batch).map_err(of_parquet),
            Self::Stream(writer) => {
                writer.write(batch).map_err(of_arrow)?;
                // Who reads along gets the whole batch, not the next one with it.
                writer.get_mut().flush()
            }
            Self::File(writer) => writer.write(batch).map_err(of_arrow),
        }
    }

    /// Writes what stands at the end and gives the output back.
    pub(crate) fn finish(self) -> io::Result<W> {
        let buffered = match self {
            Self::Parquet(writer) => {
                let mut output = writer.into_inner().map_err(of_parquet)?;
                output.flush()?;
                return Ok(output);
            }
            Self::Stream(writer) => writer.into_inner().map_err(of_arrow)?,
            Self::File(writer) => writer.into_inner().map_err(of_arrow)?,
        };
        let mut output = buffered
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        output.flush()?;
        Ok(output)
    }
}

/// Rows and bytes after which a batch ends.
pub(crate) const BATCH_ROWS: usize = 1 << 13;
pub(crate) const BATCH_BYTES: usize = 1 << 24;

/// Puts pieces together to batches that end by their own rows alone, wherever the pieces end: that depends on
/// the number of threads.
pub(crate) struct PieceWriter<W: Write + Send> {
    writer: BatchWriter<W>,
    schema: SchemaRef,
    pieces: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl<W: Write + Send> PieceWriter<W> {
    pub(crate) fn new(container: Container, schema: &SchemaRef, output: W) -> io::Result<Self> {
        Ok(Self {
            writer: BatchWriter::new(container, schema, output)?,
            schema: schema.clone(),
            pieces: Vec::new(),
            rows: 0,
            bytes: 0,
        })
    }

    /// Takes a piece, of whose rows each has so many bytes.
    pub(crate) fn write(&mut self, piece: &RecordBatch, sizes: &[usize]) -> io::Result<()> {
        let mut taken = 0;
        for (row, size) in sizes.iter().enumerate() {
            self.rows += 1;
            self.bytes += size;
            if self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES {
                self.pieces.push(piece.slice(taken, row + 1 - taken));
                taken = row + 1;
                self.write_batch()?;
            }
        }
        if taken < piece.num_rows() {
            self.pieces
                .push(piece.slice(taken, piece.num_rows() - taken));
        }
        Ok(())
    }

    fn write_batch(&mut self) -> io::Result<()> {
        let batch = concat_batches(&self.schema, &self.pieces).map_err(of_arrow)?;
        self.pieces.clear();
        (self.rows, self.bytes) = (0, 0);
        self.writer.write(&batch)
    }

    /// Writes what is left and gives the output back.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if !self.pieces.is_empty() {
            self.write_batch()?;
        }
        self.writer.finish()
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
