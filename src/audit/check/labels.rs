//! What is wrong with the labels of a corpus.

use std::collections::{BTreeMap, BTreeSet};

use super::{CheckSettings, LabelCount};
use crate::audit::finding::{Finding, FoundRow, Severity};
use crate::corpus::{Record, leaves, with_parents};
use crate::text::Normalizer;

/// With so many times more sentences than the rarest label the most frequent is out of proportion.
const IMBALANCE: usize = 20;

/// Labels that stand together less often than this may do so by chance.
const FEWEST_TOGETHER: usize = 5;

/// No corpus has more labels than this.
const MOST_LABELS: usize = 1000;

/// Labels that a message names.
const MOST_NAMED: usize = 50;

pub(super) fn check(
    records: &[Record],
    counts: &[LabelCount],
    settings: &CheckSettings,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(unknown(records, settings));
    // What is no list of labels is told once: each with each would take hours and say nothing.
    if counts.len() > MOST_LABELS {
        findings.push(too_many(counts));
        findings.extend(without_negatives(records));
        return findings;
    }
    findings.extend(alike(records, counts));
    findings.extend(rare(records, counts, settings));
    findings.extend(imbalance(counts));
    findings.extend(without_negatives(records));
    findings.extend(only_together(records));
    findings
}

fn too_many(counts: &[LabelCount]) -> Finding {
    let some: Vec<String> = counts
        .iter()
        .take(3)
        .map(|c| format!("{:?}", c.label))
        .collect();
    Finding {
        code: "too_many_labels",
        severity: Severity::Error,
        count: counts.len(),
        message: format!(
            "there are {} labels, as {}: is this the label column? Labels were not compared with each other",
            counts.len(),
            some.join(", ")
        ),
        advice: "Name the column with the labels \"labels\" and separate several with |; a corpus has a few dozen labels, not thousands.",
        rows: Vec::new(),
    }
}

/// Labels that are none of those given.
fn unknown(records: &[Record], settings: &CheckSettings) -> Option<Finding> {
    let known = with_parents(settings.labels.as_ref()?.iter().map(String::as_str));
    let rows = records.iter().filter_map(|record| {
        let labels = record.labels.iter().chain(&record.unsure);
        let unknown: Vec<&str> = labels
            .filter(|label| !known.contains(*label))
            .map(String::as_str)
            .collect();
        let found = !unknown.is_empty();
        found.then(|| FoundRow::of(record).with_detail(unknown.join(", ")))
    });
    let names = records
        .iter()
        .flat_map(|r| r.labels.iter().chain(&r.unsure));
    let names: BTreeSet<&String> = names.collect();
    let names = names.into_iter().filter(|name| !known.contains(*name));
    let names: Vec<&str> = names.map(String::as_str).collect();
    let rest = match names.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        rest => format!(" and {rest} others"),
    };
    let names = &names[..names.len().min(MOST_NAMED)];
    Finding::of_rows(
        ("unknown_label", Severity::Error),
        rows.collect(),
        &format!(
            "rows have labels that are not in the list: {}{rest}",
            names.join(", ")
        ),
        "Correct them, rename them with --aliases, or add them to the list.",
    )
}

/// A name without what spelling and habit vary.
fn folded(name: &str) -> String {
    let normalized = Normalizer::default().normalize(name);
    let letters = normalized.text().chars();
    letters
        .filter(|letter| letter.is_alphanumeric() || *letter == '.')
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether one name is another with a letter changed, added, left out or two exchanged. Digits tell
/// names apart.
fn is_misspelling(left: &str, right: &str) -> bool {
    const SHORTEST: usize = 5;
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let (short, long) = match left.len() <= right.len() {
        true => (&left, &right),
        false => (&right, &left),
    };
    if short.len() < SHORTEST || long.len() > short.len() + 1 {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (rest, other) = (&short[same..], &long[same..]);
    let touched = rest.iter().chain(other).take(2);
    if touched.filter(|letter| letter.is_numeric()).count() > 0 {
        return false;
    }
    if short.len() < long.len() {
        return rest == &other[1..];
    }
    let exchanged = matches!((rest, other), ([a, b, ..], [c, d, ..]) if a == d && b == c);
    rest.get(1..) == other.get(1..) || (exchanged && rest.get(2..) == other.get(2..))
}

/// Labels that are probably meant to be one.
fn alike(records: &[Record], counts: &[LabelCount]) -> Vec<Finding> {
    let names: Vec<(&LabelCount, String)> = counts
        .iter()
        .map(|count| (count, folded(&count.label)))
        .collect();
    let mut findings = Vec::new();
    for (at, (left, left_folded)) in names.iter().enumerate() {
        for (right, right_folded) in &names[at + 1..] {
            let spelling = is_misspelling(left_folded, right_folded);
            if left_folded != right_folded && !spelling {
                continue;
            }
            let (rarer, other) = match right.sentences < left.sentences {
                true => (right, left),
                false => (left, right),
            };
            let rows = records.iter().filter(|record| record.holds(&rarer.label));
            findings.extend(Finding::of_rows(
                ("labels_alike", Severity::Warning),
                rows.map(FoundRow::of).collect(),
                &format!(
                    "rows have the label {:?}, which differs from {:?} ({} rows) only in spelling",
                    rarer.label, other.label, other.sentences
                ),
                "If they mean the same, rename one with --aliases or in the files.",
            ));
        }
    }
    findings
}

/// Labels with too little text to learn them from, or to measure them with.
fn rare(records: &[Record], counts: &[LabelCount], settings: &CheckSettings) -> Vec<Finding> {
    let scarce = counts
        .iter()
        .filter(|count| count.sentences < settings.rare || count.documents < settings.folds);
    let finding = |count: &LabelCount| {
        let rows = records.iter().filter(|record| record.holds(&count.label));
        Finding::of_rows(
            ("rare_label", Severity::Warning),
            rows.map(FoundRow::of).collect(),
            &format!(
                "the label {:?} has only these rows, in {} documents",
                count.label, count.documents
            ),
            "Annotate more of it, join it with its neighbour, or read its figures as guesses.",
        )
    };
    scarce.filter_map(finding).collect()
}

fn imbalance(counts: &[LabelCount]) -> Option<Finding> {
    let names = counts.iter().map(|count| count.label.clone()).collect();
    let of_leaves = leaves(&names);
    let mut counts: Vec<&LabelCount> = counts
        .iter()
        .filter(|count| of_leaves.contains(&count.label))
        .collect();
    counts.sort_by_key(|count| count.sentences);
    let (least, most) = (counts.first()?, counts.last()?);
    (most.sentences > IMBALANCE * least.sentences).then(|| Finding {
        code: "imbalance",
        severity: Severity::Note,
        count: 2,
        message: format!(
            "labels are far apart: {:?} has {} sentences, {:?} {}",
            most.label, most.sentences, least.label, least.sentences
        ),
        advice: "Look at the figures of each label, not only at averages; annotate more of the rare one.",
        rows: Vec::new(),
    })
}

/// Nothing to learn from what is no event.
fn without_negatives(records: &[Record]) -> Option<Finding> {
    const FEWEST: f64 = 0.05;
    let names: BTreeSet<&String> = records.iter().flat_map(|r| &r.labels).collect();
    // A corpus with one label a row has no such rows by design.
    let single = records.iter().all(|record| record.labels.len() == 1) && names.len() > 1;
    let none = records.iter().filter(|r| r.labels.is_empty()).count();
    let share = none as f64 / records.len().max(1) as f64;
    (!records.is_empty() && !single && share < FEWEST).then(|| Finding {
        code: "few_rows_without_label",
        severity: Severity::Warning,
        count: none,
        message: format!(
            "of {} rows only {none} are annotated with no label; most sentences of real text hold none",
            records.len()
        ),
        advice: "Add sentences that hold none of the labels, near misses above all, or the model will see events everywhere.",
        rows: Vec::new(),
    })
}

/// Labels that nothing in the corpus tells apart.
fn only_together(records: &[Record]) -> Vec<Finding> {
    let mut rows_of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, record) in records.iter().enumerate() {
        for label in &record.labels {
            rows_of.entry(label).or_default().push(row);
        }
    }
    let mut findings = Vec::new();
    for (label, rows) in rows_of
        .iter()
        .filter(|(_, rows)| rows.len() >= FEWEST_TOGETHER)
    {
        for (other, others) in rows_of.iter().filter(|(other, _)| *other != label) {
            let same = rows == others;
            let within = rows.iter().all(|row| others.binary_search(row).is_ok());
            if !within || (same && other < label) {
                continue;
            }
            let (code, severity, message) = match same {
                true => (
                    "labels_only_together",
                    Severity::Warning,
                    format!(
                        "rows have {label:?} and {other:?}, and no row has one without the other"
                    ),
                ),
                false => (
                    "label_only_with_another",
                    Severity::Note,
                    format!("rows have {label:?}, every one of them {other:?} as well"),
                ),
            };
            let found = rows.iter().filter_map(|&row| records.get(row));
            findings.extend(Finding::of_rows(
                (code, severity),
                found.map(FoundRow::of).collect(),
                &message,
                "Annotate sentences that hold only one of them, or make one a child of the other (other.label).",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: usize, labels: &[String], unsure: &[String]) -> Record {
        Record {
            id: number.to_string(),
            doc: number.to_string(),
            text: format!("خبر رقم {number}"),
            labels: labels.iter().cloned().collect(),
            unsure: unsure.iter().cloned().collect(),
            annotator: None,
            fields: Default::default(),
            file: Default::default(),
            line: number as u64 + 1,
        }
    }

    #[test]
    fn thousands_of_labels_are_told_once_and_not_compared() {
        let records: Vec<Record> = (0..1200)
            .map(|number| record(number, &[format!("heading-{number}-{number}")], &[]))
            .collect();
        let counts = super::super::count_labels(&records);
        let findings = check(&records, &counts, &CheckSettings::default());
        let codes: Vec<&str> = findings.iter().map(|found| found.code).collect();
        assert_eq!(codes, ["too_many_labels"]);
        assert_eq!(findings[0].severity, Severity::Error);
        assert_eq!(findings[0].count, 1200);
    }

    #[test]
    fn unknown_labels_are_named_where_they_are_only_open() {
        let settings = CheckSettings {
            labels: Some(["fire".to_owned()].into()),
            ..CheckSettings::default()
        };
        let records = [record(1, &["fire".to_owned()], &["fir".to_owned()])];
        let found = unknown(&records, &settings).unwrap();
        assert!(
            found.message.ends_with("in the list: fir"),
            "{}",
            found.message
        );
    }

    #[test]
    fn misspellings_are_one_step_away() {
        assert!(is_misspelling("airstrike", "airstrke"));
        assert!(is_misspelling("airstrike", "airstirke"));
        assert!(is_misspelling("airstrike", "airstrikes"));
        assert!(is_misspelling("airstrike", "airstroke"));
        assert!(!is_misspelling("airstrike", "shelling"));
        assert!(!is_misspelling("topic1", "topic2"));
        assert!(!is_misspelling("topic1", "topic12"));
        assert!(!is_misspelling("war", "wars"));
        assert_eq!(folded("Air-Strike "), folded("air_strike"));
        assert_eq!(folded("إعتقال"), folded("اعتقال"));
        assert_ne!(folded("capture.person"), folded("captureperson"));
    }
}
