//! What `predict` reads: every format, the same rows.

mod support;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::Field;
use marsad::predict::{Input, InputFields, InputFormat};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Folder, Run, repository};

const TEXTS: [&str; 3] = [
    "شنت طائرات حربية غارات على أطراف البلدة",
    "قصفت المدفعية الحي واندلعت اشتباكات عنيفة",
    "زار الوزير سوق المدينة صباح اليوم",
];

fn export(name: &str) -> String {
    let path = repository("tests/exports").join(name);
    path.to_str().unwrap().to_owned()
}

/// Ids, lines and texts of the rows that a run of predict wrote.
fn rows(run: &Run) -> Vec<(String, u64, String)> {
    let rows = run.json_rows();
    let row = |row: &Value| {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        (text("id"), row["line"].as_u64().unwrap(), text("text"))
    };
    rows.iter().map(row).collect()
}

fn expected(lines: [u64; 3]) -> Vec<(String, u64, String)> {
    let rows = TEXTS.iter().zip(lines).enumerate();
    rows.map(|(place, (text, line))| ((place + 1).to_string(), line, (*text).to_owned()))
        .collect()
}

fn table() -> RecordBatch {
    let year: ArrayRef = Arc::new(Int64Array::from(vec![Some(2024), None, Some(2025)]));
    let inner: ArrayRef = Arc::new(StringArray::from(TEXTS.to_vec()));
    let data = StructArray::from(vec![(
        Arc::new(Field::new("text", inner.data_type().clone(), true)),
        inner.clone(),
    )]);
    RecordBatch::try_from_iter(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef),
        ("text", inner),
        ("year", year),
        ("data", Arc::new(data)),
    ])
    .unwrap()
}

fn parquet_of(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn arrow_of(batch: &RecordBatch, stream: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    if stream {
        let schema = batch.schema();
        let mut writer = arrow::ipc::writer::StreamWriter::try_new(&mut bytes, &schema).unwrap();
        writer.write(batch).unwrap();
        writer.finish().unwrap();
    } else {
        let lz4 = arrow::ipc::writer::IpcWriteOptions::default()
            .try_with_compression(Some(arrow::ipc::CompressionType::LZ4_FRAME))
            .unwrap();
        let schema = batch.schema();
        let mut writer =
            arrow::ipc::writer::FileWriter::try_new_with_options(&mut bytes, &schema, lz4).unwrap();
        writer.write(batch).unwrap();
        writer.finish().unwrap();
    }
    bytes
}

#[test]
fn the_same_rows_come_from_every_format() {
    let folder = Folder::new();
    let own: Vec<String> = TEXTS
        .iter()
        .enumerate()
        .map(|(place, text)| json!({"id": place + 1, "text": text}).to_string())
        .collect();
    folder.write("rows.jsonl", own.join("\n"));
    folder.write("rows.json", format!("[\n{}\n]", own.join(",\n")));
    let csv = |separator: &str| -> String {
        let rows = TEXTS.iter().enumerate();
        let rows = rows.map(|(place, text)| format!("{}{separator}{text}\n", place + 1));
        format!("\u{FEFF}id{separator}text\n{}", rows.collect::<String>())
    };
    folder.write("rows.csv", csv(","));
    folder.write("semicolons.csv", csv(";"));
    folder.write("rows.parquet", parquet_of(&table()));
    folder.write("rows.feather", arrow_of(&table(), false));
    folder.write("rows.arrows", arrow_of(&table(), true));
    let label_studio = export("label-studio-min.json");
    let (book, old_book) = (export("reviewed.xlsx"), export("reviewed.ods"));
    for (file, lines) in [
        ("rows.jsonl", [1, 2, 3]),
        ("rows.json", [2, 3, 4]),
        ("rows.csv", [2, 3, 4]),
        ("semicolons.csv", [2, 3, 4]),
        ("rows.parquet", [1, 2, 3]),
        ("rows.feather", [1, 2, 3]),
        ("rows.arrows", [1, 2, 3]),
        (&book, [2, 4, 5]),
        (&old_book, [2, 3, 4]),
        (&label_studio, [1, 1, 1]),
    ] {
        let run = folder.marsad(&["predict", file]).done();
        assert_eq!(rows(&run), expected(lines), "{file}");
        // Standard input has no name to know the format by, but for text.
        if !file.ends_with("csv") {
            let bytes = std::fs::read(folder.path(file)).unwrap();
            let run = folder.marsad_with(&["predict", "-"], &bytes).done();
            assert_eq!(rows(&run), expected(lines), "{file} from standard input");
        }
    }
}

#[test]
fn tasks_of_annotation_tools_are_labelled() {
    let folder = Folder::new();
    let file = export("label-studio.json");
    let run = folder
        .marsad(&["predict", &file, "--keep", "outlet"])
        .done();
    let found = run.json_rows();
    assert_eq!(found.len(), 5);
    assert_eq!(
        (&found[1]["id"], &found[1]["doc"]),
        (&"2".into(), &"d2".into())
    );
    assert_eq!(found[0]["input"]["outlet"], "ميناء نت");
    let file = export("prodigy-choice.jsonl");
    let run = folder
        .marsad(&["predict", &file, "--keep", "outlet"])
        .done();
    assert_eq!(run.json_rows()[0]["input"]["outlet"], "سوق برس");
    // Tasks before anyone annotated them.
    folder.write(
        "t.json",
        json!([{"data": {"text": TEXTS[0]}}, {"data": {"text": TEXTS[1]}}]).to_string(),
    );
    let run = folder
        .marsad(&["predict", "t.json", "--from", "label-studio"])
        .done();
    assert_eq!(run.json_rows()[1]["text"], TEXTS[1]);
    folder.write("old", json!({"data": TEXTS[0], "label": []}).to_string());
    let run = folder
        .marsad(&["predict", "old", "--from", "doccano"])
        .done();
    assert_eq!(run.json_rows()[0]["id"], "old:1");
}

#[test]
fn nested_fields_have_names_with_dots() {
    let folder = Folder::new();
    folder.write(
        "n.jsonl",
        json!({"post": {"body": TEXTS[0], "nr": 7}, "by": {"site": "x"}}).to_string(),
    );
    let names = [
        "--text-field",
        "post.body",
        "--id-field",
        "post.nr",
        "--keep",
        "by.site",
    ];
    let run = folder
        .marsad(&[&["predict", "n.jsonl"][..], &names].concat())
        .done();
    let row = &run.json_rows()[0];
    assert_eq!((&row["id"], &row["text"]), (&"7".into(), &TEXTS[0].into()));
    assert_eq!(row["input"]["by.site"], "x");
    folder.write("n.parquet", parquet_of(&table()));
    let run = folder
        .marsad(&[
            "predict",
            "n.parquet",
            "--text-field",
            "data.text",
            "--keep",
            "year,data",
        ])
        .done();
    let found = run.json_rows();
    assert_eq!(found[2]["text"], TEXTS[2]);
    assert_eq!(
        found[0]["input"],
        json!({"year": 2024, "data": {"text": TEXTS[0]}})
    );
    assert_eq!(found[1]["input"]["year"], Value::Null);
}

#[test]
fn rows_in_error_have_their_place() {
    let folder = Folder::new();
    let array = "[\n{\"text\":\"a\"},\n{\"text\":5},\n7,\n{\"text\":\"b\"}\n]";
    folder.write("e.json", array);
    let run = folder.marsad(&["predict", "e.json"]);
    assert_eq!(run.status, 1);
    let found = run.json_rows();
    let ids: Vec<&str> = found
        .iter()
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["e.json:2", "e.json:3", "e.json:4", "e.json:5"]);
    assert!(found[1]["error"].as_str().unwrap().contains("not a string"));
    assert!(
        found[2]["error"]
            .as_str()
            .unwrap()
            .contains("not a JSON object")
    );
    // What is before the cut was labelled; that the rest is missing ends the run.
    folder.write("cut.json", &array[..25]);
    folder
        .marsad(&["predict", "cut.json"])
        .refused(&["cut.json, line 3", "cut short"]);
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("c")]));
    let table = RecordBatch::try_from_iter(vec![("text", texts)]).unwrap();
    folder.write("n.parquet", parquet_of(&table));
    let run = folder.marsad(&["predict", "n.parquet"]);
    assert_eq!(run.status, 1);
    assert_eq!(
        run.json_rows()[1],
        json!({"id": "n.parquet:2", "error": "there is no text in this row"})
    );
    let book = export("reviewed.xlsx");
    let broken = ["predict", &book, "--sheet", "broken"];
    folder.marsad(&broken).done();
    let run = folder.marsad(&[&broken[..], &["--keep", "outlet"]].concat());
    assert_eq!(run.status, 1);
    let found = run.json_rows();
    assert!(
        found[0]["error"].as_str().unwrap().contains("#REF!"),
        "{}",
        found[0]
    );
    assert_eq!(found[1]["input"]["outlet"], "سوق برس");
}

#[test]
fn what_cannot_be_read_is_refused_before_anything_is_written() {
    let folder = Folder::new();
    let refused = |name: &str, bytes: &[u8], more: &[&str], words: &[&str]| {
        folder.write(name, bytes);
        let run = folder.marsad(&[&["predict", name, "-o", "out"], more].concat());
        run.refused(words);
        assert!(!folder.path("out").exists());
    };
    let parquet = parquet_of(&table());
    refused(
        "p.parquet",
        &parquet,
        &["--text-field", "body"],
        &["p.parquet", "body", "id, text, year, data"],
    );
    refused(
        "p.parquet",
        &parquet,
        &["--keep", "data.x"],
        &["p.parquet", "data.x"],
    );
    refused(
        "p.parquet",
        &parquet[..parquet.len() / 2],
        &[],
        &["p.parquet", "damaged"],
    );
    refused("p.parquet", b"", &[], &["p.parquet", "is empty"]);
    refused("a.arrow", b"text", &[], &["a.arrow", "no Arrow"]);
    let book = std::fs::read(export("reviewed.xlsx")).unwrap();
    refused("b.xlsx", &book, &["--sheet", "x"], &["b.xlsx", "مراجعة"]);
    refused(
        "b.xlsx",
        &book,
        &["--text-field", "body"],
        &["b.xlsx", "body"],
    );
    refused("b.xlsx", &book[..700], &[], &["b.xlsx", "spreadsheet"]);
    refused(
        "j.jsonl",
        b"{}",
        &["--from", "parquet"],
        &["j.jsonl", "no Parquet"],
    );
}

#[test]
fn folders_of_brat_are_articles() {
    let folder = Folder::new();
    let run = folder
        .marsad(&["predict", &export("brat"), "--to", "jsonl"])
        .done();
    let found = run.json_rows();
    assert_eq!(found.len(), 5);
    assert!(
        found[0]["doc"]
            .as_str()
            .unwrap()
            .ends_with("brat/batch-2/report-2.txt")
    );
    assert_eq!(found[1]["text"], "شنت طائرات غارات على البلدة.");
}

fn units_of(bytes: &[u8], format: InputFormat) -> usize {
    let folder = Folder::new();
    let path = folder.write("t", bytes);
    let Ok(mut input) = Input::open(&path, format, &InputFields::default(), 1) else {
        return 0;
    };
    let mut units = 0;
    while let Ok(Some(batch)) = input.next_batch() {
        units += batch.units().count();
    }
    units
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Damaged files may be refused, or give fewer or wrong rows, but never end the program.
    #[test]
    fn damaged_files_never_panic(
        kind in 0_usize..6,
        damages in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let (mut bytes, format) = match kind {
            0 => (parquet_of(&table()), InputFormat::Parquet),
            1 => (arrow_of(&table(), false), InputFormat::Arrow),
            2 => (arrow_of(&table(), true), InputFormat::Arrow),
            3 => (std::fs::read(export("reviewed.xlsx")).unwrap(), InputFormat::Xlsx),
            4 => (std::fs::read(export("reviewed.ods")).unwrap(), InputFormat::Xlsx),
            _ => (std::fs::read(export("label-studio.json")).unwrap(), InputFormat::LabelStudio),
        };
        for (place, byte) in damages {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let units = units_of(&bytes, format);
        prop_assert!(units < 100_000);
    }
}
