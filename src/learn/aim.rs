//! What thresholds are chosen for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What the threshold of each label is to reach on sentences held out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Aim {
    /// The highest F-beta; recall counts beta times as much as precision.
    FBeta(f64),
    /// The highest recall among thresholds of at least this precision.
    Precision(f64),
    /// The highest precision among thresholds of at least this recall.
    Recall(f64),
}

impl Default for Aim {
    fn default() -> Self {
        Self::FBeta(1.0)
    }
}

/// The forms in which an aim is written.
const FORMS: &str = "f1, f2, f0.5 or another f<beta> up to f100, precision=P or recall=R with a share from 0.01 to 1";

impl FromStr for Aim {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self, Error> {
        let number = |text: &str| text.parse::<f64>().ok();
        let share = |text: &str| number(text).filter(|share| (0.01..=1.0).contains(share));
        let aim = match given.split_once('=') {
            Some(("precision", floor)) => share(floor).map(Self::Precision),
            Some(("recall", floor)) => share(floor).map(Self::Recall),
            Some(_) => None,
            None => given
                .strip_prefix(['f', 'F'])
                .and_then(number)
                .filter(|beta| (0.01..=100.0).contains(beta))
                .map(Self::FBeta),
        };
        aim.ok_or_else(|| Error::Setting {
            name: "training.aim",
            value: given.to_owned(),
            allowed: FORMS,
        })
    }
}

impl TryFrom<String> for Aim {
    type Error = Error;

    fn try_from(given: String) -> Result<Self, Error> {
        given.parse()
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FBeta(beta) => write!(formatter, "f{beta}"),
            Self::Precision(floor) => write!(formatter, "precision={floor}"),
            Self::Recall(floor) => write!(formatter, "recall={floor}"),
        }
    }
}

impl From<Aim> for String {
    fn from(aim: Aim) -> Self {
        aim.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aims_are_read_and_written() {
        for text in ["f1", "f0.5", "f2", "precision=0.9", "recall=0.95"] {
            let aim: Aim = text.parse().unwrap();
            assert_eq!(aim.to_string(), text);
        }
        assert_eq!("F2".parse::<Aim>().unwrap(), Aim::FBeta(2.0));
        for wrong in [
            "",
            "f",
            "f0",
            "f-1",
            "fNaN",
            "finf",
            "precision",
            "precision=0",
            "recall=1.1",
            "precision=90",
            "accuracy=1",
            "f1=2",
        ] {
            assert!(wrong.parse::<Aim>().is_err(), "{wrong:?}");
        }
    }
}
