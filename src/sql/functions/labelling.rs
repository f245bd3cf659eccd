//! Texts of whole columns labelled, each column once for all functions that ask.

use std::borrow::Cow;
use std::ops::Range;
use std::ptr::addr_eq;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::ThreadId;

use arrow::array::{Array, ArrayRef, BooleanBufferBuilder, Int64Array, ListArray, StructArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, internal_err};
use rustc_hash::FxHashMap;

use super::kinds::sentence_fields;
use super::strings::{ListEnds, TextColumn};
use super::texts::Texts;
use crate::predict::{Labelled, Labeller, Predictor, Split, Unit, UnitCursor, Workspace, rounded};
use crate::text::Normalized;

/// Workers kept when they are not at work, beside twice as many as there are processors.
const FEWEST_KEPT: usize = 16;

/// What labels texts for all functions and partitions of a model.
#[derive(Debug)]
pub(in crate::sql) struct Labelling {
    predictor: Arc<Predictor>,
    /// Those not at work; the one that worked last stands last.
    workers: Mutex<Vec<Worker>>,
    most_workers: usize,
    texts_labelled: AtomicU64,
}

/// The buffers of one thread at a time, with what it labelled last.
#[derive(Debug, Default)]
struct Worker {
    workspace: Workspace,
    normalized: Normalized,
    thread: Option<ThreadId>,
    /// No array lies where another did while this is kept, though its strings are let go.
    last: Option<(Weak<dyn Array>, Arc<LabelledTexts>)>,
}

impl Worker {
    /// What was found for this very array, if it was the last.
    fn found_before(&self, texts: &ArrayRef) -> Option<&Arc<LabelledTexts>> {
        let (array, found) = self.last.as_ref()?;
        addr_eq(array.as_ptr(), Arc::as_ptr(texts)).then_some(found)
    }

    /// Whether nobody can ask again for what was labelled last.
    fn is_free(&self) -> bool {
        let last = self.last.as_ref();
        last.is_none_or(|(array, _)| array.strong_count() == 0)
    }
}

/// What was found in each text of an array: row by row, all labels in the order of the tree.
#[derive(Debug)]
pub(super) struct LabelledTexts {
    pub(super) nulls: Option<NullBuffer>,
    pub(super) rows: usize,
    /// For each label whether it holds; false for null.
    pub(super) holds: Vec<BooleanBuffer>,
    /// For each label its probability, rounded; 0 for null.
    pub(super) scores: Vec<ScalarBuffer<f64>>,
    spans: Vec<LabelSpan>,
    /// For each row how many spans it and those before have.
    span_ends: Vec<usize>,
}

/// Where a label shows most.
#[derive(Clone, Copy, Debug)]
pub(super) struct LabelSpan {
    /// Its place in the tree.
    pub(super) label: usize,
    pub(super) start: i64,
    pub(super) end: i64,
}

impl LabelledTexts {
    /// Where the labels of a row show.
    pub(super) fn spans(&self, row: usize) -> &[LabelSpan] {
        let spans = span_range(&self.span_ends, row);
        self.spans.get(spans).unwrap_or_default()
    }
}

fn span_range(ends: &[usize], row: usize) -> Range<usize> {
    let end_of = |row: usize| ends.get(row).copied().unwrap_or_default();
    row.checked_sub(1).map_or(0, end_of)..end_of(row)
}

impl Labelling {
    pub(in crate::sql) fn new(predictor: Arc<Predictor>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            predictor,
            workers: Mutex::default(),
            most_workers: FEWEST_KEPT.max(2 * processors),
            texts_labelled: AtomicU64::new(0),
        }
    }

    #[cfg(test)]
    pub(in crate::sql) fn predictor(&self) -> &Arc<Predictor> {
        &self.predictor
    }

    pub(in crate::sql) fn texts_labelled(&self) -> u64 {
        self.texts_labelled.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(super) fn workers_kept(&self) -> usize {
        self.workers.lock().map_or(0, |workers| workers.len())
    }

    /// The worker that labelled this array last; else the one that worked last in this thread, which
    /// is not asked for another array's labels now; else one whose array is gone, or a new one.
    fn take_worker(&self, texts: &ArrayRef) -> Worker {
        // A poisoned lock only means that another query panicked; its worker is gone.
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let thread = Some(std::thread::current().id());
        let place = workers
            .iter()
            .position(|worker| worker.found_before(texts).is_some())
            .or_else(|| workers.iter().position(|worker| worker.thread == thread))
            .or_else(|| workers.iter().position(Worker::is_free));
        let mut worker = place.map_or_else(Worker::default, |place| workers.remove(place));
        worker.thread = thread;
        worker
    }

    fn give_back(&self, worker: Worker) {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        if workers.len() >= self.most_workers {
            workers.remove(0);
        }
        workers.push(worker);
    }

    /// Labels the texts of an array, as rows of `marsad predict` are labelled.
    ///
    /// # Errors
    /// When a text is too long.
    pub(super) fn label(&self, function: &str, texts: &ArrayRef) -> Result<Arc<LabelledTexts>> {
        let mut worker = self.take_worker(texts);
        if let Some(found) = worker.found_before(texts) {
            let found = found.clone();
            self.give_back(worker);
            return Ok(found);
        }
        worker.last = None;
        let found = self.label_texts(function, &Texts::of(texts)?, &mut worker.workspace);
        if let Ok(found) = &found {
            worker.last = Some((Arc::downgrade(texts), found.clone()));
        }
        self.give_back(worker);
        found
    }

    fn label_texts(
        &self,
        function: &str,
        texts: &Texts<'_>,
        workspace: &mut Workspace,
    ) -> Result<Arc<LabelledTexts>> {
        let labeller = Labeller::new(&self.predictor, Split::No);
        let mut growing = Growing::new(self.predictor.tree().labels().len(), texts.rows());
        // For each string that rows share the first of its rows.
        let mut first_rows = FxHashMap::<usize, usize>::default();
        let mut labelled_texts = 0;
        for row in 0..texts.rows() {
            let Some(text) = texts.get(row, function)? else {
                growing.push_null();
                continue;
            };
            if let Some(string) = texts.shared(row) {
                let first = *first_rows.entry(string).or_insert(row);
                if first < row {
                    growing.repeat(first);
                    continue;
                }
            }
            let unit = unit_of(text);
            let found = labeller.next_row(&unit, &mut UnitCursor::default(), workspace);
            let Some(Ok(labelled)) = found.map(|row| row.outcome) else {
                return internal_err!("{function}: a text gave no row");
            };
            growing.push(&labelled);
            labelled_texts += 1;
        }
        self.texts_labelled
            .fetch_add(labelled_texts, Ordering::Relaxed);
        Ok(Arc::new(growing.finish(texts)))
    }

    /// The sentences of each document, as `marsad predict --split yes` finds them in rows.
    ///
    /// # Errors
    /// When a document is too long, or all of them are.
    pub(super) fn split(&self, function: &'static str, documents: &ArrayRef) -> Result<ArrayRef> {
        let documents = Texts::of(documents)?;
        let splitter = self.predictor.pipeline().splitter();
        let mut sentences = TextColumn::new(function, documents.rows());
        let (mut starts, mut ends) = (Vec::new(), Vec::new());
        let mut lists = ListEnds::new(function, documents.rows());
        for row in 0..documents.rows() {
            let document = documents.get(row, function)?;
            let mut cursor = UnitCursor::default();
            while let Some((document, range)) = document.and_then(|document| {
                Some((document, cursor.next_sentence(splitter, document, false)?))
            }) {
                starts.push(range.start as i64);
                ends.push(range.end as i64);
                sentences.push(document.get(range).unwrap_or_default())?;
            }
            lists.push(starts.len())?;
        }
        let fields = sentence_fields();
        let item = Field::new("item", DataType::Struct(fields.clone()), true);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(sentences.finish()),
            Arc::new(Int64Array::from(starts)),
            Arc::new(Int64Array::from(ends)),
        ];
        let items = Arc::new(StructArray::try_new(fields, columns, None)?);
        let nulls = documents.nulls().cloned();
        let lists = ListArray::try_new(Arc::new(item), lists.finish(), items, nulls)?;
        Ok(Arc::new(lists))
    }

    /// Each text as the model reads it, with spellings folded.
    ///
    /// # Errors
    /// When a text is too long, or all of them are.
    pub(super) fn normalize(&self, function: &'static str, texts: &ArrayRef) -> Result<ArrayRef> {
        let mut worker = self.take_worker(texts);
        let found = self.normalize_texts(function, &Texts::of(texts)?, &mut worker.normalized);
        self.give_back(worker);
        found
    }

    fn normalize_texts(
        &self,
        function: &'static str,
        texts: &Texts<'_>,
        normalized: &mut Normalized,
    ) -> Result<ArrayRef> {
        let normalizer = self.predictor.pipeline().normalizer();
        let mut column = TextColumn::new(function, texts.rows());
        for row in 0..texts.rows() {
            match texts.get(row, function)? {
                Some(text) => {
                    normalizer.normalize_into(text, normalized);
                    column.push(normalized.text())?;
                }
                None => column.push_null(),
            }
        }
        Ok(Arc::new(column.finish()))
    }
}

/// A row that holds a text and nothing else.
fn unit_of(text: &str) -> Unit<'_> {
    Unit {
        file: "",
        id: None,
        doc: None,
        line: 0,
        offset: 0,
        text: Ok(Cow::Borrowed(text)),
        paragraph: false,
        kept: Vec::new(),
    }
}

/// [`LabelledTexts`] that grow.
struct Growing {
    holds: Vec<BooleanBufferBuilder>,
    scores: Vec<Vec<f64>>,
    spans: Vec<LabelSpan>,
    span_ends: Vec<usize>,
}

impl Growing {
    fn new(labels: usize, rows: usize) -> Self {
        let holds = (0..labels).map(|_| BooleanBufferBuilder::new(rows));
        Self {
            holds: holds.collect(),
            scores: vec![Vec::with_capacity(rows); labels],
            spans: Vec::new(),
            span_ends: Vec::with_capacity(rows),
        }
    }

    fn push(&mut self, labelled: &Labelled<'_>) {
        for (column, &holds) in self.holds.iter_mut().zip(labelled.holds) {
            column.append(holds);
        }
        for (column, &score) in self.scores.iter_mut().zip(labelled.scores) {
            column.push(rounded(score));
        }
        for (label, span) in labelled.evidence.iter().enumerate() {
            let span = span.as_ref().map(|span| LabelSpan {
                label,
                start: span.start as i64,
                end: span.end as i64,
            });
            self.spans.extend(span);
        }
        self.span_ends.push(self.spans.len());
    }

    fn push_null(&mut self) {
        self.holds
            .iter_mut()
            .for_each(|column| column.append(false));
        self.scores.iter_mut().for_each(|column| column.push(0.0));
        self.span_ends.push(self.spans.len());
    }

    /// Adds a row that is the same as an earlier one.
    fn repeat(&mut self, row: usize) {
        for column in &mut self.holds {
            let holds = column.get_bit(row);
            column.append(holds);
        }
        for column in &mut self.scores {
            let score = column.get(row).copied().unwrap_or_default();
            column.push(score);
        }
        let spans = span_range(&self.span_ends, row);
        self.spans.extend_from_within(spans);
        self.span_ends.push(self.spans.len());
    }

    fn finish(self, texts: &Texts<'_>) -> LabelledTexts {
        let holds = self.holds.into_iter().map(BooleanBufferBuilder::build);
        LabelledTexts {
            nulls: texts.nulls().cloned(),
            rows: texts.rows(),
            holds: holds.collect(),
            scores: self.scores.into_iter().map(ScalarBuffer::from).collect(),
            spans: self.spans,
            span_ends: self.span_ends,
        }
    }
}
