//! The rows that tell which files were written.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use datafusion::common::{Result, exec_err};

/// A file that an attempt at a part wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartFile {
    /// Number of the part, the place of its partition in the whole plan.
    pub(crate) part: u64,
    /// Files that this attempt wrote in all, so that it is seen when one is not told.
    pub(crate) files: u64,
    /// Name of the attempt's folder in the staging folder.
    pub(crate) attempt: String,
    /// Name of the file in it.
    pub(crate) file: String,
    /// The folders by the values of key columns that the file belongs to; empty without.
    pub(crate) folders: String,
    /// Rows in the file; 0 in the only file of a part without rows, which has the columns alone.
    pub(crate) rows: u64,
    /// Size of the file in bytes.
    pub(crate) bytes: u64,
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let field = |name: &str, data_type| Field::new(name, data_type, false);
    Arc::new(Schema::new(vec![
        field("part", DataType::UInt64),
        field("files", DataType::UInt64),
        field("attempt", DataType::Utf8),
        field("file", DataType::Utf8),
        field("folders", DataType::Utf8),
        field("rows", DataType::UInt64),
        field("bytes", DataType::UInt64),
    ]))
});

/// The columns of the rows.
pub(super) fn schema() -> SchemaRef {
    SCHEMA.clone()
}

/// Files as rows.
pub(super) fn to_batch(files: &[PartFile]) -> Result<RecordBatch> {
    let numbers = |of: fn(&PartFile) -> u64| -> ArrayRef {
        Arc::new(UInt64Array::from_iter_values(files.iter().map(of)))
    };
    let texts = |of: fn(&PartFile) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(files.iter().map(of)))
    };
    let columns = vec![
        numbers(|file| file.part),
        numbers(|file| file.files),
        texts(|file| &file.attempt),
        texts(|file| &file.file),
        texts(|file| &file.folders),
        numbers(|file| file.rows),
        numbers(|file| file.bytes),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}

/// Rows as files.
///
/// # Errors
/// When the rows are others.
pub(crate) fn from_batch(batch: &RecordBatch) -> Result<Vec<PartFile>> {
    let types = |schema: &Schema| -> Vec<(String, DataType)> {
        let fields = schema.fields().iter();
        fields
            .map(|field| (field.name().clone(), field.data_type().clone()))
            .collect()
    };
    let [part, files, attempt, file, folders, rows, bytes] = batch.columns() else {
        return exec_err!("the rows do not tell which files were written");
    };
    if types(&batch.schema()) != types(&SCHEMA)
        || batch.columns().iter().any(|c| c.null_count() > 0)
    {
        return exec_err!("the rows do not tell which files were written");
    }
    let number = |column: &ArrayRef, row| column.as_primitive::<UInt64Type>().value(row);
    let text = |column: &ArrayRef, row| column.as_string::<i32>().value(row).to_owned();
    Ok((0..batch.num_rows())
        .map(|row| PartFile {
            part: number(part, row),
            files: number(files, row),
            attempt: text(attempt, row),
            file: text(file, row),
            folders: text(folders, row),
            rows: number(rows, row),
            bytes: number(bytes, row),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_rows_and_files_again() {
        let file = |part| PartFile {
            part,
            files: 1,
            attempt: format!("attempt-{part}"),
            file: "000000.csv".into(),
            folders: "place=حلب".into(),
            rows: 10 + part,
            bytes: 1 << 40,
        };
        let files = [file(0), file(7)];
        let batch = to_batch(&files).unwrap();
        assert_eq!(from_batch(&batch).unwrap(), files);
        let fewer = batch.project(&[0, 1]).unwrap();
        assert!(from_batch(&fewer).is_err());
        let other = batch.project(&[1, 0, 2, 3, 4, 5, 6]).unwrap();
        assert!(from_batch(&other).is_err());
    }
}
