//! Figures by slice of the rows: by outlet, by year, by length.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bootstrap::Bootstrap;
use super::judged::Judged;
use super::metrics::{Figures, share};
use super::report::Estimate;
use super::table::{figure, with_interval};
use crate::corpus::Record;
use crate::tables::Table;

/// The figures of some rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// What the rows have in common; `None` for rows that do not say, and for all rows together.
    pub value: Option<String>,
    /// Rows judged.
    pub rows: usize,
    /// Share of the rows with every label right.
    pub exact_match: Estimate,
    /// Documents they come from.
    pub documents: usize,
    /// Share of the documents with every label of every row of the slice right.
    pub exact_documents: Estimate,
    /// Mean F1 of the labels without a parent that are annotated or predicted.
    pub macro_f1: Estimate,
    /// F1 of all decisions on these labels together.
    pub micro_f1: Estimate,
}

/// All rows divided into slices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slices {
    /// What the rows are divided by: a field of the corpus, or "words" for their length.
    pub by: String,
    /// The slices, in alphabetical order or from the shortest to the longest, then the rows that do
    /// not say.
    pub slices: Vec<Slice>,
    /// All rows.
    pub total: Slice,
}

/// Where a longer row begins, in words.
const LENGTHS: [usize; 5] = [11, 21, 31, 41, 61];

impl Judged {
    /// The figures by the values that rows have of something; `values[row]` is that of a row, and
    /// `total` is [`Judged::total`].
    pub fn by_value(
        &self,
        by: &str,
        values: &[Option<String>],
        total: &Slice,
        bootstrap: Bootstrap,
    ) -> Slices {
        // Rows that do not say come last.
        let mut rows_of: BTreeMap<(bool, Option<&str>), Vec<usize>> = BTreeMap::new();
        for (row, value) in values.iter().enumerate() {
            let key = (value.is_none(), value.as_deref());
            rows_of.entry(key).or_default().push(row);
        }
        let slices = rows_of.iter().map(|((_, name), rows)| {
            let name = name.map(str::to_owned);
            self.slice(name, rows, bootstrap)
        });
        Slices {
            by: by.to_owned(),
            slices: slices.collect(),
            total: total.clone(),
        }
    }

    /// The figures by the length of the rows in words; `total` is [`Judged::total`].
    pub fn by_length(&self, records: &[Record], total: &Slice, bootstrap: Bootstrap) -> Slices {
        let places: Vec<usize> = records
            .iter()
            .map(|record| LENGTHS.partition_point(|&length| length <= words(&record.text)))
            .collect();
        let slices = (0..=LENGTHS.len()).filter_map(|place| {
            let rows: Vec<usize> = (0..places.len()).filter(|&r| places[r] == place).collect();
            (!rows.is_empty()).then(|| self.slice(Some(length_name(place)), &rows, bootstrap))
        });
        Slices {
            by: "words".to_owned(),
            slices: slices.collect(),
            total: total.clone(),
        }
    }

    /// The figures of all rows.
    pub fn total(&self, bootstrap: Bootstrap) -> Slice {
        let all: Vec<usize> = (0..self.rows.len()).collect();
        self.slice(None, &all, bootstrap)
    }

    /// The figures of some rows.
    pub(crate) fn slice(&self, value: Option<String>, rows: &[usize], with: Bootstrap) -> Slice {
        let documents = self.select(rows).figures_by_document();
        let whole = |figures: &Figures| usize::from(figures.exact == figures.rows);
        let top = |label: usize| self.tree.labels()[label].is_top();
        let estimates = with.estimate(documents.len(), |times| {
            let mut all = Figures::default();
            let (mut drawn, mut exact) = (0, 0);
            let documents = documents.iter().zip(times).filter(|(_, times)| **times > 0);
            for (figures, &times) in documents {
                all.add_times(figures, times as usize);
                drawn += times as usize;
                exact += times as usize * whole(figures);
            }
            let exact_match = share(all.exact, all.rows);
            let averages = [all.macro_f1(top), all.micro_f1(top)];
            vec![exact_match, share(exact, drawn), averages[0], averages[1]]
        });
        let at = |place: usize| estimates.get(place).copied().unwrap_or_default();
        Slice {
            value,
            rows: rows.len(),
            exact_match: at(0),
            documents: documents.len(),
            exact_documents: at(1),
            macro_f1: at(2),
            micro_f1: at(3),
        }
    }
}

/// Words of a text, signs that stand alone not counted.
fn words(text: &str) -> usize {
    let words = text.split_whitespace();
    words
        .filter(|word| word.contains(char::is_alphanumeric))
        .count()
}

fn length_name(place: usize) -> String {
    let from = place.checked_sub(1).and_then(|before| LENGTHS.get(before));
    match (from, LENGTHS.get(place)) {
        (Some(from), Some(to)) => format!("{from}–{}", to - 1),
        (None, Some(to)) => format!("up to {}", to - 1),
        (Some(from), None) => format!("{from} and more"),
        (None, None) => "all".to_owned(),
    }
}

impl Slices {
    /// A row a slice, then one for all rows.
    pub fn to_table(&self) -> Table {
        let mut table = Table::new(&[
            &self.by,
            "sentences",
            "every label right",
            "documents",
            "all their sentences right",
            "macro-F1",
            "95%",
        ]);
        let of = |name: &str, slice: &Slice| {
            let [macro_f1, interval] = with_interval(&slice.macro_f1);
            [
                name.to_owned(),
                slice.rows.to_string(),
                figure(slice.exact_match.value),
                slice.documents.to_string(),
                figure(slice.exact_documents.value),
                macro_f1,
                interval,
            ]
        };
        for slice in &self.slices {
            table.add_row(of(slice.value.as_deref().unwrap_or("(not given)"), slice));
        }
        table.add_row(of("(total)", &self.total));
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::judged::tests::judged_on_one_label;

    #[test]
    fn lengths_have_names_without_gaps() {
        let names: Vec<String> = (0..=LENGTHS.len()).map(length_name).collect();
        assert_eq!(
            names,
            [
                "up to 10",
                "11–20",
                "21–30",
                "31–40",
                "41–60",
                "61 and more"
            ]
        );
        assert_eq!(words("قصف ، على حلب 3 ."), 4);
    }

    #[test]
    fn a_value_called_all_is_not_the_total() {
        let judged = judged_on_one_label(&[(0.9, true), (0.9, false), (0.1, true)]);
        let values = [Some("all".to_owned()), None, Some("b".to_owned())];
        let bootstrap = Bootstrap {
            samples: 10,
            seed: 1,
        };
        let slices = judged.by_value("outlet", &values, &judged.total(bootstrap), bootstrap);
        let names: Vec<Option<&str>> = (slices.slices.iter())
            .map(|slice| slice.value.as_deref())
            .collect();
        assert_eq!(names, [Some("all"), Some("b"), None]);
        assert_eq!(slices.slices[0].exact_match.value, 1.0);
        assert_eq!(slices.total.rows, 3);
        let text = slices.to_table().to_text();
        assert!(
            text.contains("(not given)") && text.contains("(total)"),
            "{text}"
        );
    }
}
