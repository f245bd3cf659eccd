//! Dividing a corpus into training, development and test sets that share no document and no sentence.

mod write;

use std::collections::{BTreeMap, BTreeSet};

use std::path::Path;

use serde::Serialize;

pub use crate::corpus::Date;
pub use write::write_parts;

use super::finding::FoundRow;
use super::near_duplicates::{Groups, Threshold, near_duplicates};
use crate::corpus::{Record, Survey, assign_shares, document_numbers, with_parents};
use crate::error::{Error, Result};

/// A part of a corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// To learn from.
    Train,
    /// To choose settings on.
    Dev,
    /// To measure on, once.
    Test,
}

impl Part {
    /// The parts in their order.
    pub const ALL: [Self; 3] = [Self::Train, Self::Dev, Self::Test];

    /// The name of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::Test => "test",
        }
    }
}

/// What decides which rows are for testing.
#[derive(Clone, Debug, PartialEq)]
pub enum TestRows {
    /// This share of the rows, by chance, the labels spread evenly.
    Share(f64),
    /// Documents with a row from this date on, by a field of the rows.
    From {
        /// The field.
        field: String,
        /// The first day.
        date: Date,
    },
    /// Documents with a row that has one of these values in a field.
    Values {
        /// The field.
        field: String,
        /// The values.
        values: BTreeSet<String>,
    },
}

/// How a corpus is divided.
#[derive(Clone, Debug)]
pub struct SplitSettings {
    /// Which rows are for testing.
    pub test: TestRows,
    /// The share for development: of all rows where the test is a share, else of the rows that are
    /// not for testing. May be 0.
    pub dev: f64,
    /// Decides what is left to chance.
    pub seed: u64,
    /// From which similarity on texts stay together.
    pub similarity: Threshold,
}

/// The part of each row, and what it comes to.
#[derive(Clone, Debug)]
pub struct Division {
    /// For each record of the survey its part; `None` where it has no date to go by.
    pub parts: Vec<Option<Part>>,
    /// What it comes to.
    pub summary: SplitSummary,
}

/// What a division comes to.
#[derive(Clone, Debug, Serialize)]
pub struct SplitSummary {
    /// Rows of the corpus: the sum of the parts and of what is left out.
    pub rows: usize,
    /// Rows in no part.
    pub left_out: LeftOut,
    /// Decides what is left to chance.
    pub seed: u64,
    /// Share of common 5-grams from which on texts stay together.
    pub similarity: f64,
    /// Sets of documents that are tied together by near-duplicates, with single documents.
    pub groups: usize,
    /// Rows of the largest.
    pub largest_group: usize,
    /// Documents that have rows on both sides of the date, or with and without the value; they are
    /// for testing as a whole.
    pub documents_on_both_sides: usize,
    /// Test rows that nearly repeat a row of another part; none where the test is a share.
    pub repeated_in_test: Vec<FoundRow>,
    /// The parts.
    pub parts: Vec<PartSummary>,
}

/// Rows that are in no part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Rows without annotation.
    pub unannotated: usize,
    /// Rows without text.
    pub empty: usize,
    /// Rows without a date, where the date decides.
    pub undated: usize,
}

impl LeftOut {
    /// All of them.
    pub fn rows(&self) -> usize {
        self.unannotated + self.empty + self.undated
    }
}

/// What a part holds.
#[derive(Clone, Debug, Serialize)]
pub struct PartSummary {
    /// The part.
    pub part: Part,
    /// Its rows.
    pub rows: usize,
    /// Their share of the rows in all parts.
    pub share: f64,
    /// Documents.
    pub documents: usize,
    /// Rows annotated with no label.
    pub without_label: usize,
    /// Rows of each label of the corpus and of their parents.
    pub labels: BTreeMap<String, usize>,
}

/// Divides a corpus. Documents stay whole, and so do groups of near-duplicates where the test is a
/// share; the labels are spread as evenly as that allows (Sechidis, Tsoumakas and Vlahavas 2011).
///
/// # Errors
/// When rows are in error, shares are out of bounds, or a part would be empty.
pub fn split(corpus: &Survey, settings: &SplitSettings) -> Result<Division> {
    refuse_errors(corpus)?;
    let records = &corpus.records;
    let texts: Vec<&str> = records.iter().map(|record| record.text.as_str()).collect();
    let near = near_duplicates(&texts, settings.similarity);
    let documents = document_numbers(records);
    let mut ties = Groups::new(records.len());
    let mut first_of_document: BTreeMap<usize, usize> = BTreeMap::new();
    for (row, &document) in documents.iter().enumerate() {
        let first = *first_of_document.entry(document).or_insert(row);
        ties.join(first, row);
        ties.join(near.first_of(row), row);
    }
    // What stands on one line cannot be divided.
    let files = corpus.files.iter().filter(|file| file.has_lines);
    let in_lines: BTreeSet<&Path> = files.map(|file| file.path.as_path()).collect();
    let mut first_of_line: BTreeMap<(&Path, u64), usize> = BTreeMap::new();
    for (row, record) in records.iter().enumerate() {
        if in_lines.contains(record.file.as_path()) {
            let first = first_of_line.entry((&record.file, record.line));
            ties.join(*first.or_insert(row), row);
        }
    }
    let groups: Vec<usize> = (0..records.len()).map(|row| ties.first(row)).collect();
    let divider = Divider {
        records,
        documents: &documents,
        groups: &groups,
        settings,
    };
    let (parts, documents_on_both_sides) = divider.divide()?;
    let sizes = groups.iter().fold(BTreeMap::new(), |mut sizes, &group| {
        *sizes.entry(group).or_insert(0) += 1;
        sizes
    });
    let in_part = |part| {
        parts
            .iter()
            .filter(move |&&of_row| of_row == Some(part))
            .count()
    };
    let wanted = [true, settings.dev > 0.0, true];
    for (part, _) in Part::ALL
        .into_iter()
        .zip(wanted)
        .filter(|&(_, wanted)| wanted)
    {
        if in_part(part) == 0 {
            return Err(Error::Corpus(format!(
                "the {} set would be empty: {} documents in {} groups that must stay together are too few, or none is on that side; choose other shares or another limit",
                part.name(),
                first_of_document.len(),
                sizes.len()
            )));
        }
    }
    let rows = records.len();
    let mut repeated_in_test = Vec::new();
    for group in near.groups() {
        let others = group.iter().copied();
        let others: Vec<usize> = others
            .filter(|&row| matches!(parts[row], Some(Part::Train | Part::Dev)))
            .take(200)
            .collect();
        for &row in group.iter().filter(|&&row| parts[row] == Some(Part::Test)) {
            if let Some((other, share)) = near.nearest(row, &others) {
                repeated_in_test.push((
                    row,
                    FoundRow::of(&records[row]).similar_to(&records[other], share),
                ));
            }
        }
    }
    repeated_in_test.sort_by_key(|&(row, _)| row);
    let summary = SplitSummary {
        rows: corpus.rows(),
        left_out: LeftOut {
            unannotated: corpus.unannotated.len(),
            empty: corpus.empty.len(),
            undated: rows - parts.iter().flatten().count(),
        },
        seed: settings.seed,
        similarity: settings.similarity.share(),
        groups: sizes.len(),
        largest_group: sizes.into_values().max().unwrap_or(0),
        documents_on_both_sides,
        repeated_in_test: repeated_in_test
            .into_iter()
            .map(|(_, found)| found)
            .collect(),
        parts: summarize(records, &parts, settings.dev > 0.0),
    };
    Ok(Division { parts, summary })
}

/// Rows that cannot be read could only be lost.
fn refuse_errors(corpus: &Survey) -> Result<()> {
    if let Some((place, message)) = corpus.errors.first() {
        let others = corpus.errors.len() - 1;
        return Err(Error::Row {
            path: place.file.to_path_buf(),
            line: place.line,
            message: match others {
                0 => message.clone(),
                _ => format!(
                    "{message}; {others} more rows are in error: marsad corpus check lists them"
                ),
            },
        });
    }
    if corpus.records.is_empty() {
        return Err(Error::Corpus(format!(
            "the corpus is empty: no annotated sentence was found ({} rows without annotation, {} without text)",
            corpus.unannotated.len(),
            corpus.empty.len()
        )));
    }
    Ok(())
}

struct Divider<'a> {
    records: &'a [Record],
    documents: &'a [usize],
    groups: &'a [usize],
    settings: &'a SplitSettings,
}

impl Divider<'_> {
    /// The part of each row, and how many documents lie on both sides of what decides.
    fn divide(&self) -> Result<(Vec<Option<Part>>, usize)> {
        let dev = self.settings.dev;
        let sides: Vec<Option<bool>> = match &self.settings.test {
            TestRows::Share(test) => {
                let shares = [1.0 - test - dev, dev, *test];
                let named = ["the rest", "dev", "test"].into_iter().zip(shares);
                check_shares(named)?;
                return Ok((self.assign(&shares, &vec![true; self.records.len()]), 0));
            }
            TestRows::From { field, date } => {
                let day = |record| Some(Date::read(&field_of(record, field)?)?.may_be_from(*date));
                let sides: Vec<Option<bool>> = self.records.iter().map(day).collect();
                if sides.iter().all(Option::is_none) {
                    return Err(Error::Corpus(format!(
                        "no row has a date (2015, 2015-08 or 2015-08-06) in the field {field:?}"
                    )));
                }
                sides
            }
            TestRows::Values { field, values } => {
                self.check_values(field, values)?;
                let is_one = |record| field_of(record, field).is_some_and(|v| values.contains(&v));
                let sides = self.records.iter().map(|record| Some(is_one(record)));
                sides.collect()
            }
        };
        check_shares([("the rest", 1.0 - dev), ("dev", dev)])?;
        let of_document = |wanted: bool| -> BTreeSet<usize> {
            let rows = sides.iter().zip(self.documents);
            rows.filter_map(|(side, &document)| (*side == Some(wanted)).then_some(document))
                .collect()
        };
        let (testing, others) = (of_document(true), of_document(false));
        let kept: Vec<bool> = sides
            .iter()
            .zip(self.documents)
            .map(|(side, document)| side.is_some() && !testing.contains(document))
            .collect();
        let mut parts = self.assign(&[1.0 - dev, dev, 0.0], &kept);
        for (row, document) in self.documents.iter().enumerate() {
            if sides[row].is_some() && testing.contains(document) {
                parts[row] = Some(Part::Test);
            }
        }
        Ok((parts, testing.intersection(&others).count()))
    }

    /// Assigns some rows by chance.
    fn assign(&self, shares: &[f64; 3], wanted: &[bool]) -> Vec<Option<Part>> {
        let rows: Vec<usize> = (0..wanted.len()).filter(|&row| wanted[row]).collect();
        let records: Vec<Record> = rows.iter().map(|&row| self.records[row].clone()).collect();
        let groups: Vec<usize> = rows.iter().map(|&row| self.groups[row]).collect();
        let (names, shares): (Vec<Part>, Vec<f64>) = Part::ALL
            .into_iter()
            .zip(shares.iter().copied())
            .filter(|&(_, share)| share > 0.0)
            .unzip();
        let assigned = assign_shares(&records, &groups, &shares, self.settings.seed);
        let mut parts = vec![None; wanted.len()];
        for (&row, &part) in rows.iter().zip(&assigned) {
            parts[row] = names.get(part).copied();
        }
        parts
    }

    fn check_values(&self, field: &str, values: &BTreeSet<String>) -> Result<()> {
        let found: BTreeSet<String> = (self.records.iter())
            .filter_map(|record| field_of(record, field))
            .collect();
        let Some(missing) = values.iter().find(|value| !found.contains(*value)) else {
            return Ok(());
        };
        let known: Vec<&str> = found.iter().take(8).map(String::as_str).collect();
        let known = match known.is_empty() {
            true => "no row has the field".to_owned(),
            false => format!("there are {}", known.join(", ")),
        };
        Err(Error::Corpus(format!(
            "no row has {missing:?} in the field {field:?}: {known}"
        )))
    }
}

/// A field of a row, those that every corpus may have included.
fn field_of(record: &Record, field: &str) -> Option<String> {
    match field {
        "doc" => record.has_document().then(|| record.doc.clone()),
        "annotator" => record.annotator.clone(),
        "id" => record.has_id().then(|| record.id.clone()),
        _ => record.field(field).map(|value| value.trim().to_owned()),
    }
}

fn check_shares<'a>(shares: impl IntoIterator<Item = (&'a str, f64)>) -> Result<()> {
    for (name, share) in shares {
        let is_good = match name {
            "dev" => (0.0..1.0).contains(&share),
            "the rest" => share > 0.0 && share <= 1.0,
            _ => share > 0.0 && share < 1.0,
        };
        if !is_good {
            return Err(Error::Corpus(format!(
                "the share of {name} would be {share}: the shares of test and dev must lie between 0 and 1 and leave something for training"
            )));
        }
    }
    Ok(())
}

fn summarize(records: &[Record], parts: &[Option<Part>], with_dev: bool) -> Vec<PartSummary> {
    let names = with_parents(records.iter().flat_map(|r| &r.labels).map(String::as_str));
    let placed = parts.iter().flatten().count();
    let of_part = |part: Part| {
        let rows = records.iter().zip(parts);
        let rows: Vec<&Record> = rows
            .filter_map(|(record, of_row)| (*of_row == Some(part)).then_some(record))
            .collect();
        let documents: BTreeSet<&str> = rows.iter().map(|record| record.doc.as_str()).collect();
        let holding = |label: &String| rows.iter().filter(|record| record.holds(label)).count();
        PartSummary {
            part,
            rows: rows.len(),
            share: rows.len() as f64 / placed.max(1) as f64,
            documents: documents.len(),
            without_label: rows
                .iter()
                .filter(|record| record.labels.is_empty())
                .count(),
            labels: names
                .iter()
                .map(|label| (label.clone(), holding(label)))
                .collect(),
        }
    };
    let parts = Part::ALL.into_iter();
    let parts = parts.filter(|&part| with_dev || part != Part::Dev);
    parts.map(of_part).collect()
}
