//! Values of Arrow arrays as text and as JSON.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Fields, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Map, Value};

/// The places that lead to a field by its path between dots.
pub(super) fn nested(fields: &Fields, path: &str) -> Option<Vec<usize>> {
    if let Some((place, _)) = fields.find(path) {
        return Some(vec![place]);
    }
    path.match_indices('.').find_map(|(dot, _)| {
        let (place, field) = fields.find(&path[..dot])?;
        let DataType::Struct(inner) = field.data_type() else {
            return None;
        };
        let mut places = vec![place];
        places.extend(nested(inner, &path[dot + 1..])?);
        Some(places)
    })
}

/// The arrays at places that lead from a column inwards.
pub(super) fn descend(batch: &RecordBatch, places: &[usize]) -> Result<Vec<ArrayRef>, String> {
    let missing = || "a column is missing from a batch".to_owned();
    let mut levels: Vec<ArrayRef> = Vec::with_capacity(places.len());
    for &place in places {
        let next = match levels.last() {
            None => batch.columns().get(place).cloned(),
            Some(level) => level
                .as_struct_opt()
                .and_then(|level| level.columns().get(place).cloned()),
        };
        levels.push(next.ok_or_else(missing)?);
    }
    if let Some(last) = levels.last_mut() {
        *last = written_out(last)?;
    }
    Ok(levels)
}

/// An array without a dictionary.
fn written_out(array: &ArrayRef) -> Result<ArrayRef, String> {
    match array.data_type() {
        DataType::Dictionary(_, values) => {
            arrow::compute::cast(array, values).map_err(|error| error.to_string())
        }
        _ => Ok(array.clone()),
    }
}

/// The text of a cell, for arrays of text and of bytes that are meant as text; the message of one that
/// is not UTF-8. Nothing for other types and for null.
pub(super) fn text(array: &ArrayRef, row: usize) -> Option<Result<&str, String>> {
    if array.is_null(row) {
        return None;
    }
    let of_bytes = |bytes| {
        std::str::from_utf8(bytes).map_err(|error| {
            format!(
                "the value is not valid UTF-8 at byte {}",
                error.valid_up_to() + 1
            )
        })
    };
    Some(match array.data_type() {
        DataType::Utf8 => Ok(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Ok(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Ok(array.as_string_view().value(row)),
        DataType::Binary => of_bytes(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => of_bytes(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => of_bytes(array.as_binary_view().value(row)),
        _ => return None,
    })
}

/// The value of a cell.
pub(super) fn value(array: &ArrayRef, row: usize) -> Result<Value, String> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    if let Some(text) = text(array, row) {
        return text.map(Value::from);
    }
    let list = |items: ArrayRef| -> Result<Value, String> {
        (0..items.len()).map(|item| value(&items, item)).collect()
    };
    Ok(match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float32 => f64::from(array.as_primitive::<Float32Type>().value(row)).into(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into(),
        DataType::List(_) => list(array.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => list(array.as_list::<i64>().value(row))?,
        DataType::ListView(_) => list(array.as_list_view::<i32>().value(row))?,
        DataType::LargeListView(_) => list(array.as_list_view::<i64>().value(row))?,
        DataType::FixedSizeList(_, _) => list(array.as_fixed_size_list().value(row))?,
        DataType::Dictionary(_, _) => value(&written_out(&array.slice(row, 1))?, 0)?,
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns().iter();
            let object: Result<Map<String, Value>, String> = fields
                .iter()
                .zip(columns)
                .map(|(field, column)| Ok((field.name().clone(), value(column, row)?)))
                .collect();
            Value::Object(object?)
        }
        // Dates, times, decimal numbers and rarer types.
        _ => {
            let options = FormatOptions::default();
            let formatter = ArrayFormatter::try_new(array.as_ref(), &options);
            let text = formatter.and_then(|formatter| formatter.value(row).try_to_string());
            text.map_err(|error| error.to_string())?.into()
        }
    })
}

/// A value as the text of a cell: a whole number without a decimal point, a list as JSON, null as nothing.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}
