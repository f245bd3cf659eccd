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

/// Rounds what a word or bigram adds to a score or squared norm to a multiple of 2⁻¹⁸. A sum of such
/// numbers is exact (in 53 bits up to 2³⁵), so it is the same in any order, and windows of the same
/// words score the same.
pub(super) fn in_steps(number: f32) -> f32 {
    const STEPS: f32 = (1 << 18) as f32;
    (number * STEPS).round() / STEPS
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
