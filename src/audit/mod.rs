//! Knowing a corpus: what is wrong with it, how to divide it, how far its annotators agree, which of
//! its labels are likely errors, and what to annotate next.

mod agreement;
mod check;
mod columns;
mod finding;
mod near_duplicates;
mod next;
mod split;
mod suspects;

pub(crate) use agreement::MOST_SETS;
pub use agreement::{
    Agreement, Dispute, Interval, Item, Items, LabelAgreement, PairAgreement, Reading, agreement,
    items,
};
pub use check::{CheckSettings, Checked, LabelCount, check};
pub use columns::items_of_columns;
pub use finding::{Finding, FoundRow, Severity, SimilarRow};
pub use near_duplicates::{NearDuplicates, NearIndex, Threshold, near_duplicates};
pub use next::{Chosen, NextMethod, NextRow, NextSettings, Offered, Pool, PoolCounts, Sentence};
pub use split::{
    Date, Division, LeftOut, Part, PartSummary, SplitSettings, SplitSummary, TestRows, split,
    write_parts,
};
pub use suspects::{Direction, Doubt, DoubtScore, Suspect, suspects};
