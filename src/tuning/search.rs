//! The search itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use rayon::prelude::*;

use super::log::{LOG_VERSION, LogEntry, LogHead, Timing, TrialLog};
use super::outcome::{
    FEWEST_HELD_OUT, FEWEST_RESAMPLES, HeldOutVerdict, Trial, TrialScore, Tuning,
};
use super::space::{Vary, changes, draw};
use crate::corpus::{Corpus, assign_folds};
use crate::error::{Error, Result};
use crate::evaluate::{Bootstrap, Target};
use crate::experiments::nested_groups;
use crate::scoring::LabelTree;
use crate::settings::Settings;
use crate::training::{HeldOutPart, Workbench};

/// What is searched for, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// What settings are chosen by.
    pub aim: Target,
    /// Trials on the first rung, the settings of the start among them; at least 2.
    pub trials: usize,
    /// Decides trials, folds and the documents held out.
    pub seed: u64,
    /// What is varied.
    pub vary: Vec<Vary>,
    /// About the share of the documents that the search does not see, up to a half.
    pub hold_out: f64,
    /// Draws of the randomisation test of the verdict.
    pub draws: usize,
    /// Resamples of documents for the intervals of the verdict, at least 100 where documents are held
    /// out.
    pub bootstrap: Bootstrap,
}

/// How far a search is.
#[derive(Clone, Debug, PartialEq)]
pub enum SearchProgress {
    /// So many trials will be run at most, those in the log included. A trial counts once a rung, and the
    /// start on each; where it is among the best of a rung there is one fewer on the next.
    Planned(usize),
    /// A trial is done, or was found in the log, with this score.
    Done {
        /// Its number.
        trial: usize,
        /// Its rung.
        rung: usize,
        /// Its score; `None` where it failed.
        score: Option<f64>,
    },
    /// The best settings are measured on the documents held out.
    Verdict,
}

/// How a search ended.
#[derive(Clone, Debug)]
pub enum SearchEnd {
    /// It ran to its end.
    Finished(Box<Tuning>),
    /// It was asked to stop; the log holds what was done.
    Stopped {
        /// Trials that are finished.
        done: usize,
    },
}

/// On each rung about one trial in three of the one before is tried on three times the documents.
const HALVING: usize = 3;

/// Shares of the documents, in ninths, that the rungs hold.
const NINTHS: [usize; 3] = [1, 3, 9];

/// Fewer documents than this tell settings apart by chance only.
const FEWEST_DOCUMENTS: usize = 30;

/// Folds of all rungs but the last.
const EARLY_FOLDS: usize = 3;

/// Searches for settings. Runs on the current rayon thread pool; what is found, and the log but for its
/// timing, is the same for any number of threads and for any number of interruptions.
///
/// # Errors
/// When a setting is out of bounds, the corpus cannot be learnt from with the settings of the start,
/// the aim names a label that it does not have, or the log is of another search or cannot be written.
pub fn tune(
    corpus: &Corpus,
    start: &Settings,
    search: &Search,
    log: Option<&Path>,
    progress: &(dyn Fn(SearchProgress) + Sync),
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<SearchEnd> {
    check(corpus, start, search)?;
    let head = LogHead {
        marsad_tune: LOG_VERSION,
        corpus_digest: corpus.digest(),
        seed: search.seed,
        aim: search.aim.to_string(),
        vary: search.vary.clone(),
        hold_out: search.hold_out,
        start: start.clone(),
    };
    let mut log = match log {
        Some(path) => TrialLog::open(path, &head)?,
        None => TrialLog::unkept(),
    };
    let (search_on, held_out) = divide(corpus, search)?;
    let seen = corpus.select(&search_on);
    let rungs = rungs(&seen, start, search)?;
    let planned = (0..rungs.len()).map(|rung| most_tried(search.trials, rung));
    progress(SearchProgress::Planned(planned.sum()));
    let mut trials: Vec<usize> = (0..search.trials).collect();
    let mut tried: BTreeMap<usize, Trial> = BTreeMap::new();
    let mut done = 0;
    for (number, rung) in rungs.iter().enumerate() {
        let ladder = Ladder {
            start,
            search,
            rung,
            number,
            bench: Workbench::new(&rung.corpus, start)?,
        };
        let Some(entries) = ladder.run(&trials, &mut log, progress, stop)? else {
            return Ok(SearchEnd::Stopped {
                done: done + ladder.finished(&trials, &log),
            });
        };
        done += entries.len();
        for entry in &entries {
            record(&mut tried, entry);
        }
        trials = best_of(&entries, survivors(search.trials, number + 1));
    }
    let best = *trials.first().unwrap_or(&0);
    let settings = draw(start, &search.vary, search.seed, best);
    let held_out_documents = corpus.select(&held_out).documents();
    let verdict = match best != 0 && held_out_documents >= FEWEST_HELD_OUT {
        true => {
            progress(SearchProgress::Verdict);
            Some(verdict(
                corpus,
                [start, &settings],
                search,
                &search_on,
                &held_out,
            )?)
        }
        false => None,
    };
    Ok(SearchEnd::Finished(Box::new(Tuning {
        aim: search.aim.to_string(),
        seed: search.seed,
        corpus_digest: head.corpus_digest,
        trials: tried.into_values().collect(),
        best,
        settings,
        held_out_documents,
        verdict,
    })))
}

fn check(corpus: &Corpus, start: &Settings, search: &Search) -> Result<()> {
    start.check()?;
    if search.trials < 2 {
        return Err(Error::Setting {
            name: "trials",
            value: search.trials.to_string(),
            allowed: "at least 2",
        });
    }
    if search.vary.is_empty() || !(0.0..=0.5).contains(&search.hold_out) {
        return Err(Error::Setting {
            name: "hold_out",
            value: search.hold_out.to_string(),
            allowed: "a share from 0 to 0.5, with something varied",
        });
    }
    if search.hold_out > 0.0 && search.bootstrap.samples < FEWEST_RESAMPLES {
        return Err(Error::Setting {
            name: "bootstrap",
            value: search.bootstrap.samples.to_string(),
            allowed: "at least 100, as what the best is worth is told by its interval; or hold_out = 0",
        });
    }
    if let Target::Labels(labels) = &search.aim {
        let leaves: Vec<String> = corpus.labels().into_iter().collect();
        let tree = LabelTree::new(&leaves);
        let known = |label: &&String| !tree.labels().iter().any(|l| l.name == **label);
        if let Some(unknown) = labels.iter().find(known) {
            return Err(Error::Corpus(format!(
                "the aim {unknown:?} is no label of the corpus; aim at macro-f1, micro-f1, exact or one of {}",
                leaves.join(", ")
            )));
        }
    }
    Ok(())
}

/// Rows that the search sees, and rows that it does not.
fn divide(corpus: &Corpus, search: &Search) -> Result<(Vec<usize>, Vec<usize>)> {
    let all = 0..corpus.records().len();
    if search.hold_out == 0.0 || corpus.documents() < FEWEST_DOCUMENTS {
        return Ok((all.collect(), Vec::new()));
    }
    let parts = ((1.0 / search.hold_out).round() as usize).clamp(2, corpus.documents());
    let folds = assign_folds(corpus.records(), parts, search.seed)?;
    Ok(all.partition(|&row| folds[row] != 0))
}

/// The documents of one rung with their folds.
struct Rung {
    corpus: Corpus,
    documents: usize,
    parts: Vec<HeldOutPart>,
}

/// Rungs within each other, the last of all documents that the search sees.
fn rungs(seen: &Corpus, start: &Settings, search: &Search) -> Result<Vec<Rung>> {
    let last = NINTHS[NINTHS.len() - 1];
    let groups = nested_groups(seen.records(), last, search.seed.wrapping_add(1))?;
    let mut rungs = Vec::new();
    for ninths in NINTHS {
        let rows: Vec<usize> = (0..groups.len())
            .filter(|&row| groups[row] < ninths)
            .collect();
        let corpus = seen.select(&rows);
        let documents = corpus.documents();
        let is_last = ninths == last;
        if documents < FEWEST_DOCUMENTS && !is_last {
            continue;
        }
        let folds = match is_last {
            true => start.training.folds,
            false => EARLY_FOLDS,
        };
        let folds = assign_folds(corpus.records(), folds, search.seed)?;
        rungs.push(Rung {
            corpus,
            documents,
            parts: HeldOutPart::of_folds(&folds),
        });
    }
    Ok(rungs)
}

/// Trials on a rung at most: the start goes along where it is not among the best.
fn most_tried(trials: usize, rung: usize) -> usize {
    match rung {
        0 => trials,
        _ => (survivors(trials, rung) + 1).min(trials),
    }
}

/// Trials that a rung is reached by, the start not counted where it is not among the best.
fn survivors(trials: usize, rung: usize) -> usize {
    trials.div_ceil(HALVING.pow(rung as u32))
}

/// The best trials, best first, and the start in any case: the last is compared with it.
fn best_of(entries: &[LogEntry], count: usize) -> Vec<usize> {
    let mut ranked: Vec<(f64, usize)> = entries
        .iter()
        .filter_map(|entry| Some((entry.score?, entry.trial)))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut best: Vec<usize> = ranked.iter().map(|&(_, trial)| trial).take(count).collect();
    if !best.contains(&0) {
        best.push(0);
    }
    best
}

fn record(tried: &mut BTreeMap<usize, Trial>, entry: &LogEntry) {
    let trial = tried.entry(entry.trial).or_insert_with(|| Trial {
        trial: entry.trial,
        changes: entry.changes.clone(),
        scores: Vec::new(),
        failure: None,
    });
    trial.failure = entry.failure.clone();
    if let Some(score) = entry.score {
        trial.scores.push(TrialScore {
            rung: entry.rung,
            documents: entry.documents,
            sentences: entry.sentences,
            folds: entry.folds,
            score,
            seconds: entry.timing.seconds,
        });
    }
}

/// One rung with what its trials share.
struct Ladder<'a> {
    start: &'a Settings,
    search: &'a Search,
    rung: &'a Rung,
    number: usize,
    bench: Workbench<'a>,
}

impl Ladder<'_> {
    /// Runs the trials that are not in the log, in the order of their numbers; nothing where it was
    /// asked to stop.
    fn run(
        &self,
        trials: &[usize],
        log: &mut TrialLog,
        progress: &(dyn Fn(SearchProgress) + Sync),
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Vec<LogEntry>>> {
        let mut trials = trials.to_vec();
        trials.sort_unstable();
        let told = |entry: &LogEntry| {
            progress(SearchProgress::Done {
                trial: entry.trial,
                rung: entry.rung,
                score: entry.score,
            });
        };
        let mut entries = Vec::with_capacity(trials.len());
        let mut open = Vec::new();
        for &trial in &trials {
            match log.finished(self.number, trial) {
                Some(entry) => {
                    self.check_entry(entry)?;
                    told(entry);
                    entries.push(entry.clone());
                }
                None => open.push(trial),
            }
        }
        // The folds of a trial run at once; where there are more threads, several trials do.
        let at_once = match self.start.learner.kind.is_stock() {
            true => 1,
            false => rayon::current_num_threads().div_ceil(self.rung.parts.len().max(1)),
        };
        for batch in open.chunks(at_once.max(1)) {
            if stop() {
                return Ok(None);
            }
            let ran: Vec<LogEntry> = batch
                .par_iter()
                .map(|&trial| self.attempt(trial))
                .collect::<Result<_>>()?;
            for entry in ran {
                told(&entry);
                log.keep(entry.clone())?;
                entries.push(entry);
            }
        }
        entries.sort_by_key(|entry| entry.trial);
        Ok(Some(entries))
    }

    /// How many of the trials are finished.
    fn finished(&self, trials: &[usize], log: &TrialLog) -> usize {
        let finished = |trial: &&usize| log.finished(self.number, **trial).is_some();
        trials.iter().filter(finished).count()
    }

    fn settings(&self, trial: usize) -> Settings {
        draw(self.start, &self.search.vary, self.search.seed, trial)
    }

    fn check_entry(&self, entry: &LogEntry) -> Result<()> {
        let same = entry.changes == changes(self.start, &self.settings(entry.trial))
            && entry.sentences == self.rung.corpus.records().len()
            && entry.folds == self.rung.parts.len();
        match same {
            true => Ok(()),
            false => Err(Error::Corpus(format!(
                "the log's trial {} has other settings or sentences than this search; name another log",
                entry.trial
            ))),
        }
    }

    /// Tries the settings of one trial. What only these settings cannot do is its failure; the start
    /// must not fail.
    fn attempt(&self, trial: usize) -> Result<LogEntry> {
        let begun = Instant::now();
        let settings = self.settings(trial);
        let (score, failure) = match self.score(&settings) {
            Ok(score) => (Some(score), None),
            Err(error) if trial == 0 => return Err(error),
            Err(error) => (None, Some(error.to_string())),
        };
        Ok(LogEntry {
            rung: self.number,
            trial,
            changes: changes(self.start, &settings),
            documents: self.rung.documents,
            sentences: self.rung.corpus.records().len(),
            folds: self.rung.parts.len(),
            score,
            failure,
            timing: Timing {
                seconds: (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
            },
        })
    }

    fn score(&self, settings: &Settings) -> Result<f64> {
        let bench = self.bench.with(settings)?;
        let predicted = bench.predict_parts(settings, &self.rung.parts, &|_| ())?;
        let places = self
            .rung
            .parts
            .iter()
            .flat_map(|part| part.measure_on.clone());
        let measured = self.rung.corpus.select(&places.collect::<Vec<_>>());
        Ok(predicted.judged(measured.records()).score(&self.search.aim))
    }
}

/// Start and best, each trained on what the search saw, on what it did not see.
fn verdict(
    corpus: &Corpus,
    [start, best]: [&Settings; 2],
    search: &Search,
    search_on: &[usize],
    held_out: &[usize],
) -> Result<HeldOutVerdict> {
    let bench = Workbench::new(corpus, start)?;
    let measured = corpus.select(held_out);
    let judge = |settings: &Settings| {
        let bench = bench.with(settings)?;
        let predicted = bench.hold_out(settings, search_on, held_out, &|_| ())?;
        Ok::<_, Error>(predicted.judged(measured.records()))
    };
    let (of_start, of_best) = (judge(start)?, judge(best)?);
    let ([start, best], difference) =
        of_start.scores_against(&of_best, &search.aim, search.draws, search.bootstrap);
    Ok(HeldOutVerdict {
        sentences: held_out.len(),
        documents: measured.documents(),
        start,
        best,
        difference,
    })
}
