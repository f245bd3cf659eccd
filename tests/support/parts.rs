//! An archive for folders of many files, and what such folders hold.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::support::Folder;

pub const DAYS: [&str; 3] = ["2024-01-01", "2024-01-02", "2024-01-03"];
pub const PLACES: [&str; 5] = ["حلب", "إدلب", "تعز", "سرت", "كركوك"];

/// One sentence of the archive.
pub fn row(number: usize) -> String {
    let place = PLACES[number % 5];
    let text = match number % 3 {
        0 => format!(
            "شنت طائرات حربية غارات على أطراف {place} وقتل {} أشخاص",
            number % 9 + 3
        ),
        1 => format!("اندلعت اشتباكات عنيفة بين الجيش ومسلحين قرب {place}"),
        _ => format!("زار الوزير سوق {place} صباح اليوم رقم {number}"),
    };
    let day = DAYS[number / 7 % 3];
    format!("{{\"id\":{number},\"day\":\"{day}\",\"place\":\"{place}\",\"text\":\"{text}\"}}\n")
}

pub fn rows(numbers: std::ops::Range<usize>) -> String {
    numbers.map(row).collect()
}

/// A folder with an archive of several files of unequal size.
pub fn archive() -> Folder {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("archive")).unwrap();
    for (name, numbers) in [
        ("a", 0..90),
        ("b", 90..100),
        ("c", 100..101),
        ("d", 101..300),
    ] {
        folder.write(&format!("archive/{name}.jsonl"), rows(numbers));
    }
    folder
}

/// The content of all files below a folder, by their paths in it.
pub fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(folder: &Path, around: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, around, found);
            } else {
                let name = path.strip_prefix(around).unwrap().to_str().unwrap();
                found.insert(name.to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}

pub fn names(folder: &Path) -> Vec<String> {
    contents(folder).into_keys().collect()
}

/// What a folder says of itself.
pub fn manifest(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("_SUCCESS")).unwrap()).unwrap()
}
