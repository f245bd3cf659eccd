//! Other coding schemes: which values their columns have for a label.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::{Table, Value};

use super::labels::{check_label, parents};
use crate::error::{Error, Result, one_line, shortened};

/// Columns of another coding scheme, such as ACLED's event types, with their values for each label;
/// read from a TOML file:
///
/// ```toml
/// columns = ["event_type", "sub_event_type"]
///
/// [labels.airstrike]
/// event_type = "Explosions/Remote violence"
/// sub_event_type = "Air/drone strike"
///
/// [none]                      # may be left out: then empty
/// event_type = "not an event"
/// ```
///
/// A label that is not in the table has the values of its nearest parent there. Where a label holds,
/// its parents say nothing beside it. The values of several labels are joined by `|`, in the order of
/// the labels: the first part of each column belongs to the first label, and so on. With
/// `several = "distinct"` each value of a column stands once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodingColumns {
    names: Vec<String>,
    /// For each label the values of all columns.
    labels: BTreeMap<String, Vec<String>>,
    none: Vec<String>,
    distinct: bool,
}

/// Stands between the values of several labels.
const SEPARATOR: &str = "|";

impl CodingColumns {
    /// Reads columns from a TOML file.
    ///
    /// # Errors
    /// When the file cannot be read or is not of the form above; file and key are named.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::io(path, error))?;
        Self::parse(&text).map_err(|message| Error::File {
            path: path.into(),
            message,
        })
    }

    fn parse(text: &str) -> std::result::Result<Self, String> {
        let file: Table =
            toml::from_str(text).map_err(|error: toml::de::Error| one_line(&error.to_string()))?;
        let mut read = Self::default();
        const KEYS: [&str; 4] = ["columns", "labels", "none", "several"];
        if let Some(key) = file.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!(
                "the key {:?} is not known; there are {}",
                shortened(key),
                KEYS.join(", ")
            ));
        }
        read.names = column_names(file.get("columns"))?;
        read.distinct = match file.get("several") {
            None => false,
            Some(Value::String(how)) if how == "each" => false,
            Some(Value::String(how)) if how == "distinct" => true,
            Some(_) => return Err("several: must be \"each\" or \"distinct\"".into()),
        };
        read.none = match file.get("none") {
            None => vec![String::new(); read.names.len()],
            Some(values) => read.values_of("none", values)?,
        };
        let labels = match file.get("labels") {
            Some(Value::Table(labels)) if !labels.is_empty() => labels,
            Some(Value::Table(_)) | None => {
                return Err("labels: there are none; write [labels.NAME] for each label".into());
            }
            Some(_) => return Err("labels: must be tables, [labels.NAME]".into()),
        };
        for (label, values) in labels {
            let key = format!("labels.{label:?}");
            check_label(label).map_err(|message| format!("{key}: {message}"))?;
            // An unquoted name with a dot makes a table in a table.
            let mut cells = values.as_table().into_iter().flat_map(Table::values);
            if cells.any(Value::is_table) {
                return Err(format!(
                    "{key}: holds a table; write the name of a child in quotes, [labels.\"{label}.…\"]"
                ));
            }
            let values = read.values_of(&key, values)?;
            read.labels.insert(label.clone(), values);
        }
        Ok(read)
    }

    /// The values of one table for all columns, in their order.
    fn values_of(&self, key: &str, values: &Value) -> std::result::Result<Vec<String>, String> {
        let Value::Table(values) = values else {
            return Err(format!("{key}: must be a table of columns and values"));
        };
        if let Some(name) = values.keys().find(|name| !self.names.contains(name)) {
            return Err(format!(
                "{key}.{name}: there is no such column; \"columns\" lists {}",
                shortened(&self.names.join(", "))
            ));
        }
        let of_column = |name: &String| match values.get(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Integer(number)) => Ok(number.to_string()),
            Some(_) => Err(format!("{key}.{name}: must be text or a whole number")),
        };
        self.names.iter().map(of_column).collect()
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The value of each column where these labels hold, parents among them or not.
    pub fn values<'l>(&self, held: impl IntoIterator<Item = &'l str>) -> Vec<String> {
        let held: Vec<&str> = held.into_iter().collect();
        if held.is_empty() {
            return self.none.clone();
        }
        let implied: BTreeSet<&str> = held.iter().flat_map(|label| parents(label)).collect();
        let mut used: Vec<&str> = Vec::new();
        let specific = held.iter().filter(|label| !implied.contains(*label));
        for (entry, _) in specific.filter_map(|label| self.entry(label)) {
            // Two children of one parent that stands for both.
            if !used.contains(&entry) {
                used.push(entry);
            }
        }
        let values_of = |column: usize| {
            let values = used.iter().filter_map(|entry| self.labels.get(*entry));
            let mut values: Vec<&str> = values.map(|values| values[column].as_str()).collect();
            if self.distinct {
                let mut seen = BTreeSet::new();
                values.retain(|value| !value.is_empty() && seen.insert(*value));
            }
            values.join(SEPARATOR)
        };
        (0..self.names.len()).map(values_of).collect()
    }

    /// The labels, parents of others left off, that have no values.
    pub fn missing<'l>(&self, labels: impl IntoIterator<Item = &'l str>) -> Vec<&'l str> {
        let labels: Vec<&str> = labels.into_iter().collect();
        let implied: BTreeSet<&str> = labels.iter().flat_map(|label| parents(label)).collect();
        let missing = |label: &&str| !implied.contains(label) && self.entry(label).is_none();
        labels.into_iter().filter(missing).collect()
    }

    /// What stands in the table for a label: it or its nearest parent.
    fn entry(&self, label: &str) -> Option<(&str, &Vec<String>)> {
        let entry = std::iter::once(label)
            .chain(parents(label))
            .find_map(|name| self.labels.get_key_value(name))?;
        Some((entry.0.as_str(), entry.1))
    }
}

fn column_names(value: Option<&Value>) -> std::result::Result<Vec<String>, String> {
    let wrong = || "columns: must be a list of names, columns = [\"event_type\"]".to_owned();
    let Some(Value::Array(items)) = value else {
        return Err(wrong());
    };
    let mut names: Vec<String> = Vec::new();
    for item in items {
        let name = item.as_str().ok_or_else(wrong)?;
        if name.trim() != name || name.is_empty() || name.contains(char::is_control) {
            return Err(format!("columns: {name:?} cannot be the name of a column"));
        }
        if names.iter().any(|known| known == name) {
            return Err(format!("columns: {name:?} is listed twice"));
        }
        names.push(name.to_owned());
    }
    match names.is_empty() {
        true => Err(wrong()),
        false => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "columns = [\"type\", \"code\"]\n\
        [labels.air]\ntype = \"remote\"\ncode = 195\n\
        [labels.gun]\ntype = \"remote\"\n\
        [labels.take]\ntype = \"taking\"\ncode = \"17\"\n\
        [labels.\"take.person\"]\ntype = \"abduction\"\ncode = \"18\"\n\
        [none]\ntype = \"no event\"\n";

    fn values(table: &str, held: &[&str]) -> Vec<String> {
        CodingColumns::parse(table)
            .unwrap()
            .values(held.iter().copied())
    }

    #[test]
    fn values_of_several_labels_stand_side_by_side() {
        assert_eq!(values(TABLE, &["air"]), ["remote", "195"]);
        assert_eq!(values(TABLE, &["air", "gun"]), ["remote|remote", "195|"]);
        let distinct = format!("several = \"distinct\"\n{TABLE}");
        assert_eq!(values(&distinct, &["air", "gun"]), ["remote", "195"]);
        assert_eq!(values(TABLE, &[]), ["no event", ""]);
        assert_eq!(values(TABLE, &["other"]), ["", ""]);
    }

    #[test]
    fn the_most_specific_label_speaks() {
        let person = ["abduction", "18"];
        assert_eq!(values(TABLE, &["take", "take.person"]), person);
        assert_eq!(values(TABLE, &["take"]), ["taking", "17"]);
        let children = ["take", "take.place", "take.thing"];
        assert_eq!(values(TABLE, &children), ["taking", "17"]);
        let columns = CodingColumns::parse(TABLE).unwrap();
        assert_eq!(columns.missing(["air", "other", "take.place"]), ["other"]);
    }

    #[test]
    fn shipped_tables_cover_the_labels_of_the_built_in_model() {
        let model = crate::built_in_model().unwrap();
        let labels: Vec<&str> = model.header().labels.iter().map(String::as_str).collect();
        for (name, first) in [("acled", "event_type"), ("plover", "plover_event")] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("data/{name}.toml"));
            let columns = CodingColumns::read(&path).unwrap();
            assert!(columns.missing(labels.iter().copied()).is_empty());
            assert_eq!(columns.names()[0], first);
            for label in &labels {
                let values = columns.values([*label]);
                assert!(values.iter().all(|value| !value.is_empty()), "{label}");
            }
        }
    }

    #[test]
    fn what_is_wrong_names_its_key() {
        for (table, words) in [
            ("", "columns"),
            ("columns = []", "columns"),
            ("columns = [\"a\", \"a\"]", "twice"),
            ("columns = [\"a\"]", "[labels.NAME]"),
            ("columns = [\"a\"]\nlabel = 1", "\"label\""),
            ("columns = [\"a\"]\nseveral = 1", "several"),
            ("columns = [\"a\"]\n[labels.x]\nb = \"1\"", "labels.\"x\".b"),
            ("columns = [\"a\"]\n[labels.x]\na = 1.5", "labels.\"x\".a"),
            ("columns = [\"a\"]\n[labels.x.y]\na = \"1\"", "in quotes"),
            (
                "columns = [\"a\"]\n[labels.x]\na = \"1\"\n[none]\nb = 1",
                "none.b",
            ),
            ("columns = [\"a\"", "line 1"),
        ] {
            let message = CodingColumns::parse(table).unwrap_err();
            assert!(message.contains(words), "{message:?} lacks {words:?}");
            assert!(!message.contains('\n'));
        }
    }
}
