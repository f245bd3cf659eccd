//! Rows to be labelled, and what the program makes of them.
#![allow(dead_code)]

use serde_json::{Value, json};

use crate::support::{Folder, Run};

pub const AIR: &str = "شنّت الطائرات الحربية عدة غارات جوية على أطراف البلدة";
pub const GUN: &str = "قصفت المدفعية الثقيلة مواقع المسلحين جنوب المدينة";
pub const NONE: &str = "عقد المجلس المحلي اجتماعاً لمناقشة ترميم المدارس";

/// Rows of all kinds: with fields, without text, with signs of two code units.
pub fn rows() -> String {
    let rows = [
        json!({"id": "1", "doc": "d", "text": format!("😀 {AIR}"), "outlet": "ا,ب", "n": 5}),
        json!({"id": "2", "outlet": "=1+1"}),
        json!({"text": format!("{AIR}، و{GUN}"), "n": [1, "x"]}),
        json!({"id": "4", "text": NONE, "outlet": ""}),
        json!({"id": "5", "text": format!("= {NONE}\n\t\"{GUN}\"")}),
    ];
    rows.map(|row| format!("{row}\n")).concat()
}

pub fn predict(folder: &Folder, arguments: &[&str]) -> Run {
    let all: Vec<&str> = ["predict"].iter().chain(arguments).copied().collect();
    folder.marsad(&all)
}

pub const KEEP: &[&str] = &["in.jsonl", "--keep", "outlet,n", "--to"];

pub fn labelled(to: &str, more: &[&str]) -> Run {
    let folder = Folder::new();
    folder.write("in.jsonl", rows());
    let arguments: Vec<&str> = KEEP.iter().chain(&[to]).chain(more).copied().collect();
    let run = predict(&folder, &arguments);
    assert_eq!(run.status, 1, "one row has no text: {}", run.err);
    assert!(run.err.contains("1 row could not be read"), "{}", run.err);
    run
}

pub fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}
