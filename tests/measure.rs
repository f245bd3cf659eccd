//! Measuring: folds, sources and periods held out, calibration, noise, learning curves, comparisons,
//! searches for settings.

mod support;

use serde_json::Value;
use support::{Folder, Run};

/// Ninety documents of two sentences, on which no learner is sure, of three outlets and three years.
fn corpus(documents: usize) -> String {
    let places = [
        "حلب",
        "درعا",
        "تعز",
        "سرت",
        "غزة",
        "بغداد",
        "عدن",
        "الخرطوم",
    ];
    let mut rows = String::new();
    for row in 0..2 * documents {
        let place = places[row * 7 % places.len()];
        let air = row % 3 == 0;
        let gun = row % 5 == 0;
        let verb = match (row * 13 % 10, air, gun) {
            (0..8, true, true) => "قصفت الطائرات والمدفعية معا",
            (0..8, true, false) => "شنت طائرات حربية غارة على",
            (0..8, false, true) => "قصفت المدفعية الثقيلة أطراف",
            (8, _, _) => "سمع دوي انفجارات في",
            (9, false, _) => "حلقت طائرات حربية فوق",
            _ => "زار وفد حكومي مدرسة في",
        };
        let mut labels: Vec<&str> = Vec::new();
        labels.extend(air.then_some("air"));
        labels.extend(gun.then_some("fire.gun"));
        let document = row / 2;
        let outlet = ["all", "alpha", "beta"][document % 3];
        rows += &serde_json::json!({
            "text": format!("{verb} {place} رقم {row}"),
            "doc": format!("d{document}"),
            "labels": labels,
            "outlet": outlet,
            "date": format!("{}-{:02}-11", 2021 + document % 3, document % 12 + 1),
        })
        .to_string();
        rows += "\n";
    }
    rows
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("c.jsonl", corpus(90));
    folder
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn folds_measure_everything_and_any_number_of_threads_gives_the_same() {
    let folder = folder();
    let run = |threads: &str| {
        let arguments = [
            "evaluate",
            "c.jsonl",
            "--folds",
            "3",
            "--repeat",
            "2",
            "--noise",
            "--by",
            "outlet",
            "--bootstrap",
            "100",
            "--json",
            "--threads",
            threads,
        ];
        folder.marsad(&arguments).done()
    };
    let (one, two) = (run("1"), run("2"));
    assert_eq!(one.out, two.out);
    let found = json(&one);
    assert_eq!(found["method"]["kind"], "folds");
    assert_eq!(
        (&found["rows"], &found["documents"]),
        (&180.into(), &90.into())
    );
    assert_eq!(found["parts"].as_array().unwrap().len(), 3);
    let rows: u64 = (found["parts"].as_array().unwrap().iter())
        .map(|part| part["rows"].as_u64().unwrap())
        .sum();
    assert_eq!(rows, 180);
    let repeats = &found["repeats"]["macro_f1"];
    assert_eq!(repeats["values"].as_array().unwrap().len(), 2);
    assert_eq!(repeats["values"][0], found["top"]["macro_f1"]["value"]);
    for label in found["calibration"].as_array().unwrap() {
        let brier = &label["brier"];
        assert!(number(&brier["low"]) <= number(&brier["value"]), "{label}");
        let curve = label["curve"].as_array().unwrap();
        let rows: u64 = curve
            .iter()
            .map(|point| point["rows"].as_u64().unwrap())
            .sum();
        assert_eq!(rows, 180);
    }
    let points = found["risk_coverage"]["points"].as_array().unwrap();
    let last = points.last().unwrap();
    assert_eq!(last["coverage"], 1.0);
    let wrong = 1.0 - number(&found["exact_match"]["value"]);
    assert!((number(&last["risk"]["value"]) - wrong).abs() < 1e-9);
    assert_eq!(found["noise"].as_array().unwrap().len(), 7);
}

#[test]
fn a_source_called_all_is_a_source() {
    let folder = folder();
    let arguments = [
        "evaluate", "c.jsonl", "--folds", "2", "--by", "outlet", "--json",
    ];
    let slices = json(&folder.marsad(&arguments).done())["slices"].clone();
    assert_eq!(
        (&slices[0]["by"], &slices[1]["by"]),
        (&"outlet".into(), &"words".into())
    );
    let values: Vec<&Value> = (slices[0]["slices"].as_array().unwrap().iter())
        .map(|slice| &slice["value"])
        .collect();
    assert_eq!(values, ["all", "alpha", "beta"]);
    assert_eq!(slices[0]["slices"][0]["rows"], 60);
    assert_eq!(slices[0]["total"]["rows"], 180);
}

#[test]
fn each_source_is_predicted_by_the_others() {
    let folder = folder();
    let mut rows = corpus(90);
    rows += "{\"text\":\"زار الوفد المدينة\",\"doc\":\"x\",\"labels\":[]}\n";
    folder.write("one.jsonl", rows);
    let run = folder.marsad(&[
        "evaluate",
        "one.jsonl",
        "--leave-one-out",
        "outlet",
        "--json",
    ]);
    let run = run.done();
    assert!(
        run.err.contains("left out: 1 rows without \"outlet\""),
        "{}",
        run.err
    );
    let found = json(&run);
    assert_eq!(found["method"]["kind"], "leave_one_out");
    for part in found["parts"].as_array().unwrap() {
        assert_eq!(
            (&part["rows"], &part["fitted_on"]),
            (&60.into(), &120.into())
        );
    }
    let refused = folder.marsad(&["evaluate", "c.jsonl", "--leave-one-out", "year"]);
    refused.refused(&["no row has the field \"year\""]);
    let single = "{\"text\":\"قصف\",\"labels\":[\"a\"],\"o\":\"x\"}\n{\"text\":\"زار\",\"labels\":[],\"o\":\"x\"}\n";
    folder.write("single.jsonl", single);
    let refused = folder.marsad(&["evaluate", "single.jsonl", "--leave-one-out", "o"]);
    refused.refused(&["\"o\" has 1 values"]);
}

#[test]
fn later_periods_are_predicted_from_earlier_ones_only() {
    let folder = folder();
    let run = folder.marsad(&["evaluate", "c.jsonl", "--by-period", "date", "--json"]);
    let found = json(&run.done());
    let parts = found["parts"].as_array().unwrap();
    let told: Vec<(&Value, &Value)> = parts
        .iter()
        .map(|p| (&p["value"], &p["fitted_on"]))
        .collect();
    assert_eq!(
        told,
        [(&"2022".into(), &60.into()), (&"2023".into(), &120.into())]
    );
    assert_eq!(
        (&found["rows"], &found["method"]["first"]),
        (&120.into(), &60.into())
    );
    let months = [
        "evaluate",
        "c.jsonl",
        "--by-period",
        "date",
        "--period",
        "month",
    ];
    let run = folder.marsad(&months).done();
    assert!(
        run.out.contains("2022-05") && run.out.contains("Each month"),
        "{}",
        run.out
    );
    let wrong = corpus(20).replacen("2021-01-11", "11/01/2021", 1);
    folder.write("wrong.jsonl", wrong);
    let refused = folder.marsad(&["evaluate", "wrong.jsonl", "--by-period", "date"]);
    refused.refused(&["wrong.jsonl, line 1", "11/01/2021", "2024-05-31"]);
}

#[test]
fn noise_that_the_folds_undo_changes_nothing() {
    let folder = folder();
    let effects = |extra: &[&str]| {
        let arguments = ["evaluate", "c.jsonl", "--folds", "3", "--noise", "--json"];
        let run = folder.marsad(&[&arguments, extra].concat()).done();
        let effects = json(&run)["noise"].clone();
        move |name: &str| {
            let mut effects = effects.as_array().unwrap().iter();
            effects.find(|e| e["noise"] == name).unwrap().clone()
        }
    };
    let folded = effects(&[]);
    for name in [
        "ta_marbuta",
        "alef_maqsura",
        "diacritics",
        "tatweel",
        "persian_letters",
    ] {
        let effect = folded(name);
        assert!(effect["changed_rows"].as_u64().unwrap() > 0, "{effect}");
        assert_eq!(effect["decided_otherwise"], 0, "{effect}");
        assert_eq!(number(&effect["change"]["value"]), 0.0, "{effect}");
    }
    folder.write(
        "raw.toml",
        "[text.folds]\ntatweel = false\ndodges = false\n",
    );
    let raw = effects(&["--config", "raw.toml"]);
    assert!(raw("tatweel")["decided_otherwise"].as_u64().unwrap() > 0);
    assert!(number(&raw("tatweel")["change"]["value"]) < 0.0);
}

#[test]
fn fields_of_too_many_values_are_refused_before_the_work() {
    let folder = Folder::new();
    let mut rows = String::new();
    for row in 0..201 {
        let labels: &[&str] = if row % 2 == 0 { &["air"] } else { &[] };
        let row = serde_json::json!({ "text": format!("قصف حلب {row}"), "labels": labels, "place": format!("p{row}") });
        rows += &format!("{row}\n");
    }
    folder.write("many.jsonl", rows);
    for verb in [
        &["evaluate", "--folds", "2"][..],
        &["report", "--folds", "2", "-o", "r.html"],
    ] {
        let run = folder.marsad(&[verb, &["many.jsonl", "--by", "place"]].concat());
        run.refused(&["\"place\" has 201 values", "at most 200"]);
    }
}

#[test]
fn learning_curves_rise_and_forecast() {
    let folder = Folder::new();
    folder.write("c.jsonl", corpus(140));
    folder.write(
        "fast.toml",
        "[training]\nfolds = 2\n[learner]\nwindow_words = 0\n",
    );
    let arguments = [
        "evaluate",
        "c.jsonl",
        "--learning-curve",
        "--folds",
        "3",
        "--config",
        "fast.toml",
        "--bootstrap",
        "100",
    ];
    let run = folder
        .marsad(&[&arguments[..], &["--json"]].concat())
        .done();
    let curve = json(&run)["learning_curve"].clone();
    let points = curve["points"].as_array().unwrap();
    assert!(points.len() >= 4, "{curve}");
    for pair in points.windows(2) {
        assert!(number(&pair[0]["sentences"]) < number(&pair[1]["sentences"]));
        assert_eq!(pair[0]["macro_f1"]["values"].as_array().unwrap().len(), 3);
    }
    let mean = |point: &Value| number(&point["macro_f1"]["mean"]);
    assert!(
        mean(&points[0]) < mean(&points[points.len() - 1]),
        "{curve}"
    );
    let twice = &curve["forecasts"][1];
    assert_eq!(twice["times"], 2.0);
    // Twice the corpus, not twice the two thirds that each draw trains on.
    let sentences = curve["sentences"].as_u64().unwrap();
    assert!(sentences as f64 > 1.2 * number(&points[points.len() - 1]["sentences"]));
    assert_eq!(twice["sentences"].as_u64().unwrap(), 2 * sentences);
    assert!(number(&twice["gain"]["value"]) >= 0.0, "{twice}");
    let told = folder.marsad(&arguments).done();
    assert!(
        told.out
            .contains(&format!("With twice the {sentences} sentences")),
        "{}",
        told.out
    );
    folder.write("few.jsonl", corpus(6));
    let refused = folder.marsad(&["evaluate", "few.jsonl", "--learning-curve", "--folds", "2"]);
    refused.refused(&["too few for a learning curve"]);
}

#[test]
fn details_are_told_when_asked_for_and_in_any_form() {
    let folder = folder();
    folder
        .marsad(&["train", "c.jsonl", "-o", "m.safetensors", "--folds", "2"])
        .done();
    let plain = folder
        .marsad(&["evaluate", "c.jsonl", "-m", "m.safetensors"])
        .done();
    assert!(!plain.out.contains("Brier") && plain.out.contains("macro-F1"));
    assert!(
        plain.err.contains("trained on this very corpus"),
        "{}",
        plain.err
    );
    for (form, sign) in [
        ("markdown", "| Brier |"),
        ("csv", ",Brier,"),
        ("latex", "& Brier &"),
    ] {
        let arguments = [
            "evaluate",
            "c.jsonl",
            "-m",
            "m.safetensors",
            "--details",
            "--tables",
            form,
        ];
        let run = folder.marsad(&arguments).done();
        assert!(run.out.contains(sign), "{}", run.out);
    }
    for clash in [["--folds", "3"], ["--learner", "logistic"]] {
        let arguments = [
            "evaluate",
            "c.jsonl",
            "-m",
            "m.safetensors",
            clash[0],
            clash[1],
        ];
        assert_eq!(folder.marsad(&arguments).status, 2);
    }
}

#[test]
fn like_systems_are_alike_and_labels_are_compared() {
    let folder = folder();
    folder.write("same.toml", "");
    folder.write("poor.toml", "[learner]\nc = 0.0001\nwindow_words = 0\n");
    let run = |extra: &[&str]| {
        let arguments = [
            "compare",
            "svm",
            "same.toml",
            "poor.toml",
            "--corpus",
            "c.jsonl",
        ];
        let fast = ["--folds", "3", "--draws", "500", "--bootstrap", "100"];
        folder
            .marsad(&[&arguments[..], &fast, extra].concat())
            .done()
    };
    let (one, two) = (
        run(&["--json", "--threads", "1"]),
        run(&["--json", "--threads", "2"]),
    );
    assert_eq!(one.out, two.out);
    let found = json(&one);
    assert_eq!(
        found["labels"],
        serde_json::json!(["air", "fire", "fire.gun"])
    );
    let pairs = found["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 3);
    let same = &pairs[0]["macro_f1"];
    assert_eq!((number(&same["value"]), number(&same["p"])), (0.0, 1.0));
    assert_eq!(pairs[0]["decided_otherwise"], 0);
    for pair in pairs {
        let difference = &pair["exact_match"];
        assert!(number(&difference["p_holm"]) >= number(&difference["p"]));
        assert!(number(&difference["low"]) <= number(&difference["high"]));
    }
    let first = json(&run(&["--json", "--pairs", "first"]));
    assert_eq!(first["pairs"].as_array().unwrap().len(), 2);
    let table = run(&[]).out;
    assert!(
        table.contains("svm → same.toml") && table.contains("after Holm"),
        "{table}"
    );
}

#[test]
fn models_are_compared_where_they_were_not_trained() {
    let folder = folder();
    folder.write("other.jsonl", corpus(60));
    folder
        .marsad(&["train", "c.jsonl", "-o", "a.safetensors", "--folds", "2"])
        .done();
    let arguments = [
        "train",
        "other.jsonl",
        "--learner",
        "complement-nb",
        "-o",
        "b",
        "--folds",
        "2",
    ];
    folder.marsad(&arguments).done();
    let refused = folder.marsad(&["compare", "a.safetensors", "b"]);
    refused.refused(&["--corpus"]);
    let arguments = [
        "compare",
        "a.safetensors",
        "b",
        "logistic",
        "--corpus",
        "c.jsonl",
        "--draws",
        "100",
        "--folds",
        "2",
    ];
    let run = folder.marsad(&arguments).done();
    assert!(
        run.err
            .contains("a.safetensors: was trained on this very corpus"),
        "{}",
        run.err
    );
    assert!(!run.err.contains("b: was"), "{}", run.err);
    folder
        .marsad(&["compare", "svm", "nothing", "--corpus", "c.jsonl"])
        .refused(&["nothing", "no learner", "logistic"]);
    folder
        .marsad(&["compare", "svm", "missing.toml", "--corpus", "c.jsonl"])
        .refused(&["missing.toml"]);
    folder
        .marsad(&["compare", "svm", "c.jsonl", "--corpus", "c.jsonl"])
        .refused(&["c.jsonl"]);
}

/// The log of a search without what differs from run to run.
fn decisions(log: &str) -> Vec<Value> {
    log.lines()
        .map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            line.as_object_mut().unwrap().remove("timing");
            line
        })
        .collect()
}

fn search(folder: &Folder, log: &str, output: &str, extra: &[&str]) -> Run {
    let arguments = [
        "tune",
        "c.jsonl",
        "--trials",
        "6",
        "--trials-log",
        log,
        "-o",
        output,
        "--vary",
        "regularisation,features",
        "--bootstrap",
        "100",
    ];
    folder.marsad(&[&arguments[..], extra].concat())
}

#[test]
fn searches_go_on_where_they_stopped_and_come_to_the_same() {
    let folder = folder();
    let whole = search(&folder, "whole.jsonl", "whole.toml", &["--threads", "1"]).done();
    assert!(whole.out.contains("Wrote whole.toml"), "{}", whole.out);
    let read = |name: &str| std::fs::read_to_string(folder.path(name)).unwrap();
    // The first half of the log and a line that was cut off.
    let log = read("whole.jsonl");
    let lines: Vec<&str> = log.lines().collect();
    assert!(lines.len() >= 7, "{log}");
    let half = lines[..lines.len() / 2].join("\n");
    folder.write(
        "half.jsonl",
        format!("{half}\n{}", &lines[lines.len() / 2][..20]),
    );
    search(&folder, "half.jsonl", "half.toml", &["--threads", "2"]).done();
    assert_eq!(decisions(&read("half.jsonl")), decisions(&log));
    assert_eq!(read("half.toml"), read("whole.toml"));
    // A finished log is not searched again.
    search(&folder, "whole.jsonl", "again.toml", &[]).done();
    assert_eq!(read("whole.jsonl"), log);
    assert_eq!(read("again.toml"), read("whole.toml"));
    let arguments = [
        "train",
        "c.jsonl",
        "--config",
        "whole.toml",
        "-o",
        "m.safetensors",
    ];
    folder.marsad(&arguments).done();
}

#[test]
fn logs_of_other_searches_are_refused_and_left_alone() {
    let folder = folder();
    search(&folder, "log.jsonl", "b.toml", &[]).done();
    let log = std::fs::read(folder.path("log.jsonl")).unwrap();
    for (extra, why) in [
        (["--seed", "2"], "another seed"),
        (["--aim", "exact"], "another aim"),
        (["--hold-out", "0.4"], "another share held out"),
        (["--learner", "logistic"], "other settings to begin from"),
    ] {
        search(&folder, "log.jsonl", "b.toml", &extra).refused(&["log.jsonl", why]);
    }
    let other = folder.write("c.jsonl", corpus(80));
    search(&folder, "log.jsonl", "b.toml", &[]).refused(&["another corpus"]);
    search(&folder, other.to_str().unwrap(), "b.toml", &[]).refused(&["is read by this command"]);
    folder.write("notes.txt", "not a log\n");
    search(&folder, "notes.txt", "b.toml", &[]).refused(&["notes.txt", "no log of trials"]);
    folder.write("short.txt", "no line");
    search(&folder, "short.txt", "b.toml", &[]).refused(&["no log of trials"]);
    assert_eq!(std::fs::read(folder.path("short.txt")).unwrap(), b"no line");
    assert_eq!(std::fs::read(folder.path("log.jsonl")).unwrap(), log);
}

#[test]
fn searches_tell_what_their_best_is_worth() {
    let folder = folder();
    let run = search(
        &folder,
        "l.jsonl",
        "b.toml",
        &["--json", "--aim", "air,fire"],
    )
    .done();
    let found = json(&run);
    assert_eq!(found["aim"], "air,fire");
    let trials = found["trials"].as_array().unwrap();
    assert_eq!(trials.len(), 6);
    assert_eq!(trials[0]["changes"], serde_json::json!({}));
    // The settings of the start reach the last rung in any case.
    let rungs = |trial: &Value| trial["scores"].as_array().unwrap().len();
    assert_eq!(rungs(&trials[0]), trials.iter().map(rungs).max().unwrap());
    match found["best"].as_u64() {
        Some(0) => assert!(found["verdict"].is_null()),
        // Fewer than ten documents tell nothing.
        _ if found["held_out_documents"].as_u64().unwrap() < 10 => {
            assert!(found["verdict"].is_null());
        }
        _ => assert!(number(&found["verdict"]["difference"]["p"]) > 0.0),
    }
    let refused = folder.marsad(&["tune", "c.jsonl", "--aim", "flood"]);
    refused.refused(&["flood", "no label"]);
}

#[test]
fn searches_that_could_not_tell_what_their_best_is_worth_are_refused() {
    let folder = folder();
    let few = ["tune", "c.jsonl", "--bootstrap", "99"];
    folder.marsad(&few).refused(&["99", "at least 100"]);
    // Neither file is there yet.
    for output in ["./l.jsonl", "l.jsonl"] {
        search(&folder, "l.jsonl", output, &[]).refused(&["name the same file"]);
    }
}

#[cfg(unix)]
#[test]
fn a_search_that_is_stopped_keeps_its_log_whole() {
    use std::process::{Command, Stdio};
    let folder = folder();
    let arguments = [
        "tune",
        "c.jsonl",
        "--trials",
        "18",
        "--vary",
        "regularisation,features",
        "--bootstrap",
        "100",
        "--threads",
        "1",
        "--trials-log",
        "l.jsonl",
        "-o",
        "b.toml",
    ];
    let mut child = Command::new(env!("CARGO_BIN_EXE_marsad"))
        .args(arguments)
        .current_dir(folder.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = folder.path("l.jsonl");
    let lines = || std::fs::read_to_string(&log).map_or(0, |log| log.lines().count());
    while lines() < 3 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let stopped = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(stopped.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert!(
        told.contains("finished trials are kept in l.jsonl"),
        "{told}"
    );
    assert!(std::fs::read_to_string(&log).unwrap().ends_with("}\n"));
    assert_eq!(
        decisions(&std::fs::read_to_string(&log).unwrap()).len(),
        lines()
    );
    assert_eq!(folder.names(), ["c.jsonl", "l.jsonl"]);
    // The same command goes on, to what a search that nobody stopped comes to.
    let stopped_at = lines();
    folder.marsad(&arguments).done();
    assert!(lines() > stopped_at, "nothing was left to do");
    let read = |name: &str| std::fs::read_to_string(folder.path(name)).unwrap();
    let whole = arguments.map(|argument| match argument {
        "l.jsonl" => "whole.jsonl",
        "b.toml" => "whole.toml",
        other => other,
    });
    folder.marsad(&whole).done();
    assert_eq!(decisions(&read("l.jsonl")), decisions(&read("whole.jsonl")));
    assert_eq!(read("b.toml"), read("whole.toml"));
}

#[test]
fn what_cannot_be_measured_is_told_in_one_line() {
    let folder = folder();
    folder.write("empty.jsonl", "");
    folder.write("odd.xml", "<a>\n");
    for verb in [
        &["evaluate", "--folds", "3"][..],
        &["evaluate", "--learning-curve"],
        &["evaluate", "--leave-one-out", "outlet"],
        &["tune"],
        &["compare", "svm", "logistic", "--corpus"],
    ] {
        for (file, word) in [
            ("missing.jsonl", "missing.jsonl"),
            ("empty.jsonl", "empty"),
            ("odd.xml", "odd.xml"),
        ] {
            let refused = folder.marsad(&[verb, &[file]].concat());
            assert_eq!(refused.status, 2, "{verb:?} {file} {refused:?}");
            refused.refused(&[word]);
        }
    }
    let refused = folder.marsad(&["evaluate", "c.jsonl", "--folds", "1000"]);
    refused.refused(&["1000 folds"]);
    folder
        .marsad(&["evaluate", "c.jsonl", "--folds", "1"])
        .refused(&["at least 2"]);
}
