//! The sections with the figures: each a table, a plot, and how to read them.

use maud::{Markup, html};

use super::Material;
use super::canvas::{Ink, Mark};
use super::markup::{
    count, figure, interval, original, percent, percents, plain, plot, small_plot, table,
    table_named_by,
};
use super::plots::{
    DotRow, MOST_DOT_ROWS, MOST_SMALL, PRECISION_RECALL_F1, Series, dots, learning_curve,
    precision_recall, reliability, risk_coverage,
};
use super::tables;
use crate::error::Result;
use crate::evaluate::{Estimate, LabelReport, Slices};

/// Precision, recall and F1 of each label.
pub(super) fn labels(material: &Material<'_>) -> Result<Markup> {
    let report = &material.examination.report;
    let rows: Vec<DotRow> = (report.labels.iter())
        .filter(|label| label.support + label.predicted > 0)
        .map(|label| DotRow {
            name: label.label.clone(),
            figures: vec![
                (label.predicted > 0).then_some(label.precision),
                (label.support > 0).then_some(label.recall),
                Some(label.f1),
            ],
        })
        .collect();
    let shows = format!(
        "Precision, recall and F1 with 95% intervals of {} labels; the table has the numbers.",
        rows.len()
    );
    let svg = dots(&rows, &PRECISION_RECALL_F1)?;
    Ok(html! {
        (table("Each label", &tables::labels(material)))
        div.pair {
            (plot(svg, &shows, html! {
                "Precision, recall and F1 with 95% intervals."
                @if rows.len() > MOST_DOT_ROWS { " The first " (MOST_DOT_ROWS) " of " (rows.len()) " labels." }
            }))
            div {
                (table("Over all labels", &tables::averages(material)))
                p.read {
                    b { "How to read this. " }
                    "Precision: of the sentences that get a label, the share that carry it. Recall: of those that carry it, "
                    "the share that get it. F1 is their harmonic mean. Macro-F1 is the mean F1 of the labels without a "
                    "parent, so that rare labels count as much as frequent ones; micro-F1 counts every decision alike. "
                    "Hamming loss is the share of single decisions that are wrong."
                }
            }
        }
    })
}

/// What is taken for what, as a table whose cells are the darker the more rows they hold.
pub(super) fn confusion(material: &Material<'_>) -> Markup {
    let confusion = &material.examination.report.confusion;
    let caption = "What is taken for what: rows as annotated, columns as predicted";
    let most = |place: usize| {
        let row = confusion.counts.get(place).into_iter().flatten();
        row.sum::<usize>().max(1)
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table.heat {
                caption { (caption) }
                thead { tr {
                    th scope="col" { "annotated" }
                    @for label in &confusion.labels { th.n scope="col" { bdi { (original(label)) } } }
                } }
                tbody {
                    @for (row, (label, counts)) in confusion.labels.iter().zip(&confusion.counts).enumerate() {
                        tr {
                            th scope="row" { bdi { (original(label)) } }
                            @for (column, &cell) in counts.iter().enumerate() {
                                @let share = cell as f64 / most(row) as f64;
                                @if cell == 0 {
                                    td.n.none { "·" }
                                } @else {
                                    td.n.right[row == column].wrong[row != column]
                                        style=(format!("--share:{:.0}%", 100.0 * share.sqrt()))
                                        title=(format!("{} of what is annotated {}", percent(share), plain(label))) {
                                        (count(cell))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        p.read {
            b { "How to read this. " }
            "On the diagonal: labels that were annotated and found. Beside it: what was missed, under the label that was given "
            "in its place, or under “none”; and in the row “none” false alarms where nothing was missed. The darker a cell, the "
            "larger its share of its row. A sentence with several labels counts in several cells."
        }
    }
}

/// Reliability curves and the figures that sum them up.
pub(super) fn calibration(material: &Material<'_>) -> Result<Markup> {
    let tree = material.judged.tree();
    let is_parent = |name: &str| {
        let found = tree.labels().iter().find(|label| label.name == name);
        found.is_some_and(|label| !label.is_leaf(tree))
    };
    let all = &material.examination.calibration;
    let leaves: Vec<_> = all
        .iter()
        .filter(|label| !is_parent(&label.label))
        .collect();
    let mut plots = Vec::new();
    for label in leaves.iter().take(MOST_SMALL) {
        let shows = format!(
            "Reliability of {}: {} ranges of probability; calibration error {}.",
            label.label,
            label.curve.len(),
            figure(label.calibration_error.value)
        );
        plots.push(small_plot(reliability(label)?, &shows, &label.label));
    }
    Ok(html! {
        div.small-plots { @for plot in plots { (plot) } }
        @if leaves.len() > MOST_SMALL { p.note { "Drawn are the first " (MOST_SMALL) " of " (leaves.len()) " labels." } }
        (table("How far probabilities can be believed", &tables::calibration(material)))
        details {
            summary { "The curves in numbers" }
            (table("Reliability: probability against frequency", &material.examination.reliability_table()))
        }
        p.read {
            b { "How to read this. " }
            "Sentences are put together by their probability in ten ranges. A point on the dashed line means that of sentences told "
            "at .8, 80 of 100 carry the label; below it the model is too sure, above it not sure enough. Bars are 95% intervals; the larger a point, the more sentences it stands for. "
            "The calibration error is the mean distance from that line, weighted by sentences; the Brier score the mean squared "
            "distance between probability and annotation (both: 0 is best). The Brier skill is what the probabilities save of the "
            "score of always telling the label's share: 1 is best, 0 is no better than that."
        }
    })
}

/// What it buys not to decide the least sure rows.
pub(super) fn abstention(material: &Material<'_>) -> Result<Markup> {
    let Some(curve) = &material.examination.risk_coverage else {
        return Ok(html! { p { "There are no sentences to decide." } });
    };
    let at = |coverage: f64| {
        let mut points = curve.points.iter();
        points.find(|point| point.coverage >= coverage - 0.005)
    };
    let shows = format!(
        "Risk over coverage: {} points, from {} of the sentences decided to all of them.",
        curve.points.len(),
        curve
            .points
            .first()
            .map_or_else(String::new, |p| percent(p.coverage))
    );
    let told: Vec<_> = [0.8, 0.9, 1.0].into_iter().filter_map(at).collect();
    Ok(html! {
        div.pair {
            (plot(risk_coverage(curve)?, &shows, html! {
                "Sentences with a wrong label among those decided, the surest first. The band is the 95% interval."
            }))
            div {
                ul {
                    @for point in told {
                        li {
                            "Deciding " (format!("{:.0}%", 100.0 * point.coverage)) ": " (percent(point.risk.value))
                            " of those decided have a wrong label (" (percents(&point.risk)) "); macro-F1 " (figure(point.macro_f1)) "."
                        }
                    }
                }
                p {
                    "The area under the curve is " (figure(curve.area.value)) " (" (interval(&curve.area)) "); the least that these "
                    "decisions could have is " (figure(curve.least_area)) "."
                }
                p.read {
                    b { "How to read this. " }
                    "The model says how sure it is of every sentence. If the least sure are read by hand instead (predict "
                    code { "--review" } "), the curve tells how many of the others are wrong. The further it falls to the left, the better "
                    "the model knows what it does not know."
                }
                details {
                    summary { "The curve in numbers" }
                    @if let Some(points) = material.examination.risk_table() { (table("Risk over coverage", &points)) }
                }
            }
        }
    })
}

/// What precision each recall costs.
pub(super) fn trade(material: &Material<'_>) -> Result<Markup> {
    let report = &material.examination.report;
    let labels: Vec<(usize, &LabelReport)> = (report.labels.iter().enumerate())
        .filter(|(_, label)| !label.parent && label.support > 0)
        .collect();
    let mut plots = Vec::new();
    for (place, label) in labels.iter().copied().take(MOST_SMALL) {
        let curve = material.judged.precision_recall(place);
        let now = (label.predicted > 0).then_some((label.recall.value, label.precision.value));
        let base_rate = label.support as f64 / report.rows.max(1) as f64;
        let shows = format!(
            "Precision against recall of {}: average precision {}.",
            label.label,
            figure(label.average_precision)
        );
        let svg = precision_recall(&curve, now, base_rate)?;
        plots.push(small_plot(svg, &shows, &label.label));
    }
    Ok(html! {
        div.small-plots { @for plot in plots { (plot) } }
        @if labels.len() > MOST_SMALL { p.note { "Drawn are the first " (MOST_SMALL) " of " (labels.len()) " labels." } }
        p.read {
            b { "How to read this. " }
            "The curve shows the precision at each recall, were the threshold moved; the dot is where it stands now, the dashed "
            "line what guessing would reach. The area under the curve is the average precision of the table above. A threshold "
            "further along is chosen in training (" code { "train --aim recall=0.95" } ")."
        }
    })
}

const MACRO_F1: Series<'static> = Series {
    name: "macro-F1",
    ink: Ink::Third,
    form: Mark::Circle,
};

fn one_series(rows: impl Iterator<Item = (String, Estimate)>) -> Vec<DotRow> {
    let row = |(name, figure)| DotRow {
        name,
        figures: vec![Some(figure)],
    };
    rows.map(row).collect()
}

/// Groups of fewer sentences are left out of plots: their intervals span everything.
const FEWEST_TO_PLOT: usize = 20;

/// Where the model does better and worse: by length, by a field, by spelling.
pub(super) fn slices(material: &Material<'_>) -> Result<Markup> {
    let mut parts = Vec::new();
    for (is_length, slices) in material.slices() {
        parts.push(by_slices(slices, is_length)?);
    }
    Ok(html! {
        @for part in parts { (part) }
        @if !material.examination.noise.is_empty() { (by_noise(material)?) }
        p.read {
            b { "How to read this. " }
            "Macro-F1 here is the mean over the labels that occur in the slice, so slices with other labels are not quite alike; the "
            "share with every label right is. Intervals that do not meet differ; where they meet, the difference may be chance."
        }
    })
}

fn by_slices(slices: &Slices, is_length: bool) -> Result<Markup> {
    let plotted = slices
        .slices
        .iter()
        .filter(|slice| slice.rows >= FEWEST_TO_PLOT);
    let left_out = slices.slices.len() - plotted.clone().count();
    let of_slices = plotted.map(|slice| {
        let name = slice.value.clone().unwrap_or_else(|| "(not given)".into());
        (name, slice.macro_f1)
    });
    let rows = one_series(of_slices.chain([("all".to_owned(), slices.total.macro_f1)]));
    let by = match is_length {
        true => "length in words",
        false => slices.by.as_str(),
    };
    let caption = format!("By {by}");
    let shows = format!(
        "Macro-F1 with 95% intervals by {by}, {} groups.",
        rows.len() - 1
    );
    Ok(html! {
        h3 { "By " bdi { (original(by)) } }
        div.pair {
            (plot(dots(&rows, &[MACRO_F1])?, &shows, html! {
                "Macro-F1 with 95% intervals."
                @if rows.len() > MOST_DOT_ROWS { " The first " (MOST_DOT_ROWS) " of " (rows.len()) "." }
                @if left_out > 0 { " Groups of fewer than " (FEWEST_TO_PLOT) " sentences stand in the table only." }
            }))
            (table(&caption, &slices.to_table()))
        }
    })
}

fn by_noise(material: &Material<'_>) -> Result<Markup> {
    let effects = &material.examination.noise;
    let plain = (
        "as written".to_owned(),
        material.examination.report.top.macro_f1,
    );
    let noisy = effects
        .iter()
        .map(|effect| (effect.noise.name().to_owned(), effect.macro_f1));
    let rows = one_series(std::iter::once(plain).chain(noisy));
    let shows = format!(
        "Macro-F1 with 95% intervals on {} spellings of the same text.",
        rows.len()
    );
    Ok(html! {
        h3 { "By spelling" }
        p { "The same sentences, written otherwise by the program, as outlets, keyboards and typists differ." }
        div.pair {
            (plot(dots(&rows, &[MACRO_F1])?, &shows, html! { "Macro-F1 with 95% intervals." }))
            (table_named_by("By script noise", &material.examination.noise_table(), "ltr"))
        }
    })
}

/// What more sentences to train on would bring; nothing where it was not measured.
pub(super) fn more_sentences(material: &Material<'_>) -> Result<Option<Markup>> {
    let Some(curve) = &material.examination.learning_curve else {
        return Ok(None);
    };
    let shows = format!(
        "Macro-F1 by sentences trained on: {} points measured, {} expected.",
        curve.points.len(),
        curve.forecasts.len()
    );
    Ok(Some(html! {
        div.pair {
            (plot(learning_curve(curve)?, &shows, html! {
                "Circles: measured, with one standard deviation between draws. Triangles: expected, with 95% intervals."
            }))
            div {
                p { b { (curve.describe_forecast()) } }
                p.read {
                    b { "How to read this. " }
                    "Models were trained on growing parts of the documents, " (curve.draws) " draws of each, and measured on documents "
                    "held out. The forecast goes along a power law through the points; it holds for more sentences of the same kind, "
                    "annotated in the same way."
                }
                (table("Learning curve", &curve.to_table()))
            }
        }
    }))
}
