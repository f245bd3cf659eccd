//! Agreement over whole sets of labels.

use std::collections::BTreeMap;

use super::{Figure, Interval, Item, Resamples};
use crate::corpus::LabelSet;
use crate::evaluate::Bootstrap;

/// The MASI distance of two sets, from 0 for the same to 1 for disjoint ones.
pub(super) fn masi_distance(left: &LabelSet, right: &LabelSet) -> f64 {
    if left == right {
        return 0.0;
    }
    let common = left.intersection(right).count();
    let all = left.union(right).count();
    let monotonicity = match common {
        0 => 0.0,
        _ if common == left.len() || common == right.len() => 2.0 / 3.0,
        _ => 1.0 / 3.0,
    };
    1.0 - monotonicity * common as f64 / all as f64
}

/// More products of distance and frequency than this are not worth an interval.
const MOST_PRODUCTS: usize = 2_000_000_000;

/// With more distinct sets than this their distances, each to each, are not held.
pub(crate) const MOST_SETS: usize = 3000;

/// Alpha over sets of labels, none where there are more than [`MOST_SETS`], and the share of pairs of
/// readings with the same, and the number of distinct sets.
pub(super) fn masi(items: &[&Item], resampled: &Resamples) -> (Interval, Option<f64>, usize) {
    let mut places: BTreeMap<&LabelSet, usize> = BTreeMap::new();
    for reading in items.iter().flat_map(|item| item.readings.values()) {
        let next = places.len();
        places.entry(&reading.labels).or_insert(next);
    }
    let mut sets: Vec<(&LabelSet, usize)> = places.iter().map(|(set, at)| (*set, *at)).collect();
    sets.sort_by_key(|&(_, place)| place);
    let is_measured = sets.len() <= MOST_SETS;
    let measured = if is_measured { &sets[..] } else { &[] };
    let distances: Vec<Vec<f64>> = measured
        .iter()
        .map(|(left, _)| {
            measured
                .iter()
                .map(|(right, _)| masi_distance(left, right))
                .collect()
        })
        .collect();
    // For each document what its items disagree, and how often it has each set.
    let mut observed = vec![0.0; resampled.documents];
    let mut frequencies = vec![BTreeMap::<usize, f64>::new(); resampled.documents];
    let mut alike = [0.0; 2];
    for (item, &document) in items.iter().zip(&resampled.of_item) {
        let of_item = item.readings.values().filter_map(|r| places.get(&r.labels));
        let of_item: Vec<usize> = of_item.copied().collect();
        for (at, &left) in of_item.iter().enumerate() {
            *frequencies[document].entry(left).or_insert(0.0) += 1.0;
            for &right in &of_item[at + 1..] {
                // Each pair counts in both orders.
                let weight = 2.0 / (of_item.len() - 1) as f64;
                let distance = distances.get(left).and_then(|row| row.get(right));
                observed[document] += weight * distance.copied().unwrap_or(0.0);
                alike[0] += f64::from(u8::from(left == right));
                alike[1] += 1.0;
            }
        }
    }
    let alpha = |times: &[u32]| {
        let mut differ = 0.0;
        let mut counts = vec![0.0; sets.len()];
        for (document, &times) in times.iter().enumerate() {
            let weight = f64::from(times);
            differ += weight * observed[document];
            for (&set, &count) in &frequencies[document] {
                counts[set] += weight * count;
            }
        }
        let values: f64 = counts.iter().sum();
        let rows = distances
            .iter()
            .zip(&counts)
            .filter(|(_, count)| **count > 0.0);
        let expected: f64 = rows
            .map(|(row, count)| {
                let products = row.iter().zip(&counts).map(|(d, other)| d * other);
                count * products.sum::<f64>()
            })
            .sum();
        let expected = expected / (values - 1.0);
        (values > 1.0 && expected > 0.0).then(|| 1.0 - differ / expected)
    };
    let samples = resampled.bootstrap.samples;
    let affordable = sets.len() * sets.len() * samples <= MOST_PRODUCTS;
    let bootstrap = Bootstrap {
        samples: if affordable { samples } else { 0 },
        ..resampled.bootstrap
    };
    let alpha: Figure<'_> = Box::new(alpha);
    let figure = match is_measured {
        true => resampled.intervals(bootstrap, &[alpha]).pop(),
        false => None,
    };
    let same = (alike[1] > 0.0).then(|| alike[0] / alike[1]);
    (figure.unwrap_or_default(), same, sets.len())
}
