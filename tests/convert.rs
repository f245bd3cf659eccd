//! `marsad convert`: what is written is read again.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use marsad::convert::{Conversion, Converted, WrittenFormat, convert};
use marsad::corpus::{CorpusFormat, CorpusReader, CorpusRow, KeptFields, LabelSet};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use support::Folder;

const CORPUS: &str = r#"{"id":"a","doc":"d1","text":"قصفت المدفعية, أطراف\nالبلدة \"😀\"","labels":["shelling","capture.person"],"unsure":["clash"],"annotator":"7","n":1,"list":[1],"outlet":"أخبار"}
{"text":"عقد المجلس اجتماعاً","labels":[],"n":2.5,"annotator":"sara"}
{"text":"لم يقرأها أحد","id":"q","n":null,"accept":true}
"#;

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
}

/// Runs the program on the corpus above.
fn converted(arguments: &[&str]) -> support::Run {
    let folder = Folder::new();
    folder.write("in.jsonl", CORPUS);
    let arguments: Vec<&str> = ["convert", "in.jsonl"]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    folder.marsad(&arguments).done()
}

#[test]
fn jsonl_is_written_as_documented() {
    let run = converted(&["--to", "jsonl"]);
    assert_eq!(
        run.out,
        r#"{"id":"a","doc":"d1","text":"قصفت المدفعية, أطراف\nالبلدة \"😀\"","labels":["capture.person","shelling"],"unsure":["clash"],"annotator":"7","n":1,"list":[1],"outlet":"أخبار"}
{"text":"عقد المجلس اجتماعاً","labels":[],"annotator":"sara","n":2.5}
{"id":"q","text":"لم يقرأها أحد","labels":null,"n":null,"accept":true}
"#
    );
    assert_eq!(run.err, "");
}

#[test]
fn tables_are_written_as_documented() {
    let run = converted(&["--to", "csv", "--bom"]);
    assert_eq!(
        run.out,
        "\u{FEFF}id,doc,text,labels,unsure,annotator,n,list,outlet,accept\n\
         a,d1,\"قصفت المدفعية, أطراف\nالبلدة \"\"😀\"\"\",capture.person|shelling,clash,7,1,[1],أخبار,\n\
         ,,عقد المجلس اجتماعاً,none,,sara,2.5,,,\n\
         q,,لم يقرأها أحد,,,,,,,true\n"
    );
    let kinds = "numbers, truth values, lists and objects become text";
    assert_eq!(
        run.err,
        format!(
            "marsad: the field \"accept\": {kinds} (1 row)\n\
             marsad: the field \"list\": {kinds} (1 row)\n\
             marsad: the field \"n\": {kinds} (2 rows)\n"
        )
    );
    let run = converted(&["--to", "tsv", "--wide"]);
    assert_eq!(
        run.out,
        "id\tdoc\ttext\tcapture.person\tclash\tshelling\tannotator\tn\tlist\toutlet\taccept\n\
         a\td1\tقصفت المدفعية, أطراف البلدة \"😀\"\t1\t\t1\t7\t1\t[1]\tأخبار\t\n\
         \t\tعقد المجلس اجتماعاً\t0\t0\t0\tsara\t2.5\t\t\t\n\
         q\t\tلم يقرأها أحد\t\t\t\t\t\t\t\ttrue\n"
    );
    for told in [
        "the field \"text\": tabs and line breaks become spaces (1 row)",
        "the field \"accept\": holds only 0 and 1, so it is read as a label (1 row)",
    ] {
        assert!(run.err.contains(told), "{}", run.err);
    }
}

#[test]
fn what_annotation_tools_import_is_written_as_documented() {
    assert_eq!(
        converted(&["--to", "doccano"]).out,
        r#"{"id":"a","text":"قصفت المدفعية, أطراف\nالبلدة \"😀\"","label":["capture.person","shelling"],"doc":"d1","unsure":["clash"],"annotator":"7","n":1,"list":[1],"outlet":"أخبار"}
{"text":"عقد المجلس اجتماعاً","label":[],"annotator":"sara","n":2.5}
{"id":"q","text":"لم يقرأها أحد","label":null,"n":null,"accept":true}
"#
    );
    let run = converted(&["--to", "prodigy"]);
    let options = r#""options":[{"id":"capture.person","text":"capture.person"},{"id":"clash","text":"clash"},{"id":"shelling","text":"shelling"}]"#;
    let expected = r#"{"text":"قصفت المدفعية, أطراف\nالبلدة \"😀\"",OPTIONS,"accept":["capture.person","shelling"],"answer":"accept","_annotator_id":"7","id":"a","doc":"d1","unsure":["clash"],"n":1,"list":[1],"outlet":"أخبار"}
{"text":"عقد المجلس اجتماعاً",OPTIONS,"accept":[],"answer":"accept","_annotator_id":"sara","n":2.5}
{"text":"لم يقرأها أحد",OPTIONS,"id":"q","n":null,"input.accept":true}
"#;
    assert_eq!(run.out, expected.replace("OPTIONS", options));
    assert_eq!(
        run.err,
        "marsad: \"accept\" is written as \"input.accept\": has another meaning in this format (1 row)\n"
    );
    for name in ["label-studio", "labelstudio"] {
        assert_eq!(
            converted(&["--to", name]).out,
            r#"[
{"id":"a","data":{"text":"قصفت المدفعية, أطراف\nالبلدة \"😀\"","id":"a","doc":"d1","unsure":["clash"],"n":1,"list":[1],"outlet":"أخبار"},"annotations":[{"completed_by":7,"result":[{"id":"labels","from_name":"labels","to_name":"text","type":"choices","value":{"choices":["capture.person","shelling"]}}],"was_cancelled":false}]},
{"data":{"text":"عقد المجلس اجتماعاً","n":2.5},"annotations":[{"completed_by":{"email":"sara"},"result":[],"was_cancelled":false}]},
{"id":"q","data":{"text":"لم يقرأها أحد","id":"q","n":null,"accept":true},"annotations":[]}
]
"#
        );
    }
}

#[test]
fn a_task_has_an_annotation_an_annotator() {
    let folder = Folder::new();
    let rows = [
        json!({"id": "1", "text": "قصف", "labels": ["shelling"], "annotator": "a@x.org"}),
        json!({"id": "2", "text": "غارة", "labels": ["airstrike"], "annotator": "a@x.org"}),
        json!({"id": "1", "text": "قصف", "labels": [], "annotator": "b@x.org"}),
        json!({"id": "2", "text": "غارة", "labels": ["airstrike"], "annotator": "a@x.org"}),
        json!({"id": "1", "text": "قصف", "labels": ["clash"]}),
    ];
    folder.write("in.jsonl", rows.map(|row| row.to_string()).join("\n"));
    folder
        .marsad(&["convert", "in.jsonl", "-o", "tasks.json"])
        .done();
    let tasks = std::fs::read_to_string(folder.path("tasks.json")).unwrap();
    let tasks: Vec<Value> = serde_json::from_str(&tasks).unwrap();
    let annotators = |task: &Value| -> Vec<Value> {
        let annotations = task["annotations"].as_array().unwrap();
        annotations
            .iter()
            .map(|one| one["completed_by"]["email"].clone())
            .collect()
    };
    assert_eq!(annotators(&tasks[0]), [json!("a@x.org"), json!("b@x.org")]);
    assert_eq!(annotators(&tasks[1]), [json!("a@x.org")]);
    assert_eq!(
        tasks.len(),
        4,
        "a repeat and a row by nobody are tasks of their own"
    );
    let back = folder
        .marsad(&["convert", "tasks.json", "--to", "jsonl"])
        .done();
    assert_eq!(back.json_rows().len(), 5);
}

#[test]
fn pipes_and_several_files_of_several_formats_are_joined_in_order() {
    let folder = Folder::new();
    folder.write("a.csv", "text,label,outlet\nأول,x,حرة\n");
    folder.write("b.tsv", "y\tثان\nnone\tثالث\n");
    let arguments = ["convert", "a.csv", "-", "b.tsv", "--to", "csv"];
    let piped = "{\"text\":\"من الأنبوب\",\"labels\":[\"z\"],\"n\":\"4\"}\n";
    let run = folder.marsad_with(&arguments, piped.as_bytes()).done();
    assert_eq!(
        run.out,
        "id,doc,text,labels,outlet,n\n,,أول,x,حرة,\n,,من الأنبوب,z,,4\n,,ثان,y,,\n,,ثالث,none,,\n"
    );
}

#[test]
fn compressed_output_is_read_again() {
    let folder = Folder::new();
    folder.write("in.jsonl", CORPUS);
    for name in ["out.jsonl.gz", "out.jsonl.zst", "out.csv.gz"] {
        let run = folder.marsad(&["convert", "in.jsonl", "-o", name]).done();
        assert!(
            run.err.ends_with("3 rows written, 1 without annotation\n"),
            "{}",
            run.err
        );
        let bytes = std::fs::read(folder.path(name)).unwrap();
        assert!(
            bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(&[0x28, 0xb5]),
            "{name}"
        );
        let back = folder.marsad(&["convert", name, "--to", "jsonl"]).done();
        assert_eq!(back.json_rows().len(), 3);
    }
    let back = folder
        .marsad(&["convert", "out.jsonl.zst", "--to", "jsonl"])
        .done();
    assert_eq!(back.out, converted(&["--to", "jsonl"]).out);
}

#[test]
fn columns_of_another_scheme_are_added() {
    let folder = Folder::new();
    folder.write("in.jsonl", CORPUS);
    folder.write(
        "scheme.toml",
        "columns = [\"type\"]\n[labels.capture]\ntype = \"taking\"\n[none]\ntype = \"-\"\n",
    );
    let columns = ["--columns", "scheme.toml"];
    let run = |to: &str| {
        let arguments = ["convert", "in.jsonl", "--to", to];
        let arguments: Vec<&str> = arguments.iter().chain(&columns).copied().collect();
        folder.marsad(&arguments).done()
    };
    let rows = run("jsonl").json_rows();
    let types: Vec<&Value> = rows.iter().map(|row| &row["columns"]["type"]).collect();
    assert_eq!(types, [&json!("taking"), &json!("-"), &Value::Null]);
    let told = run("csv");
    assert!(
        told.out
            .starts_with("id,doc,text,labels,unsure,annotator,n,list,outlet,type,accept\n")
    );
    assert!(
        told.err.contains("scheme.toml: no values for shelling;"),
        "{}",
        told.err
    );
    folder.write("in.jsonl", "{\"text\":\"x\",\"labels\":[],\"type\":1}\n");
    let refused = folder.marsad(&[
        "convert",
        "in.jsonl",
        "--to",
        "csv",
        "--columns",
        "scheme.toml",
    ]);
    refused.refused(&["in.jsonl, line 1", "\"type\""]);
    folder.write(
        "scheme.toml",
        "columns = [\"doc\"]\n[labels.x]\ndoc = \"1\"\n",
    );
    let refused = folder.marsad(&[
        "convert",
        "in.jsonl",
        "--to",
        "csv",
        "--columns",
        "scheme.toml",
    ]);
    refused.refused(&["scheme.toml", "\"doc\""]);
}

#[test]
fn misuse_is_told_in_one_line_and_nothing_is_written() {
    let folder = Folder::new();
    folder.write("in.jsonl", CORPUS);
    folder.write("none.jsonl", "{\"text\":\"x\",\"labels\":[]}\n");
    folder.write(
        "broken.jsonl",
        "{\"text\":\"x\",\"labels\":[]}\n{\"text\":\n",
    );
    folder.write("empty.jsonl", "");
    folder.write("prose.txt", "ليس جدولاً");
    let names = folder.names();
    for (arguments, words) in [
        (&["in.jsonl"][..], &["--to"][..]),
        (&["in.jsonl", "-o", "out.txt"], &["out.txt", "--to"]),
        (&["in.jsonl", "-o", "out.jsonl", "--wide"], &["--wide"]),
        (&["in.jsonl", "-o", "out.jsonl", "--bom"], &["--bom"]),
        (&["in.jsonl", "-o", "out.parquet.gz"], &["out.parquet.gz"]),
        (&["in.jsonl", "-o", "no/out.csv"], &["no/out.csv"]),
        (&["in.jsonl", "-o", "in.jsonl"], &["in.jsonl", "another"]),
        (&["none.jsonl", "-o", "out.csv", "--wide"], &["--wide"]),
        (&["missing.jsonl", "-o", "out.csv"], &["missing.jsonl"]),
        (&["prose.txt", "-o", "out.csv"], &["prose.txt"]),
        (&["empty.jsonl", "-o", "out.csv"], &["empty"]),
        (&["empty.jsonl", "-o", "out.jsonl"], &["empty"]),
        (
            &["broken.jsonl", "-o", "out.csv"],
            &["broken.jsonl, line 2"],
        ),
        (
            &["broken.jsonl", "-o", "out.jsonl"],
            &["broken.jsonl, line 2"],
        ),
        (
            &["in.jsonl", "-o", "out.csv", "--columns", "no.toml"],
            &["no.toml"],
        ),
    ] {
        let arguments: Vec<&str> = ["convert"].iter().chain(arguments).copied().collect();
        folder.marsad(&arguments).refused(words);
        assert_eq!(folder.names(), names);
    }
}

#[test]
fn what_wide_tables_cannot_say_is_told() {
    let folder = Folder::new();
    let rows = [
        json!({"text": "1", "labels": ["a"], "unsure": ["a", "b"]}),
        json!({"text": "2", "labels": [], "unsure": ["a", "b"]}),
        json!({"text": "3", "unsure": ["a"]}),
    ];
    folder.write("in.jsonl", rows.map(|row| row.to_string()).join("\n"));
    let run = folder
        .marsad(&["convert", "in.jsonl", "--to", "csv", "--wide"])
        .done();
    assert_eq!(
        run.err,
        "marsad: labels: a label that holds and is unsure is written as one that holds (1 row)\n\
         marsad: labels: no label is decided, so the row is read as not annotated (1 row)\n\
         marsad: the label \"b\": decided in no row, so its column is not read as that of a label (2 rows)\n\
         marsad: unsure: a row without annotation has no label that is unsure (1 row)\n"
    );
}
