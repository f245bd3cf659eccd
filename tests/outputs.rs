//! `marsad predict --to`: every format says the same of every row.

mod support;

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value, json};
use support::{Folder, Run};

const AIR: &str = "شنّت الطائرات الحربية عدة غارات جوية على أطراف البلدة";
const GUN: &str = "قصفت المدفعية الثقيلة مواقع المسلحين جنوب المدينة";
const NONE: &str = "عقد المجلس المحلي اجتماعاً لمناقشة ترميم المدارس";

/// Rows of all kinds: with fields, without text, with signs of two code units.
fn rows() -> String {
    let rows = [
        json!({"id": "1", "doc": "d", "text": format!("😀 {AIR}"), "outlet": "ا,ب", "n": 5}),
        json!({"id": "2", "outlet": "=1+1"}),
        json!({"text": format!("{AIR}، و{GUN}"), "n": [1, "x"]}),
        json!({"id": "4", "text": NONE, "outlet": ""}),
        json!({"id": "5", "text": format!("= {NONE}\n\t\"{GUN}\"")}),
    ];
    rows.map(|row| format!("{row}\n")).concat()
}

fn predict(folder: &Folder, arguments: &[&str]) -> Run {
    let all: Vec<&str> = ["predict"].iter().chain(arguments).copied().collect();
    folder.marsad(&all)
}

const KEEP: &[&str] = &["in.jsonl", "--keep", "outlet,n", "--to"];

fn labelled(to: &str, more: &[&str]) -> Run {
    let folder = Folder::new();
    folder.write("in.jsonl", rows());
    let arguments: Vec<&str> = KEEP.iter().chain(&[to]).chain(more).copied().collect();
    let run = predict(&folder, &arguments);
    assert_eq!(run.status, 1, "one row has no text: {}", run.err);
    assert!(run.err.contains("1 row could not be read"), "{}", run.err);
    run
}

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
fn threads_leave_no_trace_and_groups_are_bounded() {
    let folder = Folder::new();
    let rows: String = (0..70_000)
        .map(|i| format!("{{\"id\":{i},\"text\":\"خبر\"}}\n"))
        .collect();
    folder.write("in.jsonl", rows);
    for name in ["out.parquet", "out.arrow", "out.json"] {
        let bytes = |threads: &str| {
            let to = if name == "out.json" {
                &["--to", "label-studio"][..]
            } else {
                &[]
            };
            let arguments = ["in.jsonl", "-o", name, "--threads", threads];
            let arguments: Vec<&str> = arguments.iter().chain(to).copied().collect();
            predict(&folder, &arguments).done();
            std::fs::read(folder.path(name)).unwrap()
        };
        assert!(bytes("1") == bytes("3"), "{name}");
    }
    let file = File::open(folder.path("out.parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let groups = reader.metadata().row_groups();
    let rows: Vec<i64> = groups.iter().map(|group| group.num_rows()).collect();
    assert_eq!(rows, [1 << 16, 70_000 - (1 << 16)]);
    let compression = groups[0].column(5).compression();
    assert_eq!(compression, parquet::basic::Compression::SNAPPY);
    let ids = objects(&batches(&folder.path("out.parquet")))
        .into_iter()
        .map(|row| row["id"].clone());
    assert!(ids.eq((0..70_000).map(|id: i32| json!(id.to_string()))));
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// What characters from `start` to `end` say.
fn slice(text: &Value, start: &Value, end: &Value) -> String {
    let (start, end) = (
        start.as_u64().unwrap() as usize,
        end.as_u64().unwrap() as usize,
    );
    text.as_str()
        .unwrap()
        .chars()
        .skip(start)
        .take(end - start)
        .collect()
}

/// The evidence of each leaf label that JSON Lines tell, as text.
fn evidence(row: &Value) -> Vec<(String, String)> {
    let text = row["text"].as_str().unwrap();
    let start = row["start"].as_u64().unwrap() as usize;
    let spans = row["evidence"].as_object().unwrap().iter();
    let spans = spans.filter(|(label, _)| *label != "capture");
    spans
        .map(|(label, span)| {
            let place = |at: usize| span[at].as_u64().unwrap() as usize - start;
            (label.clone(), text[place(0)..place(1)].to_owned())
        })
        .collect()
}

#[test]
fn label_studio_gets_predictions() {
    let tasks: Vec<Value> = serde_json::from_str(&labelled("label-studio", &[]).out).unwrap();
    let rows = labelled("jsonl", &[]).json_rows();
    assert_eq!(tasks.len(), rows.len());
    for (task, row) in tasks.iter().zip(&rows) {
        assert_eq!(keys(task), ["data", "predictions"]);
        let data = &task["data"];
        assert_eq!((&data["id"], &data["input"]), (&row["id"], &row["input"]));
        if row.get("error").is_some() {
            assert_eq!(keys(data), ["text", "id", "error", "input"]);
            assert_eq!((&data["text"], &data["error"]), (&json!(""), &row["error"]));
            assert_eq!(task["predictions"], json!([]));
            continue;
        }
        let names = [
            "text", "id", "doc", "line", "start", "end", "scores", "input",
        ];
        assert_eq!(keys(data), names);
        names
            .iter()
            .for_each(|name| assert_eq!(data[*name], row[*name], "{name}"));
        let prediction = &task["predictions"][0];
        assert_eq!(keys(prediction), ["model_version", "score", "result"]);
        let version = prediction["model_version"].as_str().unwrap();
        let digits = version.strip_prefix("marsad-").unwrap();
        assert!(digits.len() == 12 && digits.chars().all(|digit| digit.is_ascii_hexdigit()));
        let score = prediction["score"].as_f64().unwrap();
        let held = row["labels"].as_array().unwrap();
        let decisions = row["scores"].as_object().unwrap().iter();
        let least = decisions.map(|(label, score)| match held.contains(&json!(label)) {
            true => score.as_f64().unwrap(),
            false => 1.0 - score.as_f64().unwrap(),
        });
        assert!((score - least.fold(1.0, f64::min)).abs() < 2e-6);
        let result = prediction["result"].as_array().unwrap();
        let Some((choices, regions)) = result.split_first() else {
            assert_eq!(row["labels"], json!([]));
            continue;
        };
        let expected = json!({
            "id": "labels", "from_name": "labels", "to_name": "text", "type": "choices",
            "value": {"choices": row["labels"]},
        });
        assert_eq!(choices, &expected);
        let found: Vec<(String, String)> = regions
            .iter()
            .map(|region| {
                let value = &region["value"];
                let text = slice(&data["text"], &value["start"], &value["end"]);
                assert_eq!(value["text"], text);
                assert_eq!(
                    (&region["from_name"], &region["type"]),
                    (&json!("evidence"), &json!("labels"))
                );
                (value["labels"][0].as_str().unwrap().to_owned(), text)
            })
            .collect();
        assert_eq!(found, evidence(row));
    }
}

#[test]
fn doccano_and_prodigy_get_their_rows() {
    let rows = labelled("jsonl", &[]).json_rows();
    let doccano = labelled("doccano", &[]).json_rows();
    let prodigy = labelled("prodigy", &[]).json_rows();
    assert_eq!((doccano.len(), prodigy.len()), (rows.len(), rows.len()));
    for ((row, doccano), prodigy) in rows.iter().zip(&doccano).zip(&prodigy) {
        assert_eq!((&doccano["id"], &prodigy["id"]), (&row["id"], &row["id"]));
        if row.get("error").is_some() {
            let input = &row["input"];
            let expected =
                json!({"id": "2", "text": "", "label": [], "error": row["error"], "input": input});
            assert_eq!(doccano, &expected);
            let expected = [
                "text", "options", "accept", "answer", "id", "error", "input",
            ];
            assert_eq!(keys(prodigy), expected);
            assert_eq!(prodigy["answer"], "ignore");
            continue;
        }
        let names = [
            "id", "text", "label", "doc", "line", "start", "end", "scores", "evidence", "input",
        ];
        assert_eq!(keys(doccano), names);
        assert_eq!(doccano["label"], row["labels"]);
        let spans = doccano["evidence"].as_object().unwrap().iter();
        let spans: Vec<_> = spans
            .map(|(label, span)| (label.clone(), slice(&row["text"], &span[0], &span[1])))
            .collect();
        assert_eq!(spans, evidence(row));
        let names = [
            "text", "options", "accept", "spans", "meta", "id", "doc", "line", "start", "end",
            "scores", "input",
        ];
        assert_eq!(keys(prodigy), names);
        assert_eq!(prodigy["accept"], row["labels"]);
        let options: Vec<&Value> = prodigy["options"].as_array().unwrap().iter().collect();
        assert_eq!(options.len(), 6, "parents are no choice");
        assert!(options.iter().all(|option| option["id"] == option["text"]));
        let spans = prodigy["spans"].as_array().unwrap().iter();
        let spans: Vec<_> = spans
            .map(|span| {
                let label = span["label"].as_str().unwrap().to_owned();
                (label, slice(&row["text"], &span["start"], &span["end"]))
            })
            .collect();
        assert_eq!(spans, evidence(row));
        assert_eq!(keys(&prodigy["meta"]), ["score", "model"]);
    }
}

#[test]
fn parents_are_no_choice_beside_their_children() {
    let folder = Folder::new();
    folder.write("in.txt", "اعتقلت قوات الأمن خمسة ناشطين في حي الميدان\n");
    let row = &predict(&folder, &["in.txt"]).done().json_rows()[0];
    assert_eq!(row["labels"], json!(["capture", "capture.person"]));
    let row = &predict(&folder, &["in.txt", "--to", "doccano"])
        .done()
        .json_rows()[0];
    assert_eq!(row["label"], json!(["capture.person"]));
    assert_eq!(keys(&row["evidence"]), ["capture.person"]);
}

#[test]
fn repeats_and_reviews_are_marked_in_every_format_of_objects() {
    let folder = Folder::new();
    folder.write("in.txt", format!("{AIR}.\n{NONE}.\n{AIR}.\n"));
    for to in ["jsonl", "doccano", "prodigy", "label-studio"] {
        let run = predict(&folder, &["in.txt", "--review", "20%", "--to", to]).done();
        let rows: Vec<Value> = match to {
            "label-studio" => {
                let tasks: Vec<Value> = serde_json::from_str(&run.out).unwrap();
                tasks.iter().map(|task| task["data"].clone()).collect()
            }
            _ => run.json_rows(),
        };
        let furniture: Vec<&Value> = rows.iter().map(|row| &row["furniture"]).collect();
        assert_eq!(
            furniture,
            [&Value::Null, &Value::Null, &json!("repeated")],
            "{to}"
        );
        assert!(rows.iter().all(|row| row["review"].is_boolean()), "{to}");
    }
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
