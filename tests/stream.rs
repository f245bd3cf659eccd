//! `marsad train --stream` as its users call it.

mod support;

use support::{Folder, Run, repository, small_corpus};

/// Many sentences of the small corpus, each a document of its own.
fn rows(count: usize) -> String {
    let texts: Vec<serde_json::Value> = (small_corpus().lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (0..count)
        .map(|row| {
            let mut object = texts[row % texts.len()].clone();
            object["doc"] = format!("d{row}").into();
            object["text"] = format!("{} {row}", object["text"].as_str().unwrap()).into();
            format!("{object}\n")
        })
        .collect()
}

fn macro_f1(folder: &Folder, corpus: &str, model: &str) -> f64 {
    let run = folder.marsad(&["evaluate", corpus, "-m", model, "--json"]);
    let report: serde_json::Value = serde_json::from_str(&run.done().out).unwrap();
    report["top"]["macro_f1"]["value"].as_f64().unwrap()
}

fn inspected(folder: &Folder, model: &str) -> serde_json::Value {
    let run = folder.marsad(&["inspect", model, "--json"]);
    serde_json::from_str(&run.done().out).unwrap()
}

#[test]
fn sentences_not_learnt_from_are_labelled_well() {
    let folder = Folder::new();
    let (mut learnt, mut new) = (String::new(), String::new());
    for name in [
        "bombardment",
        "captives",
        "non-events",
        "custody-and-killing",
    ] {
        let path = repository(&format!("data/corpus/{name}.jsonl"));
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let document = row["doc"].as_str().unwrap();
            let kept_apart = document
                .bytes()
                .map(u32::from)
                .sum::<u32>()
                .is_multiple_of(5);
            let part = if kept_apart { &mut new } else { &mut learnt };
            *part += line;
            part.push('\n');
        }
    }
    folder.write("learnt.jsonl", learnt);
    folder.write("new.jsonl", new);
    let run = folder.marsad(&[
        "train",
        "learnt.jsonl",
        "--stream",
        "--epochs",
        "3",
        "-o",
        "m",
    ]);
    let run = run.done();
    assert!(run.out.contains("sentences are held out"), "{}", run.out);
    assert!(run.out.contains("documents not learnt from"), "{}", run.out);
    let f1 = macro_f1(&folder, "new.jsonl", "m");
    assert!(f1 > 0.6, "{f1}");
    let predicted = folder.marsad(&["predict", "new.jsonl", "-m", "m"]).done();
    assert!(
        predicted
            .json_rows()
            .iter()
            .any(|row| !row["evidence"].as_object().unwrap().is_empty())
    );
}

#[test]
fn any_number_of_threads_gives_the_same_model() {
    let folder = Folder::new();
    let all = rows(9000);
    let (first, second) = all.split_at(all.match_indices('\n').nth(5999).unwrap().0 + 1);
    folder.write("a.jsonl", first);
    folder.write("b.jsonl", second);
    let train = |threads, name| {
        let arguments = [
            "train",
            "a.jsonl",
            "b.jsonl",
            "--stream",
            "--threads",
            threads,
            "-o",
            name,
        ];
        folder.marsad(&arguments).done();
        std::fs::read(folder.path(name)).unwrap()
    };
    let one = train("1", "one");
    assert!(one == train("1", "again"));
    assert!(one == train("2", "two"));
    assert!(one == train("5", "five"));
    let model = inspected(&folder, "one");
    let provenance = &model["provenance"];
    assert_eq!(provenance["sentences"], 9000);
    assert_eq!(provenance["documents"], 9000);
    assert_eq!(provenance["learner"]["kind"], "ftrl");
    assert!(macro_f1(&folder, "a.jsonl", "one") > 0.95);
}

#[test]
fn origin_is_told_as_when_all_is_held_in_memory() {
    let folder = Folder::new();
    folder.write("c.jsonl", rows(400));
    folder.marsad(&["train", "c.jsonl", "-o", "whole"]).done();
    folder
        .marsad(&["train", "c.jsonl", "--stream", "-o", "stream"])
        .done();
    let (whole, stream) = (inspected(&folder, "whole"), inspected(&folder, "stream"));
    for field in ["corpus_digest", "sentences", "documents", "label_counts"] {
        assert_eq!(whole["provenance"][field], stream["provenance"][field]);
    }
    assert_eq!(whole["labels"], stream["labels"]);
    assert_eq!(whole["priors"], stream["priors"]);
    let held_out = stream["provenance"]["out_of_fold"]["rows"]
        .as_u64()
        .unwrap();
    assert!((20..80).contains(&held_out), "{held_out}");
}

#[test]
fn few_features_still_make_a_model() {
    let folder = Folder::new();
    folder.write("c.jsonl", rows(600));
    let run = folder.marsad(&[
        "train",
        "c.jsonl",
        "--stream",
        "--max-features",
        "40",
        "-o",
        "m",
    ]);
    run.done();
    let counts = inspected(&folder, "m")["feature_counts"].clone();
    let features: u64 = counts
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert!((10..=40).contains(&features), "{counts}");
    assert!(macro_f1(&folder, "c.jsonl", "m") > 0.5);
}

#[test]
fn one_label_a_row_and_tables_with_a_column_a_label() {
    let folder = Folder::new();
    let classes: String = (0..600)
        .map(|row| match row % 3 {
            0 => format!("air\tغارة جوية على المدينة {row}\n"),
            1 => format!("gun\tقصفت المدفعية أطراف البلدة {row}\n"),
            _ => format!("none\tزار الوزير السوق {row}\n"),
        })
        .collect();
    folder.write("c.tsv", classes);
    folder
        .marsad(&["train", "c.tsv", "--stream", "--single-label", "-o", "s"])
        .done();
    assert_eq!(
        inspected(&folder, "s")["labels"],
        serde_json::json!(["air", "gun", "none"])
    );
    assert!(macro_f1(&folder, "c.tsv", "s") > 0.95);
    let flags: String = (0..600)
        .map(|row| match row % 2 {
            0 => format!("غارة جوية {row},1,\n"),
            _ => format!("سوق البلدة {row},0,{}\n", row / 2 % 2),
        })
        .collect();
    folder.write("f.csv", format!("text,air,market\n{flags}"));
    folder
        .marsad(&["train", "f.csv", "--stream", "-o", "f"])
        .done();
    let counts = &inspected(&folder, "f")["provenance"]["label_counts"];
    assert_eq!(
        (&counts["air"], &counts["market"]),
        (&300.into(), &150.into())
    );
}

#[test]
fn what_cannot_be_done_is_refused_in_one_line() {
    let folder = Folder::new();
    folder.write("c.jsonl", rows(400));
    folder.write("few.jsonl", small_corpus());
    folder.write("bad.jsonl", rows(300) + "{\"text\":1}\n");
    folder.write("two.jsonl", rows(300));
    folder.write("w.toml", "[learner]\nwindow_words = 5\n");
    folder.write("s.toml", "[features]\nsubwords = 300\n");
    folder.write("a.toml", "[learner.stream]\nalpha = 0\n");
    folder.write("f.toml", "[learner]\nkind = \"ftrl\"\n");
    let train = |arguments: &[&str]| -> Run {
        folder.marsad(&[&["train"], arguments, &["-o", "m"]].concat())
    };
    train(&["-", "--stream"]).refused(&["standard input cannot be read twice"]);
    train(&["bad.jsonl", "--stream"]).refused(&["bad.jsonl, line 301", "\"text\""]);
    train(&["two.jsonl", "--stream", "--single-label"]).refused(&["two.jsonl, line 3", "2 labels"]);
    train(&["few.jsonl", "--stream"]).refused(&["held out", "without --stream"]);
    train(&["c.jsonl", "--stream", "--config", "w.toml"]).refused(&["learner.window_words"]);
    train(&["c.jsonl", "--stream", "--config", "s.toml"]).refused(&["features.subwords"]);
    train(&["c.jsonl", "--stream", "--config", "a.toml"]).refused(&["learner.stream.alpha"]);
    train(&["c.jsonl", "--config", "f.toml"]).refused(&["--stream"]);
    train(&["c.jsonl", "--learner", "ftrl"]).refused(&["--stream"]);
    train(&["c.jsonl", "--stream", "--learner", "svm"]).refused(&["--learner"]);
    train(&["c.jsonl", "--stream", "--folds", "5"]).refused(&["--folds", "tenth"]);
    train(&["c.jsonl", "--stream", "--contradictions", "drop"]).refused(&["--contradictions"]);
    train(&["c.jsonl", "--stream", "--max-features", "0"]).refused(&["max_features"]);
    train(&["c.jsonl", "--stream", "--memory", "10"]).refused(&["memory"]);
    assert_eq!(train(&["--stream"]).status, 2);
    assert_eq!(train(&["c.jsonl", "--epochs", "2"]).status, 2);
    assert!(!folder.path("m").exists());
}
