//! How probabilities become decisions: aims, rows to be read by hand, labels rarer or more frequent
//! than in the corpus, figures by group.

mod support;

use std::path::Path;

use serde_json::Value;
use support::{Folder, Run, small_corpus};

fn bundled_data(path: &str) -> String {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    data.join(path).display().to_string()
}

/// Two hundred sentences on which no learner is sure: the words of a label stand in others too.
fn noisy_corpus() -> String {
    let places = ["حلب", "درعا", "تعز", "سرت", "غزة", "بغداد", "عدن"];
    let rows = (0..210).map(|row| {
        let place = places[row % places.len()];
        let label = if row % 3 == 0 { "[\"air\"]" } else { "[]" };
        let verb = match row % 6 {
            0 | 1 => "قصفت الطائرات",
            3 => "هاجمت القوات",
            _ => "زار الوفد",
        };
        format!("{{\"text\":\"{verb} {place} يوم {row}\",\"doc\":\"{}\",\"labels\":{label},\"outlet\":\"{}\"}}\n", row / 2, row % 2)
    });
    rows.collect()
}

fn figures(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap()
}

fn out_of_fold(folder: &Folder, model: &str) -> Value {
    let run = folder.marsad(&["inspect", model, "--json"]).done();
    figures(&run)["provenance"]["out_of_fold"]["labels"][0].clone()
}

#[test]
fn aims_move_precision_and_recall() {
    let folder = Folder::new();
    folder.write("c.jsonl", noisy_corpus());
    let train = |aim: &str| {
        folder
            .marsad(&["train", "c.jsonl", "--aim", aim, "-o", aim])
            .done();
        let label = out_of_fold(&folder, aim);
        let value = |name: &str| label[name]["value"].as_f64().unwrap();
        (value("precision"), value("recall"))
    };
    let (_, high_recall) = train("recall=0.95");
    let (high_precision, low_recall) = train("precision=0.7");
    let (_, f2) = train("f2");
    let (half, _) = train("f0.5");
    assert!(
        high_recall >= 0.9 && high_recall > low_recall,
        "{high_recall} {low_recall}"
    );
    assert!(high_precision > 0.4, "{high_precision}");
    assert!(f2 >= low_recall && half > 0.3);
}

#[test]
fn aims_that_are_out_of_reach_or_unknown_are_told() {
    let folder = Folder::new();
    folder.write("c.jsonl", noisy_corpus());
    let run = folder.marsad(&["train", "c.jsonl", "--aim", "precision=0.999", "-o", "m"]);
    let run = run.done();
    assert!(
        run.err.contains("air: precision") && run.err.contains("0.999"),
        "{}",
        run.err
    );
    let refused = folder.marsad(&["train", "c.jsonl", "--aim", "accuracy"]);
    assert_eq!(refused.status, 2);
    assert!(refused.err.contains("precision=P"), "{}", refused.err);
    let toml = folder.write("s.toml", "[training]\naim = \"recall=2\"\n");
    let refused = folder.marsad(&["train", "c.jsonl", "--config", toml.to_str().unwrap()]);
    assert_eq!(refused.status, 2);
    assert!(refused.err.contains("recall=2"), "{}", refused.err);
    let single = ["train", "c.jsonl", "--single-label", "--aim", "f2"];
    let refused = folder.marsad(&single);
    assert_eq!(refused.status, 2);
    assert!(refused.err.contains("training.aim"), "{}", refused.err);
}

#[test]
fn labels_with_few_sentences_are_warned_of() {
    let folder = Folder::new();
    let few: Vec<String> = small_corpus().lines().take(40).map(str::to_owned).collect();
    folder.write("few.jsonl", few.join("\n"));
    let run = folder.marsad(&["train", "few.jsonl", "-o", "m"]).done();
    assert!(
        run.err
            .contains("air: probabilities and threshold rest on 20"),
        "{}",
        run.err
    );
    folder.write("more.jsonl", noisy_corpus());
    let run = folder.marsad(&["train", "more.jsonl", "-o", "m"]).done();
    assert!(!run.err.contains("rest on"), "{}", run.err);
    assert!(run.out.contains("read by hand"), "{}", run.out);
}

#[test]
fn the_least_sure_rows_are_marked_for_reading() {
    let folder = Folder::new();
    let articles = std::fs::read_dir(bundled_data("samples")).unwrap();
    let texts: Vec<String> = articles
        .map(|entry| entry.unwrap().path().display().to_string())
        .filter(|path| path.ends_with(".txt"))
        .collect();
    assert!(!texts.is_empty());
    let marked = |share: &str| {
        let mut arguments = vec!["predict", "--review", share];
        arguments.extend(texts.iter().map(String::as_str));
        let run = folder.marsad(&arguments).done();
        assert!(run.err.contains("are to be read by hand"), "{}", run.err);
        let rows = run.out.lines().map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            (
                row["id"].to_string() + &row["start"].to_string(),
                row["review"].as_bool().unwrap(),
            )
        });
        rows.filter(|(_, review)| *review)
            .map(|(id, _)| id)
            .collect::<Vec<_>>()
    };
    let (few, many) = (marked("5%"), marked("0.3"));
    assert!(!many.is_empty() && few.len() < many.len());
    assert!(few.iter().all(|id| many.contains(id)));
    let plain = folder.marsad(&["predict", &texts[0]]).done();
    assert!(!plain.out.contains("\"review\""));
    let table = folder
        .marsad(&["predict", &texts[0], "--to", "csv", "--review", "0.3"])
        .done();
    assert!(
        table
            .out
            .lines()
            .next()
            .unwrap()
            .contains(",review,furniture,error")
    );
    for wrong in ["0", "1", "95%", "100%", "-1", "half"] {
        let refused = folder.marsad(&["predict", &texts[0], &format!("--review={wrong}")]);
        assert_eq!(refused.status, 2, "{wrong}");
    }
}

#[test]
fn priors_move_probabilities_and_can_be_estimated() {
    let folder = Folder::new();
    let rows = "{\"id\":1,\"text\":\"قصفت المدفعية القرية\"}\n{\"id\":2,\"text\":\"زار الوزير المدرسة\"}\n";
    folder.write("rows.jsonl", rows);
    let scores = |more: &[&str]| {
        let mut arguments = vec!["predict", "rows.jsonl"];
        arguments.extend(more);
        let run = folder.marsad(&arguments).done();
        let first: Value = serde_json::from_str(run.out.lines().next().unwrap()).unwrap();
        (first["scores"]["shelling"].as_f64().unwrap(), run.err)
    };
    let (plain, _) = scores(&[]);
    let (rarer, _) = scores(&["--prior", "shelling=0.001"]);
    let (other, _) = scores(&["--prior", "clash=0.001"]);
    assert!(rarer < plain && other == plain, "{rarer} {other} {plain}");
    let (_, told) = scores(&["--prior", "estimate"]);
    assert!(told.contains("estimated shares: airstrike"), "{told}");
    assert!(told.contains("from 2 sentences say little"), "{told}");
    for (wrong, words) in [
        ("bombing=0.1", "the model decides on airstrike"),
        ("capture=0.1", "the model decides on airstrike"),
        ("clash=2", "between 0 and 1"),
        ("clash", "LABEL=SHARE"),
    ] {
        let refused = folder.marsad(&["predict", "rows.jsonl", "--prior", wrong]);
        assert_eq!(refused.status, 2, "{wrong}");
        assert!(refused.err.contains(words), "{wrong}: {}", refused.err);
    }
    let twice = [
        "predict",
        "rows.jsonl",
        "--prior",
        "clash=0.1",
        "--prior",
        "clash=0.2",
    ];
    folder.marsad(&twice).refused(&["names clash twice"]);
    let refused = folder.marsad_with(&["predict", "--prior", "estimate"], rows.as_bytes());
    assert_eq!(refused.status, 2);
    assert!(
        refused.err.contains("reads the text twice"),
        "{}",
        refused.err
    );
}

#[test]
fn priors_of_single_labels_sum_to_one() {
    let folder = Folder::new();
    let rows = (0..60).map(|row| {
        let text = [
            "قصفت المدفعية القرية",
            "زار الوزير المدرسة",
            "فاز الفريق في المباراة",
        ][row % 3];
        let label = ["war", "politics", "sport"][row % 3];
        format!("{label}\t{text} رقم {row}\n")
    });
    folder.write("c.tsv", rows.collect::<String>());
    folder
        .marsad(&["train", "c.tsv", "--single-label", "-o", "m"])
        .done();
    folder.write("one.jsonl", "{\"text\":\"زار الفريق القرية\"}\n");
    let predict = |priors: &[&str]| {
        let mut arguments = vec!["predict", "one.jsonl", "-m", "m"];
        priors
            .iter()
            .for_each(|prior| arguments.extend(["--prior", prior]));
        folder.marsad(&arguments)
    };
    let odds = |run: Run| {
        let row: Value = serde_json::from_str(&run.done().out).unwrap();
        let war = row["scores"]["war"].as_f64().unwrap();
        war / (1.0 - war)
    };
    // From a third to nine tenths: the odds of 1/2 become 9, eighteen times as much.
    let ratio = odds(predict(&["war=0.9"])) / odds(predict(&[]));
    assert!((ratio - 18.0).abs() < 0.01, "{ratio}");
    predict(&["war=0.6", "sport=0.5"]).refused(&["sum to less than 1"]);
    predict(&["war=0.6", "estimate"]).refused(&["estimate"]);
}

#[test]
fn figures_are_given_by_group() {
    let folder = Folder::new();
    folder.write("c.jsonl", noisy_corpus());
    folder.marsad(&["train", "c.jsonl", "-o", "m"]).done();
    let arguments = ["evaluate", "c.jsonl", "-m", "m", "--by", "outlet", "--json"];
    let run = folder.marsad(&arguments).done();
    let by_outlet = figures(&run)["slices"][0].clone();
    assert_eq!(by_outlet["by"], "outlet");
    let slices = by_outlet["slices"].as_array().unwrap();
    let values: Vec<&str> = slices
        .iter()
        .map(|s| s["value"].as_str().unwrap())
        .collect();
    assert_eq!(values, ["0", "1"]);
    assert_eq!(
        slices[0]["rows"].as_u64().unwrap() + slices[1]["rows"].as_u64().unwrap(),
        210
    );
    assert_eq!(by_outlet["total"]["rows"], 210);
    let table = folder.marsad(&[
        "evaluate", "c.jsonl", "-m", "m", "--by", "outlet", "--review", "10%",
    ]);
    let table = table.done();
    assert!(table.out.contains("all their sentences right") && table.out.contains("Read by hand:"));
    let refused = folder.marsad(&["evaluate", "c.jsonl", "-m", "m", "--by", "year"]);
    refused.refused(&["no row has the field \"year\""]);
    folder.write("t.csv", "text,label\nقصفت الطائرات حلب,air\n");
    let refused = folder.marsad(&["evaluate", "t.csv", "-m", "m", "--by", "outlet"]);
    assert_eq!(refused.status, 2);
    assert!(
        refused.err.contains("no column named \"outlet\""),
        "{}",
        refused.err
    );
}

/// What the model that ships reached on the challenge set, sentence by sentence and pair by pair,
/// less two sentences and one pair a kind: a change that loses more is to be looked at.
const CHALLENGE: &[(&str, f64, f64)] = &[
    ("buried", 0.852, 0.733),
    ("crime-or-conflict", 0.666, 0.366),
    ("flight-or-strike", 0.754, 0.533),
    ("held-or-taken", 0.766, 0.620),
    ("history", 0.500, 0.033),
    ("metaphor-or-war", 0.716, 0.466),
    ("names", 0.825, 0.677),
    ("negation", 0.491, 0.033),
    ("plan-or-threat", 0.583, 0.200),
    ("platform", 0.718, 0.466),
    ("sentence-or-execution", 0.573, 0.233),
    ("state-or-event", 0.750, 0.533),
];
const WHOLE_CHALLENGE: (f64, f64) = (0.705, 0.427);

#[test]
fn the_challenge_set_loses_no_ground() {
    let folder = Folder::new();
    let set = bundled_data("challenge/minimal-pairs.jsonl");
    let run = folder
        .marsad(&["evaluate", &set, "--by", "kind", "--json"])
        .done();
    let by_kind = figures(&run)["slices"][0].clone();
    let slices = by_kind["slices"].as_array().unwrap();
    assert_eq!(slices.len(), CHALLENGE.len(), "{by_kind:#}");
    let reaches = |slice: &Value, (sentences, pairs): (f64, f64)| {
        let reached = |name: &str| slice[name]["value"].as_f64().unwrap();
        assert!(reached("exact_match") >= sentences, "{slice:#}");
        assert!(reached("exact_documents") >= pairs, "{slice:#}");
    };
    for (slice, (kind, sentences, pairs)) in slices.iter().zip(CHALLENGE) {
        assert_eq!(slice["value"], *kind);
        reaches(slice, (*sentences, *pairs));
    }
    reaches(&by_kind["total"], WHOLE_CHALLENGE);
}
