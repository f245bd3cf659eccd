//! What both ways of scoring a sentence give.

/// Raw scores of a sentence, before calibration.
#[derive(Debug, Default)]
pub(super) struct RawScores {
    /// One a leaf label.
    pub(super) raw: Vec<f64>,
    /// For each leaf label the scores of the sentence, of its best window and of the assertion.
    pub(super) parts: Vec<[f64; 3]>,
    /// For each leaf label the word in the middle of its best window.
    pub(super) middles: Vec<usize>,
}

/// What scales a row to length one; an empty row stays empty.
pub(super) fn scale_of(squared_norm: f64) -> f64 {
    if squared_norm > 0.0 {
        squared_norm.sqrt().recip()
    } else {
        0.0
    }
}

impl RawScores {
    pub(super) fn clear(&mut self) {
        self.raw.clear();
        self.parts.clear();
        self.middles.clear();
    }

    /// Adds a label, its parts mixed.
    pub(super) fn push(&mut self, parts: [f64; 3], mix: &[f64; 3], middle: usize) {
        let mixed = parts.iter().zip(mix).map(|(part, share)| part * share);
        self.raw.push(mixed.sum());
        self.parts.push(parts);
        self.middles.push(middle);
    }
}

/// What counts where only sentences are scored.
pub(super) const SENTENCE_ONLY: [f64; 3] = [1.0, 0.0, 0.0];
