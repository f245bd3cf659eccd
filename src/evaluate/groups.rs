//! Figures by group: by outlet, by year, by kind of sentence.

use serde::{Deserialize, Serialize};

use super::judged::Judged;
use super::metrics::{Figures, share};
use super::table::figure;
use crate::tables::Table;

/// The figures of the rows of one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupReport {
    /// What the rows have in common; empty for rows that do not say.
    pub group: String,
    /// Rows judged.
    pub rows: usize,
    /// Share of the rows with every label right.
    pub exact_match: f64,
    /// Documents they come from.
    pub documents: usize,
    /// Share of the documents with every label of every row of the group right.
    pub exact_documents: f64,
    /// Mean F1 of the labels without a parent that are annotated or predicted.
    pub macro_f1: f64,
}

impl Judged {
    /// The figures of each group, in alphabetical order, then of all rows under "all";
    /// `groups[row]` names the group of a row.
    pub fn by_group(&self, groups: &[&str]) -> Vec<GroupReport> {
        let mut names: Vec<&str> = groups.to_vec();
        names.sort_unstable();
        names.dedup();
        let mut reports: Vec<GroupReport> = names
            .iter()
            .map(|&name| {
                let rows = (0..self.rows.len()).filter(|&row| groups[row] == name);
                self.group_report(name, &rows.collect::<Vec<_>>())
            })
            .collect();
        let all: Vec<usize> = (0..self.rows.len()).collect();
        reports.push(self.group_report("all", &all));
        reports
    }

    fn group_report(&self, group: &str, rows: &[usize]) -> GroupReport {
        let mut figures = Figures::default();
        let mut documents = std::collections::BTreeMap::new();
        for &row in rows {
            let of_row = Figures::of_row(self, row);
            *documents.entry(self.documents[row]).or_insert(true) &= of_row.exact == 1;
            figures.add(&of_row);
        }
        let whole = documents.values().filter(|&&whole| whole).count();
        let seen = |label: usize| {
            let counts = &figures.labels[label];
            self.tree.labels()[label].is_top()
                && counts.true_positives + counts.false_positives + counts.false_negatives > 0
        };
        GroupReport {
            group: group.to_owned(),
            rows: figures.rows,
            exact_match: share(figures.exact, figures.rows),
            documents: documents.len(),
            exact_documents: share(whole, documents.len()),
            macro_f1: figures.macro_f1(seen),
        }
    }
}

/// The figures of groups as a table; `field` names what they are grouped by.
pub(crate) fn group_table(field: &str, groups: &[GroupReport]) -> Table {
    let mut table = Table::new(&[
        field,
        "sentences",
        "every label right",
        "documents",
        "all their sentences right",
        "macro-F1",
    ]);
    for group in groups {
        let name = match group.group.as_str() {
            "" => "(not given)",
            name => name,
        };
        table.add_row([
            name.to_owned(),
            group.rows.to_string(),
            figure(group.exact_match),
            group.documents.to_string(),
            figure(group.exact_documents),
            figure(group.macro_f1),
        ]);
    }
    table
}
