//! Whether two systems differ by more than chance.

use rand::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::bootstrap::Bootstrap;
use super::comparison::Difference;
use super::judged::Judged;
use super::metrics::{Figures, share};

/// Differences are equal that are so but for rounding.
const ROUNDING: f64 = 1e-12;

/// What a search or a comparison looks at in the figures of some rows.
pub(crate) type Measure<'a> = &'a (dyn Fn(&Figures) -> Vec<f64> + Sync);

impl Judged {
    /// Macro-F1 and micro-F1 over the labels without a parent, and the share of exact rows.
    pub(super) fn compared(&self) -> impl Fn(&Figures) -> Vec<f64> + Sync + '_ {
        |figures| {
            let top = |label: usize| self.tree.labels()[label].is_top();
            let exact = share(figures.exact, figures.rows);
            vec![figures.macro_f1(top), figures.micro_f1(top), exact]
        }
    }
}

/// The differences of the second system less the first, with p-values by approximate randomisation
/// (Noreen, Computer-Intensive Methods for Testing Hypotheses, 1989; Yeh, COLING 2000): in each draw
/// the two systems' decisions on each document are swapped or not, by the toss of a coin. With one
/// added to the draws that reach the difference and to all draws p is never 0.
pub(crate) fn differences(
    documents: [&[Figures]; 2],
    measure: Measure<'_>,
    draws: usize,
    bootstrap: Bootstrap,
) -> Vec<Difference> {
    let units = documents[0].len().min(documents[1].len());
    let estimates = bootstrap.estimate(units, |times| {
        let [first, second] =
            documents.map(|documents| measure(&Figures::total_times(documents, times)));
        first.iter().zip(second).map(|(a, b)| b - a).collect()
    });
    let reached = reached_by_chance(documents, measure, draws, bootstrap.seed);
    let of = estimates.into_iter().zip(reached);
    of.map(|(estimate, reached)| {
        let p = (reached + 1) as f64 / (draws + 1) as f64;
        Difference {
            estimate,
            p,
            p_holm: p,
        }
    })
    .collect()
}

/// For each figure the draws in which it differs at least as much as it does.
fn reached_by_chance(
    documents: [&[Figures]; 2],
    measure: Measure<'_>,
    draws: usize,
    seed: u64,
) -> Vec<usize> {
    let mut same = Figures::default();
    let mut other: Vec<[&Figures; 2]> = Vec::new();
    for (first, second) in documents[0].iter().zip(documents[1]) {
        match first == second {
            true => same.add(first),
            false => other.push([first, second]),
        }
    }
    let distances = |swapped: &(dyn Fn(usize) -> bool + Sync)| -> Vec<f64> {
        let mut sides = [same.clone(), same.clone()];
        for (place, pair) in other.iter().enumerate() {
            let side = usize::from(swapped(place));
            sides[0].add(pair[side]);
            sides[1].add(pair[1 - side]);
        }
        let [first, second] = sides.map(|side| measure(&side));
        first
            .iter()
            .zip(second)
            .map(|(a, b)| (b - a).abs())
            .collect()
    };
    let observed = distances(&|_| false);
    let none = vec![0; observed.len()];
    let count = |draw: usize| -> Vec<usize> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ (draw as u64) << 20);
        let tosses: Vec<u64> = (0..other.len().div_ceil(64))
            .map(|_| random.next_u64())
            .collect();
        let drawn = distances(&|place| tosses[place / 64] >> (place % 64) & 1 == 1);
        let reached = drawn.iter().zip(&observed);
        reached
            .map(|(drawn, observed)| usize::from(*drawn >= observed - ROUNDING))
            .collect()
    };
    let add = |a: Vec<usize>, b: Vec<usize>| a.iter().zip(b).map(|(a, b)| a + b).collect();
    (0..draws)
        .into_par_iter()
        .map(count)
        .reduce(|| none.clone(), add)
}

/// Holm's correction of several p-values ("A simple sequentially rejective multiple test procedure",
/// Scandinavian Journal of Statistics 6, 1979), in the order given.
pub(crate) fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut corrected = vec![0.0; p_values.len()];
    let mut highest = 0.0f64;
    for (rank, &place) in order.iter().enumerate() {
        let times = (p_values.len() - rank) as f64;
        highest = highest.max((times * p_values[place]).min(1.0));
        corrected[place] = highest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::judged::tests::judged_on_one_label;
    use rand::Rng;

    #[test]
    fn holm_corrects_a_worked_example() {
        // Of .01, .04, .03 and .005: 4 × .005, 3 × .01, 2 × .03, and .04 raised to .06.
        let corrected = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (corrected, expected) in corrected.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((corrected - expected).abs() < 1e-12, "{corrected}");
        }
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }

    fn pair(right: [&[bool]; 2], draws: usize) -> Vec<Difference> {
        let judged = right.map(|right| {
            let rows = right
                .iter()
                .map(|&right| (if right { 0.9 } else { 0.1 }, true));
            judged_on_one_label(&rows.collect::<Vec<_>>())
        });
        let documents = [0, 1].map(|side: usize| judged[side].figures_by_document());
        let bootstrap = Bootstrap {
            samples: 200,
            seed: 5,
        };
        let measure = judged[0].compared();
        differences([&documents[0], &documents[1]], &measure, draws, bootstrap)
    }

    #[test]
    fn equal_systems_do_not_differ_and_unequal_ones_do() {
        let (right, wrong) = ([true; 40], [false; 40]);
        let same = pair([&right, &right], 99)[2];
        assert_eq!((same.estimate.value, same.p), (0.0, 1.0));
        let other = pair([&wrong, &right], 999)[2];
        assert_eq!(other.estimate.value, 1.0);
        assert!(other.p <= 0.002, "{other:?}");
    }

    #[test]
    fn p_is_that_of_all_swaps_where_they_can_be_counted() {
        // Five documents differ, all for the second system: 2 of 32 swaps reach that.
        let first = [true, true, true, false, false, false, false, false];
        let p = pair([&first, &[true; 8]], 20_000)[2].p;
        assert!((p - 2.0 / 32.0).abs() < 0.006, "{p}");
    }

    #[test]
    fn under_the_null_p_is_nearly_uniform() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
        let p_values: Vec<f64> = (0..200)
            .map(|_| {
                let mut draw = || -> Vec<bool> { (0..120).map(|_| random.gen_bool(0.7)).collect() };
                let (first, second) = (draw(), draw());
                pair([&first, &second], 99)[2].p
            })
            .collect();
        let below = |level: f64| p_values.iter().filter(|&&p| p <= level).count();
        assert!((2..=22).contains(&below(0.05)), "{}", below(0.05));
        assert!((20..=70).contains(&below(0.2)), "{}", below(0.2));
        assert!((80..=130).contains(&below(0.55)), "{}", below(0.55));
    }
}
