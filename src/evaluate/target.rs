//! One figure that settings are chosen by.

use std::fmt;
use std::str::FromStr;

use super::bootstrap::Bootstrap;
use super::comparison::Difference;
use super::judged::Judged;
use super::metrics::{Figures, share};
use super::report::Estimate;
use super::significance::differences;

/// What a search for settings aims at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// Macro-F1 over the labels without a parent.
    #[default]
    MacroF1,
    /// Micro-F1 over the same labels.
    MicroF1,
    /// The share of rows with every label right.
    Exact,
    /// The mean F1 of some labels.
    Labels(Vec<String>),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        Ok(match given {
            "macro-f1" => Self::MacroF1,
            "micro-f1" => Self::MicroF1,
            "exact" => Self::Exact,
            labels => {
                let mut labels: Vec<String> = labels
                    .split(',')
                    .map(|label| label.trim().to_owned())
                    .collect();
                labels.sort_unstable();
                labels.dedup();
                if labels.iter().any(String::is_empty) {
                    return Err(
                        "macro-f1, micro-f1, exact, or labels with commas between them".into(),
                    );
                }
                Self::Labels(labels)
            }
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MacroF1 => formatter.write_str("macro-f1"),
            Self::MicroF1 => formatter.write_str("micro-f1"),
            Self::Exact => formatter.write_str("exact"),
            Self::Labels(labels) => formatter.write_str(&labels.join(",")),
        }
    }
}

impl Judged {
    /// The figure that a search aims at.
    pub fn score(&self, target: &Target) -> f64 {
        let documents = self.figures_by_document();
        let all = Figures::total_times(&documents, &vec![1; documents.len()]);
        self.aimed(target)(&all)
    }

    /// That figure by these decisions and by other ones on the same rows, and how they differ.
    pub(crate) fn scores_against(
        &self,
        other: &Self,
        target: &Target,
        draws: usize,
        bootstrap: Bootstrap,
    ) -> ([Estimate; 2], Difference) {
        let aimed = self.aimed(target);
        let documents = [self, other].map(Self::figures_by_document);
        let estimate = |documents: &[Figures]| {
            let figure = |times: &[u32]| vec![aimed(&Figures::total_times(documents, times))];
            let estimates = bootstrap.estimate(documents.len(), figure);
            estimates.first().copied().unwrap_or_default()
        };
        let estimates = [estimate(&documents[0]), estimate(&documents[1])];
        let sides = [documents[0].as_slice(), documents[1].as_slice()];
        let found = differences(sides, &|figures| vec![aimed(figures)], draws, bootstrap);
        (estimates, found.first().copied().unwrap_or_default())
    }

    fn aimed(&self, target: &Target) -> impl Fn(&Figures) -> f64 + Sync {
        let labels = self.tree.labels().iter();
        let chosen: Vec<bool> = labels
            .map(|label| match target {
                Target::Labels(names) => names.contains(&label.name),
                Target::MacroF1 | Target::MicroF1 | Target::Exact => label.is_top(),
            })
            .collect();
        let kind = target.clone();
        move |figures| {
            let is_chosen = |label: usize| chosen.get(label) == Some(&true);
            match kind {
                Target::MacroF1 | Target::Labels(_) => figures.macro_f1(is_chosen),
                Target::MicroF1 => figures.micro_f1(is_chosen),
                Target::Exact => share(figures.exact, figures.rows),
            }
        }
    }
}
