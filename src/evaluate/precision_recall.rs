//! What precision each recall costs.

use super::judged::Judged;
use super::metrics::share;

/// Points closer together than this share of either axis are one.
const STEP: f64 = 0.004;

impl Judged {
    /// Recall and precision of a label where the rows from the most probable on are taken, by rising
    /// recall; points too near to tell apart on a plot are left out. Rows of equal probability are
    /// taken together. Empty where no row holds the label.
    pub fn precision_recall(&self, label: usize) -> Vec<(f64, f64)> {
        let judgements = self.rows.iter().filter_map(|row| row.get(label));
        let decided = judgements.filter_map(|j| Some((j.probability, j.annotated?)));
        let mut decided: Vec<(f64, bool)> = decided.collect();
        decided.sort_by(|a, b| b.0.total_cmp(&a.0));
        let positives = decided.iter().filter(|(_, held)| *held).count();
        let (mut taken, mut found) = (0, 0);
        let mut points: Vec<(f64, f64)> = Vec::new();
        for same in decided.chunk_by(|a, b| a.0 == b.0) {
            taken += same.len();
            found += same.iter().filter(|(_, held)| *held).count();
            let point = (share(found, positives), share(found, taken));
            let is_last = found == positives;
            let differs = |last: &(f64, f64)| {
                (last.0 - point.0).abs() >= STEP || (last.1 - point.1).abs() >= STEP
            };
            if points.last().is_none_or(differs) || is_last {
                points.push(point);
            }
            if is_last {
                break;
            }
        }
        match positives {
            0 => Vec::new(),
            _ => points,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::corpus::Record;
    use crate::evaluate::Judged;
    use crate::scoring::{LabelMode, LabelTree, LeafPrediction};

    fn judged(rows: &[(f64, bool)]) -> Judged {
        let record = |&(_, held): &(f64, bool)| Record {
            id: String::new(),
            doc: String::new(),
            text: String::new(),
            labels: held.then(|| "x".to_owned()).into_iter().collect(),
            unsure: Default::default(),
            annotator: None,
            fields: Default::default(),
            file: Default::default(),
            line: 1,
        };
        let prediction = |&(probability, _): &(f64, bool)| {
            LeafPrediction::decide(LabelMode::Multiple, vec![probability], &[0.5])
        };
        let records: Vec<Record> = rows.iter().map(record).collect();
        let predictions: Vec<LeafPrediction> = rows.iter().map(prediction).collect();
        let tree = LabelTree::new(&["x".to_owned()]);
        Judged::new(tree, LabelMode::Multiple, &records, &predictions)
    }

    #[test]
    fn the_curve_ends_where_all_is_found() {
        let rows = [
            (0.9, true),
            (0.8, false),
            (0.5, true),
            (0.5, false),
            (0.1, false),
        ];
        let curve = judged(&rows).precision_recall(0);
        assert_eq!(curve, [(0.5, 1.0), (0.5, 0.5), (1.0, 0.5)]);
        assert!(judged(&[(0.9, false)]).precision_recall(0).is_empty());
        let many: Vec<(f64, bool)> = (0..9000).map(|i| (f64::from(i) / 9e3, i % 3 > 0)).collect();
        assert!(judged(&many).precision_recall(0).len() < 1000);
    }
}
