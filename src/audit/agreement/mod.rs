//! How far annotators agree.
//!
//! Krippendorff's alpha for nominal data (Krippendorff, *Computing Krippendorff's Alpha-Reliability*,
//! 2011), a label at a time, with any number of annotators and missing values; Cohen's kappa (1960) for
//! each two of them; alpha over whole sets of labels with the MASI distance (Passonneau, LREC 2006).
//! Intervals are percentiles of a bootstrap over documents, whose sentences are no independent draws.

mod items;
mod label_sets;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::corpus::with_parents;
use crate::evaluate::Bootstrap;
pub(crate) use label_sets::MOST_SETS;
use label_sets::masi;

pub use items::{Item, Items, Reading, items};

/// A figure with its 95% interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Interval {
    /// The figure; nothing where it is not defined, as when all say the same of everything.
    pub value: Option<f64>,
    /// The lower bound.
    pub low: Option<f64>,
    /// The upper bound.
    pub high: Option<f64>,
}

/// How far annotators agree.
#[derive(Clone, Debug, Serialize)]
pub struct Agreement {
    /// Items read by at least one annotator.
    pub items: usize,
    /// Items read by two or more; all figures are on these.
    pub shared: usize,
    /// Documents of these.
    pub documents: usize,
    /// The annotators, with the items that each read.
    pub annotators: BTreeMap<String, usize>,
    /// Distinct sets of labels in readings of these.
    pub label_sets: usize,
    /// Alpha over sets of labels with the MASI distance; not measured where there are thousands of sets.
    pub masi_alpha: Interval,
    /// Share of pairs of readings with the same labels.
    pub same_labels: Option<f64>,
    /// Each label, parents included.
    pub labels: Vec<LabelAgreement>,
    /// Items on which annotators differ, in the order of the corpus.
    pub disputed: Vec<Dispute>,
}

/// Agreement on a label.
#[derive(Clone, Debug, Serialize)]
pub struct LabelAgreement {
    /// The label.
    pub label: String,
    /// Krippendorff's alpha.
    pub alpha: Interval,
    /// Share of pairs of readings of one item that say the same.
    pub raw: Option<f64>,
    /// Items that two or more annotators decided on.
    pub items: usize,
    /// Items on which they differ.
    pub disputed: usize,
    /// Readings that say yes, and all.
    pub yes: usize,
    /// Readings of these items.
    pub readings: usize,
    /// Cohen's kappa of each two annotators with an item in common.
    pub pairs: Vec<PairAgreement>,
}

/// Agreement of two annotators on a label.
#[derive(Clone, Debug, Serialize)]
pub struct PairAgreement {
    /// The two, in alphabetical order.
    pub annotators: [String; 2],
    /// Cohen's kappa.
    pub kappa: Interval,
    /// Share of their items on which they say the same.
    pub raw: f64,
    /// Items that both decided on.
    pub items: usize,
}

/// An item in dispute.
#[derive(Clone, Debug, Serialize)]
pub struct Dispute {
    /// Labels on which annotators differ.
    pub labels: Vec<String>,
    /// The item.
    #[serde(flatten)]
    pub item: Item,
}

/// Measures agreement, with intervals from `samples` resamples of documents.
pub fn agreement(items: &[Item], samples: usize, seed: u64) -> Agreement {
    let mut annotators: BTreeMap<String, usize> = BTreeMap::new();
    for annotator in items.iter().flat_map(|item| item.readings.keys()) {
        *annotators.entry(annotator.clone()).or_insert(0) += 1;
    }
    let shared: Vec<&Item> = items
        .iter()
        .filter(|item| item.readings.len() > 1)
        .collect();
    let named = items.iter().flat_map(|item| item.readings.values());
    let named = named.flat_map(|reading| reading.labels.iter().chain(&reading.unsure));
    let labels = with_parents(named.map(String::as_str));
    let resampled = Resamples::new(&shared, samples, seed);
    let names: Vec<&String> = annotators.keys().collect();
    let of_label = |label: &String| label_agreement(label, &shared, &names, &resampled);
    let (masi_alpha, same_labels, label_sets) = masi(&shared, &resampled);
    let disputed = shared.iter().filter_map(|item| {
        let differ = |label: &&String| {
            let says: BTreeSet<bool> = says(item, label).map(|(_, said)| said).collect();
            says.len() > 1
        };
        let labels: Vec<String> = labels.iter().filter(differ).cloned().collect();
        let item = (*item).clone();
        (!labels.is_empty()).then_some(Dispute { labels, item })
    });
    Agreement {
        items: items.len(),
        shared: shared.len(),
        documents: resampled.documents,
        label_sets,
        masi_alpha,
        same_labels,
        labels: labels.iter().map(of_label).collect(),
        disputed: disputed.collect(),
        annotators,
    }
}

fn says<'a>(item: &'a Item, label: &'a str) -> impl Iterator<Item = (&'a String, bool)> {
    let readings = item.readings.iter();
    readings.filter_map(move |(name, reading)| Some((name, reading.says(label)?)))
}

/// A figure where each document counts as often as is told.
type Figure<'a> = Box<dyn Fn(&[u32]) -> Option<f64> + Sync + 'a>;

/// Documents drawn again and again with replacement. Each resample is drawn anew where it is needed:
/// all of them are more than fits into memory.
struct Resamples {
    documents: usize,
    /// For each item the number of its document.
    of_item: Vec<usize>,
    bootstrap: Bootstrap,
}

impl Resamples {
    fn new(items: &[&Item], samples: usize, seed: u64) -> Self {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let mut of_item = Vec::with_capacity(items.len());
        for item in items {
            let next = numbers.len();
            of_item.push(*numbers.entry(&item.doc).or_insert(next));
        }
        let documents = numbers.len();
        // Nothing is learnt by drawing one document again.
        let samples = if documents > 1 { samples } else { 0 };
        Self {
            documents,
            of_item,
            bootstrap: Bootstrap { samples, seed },
        }
    }

    /// A figure of sums over items.
    fn figure<'a, const N: usize>(
        &self,
        of_items: &[[f64; N]],
        figure: impl Fn(&[f64; N]) -> Option<f64> + Sync + 'a,
    ) -> Figure<'a> {
        let mut sums: BTreeMap<usize, [f64; N]> = BTreeMap::new();
        let counted = self.of_item.iter().zip(of_items);
        for (&document, counts) in counted.filter(|(_, counts)| **counts != [0.0; N]) {
            let sums = sums.entry(document).or_insert([0.0; N]);
            (0..N).for_each(|place| sums[place] += counts[place]);
        }
        let documents: Vec<(usize, [f64; N])> = sums.into_iter().collect();
        Box::new(move |times| {
            let mut sums = [0.0; N];
            for (document, counts) in &documents {
                let times = f64::from(times[*document]);
                (0..N).for_each(|place| sums[place] += times * counts[place]);
            }
            figure(&sums)
        })
    }

    /// Figures with their intervals, all of the same resamples.
    fn intervals(&self, bootstrap: Bootstrap, figures: &[Figure<'_>]) -> Vec<Interval> {
        let values = |times: &[u32]| {
            let values = figures.iter().map(|figure| figure(times));
            values.map(|value| value.unwrap_or(f64::NAN)).collect()
        };
        let known = |value: f64| (!value.is_nan()).then_some(value);
        let is_drawn = bootstrap.samples > 0;
        let estimates = bootstrap.estimate(self.documents, values).into_iter();
        let intervals = estimates.map(|estimate| {
            let value = known(estimate.value);
            let bound = |bound| value.filter(|_| is_drawn).and(known(bound));
            Interval {
                value,
                low: bound(estimate.low),
                high: bound(estimate.high),
            }
        });
        intervals.collect()
    }
}

/// Alpha from a matrix of coincidences of no and yes: no-no, no-yes and yes-no, yes-yes.
fn alpha(&[no_no, differ, yes_yes]: &[f64; 3]) -> Option<f64> {
    let (no, yes) = (no_no + differ / 2.0, yes_yes + differ / 2.0);
    let values = no + yes;
    let expected = 2.0 * no * yes / (values - 1.0);
    (values > 1.0 && expected > 0.0).then(|| 1.0 - differ / expected)
}

/// Cohen's kappa from counts of no-no, no-yes, yes-no, yes-yes.
fn kappa(counts: &[f64; 4]) -> Option<f64> {
    let [no_no, no_yes, yes_no, yes_yes] = counts;
    let items: f64 = counts.iter().sum();
    let observed = (no_no + yes_yes) / items;
    let no = (no_no + no_yes) * (no_no + yes_no);
    let yes = (yes_no + yes_yes) * (no_yes + yes_yes);
    let expected = (no + yes) / (items * items);
    (items > 0.0 && expected < 1.0).then(|| (observed - expected) / (1.0 - expected))
}

fn label_agreement(
    label: &str,
    items: &[&Item],
    annotators: &[&String],
    resampled: &Resamples,
) -> LabelAgreement {
    let (mut coincidences, mut pairs_alike) = (Vec::with_capacity(items.len()), [0.0; 2]);
    let (mut decided, mut disputed, mut yes_all, mut readings) = (0, 0, 0, 0);
    for item in items {
        let said: Vec<bool> = says(item, label).map(|(_, said)| said).collect();
        let (all, yes) = (said.len(), said.iter().filter(|&&said| said).count());
        if all < 2 {
            coincidences.push([0.0; 3]);
            continue;
        }
        let no = all - yes;
        let pairs = |of: usize, with: usize| (of * with) as f64 / (all - 1) as f64;
        let differ = 2.0 * pairs(no, yes);
        let alike = [no, yes].map(|side| pairs(side, side.saturating_sub(1)));
        coincidences.push([alike[0], differ, alike[1]]);
        decided += 1;
        disputed += usize::from(no > 0 && yes > 0);
        yes_all += yes;
        readings += all;
        let unlike = (no * yes) as f64;
        let pairs = (all * (all - 1)) as f64 / 2.0;
        pairs_alike[0] += pairs - unlike;
        pairs_alike[1] += pairs;
    }
    let mut figures = vec![resampled.figure(&coincidences, alpha)];
    let mut pairs = Vec::new();
    for (place, &first) in annotators.iter().enumerate() {
        for &second in &annotators[place + 1..] {
            let measured = pair_agreement(label, items, [first, second], resampled);
            if let Some((pair, kappa)) = measured {
                pairs.push(pair);
                figures.push(kappa);
            }
        }
    }
    let mut intervals = resampled
        .intervals(resampled.bootstrap, &figures)
        .into_iter();
    let alpha = intervals.next().unwrap_or_default();
    for (pair, kappa) in pairs.iter_mut().zip(intervals) {
        pair.kappa = kappa;
    }
    LabelAgreement {
        label: label.to_owned(),
        alpha,
        raw: (pairs_alike[1] > 0.0).then(|| pairs_alike[0] / pairs_alike[1]),
        items: decided,
        disputed,
        yes: yes_all,
        readings,
        pairs,
    }
}

/// Agreement of two annotators with the figure of their kappa, which is not computed yet; nothing
/// where they have no item in common.
fn pair_agreement<'a>(
    label: &str,
    items: &[&Item],
    annotators: [&String; 2],
    resampled: &Resamples,
) -> Option<(PairAgreement, Figure<'a>)> {
    let mut counts = Vec::with_capacity(items.len());
    let (mut both, mut same) = (0usize, 0usize);
    for item in items {
        let says = annotators.map(|name| item.readings.get(name)?.says(label));
        let mut of_item = [0.0; 4];
        if let [Some(first), Some(second)] = says {
            of_item[2 * usize::from(first) + usize::from(second)] = 1.0;
            both += 1;
            same += usize::from(first == second);
        }
        counts.push(of_item);
    }
    if both == 0 {
        return None;
    }
    let pair = PairAgreement {
        annotators: annotators.map(Clone::clone),
        kappa: Interval::default(),
        raw: same as f64 / both as f64,
        items: both,
    };
    Some((pair, resampled.figure(&counts, kappa)))
}

#[cfg(test)]
mod tests {
    use super::label_sets::masi_distance;
    use super::*;
    use crate::corpus::LabelSet;

    /// Readings of one label by annotators, `.` for none.
    fn read(rows: &[&str]) -> Vec<Item> {
        let items = rows[0].len();
        let item = |at: usize| {
            let readings = rows.iter().enumerate().filter_map(|(name, row)| {
                let labels: LabelSet = match row.as_bytes()[at] {
                    b'.' => return None,
                    b'0' => LabelSet::new(),
                    other => [char::from(other).to_string()].into(),
                };
                let unsure = LabelSet::new();
                Some((format!("a{name}"), Reading { labels, unsure }))
            });
            Item {
                id: at.to_string(),
                doc: at.to_string(),
                text: String::new(),
                readings: readings.collect(),
            }
        };
        (0..items).map(item).collect()
    }

    fn near(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() < 5e-4, "{found} {expected}");
    }

    /// Krippendorff 2011, example A: two observers, binary data, no missing values: alpha = 0.095.
    #[test]
    fn binary_data_of_two_observers() {
        let items = read(&["0100000000", "1110010010"]);
        let measured = agreement(&items, 200, 1);
        let label = &measured.labels[0];
        near(label.alpha.value, 0.095);
        assert_eq!(
            (label.items, label.disputed, label.yes, label.readings),
            (10, 4, 6, 20)
        );
        near(label.raw, 0.6);
        // Cohen's kappa of the same: observed .6, expected .9 × .5 + .1 × .5 = .5.
        near(label.pairs[0].kappa.value, 0.2);
        let (low, high) = (label.alpha.low.unwrap(), label.alpha.high.unwrap());
        assert!(low < 0.095 && high > 0.095);
        assert_eq!(measured.disputed.len(), 4);
    }

    /// Krippendorff 2011, example C: four observers, five values, missing data: alpha = 0.743. With
    /// sets of one label the MASI distance is the nominal one.
    #[test]
    fn nominal_data_of_four_observers_with_missing_values() {
        let items = read(&[
            "123321412...",
            "1233224125.3",
            ".3332342251.",
            "12332441251.",
        ]);
        let measured = agreement(&items, 100, 1);
        near(measured.masi_alpha.value, 0.743);
    }

    #[test]
    fn any_number_of_threads_draws_the_same() {
        let items = read(&["0100000000", "1110010010", "011.010.10"]);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let measured = pool.build().unwrap().install(|| agreement(&items, 300, 7));
            serde_json::to_string(&measured).unwrap()
        };
        assert_eq!(on(1), on(4));
        // One document is no sample of documents.
        let mut one = items.clone();
        one.iter_mut().for_each(|item| item.doc = "d".into());
        let alpha = agreement(&one, 300, 7).labels[0].alpha;
        assert!(alpha.value.is_some());
        assert_eq!((alpha.low, alpha.high), (None, None));
    }

    /// Cohen's kappa of the example with 20, 5, 10 and 15 items: 0.4.
    #[test]
    fn kappa_of_a_known_table() {
        near(kappa(&[20.0, 5.0, 10.0, 15.0]), 0.4);
        assert_eq!(kappa(&[5.0, 0.0, 0.0, 0.0]), None);
        assert_eq!(alpha(&[10.0, 0.0, 0.0]), None);
        near(alpha(&[10.0, 0.0, 10.0]), 1.0);
    }

    /// Passonneau 2006: subsets weigh two thirds, overlaps one third.
    #[test]
    fn distances_of_sets() {
        let set = |labels: &[&str]| labels.iter().map(|&l| l.to_owned()).collect::<LabelSet>();
        assert_eq!(masi_distance(&set(&[]), &set(&[])), 0.0);
        assert_eq!(masi_distance(&set(&["a"]), &set(&[])), 1.0);
        near(
            Some(masi_distance(&set(&["a"]), &set(&["a", "b"]))),
            1.0 - 2.0 / 6.0,
        );
        near(
            Some(masi_distance(&set(&["a", "c"]), &set(&["a", "b"]))),
            1.0 - 1.0 / 9.0,
        );
        assert_eq!(masi_distance(&set(&["a"]), &set(&["b"])), 1.0);
    }

    #[test]
    fn open_labels_are_missing_values() {
        let reading = Reading {
            labels: ["capture".to_owned()].into(),
            unsure: ["clash".to_owned()].into(),
        };
        assert_eq!(reading.says("capture"), Some(true));
        assert_eq!(reading.says("capture.person"), None);
        assert_eq!(reading.says("clash"), None);
        assert_eq!(reading.says("shelling"), Some(false));
    }
}
