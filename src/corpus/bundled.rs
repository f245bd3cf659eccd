//! The corpus that ships with the program.

use std::path::{Path, PathBuf};

use super::Corpus;
use super::read::CorpusReader;
use crate::error::Result;

macro_rules! bundled {
    ($($name:literal),* $(,)?) => {
        &[$((
            concat!("data/corpus/", $name),
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/corpus/", $name)) as &[u8],
        )),*]
    };
}

/// Paths in the repository with the content at build time.
const FILES: &[(&str, &[u8])] = bundled![
    "africa-and-asia.jsonl",
    "bombardment.jsonl",
    "captives.jsonl",
    "control-and-siege.jsonl",
    "custody-and-killing.jsonl",
    "explained-and-counted.jsonl",
    "fire-unnamed.jsonl",
    "ground-war.jsonl",
    "hard-negatives.jsonl",
    "life-around-war.jsonl",
    "local-networks.jsonl",
    "long-sentences.jsonl",
    "monitors.jsonl",
    "non-events.jsonl",
    "older-wars.jsonl",
    "other-wars.jsonl",
    "posts-and-pages.jsonl",
    "round-ups.jsonl",
    "short-and-retold.jsonl",
    "sky-and-guns.jsonl",
    "streets-and-courts.jsonl",
    "syria.jsonl",
    "territory-and-custody.jsonl",
    "told-otherwise.jsonl",
    "twins.jsonl",
    "whole-articles.jsonl",
    "wire-reports.jsonl",
];

/// Reads the bundled corpus: from the files where the current folder is the repository, so that
/// corrections count at once, else from the copy inside the program.
///
/// # Errors
/// When a file in the repository cannot be read or understood.
pub fn read_bundled(reader: &CorpusReader) -> Result<Corpus> {
    if bundled_files_are_here() {
        let paths: Vec<PathBuf> = FILES.iter().map(|(name, _)| PathBuf::from(name)).collect();
        reader.read(&paths)
    } else {
        reader.read_memory(FILES)
    }
}

/// Whether the current folder holds the files of the bundled corpus, as the repository does.
pub fn bundled_files_are_here() -> bool {
    FILES.iter().all(|(name, _)| Path::new(name).is_file())
}
