//! Exports of annotation tools, as the tools write them.

#[path = "support/corpora.rs"]
mod corpora;
mod support;

use corpora::*;
use marsad::corpus::{Aliases, Contradictions, CorpusFormat, CorpusReader, KeptFields};
use support::Folder;

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
fn label_studio_spans_are_counted_in_characters() {
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

/// Texts without an id that two people annotated, as spans or as choices.
fn by_two_annotators(as_spans: bool) -> String {
    let texts = [
        ("قصفت الطائرات البلدة.", ["a", "a"]),
        ("اندلعت اشتباكات عنيفة.", ["b", "c"]),
    ];
    let row = |text: &str, label: &str, annotator: &str| match as_spans {
        true => serde_json::json!({"text": text, "answer": "accept", "_task_hash": 1,
            "_annotator_id": annotator, "spans": [{"start": 0, "end": 4, "label": label}]}),
        false => serde_json::json!({"text": text, "answer": "accept", "_task_hash": 1,
            "_annotator_id": annotator, "accept": [label], "_view_id": "choice"}),
    };
    let rows = ["x", "y"]
        .iter()
        .enumerate()
        .flat_map(|(place, annotator)| {
            let rows = texts.iter();
            rows.map(move |(text, labels)| row(text, labels[place], annotator).to_string())
        });
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn spans_without_an_id_are_brought_together_as_choices_are() {
    let folder = Folder::new();
    let strict = CorpusReader::new(Aliases::default(), Contradictions::Refuse);
    let [choices, spans] = [false, true].map(|as_spans| {
        let path = folder.write("two.jsonl", by_two_annotators(as_spans));
        strict.read(&[path]).unwrap()
    });
    assert_eq!(all_labels(&spans), ["a", "?b|?c"]);
    assert_eq!(all_labels(&spans), all_labels(&choices));
    assert_eq!(spans.counts(), choices.counts());
    assert_eq!((spans.counts().voted, spans.counts().decided), (4, 2));
    let documents = |corpus: &marsad::corpus::Corpus| {
        let docs = corpus.records().iter().map(|record| record.doc.clone());
        docs.collect::<Vec<_>>()
    };
    assert_eq!(documents(&spans), documents(&choices));
    assert!(
        spans
            .records()
            .iter()
            .all(|r| !r.has_id() && !r.has_document())
    );
}

#[test]
fn sentences_of_a_text_without_an_id_are_of_one_document_whoever_annotated_them() {
    let folder = Folder::new();
    let row = |text: &str, annotator: &str| {
        serde_json::json!({"text": text, "answer": "accept", "_task_hash": 1, "_annotator_id": annotator,
            "spans": [{"start": 0, "end": 4, "label": "a"}]})
        .to_string()
    };
    // A sentence that stands twice in its text is two; a text of many pages is known by its digest.
    for text in [
        "قال ذلك. ثم هدأ القتال. قال ذلك.".to_owned(),
        "هدأ القتال. ".repeat(400),
    ] {
        let path = folder.write("p.jsonl", [row(&text, "x"), row(&text, "y")].join("\n"));
        let corpus = reader().read(std::slice::from_ref(&path)).unwrap();
        let sentences = corpus.records().len();
        assert!(sentences >= 3, "{sentences}");
        assert_eq!(corpus.counts().voted, 2 * sentences);
        assert_eq!(corpus.documents(), 1);
        assert!(
            corpus
                .records()
                .iter()
                .all(|r| !r.has_id() && !r.has_document())
        );
        let apart = reader().separately().read(&[path]).unwrap();
        assert_eq!(
            (apart.records().len(), apart.documents()),
            (2 * sentences, 1)
        );
        assert!(apart.records()[0].doc.len() < 5000);
    }
}

#[test]
fn texts_are_cut_alike_wherever_the_only_span_stands() {
    let folder = Folder::new();
    let text = format!("قصفت الطائرات البلدة. {}", "هدأ القتال. ".repeat(40));
    let task = |id: usize, result: serde_json::Value| {
        serde_json::json!({"id": id, "data": {"text": text},
            "annotations": [{"completed_by": 1, "result": result}]})
    };
    let span =
        serde_json::json!([{"type": "labels", "value": {"start": 0, "end": 4, "labels": ["a"]}}]);
    let mut tasks: Vec<_> = (1..400).map(|id| task(id, serde_json::json!([]))).collect();
    tasks.push(task(400, span));
    let example = |id: usize, label: serde_json::Value| {
        serde_json::json!({"id": id, "text": text, "label": label, "Comments": []}).to_string()
    };
    let mut examples: Vec<_> = (1..400)
        .map(|id| example(id, serde_json::json!([])))
        .collect();
    examples.push(example(400, serde_json::json!([[0, 4, "a"]])));
    let tasks = serde_json::to_string(&tasks).unwrap();
    for (name, content) in [("t.json", tasks), ("d.jsonl", examples.join("\n"))] {
        assert!(
            content.len() > 1 << 18,
            "the span is not in what is buffered"
        );
        let path = folder.write(name, &content);
        let corpus = reader().read(&[path]).unwrap();
        assert_eq!(corpus.records().len(), 41 * 400, "{name}");
        assert_eq!(corpus.label_counts()["a"], 1);
        // What can be read only once is not guessed.
        let line = if name == "t.json" {
            "line 1:"
        } else {
            "line 400:"
        };
        folder
            .marsad_with(&["evaluate", "-"], content.as_bytes())
            .refused(&[line, "a span", "save it as a file"]);
    }
}

#[test]
fn brat_folders_pairs_and_texts_nobody_annotated() {
    let corpus = read("brat");
    assert_eq!(all_labels(&corpus), ["", "Place|airstrike", "shelling", ""]);
    assert_eq!(
        ids(&corpus),
        [
            "batch-2/report-2:1",
            "report-1:1",
            "report-1:2",
            "report-1:3"
        ]
    );
    let docs: Vec<&str> = corpus
        .records()
        .iter()
        .map(|record| record.doc.as_str())
        .collect();
    assert_eq!(
        docs,
        ["batch-2/report-2", "report-1", "report-1", "report-1"]
    );
    assert_eq!(corpus.records()[2].line, 2);
    assert_eq!(corpus.counts().unannotated, 1);
    let pair = read("brat/report-1.ann");
    assert_eq!(all_labels(&pair), all_labels(&corpus)[1..]);
    assert_eq!(all_labels(&read("brat/report-1.txt")), all_labels(&pair));
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
        run.err.contains(
            "3 rows of several annotators brought to 1 sentence with the labels of the majority"
        ),
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
