//! The tables of a report: on the page, and as files.

use super::markup::{figure, interval};
use super::{Material, NamedTable, card};
use crate::evaluate::LabelReport;
use crate::tables::Table;

/// All tables, in the order of the page.
pub(super) fn all(material: &Material<'_>) -> Vec<NamedTable> {
    let examination = &material.examination;
    let mut tables = Vec::new();
    let mut add = |name: &str, caption: &str, table| {
        tables.push(NamedTable {
            name: name.to_owned(),
            caption: caption.to_owned(),
            table,
        });
    };
    add("labels", "Figures of each label", labels(material));
    add("averages", "Figures over all labels", averages(material));
    add(
        "confusion",
        "What is taken for what: rows as annotated, columns as predicted",
        examination.report.confusion_table(),
    );
    add(
        "calibration",
        "How far probabilities can be believed",
        calibration(material),
    );
    add(
        "reliability",
        "Reliability: probability against frequency",
        examination.reliability_table(),
    );
    if let Some(table) = examination.risk_table() {
        add("risk-coverage", "Risk over coverage", table);
    }
    let mut fields = 0;
    for (is_length, slices) in material.slices() {
        if is_length {
            add("by-length", "By length in words", slices.to_table());
            continue;
        }
        // A field may have any name, also one that no file can have.
        fields += 1;
        let name = match fields {
            1 => "by-field".to_owned(),
            later => format!("by-field-{later}"),
        };
        add(&name, &format!("By {}", slices.by), slices.to_table());
    }
    if !examination.noise.is_empty() {
        add("noise", "By script noise", examination.noise_table());
    }
    if let Some(curve) = &examination.learning_curve {
        add("learning-curve", "Learning curve", curve.to_table());
    }
    add(
        "model",
        "Where the model comes from and how it was made",
        card::facts(material),
    );
    add(
        "thresholds",
        "Labels: sentences trained on, and the probability from which each holds",
        card::labels(material),
    );
    tables
}

/// A label's name, set in under that of its parent.
fn set_in(label: &LabelReport) -> String {
    match label.label.contains('.') {
        true => format!("  {}", label.label),
        false => label.label.clone(),
    }
}

/// The figures of each label.
pub(super) fn labels(material: &Material<'_>) -> Table {
    let mut table = Table::new(&[
        "label",
        "precision",
        "precision 95%",
        "recall",
        "recall 95%",
        "F1",
        "F1 95%",
        "average precision",
        "calibration error",
        "Brier score",
        "annotated",
        "predicted",
        "false alarms",
        "misses",
    ]);
    for (place, label) in material.examination.report.labels.iter().enumerate() {
        let mut calibrations = material.examination.calibration.iter();
        let calibration = calibrations.find(|calibration| calibration.label == label.label);
        let (false_alarms, misses) = mistakes(material, place);
        let mut cells = vec![set_in(label)];
        // A share of nothing is no figure.
        for (estimate, of) in [
            (&label.precision, label.predicted),
            (&label.recall, label.support),
            (&label.f1, label.predicted + label.support),
        ] {
            match of {
                0 => cells.extend([String::new(), String::new()]),
                _ => cells.extend([figure(estimate.value), interval(estimate)]),
            }
        }
        cells.extend([
            match label.support {
                0 => String::new(),
                _ => figure(label.average_precision),
            },
            figure(label.calibration_error),
            calibration.map_or(String::new(), |found| figure(found.brier.value)),
            label.support.to_string(),
            label.predicted.to_string(),
            false_alarms.to_string(),
            misses.to_string(),
        ]);
        table.add_row(cells);
    }
    table
}

/// False alarms and misses of a label.
pub(super) fn mistakes(material: &Material<'_>, label: usize) -> (usize, usize) {
    let judgements = material
        .judged
        .rows()
        .iter()
        .filter_map(|row| row.get(label));
    judgements.fold((0, 0), |(alarms, misses), judgement| {
        match (judgement.annotated, judgement.predicted) {
            (Some(false), true) => (alarms + 1, misses),
            (Some(true), false) => (alarms, misses + 1),
            _ => (alarms, misses),
        }
    })
}

/// The figures over all labels.
pub(super) fn averages(material: &Material<'_>) -> Table {
    let report = &material.examination.report;
    let mut table = Table::new(&["figure", "value", "95%"]);
    let mut rows = vec![("macro-F1", &report.top.macro_f1)];
    if report.labels.iter().any(|label| label.parent) {
        rows.push(("macro-F1, child labels", &report.leaves.macro_f1));
    }
    rows.extend([
        ("micro-F1", &report.top.micro_f1),
        ("every label right", &report.exact_match),
        ("Hamming loss", &report.hamming_loss),
    ]);
    for (name, estimate) in rows {
        table.add_row([name.to_owned(), figure(estimate.value), interval(estimate)]);
    }
    table
}

/// How far probabilities can be believed.
pub(super) fn calibration(material: &Material<'_>) -> Table {
    let mut table = Table::new(&[
        "label",
        "annotated share",
        "calibration error",
        "calibration error 95%",
        "Brier score",
        "Brier score 95%",
        "Brier skill",
    ]);
    for label in &material.examination.calibration {
        let set_in = if label.label.contains('.') { "  " } else { "" };
        table.add_row([
            format!("{set_in}{}", label.label),
            figure(label.base_rate),
            figure(label.calibration_error.value),
            interval(&label.calibration_error),
            figure(label.brier.value),
            interval(&label.brier),
            label
                .brier_skill
                .map_or(String::new(), |skill| figure(skill.value)),
        ]);
    }
    table
}
