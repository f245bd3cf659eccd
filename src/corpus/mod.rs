//! Annotated corpora: reading, checking, and dividing into folds.

mod bundled;
mod cells;
mod coding;
mod date;
mod delimited;
mod digest;
mod elements;
mod encoding;
mod files;
mod flag_columns;
mod folds;
mod format;
mod formats;
mod joining;
mod jsonl;
mod labels;
mod read;
mod record;
mod row;
mod rows;
mod stream;
mod survey;
mod table;
mod whole;
mod zstd;

pub use bundled::read_bundled;
pub use coding::CodingColumns;
pub use date::Date;
pub use encoding::TextEncoding;
pub use folds::assign_folds;
pub use format::CorpusFormat;
pub use labels::{Aliases, LabelSet, leaves, parents, with_parents};
pub use read::{Contradictions, CorpusReader};
pub use record::{ReadCounts, Record};
pub use row::KeptFields;
pub use stream::RecordStream;
pub use survey::{RowPlace, Survey, SurveyedFile};
pub use whole::{CorpusRow, CorpusRows};

pub(crate) use bundled::bundled_files_are_here;
pub(crate) use cells::{CellRecord, CellTable};
pub(crate) use delimited::{Delimited, DelimitedRecords, UNCLOSED_QUOTE};
pub(crate) use digest::CorpusDigest;
pub(crate) use elements::{Element, JsonArray};
pub(crate) use encoding::{NotUtf8, decoded};
#[cfg(feature = "sql")]
pub(crate) use files::{BYTE_ORDER_MARK, compression_of, count_read};
pub(crate) use files::{
    Block, Blocks, PieceLines, STANDARD_INPUT, bytes_read, can_be_read_twice, ending, open, peek,
};
pub(crate) use folds::{assign_shares, document_numbers};
pub(crate) use format::{
    Container, container_in, container_of_ending, is_array_of_objects, names_text, refuse_sheet,
    separator,
};
pub(crate) use formats::brat::texts_of_folder;
pub(crate) use formats::columnar::{Source, Wanted, open_stream};
pub(crate) use formats::sheet::{bytes as sheet_bytes, open as open_sheet};
pub(crate) use formats::{ObjectFormat, sample as sample_objects, told_by};
pub(crate) use jsonl::{not_an_object, scalar};
pub(crate) use labels::{display, split_cell};
pub(crate) use read::empty_corpus;
pub(crate) use row::KNOWN_FIELDS;
pub(crate) use row::at_path;
pub(crate) use stream::refuse_pipes;

use std::collections::{BTreeMap, BTreeSet};

/// Annotated sentences in the order they were read.
#[derive(Clone, Debug)]
pub struct Corpus {
    records: Vec<Record>,
    counts: ReadCounts,
}

impl Corpus {
    fn new(records: Vec<Record>, counts: ReadCounts) -> Self {
        Self { records, counts }
    }

    /// The sentences.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The sentences at some places, in that order.
    pub fn select(&self, places: &[usize]) -> Self {
        let records = places.iter().map(|&place| self.records[place].clone());
        Self {
            records: records.collect(),
            counts: self.counts.clone(),
        }
    }

    /// The same corpus with other sentences in place of its own.
    #[cfg(test)]
    pub(crate) fn with_records(&self, records: Vec<Record>) -> Self {
        Self {
            records,
            counts: self.counts.clone(),
        }
    }

    /// What was read and left out.
    pub fn counts(&self) -> &ReadCounts {
        &self.counts
    }

    /// All labels that occur, without the parents they imply.
    pub fn labels(&self) -> LabelSet {
        self.records
            .iter()
            .flat_map(|record| record.labels.iter().cloned())
            .collect()
    }

    /// Sentences a label; rows annotated as none are counted under the empty name.
    pub fn label_counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for record in &self.records {
            count_labels(record, &mut counts);
        }
        counts
    }

    /// Number of documents.
    pub fn documents(&self) -> usize {
        let docs: BTreeSet<&str> = self.records.iter().map(|r| r.doc.as_str()).collect();
        docs.len()
    }

    /// SHA-256 over documents, texts and labels in order, as hexadecimal digits. Ids and file names
    /// do not count, so that a corpus can move.
    pub fn digest(&self) -> String {
        let mut digest = CorpusDigest::default();
        self.records.iter().for_each(|record| digest.add(record));
        digest.finish()
    }
}

/// Counts the labels of a record, parents included; one annotated as none under the empty name.
pub(crate) fn count_labels(record: &Record, counts: &mut BTreeMap<String, usize>) {
    if record.labels.is_empty() {
        *counts.entry(String::new()).or_insert(0) += 1;
    }
    for label in with_parents(record.labels.iter().map(String::as_str)) {
        *counts.entry(label).or_insert(0) += 1;
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
