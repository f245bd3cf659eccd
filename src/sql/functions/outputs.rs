//! Columns of what was found in texts.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, BooleanBuilder, Float64Array, Float64Builder, Int64Array,
    ListArray, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::ColumnarValue;

use super::kinds::{Kind, place_of, score_fields, unknown};
use super::labelling::LabelledTexts;
use super::strings::{ListEnds, TextColumn};
use super::texts::Texts;
use crate::predict::evidence_fields;

/// For each text the labels that hold.
pub(super) fn held_labels(found: &LabelledTexts, labels: &[String]) -> Result<ArrayRef> {
    let function = Kind::Labels.name();
    let mut names = TextColumn::new(function, found.rows);
    let mut lists = ListEnds::new(function, found.rows);
    let mut items = 0;
    for row in 0..found.rows {
        for (label, holds) in labels.iter().zip(&found.holds) {
            if holds.value(row) {
                names.push(label)?;
                items += 1;
            }
        }
        lists.push(items)?;
    }
    let item = Field::new("item", DataType::Utf8, true);
    lists_of(item, lists, Arc::new(names.finish()), found.nulls.clone())
}

/// For each text where each label that holds shows most.
pub(super) fn all_evidence(found: &LabelledTexts, labels: &[String]) -> Result<ArrayRef> {
    let function = Kind::Evidence.name();
    let mut names = TextColumn::new(function, found.rows);
    let mut lists = ListEnds::new(function, found.rows);
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    for row in 0..found.rows {
        for span in found.spans(row) {
            names.push(labels.get(span.label).map_or("", String::as_str))?;
            starts.push(span.start);
            ends.push(span.end);
        }
        lists.push(starts.len())?;
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(names.finish()),
        Arc::new(Int64Array::from(starts)),
        Arc::new(Int64Array::from(ends)),
    ];
    let items = StructArray::try_new(evidence_fields(), columns, None)?;
    let item = Field::new("item", items.data_type().clone(), true);
    lists_of(item, lists, Arc::new(items), found.nulls.clone())
}

fn lists_of(
    item: Field,
    lists: ListEnds,
    items: ArrayRef,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let lists = ListArray::try_new(Arc::new(item), lists.finish(), items, nulls)?;
    Ok(Arc::new(lists))
}

/// For each text the scores of all labels.
pub(super) fn all_scores(found: &LabelledTexts, labels: &[String]) -> Result<ArrayRef> {
    let scores = found.scores.iter();
    let columns = scores.map(|scores| -> ArrayRef {
        Arc::new(Float64Array::new(scores.clone(), found.nulls.clone()))
    });
    // A field of a null is null for readers that look at the field alone.
    let scores = StructArray::try_new_with_length(
        score_fields(labels),
        columns.collect(),
        found.nulls.clone(),
        found.rows,
    )?;
    Ok(Arc::new(scores))
}

/// For each text the score of a label.
pub(super) fn scores_of(
    function: &str,
    found: &LabelledTexts,
    labels: &[String],
    asked: &ColumnarValue,
) -> Result<ArrayRef> {
    match places_of(function, labels, asked)? {
        Asked::All(Some(place)) => {
            let scores = found.scores.get(place).cloned().unwrap_or_default();
            Ok(Arc::new(Float64Array::new(scores, found.nulls.clone())))
        }
        Asked::All(None) => Ok(Arc::new(Float64Array::new_null(found.rows))),
        Asked::Each(places) => {
            let mut column = Float64Builder::with_capacity(places.len());
            for (row, place) in found.rows_for(places.len()).zip(places) {
                let scores = place.and_then(|place| found.scores.get(place));
                let known = scores.filter(|_| !found.is_null(row));
                column.append_option(known.and_then(|scores| scores.get(row).copied()));
            }
            Ok(Arc::new(column.finish()))
        }
    }
}

/// For each text whether a label holds.
pub(super) fn holds_of(
    function: &str,
    found: &LabelledTexts,
    labels: &[String],
    asked: &ColumnarValue,
) -> Result<ArrayRef> {
    match places_of(function, labels, asked)? {
        Asked::All(place) => match place.and_then(|place| found.holds.get(place)) {
            Some(holds) => {
                let holds = BooleanArray::new(holds.clone(), found.nulls.clone());
                Ok(Arc::new(holds))
            }
            None => Ok(Arc::new(BooleanArray::new_null(found.rows))),
        },
        Asked::Each(places) => {
            let mut column = BooleanBuilder::with_capacity(places.len());
            for (row, place) in found.rows_for(places.len()).zip(places) {
                let holds = place.and_then(|place| found.holds.get(place));
                let known = holds.filter(|_| !found.is_null(row));
                column.append_option(known.map(|holds| holds.value(row)));
            }
            Ok(Arc::new(column.finish()))
        }
    }
}

impl LabelledTexts {
    fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// The row of each of so many labels: its own, or the one text that is asked about with all.
    fn rows_for(&self, labels: usize) -> impl Iterator<Item = usize> + use<> {
        let one = self.rows == 1;
        (0..labels).map(move |row| if one { 0 } else { row })
    }
}

/// Which labels are asked for, by their places; null where the label is.
enum Asked {
    /// The same for all texts.
    All(Option<usize>),
    Each(Vec<Option<usize>>),
}

fn places_of(function: &str, labels: &[String], asked: &ColumnarValue) -> Result<Asked> {
    let place_of = |label: &str| {
        let place = place_of(label, labels);
        place.ok_or_else(|| exec_datafusion_err!("{function}: {}", unknown(label, labels)))
    };
    match asked {
        ColumnarValue::Scalar(label) => {
            let label = label.try_as_str().flatten();
            Ok(Asked::All(label.map(place_of).transpose()?))
        }
        ColumnarValue::Array(asked) if asked.data_type().is_null() => {
            Ok(Asked::Each(vec![None; asked.len()]))
        }
        ColumnarValue::Array(asked) => {
            let asked = Texts::of(asked)?;
            let places = (0..asked.rows()).map(|row| {
                let label = asked.get(row, function)?;
                label.map(place_of).transpose()
            });
            Ok(Asked::Each(places.collect::<Result<_>>()?))
        }
    }
}
