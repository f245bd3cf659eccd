//! Rows into a folder of many files: every partition of a plan writes its own, wherever it runs, and the
//! folder appears whole or not at all.
//!
//! [`PartsExec`] runs on top of a plan. Each of its partitions writes into a folder of its own, an
//! *attempt*, below a staging folder beside the one that was asked for, and gives [rows](PartFile) that
//! name the files. [`commit`](commit::commit) takes these rows where the statement was begun: it checks
//! that every part is there once, gives the files their names and the staging folder its own. An attempt
//! that failed or was made twice is named by no row that arrives, and goes away with the staging folder.
//!
//! ```text
//! OUT.partial-Hq3xT9/attempt-00002-x8Kd0a/000000.parquet   while the statement runs
//! OUT/day=2024-01-01/part-00002.parquet                    afterwards
//! OUT/_SUCCESS                                             what was run, and the files
//! ```

mod attempt;
mod commit;
mod definition;
#[cfg(feature = "cluster")]
mod engine;
mod exec;
mod keys;
mod report;
mod run;
mod sink;
mod sorted;
mod store;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use commit::{Statement, Written, commit};
pub(crate) use definition::{PartFormat, PartsTarget};
#[cfg(feature = "cluster")]
pub(crate) use engine::PartsEngine;
pub(crate) use exec::PartsExec;
pub(crate) use report::PartFile;
pub(crate) use run::{fetched, gather, run};
