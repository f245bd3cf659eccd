//! Exports of doccano: categories, spans, or both, of all its versions.
//!
//! Version 1.5 and later write `label` for categories and for spans `[start, end, label]`, `entities` for
//! spans of relations, `cats` and `entities` where a project has both; older ones write `labels`, or
//! `annotations` with the number of a label and of a user. Places are counted in characters.

use serde_json::{Map, Value};

use super::objects::Unit;
use super::spans::{self, Places, Span};
use crate::corpus::jsonl::{scalar, text_of, unsure};
use crate::corpus::row::{KeptFields, RawRow, RowError, cell_labels, named};

const TEXT_FIELDS: &[&str] = &["text", "data"];
const LABEL_FIELDS: &[&str] = &["label", "labels", "cats", "entities"];

/// Whether an object is an example of doccano that another reader would not read as it is meant.
pub(super) fn is_example(object: &Map<String, Value>) -> bool {
    let has_text = TEXT_FIELDS
        .iter()
        .any(|name| object.get(*name).is_some_and(Value::is_string));
    let is_marked = ["annotation_approver", "Comments"]
        .iter()
        .any(|name| object.contains_key(*name));
    let only_data =
        !object.contains_key("text") && LABEL_FIELDS.iter().any(|name| object.contains_key(*name));
    has_text
        && (is_marked
            || only_data
            || has_spans(object)
            || by_user(object).is_some_and(|said| !said.is_empty()))
}

/// Whether spans are annotated in an example.
pub(super) fn has_spans(object: &Map<String, Value>) -> bool {
    let is_span = |item: &Value| {
        item.as_array().is_some_and(|span| {
            span.len() == 3 && span[0].is_u64() && span[1].is_u64() && span[2].is_string()
        }) || item.get("start_offset").is_some_and(Value::is_u64)
    };
    let lists = LABEL_FIELDS.iter().chain(&["annotations"]);
    let mut items = lists
        .filter_map(|name| object.get(*name)?.as_array())
        .flatten();
    items.any(is_span)
}

/// The annotations of older versions, which name label and user by numbers.
fn by_user(object: &Map<String, Value>) -> Option<&Vec<Value>> {
    let annotations = object.get("annotations")?.as_array()?;
    let is_annotation = |item: &Value| item.get("label").is_some() && item.get("user").is_some();
    annotations.iter().all(is_annotation).then_some(annotations)
}

/// What one annotator says of a text.
#[derive(Default)]
struct Said {
    annotator: Option<String>,
    categories: Vec<String>,
    spans: Vec<Span>,
}

/// The rows that an example is: one, or one a sentence where spans are annotated.
pub(super) fn rows(
    object: Map<String, Value>,
    kept: &KeptFields,
    unit: &mut Unit,
) -> Result<Vec<RawRow>, RowError> {
    let text = text_of(&object, TEXT_FIELDS)?;
    let whole = RawRow {
        id: scalar("id", object.get("id"))?,
        doc: scalar("doc", named(&object, "doc"))?,
        unsure: unsure(named(&object, "unsure"))?,
        ..RawRow::default()
    };
    let (all, is_annotated) = match by_user(&object) {
        Some(annotations) => (said_by_users(annotations, &text)?, true),
        None => said(&object, &text)?,
    };
    let annotator = scalar("annotator", object.get("annotator"))?;
    let fields = kept.of(object, |name| {
        TEXT_FIELDS.contains(&name)
            || LABEL_FIELDS.contains(&name)
            || name == "annotations"
            || name == "relations"
    });
    let mut rows = Vec::new();
    for said in all {
        let whole = RawRow {
            annotator: said.annotator.or_else(|| annotator.clone()),
            fields: fields.clone(),
            ..whole.clone()
        };
        // A label of the text as a whole says nothing of its sentences, but that of a span holds for the text.
        if said.categories.is_empty() && is_annotated {
            if unit.has_spans {
                rows.append(&mut spans::rows(&text, &said.spans, &whole));
                continue;
            }
            unit.left_whole = true;
        }
        let of_spans = said.spans.into_iter().map(|span| span.label);
        rows.push(RawRow {
            text: text.clone(),
            labels: is_annotated.then(|| said.categories.into_iter().chain(of_spans).collect()),
            ..whole
        });
    }
    Ok(rows)
}

fn said(object: &Map<String, Value>, text: &str) -> Result<(Vec<Said>, bool), RowError> {
    let mut said = Said::default();
    let mut is_annotated = false;
    let places = Places::new(text);
    for name in LABEL_FIELDS {
        match object.get(*name) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(items)) => {
                for item in items {
                    said.add(name, item, &places)?;
                }
            }
            Some(Value::String(cell)) => match cell_labels(cell) {
                None => continue,
                Some(labels) => said.categories.extend(labels),
            },
            Some(label) => said.add(name, label, &places)?,
        }
        is_annotated = true;
    }
    Ok((vec![said], is_annotated))
}

fn said_by_users(annotations: &[Value], text: &str) -> Result<Vec<Said>, RowError> {
    let places = Places::new(text);
    let mut all: Vec<Said> = Vec::new();
    for annotation in annotations {
        let user = scalar("user", annotation.get("user"))?;
        let place = all.iter().position(|said| said.annotator == user);
        let place = place.unwrap_or_else(|| {
            all.push(Said {
                annotator: user,
                ..Said::default()
            });
            all.len() - 1
        });
        all[place].add("annotations", annotation, &places)?;
    }
    if all.is_empty() {
        all.push(Said::default());
    }
    Ok(all)
}

impl Said {
    /// Adds a label, or a span in either of its forms.
    fn add(&mut self, field: &str, item: &Value, places: &Places) -> Result<(), RowError> {
        let wrong =
            || format!("the field {field:?} holds something that is neither a label nor a span");
        let name = |value: Option<&Value>| scalar(field, value).ok().flatten().ok_or_else(wrong);
        let (start, end, label) = match item {
            Value::Array(span) if span.len() == 3 => {
                (span[0].as_u64(), span[1].as_u64(), name(span.get(2))?)
            }
            Value::Object(span) => {
                let place = |name: &str| span.get(name).and_then(Value::as_u64);
                let label = name(span.get("label"))?;
                if !span.contains_key("start_offset") {
                    self.categories.push(label);
                    return Ok(());
                }
                (place("start_offset"), place("end_offset"), label)
            }
            label => {
                self.categories.push(name(Some(label))?);
                return Ok(());
            }
        };
        let (start, end) = start.zip(end).ok_or_else(wrong)?;
        let range = places.range(start, end, &label)?;
        self.spans.push(Span { range, label });
        Ok(())
    }
}
