//! All figures of a measurement, with intervals.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::judged::Judged;
use super::metrics::{Confusion, Figures, average_precision, calibration_error, share};

/// A figure with its 95% interval over resampled documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure on all rows.
    pub value: f64,
    /// 2.5th percentile over the resamples.
    pub low: f64,
    /// 97.5th percentile over the resamples.
    pub high: f64,
}

/// The figures of one label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelReport {
    /// The label.
    pub label: String,
    /// Share of the predicted rows that are annotated.
    pub precision: Estimate,
    /// Share of the annotated rows that are predicted.
    pub recall: Estimate,
    /// Harmonic mean of the two.
    pub f1: Estimate,
    /// Area under the curve of precision over recall.
    pub average_precision: f64,
    /// Expected calibration error: mean distance between probability and frequency over ten
    /// ranges of probability, by their rows.
    pub calibration_error: f64,
    /// Annotated rows.
    pub support: usize,
    /// Predicted rows.
    pub predicted: usize,
    /// Whether the label only follows from its children.
    pub parent: bool,
}

/// Figures over several labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Averages {
    /// Mean of the F1s of the labels.
    pub macro_f1: Estimate,
    /// F1 of all decisions together.
    pub micro_f1: Estimate,
}

/// Everything measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Rows judged.
    pub rows: usize,
    /// Documents they come from.
    pub documents: usize,
    /// Resamples of documents behind the intervals.
    pub bootstrap_samples: usize,
    /// Figures of each label, parents before their children.
    pub labels: Vec<LabelReport>,
    /// Over the labels that are decided.
    pub leaves: Averages,
    /// Over the labels without a parent.
    pub top: Averages,
    /// Share of the rows with every label right.
    pub exact_match: Estimate,
    /// Share of wrong decisions.
    pub hamming_loss: Estimate,
    /// Which labels are taken for which.
    pub confusion: Confusion,
}

impl Report {
    /// Measures, with intervals from `samples` resamples of whole documents. The same seed gives
    /// the same intervals for any number of threads.
    pub fn measure(judged: &Judged, samples: usize, seed: u64) -> Self {
        let documents = judged.figures_by_document();
        let all = total(documents.iter());
        let draws: Vec<Figures> = (0..samples)
            .into_par_iter()
            .map(|sample| {
                let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ (sample as u64) << 20);
                total(
                    (0..documents.len()).map(|_| &documents[random.gen_range(0..documents.len())]),
                )
            })
            .collect();
        let estimate = |figure: &(dyn Fn(&Figures) -> f64 + Sync)| {
            let mut values: Vec<f64> = draws.iter().map(figure).collect();
            Estimate::between(figure(&all), &mut values)
        };
        let tree = &judged.tree;
        let labels = tree.labels().iter().enumerate().map(|(label, of_tree)| {
            let counts = all.label(label);
            LabelReport {
                label: of_tree.name.clone(),
                precision: estimate(&|figures| figures.label(label).precision()),
                recall: estimate(&|figures| figures.label(label).recall()),
                f1: estimate(&|figures| figures.label(label).f1()),
                average_precision: average_precision(judged, label),
                calibration_error: calibration_error(judged, label),
                support: counts.true_positives + counts.false_negatives,
                predicted: counts.true_positives + counts.false_positives,
                parent: !of_tree.is_leaf(tree),
            }
        });
        let leaf = |label: usize| tree.labels()[label].is_leaf(tree);
        let top = |label: usize| tree.labels()[label].is_top();
        Self {
            rows: all.rows,
            documents: documents.len(),
            bootstrap_samples: samples,
            labels: labels.collect(),
            leaves: Averages {
                macro_f1: estimate(&|figures| figures.macro_f1(leaf)),
                micro_f1: estimate(&|figures| figures.micro_f1(leaf)),
            },
            top: Averages {
                macro_f1: estimate(&|figures| figures.macro_f1(top)),
                micro_f1: estimate(&|figures| figures.micro_f1(top)),
            },
            exact_match: estimate(&|figures| share(figures.exact, figures.rows)),
            hamming_loss: estimate(&|figures| share(figures.wrong, figures.decided)),
            confusion: Confusion::of(judged),
        }
    }
}

fn total<'a>(parts: impl Iterator<Item = &'a Figures>) -> Figures {
    parts.fold(Figures::default(), |mut sum, part| {
        sum.add(part);
        sum
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Record;
    use crate::scoring::{LabelMode, LabelTree, LeafPrediction};

    fn record(doc: &str, labels: &[&str], unsure: &[&str]) -> Record {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Record {
            id: String::new(),
            doc: doc.to_owned(),
            text: String::new(),
            labels: set(labels),
            unsure: set(unsure),
            annotator: None,
            fields: Default::default(),
            file: Default::default(),
            line: 1,
        }
    }

    fn report() -> Report {
        let tree = LabelTree::new(&["c.p", "c.t", "x"].map(str::to_owned));
        let records = [
            record("1", &["x"], &[]),
            record("1", &["c.p", "x"], &[]),
            record("2", &[], &[]),
            record("2", &["c.t"], &[]),
            record("3", &[], &["x"]),
        ];
        let holds = [
            [false, false, true],
            [true, false, false],
            [false, false, true],
            [true, false, false],
            [false, false, true],
        ];
        let predictions: Vec<LeafPrediction> = holds
            .iter()
            .map(|holds| LeafPrediction {
                probabilities: holds.iter().map(|&h| if h { 0.9 } else { 0.2 }).collect(),
                holds: holds.to_vec(),
                margin: 1.0,
            })
            .collect();
        let judged = Judged::new(tree, LabelMode::Multiple, &records, &predictions);
        Report::measure(&judged, 200, 1)
    }

    #[test]
    fn figures_are_right() {
        let report = report();
        let label = |name: &str| report.labels.iter().find(|l| l.label == name).unwrap();
        // x: one right, one missed, one spurious, one open.
        assert_eq!(label("x").precision.value, 0.5);
        assert_eq!(label("x").recall.value, 0.5);
        assert_eq!(label("x").support, 2);
        // The parent is right though the child is another.
        assert_eq!(label("c").f1.value, 1.0);
        assert_eq!(label("c.t").f1.value, 0.0);
        assert!(label("c").parent && !label("x").parent);
        assert_eq!(report.top.macro_f1.value, 0.75);
        assert_eq!(report.exact_match.value, 0.4);
        assert!((report.hamming_loss.value - 4.0 / 14.0).abs() < 1e-12);
        assert_eq!(report.rows, 5);
        assert_eq!(report.documents, 3);
    }

    #[test]
    fn without_rows_all_figures_are_nought() {
        let tree = LabelTree::new(&["c.p", "x"].map(str::to_owned));
        let empty = Judged::new(tree, LabelMode::Multiple, &[], &[]);
        let report = Report::measure(&empty, 10, 1);
        assert_eq!((report.rows, report.labels.len()), (0, 3));
        assert_eq!(report.top.macro_f1, Estimate::default());
    }

    #[test]
    fn average_precision_groups_equal_probabilities() {
        // Probabilities of x: .9 twice (one annotated), .2 twice (one annotated); the open row is out.
        let x = &report().labels[3];
        assert!((x.average_precision - (0.5 + 0.5) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn confusion_tells_what_is_taken_for_what() {
        let confusion = report().confusion;
        assert_eq!(confusion.labels, ["c.p", "c.t", "x", "none"]);
        assert_eq!(confusion.counts[1][0], 1);
        assert_eq!(confusion.counts[2][3], 1);
        assert_eq!(confusion.counts[3][2], 1);
        assert_eq!(confusion.counts[0][0], 1);
    }

    #[test]
    fn intervals_hold_the_figure_and_repeat() {
        let (first, second) = (report(), report());
        assert_eq!(first, second);
        let f1 = first.top.macro_f1;
        assert!(f1.low <= f1.value && f1.value <= f1.high && f1.low < f1.high);
    }
}
