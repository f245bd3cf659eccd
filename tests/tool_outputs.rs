//! `marsad predict --to label-studio`, doccano and prodigy: pre-annotations.

#[path = "support/outputs.rs"]
mod outputs;
mod support;

use outputs::{AIR, NONE, keys, labelled, predict};
use serde_json::{Value, json};
use support::Folder;

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
