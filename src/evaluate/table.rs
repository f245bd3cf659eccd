//! Figures as tables for people.

use comfy_table::{CellAlignment, Table, presets};

use super::report::{Estimate, Report};

impl Report {
    /// The figures of each label and over all, as a table of plain characters.
    pub fn to_table(&self) -> String {
        let mut table = new_table(&[
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
        format!("{}\n\n{}", rendered(&table), self.summary())
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

    /// The confusion between labels as a table.
    pub fn confusion_table(&self) -> String {
        let mut header = vec!["annotated \\ predicted"];
        header.extend(self.confusion.labels.iter().map(String::as_str));
        let mut table = new_table(&header);
        for (label, counts) in self.confusion.labels.iter().zip(&self.confusion.counts) {
            let cells = counts.iter().map(|&count| match count {
                0 => "·".to_owned(),
                count => count.to_string(),
            });
            table.add_row(std::iter::once(label.clone()).chain(cells));
        }
        rendered(&table)
    }
}

/// A table with a line under its header, numbers to the right.
pub(crate) fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header);
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if place > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A table as text, without the spaces that would end its lines.
pub(crate) fn rendered(table: &Table) -> String {
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

pub(super) fn figure(value: f64) -> String {
    format!("{value:.3}")
}

fn interval(estimate: &Estimate) -> String {
    format!("{:.3}–{:.3}", estimate.low, estimate.high)
}
