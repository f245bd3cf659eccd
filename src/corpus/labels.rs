//! Labels, their hierarchy by dots, and the names that other schemes use for them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result, one_line, shortened};

/// A set of labels in alphabetical order.
pub type LabelSet = BTreeSet<String>;

/// Words that say "annotated, and none of the labels holds".
const NONE_NAMES: &[&str] = &["none", "[]"];

/// The parents of a label, nearest first: `a.b.c` has `a.b` and `a`.
pub fn parents(label: &str) -> impl Iterator<Item = &str> {
    label.rmatch_indices('.').map(|(dot, _)| &label[..dot])
}

/// The labels of a set with all their parents.
pub fn with_parents<'a>(labels: impl IntoIterator<Item = &'a str>) -> LabelSet {
    let mut all = LabelSet::new();
    for label in labels {
        all.extend(parents(label).map(str::to_owned));
        all.insert(label.to_owned());
    }
    all
}

/// The labels of which no other label of the set is a child; one binary problem is learnt for each.
pub fn leaves(labels: &LabelSet) -> Vec<String> {
    let has_child: BTreeSet<&str> = labels.iter().flat_map(|label| parents(label)).collect();
    labels
        .iter()
        .filter(|label| !has_child.contains(label.as_str()))
        .cloned()
        .collect()
}

/// Names under which labels may appear in a corpus, read from a TOML file:
///
/// ```toml
/// [aliases]
/// seize = "capture.territory"
/// bombing = "airstrike"
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aliases {
    aliases: BTreeMap<String, String>,
}

impl Aliases {
    /// Reads aliases from a TOML file.
    ///
    /// # Errors
    /// When the file cannot be read or is not of the form above.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::io(path, error))?;
        let read: Self = toml::from_str(&text).map_err(|error| Error::File {
            path: path.into(),
            message: one_line(&error.to_string()),
        })?;
        for (name, label) in &read.aliases {
            check_label(label).map_err(|message| Error::File {
                path: path.into(),
                message: format!("the alias {name:?}: {message}; write \"none\" for no label"),
            })?;
        }
        Ok(read)
    }

    /// The label that a name in a corpus stands for.
    fn resolve<'a>(&'a self, name: &'a str) -> &'a str {
        self.aliases.get(name).map_or(name, String::as_str)
    }

    /// Reads names as they stand in a corpus. "none" names no label, and what a child says again of its
    /// parent is left out.
    ///
    /// # Errors
    /// A message when a name is no possible label.
    pub(crate) fn read_labels<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> std::result::Result<LabelSet, String> {
        let mut labels = self.read_names(names)?;
        // "capture" beside "capture.person" says nothing more.
        let implied: Vec<String> = labels
            .iter()
            .flat_map(|label| parents(label).map(str::to_owned))
            .collect();
        for parent in implied {
            labels.remove(&parent);
        }
        Ok(labels)
    }

    /// The same with parents beside their children, where they stand.
    pub(super) fn read_names<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> std::result::Result<LabelSet, String> {
        let mut labels = LabelSet::new();
        for name in names {
            let label = self.resolve(name.trim()).trim();
            if NONE_NAMES
                .iter()
                .any(|none| label.eq_ignore_ascii_case(none))
            {
                continue;
            }
            check_label(label)?;
            labels.insert(label.to_owned());
        }
        Ok(labels)
    }
}

pub(super) fn check_label(label: &str) -> std::result::Result<(), String> {
    let label = label.trim();
    let shown = shortened(label);
    if label.is_empty() {
        return Err("a label without a name".into());
    }
    if label.split('.').any(|part| part.trim().is_empty()) {
        return Err(format!("the label {shown:?} has an empty part"));
    }
    if label.contains(['|', ';']) || label.chars().any(char::is_control) {
        return Err(format!(
            "the label {shown:?} has a sign that no label may have"
        ));
    }
    Ok(())
}

/// Splits one cell into label names: `shelling|clash` or `shelling;clash`.
pub(crate) fn split_cell(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(['|', ';'])
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

/// Labels for people to read; "none" for an empty set.
pub(crate) fn display(labels: &LabelSet) -> String {
    if labels.is_empty() {
        "none".to_owned()
    } else {
        labels
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("|")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(labels: &[&str]) -> LabelSet {
        labels.iter().map(|&label| label.to_owned()).collect()
    }

    #[test]
    fn parents_hold_with_their_children() {
        assert_eq!(
            with_parents(["a.b.c", "d"]),
            set(&["a", "a.b", "a.b.c", "d"])
        );
        assert_eq!(
            leaves(&set(&["capture", "capture.person", "clash"])),
            ["capture.person", "clash"]
        );
    }

    #[test]
    fn aliases_and_none() {
        let aliases: Aliases = toml::from_str("[aliases]\nseize = \"capture.territory\"").unwrap();
        let read = |cell| aliases.read_labels(split_cell(cell));
        assert_eq!(
            read("seize; clash"),
            Ok(set(&["capture.territory", "clash"]))
        );
        assert_eq!(read("capture|capture.person"), Ok(set(&["capture.person"])));
        assert_eq!(read("none"), Ok(set(&[])));
        assert!(read("capture.").is_err());
    }
}
