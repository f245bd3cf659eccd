//! The fields of JSON: their names and types as they were committed, each with its meaning in the documents.
//!
//! `MARSAD_WRITE_GOLDEN=1 cargo test --test fields` writes the committed files anew.

mod support;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use support::{Folder, repository, small_corpus};

/// Objects whose keys are data, not names.
const MAPS: [&str; 4] = [
    "label_counts",
    "strongest_features",
    "strongest_against",
    "feature_counts",
];

/// The names and types of a value.
fn shape(name: &str, value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("boolean"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("string"),
        Value::Array(items) => {
            let shapes = items.iter().map(|item| shape("", item));
            json!(shapes.reduce(merged).into_iter().collect::<Vec<_>>())
        }
        Value::Object(fields) if MAPS.contains(&name) => {
            let shapes = fields.values().map(|value| shape("", value));
            json!({"*": shapes.reduce(merged)})
        }
        Value::Object(fields) => {
            let shapes = fields
                .iter()
                .map(|(name, value)| (name.clone(), shape(name, value)));
            Value::Object(shapes.collect())
        }
    }
}

/// What holds of both: alternatives of types, and fields with `?` that only one has.
fn merged(left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => Value::Object(merged_fields(left, right)),
        (Value::Array(left), Value::Array(right)) => {
            let all = left.into_iter().chain(right);
            json!(all.reduce(merged).into_iter().collect::<Vec<_>>())
        }
        (left, right) if left == right => left,
        (Value::String(left), Value::String(right)) => {
            let types: BTreeSet<&str> = left.split('|').chain(right.split('|')).collect();
            json!(types.into_iter().collect::<Vec<_>>().join("|"))
        }
        // A type and its absence.
        (Value::String(_), other) | (other, Value::String(_)) => other,
        (left, _) => left,
    }
}

fn merged_fields(left: Map<String, Value>, right: Map<String, Value>) -> Map<String, Value> {
    let bare = |name: &str| name.trim_end_matches('?').to_owned();
    let find = |fields: &Map<String, Value>, name: &str| {
        let optional = format!("{name}?");
        fields.get(name).or_else(|| fields.get(&optional)).cloned()
    };
    let is_optional = |fields: &Map<String, Value>, name: &str| !fields.contains_key(name);
    let mut names: Vec<String> = Vec::new();
    for name in left.keys().chain(right.keys()) {
        if !names.contains(&bare(name)) {
            names.push(bare(name));
        }
    }
    let fields = names.into_iter().filter_map(|name| {
        let optional = is_optional(&left, &name) || is_optional(&right, &name);
        let both = [find(&left, &name), find(&right, &name)];
        let shape = both.into_iter().flatten().reduce(merged)?;
        Some((if optional { format!("{name}?") } else { name }, shape))
    });
    fields.collect()
}

/// All names in a shape.
fn names(shape: &Value, found: &mut BTreeSet<String>) {
    match shape {
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        Value::Object(fields) => {
            for (name, shape) in fields {
                found.insert(name.trim_end_matches('?').to_owned());
                names(shape, found);
            }
        }
        _ => {}
    }
}

/// Settings are documented where they are set.
fn without_settings(mut shape: Value) -> Value {
    for place in [
        "/text",
        "/features",
        "/provenance/learner",
        "/provenance/training",
    ] {
        if let Some(settings) = shape.pointer_mut(place)
            && settings.is_object()
        {
            *settings = Value::Null;
        }
    }
    shape
}

fn check(verb: &str, values: &[Value]) {
    let found = values
        .iter()
        .map(|value| shape("", value))
        .reduce(merged)
        .unwrap();
    let path = repository(&format!("tests/golden/{verb}.json"));
    if std::env::var_os("MARSAD_WRITE_GOLDEN").is_some() {
        let text = serde_json::to_string_pretty(&found).unwrap();
        std::fs::write(&path, format!("{text}\n")).unwrap();
    }
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(found, golden, "{verb}: {found:#}");
    let documents = std::fs::read_to_string(repository("docs/fields.md")).unwrap();
    let head = documents.split("\n## ").next().unwrap();
    let (_, section) = documents.split_once(&format!("\n## {verb}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let mut all = BTreeSet::new();
    // Of the figures of a corpus the section on evaluate tells.
    let mut told = without_settings(golden);
    for place in ["/figures", "/provenance/out_of_fold"] {
        if let Some(figures) = told.pointer_mut(place) {
            *figures = Value::Null;
        }
    }
    names(&told, &mut all);
    all.remove("*");
    for name in all {
        // What an interval consists of is told at the head of the page.
        let quoted = format!("`{name}`");
        let is_told = section.contains(&quoted) || head.contains(&quoted);
        let is_point = ["share", "margin", "exact_match", "macro_f1"].contains(&name.as_str());
        assert!(
            is_told || is_point,
            "{verb}: {name} is not in docs/fields.md"
        );
    }
}

fn json_of(folder: &Folder, arguments: &[&str]) -> Value {
    serde_json::from_str(&folder.marsad(arguments).done().out).unwrap()
}

#[test]
fn fields_are_those_that_were_committed() {
    let folder = Folder::new();
    let corpus = small_corpus()
        .repeat(2)
        .replace("\"doc\"", "\"outlet\":\"a\",\"doc\"");
    folder.write("c.jsonl", corpus);
    folder.write(
        "few.jsonl",
        small_corpus()
            .lines()
            .take(40)
            .map(|l| format!("{l}\n"))
            .collect::<String>(),
    );
    let train = |corpus: &str, more: &[&str]| {
        let given = ["train", corpus, "-o", "m", "--folds", "2", "--json"];
        json_of(&folder, &[&given[..], more].concat())
    };
    let few = train("few.jsonl", &[]);
    assert!(!few["remarks"].as_array().unwrap().is_empty());
    check("train", &[train("c.jsonl", &[]), few]);
    train("c.jsonl", &[]);
    check(
        "evaluate",
        &[
            json_of(&folder, &["evaluate", "c.jsonl", "-m", "m", "--json"]),
            json_of(
                &folder,
                &[
                    "evaluate", "c.jsonl", "-m", "m", "--json", "--by", "outlet", "--review", "0.2",
                ],
            ),
        ],
    );
    check(
        "inspect",
        &[json_of(&folder, &["inspect", "m", "--json", "--against"])],
    );
    check(
        "compact",
        &[json_of(
            &folder,
            &[
                "compact", "m", "-o", "s", "--bits", "4", "--on", "c.jsonl", "--json",
            ],
        )],
    );
    folder.write(
        "t.txt",
        "شنت طائرات غارات على حلب.\nزار الوزير سوق تعز.\nبقلم: سالم الأحمد\n",
    );
    folder.write("r.jsonl", "{\"text\":1}\n{\"text\":\"\"}\n");
    let explain = [
        "explain",
        "-m",
        "m",
        "--json",
        "--features",
        "9",
        "--against",
        "air",
        "--against",
        "fire",
    ];
    let rows = folder
        .marsad(&[&explain[..], &["t.txt"]].concat())
        .done()
        .json_rows();
    check(
        "explain",
        &[
            rows,
            folder
                .marsad(&[&explain[..], &["r.jsonl"]].concat())
                .json_rows(),
        ]
        .concat(),
    );
    let run = folder
        .marsad(&[
            "train",
            "few.jsonl",
            "-o",
            "m",
            "--folds",
            "2",
            "--log",
            "json",
        ])
        .done();
    let events: Vec<Value> = run
        .err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    check("log", &events);
}
