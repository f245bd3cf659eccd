//! Known limits of a model, as its figures show them.

use super::Material;
use super::markup::{figure, interval, percent};
use crate::corpus::parents;
use crate::evaluate::{LabelReport, Method, Slice};
use crate::learn::Aim;

/// Fewer annotated sentences than this say little about a label.
const FEW: usize = 30;
/// A larger mean distance between probability and frequency misleads who takes it for one.
const POOR_CALIBRATION: f64 = 0.05;
/// Figures below this are wrong more than once in four times.
const WEAK: f64 = 0.75;
/// An F1 known no better than this tells little.
const WIDE: f64 = 0.1;
/// A spelling that costs more macro-F1 than this is told.
const COSTLY_NOISE: f64 = 0.02;
/// Slices of fewer sentences are not compared.
const FEWEST_IN_SLICE: usize = 50;

/// What is looked for, to be told where nothing is found.
pub(super) const CHECKS: &str = "few sentences, precision or recall below .75, wide intervals, probabilities off by more than 5 points on \
     average, an aim not reached, lengths and sources that do worse than all, spellings that cost more than .02";

/// The limits, a sentence each.
pub(super) fn limits(material: &Material<'_>) -> Vec<String> {
    let mut told = Vec::new();
    for label in material
        .examination
        .report
        .labels
        .iter()
        .filter(|l| !l.parent)
    {
        of_label(label, &mut told);
    }
    calibration(material, &mut told);
    aims(material, &mut told);
    slices(material, &mut told);
    noise(material, &mut told);
    unknown_labels(material, &mut told);
    told
}

fn of_label(label: &LabelReport, told: &mut Vec<String>) {
    let name = &label.label;
    if label.support < FEW {
        told.push(format!(
            "{name}: measured on fewer than {FEW} annotated sentences ({}); its figures are mostly chance.",
            label.support
        ));
        return;
    }
    let mut parts = Vec::new();
    for (what, estimate, meaning) in [
        ("precision", &label.precision, "that get it do not carry it"),
        ("recall", &label.recall, "that carry it are missed"),
    ] {
        if estimate.value < WEAK {
            parts.push(format!(
                "{what} {} ({}), so that about {:.0} of 100 sentences {meaning}",
                figure(estimate.value),
                interval(estimate),
                100.0 * (1.0 - estimate.value)
            ));
        }
    }
    if label.f1.high - label.f1.low > WIDE {
        parts.push(format!(
            "F1 is known only to lie in {}, which more annotated documents would narrow",
            interval(&label.f1)
        ));
    }
    if !parts.is_empty() {
        told.push(format!("{name}: {}.", parts.join("; ")));
    }
}

fn calibration(material: &Material<'_>, told: &mut Vec<String>) {
    for label in &material.examination.calibration {
        if label.calibration_error.value > POOR_CALIBRATION && label.rows >= FEW {
            told.push(format!(
                "{}: probabilities are off by {:.0} points on average; take them as an order, not as frequencies.",
                label.label,
                100.0 * label.calibration_error.value
            ));
        }
    }
}

fn aims(material: &Material<'_>, told: &mut Vec<String>) {
    let training = &material.model.header.provenance.training;
    for label in material
        .examination
        .report
        .labels
        .iter()
        .filter(|l| !l.parent)
    {
        let missed = match training.aim {
            Aim::Precision(floor) => Some(("precision", floor, label.precision.value)),
            Aim::Recall(floor) => Some(("recall", floor, label.recall.value)),
            Aim::FBeta(_) => None,
        };
        if let Some((what, floor, reached)) = missed.filter(|(_, floor, reached)| reached < floor) {
            told.push(format!(
                "{}: {what} {}, below the {floor} that thresholds were chosen for.",
                label.label,
                figure(reached)
            ));
        }
    }
}

fn slices(material: &Material<'_>, told: &mut Vec<String>) {
    for (is_length, slices) in material.slices() {
        let by = if is_length {
            "Length in words"
        } else {
            &slices.by
        };
        let total = &slices.total.exact_match;
        let worse =
            |slice: &&Slice| slice.rows >= FEWEST_IN_SLICE && slice.exact_match.high < total.low;
        for slice in slices.slices.iter().filter(worse) {
            told.push(format!(
                "{by} {}: every label right in {} of {} sentences, against {} of all.",
                slice.value.as_deref().unwrap_or("(not given)"),
                percent(slice.exact_match.value),
                slice.rows,
                percent(total.value)
            ));
        }
    }
}

fn noise(material: &Material<'_>, told: &mut Vec<String>) {
    for effect in &material.examination.noise {
        if effect.change.value < -COSTLY_NOISE {
            told.push(format!(
                "Text with {}: macro-F1 falls by {} to {}.",
                effect.noise.name(),
                figure(-effect.change.value),
                figure(effect.macro_f1.value)
            ));
        }
    }
}

fn unknown_labels(material: &Material<'_>, told: &mut Vec<String>) {
    let tree = material.judged.tree();
    let known = |label: &str| {
        let mut names = std::iter::once(label).chain(parents(label));
        names.any(|name| tree.labels().iter().any(|of_tree| of_tree.name == name))
    };
    let labels = material.corpus.labels();
    let unknown: Vec<&str> = labels
        .iter()
        .map(String::as_str)
        .filter(|l| !known(l))
        .collect();
    if !unknown.is_empty() && matches!(material.examination.method, Method::Model { .. }) {
        told.push(format!(
            "Labels of the corpus that the model does not know, and that are not measured: {}.",
            unknown.join(", ")
        ));
    }
}
