//! What a format could not hold, counted.

use std::collections::BTreeMap;

/// Ways in which something is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loss {
    /// Numbers, truth values, lists and objects become text.
    Text,
    /// Whole numbers become decimal numbers.
    Decimal,
    /// White space around a value.
    Spaces,
    /// An empty value is as if there was none.
    Empty,
    /// Tabs and line breaks become spaces.
    Breaks,
    /// A label that holds and is unsure is written as one that holds.
    HeldAndUnsure,
    /// Of each label it is left open whether it holds.
    AllOpen,
    /// A label that is left open wherever it could be decided.
    Undecided,
    /// What is unsure in a row without annotation.
    UnsureOfNothing,
    /// A field with 0 and 1 in a table that has such columns for labels.
    LikeLabel,
    /// A name that means something else in the format.
    Renamed,
    /// The annotator of a row without annotation.
    NoAnnotation,
}

impl Loss {
    fn says(self) -> &'static str {
        match self {
            Self::Text => "numbers, truth values, lists and objects become text",
            Self::Decimal => "whole numbers become decimal numbers",
            Self::Spaces => "white space around the value is not read again",
            Self::Empty => "an empty value is read as none",
            Self::Breaks => "tabs and line breaks become spaces",
            Self::HeldAndUnsure => "a label that holds and is unsure is written as one that holds",
            Self::AllOpen => "no label is decided, so the row is read as not annotated",
            Self::Undecided => "decided in no row, so its column is not read as that of a label",
            Self::UnsureOfNothing => "a row without annotation has no label that is unsure",
            Self::LikeLabel => "holds only 0 and 1, so it is read as a label",
            Self::NoAnnotation => "a row without annotation has no annotator in this format",
            Self::Renamed => "has another meaning in this format",
        }
    }
}

/// What was lost, with the number of rows.
#[derive(Debug, Default)]
pub(super) struct Losses(BTreeMap<(String, Loss), usize>);

impl Losses {
    /// Counts a row in which something of `what` is lost.
    pub(super) fn add(&mut self, what: &str, loss: Loss) {
        self.add_rows(what, loss, 1);
    }

    pub(super) fn add_rows(&mut self, what: &str, loss: Loss, rows: usize) {
        *self.0.entry((what.to_owned(), loss)).or_insert(0) += rows;
    }

    /// Counts a row in which a field has another name.
    pub(super) fn renamed(&mut self, name: &str, to: &str) {
        self.add(&format!("{name:?} is written as {to:?}"), Loss::Renamed);
    }

    /// A line each.
    pub(super) fn lines(&self) -> Vec<String> {
        let lines = self.0.iter().map(|((what, loss), count)| {
            let rows = if *count == 1 { "row" } else { "rows" };
            format!("{what}: {} ({count} {rows})", loss.says())
        });
        lines.collect()
    }
}

/// How a field is called in messages.
pub(super) fn field(name: &str) -> String {
    format!("the field {name:?}")
}
