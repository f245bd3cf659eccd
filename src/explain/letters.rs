//! From letters of folded words back to the original text.

use std::ops::Range;

use super::{Span, Weighted};
use crate::predict::Piece;
use crate::text::Tokens;

/// The original text of a sentence, letter by letter of its tokens.
pub(super) struct Letters {
    /// Bytes at which the characters of the text begin, and its end.
    characters: Vec<usize>,
    /// For each token the bytes of the text that each of its letters stands for.
    tokens: Vec<Vec<Range<usize>>>,
}

impl Letters {
    pub(super) fn new(text: &str, tokens: &Tokens) -> Self {
        let starts = text.char_indices().map(|(at, _)| at);
        Self {
            characters: starts.chain([text.len()]).collect(),
            tokens: (0..tokens.len())
                .map(|token| tokens.letter_spans(token).collect())
                .collect(),
        }
    }

    /// The number of tokens.
    pub(super) fn tokens(&self) -> usize {
        self.tokens.len()
    }

    pub(super) fn span(&self, bytes: &Range<usize>) -> Span {
        let character = |byte: usize| self.characters.partition_point(|&start| start < byte);
        Span {
            bytes: [bytes.start, bytes.end],
            characters: [character(bytes.start), character(bytes.end)],
        }
    }

    /// The bytes of the letters of a piece.
    fn letters_of(&self, piece: &Piece) -> &[Range<usize>] {
        let letters = self.tokens.get(piece.token).map_or(&[][..], Vec::as_slice);
        letters.get(piece.letters.clone()).unwrap_or(letters)
    }

    pub(super) fn letters(&self, piece: &Piece) -> usize {
        self.letters_of(piece).len()
    }

    /// Where a piece stands in the text.
    pub(super) fn span_of(&self, piece: &Piece) -> Span {
        let letters = self.letters_of(piece);
        let start = letters.first().map_or(0, |first| first.start);
        let end = letters.iter().map(|letter| letter.end).max();
        self.span(&(start..end.unwrap_or(start)))
    }

    /// Where a whole token stands.
    pub(super) fn span_of_token(&self, token: usize) -> Span {
        self.span_of(&Piece {
            token,
            letters: 0..self.tokens.get(token).map_or(0, Vec::len),
        })
    }
}

/// Sums of what is added, letter by letter.
pub(super) struct LetterSums<'l> {
    letters: &'l Letters,
    sums: Vec<Vec<f64>>,
}

impl<'l> LetterSums<'l> {
    pub(super) fn new(letters: &'l Letters) -> Self {
        let sums = letters.tokens.iter();
        Self {
            letters,
            sums: sums.map(|token| vec![0.0; token.len()]).collect(),
        }
    }

    /// Spreads a value evenly over the letters of a piece.
    pub(super) fn add(&mut self, piece: &Piece, value: f64) {
        let Some(sums) = self.sums.get_mut(piece.token) else {
            return;
        };
        let range = match sums.get(piece.letters.clone()) {
            Some(_) => piece.letters.clone(),
            None => 0..sums.len(),
        };
        let share = value / range.len().max(1) as f64;
        sums[range].iter_mut().for_each(|sum| *sum += share);
    }

    /// What each token adds.
    pub(super) fn words(&self) -> Vec<Weighted> {
        let sums = self.sums.iter().enumerate();
        sums.map(|(token, sums)| Weighted {
            span: self.letters.span_of_token(token),
            value: sums.iter().sum(),
        })
        .collect()
    }

    /// What each letter adds; letters that stand for the same bytes are one.
    pub(super) fn letters(&self) -> Vec<Weighted> {
        let mut merged: Vec<(Range<usize>, f64)> = Vec::new();
        let letters = self.letters.tokens.iter().flatten();
        for (bytes, &value) in letters.zip(self.sums.iter().flatten()) {
            match merged.last_mut() {
                Some((last, sum)) if bytes.start < last.end => {
                    last.end = last.end.max(bytes.end);
                    *sum += value;
                }
                _ => merged.push((bytes.clone(), value)),
            }
        }
        merged.retain(|(_, value)| *value != 0.0);
        let weighted = merged.iter().map(|(bytes, value)| Weighted {
            span: self.letters.span(bytes),
            value: *value,
        });
        weighted.collect()
    }
}
