//! How many bytes rows have, by which batches of output end.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;

/// Bytes of what is no text and no list, roughly.
const FIXED: usize = 8;

/// Bytes of each row: the same whatever batch it stands in.
pub(super) fn row_sizes(batch: &RecordBatch) -> Vec<usize> {
    let mut sizes = vec![0; batch.num_rows()];
    for column in batch.columns() {
        for (row, size) in sizes.iter_mut().enumerate() {
            *size += size_of(column.as_ref(), row);
        }
    }
    sizes
}

fn size_of(array: &dyn Array, row: usize) -> usize {
    if array.is_null(row) {
        return FIXED;
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).len(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).len(),
        DataType::Utf8View => array.as_string_view().value(row).len(),
        DataType::Binary => array.as_binary::<i32>().value(row).len(),
        DataType::LargeBinary => array.as_binary::<i64>().value(row).len(),
        DataType::BinaryView => array.as_binary_view().value(row).len(),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let offsets = list.value_offsets();
            let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
            (start..end)
                .map(|item| size_of(list.values().as_ref(), item))
                .sum()
        }
        DataType::Struct(_) => {
            let columns = array.as_struct().columns().iter();
            columns.map(|column| size_of(column.as_ref(), row)).sum()
        }
        _ => FIXED,
    }
}
