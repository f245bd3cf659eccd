//! How far probabilities can be believed.

use serde::{Deserialize, Serialize};

use super::bootstrap::Bootstrap;
use super::judged::Judged;
use super::report::Estimate;

/// Ranges of probability of equal width.
const BINS: usize = 10;

/// How the probabilities of one label agree with what is annotated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelCalibration {
    /// The label.
    pub label: String,
    /// Rows that are decided on the label.
    pub rows: usize,
    /// Share of these rows that hold it.
    pub base_rate: f64,
    /// Expected calibration error: mean distance between probability and frequency over the ranges,
    /// by their rows (Naeini, Cooper and Hauskrecht, AAAI 2015). 0 is best.
    pub calibration_error: Estimate,
    /// Mean squared distance between probability and annotation (Brier, Monthly Weather Review 78,
    /// 1950). 0 is best.
    pub brier: Estimate,
    /// Share of the Brier score of always telling the base rate that the probabilities do away
    /// with: 1 is best, 0 no better than the base rate. `None` where all rows hold the label, or none.
    pub brier_skill: Option<Estimate>,
    /// The curve, by rising probability; ranges without rows are left out.
    pub curve: Vec<ReliabilityPoint>,
}

/// The rows of one range of probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityPoint {
    /// Where the range begins.
    pub from: f64,
    /// Where it ends; the next begins there.
    pub to: f64,
    /// Rows in it.
    pub rows: usize,
    /// Rows in it that hold the label.
    pub held: usize,
    /// Mean probability of its rows.
    pub probability: f64,
    /// Share of its rows that hold the label. The interval spans that of resampled documents and
    /// Wilson's (Journal of the American Statistical Association 22, 1927), so that few rows that
    /// happen to agree do not look certain.
    pub frequency: Estimate,
}

/// What the rows of one document add to a range.
#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    rows: f64,
    held: f64,
    probability: f64,
}

/// What the rows of one document add to the figures of a label: only the ranges that it has rows in, few
/// of all, as each is added in every resample.
#[derive(Clone, Debug, Default)]
struct DocumentSums {
    bins: Vec<(usize, Bin)>,
    squares: f64,
}

/// What the rows of several documents add up to.
#[derive(Clone, Debug, Default)]
struct Sums {
    bins: [Bin; BINS],
    squares: f64,
}

impl Sums {
    /// Adds the figures of one document.
    fn add(&mut self, document: &DocumentSums, times: f64) {
        for (place, others) in &document.bins {
            let mine = &mut self.bins[*place];
            mine.rows += times * others.rows;
            mine.held += times * others.held;
            mine.probability += times * others.probability;
        }
        self.squares += times * document.squares;
    }

    fn rows(&self) -> f64 {
        self.bins.iter().map(|bin| bin.rows).sum()
    }

    fn base_rate(&self) -> f64 {
        self.bins.iter().map(|bin| bin.held).sum::<f64>() / self.rows()
    }

    /// Calibration error, Brier score and its skill, then the frequency in each range.
    fn figures(&self) -> Vec<f64> {
        let distances = self
            .bins
            .iter()
            .map(|bin| (bin.probability - bin.held).abs());
        let error = distances.sum::<f64>() / self.rows();
        let brier = self.squares / self.rows();
        let rate = self.base_rate();
        let skill = match rate * (1.0 - rate) {
            uncertainty if uncertainty > 0.0 => 1.0 - brier / uncertainty,
            _ => f64::NAN,
        };
        let frequencies = self.bins.iter().map(|bin| bin.held / bin.rows);
        [error, brier, skill]
            .into_iter()
            .chain(frequencies)
            .collect()
    }
}

impl Judged {
    /// The calibration of each label of the tree, parents before their children; labels on which no
    /// row is decided are left out.
    pub fn calibration(&self, bootstrap: Bootstrap) -> Vec<LabelCalibration> {
        let labels = 0..self.tree.labels().len();
        labels
            .filter_map(|label| self.calibration_of(label, bootstrap))
            .collect()
    }

    fn calibration_of(&self, label: usize, bootstrap: Bootstrap) -> Option<LabelCalibration> {
        let documents = self.sums_by_document(label);
        let total = |times: &[u32]| {
            let mut total = Sums::default();
            for (sums, &times) in documents.iter().zip(times).filter(|(_, times)| **times > 0) {
                total.add(sums, f64::from(times));
            }
            total
        };
        let all = total(&vec![1; documents.len()]);
        if all.rows() == 0.0 {
            return None;
        }
        let estimates = bootstrap.estimate(documents.len(), |times| total(times).figures());
        let (figures, frequencies) = estimates.split_at_checked(3)?;
        let curve = all.bins.iter().zip(frequencies).enumerate();
        let curve = curve.filter(|(_, (bin, _))| bin.rows > 0.0);
        Some(LabelCalibration {
            label: self.tree.labels()[label].name.clone(),
            rows: all.rows() as usize,
            base_rate: all.base_rate(),
            calibration_error: *figures.first()?,
            brier: *figures.get(1)?,
            brier_skill: figures
                .get(2)
                .copied()
                .filter(|skill| !skill.value.is_nan()),
            curve: curve
                .map(|(place, (bin, frequency))| point(place, bin, frequency))
                .collect(),
        })
    }

    fn sums_by_document(&self, label: usize) -> Vec<DocumentSums> {
        let mut documents = vec![DocumentSums::default(); self.document_count()];
        for (row, &document) in self.rows.iter().zip(&self.documents) {
            let Some(annotated) = row[label].annotated else {
                continue;
            };
            let (probability, held) = (row[label].probability, f64::from(annotated));
            let sums = &mut documents[document];
            let range = ((probability * BINS as f64) as usize).min(BINS - 1);
            let known = sums.bins.iter().position(|(place, _)| *place == range);
            let known = known.unwrap_or_else(|| {
                sums.bins.push((range, Bin::default()));
                sums.bins.len() - 1
            });
            let bin = &mut sums.bins[known].1;
            bin.rows += 1.0;
            bin.held += held;
            bin.probability += probability;
            sums.squares += (probability - held) * (probability - held);
        }
        documents
    }
}

fn point(place: usize, bin: &Bin, frequency: &Estimate) -> ReliabilityPoint {
    let (low, high) = wilson(bin.held, bin.rows);
    ReliabilityPoint {
        from: place as f64 / BINS as f64,
        to: (place + 1) as f64 / BINS as f64,
        rows: bin.rows as usize,
        held: bin.held as usize,
        probability: bin.probability / bin.rows,
        frequency: Estimate {
            value: frequency.value,
            low: frequency.low.min(low),
            high: frequency.high.max(high),
        },
    }
}

/// Wilson's 95% interval of a share.
fn wilson(held: f64, rows: f64) -> (f64, f64) {
    const Z: f64 = 1.959_963_984_540_054;
    let share = held / rows;
    let squared = Z * Z / rows;
    let middle = (share + squared / 2.0) / (1.0 + squared);
    let half = (share * (1.0 - share) * squared + squared * squared / 4.0).sqrt() / (1.0 + squared);
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::judged::tests::judged_on_one_label;

    const BOOTSTRAP: Bootstrap = Bootstrap {
        samples: 200,
        seed: 1,
    };

    #[test]
    fn known_figures_are_found() {
        // Two rows of .8, one held; two of .1, none held.
        let rows = [(0.8, true), (0.8, false), (0.1, false), (0.1, false)];
        let calibration = judged_on_one_label(&rows).calibration(BOOTSTRAP).remove(0);
        let documents = judged_on_one_label(&rows).sums_by_document(0);
        let ranges = documents.iter().map(|document| document.bins.len());
        assert!(ranges.sum::<usize>() <= rows.len());
        // (2 × |.8 - .5| + 2 × .1) / 4
        assert!((calibration.calibration_error.value - 0.2).abs() < 1e-12);
        // (.04 + .64 + .01 + .01) / 4
        assert!((calibration.brier.value - 0.175).abs() < 1e-12);
        // 1 - .175 / (.25 × .75)
        let skill = calibration.brier_skill.unwrap();
        assert!((skill.value - (1.0 - 0.175 / 0.1875)).abs() < 1e-12);
        assert_eq!(calibration.curve.len(), 2);
        let last = calibration.curve[1];
        assert_eq!((last.from, last.to, last.rows, last.held), (0.8, 0.9, 2, 1));
        assert_eq!(last.frequency.value, 0.5);
        assert!((last.probability - 0.8).abs() < 1e-12);
    }

    #[test]
    fn certain_and_right_is_perfect_and_the_base_rate_has_no_skill() {
        let right: Vec<(f64, bool)> = (0..40).map(|n| (f64::from(n % 2), n % 2 == 1)).collect();
        let perfect = judged_on_one_label(&right).calibration(BOOTSTRAP).remove(0);
        assert_eq!(perfect.calibration_error.value, 0.0);
        assert_eq!((perfect.brier.value, perfect.brier.high), (0.0, 0.0));
        assert_eq!(perfect.brier_skill.unwrap().value, 1.0);
        // Twenty rows that all hold the label may yet be of a frequency below 1.
        assert!(perfect.curve[1].frequency.low < 0.9);
        let rate: Vec<(f64, bool)> = right.iter().map(|&(_, held)| (0.5, held)).collect();
        let rate = judged_on_one_label(&rate).calibration(BOOTSTRAP).remove(0);
        assert!(rate.brier_skill.unwrap().value.abs() < 1e-12);
        assert!(rate.calibration_error.value.abs() < 1e-12);
        let none: Vec<(f64, bool)> = vec![(0.5, false); 4];
        let none = judged_on_one_label(&none).calibration(BOOTSTRAP).remove(0);
        assert_eq!(none.brier_skill, None);
    }

    #[test]
    fn wilson_gives_its_textbook_interval() {
        // 15 of 20: .531 to .888.
        let (low, high) = wilson(15.0, 20.0);
        assert!((low - 0.5313).abs() < 1e-3 && (high - 0.8881).abs() < 1e-3);
    }
}
