//! What a search found.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::evaluate::{Difference, Estimate};
use crate::settings::Settings;
use crate::tables::Table;

/// The trials of a search, the best of them, and what that is worth on documents the search has not
/// seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    /// What the search aimed at: "macro-f1", "micro-f1", "exact", or labels with commas.
    pub aim: String,
    /// Decides the trials, the folds and the documents held out.
    pub seed: u64,
    /// SHA-256 of the corpus.
    pub corpus_digest: String,
    /// Every trial by its number; trial 0 has the settings that the search began from.
    pub trials: Vec<Trial>,
    /// The number of the trial with the highest score on the last rung.
    pub best: usize,
    /// The settings of the best trial.
    pub settings: Settings,
    /// Documents that the search did not see.
    #[serde(default)]
    pub held_out_documents: usize,
    /// Best and first settings on documents held out; `None` where the first are the best, or where fewer
    /// than ten documents are held out.
    pub verdict: Option<HeldOutVerdict>,
}

/// One choice of settings and what it scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number, from 0.
    pub trial: usize,
    /// The settings that differ from those of trial 0, by name: `"learner.c": 0.31`.
    pub changes: Map<String, Value>,
    /// Its score on each rung that it reached.
    pub scores: Vec<TrialScore>,
    /// Why it could not be tried, such as settings that leave no feature.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<String>,
}

/// The score of a trial on one rung.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialScore {
    /// The rung, from 0; each holds about three times as many documents as the one before.
    pub rung: usize,
    /// Documents of the rung.
    pub documents: usize,
    /// Sentences of the rung.
    pub sentences: usize,
    /// Folds in which they were predicted.
    pub folds: usize,
    /// What the search aims at, out of fold.
    pub score: f64,
    /// Time that it took, in seconds; this and nothing else differs from run to run.
    pub seconds: f64,
}

/// What the best trial is worth on documents that the search has not seen. The best of many scores
/// looks better than it is: this does not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOutVerdict {
    /// Sentences held out.
    pub sentences: usize,
    /// Documents they come from.
    pub documents: usize,
    /// What the search aims at, by the settings that it began from, on the sentences held out.
    pub start: Estimate,
    /// The same by the best trial.
    pub best: Estimate,
    /// The second less the first.
    pub difference: Difference,
}

/// Of fewer resamples the ends of a 95% interval are little more than the extremes.
pub(super) const FEWEST_RESAMPLES: usize = 100;

/// Documents held out below which nothing is told: they agree by chance too often.
pub(super) const FEWEST_HELD_OUT: usize = 10;

/// A difference that chance makes less often than this is told from none.
const SIGNIFICANT: f64 = 0.05;

impl HeldOutVerdict {
    /// Whether the interval of the difference lies above 0 and the test tells it from chance, p < .05.
    pub fn is_better(&self) -> bool {
        self.difference.estimate.low > 0.0 && self.difference.p < SIGNIFICANT
    }
}

impl Tuning {
    /// The trials that reached the last rung, then those that went far, best first.
    pub fn trials_table(&self, most: usize) -> Table {
        let rungs = self.trials.iter().filter_map(|trial| trial.scores.last());
        let rungs = rungs.map(|score| score.rung + 1).max().unwrap_or(0);
        let names = (0..rungs).map(|rung| {
            let scores = self.trials.iter().flat_map(|trial| &trial.scores);
            let on_rung = scores
                .filter(|score| score.rung == rung)
                .map(|s| s.documents);
            format!("{} documents", on_rung.max().unwrap_or(0))
        });
        let mut head = vec!["trial".to_owned()];
        head.extend(names);
        head.push("what it changes".to_owned());
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        let mut table = Table::new(&head).with_texts_in(&["what it changes"]);
        let mut order: Vec<&Trial> = self.trials.iter().collect();
        let reached = |trial: &Trial| trial.scores.last().map(|score| (score.rung, score.score));
        order.sort_by(|a, b| {
            let (a_reached, b_reached) = (reached(a), reached(b));
            b_reached
                .partial_cmp(&a_reached)
                .unwrap_or(std::cmp::Ordering::Equal)
                .then(a.trial.cmp(&b.trial))
        });
        let shown = order.iter().enumerate();
        let shown = shown.filter(|(place, trial)| *place < most || trial.trial == 0);
        for (_, trial) in shown {
            let mut cells = vec![trial.trial.to_string()];
            cells.extend((0..rungs).map(|rung| {
                let score = trial.scores.iter().find(|score| score.rung == rung);
                score.map_or_else(|| "–".to_owned(), |score| format!("{:.4}", score.score))
            }));
            cells.push(describe_changes(trial));
            table.add_row(cells);
        }
        table
    }

    /// What the search is worth, in a sentence or two.
    pub fn describe_verdict(&self) -> String {
        if self.best == 0 {
            return "No trial did better than the settings that the search began from; keep them."
                .to_owned();
        }
        let Some(verdict) = &self.verdict else {
            return match self.held_out_documents {
                0 => format!(
                    "Trial {} scored best, but nothing was held out: the best of many looks better than it is.",
                    self.best
                ),
                few => format!(
                    "Trial {} scored best, but the {few} documents held out are too few to tell whether it is better, which takes at least {FEWEST_HELD_OUT}: the best of many looks better than it is.",
                    self.best
                ),
            };
        };
        let difference = &verdict.difference;
        let points = |value: f64| format!("{:+.1}", 100.0 * value);
        let measured = format!(
            "On {} sentences that the search has not seen: {:.3} before, {:.3} with trial {}: {} points ({} to {}, p = {:.3}).",
            verdict.sentences,
            verdict.start.value,
            verdict.best.value,
            self.best,
            points(difference.estimate.value),
            points(difference.estimate.low),
            points(difference.estimate.high),
            difference.p
        );
        match verdict.is_better() {
            true => measured,
            false => format!(
                "{measured} That is not shown to be better than the settings that the search began from."
            ),
        }
    }
}

/// The changes of a trial in one line.
fn describe_changes(trial: &Trial) -> String {
    if trial.trial == 0 {
        return "(nothing)".to_owned();
    }
    let change = |(name, value): (&String, &Value)| {
        let name = name.rsplit('.').next().unwrap_or(name);
        format!(
            "{name} {}",
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        )
    };
    trial
        .changes
        .iter()
        .map(change)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuning(low: f64, p: f64) -> Tuning {
        let at = |value: f64| Estimate {
            value,
            low: value,
            high: value,
        };
        let estimate = Estimate {
            value: 0.01,
            low,
            high: 0.02,
        };
        Tuning {
            aim: "macro-f1".into(),
            seed: 1,
            corpus_digest: String::new(),
            trials: Vec::new(),
            best: 3,
            settings: Settings::default(),
            held_out_documents: 12,
            verdict: Some(HeldOutVerdict {
                sentences: 90,
                documents: 12,
                start: at(0.7),
                best: at(0.71),
                difference: Difference {
                    estimate,
                    p,
                    p_holm: p,
                },
            }),
        }
    }

    #[test]
    fn better_is_what_both_the_interval_and_the_test_call_better() {
        let hedged = |low, p| tuning(low, p).describe_verdict().contains("not shown");
        assert!(!hedged(0.005, 0.01));
        assert!(hedged(0.005, 0.05));
        assert!(hedged(0.0, 0.01));
    }

    #[test]
    fn too_few_held_out_tell_nothing() {
        let mut few = tuning(0.005, 0.01);
        (few.verdict, few.held_out_documents) = (None, 6);
        let told = few.describe_verdict();
        assert!(
            told.contains("the 6 documents held out are too few"),
            "{told}"
        );
        few.held_out_documents = 0;
        assert!(few.describe_verdict().contains("nothing was held out"));
    }
}
