//! Corpora as Parquet and Arrow.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, ListBuilder,
    StringBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use serde_json::Value;

use super::RowsWriter;
use super::losses::{Loss, Losses, field};
use super::survey::{FieldSurvey, Survey, cell_of};
use crate::columnar::{BATCH_BYTES, BATCH_ROWS, BatchWriter, Container, of_arrow};
use crate::corpus::{CorpusRow, LabelSet};

/// A row of more bytes cannot stand in a batch, whose offsets have 31 bits.
const LONGEST_ROW: usize = 1 << 30;

/// Gathers rows and writes them in batches.
pub(super) struct Batches<'o> {
    writer: Option<BatchWriter<&'o mut (dyn Write + Send)>>,
    schema: SchemaRef,
    rows: Rows,
    fields: Vec<Kept>,
    bytes: usize,
}

#[derive(Default)]
struct Rows {
    id: StringBuilder,
    doc: StringBuilder,
    text: StringBuilder,
    labels: ListBuilder<StringBuilder>,
    unsure: ListBuilder<StringBuilder>,
    annotator: StringBuilder,
}

/// A column of a field that was kept.
struct Kept {
    name: String,
    values: Values,
    /// Whether whole numbers stand among decimal ones.
    mixed: bool,
}

enum Values {
    Truths(BooleanBuilder),
    Integers(Int64Builder),
    Decimals(Float64Builder),
    Texts(StringBuilder),
}

impl Kept {
    /// A column of the kind that holds all values of a field: text where they are of several.
    fn new(field: &FieldSurvey) -> Self {
        let all = field.values();
        let values = if all == 0 {
            Values::Texts(StringBuilder::new())
        } else if field.truths == all {
            Values::Truths(BooleanBuilder::new())
        } else if field.integers == all {
            Values::Integers(Int64Builder::new())
        } else if field.integers + field.decimals == all && field.large == 0 {
            Values::Decimals(Float64Builder::new())
        } else {
            Values::Texts(StringBuilder::new())
        };
        Self {
            name: field.name.clone(),
            values,
            mixed: field.integers > 0,
        }
    }

    fn kind(&self) -> DataType {
        match self.values {
            Values::Truths(_) => DataType::Boolean,
            Values::Integers(_) => DataType::Int64,
            Values::Decimals(_) => DataType::Float64,
            Values::Texts(_) => DataType::Utf8,
        }
    }

    fn append(&mut self, value: &Value, losses: &mut Losses) {
        match &mut self.values {
            Values::Truths(values) => values.append_option(value.as_bool()),
            Values::Integers(values) => values.append_option(value.as_i64()),
            Values::Decimals(values) => {
                if self.mixed && value.is_i64() {
                    losses.add(&field(&self.name), Loss::Decimal);
                }
                values.append_option(value.as_f64());
            }
            Values::Texts(values) => match value {
                Value::Null => values.append_null(),
                Value::String(text) => values.append_value(text),
                other => {
                    losses.add(&field(&self.name), Loss::Text);
                    values.append_value(cell_of(other));
                }
            },
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match &mut self.values {
            Values::Truths(values) => ArrayBuilder::finish(values),
            Values::Integers(values) => ArrayBuilder::finish(values),
            Values::Decimals(values) => ArrayBuilder::finish(values),
            Values::Texts(values) => ArrayBuilder::finish(values),
        }
    }
}

impl<'o> Batches<'o> {
    pub(super) fn new(
        container: Container,
        survey: &Survey,
        output: &'o mut (dyn Write + Send),
    ) -> io::Result<Self> {
        let fields: Vec<Kept> = survey.fields.iter().map(Kept::new).collect();
        let list = || DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
        let mut columns = vec![
            Field::new("id", DataType::Utf8, true),
            Field::new("doc", DataType::Utf8, true),
            Field::new("text", DataType::Utf8, false),
            Field::new("labels", list(), true),
            Field::new("unsure", list(), false),
            Field::new("annotator", DataType::Utf8, true),
        ];
        for field in &fields {
            columns.push(Field::new(&field.name, field.kind(), true));
        }
        let schema = Arc::new(Schema::new(columns));
        Ok(Self {
            writer: Some(BatchWriter::new(container, &schema, output)?),
            schema,
            rows: Rows::default(),
            fields,
            bytes: 0,
        })
    }

    fn write_batch(&mut self) -> io::Result<()> {
        let rows = &mut self.rows;
        if rows.text.is_empty() {
            return Ok(());
        }
        let mut arrays: Vec<ArrayRef> = vec![
            ArrayBuilder::finish(&mut rows.id),
            ArrayBuilder::finish(&mut rows.doc),
            ArrayBuilder::finish(&mut rows.text),
            ArrayBuilder::finish(&mut rows.labels),
            ArrayBuilder::finish(&mut rows.unsure),
            ArrayBuilder::finish(&mut rows.annotator),
        ];
        arrays.extend(self.fields.iter_mut().map(Kept::finish));
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(of_arrow)?;
        self.bytes = 0;
        match &mut self.writer {
            Some(writer) => writer.write(&batch),
            None => Ok(()),
        }
    }
}

impl RowsWriter for Batches<'_> {
    fn write(&mut self, row: CorpusRow, losses: &mut Losses) -> io::Result<()> {
        let bytes = bytes_of(&row);
        if bytes > LONGEST_ROW {
            return Err(io::Error::other(format!(
                "line {} of {} has {bytes} bytes, more than can stand in a column; write jsonl",
                row.line,
                row.file.display()
            )));
        }
        if self.bytes + bytes > LONGEST_ROW {
            self.write_batch()?;
        }
        self.bytes += bytes;
        let rows = &mut self.rows;
        rows.id.append_option(row.id);
        rows.doc.append_option(row.doc);
        rows.text.append_value(&row.text);
        append_labels(&mut rows.labels, row.labels.as_ref());
        append_labels(&mut rows.unsure, Some(&row.unsure));
        rows.annotator.append_option(row.annotator);
        for column in &mut self.fields {
            let value = row.fields.get(&column.name).unwrap_or(&Value::Null);
            column.append(value, losses);
        }
        if self.bytes >= BATCH_BYTES || self.rows.text.len() >= BATCH_ROWS {
            self.write_batch()?;
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Losses) -> io::Result<()> {
        self.write_batch()?;
        match self.writer.take() {
            Some(writer) => writer.finish().map(|_| ()),
            None => Ok(()),
        }
    }
}

fn append_labels(column: &mut ListBuilder<StringBuilder>, labels: Option<&LabelSet>) {
    for label in labels.into_iter().flatten() {
        column.values().append_value(label);
    }
    column.append(labels.is_some());
}

/// Bytes of the strings of a row, roughly.
fn bytes_of(row: &CorpusRow) -> usize {
    let fields = row.fields.values().map(|value| match value {
        Value::String(text) => text.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        other => other.to_string().len(),
    });
    let texts = [&row.id, &row.doc, &row.annotator];
    let texts = texts.into_iter().flatten().map(String::len);
    row.text.len() + texts.sum::<usize>() + fields.sum::<usize>()
}
