//! Annotated corpora: reading, checking, and dividing into folds.

mod bundled;
mod delimited;
mod files;
mod folds;
mod jsonl;
mod labels;
mod read;
mod record;
mod row;
mod table;
mod zstd;

pub use bundled::read_bundled;
pub use folds::assign_folds;
pub use labels::{Aliases, LabelSet, leaves, parents, with_parents};
pub use read::{Contradictions, CorpusReader};
pub use record::{ReadCounts, Record};

pub(crate) use bundled::bundled_files_are_here;
pub(crate) use delimited::{Delimited, DelimitedRecords, UNCLOSED_QUOTE};
pub(crate) use files::{Block, Blocks, Line, PieceLines, STANDARD_INPUT, ending, open, peek};
pub(crate) use jsonl::{not_an_object, scalar};
pub(crate) use labels::display;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

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
            if record.labels.is_empty() {
                *counts.entry(String::new()).or_insert(0) += 1;
            }
            for label in with_parents(record.labels.iter().map(String::as_str)) {
                *counts.entry(label).or_insert(0) += 1;
            }
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
        let mut hasher = Sha256::new();
        for record in &self.records {
            let labels = display(&record.labels);
            let unsure = display(&record.unsure);
            for field in [&record.doc, &record.text, &labels, &unsure] {
                hasher.update((field.len() as u64).to_le_bytes());
                hasher.update(field.as_bytes());
            }
        }
        hex(&hasher.finalize())
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
