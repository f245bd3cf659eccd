//! Exports of Prodigy (`prodigy db-out`): choices, answers to one label at a time, and spans.

use serde_json::{Map, Value};

use super::spans::{self, Places, Span};
use crate::corpus::jsonl::{scalar, text_of, unsure};
use crate::corpus::row::{KeptFields, LeftOut, RawRow, RowError, named};

const ANSWERS: &[&str] = &["accept", "reject", "ignore"];

/// Fields of Prodigy's own; all that begin with `_` are as well.
const OWN_FIELDS: &[&str] = &[
    "accept",
    "answer",
    "config",
    "options",
    "relations",
    "spans",
    "tokens",
    "priority",
    "score",
];

/// Whether an object is a task that was answered.
pub(super) fn is_task(object: &Map<String, Value>) -> bool {
    let has_hash = ["_input_hash", "_task_hash"]
        .iter()
        .any(|name| object.contains_key(*name));
    let is_answer = |answer: &str| ANSWERS.contains(&answer);
    let answered = object
        .get("answer")
        .and_then(Value::as_str)
        .is_some_and(is_answer);
    has_hash || (answered && object.contains_key("text") && !object.contains_key("labels"))
}

/// What was asked.
enum Question<'a> {
    /// Which of several labels hold.
    Choice(&'a [Value]),
    /// Whether one label holds.
    Label(&'a str),
    /// Which spans hold a label.
    Spans(&'a [Value]),
    Nothing,
}

fn question(object: &Map<String, Value>) -> Question<'_> {
    let list = |name: &str| object.get(name).and_then(Value::as_array);
    let view = object.get("_view_id").and_then(Value::as_str);
    if let Some(accepted) = list("accept") {
        return Question::Choice(accepted);
    }
    if list("options").is_some() || view == Some("choice") {
        return Question::Choice(&[]);
    }
    let spans = list("spans");
    match (object.get("label").and_then(Value::as_str), spans) {
        // Patterns that matched stand as spans beside the label that is asked about.
        (Some(label), _) => Question::Label(label),
        (None, Some(spans)) => Question::Spans(spans),
        (None, None) => Question::Nothing,
    }
}

/// The rows that a task is: one, or one a sentence where spans are annotated. One that was answered for
/// one label says nothing of others: [`RawRow::asked`] names that label.
pub(super) fn rows(object: Map<String, Value>, kept: &KeptFields) -> Result<Vec<RawRow>, RowError> {
    let text = text_of(&object, &["text"])?;
    let annotator = ["_annotator_id", "_session_id", "annotator"];
    let annotator = annotator
        .iter()
        .find_map(|name| Some((name, object.get(*name).filter(|value| !value.is_null())?)));
    let annotator = match annotator {
        Some((name, value)) => scalar(name, Some(value))?,
        None => None,
    };
    let whole = RawRow {
        id: scalar("id", object.get("id"))?,
        doc: scalar("doc", named(&object, "doc"))?,
        unsure: unsure(named(&object, "unsure"))?,
        annotator,
        fields: kept.of(object.clone(), |name| {
            OWN_FIELDS.contains(&name) || name.starts_with('_')
        }),
        ..RawRow::default()
    };
    let row = |labels, left_out, asked| {
        vec![RawRow {
            text: text.clone(),
            labels,
            left_out,
            asked,
            ..whole.clone()
        }]
    };
    let holds = match object.get("answer").and_then(Value::as_str) {
        Some("accept") => true,
        Some("reject") => false,
        Some("ignore") => return Ok(row(None, Some(LeftOut::Ignored), None)),
        Some(other) => {
            let other = crate::error::shortened(other);
            return Err(format!(
                "the answer {other:?} is neither accept, reject nor ignore"
            ));
        }
        None => return Ok(row(None, None, None)),
    };
    Ok(match question(&object) {
        Question::Label(label) => {
            let label = vec![label.to_owned()];
            let labels = if holds { label.clone() } else { Vec::new() };
            row(Some(labels), None, Some(label))
        }
        Question::Nothing => row(None, None, None),
        _ if !holds => row(None, Some(LeftOut::Rejected), None),
        Question::Choice(accepted) => row(Some(chosen(&object, accepted)?), None, None),
        Question::Spans(spans) => spans::rows(&text, &read_spans(&text, spans)?, &whole),
    })
}

/// The labels that were chosen: the options' ids, or their texts where ids are numbers.
fn chosen(object: &Map<String, Value>, accepted: &[Value]) -> Result<Vec<String>, RowError> {
    let options = object.get("options").and_then(Value::as_array);
    let name = |id: &Value| {
        if let Some(name) = id.as_str() {
            return Some(name.to_owned());
        }
        let option = options?
            .iter()
            .find(|option| option.get("id") == Some(id))?;
        Some(option.get("text")?.as_str()?.to_owned())
    };
    let names = accepted.iter().map(|id| {
        name(id).ok_or_else(|| format!("the field \"accept\" names {id}, which is no option"))
    });
    names.collect()
}

fn read_spans(text: &str, spans: &[Value]) -> Result<Vec<Span>, RowError> {
    let places = Places::new(text);
    let spans = spans.iter().map(|span| {
        let place = |name: &str| span.get(name).and_then(Value::as_u64);
        let label = span.get("label").and_then(Value::as_str);
        let ((start, end), label) = place("start")
            .zip(place("end"))
            .zip(label)
            .ok_or("a span lacks \"start\", \"end\" or \"label\"")?;
        Ok(Span {
            range: places.range(start, end, label)?,
            label: label.to_owned(),
        })
    });
    spans.collect()
}
