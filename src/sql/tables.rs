//! Files as tables: `NAME=PATH`.

mod csv_files;
mod json_fields;
mod listing;
mod parquet_files;
mod provider;
mod schema;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::corpus::ending;
use crate::error::{Error, Result};

pub(super) use csv_files::{odd_row, undecodable_line};
pub(crate) use listing::TableFiles;
pub(crate) use provider::FilesTable;

/// How the rows of a table lie in its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum TableFormat {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// One JSON object a line.
    Jsonl,
}

impl TableFormat {
    /// The format that a file's name asks for, beneath `.gz` or `.zst`.
    fn of(path: &Path) -> Option<Self> {
        match ending(path).as_str() {
            "parquet" | "parq" | "pq" => Some(Self::Parquet),
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "jsonl" | "ndjson" | "json" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

/// What files a name in a statement stands for: `NAME=PATH` or `NAME:FORMAT=PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableArgument {
    /// The name in statements.
    pub name: String,
    /// The format, where it is not left to the endings of the files.
    pub format: Option<TableFormat>,
    /// A file, several between commas, a pattern or a folder.
    pub path: PathBuf,
}

impl FromStr for TableArgument {
    type Err = String;

    fn from_str(argument: &str) -> std::result::Result<Self, String> {
        let shape = "write NAME=PATH, or NAME:FORMAT=PATH with parquet, csv, tsv or jsonl";
        let (name, path) = argument.split_once('=').ok_or(shape)?;
        let (name, format) = match name.split_once(':') {
            Some((name, format)) => {
                let format = <TableFormat as clap::ValueEnum>::from_str(format, true);
                (name, Some(format.map_err(|_| shape)?))
            }
            None => (name, None),
        };
        if name.is_empty() || path.is_empty() {
            return Err(shape.to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            format,
            path: path.into(),
        })
    }
}

/// A file of a table.
#[derive(Clone, Debug)]
pub(crate) struct TableFile {
    /// As it was named.
    pub(crate) path: PathBuf,
    /// Bytes on the disk.
    pub(crate) size: u64,
    pub(crate) format: TableFormat,
    /// The values of `key=value` folders, in the order of the table's keys; nothing for Hive's null.
    pub(crate) keys: Vec<Option<String>>,
}

impl TableFile {
    fn error(&self, message: impl Into<String>) -> Error {
        file_error(&self.path, message)
    }
}

fn file_error(path: &Path, message: impl Into<String>) -> Error {
    Error::File {
        path: path.into(),
        message: message.into(),
    }
}

/// How columns of CSV get their types, and how much of JSON Lines is looked at for fields.
#[derive(Clone, Copy, Debug, Default)]
pub struct TableOptions {
    /// Whether columns of CSV that hold numbers, dates or truth values alone get such a type.
    pub infer: bool,
    /// Rows of each file that decide on fields and types; all where nothing is said.
    pub sample_rows: Option<u64>,
}

impl TableOptions {
    fn sample(self) -> u64 {
        self.sample_rows.unwrap_or(u64::MAX)
    }
}

fn existing(path: &Path) -> Result<std::fs::Metadata> {
    let is_address = path.to_str().is_some_and(|path| path.contains("://"));
    std::fs::metadata(path).map_err(|error| match is_address {
        true => file_error(
            path,
            "is no file of this machine, and others are not read; copy or mount it first",
        ),
        false => Error::io(path, error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_name_a_table_a_format_and_a_path() {
        let plain: TableArgument = "t=a=b.csv".parse().unwrap();
        assert_eq!((plain.name.as_str(), plain.format), ("t", None));
        assert_eq!(plain.path, Path::new("a=b.csv"));
        let told: TableArgument = "t:JSONL=x".parse().unwrap();
        assert_eq!(told.format, Some(TableFormat::Jsonl));
        for wrong in ["t", "=x", "t=", "t:xml=x", ":csv=x"] {
            assert!(wrong.parse::<TableArgument>().is_err(), "{wrong}");
        }
    }
}
