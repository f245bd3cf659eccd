//! Exports of Label Studio: JSON with all annotations of a task, and JSON-MIN with one of them.
//!
//! A task holds the user's fields in `data` and a list of `annotations`, `completions` in versions before
//! 1.0, each by one annotator; predictions are no annotations. Places of spans are counted in
//! characters, as the tool does since 2021.

use serde_json::{Map, Value};

use super::objects::Unit;
use super::spans::{self, Places, Span};
use crate::corpus::jsonl::{scalar, unsure};
use crate::corpus::row::{KeptFields, LeftOut, RawRow, RowError};

const ANNOTATIONS: &[&str] = &["annotations", "completions"];

/// Kinds of results that say which labels hold, each the name of the list in its `value`.
const CHOICES: &[&str] = &["choices", "pairwise"];
const TAXONOMY: &str = "taxonomy";
const SPANS: &[&str] = &["labels", "hypertextlabels", "paragraphlabels"];

/// Fields that JSON-MIN adds after those of the task and its results.
const ADDED: &[&str] = &[
    "annotator",
    "annotation_id",
    "created_at",
    "updated_at",
    "lead_time",
    "agreement",
    "history",
    "completed_by",
];

/// Names of results in the templates of Label Studio, where the order of fields does not tell them.
const RESULT_NAMES: &[&str] = &[
    "choice",
    "choices",
    "label",
    "labels",
    "sentiment",
    "taxonomy",
];

/// Whether an object is a task.
pub(super) fn is_task(object: &Map<String, Value>) -> bool {
    let has_data = object.get("data").is_some_and(Value::is_object);
    let is_listed = |name: &&str| object.get(*name).is_some_and(Value::is_array);
    let is_whole = ANNOTATIONS.iter().chain(&["predictions"]).any(is_listed);
    (has_data && (is_whole || !object.contains_key("text"))) || is_minimal(object)
}

fn is_minimal(object: &Map<String, Value>) -> bool {
    object.contains_key("annotation_id")
        && object.contains_key("annotator")
        && object.contains_key("lead_time")
}

/// Whether spans are annotated in a task.
pub(super) fn has_spans(object: &Map<String, Value>) -> bool {
    let results = annotations(object).iter().filter_map(|a| results_of(a));
    let is_span = |result: &Value| {
        let kind = result.get("type").and_then(Value::as_str);
        kind.is_some_and(|kind| SPANS.contains(&kind))
    };
    let minimal = || {
        let lists = object.values().filter_map(Value::as_array).flatten();
        lists
            .filter_map(Value::as_object)
            .any(|item| item.contains_key("start") && labels_of(item).is_some())
    };
    results.flatten().any(is_span) || (is_minimal(object) && minimal())
}

fn annotations(object: &Map<String, Value>) -> &[Value] {
    let found = ANNOTATIONS
        .iter()
        .find_map(|name| object.get(*name)?.as_array());
    found.map_or(&[], Vec::as_slice)
}

fn results_of(annotation: &Value) -> Option<&Vec<Value>> {
    annotation.get("result")?.as_array()
}

/// The labels of a span.
fn labels_of(value: &Map<String, Value>) -> Option<&Vec<Value>> {
    SPANS.iter().find_map(|name| value.get(*name)?.as_array())
}

/// What an annotation says of a text.
#[derive(Default)]
struct Said {
    choices: Vec<String>,
    spans: Vec<Span>,
}

impl Said {
    /// Adds the value of one result, if it says something of labels.
    fn add(&mut self, value: &Map<String, Value>, places: &Places) -> Result<(), RowError> {
        let wrong =
            |name: &str| format!("the list {name:?} of a result holds something that is no label");
        for name in CHOICES {
            for choice in list(value.get(*name)) {
                let choice = choice.as_str().ok_or_else(|| wrong(name))?;
                self.choices.push(choice.to_owned());
            }
        }
        for path in list(value.get(TAXONOMY)) {
            // From the top of the taxonomy downwards: children stand behind a dot.
            let names: Option<Vec<&str>> = list(Some(path)).iter().map(Value::as_str).collect();
            self.choices
                .push(names.ok_or_else(|| wrong(TAXONOMY))?.join("."));
        }
        let Some(labels) = labels_of(value) else {
            return Ok(());
        };
        let global = value.get("globalOffsets").and_then(Value::as_object);
        let place = |name: &str| {
            let found = global.unwrap_or(value).get(name);
            let text = found.and_then(Value::as_str);
            found.and_then(Value::as_u64).or_else(|| text?.parse().ok())
        };
        for label in labels {
            let label = label.as_str().ok_or_else(|| wrong("labels"))?;
            let (start, end) = place("start").zip(place("end")).ok_or_else(|| {
                format!("a span ({label}) has no \"start\" and \"end\" within the text")
            })?;
            let range = places.range(start, end, label)?;
            let label = label.to_owned();
            self.spans.push(Span { range, label });
        }
        Ok(())
    }

    /// The rows of a text of which all this is said.
    fn rows(self, text: &str, unit: &mut Unit, whole: RawRow) -> Vec<RawRow> {
        if self.choices.is_empty() {
            if unit.has_spans {
                return spans::rows(text, &self.spans, &whole);
            }
            unit.left_whole = true;
        }
        let of_spans = self.spans.into_iter().map(|span| span.label);
        vec![RawRow {
            text: text.to_owned(),
            labels: Some(self.choices.into_iter().chain(of_spans).collect()),
            ..whole
        }]
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        _ => &[],
    }
}

/// The rows that a task is: one an annotator, and one a sentence where spans are annotated.
pub(super) fn rows(
    object: Map<String, Value>,
    kept: &KeptFields,
    unit: &mut Unit,
) -> Result<Vec<RawRow>, RowError> {
    if !object.get("data").is_some_and(Value::is_object) {
        return minimal_row(object, kept, unit);
    }
    let data = object.get("data").and_then(Value::as_object);
    let data = data.cloned().unwrap_or_default();
    let (name, text) = text_in(&data, |_| true)?;
    let places = Places::new(&text);
    let whole = RawRow {
        // The user's own id, if there is one, else the number that the tool gave.
        id: scalar("id", data.get("id").or_else(|| object.get("id")))?,
        doc: scalar("doc", data.get("doc"))?,
        unsure: unsure(data.get("unsure"))?,
        fields: fields(&object, data, &name, kept),
        ..RawRow::default()
    };
    let mut rows = Vec::new();
    for annotation in annotations(&object) {
        let whole = RawRow {
            annotator: annotator(annotation.get("completed_by"))?,
            ..whole.clone()
        };
        let is_set = |name: &str| annotation.get(name).and_then(Value::as_bool) == Some(true);
        if is_set("was_cancelled") || is_set("skipped") {
            rows.push(RawRow {
                text: text.clone(),
                left_out: Some(LeftOut::Skipped),
                ..whole
            });
            continue;
        }
        let results = results_of(annotation).ok_or("an annotation has no list \"result\"")?;
        let mut said = Said::default();
        for result in results {
            if let Some(value) = result.get("value").and_then(Value::as_object) {
                said.add(value, &places)?;
            }
        }
        rows.append(&mut said.rows(&text, unit, whole));
    }
    if rows.is_empty() {
        let was_skipped = object.get("cancelled_annotations").and_then(Value::as_u64) > Some(0);
        rows.push(RawRow {
            text,
            left_out: was_skipped.then_some(LeftOut::Skipped),
            ..whole
        });
    }
    Ok(rows)
}

/// The user's fields: those in `data`, and `meta`, which imports may bring along.
fn fields(
    object: &Map<String, Value>,
    mut data: Map<String, Value>,
    text: &str,
    kept: &KeptFields,
) -> Map<String, Value> {
    if let KeptFields::Named(_) = kept {
        return kept.of(object.clone(), |_| false);
    }
    if let Some(Value::Object(meta)) = object.get("meta")
        && !meta.is_empty()
    {
        let meta = Value::Object(meta.clone());
        data.entry("meta").or_insert(meta);
    }
    kept.of(data, |name| name == text)
}

/// The text among fields: `text`, or the only string.
fn text_in(
    fields: &Map<String, Value>,
    may_be: impl Fn(&str) -> bool,
) -> Result<(String, String), RowError> {
    for name in ["text", "sentence"] {
        match fields.get(name) {
            Some(Value::String(text)) => return Ok((name.into(), text.clone())),
            Some(_) => return Err(format!("the field {name:?} of the task is not a string")),
            None => {}
        }
    }
    let strings: Vec<(&String, &str)> = fields
        .iter()
        .filter(|(name, _)| may_be(name))
        .filter_map(|(name, value)| Some((name, value.as_str()?)))
        .collect();
    match strings.as_slice() {
        [(name, text)] => Ok(((*name).clone(), (*text).to_owned())),
        [] => Err("there is no field \"text\" in the data of the task".into()),
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
            let names = crate::error::shortened(&names.join(", "));
            Err(format!(
                "there is no field \"text\" in the data of the task but {names}; rename the one that holds the text"
            ))
        }
    }
}

/// Who annotated: a number, or an object with an address or a number.
fn annotator(value: Option<&Value>) -> Result<Option<String>, RowError> {
    match value {
        Some(Value::Object(person)) => {
            let name = person.get("email").or_else(|| person.get("id"));
            scalar("completed_by", name)
        }
        value => scalar("completed_by", value),
    }
}

/// The row of a task in JSON-MIN, where results stand beside the user's fields: those between `id` and
/// what the export adds, or of a shape or a name that only results have.
fn minimal_row(
    object: Map<String, Value>,
    kept: &KeptFields,
    unit: &mut Unit,
) -> Result<Vec<RawRow>, RowError> {
    let names: Vec<&str> = object.keys().map(String::as_str).collect();
    let place = |name: &str| names.iter().position(|other| *other == name);
    let between = match (place("id"), place("annotator")) {
        (Some(id), Some(annotator)) if id < annotator => id + 1..annotator,
        _ => 0..0,
    };
    let is_result = |name: &str| {
        let value = &object[name];
        let has_shape = |item: &Value| {
            let item = item.as_object();
            item.is_some_and(|item| {
                item.contains_key("choices")
                    || (item.contains_key("start") && labels_of(item).is_some())
            })
        };
        let named = RESULT_NAMES.contains(&name) && (value.is_string() || value.is_array());
        !ADDED.contains(&name)
            && name != "text"
            && (place(name).is_some_and(|place| between.contains(&place))
                || has_shape(value)
                || list(Some(value)).iter().any(has_shape)
                || named)
    };
    let results: Vec<String> = names
        .iter()
        .filter(|name| is_result(name))
        .map(|name| (*name).to_owned())
        .collect();
    let is_results = |name: &str| results.iter().any(|result| result == name);
    let may_be_text = |name: &str| !is_results(name) && !ADDED.contains(&name) && name != "id";
    let (text_name, text) = text_in(&object, may_be_text)?;
    let places = Places::new(&text);
    let mut said = Said::default();
    for name in &results {
        match &object[name] {
            Value::String(choice) => said.choices.push(choice.clone()),
            Value::Object(value) => said.add(value, &places)?,
            Value::Array(items) => {
                for item in items {
                    match item {
                        Value::String(choice) => said.choices.push(choice.clone()),
                        Value::Object(value) => said.add(value, &places)?,
                        // The paths of a taxonomy.
                        Value::Array(_) => {
                            let path = Map::from_iter([(
                                TAXONOMY.to_owned(),
                                Value::Array(vec![item.clone()]),
                            )]);
                            said.add(&path, &places)?;
                        }
                        _ => {
                            return Err(format!(
                                "the field {name:?} holds something that is no label"
                            ));
                        }
                    }
                }
            }
            _ => {}
        }
    }
    let whole = RawRow {
        id: scalar("id", object.get("id"))?,
        doc: scalar("doc", object.get("doc"))?,
        annotator: annotator(object.get("annotator"))?,
        fields: kept.of(object, |name| {
            is_results(name) || ADDED.contains(&name) || name == text_name
        }),
        ..RawRow::default()
    };
    Ok(said.rows(&text, unit, whole))
}
