//! Small pieces of the page: numbers, tables, figures, texts as they came.

use maud::{Markup, PreEscaped, html};

use crate::evaluate::Estimate;
pub(super) use crate::original::{original, plain};
use crate::tables::{Column, Table};

/// A figure with three decimals.
pub(super) fn figure(value: f64) -> String {
    format!("{value:.3}")
}

/// A probability as readers of rows see it: two decimals, and never a certainty it does not have.
pub(super) fn probability(value: f64) -> String {
    match format!("{value:.2}").as_str() {
        "1.00" if value < 1.0 => ">0.99".into(),
        "0.00" if value > 0.0 => "<0.01".into(),
        written => written.into(),
    }
}

/// The ends of an interval.
pub(super) fn interval(estimate: &Estimate) -> String {
    format!("{:.3}–{:.3}", estimate.low, estimate.high)
}

/// A share in words.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

/// The ends of an interval of a share, in words.
pub(super) fn percents(estimate: &Estimate) -> String {
    let low = percent(estimate.low);
    format!("{}–{}", low.trim_end_matches('%'), percent(estimate.high))
}

/// A part of a whole in words.
pub(super) fn percent_of(part: usize, whole: usize) -> String {
    percent(part as f64 / whole.max(1) as f64)
}

/// A whole number with its thousands apart.
pub(super) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut written = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

/// Whether a column holds the interval of the one before it, and stands beneath it on the page.
fn is_interval(column: &Column) -> bool {
    column.name.ends_with("95%")
}

/// A table with its caption; the first column names the rows, intervals stand beneath their figures.
pub(super) fn table(caption: &str, table: &Table) -> Markup {
    table_named_by(caption, table, "auto")
}

/// As [`table`], with the direction of the names of the rows: "auto" for those of a corpus, "ltr" for
/// our own, which may quote Arabic letters.
pub(super) fn table_named_by(caption: &str, table: &Table, direction: &str) -> Markup {
    let columns = table.columns();
    let figures = || (columns.iter().enumerate()).filter(|(_, column)| !is_interval(column));
    let beneath = |place: usize| columns.get(place + 1).is_some_and(is_interval);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(plain(caption)) {
            table.texts[columns.iter().skip(1).any(|column| column.left)] {
                caption {
                    (original(caption))
                    @if columns.iter().any(is_interval) { "; beneath figures their 95% intervals" }
                }
                thead { tr {
                    @for (_, column) in figures() {
                        th.n[!column.left] scope="col" { bdi { (original(&column.name)) } }
                    }
                } }
                tbody {
                    @for row in table.rows() { tr {
                        @for (place, column) in figures() {
                            @let cell = row.get(place).map_or("", String::as_str);
                            @if place == 0 {
                                th.child[cell.starts_with(' ')] scope="row" { bdi dir=(direction) { (original(cell.trim_start())) } }
                            } @else {
                                td.n[!column.left] {
                                    bdi { (original(cell)) }
                                    @if beneath(place) { " " small { (row.get(place + 1).map_or("", String::as_str)) } }
                                }
                            }
                        }
                    } }
                }
            }
        }
    }
}

/// A small picture under its name.
pub(super) fn small_plot(svg: String, shows: &str, name: &str) -> Markup {
    html! {
        figure {
            figcaption { bdi { (original(name)) } }
            div.plot role="img" aria-label=(plain(shows)) { (PreEscaped(svg)) }
        }
    }
}

/// A picture with what it shows, for those who see it and those who do not.
pub(super) fn plot(svg: String, shows: &str, caption: Markup) -> Markup {
    html! {
        figure {
            div.plot role="img" aria-label=(plain(shows)) { (PreEscaped(svg)) }
            figcaption { (caption) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([7, 1234, 1_234_567].map(count), ["7", "1,234", "1,234,567"]);
        assert_eq!(
            [0.0, 0.001, 0.5, 0.999, 1.0].map(probability),
            ["0.00", "<0.01", "0.50", ">0.99", "1.00"]
        );
    }
}
