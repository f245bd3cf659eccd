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

/// What numbers are rounded to before they are added up: multiples of a power of two. A sum of such
/// numbers is exact as long as it has fewer than 2⁵³ steps, so it is the same in any order, and windows
/// of the same words score the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps(f32);

impl Steps {
    /// Steps a millionth of a number in size.
    pub(super) fn beside(number: f32) -> Self {
        const FINENESS: i32 = 20;
        const BIAS: i32 = 127;
        // The exponent as it stands in the number; 0 where it is not a plain one.
        let exponent = match number.is_normal() {
            true => (number.to_bits() >> 23 & 0xFF) as i32 - BIAS,
            false => 0,
        };
        let steps = (FINENESS - exponent).clamp(-100, 100);
        Self(f32::from_bits(((steps + BIAS) as u32) << 23))
    }

    #[inline]
    pub(super) fn round(self, number: f32) -> f32 {
        (number * self.0).round() / self.0
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_steps_are_exact_in_any_order() {
        for scale in [1e-6f32, 1.0, 3.4, 1e6] {
            let steps = Steps::beside(scale);
            let numbers: Vec<f64> = (1..2000)
                .map(|n| f64::from(steps.round(scale * (n as f32).sin() * 20.0)))
                .collect();
            let forward: f64 = numbers.iter().sum();
            let backward: f64 = numbers.iter().rev().sum();
            assert_eq!(forward, backward);
            assert!((f64::from(steps.round(0.7 * scale)) / f64::from(scale) - 0.7).abs() < 2e-6);
        }
        assert_eq!(Steps::beside(0.0).round(0.0), 0.0);
    }
}
