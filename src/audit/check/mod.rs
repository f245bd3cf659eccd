//! What is wrong with a corpus, each kind of thing with its rows and what to do.

mod characters;
mod labels;
mod repeats;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::finding::{Finding, FoundRow, Severity};
use super::near_duplicates::Threshold;
use crate::corpus::{LabelSet, Record, RowPlace, Survey, with_parents};

/// What a corpus is held against.
#[derive(Clone, Debug)]
pub struct CheckSettings {
    /// The labels that there are; others are errors. Without them any label is good.
    pub labels: Option<LabelSet>,
    /// From which similarity on texts are near-duplicates.
    pub similarity: Threshold,
    /// A label of fewer sentences is rare.
    pub rare: usize,
    /// A label in fewer documents cannot be in every fold.
    pub folds: usize,
    /// A row of more words is very long.
    pub most_words: usize,
}

impl Default for CheckSettings {
    fn default() -> Self {
        Self {
            labels: None,
            similarity: Threshold::default(),
            rare: 30,
            folds: 5,
            most_words: 120,
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// Rows read, whatever is wrong with them.
    pub rows: usize,
    /// Rows with text and annotation.
    pub sentences: usize,
    /// Documents of these.
    pub documents: usize,
    /// Sentences annotated with no label.
    pub without_label: usize,
    /// The labels with their parents, in alphabetical order.
    pub labels: Vec<LabelCount>,
    /// What was found, the gravest first.
    pub findings: Vec<Finding>,
}

/// How often a label is annotated.
#[derive(Clone, Debug, Serialize)]
pub struct LabelCount {
    /// The label.
    pub label: String,
    /// Sentences that hold it or a child of it.
    pub sentences: usize,
    /// Documents of these.
    pub documents: usize,
}

impl Checked {
    /// Whether anything graver than a note was found.
    pub fn is_wrong(&self) -> bool {
        let gravest = self.findings.iter().map(|found| found.severity).max();
        gravest > Some(Severity::Note)
    }
}

/// Checks a corpus, and where one is given a test set against it.
pub fn check(corpus: &Survey, test: Option<&Survey>, settings: &CheckSettings) -> Checked {
    let records = &corpus.records;
    let counts = count_labels(records);
    let mut findings = unreadable(corpus);
    if let Some(test) = test {
        let of_test = unreadable(test).into_iter();
        findings.extend(of_test.map(|found| Finding {
            message: format!("In the test set: {}", found.message),
            ..found
        }));
    }
    findings.extend(labels::check(records, &counts, settings));
    findings.extend(texts::check(records, settings));
    findings.extend(repeats::check(
        records,
        test.map(|t| &t.records[..]),
        settings,
    ));
    findings.sort_by_key(|found| std::cmp::Reverse(found.severity));
    let documents: BTreeSet<&str> = records.iter().map(|record| record.doc.as_str()).collect();
    let none = records.iter().filter(|record| record.labels.is_empty());
    Checked {
        rows: corpus.rows(),
        sentences: records.len(),
        documents: documents.len(),
        without_label: none.count(),
        labels: counts,
        findings,
    }
}

fn count_labels(records: &[Record]) -> Vec<LabelCount> {
    let mut found: BTreeMap<String, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for record in records {
        for label in with_parents(record.labels.iter().map(String::as_str)) {
            let (sentences, documents) = found.entry(label).or_default();
            *sentences += 1;
            documents.insert(&record.doc);
        }
    }
    let counts = found.into_iter();
    let counts = counts.map(|(label, (sentences, documents))| LabelCount {
        label,
        sentences,
        documents: documents.len(),
    });
    counts.collect()
}

/// Rows that nothing can be learnt from.
fn unreadable(corpus: &Survey) -> Vec<Finding> {
    let at = |places: &[RowPlace]| places.iter().map(FoundRow::at).collect();
    let errors = corpus.errors.iter();
    let errors = errors.map(|(place, message)| FoundRow::at(place).with_detail(message));
    let findings = [
        Finding::of_rows(
            ("invalid_row", Severity::Error),
            errors.collect(),
            "rows cannot be read",
            "Correct these lines: training stops at the first of them.",
        ),
        Finding::of_rows(
            ("empty_row", Severity::Warning),
            at(&corpus.empty),
            "rows have no text",
            "Give them their text or delete them; they are left out of everything.",
        ),
        Finding::of_rows(
            ("row_without_annotation", Severity::Note),
            at(&corpus.unannotated),
            "rows are not annotated, and left out",
            "If they were read and hold no label, write \"none\" or []; else leave them.",
        ),
        corpus.records.is_empty().then(|| Finding {
            code: "empty_corpus",
            severity: Severity::Error,
            count: 0,
            message: "there is no annotated sentence".into(),
            advice: "Name the files that hold the annotations.",
            rows: Vec::new(),
        }),
    ];
    findings.into_iter().flatten().collect()
}
