//! Corpora as tasks of Label Studio.

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::RowsWriter;
use super::lines::{insert_some, insert_unsure};
use super::losses::{Loss, Losses, field};
use crate::corpus::{CorpusRow, LabelSet};

/// The names of the controls in the labelling configuration.
const CHOICES: &str = "labels";
const TEXT: &str = "text";

/// Gathers tasks, since the annotations of one may stand far apart.
pub(super) struct Tasks<'o> {
    output: &'o mut (dyn Write + Send),
    tasks: Vec<Task>,
    /// The task of each set of data, by what it is written as.
    places: HashMap<String, usize>,
}

struct Task {
    data: Map<String, Value>,
    annotations: Vec<Annotation>,
}

struct Annotation {
    annotator: Option<String>,
    labels: LabelSet,
}

impl<'o> Tasks<'o> {
    pub(super) fn new(output: &'o mut (dyn Write + Send)) -> Self {
        Self {
            output,
            tasks: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl RowsWriter for Tasks<'_> {
    /// Rows that differ only in annotator and labels are one task, with an annotation each.
    fn write(&mut self, row: CorpusRow, losses: &mut Losses) -> io::Result<()> {
        let mut data = Map::new();
        data.insert(TEXT.into(), row.text.into());
        insert_some(&mut data, "id", row.id);
        insert_some(&mut data, "doc", row.doc);
        insert_unsure(&mut data, row.unsure);
        data.extend(row.fields);
        let Some(labels) = row.labels else {
            if row.annotator.is_some() {
                losses.add(&field("annotator"), Loss::NoAnnotation);
            }
            self.tasks.push(Task {
                data,
                annotations: Vec::new(),
            });
            return Ok(());
        };
        let annotation = Annotation {
            annotator: row.annotator,
            labels,
        };
        let key = serde_json::to_string(&data)?;
        let known = self.places.get(&key).copied();
        let task = known.and_then(|place| self.tasks.get_mut(place));
        // Rows by the same annotator, or by nobody, are repeats.
        let is_new = |other: &Annotation| other.annotator != annotation.annotator;
        match task
            .filter(|task| annotation.annotator.is_some() && task.annotations.iter().all(is_new))
        {
            Some(task) => task.annotations.push(annotation),
            None => {
                self.places.insert(key, self.tasks.len());
                self.tasks.push(Task {
                    data,
                    annotations: vec![annotation],
                });
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Losses) -> io::Result<()> {
        self.output.write_all(b"[")?;
        for (place, task) in std::mem::take(&mut self.tasks).into_iter().enumerate() {
            let before: &[u8] = if place == 0 { b"\n" } else { b",\n" };
            self.output.write_all(before)?;
            serde_json::to_writer(&mut *self.output, &task.into_json())?;
        }
        self.output.write_all(b"\n]\n")?;
        self.output.flush()
    }
}

impl Task {
    fn into_json(self) -> Value {
        let mut task = Map::new();
        // The tool gives numbers of its own; the id in the data stays.
        if let Some(id) = self.data.get("id") {
            task.insert("id".into(), id.clone());
        }
        task.insert("data".into(), Value::Object(self.data));
        let annotations = self.annotations.into_iter().map(Annotation::into_json);
        task.insert("annotations".into(), annotations.collect());
        Value::Object(task)
    }
}

impl Annotation {
    fn into_json(self) -> Value {
        let mut annotation = Map::new();
        if let Some(annotator) = self.annotator {
            annotation.insert("completed_by".into(), person(annotator));
        }
        let result = match self.labels.is_empty() {
            true => json!([]),
            false => json!([{
                "id": "labels",
                "from_name": CHOICES,
                "to_name": TEXT,
                "type": "choices",
                "value": {"choices": self.labels},
            }]),
        };
        annotation.insert("result".into(), result);
        annotation.insert("was_cancelled".into(), false.into());
        Value::Object(annotation)
    }
}

/// The number of a user, or what it takes for an address.
fn person(annotator: String) -> Value {
    match annotator.parse::<u64>() {
        Ok(number) if number.to_string() == annotator => number.into(),
        _ => json!({"email": annotator}),
    }
}
