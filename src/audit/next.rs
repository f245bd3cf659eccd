//! What to annotate next: the sentences of which a model is least sure, unlike each other, and a share
//! by chance.
//!
//! Uncertainty sampling (Lewis and Gale, SIGIR 1994) by labels in turn: each label in turn takes the
//! sentence whose probability lies nearest to its threshold and that no sentence taken before resembles;
//! or, of a window of such sentences, the one least like those taken (greedy k-centre; Sener and
//! Savarese, ICLR 2018, on shared character 5-grams). Turns keep a frequent label from taking all. What is drawn by chance is a simple random sample of all sentences that could
//! be taken, so that shares and figures estimated on it are honest: each row tells its probability of
//! being drawn. `docs/annotating.md` shows what this gains over annotating at random.

use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;

use super::near_duplicates::{NearIndex, Prepared, Threshold};
use crate::scoring::LabelMode;

/// How sentences are chosen.
#[derive(Clone, Debug)]
pub struct NextSettings {
    /// Sentences chosen.
    pub rows: usize,
    /// Share of these that is drawn by chance, from 0 to 1.
    pub random_share: f64,
    /// Decides what is drawn.
    pub seed: u64,
    /// From which similarity on a sentence repeats another.
    pub similarity: Threshold,
    /// How unsure sentences are chosen.
    pub method: NextMethod,
}

/// How unsure sentences are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextMethod {
    /// Labels choose in turn; else the label that is least sure decides.
    pub turns: bool,
    /// Of so many least sure sentences the one least like those chosen is taken.
    pub window: usize,
}

impl Default for NextMethod {
    /// What gained most in the simulation of `docs/annotating.md`.
    fn default() -> Self {
        Self {
            turns: true,
            window: 1,
        }
    }
}

/// A sentence that could be annotated.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sentence {
    /// Its id, or `FILE:LINE`.
    pub id: String,
    /// Its document, or the file.
    pub doc: String,
    /// Its text.
    pub text: String,
    /// The file it stands in.
    pub file: String,
    /// Line in that file, from 1.
    pub line: u64,
}

/// A sentence with what a model says of it.
#[derive(Clone, Debug)]
pub struct Offered {
    /// The sentence.
    pub sentence: Sentence,
    /// Probability of each leaf label.
    pub probabilities: Vec<f64>,
    compared: Prepared,
}

/// Why a sentence was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Chosen {
    /// The model is unsure of it.
    Uncertain,
    /// By chance.
    Random,
}

/// A sentence to annotate.
#[derive(Clone, Debug, Serialize)]
pub struct NextRow {
    /// The sentence.
    #[serde(flatten)]
    pub sentence: Sentence,
    /// Why it was chosen.
    pub chosen: Chosen,
    /// For one drawn by chance how probable that was.
    pub inclusion_probability: Option<f64>,
    /// For an unsure one the label that it was chosen for.
    pub label: Option<String>,
    /// How far the probability of that label lies from its threshold, in logarithms of odds.
    pub margin: Option<f64>,
    /// Probability of each leaf label, in the order of the model's.
    pub probabilities: Vec<f64>,
}

/// What was looked through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PoolCounts {
    /// Sentences offered.
    pub offered: u64,
    /// Of these without a word.
    pub empty: u64,
    /// Of these nearly the same as an annotated one.
    pub annotated: u64,
    /// Times that a list had no room for a sentence of which the model is surer, repeats of one it has
    /// aside: where this is not 0, there may be more to choose than was kept.
    pub without_room: u64,
}

impl PoolCounts {
    /// Sentences that could be chosen.
    pub fn eligible(&self) -> u64 {
        self.offered - self.empty - self.annotated
    }
}

/// An unsure sentence, ordered by how unsure: the surest is the greatest.
#[derive(Clone, Debug)]
struct Unsure {
    margin: f64,
    number: u64,
    offered: Arc<Offered>,
}

impl Unsure {
    fn new(margin: f64, number: u64, offered: &Arc<Offered>) -> Self {
        Self {
            margin,
            number,
            offered: offered.clone(),
        }
    }
}

impl PartialEq for Unsure {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Unsure {}

impl PartialOrd for Unsure {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Unsure {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let margins = self.margin.total_cmp(&other.margin);
        margins.then(self.number.cmp(&other.number))
    }
}

/// Sentences looked through one by one, of which as many are kept as may be chosen: memory does not grow
/// with what is offered.
pub struct Pool {
    settings: NextSettings,
    labels: Vec<String>,
    mode: LabelMode,
    thresholds: Vec<f64>,
    annotated: NearIndex,
    has_annotated: bool,
    /// For each label, or for all at once, the least sure.
    unsure: Vec<LeastSure>,
    capacity: usize,
    drawn: Vec<(u64, Arc<Offered>)>,
    random: Xoshiro256PlusPlus,
    counts: PoolCounts,
}

impl Pool {
    /// An empty pool for a model with these labels, mode and thresholds. Nothing that nearly repeats one
    /// of the `annotated` texts is chosen.
    pub fn new<'a>(
        settings: NextSettings,
        (labels, mode, thresholds): (&[String], LabelMode, &[f64]),
        annotated: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        /// Sentences kept of a label for each that it may take: room for repeats.
        const SPARE: usize = 10;
        let mut index = NearIndex::new(settings.similarity);
        let mut has_annotated = false;
        for text in annotated {
            let prepared = index.prepare(text);
            index.add(&prepared);
            has_annotated = true;
        }
        let lists = if settings.method.turns {
            labels.len().max(1)
        } else {
            1
        };
        Self {
            capacity: SPARE * settings.rows.div_ceil(lists).max(settings.method.window),
            unsure: vec![LeastSure::default(); lists],
            random: Xoshiro256PlusPlus::seed_from_u64(settings.seed),
            labels: labels.to_vec(),
            thresholds: thresholds.to_vec(),
            annotated: index,
            drawn: Vec::new(),
            counts: PoolCounts::default(),
            has_annotated,
            settings,
            mode,
        }
    }

    /// What is offered of a sentence; can be made by many threads at once.
    pub fn prepare(&self, sentence: Sentence, probabilities: Vec<f64>) -> Offered {
        Offered {
            compared: self.annotated.prepare(&sentence.text),
            sentence,
            probabilities,
        }
    }

    /// Whether an annotated text is nearly the same; can be asked by many threads at once.
    pub fn is_annotated(&self, offered: &Offered) -> bool {
        self.has_annotated && self.annotated.holds(&offered.compared)
    }

    /// Takes a sentence in. The order in which sentences come decides which are drawn by chance.
    pub fn offer(&mut self, offered: Offered, is_annotated: bool) {
        let number = self.counts.offered;
        self.counts.offered += 1;
        if offered.compared.shingles.is_empty() {
            self.counts.empty += 1;
            return;
        }
        if is_annotated {
            self.counts.annotated += 1;
            return;
        }
        let offered = Arc::new(offered);
        self.draw(number, &offered);
        let margins = self.margins(&offered.probabilities);
        let set = offered.compared.set_hash();
        let lists = self.unsure.len();
        for (label, &margin) in margins
            .iter()
            .enumerate()
            .take(if lists > 1 { lists } else { 0 })
        {
            let unsure = Unsure::new(margin, number, &offered);
            let had_room = self.unsure[label].keep(self.capacity, set, unsure);
            self.counts.without_room += u64::from(!had_room);
        }
        if lists == 1 {
            let least = margins.iter().copied().fold(f64::INFINITY, f64::min);
            let unsure = Unsure::new(least, number, &offered);
            let had_room = self.unsure[0].keep(self.capacity, set, unsure);
            self.counts.without_room += u64::from(!had_room);
        }
    }

    /// Sentences drawn by chance.
    fn random_rows(&self) -> usize {
        (self.settings.random_share * self.settings.rows as f64).round() as usize
    }

    /// Draws sentences of a stream of unknown length (Vitter's algorithm R, 1985).
    fn draw(&mut self, number: u64, offered: &Arc<Offered>) {
        let wanted = self.random_rows();
        if self.drawn.len() < wanted {
            self.drawn.push((number, offered.clone()));
            return;
        }
        let place = self.random.gen_range(0..self.counts.eligible().max(1));
        if let Some(drawn) = usize::try_from(place)
            .ok()
            .and_then(|at| self.drawn.get_mut(at))
        {
            *drawn = (number, offered.clone());
        }
    }

    /// For each label how far a sentence is from being decided otherwise.
    fn margins(&self, probabilities: &[f64]) -> Vec<f64> {
        let pairs = || probabilities.iter().zip(&self.thresholds);
        match self.mode {
            LabelMode::Multiple => pairs()
                .map(|(&p, &t)| (logit(p) - logit(t)).abs())
                .collect(),
            LabelMode::Single => {
                let ratios: Vec<f64> = pairs().map(|(p, t)| libm::log(p / t)).collect();
                let best_but = |label: usize| {
                    let others = ratios
                        .iter()
                        .enumerate()
                        .filter(|(other, _)| *other != label);
                    others
                        .map(|(_, ratio)| *ratio)
                        .fold(f64::NEG_INFINITY, f64::max)
                };
                let margin = |label: usize| (ratios[label] - best_but(label)).abs();
                (0..ratios.len()).map(margin).collect()
            }
        }
    }

    /// Chooses: what was drawn by chance, in the order in which it was offered, then what is unsure. Fewer
    /// than asked for where no more were kept that do not repeat each other; see [`PoolCounts::without_room`].
    pub fn choose(mut self) -> (Vec<NextRow>, PoolCounts) {
        self.drawn.sort_by_key(|&(number, _)| number);
        let eligible = self.counts.eligible().max(1) as f64;
        let probability = self.drawn.len() as f64 / eligible;
        let mut taken: HashSet<u64> = HashSet::new();
        let mut index = NearIndex::new(self.settings.similarity);
        let mut compared: Vec<Arc<Offered>> = Vec::new();
        let mut rows = Vec::new();
        for (number, offered) in &self.drawn {
            taken.insert(*number);
            index.add(&offered.compared);
            compared.push(offered.clone());
            rows.push(row_of(offered, Chosen::Random, Some(probability), None));
        }
        let lists = std::mem::take(&mut self.unsure).into_iter();
        let mut lists: Vec<std::vec::IntoIter<Unsure>> = lists
            .map(|list| list.heap.into_sorted_vec().into_iter())
            .collect();
        let mut waiting: Vec<Vec<Unsure>> = vec![Vec::new(); lists.len()];
        let mut exhausted = false;
        while rows.len() < self.settings.rows && !exhausted {
            exhausted = true;
            for (label, list) in lists.iter_mut().enumerate() {
                if rows.len() >= self.settings.rows {
                    break;
                }
                let waiting = &mut waiting[label];
                waiting.retain(|unsure| {
                    !taken.contains(&unsure.number) && !index.holds(&unsure.offered.compared)
                });
                while waiting.len() < self.settings.method.window.max(1)
                    && let Some(next) = list.next()
                {
                    if !taken.contains(&next.number) && !index.holds(&next.offered.compared) {
                        waiting.push(next);
                    }
                }
                let Some(best) = least_alike(waiting, &compared) else {
                    continue;
                };
                let unsure = waiting.remove(best);
                exhausted = false;
                taken.insert(unsure.number);
                index.add(&unsure.offered.compared);
                compared.push(unsure.offered.clone());
                let name = match self.settings.method.turns {
                    true => self.labels.get(label),
                    false => {
                        let margins = self.margins(&unsure.offered.probabilities);
                        let least = margins.iter().position(|&margin| margin == unsure.margin);
                        least.and_then(|label| self.labels.get(label))
                    }
                };
                let why = Some((name.cloned(), unsure.margin));
                rows.push(row_of(&unsure.offered, Chosen::Uncertain, None, why));
            }
        }
        (rows, self.counts)
    }
}

/// The least sure sentences of a label, each set of shingles once: a sentence that is offered many times
/// takes the place of no other.
#[derive(Clone, Debug, Default)]
struct LeastSure {
    heap: BinaryHeap<Unsure>,
    sets: HashSet<u64>,
}

impl LeastSure {
    /// Keeps a sentence, of whose shingles this is the hash, where it is one of the least sure. Returns
    /// whether nothing but a repeat had to be left out.
    fn keep(&mut self, capacity: usize, set: u64, unsure: Unsure) -> bool {
        if self.sets.contains(&set) {
            return true;
        }
        if self.heap.len() < capacity {
            self.heap.push(unsure);
            self.sets.insert(set);
            return true;
        }
        if let Some(mut surest) = self.heap.peek_mut()
            && unsure < *surest
        {
            self.sets.remove(&surest.offered.compared.set_hash());
            self.sets.insert(set);
            *surest = unsure;
        }
        false
    }
}

/// The place of the sentence that is least like the most similar of those chosen; the least sure among
/// equals.
fn least_alike(waiting: &[Unsure], chosen: &[Arc<Offered>]) -> Option<usize> {
    if waiting.len() < 2 {
        return (!waiting.is_empty()).then_some(0);
    }
    let likeness = |unsure: &Unsure| {
        let own = &unsure.offered.compared;
        let others = chosen.iter().map(|other| other.compared.similarity(own));
        others.fold(0.0, f64::max)
    };
    let likeness: Vec<f64> = waiting.iter().map(likeness).collect();
    (0..waiting.len()).min_by(|&a, &b| likeness[a].total_cmp(&likeness[b]))
}

fn row_of(
    offered: &Offered,
    chosen: Chosen,
    inclusion_probability: Option<f64>,
    why: Option<(Option<String>, f64)>,
) -> NextRow {
    let (label, margin) = why.map_or((None, None), |(label, margin)| (label, Some(margin)));
    NextRow {
        sentence: offered.sentence.clone(),
        chosen,
        inclusion_probability,
        label,
        margin,
        probabilities: offered.probabilities.clone(),
    }
}

fn logit(probability: f64) -> f64 {
    let probability = probability.clamp(1e-9, 1.0 - 1e-9);
    libm::log(probability) - libm::log1p(-probability)
}

#[cfg(test)]
mod tests;
