//! The plots of a report, each about as wide as a telephone: a page sets them side by side where it
//! has room.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{
    Area, Axes, Chart, Drawn, Ink, Mark, mark, percent, picture, share, shortened, text, units,
};
use super::markup::count;
use crate::error::Result;
use crate::evaluate::{Estimate, LabelCalibration, LearningCurve, RiskCoverage};

/// Width of a plot in pixels.
const WIDTH: u32 = 360;
/// Width of one of several small ones.
const SMALL: u32 = 200;
/// Rows of a plot of dots; the table beside it has all.
pub(super) const MOST_DOT_ROWS: usize = 30;
/// Small plots side by side.
pub(super) const MOST_SMALL: usize = 24;

/// A series of a plot of dots.
#[derive(Clone, Copy)]
pub(super) struct Series<'a> {
    pub(super) name: &'a str,
    pub(super) ink: Ink,
    pub(super) form: Mark,
}

/// A row of a plot of dots, with a figure a series.
pub(super) struct DotRow {
    pub(super) name: String,
    pub(super) figures: Vec<Option<Estimate>>,
}

/// Precision, recall and F1, the same everywhere.
pub(super) const PRECISION_RECALL_F1: [Series<'static>; 3] = [
    Series {
        name: "precision",
        ink: Ink::First,
        form: Mark::Square,
    },
    Series {
        name: "recall",
        ink: Ink::Second,
        form: Mark::Triangle,
    },
    Series {
        name: "F1",
        ink: Ink::Third,
        form: Mark::Circle,
    },
];

/// Figures with their intervals, a line each.
pub(super) fn dots(rows: &[DotRow], series: &[Series<'_>]) -> Result<String> {
    const LEFT: f64 = 112.0;
    const LEGEND: f64 = 22.0;
    let rows = rows.get(..MOST_DOT_ROWS).unwrap_or(rows);
    let row_height = 14.0 + 10.0 * series.len() as f64;
    let height = (LEGEND + 30.0 + row_height * rows.len() as f64) as u32;
    let figures = rows.iter().flat_map(|row| &row.figures).flatten();
    let lowest = figures.fold(1.0f64, |lowest, figure| lowest.min(figure.low));
    let start = (((lowest - 0.02) * 10.0).floor() / 10.0).clamp(0.0, 0.8);
    picture((WIDTH, height), |area| {
        let (legend, below) = area.split_vertically(units(LEGEND));
        if series.len() > 1 {
            draw_legend(&legend, series)?;
        }
        let axes = Axes {
            x: start..1.0,
            y: 0.0..rows.len().max(1) as f64,
            x_name: "",
            y_name: "",
            x_format: &share,
            y_format: &|_| String::new(),
            lines: (6, 0),
            left: LEFT,
        };
        let chart = axes.draw(&below)?;
        for (place, row) in rows.iter().enumerate() {
            let at = |x: f64, part: f64| {
                let y = rows.len() as f64 - place as f64 - part;
                let (x, y) = chart.backend_coord(&(x, y));
                (x, y - units(LEGEND))
            };
            let (left, middle) = at(start, 0.5);
            let name = shortened(&row.name, LEFT - 9.0);
            let place = (left - units(8.0), middle);
            text(&below, &name, place, (HPos::Right, VPos::Center))?;
            for (number, (series, figure)) in series.iter().zip(&row.figures).enumerate() {
                let Some(figure) = figure else { continue };
                let part = (12.0 + 10.0 * number as f64) / row_height;
                let ends = vec![at(figure.low, part), at(figure.high, part)];
                below.draw(&PathElement::new(ends, series.ink.line(1.6)))?;
                mark(&below, series.form, series.ink, at(figure.value, part))?;
            }
        }
        Ok(())
    })
}

fn draw_legend(area: &Area<'_>, series: &[Series<'_>]) -> Drawn {
    for (place, series) in series.iter().enumerate() {
        let x = units(118.0 + 80.0 * place as f64);
        let y = units(12.0);
        mark(area, series.form, series.ink, (x, y))?;
        text(
            area,
            series.name,
            (x + units(8.0), y),
            (HPos::Left, VPos::Center),
        )?;
    }
    Ok(())
}

/// Risk over coverage, with its interval as a band.
pub(super) fn risk_coverage(curve: &RiskCoverage) -> Result<String> {
    let risks = curve.points.iter().map(|point| point.risk.high);
    let highest = risks.fold(0.0f64, f64::max);
    picture((WIDTH, 260), |area| {
        let axes = Axes {
            x: 0.0..1.0,
            y: 0.0..rounded_up(highest),
            x_name: "share of the sentences that the program decides",
            y_name: "sentences with a wrong label, among those decided",
            x_format: &percent,
            y_format: &|value: &f64| percent_of_small(*value, highest),
            lines: (6, 6),
            left: 42.0,
        };
        let mut chart = axes.draw(area)?;
        let points = &curve.points;
        let upper = points.iter().map(|point| (point.coverage, point.risk.high));
        let lower = points.iter().map(|point| (point.coverage, point.risk.low));
        let band: Vec<(f64, f64)> = upper.chain(lower.rev()).collect();
        let shade = Ink::First.colour().mix(0.18);
        chart.draw_series([Polygon::new(band, shade.filled())])?;
        let line = points
            .iter()
            .map(|point| (point.coverage, point.risk.value));
        chart.draw_series(LineSeries::new(line, Ink::First.line(2.0)))?;
        Ok(())
    })
}

fn percent_of_small(value: f64, highest: f64) -> String {
    match highest < 0.05 {
        true => format!("{:.1}%", 100.0 * value),
        false => percent(&value),
    }
}

/// The end of an axis that a value fits on.
fn rounded_up(value: f64) -> f64 {
    let steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8];
    let room = steps.into_iter().find(|&end| value <= end);
    room.unwrap_or(1.0)
}

/// A dashed line of reference.
fn reference(chart: &mut Chart<'_, '_>, ends: [(f64, f64); 2]) -> Drawn {
    let (dash, gap) = (units(4.0), units(4.0));
    let line = DashedLineSeries::new(ends, dash, gap, Ink::Axis.line(1.0));
    chart.draw_series(line)?;
    Ok(())
}

/// Precision against recall of one label for all thresholds, and where it stands now.
pub(super) fn precision_recall(
    curve: &[(f64, f64)],
    now: Option<(f64, f64)>,
    base_rate: f64,
) -> Result<String> {
    picture((SMALL, SMALL), |area| {
        let axes = unit_square("recall", "precision");
        let mut chart = axes.draw(area)?;
        reference(&mut chart, [(0.0, base_rate), (1.0, base_rate)])?;
        let line = LineSeries::new(curve.iter().copied(), Ink::First.line(2.0));
        chart.draw_series(line)?;
        if let Some(now) = now {
            mark(area, Mark::Circle, Ink::Second, chart.backend_coord(&now))?;
        }
        Ok(())
    })
}

/// How often a label holds among the rows of each probability.
pub(super) fn reliability(label: &LabelCalibration) -> Result<String> {
    picture((SMALL, SMALL), |area| {
        let axes = unit_square("probability", "share that holds it");
        let mut chart = axes.draw(area)?;
        reference(&mut chart, [(0.0, 0.0), (1.0, 1.0)])?;
        let points = label.curve.iter();
        let line = points
            .clone()
            .map(|point| (point.probability, point.frequency.value));
        chart.draw_series(LineSeries::new(line, Ink::First.faint_line(1.2)))?;
        for point in points {
            let at = |frequency: f64| chart.backend_coord(&(point.probability, frequency));
            let ends = vec![at(point.frequency.low), at(point.frequency.high)];
            area.draw(&PathElement::new(ends, Ink::First.faint_line(1.2)))?;
            let share = point.rows as f64 / label.rows.max(1) as f64;
            let radius = units(2.0 + 3.5 * share.sqrt());
            let style = Ink::First.colour().filled();
            area.draw(&Circle::new(at(point.frequency.value), radius, style))?;
        }
        Ok(())
    })
}

fn unit_square<'a>(x_name: &'a str, y_name: &'a str) -> Axes<'a> {
    Axes {
        x: 0.0..1.0,
        y: 0.0..1.0,
        x_name,
        y_name,
        x_format: &share,
        y_format: &share,
        lines: (5, 5),
        left: 26.0,
    }
}

/// Macro-F1 by the number of sentences trained on, and the forecast.
pub(super) fn learning_curve(curve: &LearningCurve) -> Result<String> {
    let known = curve.points.iter().map(|point| {
        let (mean, deviation) = (point.macro_f1.mean, point.macro_f1.deviation);
        (
            point.sentences,
            [mean - deviation, mean, mean + deviation],
            Ink::First,
        )
    });
    let expected = curve.forecasts.iter().map(|forecast| {
        let estimate = &forecast.macro_f1;
        let figures = [estimate.low, estimate.value, estimate.high];
        (forecast.sentences as f64, figures, Ink::Second)
    });
    let marks: Vec<(f64, [f64; 3], Ink)> = known.chain(expected).collect();
    let most = marks.iter().fold(1.0f64, |most, mark| most.max(mark.0));
    let lowest = marks
        .iter()
        .fold(1.0f64, |lowest, mark| lowest.min(mark.1[0]));
    let start = (((lowest - 0.01) * 20.0).floor() / 20.0).clamp(0.0, 0.9);
    picture((WIDTH, 260), |area| {
        let axes = Axes {
            x: 0.0..1.05 * most,
            y: start..1.0,
            x_name: "sentences trained on",
            y_name: "macro-F1",
            x_format: &|value: &f64| count(value.round() as usize),
            y_format: &share,
            lines: (5, 6),
            left: 34.0,
        };
        let mut chart = axes.draw(area)?;
        if let Some(fit) = &curve.fit {
            let first = marks.iter().fold(most, |first, mark| first.min(mark.0));
            let steps = (0..=60).map(|step| first + (most - first) * f64::from(step) / 60.0);
            let line = steps.map(|sentences| {
                let error = fit.floor + fit.scale * libm::pow(sentences / fit.unit, -fit.exponent);
                (sentences, (1.0 - error).clamp(start, 1.0))
            });
            chart.draw_series(LineSeries::new(line, Ink::Axis.line(1.2)))?;
        }
        for (sentences, [low, value, high], ink) in marks {
            let at = |value: f64| chart.backend_coord(&(sentences, value.clamp(start, 1.0)));
            let ends = vec![at(low), at(high)];
            area.draw(&PathElement::new(ends, ink.line(1.6)))?;
            let form = match ink {
                Ink::First => Mark::Circle,
                _ => Mark::Triangle,
            };
            mark(area, form, ink, at(value))?;
        }
        Ok(())
    })
}
