//! Resampling whole documents.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::report::Estimate;

/// How many resamples are drawn, and from which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// Resamples; 0 gives intervals without width.
    pub samples: usize,
    /// Decides the resamples.
    pub seed: u64,
}

impl Bootstrap {
    /// How often each of `units` things is drawn in a resample. The same for any thread.
    fn draw(self, sample: usize, units: usize) -> Vec<u32> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed ^ (sample as u64) << 20);
        let mut times = vec![0; units];
        for _ in 0..units {
            times[random.gen_range(0..units)] += 1;
        }
        times
    }

    /// Estimates figures with 95% intervals (percentiles). `figures` computes them where unit `u`
    /// counts `times[u]` times; a figure that is no number, as where a resample holds nothing to
    /// divide by, is left out of its interval.
    pub(crate) fn estimate(
        self,
        units: usize,
        figures: impl Fn(&[u32]) -> Vec<f64> + Sync,
    ) -> Vec<Estimate> {
        let values = figures(&vec![1; units]);
        let samples = if units == 0 { 0 } else { self.samples };
        let drawn: Vec<Vec<f64>> = (0..samples)
            .into_par_iter()
            .map(|sample| figures(&self.draw(sample, units)))
            .collect();
        let estimates = values.into_iter().enumerate().map(|(place, value)| {
            let of_figure = drawn.iter().filter_map(|of_sample| of_sample.get(place));
            let mut sorted: Vec<f64> = of_figure.copied().filter(|v| !v.is_nan()).collect();
            Estimate::between(value, &mut sorted)
        });
        estimates.collect()
    }
}

impl Estimate {
    /// A value with the 2.5th and 97.5th percentile of resampled ones, which are sorted.
    pub(crate) fn between(value: f64, resampled: &mut [f64]) -> Self {
        resampled.sort_by(f64::total_cmp);
        Self {
            value,
            low: percentile(resampled, 0.025).unwrap_or(value),
            high: percentile(resampled, 0.975).unwrap_or(value),
        }
    }
}

/// The value at a share of sorted values, the nearest rank.
pub(super) fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = (share * sorted.len() as f64).floor() as usize;
    sorted.get(place.min(sorted.len().checked_sub(1)?)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_have_the_interval_that_theory_gives() {
        // The mean of 100 draws from 0 and 1 has a standard error of .05.
        let bootstrap = Bootstrap {
            samples: 2000,
            seed: 3,
        };
        let mean = |times: &[u32]| {
            let ones: u32 = times.iter().step_by(2).sum();
            vec![f64::from(ones) / 100.0, f64::NAN]
        };
        let estimates = bootstrap.estimate(100, mean);
        assert_eq!(estimates[0].value, 0.5);
        assert!((estimates[0].low - 0.402).abs() < 0.015, "{estimates:?}");
        assert!((estimates[0].high - 0.598).abs() < 0.015, "{estimates:?}");
        assert!(estimates[1].value.is_nan());
        assert!(bootstrap.estimate(0, |_| vec![1.0])[0].low == 1.0);
    }
}
