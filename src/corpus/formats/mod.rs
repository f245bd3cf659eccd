//! The formats of annotation tools, of spreadsheets and of data engineers.

mod arrow_values;
pub(crate) mod brat;
pub(crate) mod columnar;
mod doccano;
mod label_studio;
mod objects;
mod prodigy;
pub(crate) mod sheet;
mod spans;

pub(super) use objects::ObjectRows;
pub(crate) use objects::{ObjectFormat, sample, told_by};
