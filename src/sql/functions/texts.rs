//! The texts of an array, whatever way it holds strings, without copying them.

use arrow::array::{Array, AsArray, LargeStringArray, StringArray, StringViewArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err, internal_datafusion_err};

use crate::predict::LONGEST_ROW;

/// Whether values of a type are texts.
pub(super) fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, value) => is_string(value),
        kind => is_string(kind),
    }
}

fn is_string(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

/// The texts of an array.
pub(super) struct Texts<'a> {
    strings: Strings<'a>,
    /// For each row the place of its string, where rows share strings.
    keys: Option<Vec<usize>>,
    nulls: Option<NullBuffer>,
    rows: usize,
}

enum Strings<'a> {
    Short(&'a StringArray),
    Long(&'a LargeStringArray),
    Views(&'a StringViewArray),
}

impl<'a> Strings<'a> {
    fn of(array: &'a dyn Array) -> Option<Self> {
        match array.data_type() {
            DataType::Utf8 => array.as_string_opt().map(Self::Short),
            DataType::LargeUtf8 => array.as_string_opt().map(Self::Long),
            DataType::Utf8View => array.as_string_view_opt().map(Self::Views),
            _ => None,
        }
    }

    fn get(&self, place: usize) -> &'a str {
        match self {
            Self::Short(strings) => strings.value(place),
            Self::Long(strings) => strings.value(place),
            Self::Views(strings) => strings.value(place),
        }
    }
}

impl<'a> Texts<'a> {
    /// # Errors
    /// When the array holds no texts, which planning does not let happen.
    pub(super) fn of(array: &'a dyn Array) -> Result<Self> {
        let (strings, keys) = match array.as_any_dictionary_opt() {
            // The keys of a dictionary without values are all null.
            Some(dictionary) if dictionary.values().is_empty() => {
                (Strings::of(&**dictionary.values()), Some(Vec::new()))
            }
            Some(dictionary) => {
                let keys = dictionary.normalized_keys();
                (Strings::of(&**dictionary.values()), Some(keys))
            }
            None => (Strings::of(array), None),
        };
        let kind = array.data_type();
        let strings =
            strings.ok_or_else(|| internal_datafusion_err!("{kind} was planned as text"))?;
        Ok(Self {
            strings,
            keys,
            nulls: array.logical_nulls().filter(|nulls| nulls.null_count() > 0),
            rows: array.len(),
        })
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Which rows are null, where any is.
    pub(super) fn nulls(&self) -> Option<&NullBuffer> {
        self.nulls.as_ref()
    }

    /// The place of a row's string where rows share strings.
    pub(super) fn shared(&self, row: usize) -> Option<usize> {
        self.keys.as_ref()?.get(row).copied()
    }

    /// The text of a row; nothing where it is null.
    ///
    /// # Errors
    /// When it is too long for `function`.
    pub(super) fn get(&self, row: usize, function: &str) -> Result<Option<&'a str>> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(None);
        }
        let text = self.strings.get(self.shared(row).unwrap_or(row));
        check_length(text.len(), function)?;
        Ok(Some(text))
    }
}

/// As long a text as `marsad predict` writes to columns.
fn check_length(bytes: usize, function: &str) -> Result<()> {
    if bytes > LONGEST_ROW {
        return exec_err!(
            "{function}: a text has {bytes} bytes, and the longest that can be read has {LONGEST_ROW}; \
             cut it, as in left(text, 1000000), or leave its row out"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_long_is_told() {
        check_length(LONGEST_ROW, "event_labels").unwrap();
        let error = check_length(LONGEST_ROW + 1, "event_labels").unwrap_err();
        assert!(error.to_string().contains("1073741825 bytes"), "{error}");
    }
}
