//! Corpora in JSON Lines: `text`, `labels` or `label`, optional `id`, `doc`, `unsure`.

use serde_json::{Map, Value};

use super::read::{RawRow, RowError};

/// Reads one line. Labels given as `null` or not at all mean "not annotated".
pub(super) fn read_row(line: &str) -> Result<RawRow, RowError> {
    let object: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| format!("not a JSON object: {error}"))?;
    let text = match object.get("text") {
        Some(Value::String(text)) => text.clone(),
        Some(_) => return Err("the field \"text\" is not a string".into()),
        None => return Err("there is no field \"text\"".into()),
    };
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
        text,
        labels,
        unsure: object
            .get("unsure")
            .map_or(Ok(None), |value| label_names("unsure", value))?
            .unwrap_or_default(),
    })
}

/// A string or a number as text; `null` as nothing.
pub(crate) fn scalar(field: &str, value: Option<&Value>) -> Result<Option<String>, RowError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(format!("the field {field:?} is neither text nor a number")),
    }
}

fn label_names(field: &str, value: &Value) -> Result<Option<Vec<String>>, RowError> {
    match value {
        Value::Null => Ok(None),
        Value::String(cell) => Ok(super::table::cell_labels(cell)),
        Value::Array(items) => items
            .iter()
            .map(|item| match item {
                Value::String(name) => Ok(name.clone()),
                Value::Number(number) => Ok(number.to_string()),
                _ => Err(format!(
                    "the field {field:?} holds something that is not a label's name"
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
