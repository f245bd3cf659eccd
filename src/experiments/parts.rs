//! Dividing a corpus into what is trained on and what is measured on.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::corpus::{Corpus, Date, Record, assign_folds};
use crate::error::{Error, Result};
use crate::evaluate::Period;
use crate::training::HeldOutPart;

/// How rows are held out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Folds by document, the labels spread evenly, drawn several times.
    Folds {
        /// Folds, at least 2.
        folds: usize,
        /// Times they are drawn, at least 1.
        repeats: usize,
    },
    /// Each value of a field against all others.
    LeaveOneOut {
        /// The field, which the corpus was read with.
        field: String,
    },
    /// Each period against all earlier ones.
    ByPeriod {
        /// The field that holds the date, which the corpus was read with.
        field: String,
        /// What is one period.
        period: Period,
    },
}

/// More sources than this are no sources but rows.
pub(super) const MOST_SOURCES: usize = 200;

/// Fewer documents than this are too few to be the past of anything.
const FEWEST_DOCUMENTS: usize = 10;

/// Parts of a corpus, each with what it has in common.
#[derive(Clone, Debug, Default)]
pub struct PlanParts {
    /// The parts.
    pub parts: Vec<HeldOutPart>,
    /// For each its fold, source or period.
    pub names: Vec<String>,
    /// Rows that are left out, as they lack the field.
    pub without: usize,
    /// Rows of first periods, which are only trained on.
    pub first: usize,
}

impl PlanParts {
    /// Folds drawn by a seed.
    ///
    /// # Errors
    /// When there are fewer documents than folds.
    pub fn folds(corpus: &Corpus, folds: usize, seed: u64) -> Result<Self> {
        let folds = assign_folds(corpus.records(), folds, seed)?;
        let parts = HeldOutPart::of_folds(&folds);
        Ok(Self {
            names: (1..=parts.len()).map(|fold| fold.to_string()).collect(),
            parts,
            ..Self::default()
        })
    }

    /// Each value of a field against all others; a document that has rows of the value is not trained
    /// on.
    ///
    /// # Errors
    /// When the field has fewer than two values or more than two hundred.
    pub fn leave_one_out(corpus: &Corpus, field: &str) -> Result<Self> {
        let values = Values::of(corpus, field, |value, _| Ok(value.trim().to_owned()))?;
        let sources = values.rows.len();
        if !(2..=MOST_SOURCES).contains(&sources) {
            return Err(Error::Corpus(format!(
                "the field {field:?} has {sources} values; leaving one out takes from 2 to {MOST_SOURCES}"
            )));
        }
        let part = |measure_on: &Vec<usize>| {
            let documents = documents(corpus.records(), measure_on);
            let others = values.rows.values().flatten().copied();
            let mut fit_on: Vec<usize> = others
                .filter(|&row| !documents.contains(corpus.records()[row].doc.as_str()))
                .collect();
            fit_on.sort_unstable();
            HeldOutPart {
                fit_on,
                measure_on: measure_on.clone(),
            }
        };
        let plan = Self {
            parts: values.rows.values().map(part).collect(),
            names: values.rows.keys().cloned().collect(),
            without: values.without,
            first: 0,
        };
        match plan.parts.iter().position(|part| part.fit_on.is_empty()) {
            Some(part) => Err(Error::Corpus(format!(
                "{field} {:?} shares its documents with all the others, so that nothing is left to train on",
                plan.names[part]
            ))),
            None => Ok(plan),
        }
    }

    /// Each period against all earlier ones, from the first that has enough before it.
    ///
    /// # Errors
    /// When a value is no date that [`Date::read`] reads, or no period has enough documents before it.
    pub fn by_period(corpus: &Corpus, field: &str, period: Period) -> Result<Self> {
        let values = Values::of(corpus, field, |value, record| {
            period_of(value, period).ok_or_else(|| Error::Row {
                path: record.file.to_path_buf(),
                line: record.line,
                message: format!(
                    "the field {field:?} holds {value:?}; a date such as 2024-05-31{} is expected",
                    match period {
                        Period::Year => ", 2024-05 or 2024",
                        Period::Month => " or 2024-05",
                    }
                ),
            })
        })?;
        let mut plan = Self {
            without: values.without,
            ..Self::default()
        };
        let mut past: Vec<usize> = Vec::new();
        for (name, measure_on) in &values.rows {
            let now = documents(corpus.records(), measure_on);
            let records = corpus.records();
            let earlier = past.iter().copied();
            let mut fit_on: Vec<usize> = earlier
                .filter(|&row| !now.contains(records[row].doc.as_str()))
                .collect();
            fit_on.sort_unstable();
            if documents(records, &fit_on).len() < FEWEST_DOCUMENTS {
                plan.first += measure_on.len();
            } else {
                plan.names.push(name.clone());
                plan.parts.push(HeldOutPart {
                    fit_on,
                    measure_on: measure_on.clone(),
                });
            }
            past.extend(measure_on);
        }
        if plan.parts.is_empty() {
            return Err(Error::Corpus(format!(
                "no period of the field {field:?} has {FEWEST_DOCUMENTS} documents before it to train on"
            )));
        }
        Ok(plan)
    }

    /// Places in the corpus of the rows measured, in the order of the parts.
    pub fn measured(&self) -> Vec<usize> {
        let parts = self.parts.iter();
        parts.flat_map(|part| part.measure_on.clone()).collect()
    }
}

fn documents<'c>(records: &'c [Record], rows: &[usize]) -> HashSet<&'c str> {
    rows.iter().map(|&row| records[row].doc.as_str()).collect()
}

/// The year, or year and month, of a date; nothing where it names no month and months are wanted.
fn period_of(value: &str, period: Period) -> Option<String> {
    let date = Date::read(value)?;
    match period {
        Period::Year => Some(format!("{:04}", date.year())),
        Period::Month => {
            let month = date.month()?;
            Some(format!("{:04}-{month:02}", date.year()))
        }
    }
}

/// The rows of each value of a field.
struct Values {
    rows: BTreeMap<String, Vec<usize>>,
    without: usize,
}

impl Values {
    fn of(
        corpus: &Corpus,
        field: &str,
        read: impl Fn(&str, &Record) -> Result<String>,
    ) -> Result<Self> {
        let mut rows: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut without = 0;
        for (row, record) in corpus.records().iter().enumerate() {
            match record.field(field).filter(|value| !value.trim().is_empty()) {
                Some(value) => rows.entry(read(&value, record)?).or_default().push(row),
                None => without += 1,
            }
        }
        match rows.is_empty() {
            true => Err(Error::Corpus(format!("no row has the field {field:?}"))),
            false => Ok(Self { rows, without }),
        }
    }
}

/// Documents in shares that lie within each other, the labels spread evenly: for each record the
/// smallest share, of `groups`, that it belongs to, from 0.
///
/// # Errors
/// When there are fewer documents than groups.
pub(crate) fn nested_groups(records: &[Record], groups: usize, seed: u64) -> Result<Vec<usize>> {
    let documents: BTreeSet<&str> = records.iter().map(|r| r.doc.as_str()).collect();
    assign_folds(records, groups.min(documents.len()), seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_they_are_where_a_corpus_is_split() {
        let year = |value| period_of(value, Period::Year);
        let month = |value| period_of(value, Period::Month);
        for value in [
            "2024",
            "2024-05",
            "2024-05-31",
            "2024-05-31T10:00:00Z",
            " 2024-05-31 10:00",
            "2024/05/31",
            "2024-5-1",
            "20240531",
            "٢٠٢٤/٠٥/٣١",
        ] {
            assert_eq!(year(value).as_deref(), Some("2024"), "{value}");
        }
        for value in ["2024-05-31", "2024/5/31", "20240531"] {
            assert_eq!(month(value).as_deref(), Some("2024-05"), "{value}");
        }
        assert_eq!(month("2024"), None);
        for wrong in [
            "",
            "31/05/2024",
            "24-05-31",
            "2024-13-01",
            "2024-05-99",
            "2024-05-31x",
            "مايو",
        ] {
            assert_eq!(year(wrong), None, "{wrong}");
        }
    }
}
