//! What is found, in plain words.

use maud::{Markup, html};

use super::Material;
use super::markup::{count, figure, interval, original, percent, percents};
use crate::evaluate::{Estimate, LabelReport, Method};

/// More labels than this are not told one by one.
const MOST_TOLD: usize = 12;

/// The page's title where none is given.
pub(super) fn title(material: &Material<'_>) -> String {
    if let Some(title) = &material.options.title {
        return title.clone();
    }
    let files = material.files();
    let corpus = match files.as_slice() {
        [file] => file.clone(),
        files => format!(
            "{} sentences of {} files",
            count(material.examination.report.rows),
            files.len()
        ),
    };
    match &material.examination.method {
        Method::Model { .. } => format!("A model measured on {corpus}"),
        Method::Folds { folds, .. } => format!("{corpus}, measured in {folds} folds"),
        _ => format!("Measured on {corpus}"),
    }
}

/// Who predicted what, in a sentence.
pub(super) fn method(material: &Material<'_>) -> String {
    match &material.examination.method {
        Method::Model { .. } => "A finished model predicted every sentence of the corpus.".into(),
        Method::Folds { folds, .. } => format!(
            "The corpus was divided into {folds} parts by document; each sentence was predicted by a model fitted to \
             the other parts, with calibration and thresholds from the other parts too."
        ),
        Method::LeaveOneOut { field, .. } => format!(
            "Each sentence was predicted by a model fitted to the sentences with other values of {field}."
        ),
        Method::ByPeriod { field, .. } => format!(
            "Each sentence was predicted by a model fitted to the sentences of earlier periods by {field}."
        ),
    }
}

/// The section's content.
pub(super) fn headline(material: &Material<'_>) -> Markup {
    let report = &material.examination.report;
    let labels: Vec<&LabelReport> = report.labels.iter().filter(|l| !l.parent).collect();
    let card = |name: &str, shown: String, note: String| {
        html! {
            div.key { dt { (name) } dd { b { (shown) } span { (note) } } }
        }
    };
    let between = |estimate: &Estimate| format!("95% interval {}", interval(estimate));
    html! {
        @if let Method::Model { trained_on_these_rows: true } = &material.examination.method {
            p.warning role="note" {
                b { "These figures flatter. " }
                "The model was trained on this very corpus; what it does on text it has not seen is told by a report on "
                "other sentences, or out of fold (" code { "--folds" } ")."
            }
        }
        dl.keys {
            (card("every label right", percent(report.exact_match.value), format!("95% interval {}", percents(&report.exact_match))))
            (card("macro-F1", figure(report.top.macro_f1.value), between(&report.top.macro_f1)))
            (card("micro-F1", figure(report.top.micro_f1.value), between(&report.top.micro_f1)))
            (card("sentences", count(report.rows), format!("in {} documents", count(report.documents))))
        }
        p {
            "In " (percent(report.exact_match.value)) " of the " (count(report.rows)) " sentences every label is right"
            @if report.bootstrap_samples > 0 {
                "; drawn again from documents of the same kind, that share would lie between "
                (percent(report.exact_match.low)) " and " (percent(report.exact_match.high)) " in 95 of 100 draws"
            }
            "."
        }
        @if labels.len() <= MOST_TOLD {
            ul.told {
                @for label in labels { li { (told(label)) } }
            }
        }
    }
}

/// Precision and recall of a label in words.
fn told(label: &LabelReport) -> Markup {
    let of_hundred = |estimate: &Estimate| {
        let whole = |value: f64| (100.0 * value).round();
        let (low, high) = (whole(estimate.low), whole(estimate.high));
        html! { span.whole { (format!("{} ({low}–{high})", whole(estimate.value))) } }
    };
    html! {
        bdi { b { (original(&label.label)) } } ": "
        @if label.predicted == 0 {
            "never predicted"
        } @else {
            "of 100 sentences that get it, about " (of_hundred(&label.precision)) " carry it"
        }
        "; "
        @if label.support == 0 {
            "no sentence carries it."
        } @else {
            "of 100 that carry it, about " (of_hundred(&label.recall)) " are found."
        }
    }
}
