//! The formats of annotation tools, of spreadsheets and of data engineers.

pub(super) mod brat;
mod doccano;
mod label_studio;
mod objects;
mod prodigy;
mod spans;

pub(super) use objects::{ObjectFormat, ObjectRows, sample, told_by};
