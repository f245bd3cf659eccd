//! What is gained where the least sure rows are not decided.

use serde::{Deserialize, Serialize};

use super::bootstrap::Bootstrap;
use super::judged::Judged;
use super::metrics::{Figures, share};
use super::report::Estimate;

/// Points of the curve, evenly over the coverage.
const POINTS: usize = 20;

/// Risk over coverage where rows are decided from the surest to the least sure (El-Yaniv and Wiener,
/// "On the foundations of noise-free selective classification", JMLR 11, 2010). How sure a decision is
/// tells its margin, [`crate::scoring::LabelMode::margin`]; a row is wrong when one of its labels is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RiskCoverage {
    /// By rising coverage; the last point decides all rows.
    pub points: Vec<RiskPoint>,
    /// Area under the curve: the mean of the risk over all coverages. 0 is best.
    pub area: Estimate,
    /// The area if all right rows were surer than all wrong ones: as good as these decisions can be.
    pub least_area: f64,
    /// The area beyond that (Geifman, Uziel and El-Yaniv, "Bias-reduced uncertainty estimation for
    /// deep neural classifiers", ICLR 2019): what a better order of the same decisions would save.
    pub excess_area: Estimate,
}

/// One share of the rows that is decided.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RiskPoint {
    /// Share of the rows that is decided.
    pub coverage: f64,
    /// Rows of at least this margin are decided.
    pub margin: f64,
    /// Share of the decided rows with a wrong label.
    pub risk: Estimate,
    /// Macro-F1 over the labels without a parent, on the decided rows.
    pub macro_f1: f64,
}

/// Rows of equal margin in one document.
struct Step {
    document: usize,
    wrong: bool,
}

impl Judged {
    /// The curve of risk over coverage; nothing without rows.
    pub fn risk_coverage(&self, bootstrap: Bootstrap) -> Option<RiskCoverage> {
        let wrong: Vec<bool> = (0..self.rows.len())
            .map(|row| Figures::of_row(self, row).exact == 0)
            .collect();
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by(|&a, &b| self.margins[b].total_cmp(&self.margins[a]).then(a.cmp(&b)));
        let (last, steps) = (*order.last()?, self.steps(&order, &wrong));
        let mut margins: Vec<f64> = (1..=POINTS)
            .filter_map(|point| (point * order.len() / POINTS).checked_sub(1))
            .filter_map(|place| Some(self.margins[*order.get(place)?]))
            .collect();
        margins.push(self.margins[last]);
        margins.dedup();
        // Where each point ends among the rows in order.
        let ends: Vec<usize> = margins
            .iter()
            .map(|&margin| order.partition_point(|&row| self.margins[row] >= margin))
            .collect();
        let mut estimates = bootstrap.estimate(self.document_count(), |times| {
            let (area, least) = areas(&steps, times);
            let mut figures = vec![area, area - least];
            figures.extend(risks(&steps, &ends, times));
            figures
        });
        let risks = estimates.split_off(2.min(estimates.len()));
        let points = margins.iter().zip(&ends).zip(risks);
        let least_area = areas(&steps, &vec![1; self.document_count()]).1;
        Some(RiskCoverage {
            points: points
                .map(|((&margin, &end), risk)| RiskPoint {
                    coverage: share(end, order.len()),
                    margin,
                    risk,
                    macro_f1: self.macro_f1_of(&order[..end]),
                })
                .collect(),
            area: *estimates.first()?,
            least_area,
            excess_area: *estimates.get(1)?,
        })
    }

    /// The rows in order, those of one margin together.
    fn steps(&self, order: &[usize], wrong: &[bool]) -> Vec<Vec<Step>> {
        let same = order.chunk_by(|&a, &b| self.margins[a] == self.margins[b]);
        let step = |&row: &usize| Step {
            document: self.documents[row],
            wrong: wrong[row],
        };
        same.map(|rows| rows.iter().map(step).collect()).collect()
    }

    fn macro_f1_of(&self, rows: &[usize]) -> f64 {
        let mut figures = Figures::default();
        rows.iter()
            .for_each(|&row| figures.add(&Figures::of_row(self, row)));
        figures.macro_f1(|label| self.tree.labels()[label].is_top())
    }
}

/// Rows and wrong ones among them, where documents count several times.
fn counted(step: &[Step], times: &[u32]) -> (f64, f64) {
    let (mut rows, mut wrong) = (0, 0);
    for row in step {
        let times = times.get(row.document).copied().unwrap_or(0);
        rows += times;
        wrong += times * u32::from(row.wrong);
    }
    (f64::from(rows), f64::from(wrong))
}

/// The mean risk over all coverages, as it is and in the best order. Rows of one margin are taken in
/// any order alike: each adds the same part of their wrong ones.
fn areas(steps: &[Vec<Step>], times: &[u32]) -> (f64, f64) {
    let (mut area, mut rows, mut wrong) = (0.0, 0.0, 0.0);
    for step in steps {
        let (of_step, wrong_of_step) = counted(step, times);
        let each = wrong_of_step / of_step;
        for place in 1..=of_step as usize {
            let place = place as f64;
            area += (wrong + each * place) / (rows + place);
        }
        rows += of_step;
        wrong += wrong_of_step;
    }
    let right = rows - wrong;
    let least: f64 = (1..=wrong as usize)
        .map(|place| place as f64 / (right + place as f64))
        .sum();
    (area / rows, least / rows)
}

/// The risk at each point.
fn risks(steps: &[Vec<Step>], ends: &[usize], times: &[u32]) -> Vec<f64> {
    let mut risks = Vec::with_capacity(ends.len());
    let (mut place, mut rows, mut wrong) = (0, 0.0, 0.0);
    let mut ends = ends.iter().peekable();
    for step in steps {
        let (of_step, wrong_of_step) = counted(step, times);
        place += step.len();
        rows += of_step;
        wrong += wrong_of_step;
        if ends.next_if(|&&end| end == place).is_some() {
            risks.push(wrong / rows);
        }
    }
    risks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::judged::tests::judged_with_margins;

    const BOOTSTRAP: Bootstrap = Bootstrap {
        samples: 100,
        seed: 1,
    };

    #[test]
    fn areas_are_those_of_the_definition() {
        // Right, wrong, right, wrong from the surest on: risks 0, 1/2, 1/3, 1/2.
        let rows = [(4.0, true), (3.0, false), (2.0, true), (1.0, false)];
        let curve = judged_with_margins(&rows).risk_coverage(BOOTSTRAP).unwrap();
        assert!((curve.area.value - (0.5 + 1.0 / 3.0 + 0.5) / 4.0).abs() < 1e-12);
        // Best: right, right, wrong, wrong.
        assert!((curve.least_area - (1.0 / 3.0 + 0.5) / 4.0).abs() < 1e-12);
        assert!((curve.excess_area.value - 0.5 / 4.0).abs() < 1e-12);
        let risks: Vec<f64> = curve.points.iter().map(|point| point.risk.value).collect();
        assert_eq!(risks, [0.0, 0.5, 1.0 / 3.0, 0.5]);
        assert_eq!(curve.points[3].coverage, 1.0);
    }

    #[test]
    fn equal_margins_are_taken_together() {
        let rows = [(1.0, true), (1.0, false)];
        let turned = [rows[1], rows[0]];
        let area = |rows: &[(f64, bool)]| judged_with_margins(rows).risk_coverage(BOOTSTRAP);
        let curve = area(&rows).unwrap();
        assert_eq!(curve.area.value, area(&turned).unwrap().area.value);
        assert!((curve.area.value - 0.5).abs() < 1e-12);
        assert_eq!(curve.points.len(), 1);
    }

    #[test]
    fn without_errors_there_is_no_risk_and_without_rows_no_curve() {
        let rows: Vec<(f64, bool)> = (0..50).map(|row| (f64::from(row), true)).collect();
        let curve = judged_with_margins(&rows).risk_coverage(BOOTSTRAP).unwrap();
        assert_eq!((curve.area.value, curve.area.high), (0.0, 0.0));
        assert!(curve.points.iter().all(|point| point.risk.high == 0.0));
        assert_eq!(curve.points.len(), 20);
        assert!(judged_with_margins(&[]).risk_coverage(BOOTSTRAP).is_none());
    }
}
