//! What the footers of Parquet files say.

use std::collections::HashMap;
use std::fs::File;

use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use super::TableFile;
use crate::error::{Error, Result, one_line};
use crate::shield::shielded;

/// The footer of a file.
#[derive(Debug)]
pub(super) struct Footer {
    pub(super) schema: SchemaRef,
    /// Bytes of each column on the disk.
    pub(super) bytes: HashMap<String, u64>,
}

pub(super) fn footer(file: &TableFile) -> Result<Footer> {
    let open = File::open(&file.path).map_err(|error| Error::io(&file.path, error))?;
    let read = shielded(|| ArrowReaderMetadata::load(&open, ArrowReaderOptions::new()));
    let broken = |message: &str| {
        file.error(format!(
            "is no whole Parquet file: {}",
            one_line(message)
                .trim_start_matches("Parquet error: ")
                .trim_start_matches("EOF: ")
                .trim_start_matches("Arrow: ")
                .trim_start_matches("External: ")
                .split(" {")
                .next()
                .unwrap_or_default()
        ))
    };
    let metadata = match read {
        Ok(Ok(metadata)) => metadata,
        Ok(Err(error)) => return Err(broken(&error.to_string())),
        Err(message) => return Err(broken(&message)),
    };
    let schema = metadata.schema().clone();
    let described = metadata.parquet_schema();
    let mut bytes = HashMap::new();
    for group in metadata.metadata().row_groups() {
        for (place, column) in group.columns().iter().enumerate() {
            if place < described.num_columns() {
                let name = described.get_column_root(place).name().to_owned();
                *bytes.entry(name).or_default() += column.compressed_size().max(0) as u64;
            }
        }
    }
    Ok(Footer { schema, bytes })
}
