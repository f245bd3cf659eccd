//! Annotated tables in every format, the same labels whichever holds them, and broken files.

#[path = "support/corpora.rs"]
mod corpora;
mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, LargeStringArray,
    StringArray, StringViewArray, StructArray,
};
use arrow::datatypes::{Field, Int32Type};
use corpora::*;
use marsad::corpus::KeptFields;
use parquet::basic::Compression;
use proptest::prelude::*;
use support::Folder;

#[test]
fn conflibert_tables_without_a_header() {
    let corpus = read("conflibert.tsv");
    assert_eq!(all_labels(&corpus), ["label_1", "label_2|label_3", ""]);
    assert_eq!(
        corpus.records()[0].text,
        format!("{}, قال \"شاهد\"", TEXTS[0])
    );
    // One with a header of its own and columns for labels.
    let folder = Folder::new();
    let path = folder.write("h.tsv", "sentence\tairstrike\tclash\nا\t1\t0\nب\t0\t1\n");
    assert_eq!(
        all_labels(&reader().read(&[path]).unwrap()),
        ["airstrike", "clash"]
    );
}

#[test]
fn tables_of_spreadsheets_with_semicolons() {
    let reader = reader().keeping(KeptFields::Named(vec!["outlet".into()]));
    let corpus = reader.read(&[export("semicolons.csv")]).unwrap();
    assert_eq!(all_labels(&corpus), ["airstrike", "clash|shelling", ""]);
    assert_eq!(
        corpus.records()[1].text,
        "قصفت المدفعية الحي\nواندلعت \"اشتباكات\""
    );
    assert_eq!(corpus.records()[0].field("outlet").unwrap(), "ميناء; نت");
    let lines: Vec<u64> = corpus.records().iter().map(|record| record.line).collect();
    assert_eq!(lines, [2, 3, 5]);
}

#[test]
fn spreadsheets_with_dates_and_whole_numbers() {
    for (name, lines) in [("reviewed.xlsx", [2, 4, 5]), ("reviewed.ods", [2, 3, 4])] {
        let reader = reader().keeping(KeptFields::All);
        let corpus = reader.read(&[export(name)]).unwrap();
        assert_eq!(
            all_labels(&corpus),
            ["airstrike", "clash|shelling", ""],
            "{name}"
        );
        assert_eq!(ids(&corpus), ["1", "2", "3"], "{name}");
        let found: Vec<u64> = corpus.records().iter().map(|record| record.line).collect();
        assert_eq!(found, lines, "{name}");
        assert_eq!(
            corpus.records()[0].field("date").unwrap(),
            "2023-03-15",
            "{name}"
        );
    }
    let corpus = reader()
        .keeping(KeptFields::All)
        .read(&[export("reviewed.xlsx")])
        .unwrap();
    assert_eq!(
        corpus.records()[1].field("date").unwrap(),
        "2023-03-15T12:00:00"
    );
}

#[test]
fn columns_of_all_types_that_hold_text_and_labels() {
    let folder = Folder::new();
    let texts: [ArrayRef; 4] = [
        Arc::new(StringArray::from(TEXTS.to_vec())),
        Arc::new(LargeStringArray::from(TEXTS.to_vec())),
        Arc::new(StringViewArray::from(TEXTS.to_vec())),
        Arc::new(DictionaryArray::<Int32Type>::from_iter(TEXTS)),
    ];
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
    let lists = list_of(&[
        Some(&["airstrike"]),
        Some(&["shelling", "clash"]),
        Some(&[]),
        None,
    ]);
    let names: ArrayRef = Arc::new(StringArray::from(vec![
        Some("airstrike"),
        Some("shelling|clash"),
        Some("none"),
        None,
    ]));
    let flag =
        |values: [Option<i64>; 4]| -> ArrayRef { Arc::new(Int64Array::from(values.to_vec())) };
    for (place, text) in texts.iter().enumerate() {
        let tables = [
            batch(vec![
                ("id", ids.clone()),
                ("text", text.clone()),
                ("labels", lists.clone()),
            ]),
            batch(vec![
                ("id", ids.clone()),
                ("text", text.clone()),
                ("label", names.clone()),
            ]),
            batch(vec![
                ("id", ids.clone()),
                ("text", text.clone()),
                ("airstrike", flag([Some(1), Some(0), Some(0), None])),
                (
                    "clash",
                    Arc::new(BooleanArray::from(vec![
                        Some(false),
                        Some(true),
                        Some(false),
                        None,
                    ])),
                ),
                (
                    "shelling",
                    Arc::new(Float64Array::from(vec![
                        Some(0.0),
                        Some(1.0),
                        Some(0.0),
                        None,
                    ])),
                ),
            ]),
        ];
        for (kind, table) in tables.iter().enumerate() {
            let files = [
                parquet_of(table, Compression::SNAPPY),
                arrow_file_of(table),
                arrow_stream_of(table),
            ];
            for (format, bytes) in files.iter().enumerate() {
                // Known by what they begin with, whatever they are called.
                let path = folder.write("table", bytes);
                let corpus = reader().read(&[path]).unwrap();
                let told = format!("text {place}, labels {kind}, format {format}");
                assert_eq!(
                    all_labels(&corpus),
                    ["airstrike", "clash|shelling", ""],
                    "{told}"
                );
                assert_eq!(self::ids(&corpus), ["1", "2", "3"], "{told}");
                assert_eq!(corpus.counts().unannotated, 1, "{told}");
            }
        }
    }
}

#[test]
fn fields_of_columns_keep_their_types() {
    let folder = Folder::new();
    let year: ArrayRef = Arc::new(Int64Array::from(vec![Some(2024), None]));
    let outlet: ArrayRef = Arc::new(StringArray::from(vec!["سوق", "ميناء"]));
    let meta = StructArray::from(vec![(
        Arc::new(Field::new("outlet", outlet.data_type().clone(), true)),
        outlet,
    )]);
    let table = batch(vec![
        ("text", Arc::new(StringArray::from(TEXTS[..2].to_vec()))),
        ("labels", list_of(&[Some(&["a"]), Some(&["b"])])),
        ("year", year),
        ("meta", Arc::new(meta)),
    ]);
    let path = folder.write("t.parquet", parquet_of(&table, Compression::UNCOMPRESSED));
    let all = reader()
        .keeping(KeptFields::All)
        .read(std::slice::from_ref(&path))
        .unwrap();
    assert_eq!(all.records()[0].fields["year"], 2024);
    assert!(all.records()[1].fields["year"].is_null());
    assert_eq!(all.records()[0].fields["meta"]["outlet"], "سوق");
    assert_eq!(all.records()[1].id, format!("{}:2", path.display()));
    let named = KeptFields::Named(vec!["meta.outlet".into(), "year".into()]);
    let named = reader().keeping(named).read(&[path]).unwrap();
    assert_eq!(named.records()[1].field("meta.outlet").unwrap(), "ميناء");
    assert_eq!(named.records()[0].field("year").unwrap(), "2024");
}

/// The same rows, written as each format has them.
fn in_every_format(rows: &[(String, Vec<&str>)], folder: &Folder) -> Vec<PathBuf> {
    let json = |value: serde_json::Value| value.to_string();
    let lines = |row: &dyn Fn(usize, &str, &[&str]) -> String, between: &str| {
        let rows = rows.iter().enumerate();
        let rows = rows.map(|(place, (text, labels))| row(place + 1, text, labels));
        rows.collect::<Vec<_>>().join(between)
    };
    let own = lines(
        &|id, text, labels| json(serde_json::json!({"id": id, "text": text, "labels": labels})),
        "\n",
    );
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let names = |labels: &[&str]| match labels {
        [] => "none".to_owned(),
        labels => labels.join("|"),
    };
    let csv = lines(
        &|id, text, labels| format!("{id},{},{}", quoted(text), names(labels)),
        "\r\n",
    );
    let semicolons = lines(
        &|id, text, labels| format!("{id};{};{}", quoted(text), names(labels)),
        "\n",
    );
    let doccano = lines(
        &|id, text, labels| {
            json(serde_json::json!({"id": id, "text": text, "label": labels, "Comments": []}))
        },
        "\n",
    );
    let task = |id: usize, text: &str, labels: &[&str]| {
        let result = match labels {
            [] => serde_json::json!([]),
            labels => {
                serde_json::json!([{"type": "choices", "from_name": "event", "to_name": "text", "value": {"choices": labels}}])
            }
        };
        json(serde_json::json!({
            "id": id, "data": {"text": text}, "predictions": [],
            "annotations": [{"completed_by": 1, "was_cancelled": false, "result": result}],
        }))
    };
    let tasks = lines(&task, ",\n");
    let prodigy = lines(
        &|id, text, labels| {
            json(
                serde_json::json!({"id": id, "text": text, "accept": labels, "answer": "accept", "_input_hash": id, "_task_hash": id, "_view_id": "choice"}),
            )
        },
        "\n",
    );
    let table = batch(vec![
        (
            "id",
            Arc::new(Int64Array::from_iter_values(1..=rows.len() as i64)),
        ),
        (
            "text",
            Arc::new(StringArray::from_iter_values(
                rows.iter().map(|(text, _)| text),
            )),
        ),
        (
            "labels",
            list_of(
                &rows
                    .iter()
                    .map(|(_, labels)| Some(labels.as_slice()))
                    .collect::<Vec<_>>(),
            ),
        ),
    ]);
    let utf16: Vec<u8> = "\u{FEFF}"
        .encode_utf16()
        .chain(own.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    vec![
        folder.write("own.jsonl", &own),
        folder.write("own.json", format!("[{}]", own.replace('\n', ","))),
        folder.write("utf16.jsonl", utf16),
        folder.write("c.csv", format!("id,text,labels\r\n{csv}\r\n")),
        folder.write("s.csv", format!("\u{FEFF}id;text;labels\n{semicolons}\n")),
        folder.write("doccano.jsonl", doccano),
        folder.write("tasks.json", format!("[{tasks}]")),
        folder.write("prodigy.jsonl", prodigy),
        folder.write("t.parquet", parquet_of(&table, Compression::SNAPPY)),
        folder.write("t.arrow", arrow_file_of(&table)),
        folder.write("t.arrows", arrow_stream_of(&table)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn labels_are_the_same_whichever_format_holds_them(
        rows in proptest::collection::vec(
            (
                "[ا-ي]{1,4}( [ا-ي,;\"😀]{1,5}){0,4}",
                proptest::sample::subsequence(vec!["a", "b.c", "b.d", "غارة"], 0..4),
            ),
            1..6,
        ),
    ) {
        let folder = Folder::new();
        let paths = in_every_format(&rows, &folder);
        let mut expected: Option<Vec<(String, String, String)>> = None;
        for path in paths {
            let corpus = reader().read(std::slice::from_ref(&path)).unwrap();
            let found: Vec<(String, String, String)> = corpus
                .records()
                .iter()
                .map(|record| (record.id.clone(), record.text.clone(), labels(record)))
                .collect();
            prop_assert_eq!(found.len(), rows.len());
            match &expected {
                None => expected = Some(found),
                Some(expected) => prop_assert_eq!(&found, expected, "{}", path.display()),
            }
        }
    }
}

#[test]
fn broken_exports_give_one_clear_line() {
    let folder = Folder::new();
    let refused = |name: &str, content: &[u8], more: &[&str], words: &[&str]| {
        folder.write(name, content);
        evaluate(&folder, name, more).refused(words);
    };
    let tasks = std::fs::read(export("label-studio.json")).unwrap();
    refused(
        "cut.json",
        &tasks[..tasks.len() / 2],
        &[],
        &["cut.json, line ", "cut short"],
    );
    refused("empty.json", b"", &[], &["empty"]);
    refused("none.json", b"[]", &[], &["empty"]);
    refused(
        "scalars.json",
        b"[1, 2]",
        &[],
        &["scalars.json, line 1", "not a JSON object"],
    );
    let wrong_text = br#"[{"id":1,"data":{"text":7},"annotations":[]}]"#;
    refused(
        "wrong.json",
        wrong_text,
        &[],
        &["wrong.json, line 1", "not a string"],
    );
    let no_text = br#"[{"id":1,"data":{"title":"a","body":"b"},"annotations":[]}]"#;
    refused(
        "two.json",
        no_text,
        &[],
        &["two.json, line 1", "title, body"],
    );
    let span = br#"{"id":1,"text":"abc","label":[[1,9,"x"]]}"#;
    refused(
        "span.jsonl",
        span,
        &[],
        &["span.jsonl, line 1", "1 to 9 (x)"],
    );
    let answer = r#"{"text":"نص","answer":"maybe","_task_hash":1,"label":"x"}"#;
    refused(
        "p.jsonl",
        answer.as_bytes(),
        &[],
        &["p.jsonl, line 1", "maybe"],
    );
    let accept = r#"{"text":"نص","answer":"accept","_task_hash":1,"accept":[3],"options":[{"id":1,"text":"x"}]}"#;
    refused("q.jsonl", accept.as_bytes(), &[], &["q.jsonl, line 1", "3"]);
    let book = std::fs::read(export("reviewed.xlsx")).unwrap();
    refused(
        "b.xlsx",
        &book,
        &["--sheet", "nowhere"],
        &["b.xlsx", "nowhere", "مراجعة, broken"],
    );
    refused(
        "b.xlsx",
        &book,
        &["--sheet", "broken"],
        &["b.xlsx, line 2", "outlet", "#REF!"],
    );
    refused(
        "cut.xlsx",
        &book[..book.len() / 2],
        &[],
        &["cut.xlsx", "spreadsheet"],
    );
    refused(
        "text.xlsx",
        b"text,labels\n",
        &[],
        &["text.xlsx", "no spreadsheet"],
    );
    refused("empty.xlsx", b"", &[], &["empty.xlsx", "is empty"]);
    // Three rows, and a cell at the other end of the sheet.
    let far = std::fs::read(support::repository("tests/broken/far-cell.xlsx")).unwrap();
    refused(
        "far.xlsx",
        &far,
        &[],
        &["far.xlsx", "XFD1048576", "5 are filled", "delete"],
    );
    let table = batch(vec![
        ("text", Arc::new(StringArray::from(TEXTS.to_vec()))),
        ("labels", list_of(&[Some(&["airstrike"]), None, None, None])),
    ]);
    let parquet = parquet_of(&table, Compression::SNAPPY);
    refused(
        "cut.parquet",
        &parquet[..parquet.len() / 2],
        &[],
        &["cut.parquet", "damaged"],
    );
    refused("empty.parquet", b"", &[], &["empty.parquet", "is empty"]);
    let stream = arrow_stream_of(&table);
    refused(
        "cut.arrows",
        &stream[..stream.len() / 2],
        &[],
        &["cut.arrows", "damaged"],
    );
    let bare = batch(vec![(
        "body",
        Arc::new(StringArray::from(TEXTS.to_vec())) as ArrayRef,
    )]);
    let bare = parquet_of(&bare, Compression::SNAPPY);
    refused("bare.parquet", &bare, &[], &["bare.parquet", "body"]);
    refused(
        "c.tsv",
        "نص\t1\t0\nآخر\t2\t0\n".as_bytes(),
        &[],
        &["c.tsv, line 2", "\"2\" in field 2"],
    );
}

#[test]
fn broken_folders_of_brat_give_one_clear_line() {
    let folder = Folder::new();
    let refused = |path: &Path, words: &[&str]| {
        folder
            .marsad(&["evaluate", path.to_str().unwrap()])
            .refused(words);
    };
    std::fs::create_dir(folder.path("none")).unwrap();
    folder.write("none/a.txt", "نص");
    refused(&folder.path("none"), &["none", "is a folder"]);
    std::fs::create_dir(folder.path("brat")).unwrap();
    folder.write("brat/a.ann", "T1\tx 0 2\tنص\n");
    refused(&folder.path("brat"), &["a.ann", "a.txt is not beside it"]);
    folder.write("brat/a.txt", "آخر تماما");
    refused(
        &folder.path("brat"),
        &["a.ann, line 1", "do not belong together"],
    );
    folder.write("brat/a.ann", "T1\tx 0 99\tنص\n");
    refused(&folder.path("brat"), &["a.ann, line 1", "0 to 99 (x)"]);
    folder.write("brat/a.ann", "\nE1\tx:T9\n");
    refused(&folder.path("brat"), &["a.ann, line 2", "T9"]);
    folder.write("brat/a.ann", "what is this\n");
    refused(&folder.path("brat"), &["a.ann, line 1", "standoff"]);
}

/// Programs with SQL have the C library that reads it.
#[cfg(feature = "sql")]
#[test]
fn a_parquet_column_of_zstd_is_read() {
    let texts = Arc::new(StringArray::from(TEXTS.to_vec())) as ArrayRef;
    let table = batch(vec![("text", texts)]);
    let folder = Folder::new();
    for (name, codec) in [
        ("plain.parquet", Compression::SNAPPY),
        ("packed.parquet", Compression::ZSTD(Default::default())),
    ] {
        folder.write(name, parquet_of(&table, codec));
    }
    let labelled = |name: &str| folder.marsad(&["predict", name]).done().out;
    let packed = labelled("packed.parquet").replace("packed.parquet", "plain.parquet");
    assert_eq!(packed, labelled("plain.parquet"));
    assert_eq!(packed.lines().count(), TEXTS.len());
}

#[cfg(not(feature = "sql"))]
#[test]
fn a_parquet_column_of_zstd_is_refused_with_what_to_do() {
    // The program cannot write one: the name of the codec is set in the footer of another.
    let table = batch(vec![
        (
            "text",
            Arc::new(StringArray::from(TEXTS.to_vec())) as ArrayRef,
        ),
        ("labels", list_of(&[Some(&["airstrike"]), None, None, None])),
    ]);
    let folder = Folder::new();
    let bytes = renamed_codec(parquet_of(&table, Compression::SNAPPY));
    folder.write("z.parquet", bytes);
    for verb in ["evaluate", "predict"] {
        folder
            .marsad(&[verb, "z.parquet"])
            .refused(&["z.parquet", "zstd", "snappy"]);
    }
}

/// The footer of a Parquet file with another codec in each column.
#[cfg(not(feature = "sql"))]
fn renamed_codec(bytes: Vec<u8>) -> Vec<u8> {
    use parquet::file::metadata::{ParquetMetaDataReader, ParquetMetaDataWriter};
    let length = u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap());
    let data = &bytes[..bytes.len() - 8 - length as usize];
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &bytes).unwrap();
    let metadata = ParquetMetaDataReader::new()
        .parse_and_finish(&file)
        .unwrap();
    let mut builder = metadata.into_builder();
    let groups = builder.take_row_groups();
    for group in groups {
        let mut group = group.into_builder();
        let columns = group.take_columns();
        for column in columns {
            let column = column
                .into_builder()
                .set_compression(Compression::ZSTD(Default::default()))
                .build()
                .unwrap();
            group = group.add_column_metadata(column);
        }
        builder = builder.add_row_group(group.build().unwrap());
    }
    let mut written = data.to_vec();
    ParquetMetaDataWriter::new(&mut written, &builder.build())
        .finish()
        .unwrap();
    written
}
