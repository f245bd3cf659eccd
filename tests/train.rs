//! `marsad train`, `evaluate` and `inspect` as their users call them.

mod support;

use support::{Folder, repository, small_corpus};

#[test]
fn the_bundled_model_is_what_training_gives_to_the_byte() {
    let folder = Folder::new();
    folder.marsad(&["train", "-o", "model.safetensors"]).done();
    let trained = std::fs::read(folder.path("model.safetensors")).unwrap();
    let shipped = std::fs::read(repository("models/conflict-events.safetensors")).unwrap();
    assert!(
        trained == shipped,
        "models/conflict-events.safetensors is not what `marsad train` gives; train it anew"
    );
}

#[test]
fn any_number_of_threads_gives_the_same_model() {
    let folder = Folder::new();
    folder.write("c.jsonl", small_corpus());
    let train = |threads, name| {
        let run = folder.marsad(&["train", "c.jsonl", "-o", name, "--threads", threads]);
        run.done();
        std::fs::read(folder.path(name)).unwrap()
    };
    let one = train("1", "one");
    assert!(one == train("2", "two"));
    assert!(one == train("5", "five"));
}

#[test]
fn every_learner_learns_and_is_the_same_after_loading() {
    let folder = Folder::new();
    folder.write("c.jsonl", small_corpus());
    folder.write(
        "settings.toml",
        "[features]\nsubwords = 300\n[learner]\ntop_features = 60\ntrees = 10\n",
    );
    for learner in [
        "logistic",
        "svm",
        "complement-nb",
        "multinomial-nb",
        "linfa-logistic",
        "linfa-nb",
        "linfa-ftrl",
        "linfa-svm",
        "linfa-tree",
        "linfa-forest",
    ] {
        let train = |output| {
            let arguments = [
                "train",
                "c.jsonl",
                "--learner",
                learner,
                "--config",
                "settings.toml",
                "-o",
                output,
            ];
            folder.marsad(&arguments).done()
        };
        train("m");
        train("again");
        let bytes = |name| std::fs::read(folder.path(name)).unwrap();
        assert!(
            bytes("m") == bytes("again"),
            "{learner} gives another model each time"
        );
        let run = folder
            .marsad(&["evaluate", "c.jsonl", "-m", "m", "--json"])
            .done();
        let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        let macro_f1 = report["top"]["macro_f1"]["value"].as_f64().unwrap();
        assert!(macro_f1 > 0.9, "{learner}: {macro_f1}");
    }
}

#[test]
fn single_label_training_gives_one_label_a_row() {
    let folder = Folder::new();
    let rows: String = (0..40)
        .map(|i| match i % 4 {
            0 => format!("sports\tفاز الفريق في مباراة الدوري {i}\n"),
            1 => format!("none\tدرجات الحرارة اليوم {i}\n"),
            _ => format!("politics\tاجتمع الوزير مع السفير {i}\n"),
        })
        .collect();
    folder.write("topics.tsv", rows);
    for learner in ["logistic", "complement-nb", "linfa-logistic"] {
        let arguments = [
            "train",
            "topics.tsv",
            "--single-label",
            "--learner",
            learner,
            "-o",
            "m",
        ];
        folder.marsad(&arguments).done();
        let rows = folder
            .marsad(&["predict", "topics.tsv", "-m", "m"])
            .done()
            .json_rows();
        assert_eq!(
            rows[0]["labels"],
            serde_json::json!(["sports"]),
            "{learner}"
        );
        assert_eq!(rows[1]["labels"], serde_json::json!(["none"]), "{learner}");
        for row in rows {
            let scores = row["scores"].as_object().unwrap().values();
            let sum: f64 = scores.map(|score| score.as_f64().unwrap()).sum();
            assert!((sum - 1.0).abs() < 1e-5);
        }
    }
    folder.write("two.tsv", "a|b\tنص\nc\tنص آخر\n");
    folder
        .marsad(&["train", "two.tsv", "--single-label", "-o", "x"])
        .refused(&["two.tsv, line 1", "exactly one"]);
}

#[test]
fn corpora_of_every_format_train_the_same_model() {
    let folder = Folder::new();
    folder.write("c.jsonl", small_corpus());
    let rows: Vec<serde_json::Value> = small_corpus()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut names = String::from("\u{FEFF}id,doc,labels,text\r\n");
    let mut flags = String::from("doc\tair\tfire.gun\ttext\n");
    for row in &rows {
        let labels: Vec<&str> = row["labels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|l| l.as_str().unwrap())
            .collect();
        let field = |name: &str| row[name].as_str().unwrap();
        let cell = if labels.is_empty() {
            "none".to_owned()
        } else {
            labels.join(";")
        };
        names += &format!(
            "{},{},{cell},\"{}\"\r\n",
            field("id"),
            field("doc"),
            field("text")
        );
        let flag = |label: &str| u8::from(labels.contains(&label));
        flags += &format!(
            "{}\t{}\t{}\t{}\n",
            field("doc"),
            flag("air"),
            flag("fire.gun"),
            field("text")
        );
    }
    folder.write("c.csv", names);
    folder.write("c.tsv", flags);
    let train = |corpus| {
        folder.marsad(&["train", corpus, "-o", "m"]).done();
        std::fs::read(folder.path("m")).unwrap()
    };
    let expected = train("c.jsonl");
    assert!(train("c.csv") == expected);
    assert!(train("c.tsv") == expected);
}

#[test]
fn documents_can_be_held_out_once() {
    let folder = Folder::new();
    folder.write("c.jsonl", small_corpus());
    let train = |output: &str, threads: &str| {
        let arguments = ["train", "c.jsonl", "--hold-out", "0.4", "-o", output];
        folder
            .marsad(&[&arguments[..], &["--threads", threads]].concat())
            .done()
    };
    let run = train("m", "1");
    assert!(
        run.out.contains("Held out (40% of the sentences"),
        "{}",
        run.out
    );
    assert!(!run.out.contains("Out of fold"), "{}", run.out);
    train("again", "3");
    let bytes = |name| std::fs::read(folder.path(name)).unwrap();
    assert!(bytes("m") == bytes("again"));
    let table = folder.marsad(&["inspect", "m"]).done().out;
    assert!(table.contains("40% of these sentences"), "{table}");
    let json = folder.marsad(&["inspect", "m", "--json"]).done().out;
    let model: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(model["provenance"]["training"]["hold_out"], 0.4);
    let measured = model["provenance"]["out_of_fold"]["rows"].as_u64().unwrap();
    assert!((12..=36).contains(&measured), "{measured}");
    for (share, told) in [("0.9", "training.hold_out"), ("0.01", "too few")] {
        folder
            .marsad(&["train", "c.jsonl", "--hold-out", share, "-o", "x"])
            .refused(&[told]);
    }
}

#[test]
fn what_is_left_out_is_told() {
    let folder = Folder::new();
    let corpus = small_corpus()
        + "{\"text\":\"بلا تصنيف\"}\n{\"text\":\"بلا تصنيف\",\"labels\":null}\n{\"text\":\" \",\"labels\":[]}\n"
        + "{\"text\":\"زار الوزير سوق سرت رقم 3\",\"labels\":\"none\",\"doc\":\"again\"}\n";
    folder.write("c.jsonl", corpus);
    let run = folder.marsad(&["train", "c.jsonl", "-o", "m"]).done();
    for words in [
        "61 annotated sentences",
        "2 rows without annotation left out",
        "1 rows without text left out",
        "1 rows repeat an earlier one",
        "(none)",
    ] {
        assert!(run.out.contains(words), "{words:?} not in {}", run.out);
    }
}

#[test]
fn aliases_rename_labels() {
    let folder = Folder::new();
    folder.write("c.jsonl", small_corpus());
    folder.write(
        "aliases.toml",
        "[aliases]\nair = \"airstrike\"\n\"fire.gun\" = \"shelling\"\n",
    );
    folder
        .marsad(&["train", "c.jsonl", "--aliases", "aliases.toml", "-o", "m"])
        .done();
    let run = folder.marsad(&["inspect", "m", "--json"]).done();
    let model: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(
        model["labels"],
        serde_json::json!(["airstrike", "shelling"])
    );
}

#[test]
fn rows_that_name_only_a_parent_teach_nothing_about_its_children() {
    let folder = Folder::new();
    let mut corpus = small_corpus();
    for index in 0..6 {
        corpus += &format!("{{\"text\":\"أطلقت نيران كثيفة {index}\",\"labels\":[\"fire\"]}}\n");
    }
    folder.write("c.jsonl", corpus);
    let run = folder.marsad(&["train", "c.jsonl", "-o", "m"]).done();
    let run_report = folder.marsad(&["inspect", "m", "--json"]).done();
    let model: serde_json::Value = serde_json::from_str(&run_report.out).unwrap();
    assert_eq!(model["labels"], serde_json::json!(["air", "fire.gun"]));
    assert_eq!(model["provenance"]["label_counts"]["fire"], 36);
    assert_eq!(model["provenance"]["label_counts"]["fire.gun"], 30);
    assert!(run.out.contains("66 annotated sentences"));
}

#[test]
fn inspect_shows_where_a_model_comes_from() {
    let folder = Folder::new();
    let table = folder.marsad(&["inspect"]).done().out;
    for words in [
        "corpus digest",
        "Out of fold",
        "macro-F1",
        "Strongest for airstrike",
        "غار",
    ] {
        assert!(table.contains(words), "{words:?} not in {table}");
    }
}

#[test]
fn completions_and_help_name_every_verb() {
    let folder = Folder::new();
    let help = folder.marsad(&["--help"]).done().out;
    let script = folder.marsad(&["completions", "bash"]).done().out;
    for verb in [
        "train",
        "predict",
        "evaluate",
        "compare",
        "tune",
        "inspect",
        "completions",
    ] {
        assert!(help.contains(verb) && script.contains(verb));
        let own = folder.marsad(&[verb, "--help"]).done().out;
        assert!(own.contains("Example"), "{verb}");
    }
    assert_eq!(
        folder.marsad(&["--version"]).done().out,
        concat!("marsad ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn labels_too_rare_for_a_fold_train_all_the_same() {
    let folder = Folder::new();
    let corpus =
        small_corpus() + "{\"text\":\"إعدام أسير\",\"labels\":[\"rare\"],\"doc\":\"d0\"}\n";
    folder.write("c.jsonl", corpus);
    for learner in [
        "svm",
        "logistic",
        "multinomial-nb",
        "linfa-logistic",
        "linfa-svm",
        "linfa-forest",
    ] {
        folder
            .marsad(&["train", "c.jsonl", "--learner", learner, "-o", "m"])
            .done();
        let run = folder.marsad(&["inspect", "m", "--json"]).done();
        let model: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(
            model["labels"],
            serde_json::json!(["air", "fire.gun", "rare"]),
            "{learner}"
        );
    }
}

#[test]
fn a_reader_that_leaves_does_not_cost_the_model() {
    use std::process::{Command, Stdio};
    let folder = Folder::new();
    folder.write("c.jsonl", small_corpus());
    let mut child = Command::new(env!("CARGO_BIN_EXE_marsad"))
        .args(["train", "c.jsonl", "-o", "m"])
        .current_dir(folder.path("."))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    folder.marsad(&["inspect", "m"]).done();
}

#[cfg(unix)]
#[test]
fn corpora_are_read_whole_from_pipes() {
    let folder = Folder::new();
    for arguments in [["train", "-"], ["train", "/dev/stdin"]] {
        let all = [&arguments[..], &["-o", "m"]].concat();
        let run = folder.marsad_with(&all, small_corpus().as_bytes()).done();
        assert!(run.out.contains("60 annotated sentences"), "{}", run.out);
    }
}

#[test]
fn evaluation_measures_finer_labels_by_their_parents() {
    let folder = Folder::new();
    folder.write("c.jsonl", small_corpus());
    folder.marsad(&["train", "c.jsonl", "-o", "m"]).done();
    folder.write(
        "finer.jsonl",
        small_corpus().replace("\"air\"", "\"air.drone\""),
    );
    let run = folder
        .marsad(&["evaluate", "finer.jsonl", "-m", "m", "--json"])
        .done();
    assert_eq!(run.err, "");
    let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(report["labels"][0]["label"], "air");
    assert_eq!(report["labels"][0]["support"], 30);
}

#[test]
fn columns_of_yes_and_no_are_labels_and_empty_cells_leave_them_open() {
    let folder = Folder::new();
    let rows: String = (0..40)
        .map(|i| match i % 2 {
            0 => format!("غارة {i},TRUE,\n"),
            _ => format!("سوق {i},FALSE,{}\n", ["yes", "no"][i / 2 % 2]),
        })
        .collect();
    folder.write("c.csv", format!("text,air,market\n{rows}"));
    folder.marsad(&["train", "c.csv", "-o", "m"]).done();
    let run = folder
        .marsad(&["evaluate", "c.csv", "-m", "m", "--json"])
        .done();
    let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(report["labels"][0]["support"], 20);
    assert_eq!(report["labels"][1]["support"], 10);
    let confusion = &report["confusion"]["counts"];
    assert_eq!(
        confusion[2][2].as_u64().unwrap() + confusion[2][1].as_u64().unwrap(),
        10
    );
}
