//! What would have to go for a decision to fall the other way.

use serde::{Deserialize, Serialize};

use super::explainer::without;
use super::{Explainer, Explanation, Span};
use crate::error::{Result, label_not_known};
use crate::original::plain;
use crate::predict::{Prediction, Scratch};
use crate::scoring::LabelMode;

/// Words that are tried, those with the largest effect.
const MOST_CANDIDATES: usize = 64;

/// Words left out for a label to hold: a text without more of its words is another text.
const MOST_AGAINST: usize = 4;

/// Features named as missing.
const MOST_MISSING: usize = 8;

/// What turns the decision on a label, found by leaving out one word after the other, each time the one
/// that changes most, and predicting the text without them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// The label, perhaps a parent.
    pub label: String,
    /// Whether it holds for the text as it is.
    pub holds: bool,
    /// Its probability.
    pub probability: f64,
    /// Whether leaving words out turns the decision.
    pub turns: bool,
    /// The words: where the decision turns, those without which it does, and none of them too many;
    /// else, for a label that holds, all that were tried, for one that does not, those that
    /// speak against it.
    pub removed: Vec<RemovedWord>,
    /// The probability of the label for the text without these words.
    pub probability_without: f64,
    /// The text without them, a space in the place of each.
    pub text_without: String,
    /// For a label that does not hold even without what speaks against it: features that speak most for
    /// it and are missing in the text.
    pub missing: Vec<String>,
}

/// A word that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedWord {
    /// The word as it stands in the text.
    pub word: String,
    /// Where.
    #[serde(flatten)]
    pub span: Span,
}

/// How a label stands for a text: how far from its threshold, and, where that is too far for numbers to
/// tell, its raw score.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Standing {
    holds: bool,
    probability: f64,
    distance: f64,
    score: f64,
}

impl Standing {
    /// Whether the label is likelier here than there.
    fn is_above(&self, other: &Self) -> bool {
        let by_distance = self.distance.total_cmp(&other.distance);
        by_distance.then(self.score.total_cmp(&other.score)).is_gt()
    }
}

/// A search over the words of one text.
struct Search<'e, 't> {
    explainer: &'e Explainer<'e>,
    text: &'t str,
    /// Place of the label in the tree.
    label: usize,
    holds: bool,
}

impl Explainer<'_> {
    /// What would have to go for a label not to hold, or, where it does not hold, what speaks against
    /// it and what is missing. The label may be a parent.
    ///
    /// # Errors
    /// When the model does not know the label.
    pub fn against(
        &self,
        explained: &Explanation,
        label: &str,
        scratch: &mut Scratch,
    ) -> Result<Against> {
        let labels = self.predictor.tree().labels();
        let Some(place) = labels.iter().position(|known| known.name == label) else {
            return Err(label_not_known(label, labels.iter().map(|l| &*l.name)));
        };
        let mut search = Search {
            explainer: self,
            text: &explained.text,
            label: place,
            holds: false,
        };
        let now = search.standing(&[], scratch);
        search.holds = now.holds;
        let (removed, then) = search.run(search.candidates(explained), now, scratch);
        let turns = then.holds != now.holds;
        let missing = match turns || now.holds {
            true => Vec::new(),
            false => self.missing(explained, search.likeliest_leaf(explained)),
        };
        Ok(Against {
            label: label.to_owned(),
            holds: now.holds,
            probability: now.probability,
            turns,
            probability_without: then.probability,
            text_without: without(&explained.text, &removed),
            removed: removed
                .into_iter()
                .map(|span| RemovedWord {
                    word: explained.text[span.range()].to_owned(),
                    span,
                })
                .collect(),
            missing,
        })
    }

    /// The features that speak most for a leaf and do not stand in the text.
    fn missing(&self, explained: &Explanation, leaf: usize) -> Vec<String> {
        let vocabulary = self.predictor.vocabulary();
        let present = explained.labels.get(leaf).map(|label| &label.contributions);
        let is_present = |name: &str| {
            let present = present.into_iter().flatten();
            { present }.any(|contribution| contribution.feature == name)
        };
        let mut missing: Vec<String> = Vec::new();
        for (feature, effect) in self.predictor.effects(leaf) {
            if missing.len() == MOST_MISSING || effect <= 0.0 {
                break;
            }
            // Parts of words say little to people.
            let name = vocabulary.name(feature).filter(|name| name.is_whole());
            let name = name.map(|name| name.to_string());
            if let Some(name) = name.filter(|name| !is_present(name) && !missing.contains(name)) {
                missing.push(name);
            }
        }
        missing
    }
}

impl Search<'_, '_> {
    fn leaves(&self) -> &[usize] {
        &self.explainer.predictor.tree().labels()[self.label].leaves
    }

    fn likeliest_leaf(&self, explained: &Explanation) -> usize {
        let probability = |leaf: usize| explained.labels[leaf].probability;
        let leaves = self.leaves().iter().copied();
        leaves
            .reduce(|best, leaf| match probability(leaf) > probability(best) {
                true => leaf,
                false => best,
            })
            .unwrap_or_default()
    }

    /// How the label stands for the text without some parts, which are in order.
    fn standing(&self, parts: &[Span], scratch: &mut Scratch) -> Standing {
        let predictor = self.explainer.predictor;
        let text = without(self.text, parts);
        let (prediction, scores) = predictor.predict_with_scores(&text, scratch);
        let tree = predictor.tree();
        let mode = predictor.header().mode;
        let leaves = self.leaves().iter();
        Standing {
            holds: tree.holds(self.label, &prediction.holds),
            probability: tree.probability(self.label, mode, &prediction.probabilities),
            distance: self.distance(prediction),
            score: leaves.fold(f64::NEG_INFINITY, |most, &leaf| most.max(scores[leaf])),
        }
    }

    /// How far the likeliest leaf of the label is above its threshold, in logits; where exactly one
    /// label holds, above the best of the others.
    fn distance(&self, prediction: &Prediction) -> f64 {
        let header = self.explainer.predictor.header();
        let ln = libm::log;
        let logit = |p: f64| ln(p) - libm::log1p(-p);
        let of_leaf = |leaf: usize| {
            let (probability, threshold) =
                (prediction.probabilities[leaf], header.thresholds[leaf]);
            match header.mode {
                LabelMode::Multiple => logit(probability) - logit(threshold),
                LabelMode::Single => ln(probability) - ln(threshold),
            }
        };
        let most = |leaves: &mut dyn Iterator<Item = usize>| {
            leaves.map(of_leaf).fold(f64::NEG_INFINITY, f64::max)
        };
        let own = most(&mut self.leaves().iter().copied());
        let distance = match header.mode {
            LabelMode::Multiple => own,
            LabelMode::Single => {
                let all = 0..header.labels.len();
                own - most(&mut all.filter(|leaf| !self.leaves().contains(leaf)))
            }
        };
        if distance.is_nan() { 0.0 } else { distance }
    }

    /// The words that may be left out, in order.
    fn candidates(&self, explained: &Explanation) -> Vec<Span> {
        let is_word = |span: &Span| self.text[span.range()].contains(char::is_alphanumeric);
        let words = &explained.labels[self.likeliest_leaf(explained)].words;
        let mut words: Vec<_> = words.iter().filter(|word| is_word(&word.span)).collect();
        // Those that hold the decision up come first.
        let sign = if self.holds { 1.0 } else { -1.0 };
        words.sort_by(|a, b| (sign * b.value).total_cmp(&(sign * a.value)));
        words.truncate(MOST_CANDIDATES);
        let mut spans: Vec<Span> = words.into_iter().map(|word| word.span).collect();
        spans.sort_unstable();
        spans
    }

    /// Leaves out the word that changes most until the decision turns or nothing changes it any more;
    /// then takes back what is not needed.
    fn run(
        &self,
        mut candidates: Vec<Span>,
        now: Standing,
        scratch: &mut Scratch,
    ) -> (Vec<Span>, Standing) {
        let mut removed: Vec<Span> = Vec::new();
        let mut best = now;
        let most = match self.holds {
            true => candidates.len(),
            false => MOST_AGAINST,
        };
        while best.holds == now.holds && removed.len() < most && !candidates.is_empty() {
            let tried = candidates.iter().enumerate().map(|(place, &candidate)| {
                let parts = with(&removed, candidate);
                (place, self.standing(&parts, scratch))
            });
            let next = tried.reduce(|best, other| match self.is_better(&other.1, &best.1) {
                true => other,
                false => best,
            });
            let Some((place, standing)) = next.filter(|(_, next)| self.is_better(next, &best))
            else {
                break;
            };
            best = standing;
            removed = with(&removed, candidates.remove(place));
        }
        if best.holds != now.holds {
            self.take_back(&mut removed, &mut best, scratch);
        }
        (removed, best)
    }

    /// Takes words back without which the decision turns as well.
    fn take_back(&self, removed: &mut Vec<Span>, best: &mut Standing, scratch: &mut Scratch) {
        let mut place = 0;
        while place < removed.len() && removed.len() > 1 {
            let mut fewer = removed.clone();
            fewer.remove(place);
            let standing = self.standing(&fewer, scratch);
            if standing.holds == best.holds {
                (*removed, *best) = (fewer, standing);
                // Beside fewer words one that was needed may be needed no more.
                place = 0;
            } else {
                place += 1;
            }
        }
    }

    fn is_better(&self, standing: &Standing, than: &Standing) -> bool {
        match self.holds {
            true => than.is_above(standing),
            false => standing.is_above(than),
        }
    }
}

/// Some parts with one more, in order.
fn with(parts: &[Span], part: Span) -> Vec<Span> {
    let mut all = parts.to_vec();
    let place = all.partition_point(|other| *other < part);
    all.insert(place, part);
    all
}

impl Against {
    /// The result in plain words. `isolated` puts marks around what may be written from right to left,
    /// so that a terminal keeps the order of what stands beside it.
    pub fn told(&self, isolated: bool) -> String {
        let quoted = |word: &str| match (plain(word), isolated) {
            (word, true) => format!("\u{2068}«{word}»\u{2069}"),
            (word, false) => format!("«{word}»"),
        };
        let listed = |words: Vec<String>| match words.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => String::new(),
        };
        let percent = |share: f64| format!("{:.1}%", 100.0 * share);
        let label = plain(&self.label);
        let words = listed(self.removed.iter().map(|word| quoted(&word.word)).collect());
        let (now, then) = (percent(self.probability), percent(self.probability_without));
        match (self.holds, self.turns) {
            (true, true) => {
                format!("{label} holds ({now}). Without {words} it would not ({then}).")
            }
            (true, false) if words.is_empty() => {
                format!(
                    "{label} holds ({now}), and no word of the text makes it less likely by its absence."
                )
            }
            (true, false) => {
                format!("{label} holds ({now}), and still does without {words} ({then}).")
            }
            (false, true) => {
                format!(
                    "{label} does not hold ({now}). Without {words}, which speak against it, it would ({then})."
                )
            }
            (false, false) => {
                let mut told = format!("{label} does not hold ({now}).");
                if !words.is_empty() {
                    told += &format!(
                        " {words} speak against it, but it would not hold without them either ({then})."
                    );
                }
                if !self.missing.is_empty() {
                    let missing = self.missing.iter().map(|name| quoted(name)).collect();
                    told += &format!(
                        " Missing is what speaks for it elsewhere, such as {}.",
                        listed(missing)
                    );
                }
                told
            }
        }
    }
}
