//! Rows from files in batches, prepared while the batch before is worked on.

use std::path::PathBuf;

use rayon::prelude::*;

use crate::corpus::{CorpusReader, ReadCounts, Record, RecordStream};
use crate::error::Result;
use crate::features::SentenceWords;
use crate::text::{TextPipeline, Tokens};

/// Rows that are prepared together.
const ROWS_AT_ONCE: usize = 8192;
/// Bytes of text after which no more rows are taken into a batch.
const BYTES_AT_ONCE: usize = 4 << 20;
/// Files that are open at the same time.
const OPEN_FILES: usize = 32;
/// Rows taken from a file before the next is looked at.
const ROWS_IN_TURN: usize = 16;

/// Annotated rows of some files.
pub(super) trait Source: Send {
    /// The next row, if there is one.
    fn next_row(&mut self) -> Result<Option<Record>>;

    /// The rows of the next batch; none at the end.
    fn next_rows(&mut self) -> Result<Vec<Record>> {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < ROWS_AT_ONCE && bytes < BYTES_AT_ONCE {
            let Some(row) = self.next_row()? else { break };
            bytes += row.text.len();
            rows.push(row);
        }
        Ok(rows)
    }
}

/// Files one after the other.
pub(super) struct InOrder<'a> {
    reader: &'a CorpusReader,
    paths: &'a [PathBuf],
    current: Option<RecordStream<'a>>,
    /// Annotated rows of each file so far.
    pub(super) rows: Vec<usize>,
    pub(super) counts: ReadCounts,
}

impl<'a> InOrder<'a> {
    pub(super) fn new(reader: &'a CorpusReader, paths: &'a [PathBuf]) -> Self {
        Self {
            reader,
            paths,
            current: None,
            rows: Vec::new(),
            counts: ReadCounts::default(),
        }
    }
}

impl Source for InOrder<'_> {
    fn next_row(&mut self) -> Result<Option<Record>> {
        loop {
            if let Some(stream) = &mut self.current {
                if let Some(row) = stream.next().transpose()? {
                    return Ok(Some(row));
                }
                let counts = stream.counts();
                self.counts.add(counts);
                self.rows.push(counts.annotated);
            }
            let next = self.paths.get(self.rows.len()..self.rows.len() + 1);
            self.current = next.map(|path| self.reader.stream(path));
            if self.current.is_none() {
                return Ok(None);
            }
        }
    }
}

/// Files side by side, each as fast as it is long, so that files of different kinds are mixed.
pub(super) struct SideBySide<'a> {
    reader: &'a CorpusReader,
    /// Files not opened yet, with their rows.
    waiting: std::iter::Zip<std::slice::Iter<'a, PathBuf>, std::slice::Iter<'a, usize>>,
    open: Vec<OpenFile<'a>>,
    /// The file that rows are taken from, and how many more.
    turn: (usize, usize),
}

struct OpenFile<'a> {
    rows: RecordStream<'a>,
    read: usize,
    all: usize,
}

impl<'a> SideBySide<'a> {
    pub(super) fn new(reader: &'a CorpusReader, paths: &'a [PathBuf], rows: &'a [usize]) -> Self {
        Self {
            reader,
            waiting: paths.iter().zip(rows),
            open: Vec::new(),
            turn: (0, 0),
        }
    }

    /// Opens the next files where none is left, and finds the one least read.
    fn choose(&mut self) {
        if self.open.is_empty() {
            let reader = self.reader;
            let next = self.waiting.by_ref().take(OPEN_FILES);
            self.open = next
                .map(|(path, &all)| OpenFile {
                    rows: reader.stream(std::slice::from_ref(path)),
                    read: 0,
                    all,
                })
                .collect();
        }
        let share = |file: &OpenFile<'_>| (file.read as f64 + 0.5) / file.all.max(1) as f64;
        let places = 0..self.open.len();
        let least = places.min_by(|&a, &b| share(&self.open[a]).total_cmp(&share(&self.open[b])));
        self.turn = (least.unwrap_or(0), ROWS_IN_TURN);
    }
}

impl Source for SideBySide<'_> {
    fn next_row(&mut self) -> Result<Option<Record>> {
        loop {
            if self.turn.1 == 0 || self.open.is_empty() {
                self.choose();
            }
            let (place, _) = self.turn;
            let Some(file) = self.open.get_mut(place) else {
                return Ok(None);
            };
            if let Some(row) = file.rows.next().transpose()? {
                file.read += 1;
                self.turn.1 -= 1;
                return Ok(Some(row));
            }
            self.open.remove(place);
            self.turn.1 = 0;
        }
    }
}

/// Cuts sentences into words, on all threads.
pub(super) fn words_of(
    pipeline: &TextPipeline,
    texts: impl IndexedParallelIterator<Item = impl AsRef<str>>,
) -> Vec<SentenceWords> {
    texts
        .map_init(Tokens::default, |tokens, text| {
            SentenceWords::new(pipeline, text.as_ref(), tokens)
        })
        .collect()
}

/// Gives batches to `work` in order, the next being prepared meanwhile where a thread is free.
pub(super) fn work_through<B: Send>(
    mut next: impl FnMut() -> Result<Option<B>> + Send,
    mut work: impl FnMut(B) -> Result<()> + Send,
    mut after: impl FnMut(),
) -> Result<()> {
    let mut batch = next()?;
    while let Some(ready) = batch {
        let (following, worked) = rayon::join(&mut next, || work(ready));
        worked?;
        after();
        batch = following?;
    }
    Ok(())
}
