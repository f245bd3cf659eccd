//! Records of an annotated corpus, and what reading one left out.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::labels::LabelSet;

/// One annotated sentence.
#[derive(Clone, Debug)]
pub struct Record {
    /// The corpus's own id, or `FILE:LINE`.
    pub id: String,
    /// The document it belongs to; sentences of one document are never split between folds.
    pub doc: String,
    /// The sentence as it stands in the corpus.
    pub text: String,
    /// The labels that hold, without the parents they imply; empty when annotated as none.
    pub labels: LabelSet,
    /// Labels on which readers could differ; not counted for this row.
    pub unsure: LabelSet,
    /// Who annotated it, where the corpus says so.
    pub annotator: Option<String>,
    /// The other fields of its row that the reader was asked to keep; see [`super::KeptFields`].
    pub fields: Map<String, Value>,
    /// The file it was read from.
    pub file: Arc<PathBuf>,
    /// Line in that file, from 1.
    pub line: u64,
}

impl Record {
    /// File and line for messages.
    pub fn place(&self) -> String {
        format!("{}, line {}", self.file.display(), self.line)
    }

    /// The text or number in a field that was kept; nothing for `null` and for what is neither.
    pub fn field(&self, name: &str) -> Option<String> {
        match self.fields.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Whether `label` holds: it or one of its children is annotated.
    pub fn holds(&self, label: &str) -> bool {
        self.labels.iter().any(|held| is_or_is_under(held, label))
    }

    /// Whether the annotation leaves open if `label` holds: readers could differ on it, or only
    /// a parent of it is annotated.
    pub fn leaves_open(&self, label: &str) -> bool {
        if self.holds(label) {
            return false;
        }
        self.unsure
            .iter()
            .any(|unsure| is_or_is_under(unsure, label) || is_or_is_under(label, unsure))
            || self
                .labels
                .iter()
                .any(|held| held != label && is_or_is_under(label, held))
    }
}

/// Whether `label` is `ancestor` or stands below it.
fn is_or_is_under(label: &str, ancestor: &str) -> bool {
    label
        .strip_prefix(ancestor)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What was read and what was left out, to be told to the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadCounts {
    /// Rows with text and annotation.
    pub annotated: usize,
    /// Rows without an annotation, left out.
    pub unannotated: usize,
    /// Rows whose text is empty or white space, left out.
    pub empty: usize,
    /// Rows that repeat an earlier text with the same labels; kept.
    pub repeated: usize,
    /// Texts annotated in more than one way; see [`super::Contradictions`].
    pub contradictory: usize,
    /// Annotations that the annotator skipped (Label Studio), left out.
    pub skipped: usize,
    /// Rows that the annotator ignored (Prodigy), left out.
    pub ignored: usize,
    /// Choices of labels that the annotator rejected as a whole (Prodigy), left out.
    pub rejected: usize,
    /// Answers to one label at a time (Prodigy) that were joined to rows.
    pub answers: usize,
    /// Rows of several annotators that were brought together.
    pub voted: usize,
    /// Sentences that came of them, each with the labels that most of its annotators gave.
    pub decided: usize,
    /// Labels of such sentences on which as many said yes as no, left open.
    pub tied: usize,
}

impl ReadCounts {
    /// Adds what was read elsewhere.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.annotated, other.annotated),
            (&mut self.unannotated, other.unannotated),
            (&mut self.empty, other.empty),
            (&mut self.repeated, other.repeated),
            (&mut self.contradictory, other.contradictory),
            (&mut self.skipped, other.skipped),
            (&mut self.ignored, other.ignored),
            (&mut self.rejected, other.rejected),
            (&mut self.answers, other.answers),
            (&mut self.voted, other.voted),
            (&mut self.decided, other.decided),
            (&mut self.tied, other.tied),
        ];
        for (count, more) in pairs {
            *count += more;
        }
    }

    /// What was left out and why, each with its number; nothing that is zero.
    pub fn left_out(&self) -> Vec<String> {
        let counts = [
            (self.unannotated, "rows without annotation"),
            (self.empty, "rows without text"),
            (self.skipped, "skipped by the annotator"),
            (self.ignored, "ignored by the annotator"),
            (self.rejected, "rejected as a whole by the annotator"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        counts
            .map(|(count, what)| format!("{count} {what}"))
            .collect()
    }

    /// How rows were brought together, a sentence each; nothing where none were.
    pub fn brought_together(&self) -> Vec<String> {
        let mut told = Vec::new();
        if self.answers > 0 {
            told.push(format!(
                "{} to one label at a time joined by text; labels not asked about are left open",
                counted(self.answers, "answer")
            ));
        }
        if self.voted > 0 {
            let open = match self.tied {
                0 => String::new(),
                tied => format!(
                    "; {} with as many for as against left open",
                    counted(tied, "label")
                ),
            };
            told.push(format!(
                "{} of several annotators brought to {} with the labels of the majority{open}",
                counted(self.voted, "row"),
                counted(self.decided, "sentence")
            ));
        }
        told
    }
}

/// A number and what it counts.
fn counted(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(labels: &[&str], unsure: &[&str]) -> Record {
        let set = |labels: &[&str]| labels.iter().map(|&label| label.to_owned()).collect();
        Record {
            id: String::new(),
            doc: String::new(),
            text: String::new(),
            labels: set(labels),
            unsure: set(unsure),
            annotator: None,
            fields: Default::default(),
            file: Arc::default(),
            line: 1,
        }
    }

    #[test]
    fn parents_hold_and_open_labels_are_known() {
        let row = record(&["capture.person"], &["clash"]);
        assert!(row.holds("capture") && row.holds("capture.person"));
        assert!(!row.holds("capture.territory") && !row.leaves_open("capture.territory"));
        assert!(row.leaves_open("clash") && !row.leaves_open("capture"));
        let parent_only = record(&["capture"], &[]);
        assert!(parent_only.leaves_open("capture.person") && !parent_only.leaves_open("capture"));
        assert!(!record(&["captured"], &[]).holds("capture"));
    }
}
