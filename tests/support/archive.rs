//! Parquet files with sentences of the bundled corpus, mixed.
#![allow(dead_code)]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use serde_json::Value;

use super::support::repository;

pub const FILES: usize = 8;
pub const ROWS_A_FILE: usize = 25_000;

/// Files that all tests of a program share.
pub struct Archive {
    folder: PathBuf,
}

impl Archive {
    /// The one archive; it lies in the folder that cargo has for files of tests, and is made anew by each run.
    pub fn shared() -> &'static Self {
        static ARCHIVE: OnceLock<Archive> = OnceLock::new();
        ARCHIVE.get_or_init(|| {
            let name = format!("archive-{}", env!("CARGO_CRATE_NAME"));
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            std::fs::create_dir_all(&folder).unwrap();
            let archive = Self { folder };
            let texts = bundled_texts();
            for file in 0..FILES {
                write(&archive.file(file), file * ROWS_A_FILE, ROWS_A_FILE, &texts);
            }
            archive
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn file(&self, number: usize) -> PathBuf {
        self.folder.join(format!("rows-{number}.parquet"))
    }

    /// The first files as a table.
    pub fn table(&self, files: usize) -> String {
        let files = (0..files).map(|number| self.file(number).display().to_string());
        format!("news={}", files.collect::<Vec<_>>().join(","))
    }
}

fn bundled_texts() -> Vec<String> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(repository("data/corpus"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .collect();
    files.sort();
    let mut texts = Vec::new();
    for file in files {
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            texts.push(row["text"].as_str().unwrap().to_owned());
        }
    }
    texts
}

/// Rows whose texts follow each other in no order that the corpus has, in several row groups.
pub fn write(path: &Path, first: usize, rows: usize, texts: &[String]) {
    let ids = (first..first + rows).map(|row| format!("r{row}"));
    let text = |row: usize| texts[row.wrapping_mul(7919) % texts.len()].as_str();
    let columns: [(&str, ArrayRef); 2] = [
        ("id", Arc::new(StringArray::from_iter_values(ids))),
        (
            "text",
            // A text is missing now and then.
            Arc::new(StringArray::from_iter(
                (first..first + rows).map(|row| (row % 997 != 5).then(|| text(row))),
            )),
        ),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(5_000))
        .build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// All rows of a Parquet file.
pub fn read(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}
