//! Corpora as JSON Lines: Marsad's own, doccano's, Prodigy's.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::RowsWriter;
use super::losses::Losses;
use crate::corpus::{CorpusRow, LabelSet};

/// Whose lines they are.
enum Form {
    Own,
    Doccano,
    Prodigy {
        /// What annotators choose from.
        options: Value,
    },
}

/// Writes one object a line.
pub(super) struct Lines<'o> {
    output: &'o mut (dyn Write + Send),
    form: Form,
}

pub(super) fn own<'o>(output: &'o mut (dyn Write + Send)) -> Lines<'o> {
    Lines {
        output,
        form: Form::Own,
    }
}

pub(super) fn doccano<'o>(output: &'o mut (dyn Write + Send)) -> Lines<'o> {
    Lines {
        output,
        form: Form::Doccano,
    }
}

pub(super) fn prodigy<'o>(output: &'o mut (dyn Write + Send), labels: &LabelSet) -> Lines<'o> {
    let options = labels
        .iter()
        .map(|label| json!({"id": label, "text": label}));
    Lines {
        output,
        form: Form::Prodigy {
            options: options.collect(),
        },
    }
}

/// Fields that mean something else to doccano and to Prodigy, beside those that begin with `_` there.
const OF_DOCCANO: &[&str] = &["annotations", "cats", "data", "entities", "relations"];
const OF_PRODIGY: &[&str] = &[
    "accept",
    "answer",
    "config",
    "html",
    "image",
    "options",
    "priority",
    "relations",
    "score",
    "spans",
    "tokens",
];

impl RowsWriter for Lines<'_> {
    fn write(&mut self, row: CorpusRow, losses: &mut Losses) -> io::Result<()> {
        let object = match &self.form {
            Form::Own => own_object(row),
            Form::Doccano => doccano_object(row, losses),
            Form::Prodigy { options } => prodigy_object(row, options, losses),
        };
        serde_json::to_writer(&mut *self.output, &object)?;
        self.output.write_all(b"\n")
    }

    fn finish(&mut self, _: &mut Losses) -> io::Result<()> {
        self.output.flush()
    }
}

fn own_object(row: CorpusRow) -> Map<String, Value> {
    let mut object = Map::new();
    insert_some(&mut object, "id", row.id);
    insert_some(&mut object, "doc", row.doc);
    object.insert("text".into(), row.text.into());
    object.insert("labels".into(), labels(row.labels));
    insert_unsure(&mut object, row.unsure);
    insert_some(&mut object, "annotator", row.annotator);
    object.extend(row.fields);
    object
}

fn doccano_object(row: CorpusRow, losses: &mut Losses) -> Map<String, Value> {
    let mut object = Map::new();
    insert_some(&mut object, "id", row.id);
    object.insert("text".into(), row.text.into());
    object.insert("label".into(), labels(row.labels));
    insert_some(&mut object, "doc", row.doc);
    insert_unsure(&mut object, row.unsure);
    insert_some(&mut object, "annotator", row.annotator);
    insert_fields(
        &mut object,
        row.fields,
        |name| OF_DOCCANO.contains(&name),
        losses,
    );
    object
}

fn prodigy_object(row: CorpusRow, options: &Value, losses: &mut Losses) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("text".into(), row.text.into());
    object.insert("options".into(), options.clone());
    if let Some(labels) = row.labels {
        object.insert("accept".into(), labels.into_iter().collect());
        object.insert("answer".into(), "accept".into());
    }
    insert_some(&mut object, "_annotator_id", row.annotator);
    insert_some(&mut object, "id", row.id);
    insert_some(&mut object, "doc", row.doc);
    insert_unsure(&mut object, row.unsure);
    let is_theirs = |name: &str| OF_PRODIGY.contains(&name) || name.starts_with('_');
    insert_fields(&mut object, row.fields, is_theirs, losses);
    object
}

/// A list, or `null` for a row that is not annotated.
fn labels(labels: Option<LabelSet>) -> Value {
    labels.map_or(Value::Null, |labels| labels.into_iter().collect())
}

pub(super) fn insert_some(object: &mut Map<String, Value>, name: &str, value: Option<String>) {
    if let Some(value) = value {
        object.insert(name.into(), value.into());
    }
}

pub(super) fn insert_unsure(object: &mut Map<String, Value>, unsure: LabelSet) {
    if !unsure.is_empty() {
        object.insert("unsure".into(), unsure.into_iter().collect());
    }
}

/// Inserts the other fields, those with a meaning in the format under other names.
fn insert_fields(
    object: &mut Map<String, Value>,
    fields: Map<String, Value>,
    is_theirs: impl Fn(&str) -> bool,
    losses: &mut Losses,
) {
    let theirs: Vec<String> = fields
        .keys()
        .filter(|name| is_theirs(name))
        .cloned()
        .collect();
    let free = |name: &str| {
        let mut other = format!("input.{name}");
        while fields.contains_key(&other) {
            other.insert_str(0, "input.");
        }
        other
    };
    let others: Vec<String> = theirs.iter().map(|name| free(name)).collect();
    for (name, value) in fields {
        match theirs.iter().position(|other| *other == name) {
            Some(place) => {
                losses.renamed(&name, &others[place]);
                object.insert(others[place].clone(), value);
            }
            None => {
                object.insert(name, value);
            }
        }
    }
}
