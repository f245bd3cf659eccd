//! Annotated corpora in every format, as the tools write them.

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, LargeStringArray,
    ListBuilder, RecordBatch, StringArray, StringBuilder, StringViewArray, StructArray,
};
use arrow::datatypes::{Field, Int32Type};
use marsad::corpus::{
    Aliases, Contradictions, Corpus, CorpusFormat, CorpusReader, KeptFields, Record,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use support::{Folder, repository};

const TEXTS: [&str; 4] = [
    "شنت طائرات حربية غارات على أطراف البلدة",
    "قصفت المدفعية الحي واندلعت اشتباكات عنيفة",
    "زار الوزير سوق المدينة صباح اليوم",
    "أعلنت البلدية موعد الانتخابات",
];

fn export(name: &str) -> PathBuf {
    repository("tests/exports").join(name)
}

fn reader() -> CorpusReader {
    CorpusReader::new(Aliases::default(), Contradictions::Keep)
}

fn read(name: &str) -> Corpus {
    reader().read(&[export(name)]).unwrap()
}

fn labels(record: &Record) -> String {
    let open: Vec<String> = record
        .unsure
        .iter()
        .map(|label| format!("?{label}"))
        .collect();
    let labels = record.labels.iter().cloned().chain(open);
    labels.collect::<Vec<_>>().join("|")
}

fn all_labels(corpus: &Corpus) -> Vec<String> {
    corpus.records().iter().map(labels).collect()
}

fn ids(corpus: &Corpus) -> Vec<&str> {
    corpus
        .records()
        .iter()
        .map(|record| record.id.as_str())
        .collect()
}

#[test]
fn doccano_categories_with_their_fields() {
    let reader = reader().keeping(KeptFields::All);
    let corpus = reader.read(&[export("doccano.jsonl")]).unwrap();
    assert_eq!(all_labels(&corpus), ["airstrike", "clash|shelling", ""]);
    assert_eq!(ids(&corpus), ["101", "102", "103"]);
    assert_eq!(corpus.records()[1].text, TEXTS[1]);
    assert_eq!(corpus.records()[1].field("outlet").unwrap(), "سوق برس");
    assert_eq!(corpus.records()[1].fields["Comments"][0], "تحقق");
    // The same as an array, under a name that says nothing.
    let folder = Folder::new();
    let lines = std::fs::read_to_string(export("doccano.jsonl")).unwrap();
    let array = format!("[{}]", lines.trim().replace('\n', ",\n"));
    let path = folder.write("export", array);
    let again = reader.read(std::slice::from_ref(&path)).unwrap();
    assert_eq!(all_labels(&again), all_labels(&corpus));
    let lines: Vec<u64> = again.records().iter().map(|record| record.line).collect();
    assert_eq!(lines, [1, 2, 3]);
}

#[test]
fn doccano_spans_label_the_sentences_that_hold_them() {
    let corpus = read("doccano-spans.jsonl");
    assert_eq!(all_labels(&corpus), ["airstrike", "shelling", "", "", ""]);
    assert_eq!(ids(&corpus), ["7:1", "7:2", "7:3", "8:1", "8:2"]);
    assert_eq!(corpus.records()[1].text, "ثم قصفت المدفعية الحي.");
    assert_eq!(corpus.records()[1].doc, "7");
    assert_eq!(
        all_labels(&read("doccano-relations.jsonl")),
        ["shelling", ""]
    );
}

#[test]
fn doccano_of_old_names_labels_and_users_by_numbers() {
    let reader = reader().keeping(KeptFields::All);
    let apart = reader.clone().separately();
    let apart = apart.read(&[export("doccano-1.2.jsonl")]).unwrap();
    assert_eq!(all_labels(&apart), ["2", "2|5"]);
    let annotators: Vec<_> = apart
        .records()
        .iter()
        .map(|r| r.annotator.as_deref())
        .collect();
    assert_eq!(annotators, [Some("1"), Some("3")]);
    assert_eq!(apart.records()[0].fields["meta"]["outlet"], "ميناء نت");
    let together = reader.read(&[export("doccano-1.2.jsonl")]).unwrap();
    assert_eq!(all_labels(&together), ["2|?5"]);
}

#[test]
fn label_studio_has_a_row_an_annotator_or_one_by_majority() {
    let reader = reader().keeping(KeptFields::All);
    let corpus = reader.read(&[export("label-studio.json")]).unwrap();
    assert_eq!(all_labels(&corpus), ["airstrike", "clash|shelling", ""]);
    assert_eq!(ids(&corpus), ["1", "2", "3"]);
    let counts = corpus.counts();
    // Two skipped annotations; the task that has only a prediction is not annotated.
    assert_eq!(
        (counts.skipped, counts.unannotated, counts.annotated),
        (2, 1, 3)
    );
    assert_eq!((counts.voted, counts.decided, counts.tied), (3, 1, 0));
    assert_eq!(corpus.records()[0].doc, "d1");
    assert_eq!(corpus.records()[0].field("outlet").unwrap(), "ميناء نت");
    assert_eq!(corpus.records()[0].annotator, None);
    let apart = reader
        .separately()
        .read(&[export("label-studio.json")])
        .unwrap();
    assert_eq!(
        all_labels(&apart),
        [
            "airstrike",
            "airstrike|clash",
            "airstrike",
            "clash|shelling",
            ""
        ]
    );
    let annotators: Vec<_> = apart
        .records()
        .iter()
        .map(|r| r.annotator.as_deref())
        .collect();
    assert_eq!(
        annotators[..3],
        [Some("1"), Some("b@example.org"), Some("3")]
    );
    assert_eq!(apart.counts().contradictory, 0);
    assert_eq!(apart.records()[0].line, 2);
}

#[test]
fn a_tie_between_annotators_leaves_the_label_open() {
    let folder = Folder::new();
    let path = folder.write(
        "two.csv",
        "id,text,labels,annotator\n1,نص,a|b,x\n1,نص,a,y\n2,آخر,none,x\n2,آخر,none,y\n3,وحده,c,x\n",
    );
    let strict = CorpusReader::new(Aliases::default(), Contradictions::Refuse);
    let corpus = strict.read(std::slice::from_ref(&path)).unwrap();
    assert_eq!(all_labels(&corpus), ["a|?b", "", "c"]);
    let counts = corpus.counts();
    assert_eq!((counts.voted, counts.decided, counts.tied), (4, 2, 1));
    assert_eq!(corpus.records()[2].annotator.as_deref(), Some("x"));
    // One who annotates twice has one voice, the last.
    let path = folder.write(
        "twice.csv",
        "id,text,labels,annotator\n1,نص,a,x\n1,نص,b,y\n1,نص,b,x\n",
    );
    assert_eq!(all_labels(&reader().read(&[path]).unwrap()), ["b"]);
    // Parents and children: both see a capture, of different kinds.
    let path = folder.write("kinds.csv", "text,labels,annotator\nن,k.p,x\nن,k.t,y\n");
    assert_eq!(
        all_labels(&reader().read(&[path]).unwrap()),
        ["k|?k.p|?k.t"]
    );
}

#[test]
fn label_studio_spans_are_counted_as_javascript_does() {
    let corpus = read("label-studio-spans.json");
    assert_eq!(all_labels(&corpus), ["airstrike", ""]);
    assert_eq!(ids(&corpus), ["9:1", "9:2"]);
}

#[test]
fn label_studio_minimal() {
    let reader = reader().keeping(KeptFields::All);
    let corpus = reader.read(&[export("label-studio-min.json")]).unwrap();
    assert_eq!(all_labels(&corpus), ["airstrike", "clash|shelling", ""]);
    assert_eq!(ids(&corpus), ["1", "2", "3"]);
    let fields: Vec<&String> = corpus.records()[0].fields.keys().collect();
    assert_eq!(fields, ["outlet"]);
}

#[test]
fn prodigy_choices() {
    let reader = reader().keeping(KeptFields::All);
    let corpus = reader.read(&[export("prodigy-choice.jsonl")]).unwrap();
    assert_eq!(all_labels(&corpus), ["airstrike", "clash|shelling", ""]);
    let counts = corpus.counts();
    assert_eq!((counts.ignored, counts.rejected, counts.answers), (1, 1, 0));
    assert_eq!(
        corpus.records()[0].annotator.as_deref(),
        Some("news-reader1")
    );
    assert_eq!(corpus.records()[0].fields["meta"]["outlet"], "سوق برس");
    assert_eq!(corpus.records()[0].fields.len(), 1);
    let named = CorpusReader::default().keeping(KeptFields::Named(vec!["outlet".into()]));
    let named = named.read(&[export("prodigy-choice.jsonl")]).unwrap();
    assert_eq!(named.records()[0].field("outlet").unwrap(), "سوق برس");
}

#[test]
fn prodigy_answers_to_one_label_at_a_time_are_joined() {
    let corpus = read("prodigy-binary.jsonl");
    // What was not asked is open, and so is what was both accepted and rejected.
    assert_eq!(
        all_labels(&corpus),
        ["airstrike|?shelling", "clash|shelling", "?clash|?shelling"]
    );
    assert_eq!((corpus.counts().answers, corpus.counts().ignored), (8, 1));
    // A stream cannot look ahead for the other answers.
    let folder = Folder::new();
    let path = export("prodigy-binary.jsonl");
    let run = folder.marsad(&["train", "--stream", path.to_str().unwrap(), "-o", "m"]);
    run.refused(&["prodigy-binary.jsonl, line 1", "--stream"]);
}

#[test]
fn prodigy_spans() {
    assert_eq!(all_labels(&read("prodigy-spans.jsonl")), ["airstrike", ""]);
}

#[test]
fn brat_folders_pairs_and_texts_nobody_annotated() {
    let corpus = read("brat");
    assert_eq!(all_labels(&corpus), ["", "Place|airstrike", "shelling", ""]);
    assert_eq!(
        ids(&corpus),
        ["report-2:1", "report-1:1", "report-1:2", "report-1:3"]
    );
    let docs: Vec<&str> = corpus
        .records()
        .iter()
        .map(|record| record.doc.as_str())
        .collect();
    assert_eq!(docs, ["report-2", "report-1", "report-1", "report-1"]);
    assert_eq!(corpus.records()[2].line, 2);
    assert_eq!(corpus.counts().unannotated, 1);
    let pair = read("brat/report-1.ann");
    assert_eq!(all_labels(&pair), all_labels(&corpus)[1..]);
    assert_eq!(all_labels(&read("brat/report-1.txt")), all_labels(&pair));
}

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

/// A table as a column each, to be written in either format of the kind.
fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn parquet_of(batch: &RecordBatch, compression: Compression) -> Vec<u8> {
    let mut bytes = Vec::new();
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .build();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn arrow_file_of(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = arrow::ipc::writer::FileWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn arrow_stream_of(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer =
        arrow::ipc::writer::StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn list_of(rows: &[Option<&[&str]>]) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in rows {
        for label in row.unwrap_or_default() {
            lists.values().append_value(label);
        }
        lists.append(row.is_some());
    }
    Arc::new(lists.finish())
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

/// `evaluate` on a file, which every reading verb shares its reading with.
fn evaluate(folder: &Folder, name: &str, more: &[&str]) -> support::Run {
    folder.marsad(&[&["evaluate", name, "--bootstrap", "0"], more].concat())
}

#[test]
fn what_was_left_out_is_told() {
    let folder = Folder::new();
    let path = export("label-studio.json");
    let run = evaluate(&folder, path.to_str().unwrap(), &[]).done();
    assert!(
        run.err
            .contains("1 rows without annotation, 2 skipped by the annotator"),
        "{}",
        run.err
    );
    assert!(
        run.err
            .contains("3 rows of several annotators became 1 sentences"),
        "{}",
        run.err
    );
    let path = export("prodigy-choice.jsonl");
    let run = evaluate(&folder, path.to_str().unwrap(), &["--by", "outlet"]).done();
    assert!(
        run.err.contains("1 ignored by the annotator, 1 rejected"),
        "{}",
        run.err
    );
    assert!(run.out.contains("سوق برس"), "{}", run.out);
}

#[test]
fn old_encodings_are_read_when_told_and_suggested_when_not() {
    let folder = Folder::new();
    let table = format!(
        "text,labels\r\n{},airstrike\r\n{},none\r\n",
        TEXTS[0], TEXTS[2]
    );
    let (bytes, _, unmapped) = encoding_rs::WINDOWS_1256.encode(&table);
    assert!(!unmapped);
    folder.write("old.csv", &bytes);
    evaluate(&folder, "old.csv", &[]).refused(&[
        "old.csv, line 2",
        "not valid UTF-8",
        "--encoding windows-1256",
    ]);
    evaluate(&folder, "old.csv", &["--encoding", "windows-1256"]).done();
    let reader = reader().encoded(Some("windows-1256".parse().unwrap()));
    let corpus = reader.read(&[folder.path("old.csv")]).unwrap();
    assert_eq!(corpus.records()[0].text, TEXTS[0]);
    let run = folder
        .marsad(&["predict", "old.csv", "--encoding", "windows-1256"])
        .done();
    assert_eq!(run.json_rows()[0]["text"], TEXTS[0]);
    let run = folder.marsad(&["predict", "old.csv"]);
    assert_eq!(run.status, 1);
    let message = run.json_rows()[0]["error"].as_str().unwrap().to_owned();
    assert!(message.contains("--encoding windows-1256"), "{message}");
    // Bytes that the encoding does not know are an error of their row, never a replacement.
    folder.write("iso.txt", b"\xC7\xE4\n\xA1\xC7\n\xE8\n");
    let run = folder.marsad(&["predict", "iso.txt", "--encoding", "iso-8859-6"]);
    assert_eq!(run.status, 1);
    let rows = run.json_rows();
    assert_eq!(
        (&rows[0]["text"], &rows[2]["text"]),
        (&"ال".into(), &"و".into())
    );
    assert!(
        rows[1]["error"].as_str().unwrap().contains("ISO-8859-6"),
        "{}",
        rows[1]
    );
    folder
        .marsad(&["predict", "iso.txt", "--encoding", "arabic-ish"])
        .refused_anyhow();
}

trait RefusedAnyhow {
    fn refused_anyhow(&self);
}

impl RefusedAnyhow for support::Run {
    /// Refused by the reader of arguments, in its own form.
    fn refused_anyhow(&self) {
        assert_eq!(self.status, 2, "{self:?}");
        assert!(!self.err.is_empty() && self.out.is_empty());
    }
}

#[test]
fn formats_can_be_told() {
    let folder = Folder::new();
    folder.write("odd.dat", "id,text,label\n1,نص,airstrike\n");
    // A header that names a text is known; under another name it must be told.
    evaluate(&folder, "odd.dat", &[]).done();
    folder.write("odd2.dat", "airstrike, نص\n");
    evaluate(&folder, "odd2.dat", &[]).refused(&["odd2.dat", "--from"]);
    folder.write(
        "d",
        "{\"data\":\"شنت طائرات غارات\",\"label\":[\"airstrike\"]}\n",
    );
    evaluate(&folder, "d", &["--from", "doccano"]).done();
    evaluate(&folder, "d", &["--from", "jsonl"]).refused(&["d, line 1", "no field \"text\""]);
    let corpus = reader()
        .from_format(CorpusFormat::Doccano)
        .read(&[folder.path("d")])
        .unwrap();
    assert_eq!(all_labels(&corpus), ["airstrike"]);
    evaluate(&folder, "d", &["--from", "parquet"]).refused(&["d:", "no Parquet file"]);
    evaluate(&folder, "d", &["--from", "xlsx"]).refused(&["d:", "no spreadsheet"]);
}

#[test]
fn own_rows_are_not_taken_for_exports() {
    let folder = Folder::new();
    for row in [
        r#"{"text":"نص","labels":["airstrike"],"answer":"accept","meta":{}}"#,
        r#"{"text":"نص","labels":["airstrike"],"annotations":[]}"#,
        r#"{"text":"نص","labels":["airstrike"],"data":{"x":1},"id":4}"#,
        r#"{"text":"نص","label":"airstrike","spans":[],"options":[]}"#,
        r#"{"text":"نص","labels":"airstrike","Comments":"none|of|all"}"#,
    ] {
        let path = folder.write("own.jsonl", format!("{row}\n"));
        let corpus = reader().read(&[path]).unwrap();
        assert_eq!(all_labels(&corpus), ["airstrike"], "{row}");
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
