//! Text after folding, with the place of every byte in the original.

use std::ops::Range;

/// Normalised text aligned with the original that it was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Normalized {
    text: String,
    /// For each byte of `text`: where its character starts in the original.
    starts: Vec<u32>,
    /// For each byte of `text`: where its character ends in the original.
    ends: Vec<u32>,
}

impl Normalized {
    /// The normalised text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Maps a byte range of the normalised text to bytes of the original, on character boundaries
    /// of both. An empty or reversed range gives an empty range.
    pub fn original_span(&self, range: Range<usize>) -> Range<usize> {
        let end_of_text = self.ends.last().copied().unwrap_or(0);
        let start = self.starts.get(range.start).copied().unwrap_or(end_of_text) as usize;
        if range.start >= range.end {
            return start..start;
        }
        let last = (range.end - 1).min(self.ends.len().saturating_sub(1));
        start..self.ends.get(last).copied().unwrap_or(end_of_text) as usize
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.starts.clear();
        self.ends.clear();
    }

    pub(super) fn last(&self) -> Option<char> {
        self.text.chars().next_back()
    }

    pub(super) fn push(&mut self, character: char, start: usize, end: usize) {
        self.text.push(character);
        self.starts.resize(self.text.len(), start as u32);
        self.ends.resize(self.text.len(), end as u32);
    }

    pub(super) fn replace_last(&mut self, character: char, end: usize) {
        if self.text.pop().is_some() {
            let start = self.starts[self.text.len()] as usize;
            self.starts.truncate(self.text.len());
            self.ends.truncate(self.text.len());
            self.push(character, start, end);
        }
    }

    /// Lets the last character's span run on to `end` if it ends where `start` is.
    pub(super) fn extend_last(&mut self, start: usize, end: usize) {
        if let Some(last) = self.last()
            && self.ends.last() == Some(&(start as u32))
        {
            let from = self.ends.len() - last.len_utf8();
            self.ends[from..].fill(end as u32);
        }
    }
}
