//! How probabilities become decisions, where a run wants it other than the model.

use clap::Args;

use super::console::complain;
use crate::error::{Error, Result};
use crate::evaluate::margin_for;
use crate::predict::Predictor;
use crate::scoring::{LabelMode, PriorShift};

#[derive(Debug, Args)]
pub(super) struct DecisionArgs {
    /// How frequent a label is in this text, as LABEL=SHARE, or "estimate" to find out from the
    /// text for all labels; without it as frequent as in the training corpus
    #[arg(long, value_name = "LABEL=SHARE|estimate")]
    prior: Vec<Prior>,
    /// Marks about this share of the rows, the least sure ones, to be read by hand: 0.1 or 10%
    #[arg(long, value_name = "SHARE", value_parser = share)]
    review: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
enum Prior {
    Estimate,
    Given { label: String, share: f64 },
}

impl std::str::FromStr for Prior {
    type Err = String;

    fn from_str(given: &str) -> std::result::Result<Self, String> {
        if given == "estimate" {
            return Ok(Self::Estimate);
        }
        let (label, value) = given
            .rsplit_once('=')
            .ok_or("LABEL=SHARE or \"estimate\" is expected")?;
        Ok(Self::Given {
            label: label.to_owned(),
            share: share(value)?,
        })
    }
}

/// A share between 0 and 1, perhaps in per cent.
fn share(given: &str) -> std::result::Result<f64, String> {
    let number = match given.strip_suffix('%') {
        Some(percent) => percent.parse().map(|percent: f64| percent / 100.0),
        None => given.parse(),
    };
    match number {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("a share between 0 and 1 is expected, as 0.1 or 10%".into()),
    }
}

/// Shares found in less text are mostly chance.
const FEW_ROWS: usize = 500;

impl DecisionArgs {
    /// Whether any is asked for.
    pub(super) fn is_given(&self) -> bool {
        !self.prior.is_empty() || self.review.is_some()
    }

    /// Whether priors are to be found out from the text, which is then read twice.
    pub(super) fn estimates(&self) -> bool {
        self.prior.contains(&Prior::Estimate)
    }

    /// The margin below which rows are to be read.
    ///
    /// # Errors
    /// When the model knows no margins.
    pub(super) fn review_margin(&self, predictor: &Predictor) -> Result<Option<f64>> {
        let curve = &predictor.header().review;
        match self.review {
            Some(_) if curve.is_empty() => Err(Error::Corpus(
                "the model's corpus was too small to tell which rows are least sure; leave --review out".into(),
            )),
            Some(wanted) => match margin_for(curve, wanted) {
                Some(margin) => Ok(Some(margin)),
                None => Err(Error::Corpus(
                    "--review: the model can tell at most 90% of the rows apart".into(),
                )),
            },
            None => Ok(None),
        }
    }

    /// Scales the shares that are not given so that the shares of all labels sum to one.
    fn fill_up(&self, priors: &mut [f64], given: &[bool]) -> Result<()> {
        let sum = |wanted: bool| -> f64 {
            let shares = priors.iter().zip(given);
            shares
                .filter(|(_, given)| **given == wanted)
                .map(|(share, _)| share)
                .sum()
        };
        let (told, rest) = (sum(true), sum(false));
        if self.estimates() || told >= 1.0 {
            return Err(Error::Corpus(
                "--prior: where each row has one label, give shares that sum to less than 1, or \"estimate\" alone".into(),
            ));
        }
        for (share, given) in priors.iter_mut().zip(given) {
            if !given && rest > 0.0 {
                *share *= (1.0 - told) / rest;
            }
        }
        Ok(())
    }

    /// The predictor under the priors that are asked for; `probabilities` gives the calibrated
    /// probabilities of the rows, `rows[row × labels + label]`, where they are to be estimated.
    ///
    /// # Errors
    /// When a label is not one that the model decides, or the rows cannot be read.
    pub(super) fn apply<E: From<Error>>(
        &self,
        predictor: Predictor,
        probabilities: impl FnOnce(&Predictor) -> std::result::Result<Vec<f32>, E>,
    ) -> std::result::Result<Predictor, E> {
        if self.prior.is_empty() {
            return Ok(predictor);
        }
        let labels = &predictor.header().labels;
        let mut priors = predictor.header().priors.clone();
        let mut given = vec![false; labels.len()];
        for prior in &self.prior {
            let Prior::Given { label, share } = prior else {
                continue;
            };
            let place = labels.iter().position(|other| other == label);
            let place = place.ok_or_else(|| {
                Error::Corpus(format!(
                    "--prior {label}: the model decides on {}",
                    labels.join(", ")
                ))
            })?;
            if given[place] {
                return Err(Error::Corpus(format!("--prior names {label} twice")).into());
            }
            (priors[place], given[place]) = (*share, true);
        }
        if predictor.header().mode == LabelMode::Single && given.contains(&true) {
            self.fill_up(&mut priors, &given)?;
        }
        if self.estimates() {
            let rows = probabilities(&predictor)?;
            let header = predictor.header();
            let count = rows.len() / header.labels.len();
            if count < FEW_ROWS {
                complain(&format!(
                    "shares estimated from {count} sentences say little; give more text, or shares as LABEL=SHARE"
                ));
            }
            let estimated = PriorShift::estimate(header.mode, &header.priors, &rows);
            for ((prior, estimated), given) in priors.iter_mut().zip(estimated).zip(given) {
                if !given {
                    *prior = estimated;
                }
            }
        }
        Ok(predictor.with_priors(&priors))
    }
}
