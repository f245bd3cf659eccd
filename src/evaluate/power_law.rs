//! Drawing a power law through a learning curve.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::bootstrap::Bootstrap;
use super::learning_curve::{Forecast, LearningCurve, LearningPoint, PowerLaw};
use super::report::Estimate;

/// Exponents that curves may have.
const EXPONENTS: std::ops::RangeInclusive<f64> = 0.05..=2.0;

/// A scale below this is no rise that could be told from none.
const LEAST_SCALE: f64 = 1e-6;

/// How many times as many sentences the forecasts are for.
const TIMES: [f64; 3] = [1.5, 2.0, 4.0];

/// A curve of three parameters goes through three points whatever they are.
const FEWEST_POINTS: usize = 4;

/// One point: sentences, error and its weight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) sentences: f64,
    pub(crate) error: f64,
    pub(crate) weight: f64,
}

impl PowerLaw {
    /// The error that so many sentences leave.
    pub fn error(&self, sentences: f64) -> f64 {
        self.floor + self.scale * libm::pow(sentences / self.unit, -self.exponent)
    }

    /// The curve of least weighted squares, with a floor and a scale of at least 0; nothing where the
    /// error does not fall, or where there are fewer than four points.
    pub(crate) fn fit(points: &[Point]) -> Option<Self> {
        let unit = points
            .iter()
            .map(|point| point.sentences)
            .fold(0.0, f64::max);
        if points.len() < FEWEST_POINTS || unit <= 0.0 {
            return None;
        }
        // The sum of squares has one valley in the exponent for curves of this kind, or a flat one:
        // a grid finds it, thirds narrow it down.
        const STEPS: usize = 100;
        let (low, high) = (libm::log(*EXPONENTS.start()), libm::log(*EXPONENTS.end()));
        let width = (high - low) / STEPS as f64;
        let squares = |place: f64| Self::at_exponent(points, unit, libm::exp(place)).1;
        let best = (0..=STEPS)
            .map(|step| low + width * step as f64)
            .min_by(|&a, &b| squares(a).total_cmp(&squares(b)))?;
        let (mut from, mut to) = ((best - width).max(low), (best + width).min(high));
        for _ in 0..40 {
            let third = (to - from) / 3.0;
            match squares(from + third) <= squares(to - third) {
                true => to -= third,
                false => from += third,
            }
        }
        let (law, _) = Self::at_exponent(points, unit, libm::exp((from + to) / 2.0));
        let squared = points.iter().map(|point| {
            let distance = point.error - law.error(point.sentences);
            distance * distance
        });
        let residual = (squared.sum::<f64>() / points.len() as f64).sqrt();
        (law.scale > LEAST_SCALE).then_some(Self { residual, ..law })
    }

    /// The best curve of one exponent, with its weighted squares.
    fn at_exponent(points: &[Point], unit: f64, exponent: f64) -> (Self, f64) {
        let x = |point: &Point| libm::pow(point.sentences / unit, -exponent);
        let sum = |term: &dyn Fn(&Point) -> f64| -> f64 {
            points.iter().map(|point| point.weight * term(point)).sum()
        };
        let (w, wx, wy) = (sum(&|_| 1.0), sum(&|p| x(p)), sum(&|p| p.error));
        let (wxx, wxy) = (sum(&|p| x(p) * x(p)), sum(&|p| x(p) * p.error));
        let determinant = w * wxx - wx * wx;
        let free = match determinant > 1e-12 * w * wxx {
            true => (
                (wy * wxx - wx * wxy) / determinant,
                (w * wxy - wx * wy) / determinant,
            ),
            false => (wy / w, 0.0),
        };
        let (floor, scale) = match free {
            (_, scale) if scale <= 0.0 => (wy / w, 0.0),
            (floor, _) if floor < 0.0 => (0.0, wxy / wxx),
            free => free,
        };
        let law = Self {
            floor,
            scale,
            exponent,
            unit,
            residual: 0.0,
        };
        let squares = sum(&|p| {
            let distance = p.error - law.error(p.sentences);
            distance * distance
        });
        (law, squares)
    }
}

/// Fits a curve to measured points and forecasts what more sentences bring than a corpus of `sentences`.
/// No point has as many, as documents are held out of each draw: the curve tells what all of them give.
///
/// Points are weighted by the inverse of the variance of their mean, drawn towards that of all points,
/// as few draws tell little of it. For the intervals the draws are resampled and the points scattered
/// about the curve as they lie about it.
pub(crate) fn forecast_curve(
    points: Vec<LearningPoint>,
    sentences: usize,
    draws: usize,
    bootstrap: Bootstrap,
) -> LearningCurve {
    let all_sentences = sentences as f64;
    let all: Vec<usize> = (0..draws).collect();
    let measured = weighted(&points, &all);
    let Some(fit) = PowerLaw::fit(&measured) else {
        return LearningCurve {
            sentences,
            draws,
            points,
            fit: None,
            forecasts: Vec::new(),
        };
    };
    let resampled: Vec<PowerLaw> = (0..bootstrap.samples)
        .filter_map(|sample| resample(&points, &measured, &fit, bootstrap.seed, sample))
        .collect();
    let forecasts = TIMES.iter().map(|&times| {
        let value = |law: &PowerLaw| 1.0 - law.error(times * all_sentences);
        let gain = |law: &PowerLaw| law.error(all_sentences) - law.error(times * all_sentences);
        let estimate = |figure: &dyn Fn(&PowerLaw) -> f64| {
            let mut drawn: Vec<f64> = resampled.iter().map(figure).collect();
            Estimate::between(figure(&fit), &mut drawn)
        };
        Forecast {
            times,
            sentences: (times * all_sentences).round() as usize,
            macro_f1: estimate(&value),
            gain: estimate(&gain),
        }
    });
    LearningCurve {
        sentences,
        draws,
        forecasts: forecasts.collect(),
        fit: Some(fit),
        points,
    }
}

/// The points as means over some of the draws.
fn weighted(points: &[LearningPoint], draws: &[usize]) -> Vec<Point> {
    let count = draws.len().max(1) as f64;
    let variance = |point: &LearningPoint| point.macro_f1.deviation * point.macro_f1.deviation;
    let common = points.iter().map(variance).sum::<f64>() / points.len().max(1) as f64;
    let weight = |point: &LearningPoint| 1.0 / (variance(point) + common + 1e-8);
    let values = |point: &LearningPoint| -> f64 {
        let values = draws.iter();
        let drawn = values.filter_map(|&draw| point.macro_f1.values.get(draw));
        drawn.sum::<f64>() / count
    };
    points
        .iter()
        .map(|point| Point {
            sentences: point.sentences,
            error: 1.0 - values(point),
            weight: weight(point),
        })
        .collect()
}

/// The curve through one resample; a resample through which none falls is one that stays level.
fn resample(
    points: &[LearningPoint],
    measured: &[Point],
    fit: &PowerLaw,
    seed: u64,
    sample: usize,
) -> Option<PowerLaw> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ (sample as u64) << 20);
    let draws = points.first()?.macro_f1.values.len();
    let drawn: Vec<usize> = (0..draws).map(|_| random.gen_range(0..draws)).collect();
    let mut resampled = weighted(points, &drawn);
    // Residuals of a curve of three parameters are smaller than the scatter they come from.
    let free = measured.len().saturating_sub(3).max(1) as f64;
    let widened = (measured.len() as f64 / free).sqrt();
    for point in &mut resampled {
        let other = measured[random.gen_range(0..measured.len())];
        point.error += widened * (other.error - fit.error(other.sentences));
    }
    Some(PowerLaw::fit(&resampled).unwrap_or_else(|| {
        let level = resampled.iter().map(|p| p.weight * p.error).sum::<f64>();
        let weights: f64 = resampled.iter().map(|p| p.weight).sum();
        PowerLaw {
            floor: level / weights,
            scale: 0.0,
            exponent: 1.0,
            unit: fit.unit,
            residual: 0.0,
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::examination::Spread;

    const SENTENCES: [f64; 6] = [250.0, 500.0, 1000.0, 2000.0, 3000.0, 4000.0];

    fn law() -> PowerLaw {
        PowerLaw {
            floor: 0.08,
            scale: 0.1,
            exponent: 0.5,
            unit: 4000.0,
            residual: 0.0,
        }
    }

    fn points(noise: &[f64]) -> Vec<LearningPoint> {
        let point = |&sentences: &f64| LearningPoint {
            share: sentences / 4000.0,
            sentences,
            documents: sentences / 8.0,
            macro_f1: Spread::of(
                (noise.iter())
                    .map(|noise| 1.0 - law().error(sentences) + noise)
                    .collect(),
            ),
            labels: Vec::new(),
        };
        SENTENCES.iter().map(point).collect()
    }

    #[test]
    fn a_known_curve_is_found_and_forecast() {
        let bootstrap = Bootstrap {
            samples: 200,
            seed: 1,
        };
        let curve = forecast_curve(points(&[-0.01, 0.0, 0.01]), 5000, 3, bootstrap);
        let fit = curve.fit.unwrap();
        assert!((fit.floor - 0.08).abs() < 1e-4, "{fit:?}");
        assert!((fit.scale - 0.1).abs() < 1e-4, "{fit:?}");
        assert!((fit.exponent - 0.5).abs() < 1e-3, "{fit:?}");
        let twice = curve.forecasts[1];
        // Twice the corpus of 5000, a fifth of which was held out of each draw.
        assert_eq!((twice.times, twice.sentences), (2.0, 10_000));
        // .1 × √.8 × (1 - 1/√2)
        assert!((twice.gain.value - 0.026_197).abs() < 1e-4);
        // 1 - .08 - .1 × √.4
        assert!((twice.macro_f1.value - 0.856_754).abs() < 1e-4);
        assert!(twice.macro_f1.low < twice.macro_f1.value);
        // All draws lie on one curve, shifted: what is gained is the same in each.
        assert!(twice.gain.high - twice.gain.low < 0.003, "{twice:?}");
    }

    #[test]
    fn bounds_are_kept() {
        let falling = |error: &dyn Fn(f64) -> f64| -> Vec<Point> {
            let point = |&sentences: &f64| Point {
                sentences,
                error: error(sentences),
                weight: 1.0,
            };
            SENTENCES.iter().map(point).collect()
        };
        // Errors that fall to nothing below the axis are given a floor of 0.
        let fit = PowerLaw::fit(&falling(&|n| 0.5 - 0.12 * (n / 1000.0))).unwrap();
        assert!(fit.floor >= 0.0 && fit.scale >= 0.0);
        assert!(EXPONENTS.contains(&fit.exponent));
        // Errors that rise, or stay, have no curve.
        assert!(PowerLaw::fit(&falling(&|n| 0.1 + n / 1e5)).is_none());
        assert!(PowerLaw::fit(&falling(&|_| 0.2)).is_none());
        assert!(PowerLaw::fit(&[]).is_none());
        // Three points always lie on such a curve.
        let few = falling(&|n| law().error(n));
        assert!(PowerLaw::fit(&few[..3]).is_none());
        assert!(PowerLaw::fit(&few[..4]).is_some());
    }

    #[test]
    fn scatter_widens_the_forecast() {
        let bootstrap = Bootstrap {
            samples: 200,
            seed: 1,
        };
        let mut scattered = points(&[-0.01, 0.0, 0.01]);
        for (place, point) in scattered.iter_mut().enumerate() {
            let shift = if place % 2 == 0 { 0.006 } else { -0.006 };
            let values = point.macro_f1.values.iter().map(|value| value + shift);
            point.macro_f1 = Spread::of(values.collect());
        }
        let curve = forecast_curve(scattered, 4000, 3, bootstrap);
        let gain = curve.forecasts[1].gain;
        assert!(gain.high - gain.low > 0.005, "{gain:?}");
    }
}
