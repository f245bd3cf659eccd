//! What other spellings of the same text change.

use serde::{Deserialize, Serialize};

use super::bootstrap::Bootstrap;
use super::judged::Judged;
use super::metrics::Figures;
use super::report::Estimate;
use crate::text::ScriptNoise;

/// What one kind of noise in the text changes. The same rows, with the same model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseEffect {
    /// The noise.
    pub noise: ScriptNoise,
    /// Rows of which the text changed.
    pub changed_rows: usize,
    /// Rows of which the predicted labels changed.
    pub decided_otherwise: usize,
    /// Macro-F1 over the labels without a parent, on the noisy text.
    pub macro_f1: Estimate,
    /// Macro-F1 on the noisy text less that on the text as it is; the interval is of the difference
    /// on the same resampled documents.
    pub change: Estimate,
}

impl NoiseEffect {
    /// Sets predictions for noisy text against those for the text as it is.
    pub fn measure(
        noise: ScriptNoise,
        changed_rows: usize,
        [plain, noisy]: [&Judged; 2],
        bootstrap: Bootstrap,
    ) -> Self {
        let documents = [plain, noisy].map(Judged::figures_by_document);
        let top = |label: usize| plain.tree.labels()[label].is_top();
        let estimates = bootstrap.estimate(documents[0].len(), |times| {
            let [plain, noisy] = [0, 1]
                .map(|side: usize| Figures::total_times(&documents[side], times).macro_f1(top));
            vec![noisy, noisy - plain]
        });
        Self {
            noise,
            changed_rows,
            decided_otherwise: plain.decided_otherwise(noisy),
            macro_f1: estimates.first().copied().unwrap_or_default(),
            change: estimates.get(1).copied().unwrap_or_default(),
        }
    }
}
