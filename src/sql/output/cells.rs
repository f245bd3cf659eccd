//! Values of columns as bytes, in the forms that `marsad predict` gives them.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Field, Float32Type, Float64Type, Int64Type, SchemaRef, UInt64Type,
};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::predict::write::{push_decimal, push_number, push_string};

/// A column of a batch with what is needed to write its values.
pub(super) struct Column<'a> {
    name: Vec<u8>,
    values: Values<'a>,
}

/// The values of an array by their kind.
struct Values<'a> {
    array: &'a dyn Array,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Text,
    LargeText,
    TextView,
    Truth,
    Whole(ArrayRef),
    Unsigned(ArrayRef),
    Single,
    Double,
    List(Box<Values<'a>>),
    /// Items with a label, a start and an end, as `event_evidence` gives them.
    Evidence([Box<Values<'a>>; 3]),
    Object(Vec<(Vec<u8>, Values<'a>)>),
    /// A number that is written as it is shown.
    ShownNumber(ArrayFormatter<'a>),
    Shown(ArrayFormatter<'a>),
    Nothing,
}

/// The columns of a batch.
pub(super) fn columns_of<'a>(
    batch: &'a RecordBatch,
    schema: &SchemaRef,
) -> Result<Vec<Column<'a>>, ArrowError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(array, field)| {
        Ok(Column {
            name: quoted(field.name()),
            values: Values::of(array)?,
        })
    });
    columns.collect()
}

fn quoted(name: &str) -> Vec<u8> {
    let mut quoted = Vec::new();
    push_string(&mut quoted, name);
    quoted
}

impl Column<'_> {
    pub(super) fn name_in_json(&self) -> &[u8] {
        &self.name
    }

    pub(super) fn append_json(&self, row: usize, output: &mut Vec<u8>) {
        self.values.append_json(row, output);
    }

    /// The value as a cell of CSV: texts as they are, lists of texts between `|`.
    pub(super) fn append_plain(&self, row: usize, output: &mut Vec<u8>) {
        self.values.append_plain(row, output);
    }

    pub(super) fn for_people(&self, row: usize) -> String {
        let mut cell = Vec::new();
        match &self.values.kind {
            Kind::List(items) if items.is_text() => self.values.append_joined(row, ", ", &mut cell),
            _ => self.append_plain(row, &mut cell),
        }
        String::from_utf8_lossy(&cell).into_owned()
    }
}

const SHOWN: FormatOptions<'static> = FormatOptions::new();

impl<'a> Values<'a> {
    fn of(array: &'a ArrayRef) -> Result<Self, ArrowError> {
        let kind = match array.data_type() {
            DataType::Null => Kind::Nothing,
            DataType::Utf8 => Kind::Text,
            DataType::LargeUtf8 => Kind::LargeText,
            DataType::Utf8View => Kind::TextView,
            DataType::Boolean => Kind::Truth,
            kind if kind.is_signed_integer() => {
                Kind::Whole(arrow::compute::cast(array, &DataType::Int64)?)
            }
            kind if kind.is_unsigned_integer() => {
                Kind::Unsigned(arrow::compute::cast(array, &DataType::UInt64)?)
            }
            DataType::Float32 => Kind::Single,
            DataType::Float64 => Kind::Double,
            DataType::List(item) => match is_evidence(item) {
                Some([label, start, end]) => {
                    let items = array.as_list::<i32>().values().as_struct();
                    let part = |place: usize| Self::of(items.column(place)).map(Box::new);
                    Kind::Evidence([part(label)?, part(start)?, part(end)?])
                }
                None => Kind::List(Box::new(Self::of(array.as_list::<i32>().values())?)),
            },
            DataType::Struct(fields) => {
                let columns = array.as_struct().columns().iter().zip(fields);
                let members =
                    columns.map(|(column, field)| Ok((quoted(field.name()), Self::of(column)?)));
                Kind::Object(members.collect::<Result<_, ArrowError>>()?)
            }
            kind if kind.is_numeric() => Kind::ShownNumber(ArrayFormatter::try_new(array, &SHOWN)?),
            _ => Kind::Shown(ArrayFormatter::try_new(array, &SHOWN)?),
        };
        Ok(Self {
            array: array.as_ref(),
            kind,
        })
    }

    fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::LargeText | Kind::TextView)
    }

    fn text(&self, row: usize) -> &'a str {
        match self.kind {
            Kind::Text => self.array.as_string::<i32>().value(row),
            Kind::LargeText => self.array.as_string::<i64>().value(row),
            Kind::TextView => self.array.as_string_view().value(row),
            _ => "",
        }
    }

    /// The places of the items of a list.
    fn items(&self, row: usize) -> std::ops::Range<usize> {
        let offsets = self.array.as_list::<i32>().value_offsets();
        match offsets.get(row..row + 2) {
            Some(&[start, end]) => start as usize..end as usize,
            _ => 0..0,
        }
    }

    fn append_json(&self, row: usize, output: &mut Vec<u8>) {
        if self.array.is_null(row) {
            return output.extend_from_slice(b"null");
        }
        match &self.kind {
            Kind::Nothing => output.extend_from_slice(b"null"),
            Kind::Text | Kind::LargeText | Kind::TextView => push_string(output, self.text(row)),
            Kind::Truth => push_truth(self.array.as_boolean().value(row), output),
            Kind::Whole(whole) => push_whole(whole.as_primitive::<Int64Type>().value(row), output),
            Kind::Unsigned(whole) => {
                push_number(output, whole.as_primitive::<UInt64Type>().value(row))
            }
            Kind::Single => {
                let number = self.array.as_primitive::<Float32Type>().value(row);
                let shown = serde_json::to_string(&number).unwrap_or_default();
                output.extend_from_slice(shown.as_bytes());
            }
            Kind::Double => push_double(
                self.array.as_primitive::<Float64Type>().value(row),
                ".0",
                output,
            ),
            Kind::List(items) => {
                output.push(b'[');
                for (place, item) in self.items(row).enumerate() {
                    if place > 0 {
                        output.push(b',');
                    }
                    items.append_json(item, output);
                }
                output.push(b']');
            }
            Kind::Evidence([label, start, end]) => {
                output.push(b'{');
                for (place, item) in self.items(row).enumerate() {
                    if place > 0 {
                        output.push(b',');
                    }
                    push_string(output, label.text(item));
                    output.extend_from_slice(b":[");
                    start.append_json(item, output);
                    output.push(b',');
                    end.append_json(item, output);
                    output.push(b']');
                }
                output.push(b'}');
            }
            Kind::Object(members) => {
                output.push(b'{');
                for (place, (name, values)) in members.iter().enumerate() {
                    if place > 0 {
                        output.push(b',');
                    }
                    output.extend_from_slice(name);
                    output.push(b':');
                    values.append_json(row, output);
                }
                output.push(b'}');
            }
            Kind::ShownNumber(shown) => {
                output.extend_from_slice(shown.value(row).to_string().as_bytes())
            }
            Kind::Shown(shown) => push_string(output, &shown.value(row).to_string()),
        }
    }

    fn append_plain(&self, row: usize, output: &mut Vec<u8>) {
        if self.array.is_null(row) {
            return;
        }
        match &self.kind {
            Kind::Text | Kind::LargeText | Kind::TextView => {
                output.extend_from_slice(self.text(row).as_bytes());
            }
            Kind::Double => push_double(
                self.array.as_primitive::<Float64Type>().value(row),
                "",
                output,
            ),
            Kind::List(items) if items.is_text() && self.can_be_joined(items, row) => {
                self.append_joined(row, "|", output);
            }
            Kind::Shown(shown) => output.extend_from_slice(shown.value(row).to_string().as_bytes()),
            _ => self.append_json(row, output),
        }
    }

    /// Whether items between `|` can be told apart again.
    fn can_be_joined(&self, items: &Self, row: usize) -> bool {
        self.items(row)
            .all(|item| items.array.is_valid(item) && !items.text(item).contains('|'))
    }

    fn append_joined(&self, row: usize, between: &str, output: &mut Vec<u8>) {
        let (Kind::List(items), true) = (&self.kind, self.array.is_valid(row)) else {
            return;
        };
        for (place, item) in self.items(row).enumerate() {
            if place > 0 {
                output.extend_from_slice(between.as_bytes());
            }
            output.extend_from_slice(items.text(item).as_bytes());
        }
        if self.items(row).is_empty() {
            // As in the output of predict: an empty cell would mean that nobody looked.
            output.extend_from_slice(b"none");
        }
    }
}

/// The places of label, start and end in the items of evidence.
fn is_evidence(item: &Field) -> Option<[usize; 3]> {
    let DataType::Struct(fields) = item.data_type() else {
        return None;
    };
    let place = |name: &str, kind: DataType| {
        let (place, field) = fields.find(name)?;
        (*field.data_type() == kind).then_some(place)
    };
    let places = [
        place("label", DataType::Utf8)?,
        place("start", DataType::Int64)?,
        place("end", DataType::Int64)?,
    ];
    (fields.len() == 3).then_some(places)
}

fn push_truth(truth: bool, output: &mut Vec<u8>) {
    output.extend_from_slice(if truth { b"true" } else { b"false" });
}

fn push_whole(number: i64, output: &mut Vec<u8>) {
    if number < 0 {
        output.push(b'-');
    }
    push_number(output, number.unsigned_abs());
}

/// Numbers of six decimals, as probabilities are, are written as predict writes them; others as
/// shortly as they can be told apart, what is no number as nothing.
fn push_double(number: f64, whole: &str, output: &mut Vec<u8>) {
    let is_share = (0.0..=1.0).contains(&number) && !number.is_sign_negative();
    if is_share && (number * 1e6).round() / 1e6 == number {
        return push_decimal(output, number, whole);
    }
    let mut shown = serde_json::to_string(&number).unwrap_or_default();
    if whole.is_empty() {
        if !number.is_finite() {
            shown.clear();
        }
        if let Some(short) = shown.strip_suffix(".0") {
            shown.truncate(short.len());
        }
    }
    output.extend_from_slice(shown.as_bytes());
}
