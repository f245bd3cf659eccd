//! Several systems on the same rows.

use serde::{Deserialize, Serialize};

use super::bootstrap::Bootstrap;
use super::judged::Judged;
use super::metrics::Figures;
use super::report::{Estimate, Report};
use super::significance::{differences, holm};
use crate::corpus::LabelSet;
use crate::error::{Error, Result};

/// Several systems measured on the same rows, and whether they differ by more than chance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Rows judged.
    pub rows: usize,
    /// Documents they come from.
    pub documents: usize,
    /// The labels that all systems decide, on which they are compared.
    pub labels: Vec<String>,
    /// Labels that only some systems decide, which are left out.
    pub left_out: Vec<String>,
    /// Folds behind systems that were trained for the comparison.
    pub folds: Option<usize>,
    /// Draws of the randomisation test.
    pub draws: usize,
    /// Resamples of documents behind the intervals.
    pub bootstrap_samples: usize,
    /// The systems, in the order given.
    pub systems: Vec<ComparedSystem>,
    /// Each pair once, or each system with the first.
    pub pairs: Vec<ComparedPair>,
}

/// One system of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedSystem {
    /// What the user called it.
    pub name: String,
    /// Whether it was trained on the other folds for each row, or is a finished model.
    pub trained_on_folds: bool,
    /// Whether it is a model that was trained on these very rows, which flatters it.
    pub trained_on_these_rows: bool,
    /// Macro-F1 over the labels without a parent.
    pub macro_f1: Estimate,
    /// Micro-F1 over the same labels.
    pub micro_f1: Estimate,
    /// Share of the rows with every label right.
    pub exact_match: Estimate,
    /// F1 of each label that is compared, parents included.
    pub labels: Vec<ComparedLabel>,
}

/// A label's figure in one system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedLabel {
    /// The label.
    pub label: String,
    /// Its F1.
    pub f1: Estimate,
}

/// Two systems of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedPair {
    /// Place of the first system in the list of systems, from 0.
    pub first: usize,
    /// Place of the second system.
    pub second: usize,
    /// Rows that the two label in different ways.
    pub decided_otherwise: usize,
    /// Of macro-F1.
    pub macro_f1: Difference,
    /// Of micro-F1.
    pub micro_f1: Difference,
    /// Of the share of rows with every label right.
    pub exact_match: Difference,
}

/// A figure of the second system less that of the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The difference, with its interval over resampled documents.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// How likely a difference of this size, either way, is where the systems are alike: by
    /// approximate randomisation, which swaps the two systems' decisions on whole documents.
    pub p: f64,
    /// The same for all pairs of the comparison together, after Holm.
    pub p_holm: f64,
}

/// A system with what it predicted for rows that all systems predicted.
pub(crate) struct JudgedSystem {
    /// What the user called it.
    pub(crate) name: String,
    /// Whether it was trained on the other folds for each row.
    pub(crate) trained_on_folds: bool,
    /// Whether it is a model that was trained on these very rows.
    pub(crate) trained_on_these_rows: bool,
    /// Its predictions against the annotations.
    pub(crate) judged: Judged,
}

/// How systems are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComparisonTest {
    /// Draws of the randomisation test.
    pub draws: usize,
    /// Resamples of documents for the intervals; its seed decides the draws as well.
    pub bootstrap: Bootstrap,
    /// Whether each system is compared with the first only, not all with each other.
    pub against_first: bool,
}

impl Comparison {
    /// Compares systems on the labels that all of them decide.
    ///
    /// # Errors
    /// When there are fewer than two systems, or no label that all decide.
    pub(crate) fn of(
        mut systems: Vec<JudgedSystem>,
        folds: Option<usize>,
        test: ComparisonTest,
    ) -> Result<Self> {
        let common = common_labels(&systems)?;
        let all = systems
            .iter()
            .flat_map(|system| system.judged.tree.labels());
        let some = all.map(|label| label.name.clone());
        let some: LabelSet = some.filter(|name| !common.contains(name)).collect();
        for system in &mut systems {
            system.judged = system.judged.restricted(&common);
        }
        let Bootstrap { samples, seed } = test.bootstrap;
        let report = |system: &JudgedSystem| Report::measure(&system.judged, samples, seed);
        let reports: Vec<Report> = systems.iter().map(report).collect();
        let documents: Vec<Vec<Figures>> = systems
            .iter()
            .map(|system| system.judged.figures_by_document())
            .collect();
        let mut pairs = Vec::new();
        for first in 0..systems.len() {
            for second in first + 1..systems.len() {
                if first == 0 || !test.against_first {
                    pairs.push(pair(&systems, &documents, [first, second], test));
                }
            }
        }
        for figure in [
            (|pair| &mut pair.macro_f1) as fn(&mut ComparedPair) -> &mut Difference,
            |pair| &mut pair.micro_f1,
            |pair| &mut pair.exact_match,
        ] {
            let p_values: Vec<f64> = pairs.iter_mut().map(|pair| figure(pair).p).collect();
            for (pair, corrected) in pairs.iter_mut().zip(holm(&p_values)) {
                figure(pair).p_holm = corrected;
            }
        }
        let of = systems.into_iter().zip(&reports);
        Ok(Self {
            rows: reports.first().map_or(0, |report| report.rows),
            documents: reports.first().map_or(0, |report| report.documents),
            labels: common.into_iter().collect(),
            left_out: some.into_iter().collect(),
            folds,
            draws: test.draws,
            bootstrap_samples: samples,
            systems: of
                .map(|(system, report)| compared(system, report))
                .collect(),
            pairs,
        })
    }
}

fn common_labels(systems: &[JudgedSystem]) -> Result<LabelSet> {
    let names = |system: &JudgedSystem| -> LabelSet {
        let labels = system.judged.tree.labels().iter();
        labels.map(|label| label.name.clone()).collect()
    };
    let mut of_each = systems.iter().map(names);
    let first = of_each.next().unwrap_or_default();
    if systems.len() < 2 {
        return Err(Error::Corpus(
            "a comparison takes at least two systems".into(),
        ));
    }
    let common = of_each.fold(first, |common, of_system| &common & &of_system);
    match common.is_empty() {
        true => Err(Error::Corpus(
            "the systems have no label in common; there is nothing to compare".into(),
        )),
        false => Ok(common),
    }
}

fn pair(
    systems: &[JudgedSystem],
    documents: &[Vec<Figures>],
    [first, second]: [usize; 2],
    test: ComparisonTest,
) -> ComparedPair {
    let judged = [&systems[first].judged, &systems[second].judged];
    let measure = judged[0].compared();
    let sides = [documents[first].as_slice(), documents[second].as_slice()];
    let found = differences(sides, &measure, test.draws, test.bootstrap);
    let figure = |place: usize| found.get(place).copied().unwrap_or_default();
    ComparedPair {
        first,
        second,
        decided_otherwise: judged[0].decided_otherwise(judged[1]),
        macro_f1: figure(0),
        micro_f1: figure(1),
        exact_match: figure(2),
    }
}

fn compared(system: JudgedSystem, report: &Report) -> ComparedSystem {
    let labels = report.labels.iter().map(|label| ComparedLabel {
        label: label.label.clone(),
        f1: label.f1,
    });
    ComparedSystem {
        name: system.name,
        trained_on_folds: system.trained_on_folds,
        trained_on_these_rows: system.trained_on_these_rows,
        macro_f1: report.top.macro_f1,
        micro_f1: report.top.micro_f1,
        exact_match: report.exact_match,
        labels: labels.collect(),
    }
}
