//! A row as it stands in a file, before labels are checked.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::labels::split_cell;

/// Fields that every format reads by these names.
pub(crate) const KNOWN_FIELDS: &[&str] = &[
    "text",
    "labels",
    "label",
    "unsure",
    "id",
    "doc",
    "annotator",
];

/// Which fields are kept beside the text and its annotation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeptFields {
    /// None.
    #[default]
    None,
    /// Those of these names; a table must have them all.
    Named(Vec<String>),
    /// All.
    All,
}

impl KeptFields {
    /// Whether a field of this name is kept.
    pub(super) fn keeps(&self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::Named(names) => names.iter().any(|kept| kept == name),
            Self::All => !KNOWN_FIELDS.contains(&name),
        }
    }

    /// The fields of an object that are kept. One that is named is looked for within other objects as
    /// well: by its path, as in `meta.outlet`, and by its name alone in those that tools keep the user's
    /// fields in. Where all are kept, those that `is_the_tools` tells to be the tool's own are not.
    pub(super) fn of(
        &self,
        object: Map<String, Value>,
        is_the_tools: impl Fn(&str) -> bool,
    ) -> Map<String, Value> {
        match self {
            Self::None => Map::new(),
            Self::Named(names) => names
                .iter()
                .filter_map(|name| Some((name.clone(), named(&object, name)?.clone())))
                .collect(),
            Self::All => object
                .into_iter()
                .filter(|(name, _)| self.keeps(name) && !is_the_tools(name))
                .collect(),
        }
    }
}

/// Objects in which annotation tools keep the fields that came with a text.
const NESTS: &[&str] = &["data", "meta", "metadata"];

/// The field of a name, of a path between dots, or of that name within an object of the user's fields.
pub(super) fn named<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    at_path(object, name).or_else(|| {
        let nests = NESTS
            .iter()
            .filter_map(|nest| object.get(*nest)?.as_object());
        nests.filter_map(|nest| at_path(nest, name)).next()
    })
}

/// The field of a name, else that at a path of names between dots.
pub(crate) fn at_path<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    object.get(path).or_else(|| {
        path.match_indices('.').find_map(|(dot, _)| {
            let inner = object.get(&path[..dot])?.as_object()?;
            at_path(inner, &path[dot + 1..])
        })
    })
}

/// What the document of a text that names none begins with.
const OWN_DOCUMENT: &str = "text:";
const OWN_DIGEST: &str = "text:sha256:";

/// Longer texts are known by their digest: each of their sentences holds the name.
const LONGEST_NAME_BYTES: usize = 4096;

/// The document of a text that names none: itself, so that its repeats and its sentences stay in one fold
/// whoever annotated them.
pub(super) fn own_document(text: &str) -> String {
    let text = text.trim();
    match text.len() {
        0..=LONGEST_NAME_BYTES => format!("{OWN_DOCUMENT}{text}"),
        _ => {
            let digest = super::hex(&Sha256::digest(text.as_bytes()));
            format!("{OWN_DIGEST}{digest}")
        }
    }
}

/// Whether a document is that of a text of which `sentence` is the whole or a part.
pub(super) fn is_own_document(doc: &str, sentence: &str) -> bool {
    let is_digest =
        |digits: &str| digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    doc.strip_prefix(OWN_DIGEST).is_some_and(is_digest)
        || doc
            .strip_prefix(OWN_DOCUMENT)
            .is_some_and(|text| text.contains(sentence.trim()))
}

/// What is wrong with a row.
pub(super) type RowError = String;

/// A row as it stands in a file. `labels` is `None` when the row is not annotated.
#[derive(Clone, Debug, Default)]
pub(super) struct RawRow {
    pub(super) id: Option<String>,
    pub(super) doc: Option<String>,
    pub(super) text: String,
    pub(super) labels: Option<Vec<String>>,
    pub(super) unsure: Vec<String>,
    /// Who annotated it.
    pub(super) annotator: Option<String>,
    /// The other fields that were asked for.
    pub(super) fields: Map<String, Value>,
    /// Which sentence of a longer text it is, from 1.
    pub(super) sentence: Option<usize>,
    /// Why its annotation does not count.
    pub(super) left_out: Option<LeftOut>,
    /// The labels that were asked about, where nothing was said of others.
    pub(super) asked: Option<Vec<String>>,
}

/// Why the annotation of a row does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeftOut {
    /// The annotator skipped it (Label Studio).
    Skipped,
    /// The annotator ignored it (Prodigy).
    Ignored,
    /// The annotator rejected a choice of labels as a whole (Prodigy).
    Rejected,
}

/// The names in one cell, as a JSON list or between `|` or `;`; an empty cell means "not annotated".
pub(super) fn cell_labels(cell: &str) -> Option<Vec<String>> {
    if cell.trim_start().starts_with('[')
        && let Ok(names) = serde_json::from_str::<Vec<String>>(cell)
    {
        return Some(names);
    }
    (!cell.trim().is_empty()).then(|| split_cell(cell).map(str::to_owned).collect())
}
