//! Corpora in JSON Lines: `text`, `labels` or `label`, optional `id`, `doc`, `unsure`.

use serde_json::{Map, Value};

use super::row::{KeptFields, RawRow, RowError, cell_labels};
use crate::error::shortened;

/// Reads an object, with the fields that are kept. Labels given as `null` or not at all mean "not
/// annotated".
pub(super) fn read_object(
    object: Map<String, Value>,
    kept: &KeptFields,
) -> Result<RawRow, RowError> {
    let labels = match (object.get("labels"), object.get("label")) {
        (Some(_), Some(_)) => {
            return Err("both \"labels\" and \"label\" are given; keep one".into());
        }
        (Some(value), None) => label_names("labels", value)?,
        (None, Some(value)) => label_names("label", value)?,
        (None, None) => None,
    };
    Ok(RawRow {
        id: scalar("id", object.get("id"))?,
        doc: scalar("doc", object.get("doc"))?,
        text: text_of(&object, &["text"])?,
        labels,
        unsure: unsure(object.get("unsure"))?,
        annotator: scalar("annotator", object.get("annotator"))?,
        fields: kept.of(object, |_| false),
        ..RawRow::default()
    })
}

/// The labels that are left open.
pub(super) fn unsure(value: Option<&Value>) -> Result<Vec<String>, RowError> {
    let names = value.map_or(Ok(None), |value| label_names("unsure", value))?;
    Ok(names.unwrap_or_default())
}

/// The object that a line or an element of an array is.
pub(super) fn parse(json: &str) -> Result<Map<String, Value>, RowError> {
    serde_json::from_str(json).map_err(|error| not_an_object(&error))
}

/// The text in the first field that there is.
pub(super) fn text_of(object: &Map<String, Value>, names: &[&str]) -> Result<String, RowError> {
    match names
        .iter()
        .find_map(|name| Some((name, object.get(*name)?)))
    {
        Some((_, Value::String(text))) => Ok(text.clone()),
        Some((name, _)) => Err(format!("the field {name:?} is not a string")),
        None => Err(format!(
            "there is no field {:?}",
            names.first().copied().unwrap_or_default()
        )),
    }
}

/// Why a line is no JSON object, without the line that serde counts within it.
pub(crate) fn not_an_object(error: &serde_json::Error) -> RowError {
    let message = error.to_string();
    let what = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(what, _)| what);
    format!(
        "not a JSON object: {} at column {}",
        shortened(what),
        error.column()
    )
}

/// A string or a number as text; `null` as nothing.
pub(crate) fn scalar(field: &str, value: Option<&Value>) -> Result<Option<String>, RowError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) if number.as_f64().is_some_and(is_inexact) => Err(format!(
            "the field {field:?} is a number too large to be kept exactly; write it in quotes"
        )),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(format!("the field {field:?} is neither text nor a number")),
    }
}

/// Whether a number lies where not every integer has a float of its own, and is none of 64 bits.
fn is_inexact(number: f64) -> bool {
    number.abs() >= 18_446_744_073_709_551_615.0
}

pub(super) fn label_names(field: &str, value: &Value) -> Result<Option<Vec<String>>, RowError> {
    match value {
        Value::Null => Ok(None),
        Value::String(cell) => Ok(cell_labels(cell)),
        Value::Array(items) => items
            .iter()
            .map(|item| match item {
                Value::String(name) => Ok(name.clone()),
                Value::Number(number) => Ok(number.to_string()),
                _ => Err(format!(
                    "the field {field:?} holds something that is not a label's name; an export of an annotation tool is read with --from doccano, label-studio or prodigy"
                )),
            })
            .collect::<Result<Vec<_>, _>>()
            .map(Some),
        Value::Number(number) => Ok(Some(vec![number.to_string()])),
        _ => Err(format!(
            "the field {field:?} is neither a list of labels nor a label"
        )),
    }
}
