//! An examination as tables and sentences for people.

use super::examination::{Examination, Method, Part, Period, Spread};
use super::learning_curve::{Forecast, LearningCurve};
use super::table::{figure, interval, with_interval};
use crate::tables::Table;

impl Examination {
    /// How the rows came to their predictions, in a sentence.
    pub fn describe_method(&self) -> String {
        match &self.method {
            Method::Model {
                trained_on_these_rows: false,
            } => "By the model.".to_owned(),
            Method::Model {
                trained_on_these_rows: true,
            } => "By the model, on the very sentences it was trained on: the figures flatter it."
                .to_owned(),
            Method::Folds { folds, repeats: 1 } => format!(
                "Out of fold: {folds} folds by document; calibration and thresholds from the other folds."
            ),
            Method::Folds { folds, repeats } => format!(
                "Out of fold: {folds} folds by document, drawn {repeats} times; calibration and thresholds from the other folds. The figures are of the first draw, the spread of all."
            ),
            Method::LeaveOneOut { field, .. } => {
                format!("Each {field} by a model trained on the others.")
            }
            Method::ByPeriod { period, .. } => format!(
                "Each {} by a model trained on all before it.",
                match period {
                    Period::Year => "year",
                    Period::Month => "month",
                }
            ),
        }
    }

    /// A row a fold, source or period.
    pub fn parts_table(&self) -> Table {
        let name = match &self.method {
            Method::LeaveOneOut { field, .. } => field.as_str(),
            Method::ByPeriod { .. } => "period",
            Method::Folds { .. } | Method::Model { .. } => "fold",
        };
        let mut table = Table::new(&[
            name,
            "trained on",
            "sentences",
            "every label right",
            "macro-F1",
            "95%",
        ]);
        for Part { fitted_on, slice } in &self.parts {
            let [macro_f1, interval] = with_interval(&slice.macro_f1);
            table.add_row([
                slice.value.clone().unwrap_or_default(),
                fitted_on.to_string(),
                slice.rows.to_string(),
                figure(slice.exact_match.value),
                macro_f1,
                interval,
            ]);
        }
        table
    }

    /// How much figures differ between draws of the folds; nothing where they were drawn once.
    pub fn repeats_table(&self) -> Option<Table> {
        let repeats = self.repeats.as_ref()?;
        let mut table = Table::new(&["figure", "mean", "deviation", "lowest", "highest"]);
        let mut add = |name: String, spread: &Spread| {
            let lowest = spread.values.iter().copied().fold(f64::INFINITY, f64::min);
            let highest = spread.values.iter().copied().fold(0.0, f64::max);
            table.add_row([
                name,
                figure(spread.mean),
                format!("{:.4}", spread.deviation),
                figure(lowest),
                figure(highest),
            ]);
        };
        add("macro-F1".to_owned(), &repeats.macro_f1);
        add("micro-F1".to_owned(), &repeats.micro_f1);
        add("every label right".to_owned(), &repeats.exact_match);
        for label in &repeats.labels {
            add(format!("F1 of {}", label.label), &label.f1);
        }
        Some(table)
    }

    /// How far the probabilities of each label can be believed.
    pub fn calibration_table(&self) -> Table {
        let mut table = Table::new(&["label", "base rate", "ECE", "95%", "Brier", "95%", "skill"]);
        for label in &self.calibration {
            let [error, error_interval] = with_interval(&label.calibration_error);
            let [brier, brier_interval] = with_interval(&label.brier);
            let under = if label.label.contains('.') { "  " } else { "" };
            table.add_row([
                format!("{under}{}", label.label),
                figure(label.base_rate),
                error,
                error_interval,
                brier,
                brier_interval,
                label
                    .brier_skill
                    .map_or_else(|| "–".to_owned(), |skill| figure(skill.value)),
            ]);
        }
        table
    }

    /// The points of all reliability curves.
    pub fn reliability_table(&self) -> Table {
        let mut table = Table::new(&[
            "label",
            "probability",
            "sentences",
            "mean probability",
            "frequency",
            "95%",
        ]);
        for label in &self.calibration {
            for point in &label.curve {
                let [frequency, interval] = with_interval(&point.frequency);
                table.add_row([
                    label.label.clone(),
                    format!("{:.1}–{:.1}", point.from, point.to),
                    point.rows.to_string(),
                    figure(point.probability),
                    frequency,
                    interval,
                ]);
            }
        }
        table
    }

    /// Risk over coverage; nothing where it was not measured.
    pub fn risk_table(&self) -> Option<Table> {
        let curve = self.risk_coverage.as_ref()?;
        let mut table = Table::new(&["decided", "with a wrong label", "95%", "macro-F1"]);
        for point in curve.points.iter().rev() {
            let [risk, interval] = with_interval(&point.risk);
            table.add_row([
                format!("{:.0}%", 100.0 * point.coverage),
                risk,
                interval,
                figure(point.macro_f1),
            ]);
        }
        Some(table)
    }

    /// What other spellings change.
    pub fn noise_table(&self) -> Table {
        let mut table = Table::new(&[
            "spelling",
            "sentences changed",
            "labelled otherwise",
            "macro-F1",
            "change",
            "95%",
        ]);
        for effect in &self.noise {
            table.add_row([
                effect.noise.name().to_owned(),
                effect.changed_rows.to_string(),
                effect.decided_otherwise.to_string(),
                figure(effect.macro_f1.value),
                format!("{:+.3}", effect.change.value),
                format!("{:+.3} to {:+.3}", effect.change.low, effect.change.high),
            ]);
        }
        table
    }
}

impl LearningCurve {
    /// The points measured, then those forecast.
    pub fn to_table(&self) -> Table {
        let mut table = Table::new(&["sentences", "documents", "macro-F1", "between draws"]);
        for point in &self.points {
            table.add_row([
                format!("{:.0}", point.sentences),
                format!("{:.0}", point.documents),
                figure(point.macro_f1.mean),
                format!("± {:.3}", point.macro_f1.deviation),
            ]);
        }
        for forecast in &self.forecasts {
            table.add_row([
                forecast.sentences.to_string(),
                "expected".to_owned(),
                figure(forecast.macro_f1.value),
                interval(&forecast.macro_f1),
            ]);
        }
        table
    }

    /// What twice the sentences are expected to bring, in a sentence.
    pub fn describe_forecast(&self) -> String {
        let twice = self.forecasts.iter().find(|forecast| forecast.times == 2.0);
        match twice {
            Some(twice) => format!(
                "With twice the {} sentences of the corpus ({}) expect {} of macro-F1.",
                self.sentences,
                twice.sentences,
                points_gained(twice)
            ),
            None => {
                "The figures do not rise with more sentences, so nothing is forecast.".to_owned()
            }
        }
    }
}

fn points_gained(forecast: &Forecast) -> String {
    let gain = &forecast.gain;
    format!(
        "{:+.1} points ({:+.1} to {:+.1})",
        100.0 * gain.value,
        100.0 * gain.low,
        100.0 * gain.high
    )
}
