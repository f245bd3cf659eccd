//! Units that are rows of spreadsheets, Parquet and Arrow.

use std::borrow::Cow;
use std::path::Path;

use serde_json::Value;

use super::delimited::{find_column, missing_column};
use super::{DEFAULT_ID_FIELD, InputFields, Most, Rows, Source, Unit};
use crate::corpus::{CellRecord, CellTable};
use crate::error::{Error, Result};
use crate::predict::fields::FieldValue;

/// Where the fields stand that are asked for.
#[derive(Debug, Default)]
pub(super) struct CellColumns {
    text: usize,
    id: Option<usize>,
    doc: Option<usize>,
    keep: Vec<usize>,
}

/// The names of the fields that are asked for.
pub(super) fn names(fields: &InputFields) -> Vec<String> {
    let id = fields.id.as_deref().unwrap_or(DEFAULT_ID_FIELD);
    let few = [fields.text.as_str(), id, fields.doc.as_str()];
    let names = few
        .into_iter()
        .chain(fields.keep.iter().map(String::as_str));
    names.map(str::to_owned).collect()
}

/// The rows of an open table.
///
/// # Errors
/// When it lacks a field that is asked for.
pub(super) fn open(
    path: &Path,
    table: CellTable,
    fields: &InputFields,
    pieces: usize,
) -> Result<(Rows, Source)> {
    let header = &table.names;
    let find = |name: &str| find_column(header, name);
    let wanted = |name: &str| {
        find(name).ok_or_else(|| Error::File {
            path: path.into(),
            message: missing_column(name, &table.columns),
        })
    };
    let columns = match header.is_empty() && table.columns.is_empty() {
        true => CellColumns::default(),
        false => CellColumns {
            text: wanted(&fields.text)?,
            id: match &fields.id {
                Some(name) => Some(wanted(name)?),
                None => find(DEFAULT_ID_FIELD),
            },
            doc: find(&fields.doc),
            keep: fields
                .keep
                .iter()
                .map(|name| wanted(name))
                .collect::<Result<_>>()?,
        },
    };
    let source = Source::Cells {
        records: table.records,
        most: Most::of_pieces(pieces),
    };
    Ok((Rows::Cells(columns), source))
}

impl CellColumns {
    /// The unit that a row is.
    pub(super) fn unit<'a>(&self, mut unit: Unit<'a>, found: &'a CellRecord) -> Unit<'a> {
        let cell = |column: usize| found.cells.get(column).unwrap_or_default();
        let given = |column: Option<usize>| {
            let value = column.map(cell).filter(|value| !value.is_empty());
            value.map(Cow::Borrowed)
        };
        unit.id = given(self.id);
        unit.doc = given(self.doc);
        unit.text = match found.nulls.contains(&self.text) {
            true => Err("there is no text in this row".into()),
            false => Ok(Cow::Borrowed(cell(self.text))),
        };
        let used = [Some(self.text), self.id, self.doc].into_iter().flatten();
        for column in used.chain(self.keep.iter().copied()) {
            if let Some((_, message)) = found.broken.iter().find(|(broken, _)| *broken == column) {
                unit.text = Err(message.clone());
            }
        }
        let kept = self.keep.iter().map(|&column| {
            let typed = found.typed.get(column).and_then(Option::as_ref);
            Some(match typed {
                Some(Value::String(text)) => FieldValue::Text(Cow::Borrowed(text)),
                Some(value) => FieldValue::Other(value.clone()),
                None => FieldValue::Text(Cow::Borrowed(cell(column))),
            })
        });
        unit.kept = kept.collect();
        unit
    }
}
