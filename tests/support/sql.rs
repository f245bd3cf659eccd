//! Rows, and statements over them.
#![allow(dead_code)]

use std::io::Write;

use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::{Folder, Run};

/// Sentences with and without events, each of its own.
pub fn sentence(number: usize) -> String {
    let begin = match number % 4 {
        0 => "شنت طائرات حربية غارات على أطراف المدينة",
        1 => "زار الوزير سوق المدينة",
        2 => "قصفت المدفعية أحياء سكنية",
        _ => "قال المتحدث إن الاجتماع تأجل",
    };
    format!("{begin} في اليوم رقم {number}.")
}

pub fn rows(numbers: std::ops::Range<usize>) -> String {
    let row = |number| json!({"id": format!("r{number}"), "nr": number, "text": sentence(number)});
    numbers.map(|number| format!("{}\n", row(number))).collect()
}

pub fn gzipped(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

pub fn sql(folder: &Folder, statement: &str, more: &[&str]) -> Run {
    let mut arguments = vec!["sql", statement];
    arguments.extend(more);
    folder.marsad(&arguments)
}

pub fn values(run: Run) -> Vec<Value> {
    run.done().json_rows()
}
