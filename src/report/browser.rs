//! The error browser: every wrong row with its text, evidence, annotation and probabilities.

use std::collections::BTreeMap;
use std::ops::Range;

use maud::{Markup, html};

use super::Material;
use super::markup::{count, original, percent_of, plain, probability};
use super::wrong::{Kind, Mistake, WrongRow, pieces};
use crate::corpus::Record;

/// Longer texts are shown around their evidence.
const LONGEST_TEXT: usize = 1500;
/// Characters kept on either side of the evidence of a long text.
const AROUND: usize = 500;
/// Labels less probable than this are not worth a place in a row.
const LEAST_PROBABILITY: f64 = 0.05;
/// Probabilities told in a row.
const MOST_PROBABILITIES: usize = 8;

/// Where a row comes from, for the filter: the value of the field that figures are given by, else
/// its file.
pub(super) fn source_of(material: &Material<'_>, record: &Record) -> String {
    match material.options.by.first() {
        Some(field) => match record.field(field) {
            Some(value) if !value.is_empty() => value,
            _ => "(not given)".into(),
        },
        None => {
            let name = record.file.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        }
    }
}

/// The section's content.
pub(super) fn browser(material: &Material<'_>) -> Markup {
    let rows = &material.wrong;
    let listed = material.listed();
    let left_out = rows.len() - listed.len();
    let records = material.corpus.records();
    let mut sources: BTreeMap<String, usize> = BTreeMap::new();
    for row in listed {
        *sources
            .entry(source_of(material, &records[row.row]))
            .or_insert(0) += 1;
    }
    let numbers: BTreeMap<&str, usize> = sources.keys().map(String::as_str).zip(0..).collect();
    let all = material.judged.rows().len();
    html! {
        p {
            (count(rows.len())) " of " (count(all)) " sentences (" (percent_of(rows.len(), all))
            ") have a label that is wrong. The first are those of which the model was surest: mistakes to learn "
            "from, and now and then an annotation to correct. The passage in which a label shows most is marked: "
            mark.alarm { "as this" } " for a false alarm, " mark.miss { "as this" } " for a miss; beside each mistake stand the words that add most to its score, or take most away."
            @if left_out > 0 { " Listed are the first " (count(listed.len())) "; " (count(left_out)) " are left out (" code { "--errors 0" } " lists all)." }
        }
        @if !rows.is_empty() {
            (filters(material, listed, &sources))
            noscript { p.note { "Filters need scripts, which are off here: all listed sentences follow." } }
            div #rows {
                @for row in listed {
                    (one_row(material, row, &records[row.row], &numbers))
                }
            }
            nav.pages.scripted aria-label="Pages of sentences" {
                button #previous type="button" { "Previous" }
                span #page {}
                button #next type="button" { "Next" }
            }
        }
    }
}

fn filters(
    material: &Material<'_>,
    rows: &[WrongRow],
    sources: &BTreeMap<String, usize>,
) -> Markup {
    let labels = material.judged.tree().labels();
    let mut wrong = vec![0usize; labels.len()];
    for mistake in rows.iter().flat_map(|row| &row.mistakes) {
        if let Some(count) = wrong.get_mut(mistake.label) {
            *count += 1;
        }
    }
    html! {
        form.filters.scripted #filters aria-label="Which sentences are shown" {
            div.field {
                label for="by-label" { "Label" }
                select #by-label {
                    option value="" { "all labels" }
                    @for (place, (label, count)) in labels.iter().zip(wrong).enumerate() {
                        option value=(place) { (plain(&label.name)) " (" (count) ")" }
                    }
                }
            }
            div.field {
                label for="by-kind" { "Mistake" }
                select #by-kind {
                    option value="" { "false alarms and misses" }
                    option value="f" { "false alarms" }
                    option value="m" { "misses" }
                }
            }
            @if sources.len() > 1 {
                div.field {
                    label for="by-source" {
                        @match material.options.by.first() { Some(field) => bdi { (original(field)) }, None => "File" }
                    }
                    select #by-source {
                        option value="" { "all" }
                        @for (place, (source, count)) in sources.iter().enumerate() {
                            option value=(place) { (plain(source)) " (" (count) ")" }
                        }
                    }
                }
            }
            div.field.wide {
                label for="by-text" { "Words in the text or the id" }
                input #by-text type="search" dir="auto" autocomplete="off";
            }
            div.field { button type="reset" { "Show all" } }
            p #count role="status" aria-live="polite" {}
        }
    }
}

/// For each mistake of a row the number that tells its mark from the others; none where it has no
/// mark or is the only one that has.
fn numbers_of_marks(row: &WrongRow) -> Vec<Option<usize>> {
    let marked = row.mistakes.iter().map(|mistake| mistake.window.is_some());
    let several = marked.clone().filter(|&marked| marked).count() > 1;
    let mut last = 0;
    let number = |marked: bool| {
        last += usize::from(marked);
        (marked && several).then_some(last)
    };
    marked.map(number).collect()
}

/// What the script reads of a row: its mistakes as `3f` for a false alarm of label 3, `3m` for a miss.
fn signs(mistakes: &[Mistake]) -> String {
    let sign = |mistake: &Mistake| match mistake.kind {
        Kind::FalseAlarm => format!("{}f", mistake.label),
        Kind::Miss => format!("{}m", mistake.label),
    };
    mistakes.iter().map(sign).collect::<Vec<_>>().join(" ")
}

fn one_row(
    material: &Material<'_>,
    row: &WrongRow,
    record: &Record,
    sources: &BTreeMap<&str, usize>,
) -> Markup {
    let labels = material.judged.tree().labels();
    let source = sources.get(source_of(material, record).as_str()).copied();
    let marks = numbers_of_marks(row);
    html! {
        article.row data-e=(signs(&row.mistakes)) data-s=[source] {
            p.text lang="ar" dir="auto" { (marked(row, &record.text)) }
            ul.why {
                @for (mistake, number) in row.mistakes.iter().zip(marks) {
                    @let name = labels.get(mistake.label).map_or("", |label| label.name.as_str());
                    li {
                        @match mistake.kind {
                            Kind::FalseAlarm => span.kind.alarm { "false alarm" },
                            Kind::Miss => span.kind.miss { "miss" },
                        }
                        " " bdi { b { (original(name)) } }
                        " " span.n { (probability(mistake.probability)) }
                        @if let Some(number) = number { sup { (number) } }
                        (words(mistake, &record.text))
                    }
                }
            }
            p.facts {
                span { "annotated: " (names(&record.labels.iter().map(String::as_str).collect::<Vec<_>>())) }
                @if !record.unsure.is_empty() {
                    " " span { "left open: " (names(&record.unsure.iter().map(String::as_str).collect::<Vec<_>>())) }
                }
                " " span { "probabilities: " (probabilities(material, row)) }
                " " bdi.id { (original(&record.id)) }
            }
        }
    }
}

fn names(labels: &[&str]) -> Markup {
    html! {
        @if labels.is_empty() { i { "none" } }
        @for (place, label) in labels.iter().enumerate() {
            @if place > 0 { ", " }
            bdi { (original(label)) }
        }
    }
}

/// The words that count most for or against a label.
fn words(mistake: &Mistake, text: &str) -> Markup {
    let told = mistake.words.iter();
    let told = told.filter_map(|(at, value)| Some((text.get(at.clone())?, value)));
    html! {
        @for (word, value) in told {
            " " span.word { bdi { (original(word)) } (format!(" {value:+.1}")) }
        }
    }
}

/// The most probable labels, and those that are annotated.
fn probabilities(material: &Material<'_>, row: &WrongRow) -> Markup {
    let tree = material.judged.tree();
    let judgements = material.judged.rows().get(row.row).into_iter().flatten();
    let of_leaves = tree.labels().iter().zip(judgements);
    let mut told: Vec<(&str, f64)> = of_leaves
        .filter(|(label, _)| label.is_leaf(tree))
        .filter(|(_, judgement)| {
            judgement.probability >= LEAST_PROBABILITY || judgement.annotated == Some(true)
        })
        .map(|(label, judgement)| (label.name.as_str(), judgement.probability))
        .collect();
    told.sort_by(|a, b| b.1.total_cmp(&a.1));
    told.truncate(MOST_PROBABILITIES);
    html! {
        @if told.is_empty() { "all below " (probability(LEAST_PROBABILITY)) }
        @for (place, (name, value)) in told.into_iter().enumerate() {
            @if place > 0 { " · " }
            bdi { (original(name)) } " " span.n { (probability(value)) }
        }
    }
}

/// The text with its evidence marked; of a long one the part around the evidence.
fn marked(row: &WrongRow, text: &str) -> Markup {
    let windows: Vec<Option<Range<usize>>> =
        row.mistakes.iter().map(|m| m.window.clone()).collect();
    let shown = shown_part(text, &windows);
    let (before, after) = (shown.start, text.len() - shown.end);
    let within = |window: &Option<Range<usize>>| {
        let window = window.as_ref()?;
        let (start, end) = (window.start.max(shown.start), window.end.min(shown.end));
        (start < end).then(|| start - shown.start..end - shown.start)
    };
    let windows: Vec<Option<Range<usize>>> = windows.iter().map(within).collect();
    let part = text.get(shown).unwrap_or(text);
    let has = |numbers: &[usize], kind: Kind| {
        let mistakes = numbers
            .iter()
            .filter_map(|&number| row.mistakes.get(number));
        mistakes.into_iter().any(|mistake| mistake.kind == kind)
    };
    let marks = numbers_of_marks(row);
    let beginning = |begins: &[usize]| -> Vec<String> {
        let marks = begins.iter().filter_map(|&place| *marks.get(place)?);
        marks.map(|number| number.to_string()).collect()
    };
    html! {
        @if before > 0 { i.cut { "[… " (before) " bytes …] " } }
        @for piece in pieces(part, &windows) {
            @if piece.windows.is_empty() {
                (original(piece.text))
            } @else {
                @let numbers = beginning(&piece.begins);
                @if !numbers.is_empty() { sup { (numbers.join(",")) } }
                mark.alarm[has(&piece.windows, Kind::FalseAlarm)].miss[has(&piece.windows, Kind::Miss)] {
                    (original(piece.text))
                }
            }
        }
        @if after > 0 { i.cut { " [… " (after) " bytes …]" } }
    }
}

/// The bytes of a text that are shown.
fn shown_part(text: &str, windows: &[Option<Range<usize>>]) -> Range<usize> {
    if text.chars().nth(LONGEST_TEXT).is_none() {
        return 0..text.len();
    }
    let starts = windows.iter().flatten().map(|window| window.start);
    let ends = windows.iter().flatten().map(|window| window.end);
    let (start, end) = (starts.min().unwrap_or(0), ends.max().unwrap_or(0));
    let before = text.get(..start).unwrap_or("");
    let skipped = before.chars().count().saturating_sub(AROUND);
    let from = before
        .char_indices()
        .nth(skipped)
        .map_or(start, |(at, _)| at);
    // However far apart its windows lie.
    let longest = text
        .get(from..)
        .unwrap_or("")
        .char_indices()
        .nth(2 * LONGEST_TEXT);
    let after = text.get(end..).unwrap_or("").char_indices().nth(AROUND);
    let to = after.map_or(text.len(), |(at, _)| end + at);
    from..longest.map_or(to, |(at, _)| to.min(from + at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_shown_around_their_evidence() {
        let text = "كلمة ".repeat(2000);
        let window = 9000..9018;
        let shown = shown_part(&text, &[Some(window.clone())]);
        assert!(shown.start < window.start && window.end < shown.end);
        let part = text.get(shown).unwrap();
        assert!((1000..1050).contains(&part.chars().count()));
        let far = shown_part(&text, &[Some(0..8), Some(17_000..17_010)]);
        assert_eq!(text.get(far).unwrap().chars().count(), 2 * LONGEST_TEXT);
        assert_eq!(shown_part("قصير", &[]), 0..8);
    }
}
