//! Names of folders that say the value of a column, as Hive and Spark write them.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};

/// What stands for a missing or empty value.
pub(super) const NOTHING: &str = "__HIVE_DEFAULT_PARTITION__";

/// Bytes that a name in a folder has at most on the usual file systems.
const LONGEST: usize = 255;

/// Whether a column's name leaves no room for a value.
pub(super) fn too_long(key: &str) -> bool {
    let mut name = String::new();
    escape(key, &mut name);
    name.len() + 1 + NOTHING.len() > LONGEST
}

/// Writes a text as Hive's `escapePathName` does: what has a meaning in paths or their patterns becomes `%`
/// and two digits; letters of all scripts stay.
fn escape(text: &str, into: &mut String) {
    for character in text.chars() {
        match character {
            '"'
            | '#'
            | '%'
            | '\''
            | '*'
            | '/'
            | ':'
            | '='
            | '?'
            | '\\'
            | '{'
            | '['
            | ']'
            | '^'
            | '\0'..='\x1F'
            | '\x7F' => {
                // Writing to a string cannot fail.
                let _ = write!(into, "%{:02X}", u32::from(character));
            }
            other => into.push(other),
        }
    }
}

/// For every row the folders it belongs to: `day=2024-01-01/place=حلب`.
///
/// # Errors
/// When a value is too long for a folder's name.
pub(super) fn folders(batch: &RecordBatch, keys: &[String], columns: &[usize]) -> Result<ArrayRef> {
    let mut values = Vec::with_capacity(columns.len());
    for &column in columns {
        values.push(cast(batch.column(column), &DataType::Utf8)?);
    }
    let mut names = StringBuilder::with_capacity(batch.num_rows(), batch.num_rows() * 16);
    let mut name = String::new();
    for row in 0..batch.num_rows() {
        name.clear();
        for (key, values) in keys.iter().zip(&values) {
            let values = values.as_string::<i32>();
            if !name.is_empty() {
                name.push('/');
            }
            let begin = name.len();
            escape(key, &mut name);
            name.push('=');
            match values.is_valid(row).then(|| values.value(row)) {
                Some(value) if !value.is_empty() => escape(value, &mut name),
                _ => name.push_str(NOTHING),
            }
            if name.len() - begin > LONGEST {
                let start: String = values.value(row).chars().take(40).collect();
                return exec_err!(
                    "folders by {key:?}: the value that begins {start:?} is too long for a folder's name; choose \
                     a column with short values"
                );
            }
        }
        names.append_value(&name);
    }
    Ok(Arc::new(names.finish()))
}

/// Whether these are folders of the given columns and nothing else, so that a path made of them stays
/// inside.
pub(super) fn are_folders_of(folders: &str, keys: &[String]) -> bool {
    let mut given = folders.split('/');
    let mut prefix = String::new();
    let each = keys.iter().all(|key| {
        prefix.clear();
        escape(key, &mut prefix);
        prefix.push('=');
        given.next().is_some_and(|name| {
            let value = name.strip_prefix(&prefix);
            value.is_some_and(|value| !value.is_empty())
                && name.len() <= LONGEST
                && !name.contains(|c: char| c.is_ascii_control() || c == '\\')
        })
    });
    each && given.next().is_none()
}

#[cfg(test)]
mod tests {
    use arrow::array::{Date32Array, DictionaryArray, Int64Array, StringArray};
    use arrow::datatypes::{Int8Type, Schema};
    use proptest::prelude::*;

    use super::*;

    fn names(columns: Vec<(&str, ArrayRef)>) -> Vec<String> {
        let keys: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns
                .into_iter()
                .map(|(name, column)| (name, column, true)),
        )
        .unwrap();
        let places: Vec<usize> = (0..keys.len()).collect();
        let folders = folders(&batch, &keys, &places).unwrap();
        let folders: Vec<String> = folders
            .as_string::<i32>()
            .iter()
            .map(|name| name.unwrap().to_owned())
            .collect();
        assert!(
            folders.iter().all(|name| are_folders_of(name, &keys)),
            "{folders:?}"
        );
        folders
    }

    #[test]
    fn values_become_the_names_that_hive_gives() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![
            Some("حلب"),
            Some("a/b"),
            Some(".."),
            Some("../x"),
            Some("100%"),
            Some("x=y:z"),
            Some("two\nlines"),
            Some(""),
            None,
        ]));
        let expected = [
            "p=حلب",
            "p=a%2Fb",
            "p=..",
            "p=..%2Fx",
            "p=100%25",
            "p=x%3Dy%3Az",
            "p=two%0Alines",
            "p=__HIVE_DEFAULT_PARTITION__",
            "p=__HIVE_DEFAULT_PARTITION__",
        ];
        assert_eq!(names(vec![("p", texts)]), expected);
    }

    #[test]
    fn days_numbers_and_dictionaries_nest() {
        let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(19723), None]));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![-7, 8]));
        let places: DictionaryArray<Int8Type> = vec!["تعز", "تعز"].into_iter().collect();
        let expected = [
            "day=2024-01-01/n%2Fm=-7/place=تعز",
            "day=__HIVE_DEFAULT_PARTITION__/n%2Fm=8/place=تعز",
        ];
        let columns = vec![
            ("day", days),
            ("n/m", numbers),
            ("place", Arc::new(places) as _),
        ];
        assert_eq!(names(columns), expected);
    }

    #[test]
    fn long_values_are_refused() {
        let long: ArrayRef = Arc::new(StringArray::from(vec!["غ".repeat(200)]));
        let batch = RecordBatch::try_from_iter([("p", long)]).unwrap();
        let error = folders(&batch, &["p".into()], &[0]).unwrap_err();
        assert!(
            error.to_string().contains("too long for a folder's name"),
            "{error}"
        );
        assert!(RecordBatch::new_empty(Arc::new(Schema::empty())).num_rows() == 0);
    }

    #[test]
    fn other_paths_are_no_folders_of_keys() {
        let keys = ["a".to_owned(), "b".to_owned()];
        assert!(are_folders_of("a=1/b=..", &keys));
        for wrong in [
            "",
            "a=1",
            "a=1/b=2/c=3",
            "a=1/../b=2",
            "b=2/a=1",
            "a=/b=2",
            "/a=1/b=2",
            "a=1/b=2\\..",
        ] {
            assert!(!are_folders_of(wrong, &keys), "{wrong}");
        }
        assert!(!are_folders_of("x", &[]));
    }

    proptest! {
        #[test]
        fn any_text_gives_one_folder_of_its_own(one in ".{0,40}", other in ".{0,40}") {
            let column: ArrayRef = Arc::new(StringArray::from(vec![one.as_str(), other.as_str()]));
            let names = names(vec![("p", column)]);
            prop_assert!(names.iter().all(|name| !name.contains('/') && name.starts_with("p=")));
            prop_assert_eq!(one == other, names[0] == names[1]);
        }
    }
}
