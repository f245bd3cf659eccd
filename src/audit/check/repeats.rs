//! Rows that repeat others: in one document, across documents, across training and test.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rayon::prelude::*;

use super::CheckSettings;
use crate::audit::finding::{Finding, FoundRow, Severity};
use crate::audit::near_duplicates::{NearDuplicates, NearIndex, Threshold, near_duplicates};
use crate::corpus::{Record, display};
use crate::text::Normalizer;

/// A row is compared with at most so many earlier rows of its group.
const MOST_COMPARED: usize = 200;

pub(super) fn check(
    records: &[Record],
    test: Option<&[Record]>,
    settings: &CheckSettings,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(documents_missing(records));
    findings.extend(repeated_ids(records));
    findings.extend(contradictions(records));
    let test = test.unwrap_or_default();
    let texts: Vec<&str> = records.iter().map(|record| record.text.as_str()).collect();
    let near = near_duplicates(&texts, settings.similarity);
    findings.extend(near_in_corpus(records, &near));
    findings.extend(leaks(records, test, settings.similarity));
    findings
}

/// Without documents the sentences of one report fall into several folds.
fn documents_missing(records: &[Record]) -> Option<Finding> {
    let without: Vec<&Record> = records.iter().filter(|r| !r.has_document()).collect();
    let all = without.len() == records.len();
    let (severity, rows) = match all {
        // Every row is meant.
        true => (Severity::Warning, Vec::new()),
        false => (
            Severity::Note,
            without.iter().map(|&r| FoundRow::of(r)).collect(),
        ),
    };
    (!without.is_empty()).then(|| Finding {
        code: "documents_missing",
        severity,
        count: without.len(),
        message: match all {
            true => "no row names a document: sentences of one report get into several folds, and figures look better than they are".into(),
            false => "rows name no document; each is taken for a document of its own".into(),
        },
        advice: "Add a field \"doc\" with the report that each sentence is from.",
        rows,
    })
}

/// Ids that several rows have, the readings of several annotators apart.
fn repeated_ids(records: &[Record]) -> Option<Finding> {
    let mut seen: BTreeMap<(&str, Option<&str>), &Record> = BTreeMap::new();
    let mut rows = Vec::new();
    for record in records.iter().filter(|record| record.has_id()) {
        let key = (record.id.as_str(), record.annotator.as_deref());
        match seen.get(&key) {
            None => drop(seen.insert(key, record)),
            Some(first) => {
                rows.push(FoundRow::of(record).with_detail(format!("also {}", first.place())))
            }
        }
    }
    Finding::of_rows(
        ("repeated_id", Severity::Warning),
        rows,
        "rows have the id of an earlier row",
        "Give each row an id of its own, or predictions cannot be joined to them.",
    )
}

/// What annotators said of one text.
struct Readings<'a> {
    rows: Vec<&'a Record>,
}

impl Readings<'_> {
    fn differ(&self) -> bool {
        let first = self.rows.first().map(|row| &row.labels);
        self.rows.iter().any(|row| Some(&row.labels) != first)
    }

    /// Whether each row is by an annotator of its own.
    fn by_several(&self) -> bool {
        let names: BTreeSet<&str> = self
            .rows
            .iter()
            .filter_map(|row| row.annotator.as_deref())
            .collect();
        names.len() == self.rows.len()
    }

    /// Whether the rows are alike to the letter.
    fn same_text(&self) -> bool {
        let first = self.rows.first().map(|row| row.text.trim());
        self.rows.iter().all(|row| Some(row.text.trim()) == first)
    }

    fn found(&self) -> impl Iterator<Item = FoundRow> {
        let rows = self.rows.iter();
        rows.map(|row| FoundRow::of(row).with_detail(display(&row.labels)))
    }
}

/// Texts with more than one annotation.
fn contradictions(records: &[Record]) -> Vec<Finding> {
    let normalizer = Normalizer::default();
    let mut by_text: BTreeMap<String, Readings<'_>> = BTreeMap::new();
    for record in records {
        let normalized = normalizer.normalize(record.text.trim()).text().to_owned();
        let readings = by_text.entry(normalized);
        let readings = readings.or_insert_with(|| Readings { rows: Vec::new() });
        readings.rows.push(record);
    }
    let (mut exact, mut folded, mut disputed) = (Vec::new(), Vec::new(), Vec::new());
    for readings in by_text.values().filter(|readings| readings.differ()) {
        match (readings.by_several(), readings.same_text()) {
            (true, _) => disputed.extend(readings.found()),
            (false, true) => exact.extend(readings.found()),
            (false, false) => folded.extend(readings.found()),
        }
    }
    let findings = [
        Finding::of_rows(
            ("contradictory_duplicates", Severity::Error),
            exact,
            "rows hold the same text as another row, with different labels",
            "Settle their labels; training refuses them unless told --contradictions keep or drop.",
        ),
        Finding::of_rows(
            ("contradictory_after_folding", Severity::Warning),
            folded,
            "rows differ from another row only in spelling or marks, and have different labels",
            "Settle their labels: the model reads them as the same text.",
        ),
        Finding::of_rows(
            ("annotators_differ", Severity::Note),
            disputed,
            "rows were annotated by several people, who differ",
            "marsad corpus agreement tells how much, and lists what is in dispute.",
        ),
    ];
    findings.into_iter().flatten().collect()
}

/// Rows that resemble an earlier one.
fn near_in_corpus(records: &[Record], near: &NearDuplicates) -> Vec<Finding> {
    let (mut within, mut across, mut differing) = (Vec::new(), Vec::new(), Vec::new());
    for group in near.groups() {
        for (place, &row) in group.iter().enumerate().skip(1) {
            let record = &records[row];
            let earlier = &group[place.saturating_sub(MOST_COMPARED)..place];
            // Readings of one text by several annotators are one item.
            let is_reading = |&other: &usize| {
                let (a, b) = (&record.annotator, &records[other].annotator);
                a.is_some() && b.is_some() && a != b && near.similarity(row, other) == 1.0
            };
            let earlier: Vec<usize> = earlier.iter().copied().filter(|o| !is_reading(o)).collect();
            let of_other = |&other: &usize| records[other].doc != record.doc;
            let others: Vec<usize> = earlier.iter().copied().filter(of_other).collect();
            if let Some((other, similarity)) = near.nearest(row, &others) {
                across.push(FoundRow::of(record).similar_to(&records[other], similarity));
            } else if let Some((other, similarity)) = near.nearest(row, &earlier) {
                within.push(FoundRow::of(record).similar_to(&records[other], similarity));
            }
            let differ = |&other: &usize| records[other].labels != record.labels;
            let contrary: Vec<usize> = earlier.into_iter().filter(differ).collect();
            let contrary = near.nearest(row, &contrary);
            if let Some((other, similarity)) = contrary.filter(|&(_, share)| share < 1.0) {
                let labels = [&record.labels, &records[other].labels].map(display);
                let row = FoundRow::of(record).similar_to(&records[other], similarity);
                differing.push(row.with_detail(format!("{} against {}", labels[0], labels[1])));
            }
        }
    }
    for rows in [&mut within, &mut across, &mut differing] {
        sort(rows, records);
    }
    let findings = [
        Finding::of_rows(
            ("near_duplicates_across_documents", Severity::Warning),
            across,
            "rows nearly repeat a row of another document",
            "Folds by document do not keep them apart, and figures look better than they are: delete them, give both the same doc, or divide with marsad corpus split.",
        ),
        Finding::of_rows(
            ("near_duplicates_within_document", Severity::Note),
            within,
            "rows nearly repeat an earlier row of their document",
            "They count twice in training and in figures; delete what is repeated by mistake.",
        ),
        Finding::of_rows(
            ("near_duplicates_differ", Severity::Note),
            differing,
            "rows nearly repeat a row that has other labels",
            "Look whether the words that differ are the reason; if not, settle the labels.",
        ),
    ];
    findings.into_iter().flatten().collect()
}

/// Puts rows that were found group by group into the order of the corpus.
fn sort(rows: &mut [FoundRow], records: &[Record]) {
    let mut files: BTreeMap<String, usize> = BTreeMap::new();
    for record in records {
        let next = files.len();
        files
            .entry(record.file.display().to_string())
            .or_insert(next);
    }
    rows.sort_by_key(|row| (files.get(&row.file).copied(), row.line));
}

/// Rows of the test set that training has seen.
fn leaks(records: &[Record], test: &[Record], threshold: Threshold) -> Vec<Finding> {
    let mut index = NearIndex::new(threshold);
    let mut leaked: Vec<FoundRow> = Vec::new();
    if !test.is_empty() {
        // A text that training repeats stands for all its repeats, so that none has to make room.
        let (mut seen, mut trained) = (HashSet::new(), Vec::new());
        for record in records {
            let prepared = index.prepare(&record.text);
            if seen.insert(prepared.set_hash()) {
                index.add(&prepared);
                trained.push(record);
            }
        }
        let found = test.par_iter().filter_map(|record| {
            let (place, share) = index.nearest(&index.prepare(&record.text))?;
            Some(FoundRow::of(record).similar_to(trained.get(place)?, share))
        });
        leaked = found.collect();
    }
    sort(&mut leaked, test);
    let documents: BTreeSet<&str> = records
        .iter()
        .filter(|record| record.has_document())
        .map(|record| record.doc.as_str())
        .collect();
    let shared = test
        .iter()
        .filter(|record| record.has_document() && documents.contains(record.doc.as_str()))
        .map(|record| FoundRow::of(record).with_detail(format!("document {}", record.doc)));
    let findings = [
        Finding::of_rows(
            ("test_rows_in_training", Severity::Error),
            leaked,
            "rows of the test set nearly repeat a row of the corpus",
            "Take them out of one of the two: figures on them say nothing about new text.",
        ),
        Finding::of_rows(
            ("test_documents_in_training", Severity::Error),
            shared.collect(),
            "rows of the test set are of a document of the corpus",
            "Divide by document (marsad corpus split), or give documents different names if they differ.",
        ),
    ];
    findings.into_iter().flatten().collect()
}
