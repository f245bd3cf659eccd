//! Corpora in every format: what is written is read again.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use marsad::convert::{Conversion, Converted, WrittenFormat, convert};
use marsad::corpus::{CorpusFormat, CorpusReader, CorpusRow, KeptFields, LabelSet};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use support::Folder;

const FORMATS: &[WrittenFormat] = &[
    WrittenFormat::Jsonl,
    WrittenFormat::Csv,
    WrittenFormat::Tsv,
    WrittenFormat::Doccano,
    WrittenFormat::LabelStudio,
    WrittenFormat::Prodigy,
    WrittenFormat::Parquet,
    WrittenFormat::Arrow,
];

fn plain(format: WrittenFormat) -> Conversion {
    Conversion {
        format,
        wide: false,
        byte_order_mark: false,
        columns: None,
    }
}

fn rows_of(path: &Path, from: CorpusFormat) -> Vec<CorpusRow> {
    let reader = CorpusReader::default()
        .keeping(KeptFields::All)
        .from_format(from);
    let paths = [path.to_path_buf()];
    let rows = reader.rows(&paths).map(|row| CorpusRow {
        file: Default::default(),
        line: 0,
        ..row.unwrap()
    });
    rows.collect()
}

/// What becomes of rows on their way through a format.
fn through(
    rows: &[CorpusRow],
    how: &Conversion,
    from: CorpusFormat,
) -> (Vec<CorpusRow>, Converted) {
    let folder = Folder::new();
    let lines: String = rows
        .iter()
        .map(|row| format!("{}\n", line_of(row)))
        .collect();
    let own = folder.write("in.jsonl", lines);
    assert_eq!(rows_of(&own, CorpusFormat::Jsonl), rows);
    let reader = CorpusReader::default().from_format(CorpusFormat::Jsonl);
    let mut output = Vec::new();
    let paths = [own];
    let target = PathBuf::from("out");
    let converted = convert(&reader, &paths, how, &mut output, &target, &|_| ()).unwrap();
    assert_eq!(converted.rows, rows.len());
    let written = folder.write("out", output);
    (rows_of(&written, from), converted)
}

fn line_of(row: &CorpusRow) -> Value {
    let mut object = json!({"text": row.text, "labels": row.labels, "unsure": row.unsure});
    for (name, value) in [
        ("id", &row.id),
        ("doc", &row.doc),
        ("annotator", &row.annotator),
    ] {
        if let Some(value) = value {
            object[name] = json!(value);
        }
    }
    for (name, value) in &row.fields {
        object[name] = value.clone();
    }
    object
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\\x00-\\x7F غبأ😀\u{FEFF}\u{200F},;|\"\r\n\t]{0,12}",
        "\\PC{0,20}",
    ]
}

/// A name as it can stand in a cell.
fn name() -> impl Strategy<Value = String> {
    "[a-z0-9غ@,\"'#=][a-zغ \",'#]{0,3}[a-z0-9غ\"]".prop_filter("none", |name| name != "none")
}

fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("capture".to_owned()),
        Just("capture.person".to_owned()),
        Just("غارة جوية".to_owned()),
        name(),
    ]
}

fn labels() -> impl Strategy<Value = LabelSet> {
    proptest::collection::btree_set(label(), 0..4)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9_f64..1e9).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[a-zغ]{0,3}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

const FIELD_NAMES: &[&str] = &[
    "outlet",
    "n",
    "ملاحظة",
    "data",
    "accept",
    "Text",
    "ID",
    "sentence",
    "x y",
    "_own",
    "meta",
    "a.b",
    "Label",
];

fn fields() -> impl Strategy<Value = Map<String, Value>> {
    let names = proptest::sample::select(FIELD_NAMES);
    let fields = proptest::collection::btree_map(names, value(), 0..4);
    fields.prop_map(|map| {
        map.into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    })
}

fn row() -> impl Strategy<Value = CorpusRow> {
    let annotator = prop_oneof![
        Just("7".to_owned()),
        Just("007".to_owned()),
        Just("sara@example.org".to_owned()),
        name(),
    ];
    (
        proptest::option::of(name()),
        proptest::option::of(name()),
        text(),
        proptest::option::of(labels()),
        labels(),
        proptest::option::of(annotator),
        fields(),
    )
        .prop_map(
            |(id, doc, text, labels, unsure, annotator, fields)| CorpusRow {
                id,
                doc,
                text,
                labels,
                unsure,
                annotator,
                fields,
                ..CorpusRow::default()
            },
        )
}

fn corpus() -> impl Strategy<Value = Vec<CorpusRow>> {
    proptest::collection::vec(row(), 1..5)
}

fn renamed(row: &CorpusRow, names: &[&str]) -> CorpusRow {
    let fields = row.fields.iter().map(|(name, value)| {
        let name = match names.contains(&name.as_str()) {
            true => format!("input.{name}"),
            false => name.clone(),
        };
        (name, value.clone())
    });
    CorpusRow {
        fields: fields.collect(),
        ..row.clone()
    }
}

/// Fields as the cells of a table hold them.
fn as_cells(row: &CorpusRow) -> CorpusRow {
    let cells = row.fields.iter().filter_map(|(name, value)| match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(_) => Some((name.clone(), value.clone())),
        other => Some((name.clone(), other.to_string().into())),
    });
    sorted(CorpusRow {
        fields: cells.collect(),
        ..row.clone()
    })
}

/// Fields as typed columns hold them: those of several kinds, lists and objects as text.
fn as_values(row: &CorpusRow, rows: &[CorpusRow]) -> CorpusRow {
    let large = |value: &Value| value.as_i64().is_some_and(|n| n.unsigned_abs() > 1 << 53);
    let fields = without_nulls(row).fields.into_iter().map(|(name, value)| {
        let mut all = rows.iter().filter_map(|row| row.fields.get(&name));
        let all: Vec<&Value> = all.by_ref().filter(|value| !value.is_null()).collect();
        let value = if all.iter().all(|value| value.is_boolean())
            || all.iter().all(|value| value.is_i64())
            || value.is_string()
        {
            value
        } else if all
            .iter()
            .all(|value| value.is_f64() || (value.is_i64() && !large(value)))
        {
            json!(value.as_f64())
        } else {
            value.to_string().into()
        };
        (name, value)
    });
    sorted(CorpusRow {
        fields: fields.collect(),
        ..row.clone()
    })
}

fn without_nulls(row: &CorpusRow) -> CorpusRow {
    let fields = row.fields.clone().into_iter();
    sorted(CorpusRow {
        fields: fields.filter(|(_, value)| !value.is_null()).collect(),
        ..row.clone()
    })
}

/// A table has its columns in one order.
fn sorted(row: CorpusRow) -> CorpusRow {
    let fields: BTreeMap<String, Value> = row.fields.into_iter().collect();
    CorpusRow {
        fields: fields.into_iter().collect(),
        ..row
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn json_lines_hold_everything(rows in corpus()) {
        let (read, converted) = through(&rows, &plain(WrittenFormat::Jsonl), CorpusFormat::Jsonl);
        prop_assert_eq!(read, rows);
        prop_assert_eq!(converted.losses, Vec::<String>::new());
    }

    #[test]
    fn doccano_holds_everything(rows in corpus()) {
        let (read, converted) = through(&rows, &plain(WrittenFormat::Doccano), CorpusFormat::Doccano);
        let expected: Vec<CorpusRow> = rows.iter().map(|row| renamed(row, &["data"])).collect();
        prop_assert_eq!(read, expected);
        let told = rows.iter().any(|row| row.fields.contains_key("data"));
        prop_assert_eq!(!converted.losses.is_empty(), told);
    }

    #[test]
    fn prodigy_holds_everything(rows in corpus()) {
        let (read, converted) = through(&rows, &plain(WrittenFormat::Prodigy), CorpusFormat::Prodigy);
        let theirs = ["accept", "_own"];
        let expected: Vec<CorpusRow> = rows.iter().map(|row| renamed(row, &theirs)).collect();
        prop_assert_eq!(read, expected);
        let told = rows.iter().any(|row| theirs.iter().any(|name| row.fields.contains_key(*name)));
        prop_assert_eq!(!converted.losses.is_empty(), told);
    }

    #[test]
    fn label_studio_holds_everything(rows in corpus()) {
        // With ids of their own rows are tasks of their own.
        let rows: Vec<CorpusRow> = rows
            .into_iter()
            .enumerate()
            .map(|(place, row)| CorpusRow {
                id: Some(place.to_string()),
                annotator: row.annotator.filter(|_| row.labels.is_some()),
                ..row
            })
            .collect();
        let how = plain(WrittenFormat::LabelStudio);
        let (read, converted) = through(&rows, &how, CorpusFormat::LabelStudio);
        prop_assert_eq!(read, rows);
        prop_assert_eq!(converted.losses, Vec::<String>::new());
    }

    #[test]
    fn csv_holds_all_but_kinds(rows in corpus()) {
        for byte_order_mark in [false, true] {
            let how = Conversion { byte_order_mark, ..plain(WrittenFormat::Csv) };
            let (read, converted) = through(&rows, &how, CorpusFormat::Csv);
            let expected: Vec<CorpusRow> = rows.iter().map(as_cells).collect();
            let read: Vec<CorpusRow> = read.iter().map(as_cells).collect();
            prop_assert_eq!(read, expected);
            let other = |value: &Value| !value.is_string() && !value.is_null();
            let told = rows.iter().any(|row| row.fields.values().any(other));
            prop_assert_eq!(!converted.losses.is_empty(), told);
        }
    }

    #[test]
    fn parquet_and_arrow_hold_all_but_mixed_kinds(rows in corpus()) {
        for (format, from) in [
            (WrittenFormat::Parquet, CorpusFormat::Parquet),
            (WrittenFormat::Arrow, CorpusFormat::Arrow),
        ] {
            let (read, converted) = through(&rows, &plain(format), from);
            let expected: Vec<CorpusRow> = rows.iter().map(|row| as_values(row, &rows)).collect();
            let read: Vec<CorpusRow> = read.iter().map(without_nulls).collect();
            prop_assert_eq!(&read, &expected);
            let told = rows.iter().zip(&expected).any(|(row, read)| {
                without_nulls(row).fields != read.fields
            });
            prop_assert_eq!(!converted.losses.is_empty(), told);
        }
    }

    #[test]
    fn tsv_holds_all_but_kinds_and_breaks(rows in corpus()) {
        let (read, _) = through(&rows, &plain(WrittenFormat::Tsv), CorpusFormat::Tsv);
        let without = |text: &str| text.replace(['\t', '\n', '\r'], " ");
        let expected = rows.iter().map(as_cells).map(|row| CorpusRow {
            text: without(&row.text),
            fields: row
                .fields
                .into_iter()
                .map(|(name, value)| (name, without(value.as_str().unwrap()).into()))
                .collect(),
            ..row
        });
        let expected: Vec<CorpusRow> = expected.collect();
        let read: Vec<CorpusRow> = read.iter().map(as_cells).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn wide_tables_hold_labels(rows in corpus()) {
        let rows: Vec<CorpusRow> = rows
            .into_iter()
            .map(|row| CorpusRow {
                unsure: match &row.labels {
                    Some(labels) => &row.unsure - labels,
                    None => LabelSet::new(),
                },
                fields: Map::new(),
                ..row
            })
            .collect();
        let all: LabelSet = rows
            .iter()
            .flat_map(|row| row.labels.iter().flatten().chain(&row.unsure).cloned())
            .collect();
        let decided = |row: &CorpusRow| row.labels.as_ref().is_none_or(|labels| {
            labels.union(&row.unsure).count() > row.unsure.len() || row.unsure.len() < all.len()
        });
        // A label that is nowhere decided is no column of 0 and 1.
        let is_decided = |label: &String| rows.iter().any(|row| {
            row.labels.is_some() && !row.unsure.contains(label)
        });
        prop_assume!(!all.is_empty() && rows.iter().all(decided) && all.iter().all(is_decided));
        for format in [WrittenFormat::Csv, WrittenFormat::Tsv] {
            let how = Conversion { wide: true, ..plain(format) };
            let from = match format {
                WrittenFormat::Csv => CorpusFormat::Csv,
                _ => CorpusFormat::Tsv,
            };
            let (read, _) = through(&rows, &how, from);
            for (read, row) in read.iter().zip(&rows) {
                prop_assert_eq!(&read.labels, &row.labels);
                if row.labels.is_some() {
                    prop_assert_eq!(&read.unsure, &row.unsure);
                }
                prop_assert_eq!((&read.id, &read.doc), (&row.id, &row.doc));
            }
            prop_assert_eq!(read.len(), rows.len());
        }
    }

    #[test]
    fn no_bytes_bring_the_program_down(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        lines in "(\\{\"text\":\"[a\\\\\"غ,;|\t]{0,4}\",\"labels?\":(\\[\"[a.|]{0,3}\"\\]|\"a;b\"|null|3)\\}\n){0,4}",
        table in "(id|text|labels|\"?a|x.y|,|\t|\n|1|0|\"|غ){0,30}",
    ) {
        let folder = Folder::new();
        for (name, content) in [
            ("in.jsonl", bytes.clone()),
            ("in.csv", bytes),
            ("in.ndjson", lines.into_bytes()),
            ("in.tsv", table.clone().into_bytes()),
            ("table.csv", table.into_bytes()),
        ] {
            let paths = [folder.write(name, content)];
            for format in FORMATS {
                for wide in [false, true] {
                    let how = Conversion { wide, ..plain(*format) };
                    let mut output = Vec::new();
                    let reader = CorpusReader::default();
                    let target = PathBuf::from("out");
                    let converted = convert(&reader, &paths, &how, &mut output, &target, &|_| ());
                    if let Err(error) = converted {
                        prop_assert!(!error.to_string().is_empty());
                    }
                }
            }
        }
    }
}
