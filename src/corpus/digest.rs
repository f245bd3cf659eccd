//! A fingerprint of a corpus, taken record by record.

use sha2::{Digest, Sha256};

use super::labels::display;
use super::record::Record;

/// SHA-256 over documents, texts and labels in order. Ids and file names do not count, so that a
/// corpus can move.
#[derive(Default)]
pub(crate) struct CorpusDigest(Sha256);

impl CorpusDigest {
    /// Adds the next record.
    pub(crate) fn add(&mut self, record: &Record) {
        let labels = display(&record.labels);
        let unsure = display(&record.unsure);
        for field in [&record.doc, &record.text, &labels, &unsure] {
            self.0.update((field.len() as u64).to_le_bytes());
            self.0.update(field.as_bytes());
        }
    }

    /// The fingerprint as hexadecimal digits.
    pub(crate) fn finish(self) -> String {
        super::hex(&self.0.finalize())
    }
}
