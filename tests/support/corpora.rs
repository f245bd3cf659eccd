//! What the tests of reading share: rows, tables in columns, and what was read.
#![allow(dead_code)]

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, RecordBatch, StringBuilder};
use marsad::corpus::{Aliases, Contradictions, Corpus, CorpusReader, Record};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::support::{Folder, Run, repository};

pub const TEXTS: [&str; 4] = [
    "شنت طائرات حربية غارات على أطراف البلدة",
    "قصفت المدفعية الحي واندلعت اشتباكات عنيفة",
    "زار الوزير سوق المدينة صباح اليوم",
    "أعلنت البلدية موعد الانتخابات",
];

pub fn export(name: &str) -> PathBuf {
    repository("tests/exports").join(name)
}

pub fn reader() -> CorpusReader {
    CorpusReader::new(Aliases::default(), Contradictions::Keep)
}

pub fn labels(record: &Record) -> String {
    let open: Vec<String> = record
        .unsure
        .iter()
        .map(|label| format!("?{label}"))
        .collect();
    let labels = record.labels.iter().cloned().chain(open);
    labels.collect::<Vec<_>>().join("|")
}

pub fn all_labels(corpus: &Corpus) -> Vec<String> {
    corpus.records().iter().map(labels).collect()
}

pub fn ids(corpus: &Corpus) -> Vec<&str> {
    corpus
        .records()
        .iter()
        .map(|record| record.id.as_str())
        .collect()
}

/// A table as a column each, to be written in either format of the kind.
pub fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

pub fn parquet_of(batch: &RecordBatch, compression: Compression) -> Vec<u8> {
    let mut bytes = Vec::new();
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .build();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

pub fn arrow_file_of(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = arrow::ipc::writer::FileWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    bytes
}

pub fn arrow_stream_of(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer =
        arrow::ipc::writer::StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    bytes
}

pub fn list_of(rows: &[Option<&[&str]>]) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in rows {
        for label in row.unwrap_or_default() {
            lists.values().append_value(label);
        }
        lists.append(row.is_some());
    }
    Arc::new(lists.finish())
}

/// `evaluate` on a file, which every reading verb shares its reading with.
pub fn evaluate(folder: &Folder, name: &str, more: &[&str]) -> Run {
    folder.marsad(&[&["evaluate", name, "--bootstrap", "0"], more].concat())
}

pub fn read(name: &str) -> Corpus {
    reader().read(&[export(name)]).unwrap()
}
