//! Labels of spans within a text, and the sentences that hold them.

use std::ops::Range;

use crate::corpus::row::{RawRow, RowError, own_document};
use crate::text::SentenceSplitter;

/// A stretch of a text and its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::corpus) struct Span {
    /// Bytes of the text.
    pub(in crate::corpus) range: Range<usize>,
    pub(in crate::corpus) label: String,
}

/// Finds the bytes of spans from places counted in characters.
pub(in crate::corpus) struct Places {
    /// Where each character begins, and the end.
    bytes: Vec<usize>,
}

impl Places {
    /// Places in a text counted in characters (Unicode scalar values).
    pub(in crate::corpus) fn new(text: &str) -> Self {
        let mut bytes = Vec::with_capacity(text.len() / 2 + 1);
        bytes.extend(text.char_indices().map(|(at, _)| at));
        bytes.push(text.len());
        Self { bytes }
    }

    /// The bytes between two places.
    pub(in crate::corpus) fn range(
        &self,
        start: u64,
        end: u64,
        label: &str,
    ) -> Result<Range<usize>, RowError> {
        let byte = |place: u64| {
            let place = usize::try_from(place).ok();
            place.and_then(|place| self.bytes.get(place)).copied()
        };
        match (byte(start), byte(end)) {
            (Some(first), Some(last)) if first <= last => Ok(first..last),
            _ => Err(format!(
                "the span {start} to {end} ({label}) does not lie within the text of {} characters",
                self.bytes.len() - 1
            )),
        }
    }
}

/// The sentences of a text, each with the labels of the spans that it holds or shares. A sentence
/// without a span is annotated as none.
pub(in crate::corpus) fn sentences(text: &str, spans: &[Span]) -> Vec<(Range<usize>, Vec<String>)> {
    let sentences = SentenceSplitter::default().split(text);
    // Sentences follow each other: those that a span may share lie side by side.
    let mut found: Vec<(Range<usize>, Vec<String>)> = sentences
        .into_iter()
        .map(|sentence| (sentence, Vec::new()))
        .collect();
    for span in spans {
        let first = found.partition_point(|(sentence, _)| sentence.end <= span.range.start);
        for (sentence, labels) in found.iter_mut().skip(first) {
            if sentence.start >= span.range.end {
                break;
            }
            let shared = span.range.start.max(sentence.start)..span.range.end.min(sentence.end);
            if text
                .get(shared)
                .is_some_and(|shared| !shared.trim().is_empty())
            {
                labels.push(span.label.clone());
            }
        }
    }
    found
}

/// A row for each sentence of a text; `whole` has all but text and labels. Without a document and an id
/// the text itself is their document, as it is that of a row that is not cut.
pub(super) fn rows(text: &str, spans: &[Span], whole: &RawRow) -> Vec<RawRow> {
    let document = || whole.id.is_none().then(|| own_document(text));
    let doc = whole.doc.clone().or_else(document);
    let sentences = sentences(text, spans).into_iter().enumerate();
    let rows = sentences.map(|(place, (range, labels))| RawRow {
        text: text[range].to_owned(),
        labels: Some(labels),
        sentence: Some(place + 1),
        doc: doc.clone(),
        ..whole.clone()
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_hold_the_spans_that_lie_in_them_or_reach_into_them() {
        let text = "قصفت الطائرات 😀 البلدة. ثم هدأ القتال. وفر السكان.";
        let places = Places::new(text);
        let span = |start, end, label: &str| Span {
            range: places.range(start, end, label).unwrap(),
            label: label.into(),
        };
        let spans = [span(0, 13, "air"), span(16, 28, "both")];
        let found: Vec<Vec<String>> = sentences(text, &spans)
            .into_iter()
            .map(|(_, labels)| labels)
            .collect();
        assert_eq!(found, [vec!["air", "both"], vec!["both"], vec![]]);
        assert!(places.range(3, 2, "x").is_err() && places.range(0, 999, "x").is_err());
    }
}
