//! What it buys to have the least sure rows read by hand.

use serde::{Deserialize, Serialize};

use super::judged::Judged;
use super::metrics::{Figures, share};

/// One choice of how many rows are read by hand (Chow, "On optimum recognition error and reject
/// tradeoff", IEEE Transactions on Information Theory 16, 1970): the rows whose decision is
/// nearest to falling the other way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReviewPoint {
    /// Share of the rows to be read.
    pub share: f64,
    /// Rows with a smaller margin are to be read; see [`crate::scoring::LabelMode::margin`].
    pub margin: f64,
    /// Share of the other rows with every label right.
    pub exact_match: f64,
    /// Macro-F1 over the labels without a parent, on the other rows.
    pub macro_f1: f64,
}

const SHARES: [f64; 9] = [0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.9];

/// Margins from fewer rows are mostly chance.
const FEWEST_ROWS: usize = 100;

impl Judged {
    /// Points of the trade between rows read by hand and errors in the rest, by rising share; none
    /// where there are few rows.
    pub(crate) fn review_curve(&self) -> Vec<ReviewPoint> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by(|&a, &b| self.margins[a].total_cmp(&self.margins[b]));
        let mut points: Vec<ReviewPoint> = Vec::new();
        if order.len() < FEWEST_ROWS {
            return points;
        }
        for wanted in SHARES {
            let place = (wanted * order.len() as f64).round() as usize;
            if let Some(&row) = order.get(place) {
                points.push(self.review_point(self.margins[row]));
            }
        }
        points
    }

    /// What is left where the rows of a smaller margin are read by hand.
    pub(crate) fn review_point(&self, margin: f64) -> ReviewPoint {
        let mut kept = Figures::default();
        for row in (0..self.rows.len()).filter(|&row| self.margins[row] >= margin) {
            kept.add(&Figures::of_row(self, row));
        }
        let top = |label: usize| self.tree.labels()[label].is_top();
        ReviewPoint {
            share: 1.0 - share(kept.rows, self.rows.len()),
            margin,
            exact_match: share(kept.exact, kept.rows),
            macro_f1: kept.macro_f1(top),
        }
    }
}

/// The margin below which a share of the rows is to be read, between the points of a curve;
/// nothing for a larger share than its last.
pub(crate) fn margin_for(curve: &[ReviewPoint], wanted: f64) -> Option<f64> {
    let mut before = [0.0, 0.0];
    for point in curve {
        let here = [point.share, point.margin];
        if wanted <= point.share {
            let width = here[0] - before[0];
            let part = if width > 0.0 {
                (wanted - before[0]) / width
            } else {
                1.0
            };
            return Some(before[1] + part * (here[1] - before[1]));
        }
        before = here;
    }
    None
}

/// Whether the points stored in a model are those of a curve.
pub(crate) fn is_curve(curve: &[ReviewPoint]) -> bool {
    let sound = |point: &ReviewPoint| {
        let shares = [point.share, point.exact_match, point.macro_f1];
        shares.iter().all(|share| (0.0..=1.0).contains(share))
            && (0.0..=1e9).contains(&point.margin)
    };
    curve.iter().all(sound) && curve.is_sorted_by(|a, b| a.share <= b.share && a.margin <= b.margin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_lie_between_points() {
        let point = |share: f64, margin: f64| ReviewPoint {
            share,
            margin,
            exact_match: 1.0,
            macro_f1: 1.0,
        };
        let curve = [point(0.1, 1.0), point(0.3, 2.0)];
        assert!(is_curve(&curve));
        assert!(!is_curve(&[curve[1], curve[0]]));
        assert_eq!(margin_for(&curve, 0.05), Some(0.5));
        assert_eq!(margin_for(&curve, 0.2), Some(1.5));
        assert_eq!(margin_for(&curve, 0.9), None);
        assert_eq!(margin_for(&[], 0.5), None);
    }
}
