//! The functions of SQL give what `marsad predict` gives, to the byte.
#![cfg(feature = "sql")]

mod support;

use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use support::{Folder, repository};

fn read(path: &Path) -> RecordBatch {
    let file = std::fs::File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

/// What `marsad sql` writes for a statement over the Parquet file `table`.
fn sql(folder: &Folder, statement: &str, table: &str) -> RecordBatch {
    let table = format!("t={table}");
    let arguments = ["sql", statement, "--table", &table, "-o", "found.parquet"];
    folder.marsad(&arguments).done();
    read(&folder.path("found.parquet"))
}

fn column<'b>(batch: &'b RecordBatch, name: &str) -> &'b ArrayRef {
    batch
        .column_by_name(name)
        .unwrap_or_else(|| panic!("no column {name}"))
}

fn assert_same(name: &str, of_sql: &ArrayRef, of_predict: &ArrayRef) {
    assert_eq!(of_sql.data_type(), of_predict.data_type(), "{name}");
    assert_eq!(of_sql.len(), of_predict.len(), "{name}");
    for row in 0..of_sql.len() {
        let [sql, predict] = [of_sql, of_predict].map(|column| column.slice(row, 1));
        assert_eq!(sql.to_data(), predict.to_data(), "{name}, row {row}");
    }
}

/// Some hundred texts that readers stumble over.
fn nasty_texts() -> Vec<String> {
    let clauses = [
        "شنت طائرات حربية غارات على أطراف المدينة",
        "دارت اشتباكات عنيفة بين الفصيلين",
        "سيطرت القوات على البلدة",
        "قصفت المدفعية أحياء سكنية",
        "زار الوزير السوق",
        "Airstrikes hit the town",
    ];
    let twists: [fn(&str) -> String; 12] = [
        str::to_owned,
        |text| text.replace('ا', "ا\u{640}\u{640}"),
        |text| format!("\u{202b}{text}\u{202c}\u{200f}"),
        |text| format!("💥💥 {text} 👨‍👩‍👧‍👦"),
        |text| text.replace(' ', "\u{a0}"),
        |text| text.replace(' ', "\n"),
        |text| text.replace(' ', "\0"),
        |text| {
            text.chars()
                .flat_map(|letter| [letter, '\u{64e}'])
                .collect()
        },
        |text| text.chars().rev().collect(),
        |text| format!("\u{feff}  {text} ؟!… \t"),
        |text| text.replace(' ', ""),
        |text| format!("{text}. {text}؛ {text}..."),
    ];
    let mut texts = Vec::new();
    for (first, twist) in twists.iter().enumerate() {
        texts.extend(clauses.map(twist));
        let pairs = twists.iter().zip(clauses.iter().cycle().skip(first));
        texts.extend(pairs.map(|(again, clause)| again(&twist(clause))));
    }
    let blank = [
        "",
        " ",
        "\n",
        "\t\u{3000}",
        "\u{200f}",
        "\0",
        ".",
        "؟؟؟",
        "\u{fdfa}",
        "a",
    ];
    let long = [
        "ق".repeat(1 << 19),
        "غارة ".repeat(2_000),
        "x".repeat(1 << 20),
    ];
    texts.extend(blank.map(str::to_owned));
    texts.extend(long);
    texts
}

/// The rows of the samples and the nasty texts, as JSON Lines.
fn rows() -> String {
    let mut texts = nasty_texts();
    for name in ["sudan-two-cities", "syria-front", "yemen-coast"] {
        let plain = repository(&format!("data/samples/{name}.txt"));
        texts.push(std::fs::read_to_string(plain).unwrap());
        let gold = repository(&format!("data/samples/{name}.gold.jsonl"));
        for line in std::fs::read_to_string(gold).unwrap().lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            texts.push(row["text"].as_str().unwrap().to_owned());
        }
    }
    assert!(texts.len() > 200, "{}", texts.len());
    let row = |(id, text)| serde_json::json!({"id": format!("{id:04}"), "text": text}).to_string();
    let rows: Vec<String> = texts.iter().enumerate().map(row).collect();
    rows.join("\n")
}

/// A folder with what `marsad predict` says of all rows in `predicted.parquet`.
fn predicted(options: &[&str]) -> (Folder, RecordBatch) {
    let folder = Folder::new();
    folder.write("rows.jsonl", rows());
    let arguments = [
        "predict",
        "rows.jsonl",
        "--to",
        "parquet",
        "-o",
        "predicted.parquet",
    ];
    folder.marsad(&[&arguments[..], options].concat()).done();
    let batch = read(&folder.path("predicted.parquet"));
    (folder, batch)
}

#[test]
fn rows_are_labelled_as_by_predict() {
    let (folder, predicted) = predicted(&[]);
    let found = sql(
        &folder,
        "SELECT text, event_labels(text) AS labels, event_scores(text) AS scores, \
         event_evidence(text) AS evidence FROM t",
        "predicted.parquet",
    );
    for name in ["labels", "evidence"] {
        assert_same(name, column(&found, name), column(&predicted, name));
    }
    let scores = column(&found, "scores").as_struct();
    assert_eq!(scores.null_count(), 0);
    let schema = predicted.schema();
    let names = schema.fields().iter().map(|field| field.name());
    let names: Vec<&str> = names
        .filter_map(|name| name.strip_prefix("score."))
        .collect();
    assert_eq!(scores.column_names(), names, "all labels in the same order");
    for name in names {
        let score = scores.column_by_name(name).unwrap();
        assert_same(name, score, column(&predicted, &format!("score.{name}")));
    }
    let held = column(&found, "labels").as_list::<i32>().values().len();
    assert!(held > 100, "{held} labels hold");
}

#[test]
fn documents_are_split_and_labelled_as_by_predict() {
    let (folder, predicted) = predicted(&["--split", "yes"]);
    let documents = Folder::new();
    documents.write("rows.jsonl", rows());
    let arguments = ["predict", "rows.jsonl", "--to", "parquet", "-o"];
    let whole = folder.path("whole.parquet");
    documents
        .marsad(&[&arguments[..], &[whole.to_str().unwrap()]].concat())
        .done();
    let found = sql(
        &folder,
        "SELECT id, s['text'] AS text, s['start'] AS start, s['end'] AS \"end\", \
         event_labels(s['text']) AS labels \
         FROM (SELECT id, unnest(event_sentences(text)) AS s FROM t)",
        "whole.parquet",
    );
    for name in ["start", "end", "labels"] {
        assert_same(name, column(&found, name), column(&predicted, name));
    }
    for name in ["id", "text"] {
        let found = arrow::compute::cast(column(&found, name), &arrow::datatypes::DataType::Utf8);
        assert_same(name, &found.unwrap(), column(&predicted, name));
    }
    assert!(found.num_rows() > 300, "{}", found.num_rows());
}

#[test]
fn a_function_that_cannot_be_called_so_is_refused() {
    let folder = Folder::new();
    folder.write(
        "rows.jsonl",
        "{\"id\":7,\"text\":\"غارات\",\"words\":[\"غارات\"]}\n",
    );
    for (call, words) in [
        (
            "event_labels(id)",
            "event_labels takes text, but id is of type Int64; write CAST(id AS VARCHAR)",
        ),
        (
            "normalize_arabic(words)",
            "give one element of it, as in words[1]",
        ),
        (
            "event_sentences()",
            "event_sentences was given 0 arguments; write event_sentences(document)",
        ),
        (
            "event_holds(text, 'klash')",
            "does not know the label \"klash\"; it knows",
        ),
        (
            "event_score(text, text)",
            "event_score: the model does not know the label \"غارات\"",
        ),
    ] {
        let statement = format!("SELECT {call} AS found FROM 'rows.jsonl'");
        folder.marsad(&["sql", &statement]).refused(&[words]);
    }
    let cast = [
        "sql",
        "SELECT event_labels(CAST(id AS VARCHAR)) AS found FROM 'rows.jsonl'",
    ];
    assert_eq!(folder.marsad(&cast).done().out, "{\"found\":[]}\n");
}

#[test]
fn the_model_is_named_in_rows() {
    let folder = Folder::new();
    folder.write("rows.jsonl", "{\"text\":\"غارات\"}\n{\"text\":null}\n");
    let statement =
        "SELECT marsad_model() AS model, event_labels(text) IS NULL AS unread FROM 'rows.jsonl'";
    let rows = folder.marsad(&["sql", statement]).done().json_rows();
    let model = marsad::built_in_model().unwrap();
    assert_eq!(rows[0]["model"], model.header().checksum.as_str());
    assert_eq!(rows[1]["unread"], true);
}
