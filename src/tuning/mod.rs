//! Searching for settings by successive halving (Jamieson and Talwalkar, "Non-stochastic best arm
//! identification and hyperparameter optimization", AISTATS 2016): many random trials on few
//! documents, the best third of them on three times as many, and so on; then the best of all against
//! the settings that the search began from, on documents that the search has not seen.

mod log;
mod outcome;
mod search;
mod space;

pub use outcome::{HeldOutVerdict, Trial, TrialScore, Tuning};
pub use search::{Search, SearchEnd, SearchProgress, tune};
pub use space::Vary;
