//! Figures as tables for people.

use super::report::{Estimate, Report};
use crate::tables::{Table, TableFormat};

impl Report {
    /// The figures of each label and over all.
    pub fn to_table(&self, format: TableFormat) -> String {
        format!("{}\n\n{}", self.label_table().write(format), self.summary())
    }

    /// The figures of each label.
    pub fn label_table(&self) -> Table {
        let mut table = Table::new(&[
            "label",
            "precision",
            "recall",
            "F1",
            "95%",
            "avg. precision",
            "ECE",
            "support",
        ]);
        for label in &self.labels {
            let under = if label.label.contains('.') { "  " } else { "" };
            table.add_row([
                format!("{under}{}", label.label),
                figure(label.precision.value),
                figure(label.recall.value),
                figure(label.f1.value),
                interval(&label.f1),
                figure(label.average_precision),
                figure(label.calibration_error),
                label.support.to_string(),
            ]);
        }
        table
    }

    /// The figures over all labels, a line each.
    pub fn summary(&self) -> String {
        let line = |name: &str, estimate: &Estimate| {
            format!(
                "{name:<28}{}  ({})",
                figure(estimate.value),
                interval(estimate)
            )
        };
        let mut lines = vec![line("macro-F1", &self.top.macro_f1)];
        let has_parents = self.labels.iter().any(|label| label.parent);
        if has_parents {
            lines.push(line("macro-F1, child labels", &self.leaves.macro_f1));
        }
        lines.extend([
            line("micro-F1", &self.top.micro_f1),
            line("every label right", &self.exact_match),
            line("Hamming loss", &self.hamming_loss),
        ]);
        lines.push(format!(
            "{} sentences in {} documents; 95% intervals from {} resamples of documents",
            self.rows, self.documents, self.bootstrap_samples
        ));
        lines.join("\n")
    }

    /// The confusion between labels.
    pub fn confusion_table(&self) -> Table {
        let mut header = vec!["annotated \\ predicted"];
        header.extend(self.confusion.labels.iter().map(String::as_str));
        let mut table = Table::new(&header);
        for (label, counts) in self.confusion.labels.iter().zip(&self.confusion.counts) {
            let cells = counts.iter().map(|&count| match count {
                0 => "·".to_owned(),
                count => count.to_string(),
            });
            table.add_row(std::iter::once(label.clone()).chain(cells));
        }
        table
    }
}

pub(super) fn figure(value: f64) -> String {
    format!("{value:.3}")
}

pub(super) fn interval(estimate: &Estimate) -> String {
    format!("{:.3}–{:.3}", estimate.low, estimate.high)
}

/// A figure and its interval.
pub(super) fn with_interval(estimate: &Estimate) -> [String; 2] {
    [figure(estimate.value), interval(estimate)]
}
