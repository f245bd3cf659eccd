//! What a folder of parts shall hold, as it travels to executors.

use std::path::Path;

use arrow::datatypes::{DataType, Schema};
use datafusion::common::{Result, exec_err};
use serde::{Deserialize, Serialize};

use super::keys;

/// The form that is written here and understood; another one is refused.
const VERSION: u32 = 1;

/// What the files of a folder are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PartFormat {
    /// Parquet, compressed with Snappy.
    Parquet,
    /// Comma-separated values with a header in each file.
    Csv,
    /// Tab-separated values with a header in each file.
    Tsv,
    /// One JSON object a line.
    Jsonl,
}

impl PartFormat {
    /// What the names of the files end with, without the point.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Jsonl => "jsonl",
        }
    }
}

/// Where the parts of a folder are written, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartsTarget {
    version: u32,
    staging: String,
    format: PartFormat,
    keys: Vec<String>,
}

impl PartsTarget {
    /// Parts below a staging folder; rows that differ in the key columns go to different folders, named
    /// `column=value`, and the files themselves do not have these columns.
    ///
    /// # Errors
    /// When the staging folder is not an absolute path in Unicode.
    pub(crate) fn new(staging: &Path, format: PartFormat, keys: Vec<String>) -> Result<Self> {
        let Some(text) = staging.to_str() else {
            let staging = staging.display();
            return exec_err!("{staging}: the name of an output folder must be valid Unicode");
        };
        let target = Self {
            version: VERSION,
            staging: text.to_owned(),
            format,
            keys,
        };
        target.check()?;
        Ok(target)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// When it is something else, or of another version.
    #[cfg(any(feature = "cluster", test))]
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        match serde_json::from_slice(bytes) {
            Ok(Version { version: VERSION }) => {}
            Ok(Version { version }) => {
                return exec_err!(
                    "output in parts has form {version} and this program writes form {VERSION}: use the same \
                     version of the program on all machines"
                );
            }
            Err(error) => return exec_err!("output in parts cannot be understood: {error}"),
        }
        let target: Self = match serde_json::from_slice(bytes) {
            Ok(target) => target,
            Err(error) => return exec_err!("output in parts cannot be understood: {error}"),
        };
        target.check()?;
        Ok(target)
    }

    #[cfg(any(feature = "cluster", test))]
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        match serde_json::to_vec(self) {
            Ok(bytes) => Ok(bytes),
            Err(error) => exec_err!("output in parts cannot be described: {error}"),
        }
    }

    fn check(&self) -> Result<()> {
        if !self.staging().is_absolute() || self.staging.contains('\0') {
            return exec_err!("output in parts: {:?} is no absolute path", self.staging);
        }
        Ok(())
    }

    /// The folder that attempts are made in; whoever begins the statement makes it.
    pub(crate) fn staging(&self) -> &Path {
        Path::new(&self.staging)
    }

    pub(crate) fn format(&self) -> PartFormat {
        self.format
    }

    /// The columns whose values name folders, the outermost first.
    pub(crate) fn keys(&self) -> &[String] {
        &self.keys
    }

    /// The places of the key columns in the rows.
    ///
    /// # Errors
    /// When one is missing, named twice, cannot name a folder, or no column is left for the files.
    pub(crate) fn key_columns(&self, schema: &Schema) -> Result<Vec<usize>> {
        let mut places = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let mut found = schema.fields().iter().enumerate();
            let Some((place, field)) = found.find(|(_, field)| field.name() == key) else {
                let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
                return exec_err!(
                    "folders by {key:?}: the statement gives no such column; it gives {}",
                    names.join(", ")
                );
            };
            if found.any(|(_, field)| field.name() == key) {
                return exec_err!("folders by {key:?}: the statement gives this column twice");
            }
            if places.contains(&place) {
                return exec_err!("folders by {key:?}: the column is named twice");
            }
            if !names_folders(field.data_type()) {
                return exec_err!(
                    "folders by {key:?}: the column is of type {}, which cannot name a folder; texts, whole \
                     numbers, dates, times and truth values can",
                    field.data_type()
                );
            }
            if key.is_empty() || keys::too_long(key) {
                return exec_err!("folders by {key:?}: the name cannot stand in a folder's name");
            }
            places.push(place);
        }
        if !places.is_empty() && places.len() == schema.fields().len() {
            return exec_err!(
                "folders by {}: no column is left for the files; select at least one more",
                self.keys.join(", ")
            );
        }
        Ok(places)
    }
}

fn names_folders(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null | DataType::Boolean => true,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => true,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) => true,
        DataType::Dictionary(_, values) => names_folders(values),
        other => other.is_integer(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;

    use super::*;

    fn target(keys: &[&str]) -> PartsTarget {
        let keys = keys.iter().map(|&key| key.to_owned()).collect();
        PartsTarget::new(Path::new("/out.partial-1"), PartFormat::Csv, keys).unwrap()
    }

    #[test]
    fn definitions_travel_and_others_are_refused() {
        let sent = target(&["day", "اليوم"]);
        let bytes = sent.to_bytes().unwrap();
        assert_eq!(PartsTarget::from_bytes(&bytes).unwrap(), sent);
        let text = String::from_utf8(bytes).unwrap();
        for (from, to, told) in [
            (r#""version":1"#, r#""version":2"#, "form 2"),
            (r#""csv""#, r#""xls""#, "understood"),
            ("/out.partial-1", "out.partial-1", "no absolute path"),
            (r#""keys""#, r#""more""#, "understood"),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text);
            let error = PartsTarget::from_bytes(changed.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(told), "{error}");
        }
        assert!(PartsTarget::from_bytes(b"").is_err());
        let relative = Path::new("out.partial-1");
        assert!(PartsTarget::new(relative, PartFormat::Csv, Vec::new()).is_err());
    }

    #[test]
    fn columns_that_cannot_name_folders_are_refused() {
        let schema = Schema::new(vec![
            Field::new("day", DataType::Date32, true),
            Field::new("text", DataType::Utf8, true),
            Field::new("score", DataType::Float64, true),
            Field::new("text", DataType::Utf8, true),
        ]);
        assert_eq!(target(&["day"]).key_columns(&schema).unwrap(), [0]);
        for (keys, told) in [
            (vec!["nay"], "gives no such column; it gives day, text"),
            (vec!["day", "day"], "named twice"),
            (vec!["text"], "gives this column twice"),
            (vec!["score"], "of type Float64"),
        ] {
            let error = target(&keys).key_columns(&schema).unwrap_err();
            assert!(error.to_string().contains(told), "{error}");
        }
        let only = schema.project(&[0]).unwrap();
        let error = target(&["day"]).key_columns(&only).unwrap_err();
        assert!(error.to_string().contains("no column is left"), "{error}");
    }
}
