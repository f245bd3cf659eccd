//! Labelled rows as batches of columns, for Parquet and Arrow.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, StringArray,
    StringBuilder, StructBuilder,
};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use serde_json::Value;

use super::fields::FieldValue;
use super::formats::RowLayout;
use super::output::name_of;
use super::rows::{Labelled, OutputRow, Repeats};
use super::stream::{Counts, RowOutput, RowSink};
use crate::columnar::{BATCH_BYTES, BATCH_ROWS, Container, PieceWriter, of_arrow};
use crate::text::Furniture;

/// A row of more bytes cannot stand in a column, whose offsets have 31 bits.
pub(crate) const LONGEST_ROW: usize = 1 << 30;

/// The columns that rows are written to; shared by threads.
#[derive(Clone, Debug)]
pub(crate) struct ColumnFormat {
    layout: RowLayout,
    schema: SchemaRef,
}

/// The fields of a piece of evidence.
pub(crate) fn evidence_fields() -> Fields {
    Fields::from(vec![
        Field::new("label", DataType::Utf8, false),
        Field::new("start", DataType::Int64, false),
        Field::new("end", DataType::Int64, false),
    ])
}

/// Lists as all columns of lists are written.
pub(crate) fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

impl ColumnFormat {
    pub(crate) fn new(layout: &RowLayout) -> Self {
        let column = |name: &str, kind, nullable| Field::new(name, kind, nullable);
        let mut fields = vec![
            column("id", DataType::Utf8, false),
            column("doc", DataType::Utf8, false),
            column("line", DataType::Int64, false),
            column("start", DataType::Int64, true),
            column("end", DataType::Int64, true),
            column("text", DataType::Utf8, true),
            column("labels", list_of(DataType::Utf8), true),
        ];
        for label in &layout.labels {
            fields.push(column(&format!("score.{label}"), DataType::Float64, true));
        }
        let evidence = list_of(DataType::Struct(evidence_fields()));
        fields.push(column("evidence", evidence, true));
        if layout.review {
            fields.push(column("review", DataType::Boolean, true));
        }
        fields.push(column("furniture", DataType::Utf8, true));
        fields.push(column("error", DataType::Utf8, true));
        for name in layout.columns.iter().flat_map(|columns| columns.names()) {
            fields.push(column(name, DataType::Utf8, true));
        }
        for name in &layout.keep {
            fields.push(column(&format!("input.{name}"), DataType::Utf8, true));
        }
        Self {
            layout: layout.clone(),
            schema: Arc::new(Schema::new(fields)),
        }
    }
}

/// Rows as columns that grow.
pub(crate) struct ColumnRows<'f> {
    format: &'f ColumnFormat,
    columns: Columns,
    /// The rows that count when it is asked which sentences repeat others, with their fingerprints.
    sightings: Vec<(usize, u64)>,
    counts: Counts,
    /// Bytes of each row.
    sizes: Vec<usize>,
    bytes: usize,
}

/// The columns of a batch.
struct Columns {
    id: StringBuilder,
    doc: StringBuilder,
    line: Int64Builder,
    start: Int64Builder,
    end: Int64Builder,
    text: StringBuilder,
    labels: ListBuilder<StringBuilder>,
    scores: Vec<Float64Builder>,
    evidence: ListBuilder<StructBuilder>,
    review: Option<BooleanBuilder>,
    furniture: Vec<Option<Furniture>>,
    error: StringBuilder,
    coded: Vec<StringBuilder>,
    kept: Vec<StringBuilder>,
}

impl Columns {
    fn new(layout: &RowLayout) -> Self {
        let coded = layout.columns.iter().flat_map(|columns| columns.names());
        Self {
            id: StringBuilder::new(),
            doc: StringBuilder::new(),
            line: Int64Builder::new(),
            start: Int64Builder::new(),
            end: Int64Builder::new(),
            text: StringBuilder::new(),
            labels: ListBuilder::new(StringBuilder::new()),
            scores: layout.labels.iter().map(|_| Default::default()).collect(),
            evidence: ListBuilder::new(StructBuilder::from_fields(evidence_fields(), 0)),
            review: layout.review.then(BooleanBuilder::new),
            furniture: Vec::new(),
            error: StringBuilder::new(),
            coded: coded.map(|_| Default::default()).collect(),
            kept: layout.keep.iter().map(|_| Default::default()).collect(),
        }
    }

    fn append_labelled(&mut self, labelled: &Labelled<'_>, layout: &RowLayout) {
        self.start.append_value(labelled.span.start as i64);
        self.end.append_value(labelled.span.end as i64);
        self.text.append_value(labelled.text);
        for (label, _) in held(layout, labelled.holds) {
            self.labels.values().append_value(label);
        }
        self.labels.append(true);
        for (column, &score) in self.scores.iter_mut().zip(labelled.scores) {
            column.append_value(rounded(score));
        }
        let spans = layout.labels.iter().zip(labelled.evidence);
        for (label, span) in spans.filter_map(|(label, span)| Some((label, span.as_ref()?))) {
            append_evidence(self.evidence.values(), label, span);
        }
        self.evidence.append(true);
        if let Some(review) = &mut self.review {
            review.append_option(labelled.review);
        }
        self.furniture.push(labelled.furniture);
        self.error.append_null();
        for (column, value) in self.coded.iter_mut().zip(layout.coded(labelled.holds)) {
            column.append_value(value);
        }
    }

    fn append_error(&mut self, message: &str) {
        self.start.append_null();
        self.end.append_null();
        self.text.append_null();
        self.labels.append_null();
        self.scores.iter_mut().for_each(Float64Builder::append_null);
        self.evidence.append_null();
        self.review.iter_mut().for_each(BooleanBuilder::append_null);
        self.furniture.push(None);
        self.error.append_value(message);
        self.coded.iter_mut().for_each(StringBuilder::append_null);
    }

    fn finish(mut self, schema: &SchemaRef) -> io::Result<RecordBatch> {
        let furniture = self.furniture.iter().map(|kind| kind.map(name_of));
        let furniture: StringArray = furniture.collect();
        let mut arrays: Vec<ArrayRef> = vec![
            ArrayBuilder::finish(&mut self.id),
            ArrayBuilder::finish(&mut self.doc),
            ArrayBuilder::finish(&mut self.line),
            ArrayBuilder::finish(&mut self.start),
            ArrayBuilder::finish(&mut self.end),
            ArrayBuilder::finish(&mut self.text),
            ArrayBuilder::finish(&mut self.labels),
        ];
        arrays.extend(self.scores.iter_mut().map(ArrayBuilder::finish));
        arrays.push(ArrayBuilder::finish(&mut self.evidence));
        arrays.extend(self.review.iter_mut().map(ArrayBuilder::finish));
        arrays.push(Arc::new(furniture));
        arrays.push(ArrayBuilder::finish(&mut self.error));
        arrays.extend(self.coded.iter_mut().map(ArrayBuilder::finish));
        arrays.extend(self.kept.iter_mut().map(ArrayBuilder::finish));
        RecordBatch::try_new(schema.clone(), arrays).map_err(of_arrow)
    }
}

/// A score with as many decimals as in the other formats.
pub(crate) fn rounded(score: f64) -> f64 {
    (score * 1e6).round() / 1e6
}

fn held<'l>(
    layout: &'l RowLayout,
    holds: &'l [bool],
) -> impl Iterator<Item = (&'l String, &'l bool)> {
    let labels = layout.labels.iter().zip(holds);
    labels.filter(|(_, holds)| **holds)
}

fn append_evidence(columns: &mut StructBuilder, label: &str, span: &std::ops::Range<usize>) {
    // The builder was made from these fields.
    if let Some(labels) = columns.field_builder::<StringBuilder>(0) {
        labels.append_value(label);
    }
    for (field, offset) in [(1, span.start), (2, span.end)] {
        if let Some(offsets) = columns.field_builder::<Int64Builder>(field) {
            offsets.append_value(offset as i64);
        }
    }
    columns.append(true);
}

impl<'f> ColumnRows<'f> {
    pub(crate) fn new(format: &'f ColumnFormat) -> Self {
        Self {
            format,
            columns: Columns::new(&format.layout),
            sightings: Vec::new(),
            counts: Counts::default(),
            sizes: Vec::new(),
            bytes: 0,
        }
    }

    /// A row that is too long for a column: what it is called is not told either, since that may
    /// be what is too long.
    fn take_longer(&mut self, row: &OutputRow<'_>, bytes: usize) {
        let columns = &mut self.columns;
        let (file, line) = (row.unit.file, row.unit.line);
        columns.id.append_value(format!("{file}:{line}"));
        columns.doc.append_value(file);
        columns.line.append_value(line as i64);
        columns.append_error(&format!(
            "the row has {bytes} bytes, more than can stand in a column; write it to jsonl"
        ));
        columns.kept.iter_mut().for_each(StringBuilder::append_null);
        self.counts.errors += 1;
    }
}

impl RowSink for ColumnRows<'_> {
    fn take(&mut self, row: &OutputRow<'_>) {
        self.counts.rows += 1;
        let bytes = bytes_of(row);
        self.sizes.push(bytes.min(LONGEST_ROW));
        self.bytes += bytes.min(LONGEST_ROW);
        if bytes > LONGEST_ROW {
            return self.take_longer(row, bytes);
        }
        let columns = &mut self.columns;
        columns.id.append_value(row.id());
        columns.doc.append_value(row.doc());
        columns.line.append_value(row.unit.line as i64);
        match &row.outcome {
            Ok(labelled) => {
                if let Some(fingerprint) = labelled.fingerprint {
                    let place = columns.furniture.len();
                    self.sightings.push((place, fingerprint));
                }
                self.counts.review += usize::from(labelled.review == Some(true));
                columns.append_labelled(labelled, &self.format.layout);
            }
            Err(message) => {
                self.counts.errors += 1;
                columns.append_error(message);
            }
        }
        for (place, column) in columns.kept.iter_mut().enumerate() {
            match row.unit.kept.get(place) {
                Some(Some(FieldValue::Text(text))) => column.append_value(text),
                None | Some(None | Some(FieldValue::Other(Value::Null))) => column.append_null(),
                Some(Some(FieldValue::Other(value))) => column.append_value(value.to_string()),
            }
        }
    }

    fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.sizes.len() >= BATCH_ROWS
    }
}

/// Bytes of the strings of a row, roughly.
fn bytes_of(row: &OutputRow<'_>) -> usize {
    let unit = row.unit;
    let text = row
        .outcome
        .as_ref()
        .map_or(0, |labelled| labelled.text.len());
    let kept = unit.kept.iter().flatten().map(|value| match value {
        FieldValue::Text(text) => text.len(),
        FieldValue::Other(Value::Null | Value::Bool(_) | Value::Number(_)) => 0,
        FieldValue::Other(value) => value.to_string().len(),
    });
    let id = unit.id.as_ref().map_or(unit.file.len(), |id| id.len());
    text + id + row.doc().len() + kept.sum::<usize>()
}

/// Writes batches in their order and marks the rows that repeat others of their file.
pub(crate) struct ColumnWriter<W: Write + Send> {
    writer: PieceWriter<W>,
    repeats: Repeats,
    counts: Counts,
}

impl<W: Write + Send> ColumnWriter<W> {
    pub(crate) fn new(container: Container, format: &ColumnFormat, output: W) -> io::Result<Self> {
        Ok(Self {
            writer: PieceWriter::new(container, &format.schema, output)?,
            repeats: Repeats::default(),
            counts: Counts::default(),
        })
    }

    /// Gives the output back, with what was written.
    pub(crate) fn finish(self) -> io::Result<(Counts, W)> {
        Ok((self.counts, self.writer.finish()?))
    }
}

impl<'f, W: Write + Send> RowOutput<ColumnRows<'f>> for ColumnWriter<W> {
    fn start_document(&mut self) {
        self.repeats = Repeats::default();
    }

    fn write(&mut self, rows: &mut ColumnRows<'f>) -> io::Result<()> {
        let format = rows.format;
        let mut rows = std::mem::replace(rows, ColumnRows::new(format));
        for &(place, fingerprint) in &rows.sightings {
            if self.repeats.repeats(fingerprint)
                && let Some(furniture) = rows.columns.furniture.get_mut(place)
            {
                furniture.get_or_insert(Furniture::Repeated);
            }
        }
        self.counts.add(&rows.counts);
        if rows.counts.rows > 0 {
            let piece = rows.columns.finish(&format.schema)?;
            self.writer.write(&piece, &rows.sizes)?;
        }
        Ok(())
    }

    fn counts(&self) -> Counts {
        self.counts
    }
}
