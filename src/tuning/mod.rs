//! Searching for settings: random trials, the better half of which is tried on more documents.

mod outcome;

pub use outcome::{HeldOutVerdict, Trial, TrialScore, Tuning};
