//! One schema for all files of a table.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};

use super::file_error;
use crate::error::Result;

/// The columns of files in the order in which they were first seen.
#[derive(Debug, Default)]
pub(super) struct Columns {
    columns: Vec<Column>,
    places: std::collections::HashMap<String, usize>,
}

#[derive(Debug)]
struct Column {
    name: String,
    kind: DataType,
    /// The file that the type comes from.
    file: PathBuf,
}

impl Columns {
    /// Adds the columns of a file.
    ///
    /// # Errors
    /// When one has another type in a file before.
    pub(super) fn add(&mut self, file: &Path, schema: &Schema) -> Result<()> {
        for field in schema.fields() {
            let kind = usual(field.data_type());
            let Some(column) = self.places.get(field.name()) else {
                self.places.insert(field.name().clone(), self.columns.len());
                self.columns.push(Column {
                    name: field.name().clone(),
                    kind,
                    file: file.to_owned(),
                });
                continue;
            };
            let Some(column) = self.columns.get_mut(*column) else {
                continue;
            };
            let Some(both) = common(&column.kind, &kind) else {
                return Err(file_error(
                    file,
                    format!(
                        "column {:?} holds {}, but {} in {}",
                        column.name,
                        told(&kind),
                        told(&column.kind),
                        column.file.display()
                    ),
                ));
            };
            column.kind = both;
        }
        Ok(())
    }

    /// All columns, without those that folders give; any may be null.
    pub(super) fn schema(&self, without: &[String]) -> SchemaRef {
        let columns = self.columns.iter();
        let columns = columns.filter(|column| !without.contains(&column.name));
        let fields: Fields = columns
            .map(|column| Field::new(&column.name, filled(&column.kind), true))
            .collect();
        Arc::new(Schema::new(fields))
    }
}

/// A type as it is read: texts alike, however they are stored.
fn usual(kind: &DataType) -> DataType {
    let of = |field: &FieldRef| -> FieldRef {
        let kind = usual(field.data_type());
        Arc::new(Field::new(field.name(), kind, true))
    };
    match kind {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Dictionary(_, values) => usual(values),
        DataType::List(item) | DataType::LargeList(item) => DataType::List(of(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(of).collect()),
        other => other.clone(),
    }
}

/// The type that holds the values of both.
fn common(left: &DataType, right: &DataType) -> Option<DataType> {
    use DataType::{Float32, Float64, List, Null, Struct};
    match (left, right) {
        (left, right) if left == right => Some(left.clone()),
        (Null, other) | (other, Null) => Some(other.clone()),
        (left, right) if left.is_integer() && right.is_integer() => {
            Some(if is_long(left) || is_long(right) {
                DataType::Decimal128(20, 0)
            } else {
                DataType::Int64
            })
        }
        (Float32 | Float64, other) | (other, Float32 | Float64) if other.is_numeric() => {
            Some(Float64)
        }
        (List(left), List(right)) => {
            let item = common(left.data_type(), right.data_type())?;
            Some(List(Arc::new(Field::new(left.name(), item, true))))
        }
        (Struct(left), Struct(right)) => {
            let mut fields: Vec<FieldRef> = left.iter().cloned().collect();
            for field in right {
                let known = fields.iter_mut().find(|known| known.name() == field.name());
                match known {
                    Some(known) => {
                        let kind = common(known.data_type(), field.data_type())?;
                        *known = Arc::new(Field::new(field.name(), kind, true));
                    }
                    None => fields.push(field.clone()),
                }
            }
            Some(Struct(fields.into()))
        }
        _ => None,
    }
}

fn is_long(kind: &DataType) -> bool {
    *kind == DataType::UInt64
}

/// A type that functions can be applied to where a column holds nulls alone.
fn filled(kind: &DataType) -> DataType {
    let of = |field: &FieldRef| -> FieldRef {
        Arc::new(Field::new(field.name(), filled(field.data_type()), true))
    };
    match kind {
        DataType::Null => DataType::Utf8,
        DataType::List(item) => DataType::List(of(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(of).collect()),
        other => other.clone(),
    }
}

/// A type in plain words.
pub(super) fn told(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 => "text".into(),
        DataType::Boolean => "true or false".into(),
        kind if kind.is_integer() => "whole numbers".into(),
        kind if kind.is_numeric() => "numbers".into(),
        DataType::Date32 | DataType::Date64 => "dates".into(),
        DataType::Timestamp(..) => "points in time".into(),
        DataType::List(item) => format!("lists of {}", told(item.data_type())),
        DataType::Struct(_) => "objects".into(),
        DataType::Binary => "bytes".into(),
        other => other.to_string(),
    }
}
