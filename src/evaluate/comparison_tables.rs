//! A comparison as tables for people.

use super::comparison::{ComparedPair, Comparison, Difference};
use super::table::{figure, with_interval};
use crate::tables::Table;

impl Comparison {
    /// A row a system: its figures, and how it differs from the first.
    pub fn systems_table(&self) -> Table {
        let mut table = Table::new(&[
            "system",
            "macro-F1",
            "95%",
            "micro-F1",
            "every label right",
            "against the first",
            "95%",
            "p",
        ]);
        for (place, system) in self.systems.iter().enumerate() {
            let [macro_f1, interval] = with_interval(&system.macro_f1);
            let pair = self
                .pairs
                .iter()
                .find(|pair| (pair.first, pair.second) == (0, place));
            let [difference, width, p] = match pair {
                Some(pair) => told(&pair.macro_f1),
                None => Default::default(),
            };
            table.add_row([
                system.name.clone(),
                macro_f1,
                interval,
                figure(system.micro_f1.value),
                figure(system.exact_match.value),
                difference,
                width,
                p,
            ]);
        }
        table
    }

    /// A row a pair and figure.
    pub fn pairs_table(&self) -> Table {
        let mut table = Table::new(&["systems", "figure", "difference", "95%", "p", "p by itself"])
            .with_texts_in(&["figure"]);
        let name = |place: usize| self.systems.get(place).map_or("", |system| &system.name);
        for pair in &self.pairs {
            let systems = format!("{} → {}", name(pair.first), name(pair.second));
            for (figure, difference) in figures(pair) {
                let [value, interval, p] = told(difference);
                let alone = p_value(difference.p);
                table.add_row([
                    systems.clone(),
                    figure.to_owned(),
                    value,
                    interval,
                    p,
                    alone,
                ]);
            }
        }
        table
    }

    /// F1 of each label by each system.
    pub fn labels_table(&self) -> Table {
        let mut head = vec!["label"];
        head.extend(self.systems.iter().map(|system| system.name.as_str()));
        let mut table = Table::new(&head);
        let labels = self.systems.first().map_or(&[][..], |first| &first.labels);
        for (place, label) in labels.iter().enumerate() {
            let under = if label.label.contains('.') { "  " } else { "" };
            let of_systems = self.systems.iter().map(|system| {
                let label = system.labels.get(place);
                label.map_or_else(String::new, |label| figure(label.f1.value))
            });
            table.add_row(std::iter::once(format!("{under}{}", label.label)).chain(of_systems));
        }
        table
    }

    /// What the table rests on, in a few sentences.
    pub fn describe(&self) -> String {
        let folds = match self.folds {
            Some(folds) => format!("the same {folds} folds for all that is trained; "),
            None => String::new(),
        };
        let several = match self.pairs.len() {
            0 | 1 => String::new(),
            pairs => format!(", corrected for {pairs} pairs after Holm"),
        };
        let left_out = match self.left_out.as_slice() {
            [] => String::new(),
            labels => format!(
                "Left out, as not all of them decide it: {}.\n",
                labels.join(", ")
            ),
        };
        format!(
            "{left_out}{} sentences in {} documents; {folds}95% intervals from {} resamples of documents; \
             p by {} swaps of whole documents at random{several}.",
            self.rows, self.documents, self.bootstrap_samples, self.draws
        )
    }
}

fn figures(pair: &ComparedPair) -> [(&'static str, &Difference); 3] {
    [
        ("macro-F1", &pair.macro_f1),
        ("micro-F1", &pair.micro_f1),
        ("every label right", &pair.exact_match),
    ]
}

/// A difference, its interval and its corrected p.
fn told(difference: &Difference) -> [String; 3] {
    let estimate = &difference.estimate;
    [
        format!("{:+.3}", estimate.value),
        format!("{:+.3} to {:+.3}", estimate.low, estimate.high),
        p_value(difference.p_holm),
    ]
}

fn p_value(p: f64) -> String {
    match p < 0.0005 {
        true => format!("{p:.4}"),
        false => format!("{p:.3}"),
    }
}
