//! Several systems on the same rows.

use super::Progress;
use super::examine::predict_corpus;
use super::parts::PlanParts;
use crate::corpus::Corpus;
use crate::error::Result;
use crate::evaluate::{Comparison, ComparisonTest, Judged, JudgedSystem};
use crate::predict::Predictor;
use crate::settings::Settings;
use crate::training::Workbench;

/// One system to be compared.
#[derive(Debug)]
pub struct System {
    /// What it is called in tables.
    pub name: String,
    /// What it is.
    pub kind: SystemKind,
}

/// What a system is.
#[derive(Debug)]
pub enum SystemKind {
    /// A finished model, which predicts all rows.
    Model(Box<Predictor>),
    /// Settings, by which a model is trained for each fold on the others.
    Settings(Box<Settings>),
}

/// How systems are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComparisonPlan {
    /// Folds for those that are trained, the same for all.
    pub folds: usize,
    /// Decides the folds.
    pub seed: u64,
    /// Draws, resamples and pairs.
    pub test: ComparisonTest,
}

/// Compares systems on the rows of a corpus. Runs on the current rayon thread pool; the result is the
/// same for any number of threads.
///
/// # Errors
/// When there are fewer than two systems, the corpus cannot be divided into the folds or learnt from,
/// or the systems have no label in common.
pub fn compare(
    corpus: &Corpus,
    systems: Vec<System>,
    plan: ComparisonPlan,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Comparison> {
    let parts = PlanParts::folds(corpus, plan.folds, plan.seed);
    let is_trained = |system: &&System| matches!(system.kind, SystemKind::Settings(_));
    let trained = systems.iter().filter(is_trained).count();
    progress(Progress::Planned(trained * plan.folds));
    let parts = match trained {
        0 => PlanParts::default(),
        _ => parts?,
    };
    // The rows of all systems stand in the order of the folds.
    let places = match trained {
        0 => (0..corpus.records().len()).collect(),
        _ => parts.measured(),
    };
    let measured = corpus.select(&places);
    let mut workbench: Option<Workbench<'_>> = None;
    let mut judged_systems = Vec::with_capacity(systems.len());
    for system in systems {
        let mut trained_on_these_rows = false;
        let mut trained_on_folds = false;
        let judged = match &system.kind {
            SystemKind::Model(predictor) => {
                let header = predictor.header();
                trained_on_these_rows = header.provenance.corpus_digest == corpus.digest();
                let predictions = predict_corpus(predictor, &measured);
                let tree = predictor.tree().clone();
                Judged::new(tree, header.mode, measured.records(), &predictions)
            }
            SystemKind::Settings(settings) => {
                trained_on_folds = true;
                let bench = match workbench.take() {
                    Some(bench) => bench.with(settings)?,
                    None => Workbench::new(corpus, settings)?,
                };
                let steps = |step| progress(Progress::Step(step));
                let predicted = bench.predict_parts(settings, &parts.parts, &steps)?;
                workbench = Some(bench);
                predicted.judged(measured.records())
            }
        };
        judged_systems.push(JudgedSystem {
            name: system.name,
            trained_on_folds,
            trained_on_these_rows,
            judged,
        });
    }
    Comparison::of(
        judged_systems,
        (trained > 0).then_some(plan.folds),
        plan.test,
    )
}
