//! File to file: reading, labelling and writing at once, in order and in bounded memory.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::input::{Batch, Input, PieceUnits, Unit};
use super::output::RowFormat;
use super::rows::{Labelled, Labeller, OutputRow, Repeats, UnitCursor, Workspace};
use crate::error::Error;
use crate::text::Furniture;

/// Pieces of a batch for each thread: enough that none waits long for the last.
const PIECES_A_THREAD: usize = 8;

/// What takes the rows of a piece in a thread.
pub(crate) trait RowSink: Send {
    /// Takes one row.
    fn take(&mut self, row: &OutputRow<'_>);

    /// Whether it holds so much that it should be emptied before it takes more.
    fn is_full(&self) -> bool;
}

/// What takes the rows of sinks, in their order.
pub(crate) trait RowOutput<S> {
    /// What follows is another document.
    fn start_document(&mut self);

    /// Writes the rows of a sink and empties it.
    fn write(&mut self, rows: &mut S) -> io::Result<()>;

    /// What was written so far.
    fn counts(&self) -> Counts;
}

/// Why labelling stopped: reading failed, or writing did.
#[derive(Debug)]
pub(crate) enum Stopped {
    Reading(Error),
    Writing(io::Error),
}

/// How many pieces input should come in for the current thread pool.
pub(crate) fn pieces_of_batches() -> usize {
    PIECES_A_THREAD * rayon::current_num_threads().max(1)
}

/// Labels files on the current thread pool.
pub(crate) struct Stream<'a> {
    labeller: Labeller<'a>,
    /// One for each thread.
    workspaces: Vec<Mutex<Workspace>>,
}

/// The work on one piece of a batch.
struct Task<'b, S> {
    units: PieceUnits<'b>,
    /// The unit that has given rows and may give more.
    open: Option<(Unit<'b>, UnitCursor)>,
    sink: S,
    done: bool,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(labeller: Labeller<'a>) -> Self {
        let threads = rayon::current_num_threads().max(1);
        Self {
            labeller,
            workspaces: (0..threads).map(|_| Mutex::default()).collect(),
        }
    }

    /// Labels a file. The sinks are emptied in the order of the rows that they took.
    ///
    /// While threads label one batch, the next is read and the one before is emptied.
    pub(crate) fn run<S: RowSink>(
        &self,
        mut input: Input,
        new_sink: impl Fn() -> S,
        mut empty: impl FnMut(&mut S) -> io::Result<()> + Send,
    ) -> Result<(), Stopped> {
        let mut next = input.next_batch();
        let mut labelled: Vec<S> = Vec::new();
        while let Ok(Some(batch)) = next {
            let mut tasks = self.tasks(&batch, &new_sink);
            let (emptied, read) = rayon::join(
                || labelled.iter_mut().try_for_each(&mut empty),
                || rayon::join(|| input.next_batch(), || self.label(&mut tasks)).0,
            );
            emptied.map_err(Stopped::Writing)?;
            self.finish(&mut tasks, &mut empty)
                .map_err(Stopped::Writing)?;
            labelled = tasks.into_iter().map(|task| task.sink).collect();
            next = read;
        }
        let emptied = labelled.iter_mut().try_for_each(&mut empty);
        emptied.map_err(Stopped::Writing)?;
        next.map(|_| ()).map_err(Stopped::Reading)
    }

    fn tasks<'b, S>(&self, batch: &'b Batch, new_sink: impl Fn() -> S) -> Vec<Task<'b, S>> {
        let pieces = batch.pieces().into_iter();
        let tasks = pieces.map(|units| Task {
            units,
            open: None,
            sink: new_sink(),
            done: false,
        });
        tasks.collect()
    }

    /// Works on each task until it is done or its sink is full.
    fn label<S: RowSink>(&self, tasks: &mut [Task<'_, S>]) {
        let tasks = tasks.par_iter_mut().with_max_len(1);
        tasks.for_each(|task| self.label_task(task));
    }

    /// Goes on with tasks whose sinks were full, emptying the sinks before them first.
    fn finish<S: RowSink>(
        &self,
        tasks: &mut [Task<'_, S>],
        empty: &mut impl FnMut(&mut S) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(last) = tasks.iter().rposition(|task| !task.done) else {
            return Ok(());
        };
        for task in &mut tasks[..=last] {
            empty(&mut task.sink)?;
            while !task.done {
                self.label_task(task);
                empty(&mut task.sink)?;
            }
        }
        Ok(())
    }

    fn label_task<S: RowSink>(&self, task: &mut Task<'_, S>) {
        let thread = rayon::current_thread_index().unwrap_or(0) % self.workspaces.len();
        // A poisoned lock only means that another row panicked; buffers hold no result.
        let mut workspace = self.workspaces[thread]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        task.label(&self.labeller, &mut workspace);
    }
}

impl<S: RowSink> Task<'_, S> {
    fn label(&mut self, labeller: &Labeller<'_>, workspace: &mut Workspace) {
        loop {
            if self.open.is_none() {
                self.open = self.units.next().map(|unit| (unit, UnitCursor::default()));
            }
            let Some((unit, cursor)) = &mut self.open else {
                self.done = true;
                return;
            };
            while let Some(row) = labeller.next_row(unit, cursor, workspace) {
                self.sink.take(&row);
                if self.sink.is_full() {
                    return;
                }
            }
            self.open = None;
        }
    }
}

/// Rows written into memory.
pub(crate) struct WrittenRows<'f> {
    format: &'f RowFormat,
    bytes: Vec<u8>,
    sightings: Vec<Sighting>,
    /// How rows look if they repeat others, one after the other.
    as_repeats: Vec<u8>,
    counts: Counts,
}

/// A sentence that counts when it is asked which sentences repeat others.
struct Sighting {
    fingerprint: u64,
    /// What is written instead of which bytes if it repeats another.
    change: Option<(Range<usize>, Range<usize>)>,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) rows: usize,
    pub(crate) errors: usize,
    /// Rows to be read by hand.
    pub(crate) review: usize,
}

impl Counts {
    pub(super) fn add(&mut self, more: &Self) {
        self.rows += more.rows;
        self.errors += more.errors;
        self.review += more.review;
    }
}

/// Bytes after which rows are handed on: more than the rows of a piece have, unless a line of
/// text holds a great many sentences.
const MOST_BYTES: usize = 1 << 22;

impl<'f> WrittenRows<'f> {
    pub(crate) fn new(format: &'f RowFormat) -> Self {
        Self {
            format,
            bytes: Vec::new(),
            sightings: Vec::new(),
            as_repeats: format.repeat_mark().unwrap_or_default().into(),
            counts: Counts::default(),
        }
    }
}

impl RowSink for WrittenRows<'_> {
    fn take(&mut self, row: &OutputRow<'_>) {
        self.counts.rows += 1;
        let start = self.bytes.len();
        let place = self.format.append_placed(row, &mut self.bytes);
        let labelled = match &row.outcome {
            Ok(labelled) => labelled,
            Err(_) => {
                self.counts.errors += 1;
                return;
            }
        };
        self.counts.review += usize::from(labelled.review == Some(true));
        let Some(fingerprint) = labelled.fingerprint else {
            return;
        };
        let change = labelled.furniture.is_none().then(|| {
            if let Some(mark) = self.format.repeat_mark() {
                return (place..place, 0..mark.len());
            }
            let repeated = OutputRow {
                unit: row.unit,
                outcome: Ok(Labelled {
                    furniture: Some(Furniture::Repeated),
                    ..labelled.clone()
                }),
            };
            let before = self.as_repeats.len();
            self.format.append(&repeated, &mut self.as_repeats);
            (start..self.bytes.len(), before..self.as_repeats.len())
        });
        self.sightings.push(Sighting {
            fingerprint,
            change,
        });
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= MOST_BYTES
    }
}

/// Writes rows in their order and marks those that repeat others of their file.
pub(crate) struct RowWriter<'f, W> {
    format: &'f RowFormat,
    output: W,
    repeats: Repeats,
    counts: Counts,
    changed: Vec<u8>,
    begun: bool,
}

impl<'f, W: Write> RowWriter<'f, W> {
    /// A writer; what stands before the first row is written at once.
    pub(crate) fn new(format: &'f RowFormat, mut output: W) -> io::Result<Self> {
        let mut header = Vec::new();
        format.append_header(&mut header);
        output.write_all(&header)?;
        Ok(Self {
            format,
            output,
            repeats: Repeats::default(),
            counts: Counts::default(),
            changed: Vec::new(),
            begun: false,
        })
    }

    /// Gives the output back, with what was written.
    pub(crate) fn finish(mut self) -> io::Result<(Counts, W)> {
        let mut footer = Vec::new();
        self.format.append_footer(&mut footer);
        self.output.write_all(&footer)?;
        self.output.flush()?;
        Ok((self.counts, self.output))
    }
}

impl<'f, W: Write> RowOutput<WrittenRows<'f>> for RowWriter<'f, W> {
    fn start_document(&mut self) {
        self.repeats = Repeats::default();
    }

    fn write(&mut self, rows: &mut WrittenRows<'f>) -> io::Result<()> {
        self.changed.clear();
        let mut copied = 0;
        if !self.begun && !rows.bytes.is_empty() {
            // Nothing parts the first row from what stands before it.
            copied = self.format.separator();
            self.begun = true;
        }
        for sighting in &rows.sightings {
            if self.repeats.repeats(sighting.fingerprint)
                && let Some((place, instead)) = &sighting.change
            {
                self.changed
                    .extend_from_slice(&rows.bytes[copied..place.start]);
                self.changed
                    .extend_from_slice(&rows.as_repeats[instead.clone()]);
                copied = place.end;
            }
        }
        self.output.write_all(&self.changed)?;
        self.output.write_all(&rows.bytes[copied..])?;
        self.counts.add(&rows.counts);
        *rows = WrittenRows::new(rows.format);
        self.changed.shrink_to(MOST_BYTES);
        Ok(())
    }

    fn counts(&self) -> Counts {
        self.counts
    }
}
