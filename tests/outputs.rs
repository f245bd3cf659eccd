//! `marsad predict --to`: every format says the same of every row.

#[path = "support/outputs.rs"]
mod outputs;
mod support;

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use outputs::{AIR, GUN, NONE, keys, labelled, predict, rows};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value, json};
use support::Folder;

fn batches(path: &Path) -> Vec<RecordBatch> {
    let file = File::open(path).unwrap();
    match path.extension().unwrap().to_str() {
        Some("parquet") => {
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            reader.build().unwrap().map(Result::unwrap).collect()
        }
        _ => {
            let reader = arrow::ipc::reader::StreamReader::try_new(file, None).unwrap();
            reader.map(Result::unwrap).collect()
        }
    }
}

fn value(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8 => json!(array.as_string::<i32>().value(row)),
        DataType::Int64 => json!(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => json!(array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => json!(array.as_boolean().value(row)),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).map(|item| value(&items, item)).collect()
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let fields = fields.iter().zip(columns);
            Value::Object(
                fields
                    .map(|(field, column)| (field.name().clone(), value(column, row)))
                    .collect(),
            )
        }
        other => panic!("{other}"),
    }
}

/// Rows of columns as the objects of JSON Lines.
fn objects(batches: &[RecordBatch]) -> Vec<Value> {
    let mut objects = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let mut object = Map::new();
            for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                insert(&mut object, field.name(), value(column, row));
            }
            objects.push(Value::Object(object));
        }
    }
    objects
}

fn insert(object: &mut Map<String, Value>, name: &str, value: Value) {
    for (prefix, field) in [("score.", "scores"), ("input.", "input")] {
        if let Some(name) = name.strip_prefix(prefix) {
            let inner = object.entry(field).or_insert_with(|| json!({}));
            inner[name] = value;
            return;
        }
    }
    let value = match name {
        "evidence" if value.is_array() => Value::Object(
            value
                .as_array()
                .unwrap()
                .iter()
                .map(|e| {
                    (
                        e["label"].as_str().unwrap().into(),
                        json!([e["start"], e["end"]]),
                    )
                })
                .collect(),
        ),
        _ => value,
    };
    object.insert(name.into(), value);
}

/// An object of JSON Lines with all that columns have.
fn filled(row: &Value, columns: &Value) -> Value {
    let mut filled = columns.as_object().unwrap().clone();
    for (name, value) in filled.iter_mut() {
        *value = match (name.as_str(), row.get(name), row.get("error")) {
            ("doc" | "line", None, _) => value.take(),
            ("scores", None, _) => {
                let labels = value.as_object().unwrap().keys();
                labels.map(|label| (label.clone(), Value::Null)).collect()
            }
            ("input", Some(input), _) => {
                let fields = input.as_object().unwrap().iter();
                let fields = fields.map(|(name, value)| match value {
                    Value::String(_) | Value::Null => (name.clone(), value.clone()),
                    other => (name.clone(), other.to_string().into()),
                });
                fields.collect()
            }
            (_, Some(value), _) => value.clone(),
            (_, None, _) => Value::Null,
        };
    }
    Value::Object(filled)
}

#[test]
fn columns_say_what_json_lines_say() {
    let folder = Folder::new();
    folder.write("in.jsonl", rows());
    let sentences: String = (0..60)
        .map(|i| format!("{AIR} {}.\n{NONE}\n", i % 50))
        .collect();
    folder.write("article.txt", sentences);
    for (arguments, status) in [
        (
            &["in.jsonl", "--keep", "outlet,n", "--review", "20%"][..],
            1,
        ),
        (&["article.txt"], 0),
        (&["in.jsonl", "--split", "yes"], 1),
    ] {
        let expected = predict(&folder, arguments).json_rows();
        for name in ["out.parquet", "out.arrow"] {
            let arguments: Vec<&str> = arguments.iter().chain(&["-o", name]).copied().collect();
            let run = predict(&folder, &arguments);
            assert_eq!(run.status, status, "{}", run.err);
            let found = objects(&batches(&folder.path(name)));
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found, &filled(expected, found));
            }
        }
    }
    let repeated = objects(&batches(&folder.path("out.parquet")));
    assert!(repeated.iter().all(|row| row["furniture"].is_null()));
    predict(&folder, &["article.txt", "-o", "out.parquet"]).done();
    let rows = objects(&batches(&folder.path("out.parquet")));
    let repeats = rows.iter().filter(|row| row["furniture"] == "repeated");
    assert_eq!(repeats.count(), 10 + 59);
}

#[test]
fn columns_have_documented_names_and_kinds() {
    let folder = Folder::new();
    folder.write("in.jsonl", rows());
    folder.write(
        "scheme.toml",
        "columns = [\"type\"]\n[labels.airstrike]\ntype = \"air\"\n",
    );
    let run = predict(
        &folder,
        &[
            "in.jsonl",
            "-o",
            "out.parquet",
            "--keep",
            "n",
            "--review",
            "20%",
            "--columns",
            "scheme.toml",
        ],
    );
    assert_eq!(run.status, 1);
    let schema = batches(&folder.path("out.parquet"))[0].schema();
    let columns: Vec<String> = schema
        .fields()
        .iter()
        .filter(|field| !field.name().starts_with("score."))
        .map(|field| {
            let kind = match field.data_type() {
                DataType::List(item) => match item.data_type() {
                    DataType::Struct(_) => "structs".to_owned(),
                    other => format!("list of {other}"),
                },
                other => other.to_string(),
            };
            format!(
                "{}: {kind}{}",
                field.name(),
                if field.is_nullable() { "?" } else { "" }
            )
        })
        .collect();
    assert_eq!(
        columns,
        [
            "id: Utf8",
            "doc: Utf8",
            "line: Int64",
            "start: Int64?",
            "end: Int64?",
            "text: Utf8?",
            "labels: list of Utf8?",
            "evidence: structs?",
            "review: Boolean?",
            "furniture: Utf8?",
            "error: Utf8?",
            "type: Utf8?",
            "input.n: Utf8?",
        ]
    );
    let told =
        "scheme.toml: no values for capture.person, capture.territory, clash, execution, shelling;";
    assert!(run.err.contains(told), "{}", run.err);
}

#[test]
fn long_rows_of_tables_end_in_the_same_batches_for_any_number_of_threads() {
    let folder = Folder::new();
    // Spaces are quickly read.
    let long = format!("{NONE}{}", " ".repeat(4_000));
    let rows: String = (0..4_500).map(|i| format!("{i},{long}\n")).collect();
    folder.write("in.csv", format!("id,text\n{rows}"));
    for name in ["out.parquet", "out.arrow"] {
        let bytes = |threads: &str| {
            let arguments = ["in.csv", "-o", name, "--threads", threads];
            predict(&folder, &arguments).done();
            std::fs::read(folder.path(name)).unwrap()
        };
        assert!(bytes("1") == bytes("3"), "{name}");
    }
    let batches = batches(&folder.path("out.arrow"));
    let sizes: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
    // 16 MB of text, then the rest.
    let first = (1_usize << 24).div_ceil(long.len() + "in.csv".len() + 4);
    assert!(
        sizes[0].abs_diff(first) < 4 && sizes.len() == 4_500_usize.div_ceil(first),
        "{sizes:?}"
    );
}

#[test]
fn every_field_is_documented() {
    let documented = std::fs::read_to_string(support::repository("docs/fields.md")).unwrap();
    let folder = Folder::new();
    folder.write("in.jsonl", rows());
    let is_told = |name: &str| {
        let name = ["score.", "evidence.", "input."]
            .iter()
            .find(|prefix| name.starts_with(*prefix))
            .map_or(name, |prefix| prefix.trim_end_matches('.'));
        assert!(
            [
                format!("`{name}`"),
                format!("`{name}."),
                format!("`data.{name}`")
            ]
            .iter()
            .any(|quoted| documented.contains(quoted)),
            "{name}"
        );
    };
    for to in ["jsonl", "doccano", "prodigy"] {
        let run = labelled(to, &["--review", "20%"]);
        run.json_rows()
            .iter()
            .for_each(|row| keys(row).into_iter().for_each(is_told));
    }
    let tasks: Vec<Value> = serde_json::from_str(&labelled("label-studio", &[]).out).unwrap();
    tasks
        .iter()
        .for_each(|task| keys(&task["data"]).into_iter().for_each(is_told));
    let table = labelled("csv", &["--review", "20%"]).out;
    table.lines().next().unwrap().split(',').for_each(is_told);
}

#[test]
fn threads_leave_no_trace() {
    let folder = Folder::new();
    let rows: String = (0..12_000)
        .map(|i| format!("{{\"id\":{i},\"text\":\"خبر\"}}\n"))
        .collect();
    folder.write("in.jsonl", rows);
    for name in ["out.parquet", "out.arrow", "out.json"] {
        let bytes = |threads: &str| {
            let to: &[&str] = match name {
                "out.json" => &["--to", "label-studio"],
                _ => &[],
            };
            let arguments = ["in.jsonl", "-o", name, "--threads", threads];
            let arguments: Vec<&str> = arguments.iter().chain(to).copied().collect();
            predict(&folder, &arguments).done();
            std::fs::read(folder.path(name)).unwrap()
        };
        assert!(bytes("1") == bytes("3"), "{name}");
    }
}

#[test]
fn groups_of_rows_are_bounded_and_in_order() {
    let folder = Folder::new();
    let rows: String = (0..66_000)
        .map(|i| format!("{{\"id\":{i},\"text\":\"\"}}\n"))
        .collect();
    folder.write("in.jsonl", rows);
    predict(&folder, &["in.jsonl", "-o", "out.parquet"]).done();
    let file = File::open(folder.path("out.parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let groups = reader.metadata().row_groups();
    let rows: Vec<i64> = groups.iter().map(|group| group.num_rows()).collect();
    assert_eq!(rows, [1 << 16, 66_000 - (1 << 16)]);
    let compression = groups[0].column(5).compression();
    assert_eq!(compression, parquet::basic::Compression::SNAPPY);
    let ids = batches(&folder.path("out.parquet"))
        .into_iter()
        .flat_map(|batch| {
            let ids = batch.column(0).as_string::<i32>().clone();
            let ids: Vec<String> = ids.iter().map(|id| id.unwrap().to_owned()).collect();
            ids
        });
    assert!(ids.eq((0..66_000).map(|id: i32| id.to_string())));
}

#[test]
fn an_input_without_rows_is_no_broken_file() {
    let folder = Folder::new();
    folder.write("in.jsonl", "");
    let run = predict(&folder, &["in.jsonl", "--to", "label-studio"]).done();
    assert_eq!(serde_json::from_str::<Value>(&run.out).unwrap(), json!([]));
    for name in ["out.parquet", "out.arrow"] {
        predict(&folder, &["in.jsonl", "-o", name]).done();
        assert_eq!(objects(&batches(&folder.path(name))), Vec::<Value>::new());
    }
}

#[test]
fn tables_for_spreadsheets_keep_the_text() {
    let folder = Folder::new();
    folder.write("in.jsonl", rows());
    let run = predict(
        &folder,
        &[
            "in.jsonl",
            "--keep",
            "outlet",
            "--bom",
            "--columns",
            "s.toml",
            "-o",
            "out.csv",
        ],
    );
    run.refused(&["s.toml"]);
    folder.write(
        "s.toml",
        "columns = [\"type\", \"code\"]\n[labels.airstrike]\ntype = \"air\"\ncode = 195\n\
         [labels.shelling]\ntype = \"gun\"\ncode = 194\n[none]\ntype = \"no event\"\n",
    );
    let run = predict(
        &folder,
        &[
            "in.jsonl",
            "--keep",
            "outlet",
            "--bom",
            "--columns",
            "s.toml",
            "-o",
            "out.csv",
        ],
    );
    assert_eq!(run.status, 1);
    let bytes = std::fs::read(folder.path("out.csv")).unwrap();
    let table = bytes
        .strip_prefix("\u{FEFF}".as_bytes())
        .expect("a byte order mark");
    let mut reader = csv::Reader::from_reader(table);
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|other| other == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cells = |name: &str| {
        rows.iter()
            .map(|row| row[column(name)].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(cells("type"), ["air", "", "air|gun", "no event", "gun"]);
    assert_eq!(cells("code"), ["195", "", "195|194", "", "194"]);
    // A spreadsheet would reckon these; the data stays as it was.
    assert_eq!(cells("input.outlet")[1], "=1+1");
    assert_eq!(cells("text")[4], format!("= {NONE}\n\t\"{GUN}\""));
    assert_eq!(column("type"), column("error") + 1);
    assert_eq!(column("input.outlet"), column("error") + 3);
}

#[test]
fn columns_stand_in_json_lines() {
    let folder = Folder::new();
    let scheme = "columns = [\"type\"]\n[labels.airstrike]\ntype = \"air\"\n[none]\ntype = \"-\"\n";
    folder.write("s.toml", scheme);
    folder.write("in.txt", format!("{AIR}\n{NONE}\n"));
    for to in ["jsonl", "doccano", "prodigy"] {
        let run = predict(&folder, &["in.txt", "--columns", "s.toml", "--to", to]).done();
        let rows = run.json_rows();
        let types: Vec<&Value> = rows.iter().map(|row| &row["columns"]["type"]).collect();
        assert_eq!(types, ["air", "-"], "{to}");
    }
}

#[test]
fn output_is_compressed_by_its_name() {
    let folder = Folder::new();
    folder.write("in.txt", format!("{AIR}\n{NONE}\n"));
    let plain = predict(&folder, &["in.txt", "--to", "csv"]).done().out;
    for name in ["out.csv.gz", "out.csv.zst"] {
        predict(&folder, &["in.txt", "-o", name]).done();
        let again = predict(&folder, &[name, "--keep", "labels"])
            .done()
            .json_rows();
        assert_eq!(again.len(), 2);
        assert_eq!(again[0]["input"]["labels"], "airstrike");
    }
    let packed = File::open(folder.path("out.csv.gz")).unwrap();
    let text = std::io::read_to_string(flate2::read::GzDecoder::new(packed)).unwrap();
    assert_eq!(text, plain);
}

#[test]
fn misuse_is_told_in_one_line_and_nothing_is_written() {
    let folder = Folder::new();
    folder.write("in.txt", AIR);
    folder.write(
        "clash.toml",
        "columns = [\"labels\"]\n[labels.x]\nlabels = \"1\"\n",
    );
    folder.write("key.toml", "columns = [\"a\"]\n[labels.x]\nb = \"1\"\n");
    let names = folder.names();
    for (arguments, words) in [
        (&["--bom", "-o", "out.jsonl"][..], &["--bom", "csv"][..]),
        (&["--bom", "--to", "parquet", "-o", "o"], &["--bom"]),
        (&["-o", "out.parquet.gz"], &["out.parquet.gz"]),
        (
            &["--to", "table", "--columns", "key.toml"],
            &["--columns", "table"],
        ),
        (&["--columns", "clash.toml"], &["clash.toml", "\"labels\""]),
        (&["--columns", "key.toml"], &["key.toml", "labels.\"x\".b"]),
        (&["--columns", "no.toml"], &["no.toml"]),
        (
            &["--to", "csv", "--columns", "clash.toml", "-o", "key.toml"],
            &["clash.toml"],
        ),
    ] {
        let all: Vec<&str> = ["in.txt"].iter().chain(arguments).copied().collect();
        predict(&folder, &all).refused(words);
        assert_eq!(folder.names(), names);
    }
    folder.write(
        "s.toml",
        "columns = [\"a\"]\n[labels.airstrike]\na = \"1\"\n",
    );
    let run = predict(&folder, &["in.txt", "--columns", "s.toml", "-o", "s.toml"]);
    run.refused(&["s.toml", "is read by this command"]);
}
