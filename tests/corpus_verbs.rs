//! `marsad corpus`: what is told of a corpus, from outside.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use support::{Folder, Run, small_corpus};

fn row(id: &str, doc: &str, text: &str, labels: &[&str]) -> String {
    json!({"id": id, "doc": doc, "text": text, "labels": labels}).to_string() + "\n"
}

/// The findings of a check by their code.
fn findings(run: &Run) -> BTreeMap<String, Value> {
    let checked: Value = serde_json::from_str(&run.out).unwrap();
    let findings = checked["findings"].as_array().unwrap().iter();
    findings
        .map(|found| (found["code"].as_str().unwrap().to_owned(), found.clone()))
        .collect()
}

fn lines_of(finding: &Value) -> Vec<u64> {
    let rows = finding["rows"].as_array().unwrap().iter();
    rows.map(|row| row["line"].as_u64().unwrap()).collect()
}

#[test]
fn verbs_answer_what_cannot_be_read_with_one_line() {
    let folder = Folder::new();
    folder.write("empty.jsonl", "");
    folder.write("letter.txt", "قصف مدفعي على البلدة\n");
    folder.write(
        "one.jsonl",
        row("1", "d", "قصف مدفعي على البلدة", &["fire"]),
    );
    for verb in [
        &["check"][..],
        &["split", "-o", "parts"],
        &["agreement"],
        &["suspects"],
        &["next", "--from", "one.jsonl"],
    ] {
        let run = |file: &str| {
            let mut arguments = vec!["corpus"];
            arguments.extend_from_slice(verb);
            if verb[0] == "next" {
                arguments.insert(2, file);
            } else {
                arguments.push(file);
            }
            folder.marsad(&arguments)
        };
        run("missing.jsonl").refused(&["missing.jsonl", "there is no such file"]);
        run("letter.txt").refused(&["letter.txt", "--format"]);
        if verb[0] == "check" {
            let empty = run("empty.jsonl");
            assert_eq!((empty.status, empty.err.as_str()), (1, ""));
            assert!(empty.out.contains("empty_corpus"), "{}", empty.out);
        } else {
            run("empty.jsonl").refused(&["the corpus is empty"]);
        }
    }
    assert!(!folder.path("parts").exists());
}

const SHELLED: &str = "قصفت المدفعية أطراف بلدة اللطامنة مساء أمس ما أدى إلى سقوط عدد من الجرحى";

#[test]
fn check_finds_each_kind_of_trouble() {
    let folder = Folder::new();
    let mut rows = String::new();
    rows += &row("1", "a", SHELLED, &["shelling"]);
    rows += "{\"id\":\"2\",\"text\":\"قصف\",\"labels\":3.5e\n";
    rows += &row("3", "b", &SHELLED.replace("عدد من", "عدد"), &["shelling"]);
    rows += &row("4", "b", "  ", &["shelling"]);
    rows += "{\"id\":\"5\",\"doc\":\"b\",\"text\":\"وصل الوفد\"}\n";
    rows += &row("6", "c", "شنت طائرات غارات على المدينة", &["Shelling"]);
    rows += &row("7", "d", "شنت طائرات غارات على المدينة", &["airstrike"]);
    rows += &row("8", "e", "Ø§Ù„Ù‚ØµÙ Ø¹Ù„Ù‰ Ø§Ù„Ù…Ø¯ÙŠÙ†Ø©", &[]);
    rows += &row("9", "e", "ضاع ح\u{FFFD}رف من الكلمة", &[]);
    rows += &row(
        "9",
        "e",
        "Photo by John Smith for the agency",
        &["shelling"],
    );
    rows += &row("11", "f", "المصدر : الجزيرة + وكالات", &["airstrike"]);
    rows += &row("12", "f", &"كلمة ".repeat(150), &[]);
    rows += &row("13", "f", "وصل الوفد. ثم غادر الوفد. وعاد الوفد مساء.", &[]);
    rows += &row("14", "g", "قصف&nbsp;مدفعي<br>عنيف على الحي", &[]);
    rows += &row("15", "g", "ﻗﺼﻒ ﻣﺪﻓﻌﻲ ﻋﻠﻰ ﺍﻟﺤﻲ ﺍﻟﺸﺮﻗﻲ", &[]);
    rows += &row("16", "g", "قصفت الطایرات الحي الشرقي في المدينة کلها", &[]);
    rows += &row("17", "h", "شنّت طائراتٌ غاراتٍ على المدينه", &[]);
    rows +=
        "{\"id\":\"18\",\"doc\":\"i\",\"text\":\"دخل الجيش المدينة\",\"labels\":[\"capture.\"]}\n";
    folder.write("a.jsonl", &rows);
    let run = folder.marsad(&[
        "corpus",
        "check",
        "a.jsonl",
        "--json",
        "--labels",
        "shelling,airstrike",
    ]);
    assert_eq!(run.status, 1, "{}", run.err);
    let found = findings(&run);
    let severity = |code: &str| found[code]["severity"].as_str().unwrap().to_owned();
    for (code, lines, expected) in [
        ("invalid_row", vec![2, 18], "error"),
        ("empty_row", vec![4], "warning"),
        ("row_without_annotation", vec![5], "note"),
        ("unknown_label", vec![6], "error"),
        ("labels_alike", vec![6], "warning"),
        (
            "near_duplicates_across_documents",
            vec![3, 7, 17],
            "warning",
        ),
        ("contradictory_after_folding", vec![6, 7, 17], "warning"),
        ("wrong_encoding", vec![8], "error"),
        ("replacement_character", vec![9], "warning"),
        ("not_arabic", vec![10], "warning"),
        ("repeated_id", vec![10], "warning"),
        ("labelled_furniture", vec![10, 11], "warning"),
        ("very_long_row", vec![12], "warning"),
        ("several_sentences", vec![13], "note"),
        ("markup", vec![14], "warning"),
        ("presentation_forms", vec![15], "note"),
        ("persian_letters", vec![16], "note"),
    ] {
        assert_eq!(lines_of(&found[code]), lines, "{code}");
        assert_eq!(severity(code), expected, "{code}");
        assert_eq!(found[code]["count"], lines.len(), "{code}");
    }
    let near = &found["near_duplicates_across_documents"]["rows"][0];
    assert_eq!(near["similar_to"]["id"], "1");
    assert!(near["similar_to"]["similarity"].as_f64().unwrap() >= 0.8);
    let keys: BTreeSet<&str> = found["invalid_row"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        ["advice", "code", "count", "message", "rows", "severity"].into()
    );

    let told = folder.marsad(&["corpus", "check", "a.jsonl", "-n", "1"]);
    assert_eq!(told.status, 1);
    for words in [
        "ERROR invalid_row (2)",
        "a.jsonl:2",
        "… and 1 more",
        "WARNING rare_label",
    ] {
        assert!(told.out.contains(words), "{words} not in {}", told.out);
    }
}

#[test]
fn check_finds_contradictions_and_labels_that_come_in_pairs() {
    let folder = Folder::new();
    let mut rows = String::new();
    for number in 0..8 {
        let text = format!(
            "{} {number}",
            ["قصف على حي", "غارة قرب سوق", "زار وفد بلدة", "سقوط قذائف"][number % 4]
                .repeat(1 + number / 4)
        );
        let labels: &[&str] = if number < 6 { &["x", "y"] } else { &[] };
        rows += &json!({"text": text, "labels": labels}).to_string();
        rows += "\n";
    }
    rows += "{\"text\":\"قصف على الحي الغربي\",\"labels\":[]}\n{\"text\":\"قصف على الحي الغربي \",\"labels\":[\"x\",\"y\"]}\n";
    folder.write("a.jsonl", &rows);
    let found = findings(&folder.marsad(&["corpus", "check", "a.jsonl", "--json"]));
    assert_eq!(lines_of(&found["contradictory_duplicates"]), [9, 10]);
    assert_eq!(found["contradictory_duplicates"]["severity"], "error");
    assert_eq!(found["labels_only_together"]["count"], 7);
    assert_eq!(found["documents_missing"]["severity"], "warning");
    assert_eq!(found["documents_missing"]["count"], 10);
}

#[test]
fn check_finds_test_rows_in_training() {
    let folder = Folder::new();
    folder.write("train.jsonl", small_corpus());
    let leaked = small_corpus()
        .lines()
        .next()
        .unwrap()
        .replace("d0", "other");
    let fresh = row(
        "n",
        "d7",
        "عقد المجلس المحلي جلسة لبحث أوضاع المدارس والطرق",
        &[],
    );
    folder.write("test.jsonl", format!("{leaked}\n{fresh}"));
    let arguments = [
        "corpus",
        "check",
        "train.jsonl",
        "--json",
        "--against",
        "test.jsonl",
    ];
    let run = folder.marsad(&arguments);
    assert_eq!(run.status, 1);
    let found = findings(&run);
    assert_eq!(lines_of(&found["test_rows_in_training"]), [1]);
    assert_eq!(
        found["test_rows_in_training"]["rows"][0]["similar_to"]["file"],
        "train.jsonl"
    );
    assert_eq!(lines_of(&found["test_documents_in_training"]), [2]);
    assert_eq!(found["test_documents_in_training"]["severity"], "error");
}

/// Sixty distinct sentences in twenty documents: nothing is wrong with them.
fn sound_corpus() -> String {
    let openings = [
        "أفاد مراسلون بأن",
        "ذكرت مصادر أن",
        "قال شهود إن",
        "أعلنت لجنة أن",
        "نقلت إذاعة أن",
    ];
    let middles = [
        "طائرات قصفت سوق",
        "مدفعية استهدفت حي",
        "وفدا زار مدرسة",
        "بلدية رممت طريق",
        "عمالا أصلحوا جسر",
        "تجارا افتتحوا معرض",
    ];
    let ends = ["حلب", "الرقة القديمة"];
    let mut rows = String::new();
    for number in 0..60 {
        let (opening, middle, end) = (number % 5, (number / 5) % 6, number / 30);
        let text = format!(
            "{} {} {} خلال الأسبوع {number}",
            openings[opening], middles[middle], ends[end]
        );
        let labels: &[&str] = match middle {
            0 => &["air"],
            1 => &["fire"],
            _ => &[],
        };
        rows += &row(
            &format!("r{number}"),
            &format!("d{}", number / 3),
            &text,
            labels,
        );
    }
    rows
}

#[test]
fn check_is_content_with_a_sound_corpus() {
    let folder = Folder::new();
    folder.write("a.jsonl", sound_corpus());
    let run = folder
        .marsad(&[
            "corpus",
            "check",
            "a.jsonl",
            "--rare",
            "5",
            "--folds",
            "3",
            "--similarity",
            "0.9",
        ])
        .done();
    assert!(
        run.out.contains("60 annotated sentences in 20 documents"),
        "{}",
        run.out
    );
    assert!(
        run.out
            .ends_with("Kinds of errors: 0, of warnings: 0, of notes: 0.\n"),
        "{}",
        run.out
    );
    folder
        .marsad(&["corpus", "check", "a.jsonl", "--similarity", "0.1"])
        .refuses_usage();
    folder
        .marsad(&["corpus", "check", "a.jsonl", "--labels-from", "none.txt"])
        .refused(&["none.txt"]);
}

trait RefusesUsage {
    fn refuses_usage(&self);
}

impl RefusesUsage for Run {
    fn refuses_usage(&self) {
        assert_eq!(self.status, 2);
        assert!(self.err.contains("0.3 to 1"), "{}", self.err);
    }
}

/// The lines of a file in a folder.
fn lines(folder: &Folder, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder.path(name)).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn split_loses_nothing_and_keeps_documents_and_repeats_together() {
    let folder = Folder::new();
    // Odd spacing and key order must survive; a repeat ties two documents.
    let mut corpus = sound_corpus().replace("\"labels\"", " \"labels\" ");
    corpus += &row("t1", "tied1", SHELLED, &["fire"]);
    corpus += &row("t2", "tied2", &SHELLED.replace("عدد من", "عدد"), &["fire"]);
    corpus += "{\"id\":\"u\",\"text\":\"بلا قراءة\"}\n";
    corpus += "{\"id\":\"e\",\"text\":\"\",\"labels\":[]}";
    folder.write("a.jsonl", &corpus);
    let arguments = [
        "corpus",
        "split",
        "a.jsonl",
        "-o",
        "parts",
        "--similarity",
        "0.9",
        "--json",
    ];
    let mut arguments = arguments.to_vec();
    arguments[6] = "0.8";
    let run = folder.marsad(&arguments).done();
    let summary: Value = serde_json::from_str(&run.out).unwrap();
    let mut all: Vec<String> = Vec::new();
    let mut part_of: BTreeMap<String, &str> = BTreeMap::new();
    for part in ["train", "dev", "test", "left-out"] {
        let rows = lines(&folder, &format!("parts/{part}.jsonl"));
        for line in &rows {
            let row: Value = serde_json::from_str(line).unwrap();
            if let Some(doc) = row["doc"].as_str() {
                assert_eq!(*part_of.entry(doc.to_owned()).or_insert(part), part);
            }
        }
        all.extend(rows);
    }
    assert_eq!(part_of["tied1"], part_of["tied2"]);
    let (mut found, mut expected): (Vec<&str>, Vec<&str>) = (
        all.iter().map(String::as_str).collect(),
        corpus.lines().collect(),
    );
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let parts = summary["parts"].as_array().unwrap();
    let rows: u64 = parts
        .iter()
        .map(|part| part["rows"].as_u64().unwrap())
        .sum();
    assert_eq!((rows, summary["rows"].as_u64()), (62, Some(64)));
    assert_eq!(
        summary["left_out"],
        json!({"unannotated": 1, "empty": 1, "undated": 0})
    );
    assert_eq!(summary["repeated_in_test"], json!([]));
    assert_eq!(
        std::fs::read_to_string(folder.path("parts/split.json"))
            .unwrap()
            .trim(),
        run.out.trim()
    );
    folder
        .marsad(&arguments)
        .refused(&["parts", "is there already"]);
}

#[test]
fn split_spreads_labels_and_the_seed_decides() {
    let folder = Folder::new();
    folder.write("a.jsonl", sound_corpus());
    let split = |output: &str, seed: &str| {
        let arguments = [
            "corpus",
            "split",
            "a.jsonl",
            "-o",
            output,
            "--seed",
            seed,
            "--similarity",
            "1",
            "--test",
            "0.25",
            "--dev",
            "0.25",
        ];
        folder.marsad(&arguments).done()
    };
    let first = split("one", "1");
    split("two", "1");
    split("three", "2");
    assert_eq!(
        lines(&folder, "one/test.jsonl"),
        lines(&folder, "two/test.jsonl")
    );
    assert_ne!(
        lines(&folder, "one/test.jsonl"),
        lines(&folder, "three/test.jsonl")
    );
    for words in [
        "train",
        "documents",
        "air",
        "fire",
        "(none)",
        "Wrote one/dev.jsonl",
    ] {
        assert!(first.out.contains(words), "{words} not in {}", first.out);
    }
    let summary: Value =
        serde_json::from_str(&lines(&folder, "one/split.json").join("\n")).unwrap();
    for part in summary["parts"].as_array().unwrap() {
        let share = part["share"].as_f64().unwrap();
        let wanted = if part["part"] == "train" { 0.5 } else { 0.25 };
        assert!((share - wanted).abs() < 0.08, "{part}");
        for label in ["air", "fire"] {
            let held = part["labels"][label].as_u64().unwrap();
            assert!((1..=6).contains(&held), "{part}");
        }
    }
    let wrong = folder.marsad(&[
        "corpus", "split", "a.jsonl", "-o", "p", "--test", "0.9", "--dev", "0.2",
    ]);
    wrong.refused(&["shares of test and dev"]);
}

#[test]
fn tables_keep_their_bytes_and_their_header() {
    let folder = Folder::new();
    let mut table = "\u{FEFF}id,doc,text,labels,outlet\r\n".to_owned();
    for number in 0..12 {
        table += &format!(
            "{number},t{number},\"خبر رقم {number}،\nوسطر \"\"ثان\"\" عن مدينة {number}\",{},o{}\r\n",
            ["none", "fire"][number % 2],
            number % 3
        );
    }
    folder.write("a.csv", &table);
    folder.write("b.jsonl", sound_corpus());
    let arguments = [
        "corpus",
        "split",
        "a.csv",
        "b.jsonl",
        "-o",
        "parts",
        "--similarity",
        "1",
        "--by",
        "outlet=o1",
        "--dev",
        "0",
    ];
    folder.marsad(&arguments).done();
    let test = std::fs::read_to_string(folder.path("parts/test.csv")).unwrap();
    let train = std::fs::read_to_string(folder.path("parts/train.csv")).unwrap();
    let header = "\u{FEFF}id,doc,text,labels,outlet\r\n";
    let (test, train) = (
        test.strip_prefix(header).unwrap(),
        train.strip_prefix(header).unwrap(),
    );
    let mut records: Vec<&str> = test
        .split_inclusive("\r\n")
        .chain(train.split_inclusive("\r\n"))
        .collect();
    assert_eq!(test.matches(",o1\r\n").count(), 4);
    assert!(!train.contains(",o1\r\n"));
    let mut expected: Vec<&str> = table
        .strip_prefix(header)
        .unwrap()
        .split_inclusive("\r\n")
        .collect();
    records.sort();
    expected.sort();
    assert_eq!(records, expected);
    assert_eq!(lines(&folder, "parts/train.jsonl").len(), 60);
    assert!(!folder.path("parts/test.jsonl").exists());
    let unknown = ["corpus", "split", "a.csv", "-o", "p", "--by", "outlet=o9"];
    folder.marsad(&unknown).refused(&["\"o9\"", "o0, o1, o2"]);
}

/// Their bytes hold line feeds as well, in the workbook more than it has rows.
#[test]
fn rows_of_files_without_lines_are_written_whole() {
    let folder = Folder::new();
    let mut rows = String::new();
    for line in sound_corpus().lines() {
        let mut row: Value = serde_json::from_str(line).unwrap();
        row["outlet"] = json!(format!("منبر {}", row["id"]));
        rows += &(row.to_string() + "\n");
    }
    folder.write("a.jsonl", &rows);
    let expected: BTreeMap<String, Value> = rows
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|row| (row["id"].as_str().unwrap().to_owned(), row))
        .collect();
    for name in ["a.parquet", "a.arrow"] {
        let convert = ["convert", "a.jsonl", "-o", name];
        folder.marsad(&convert).done();
    }
    let workbook = std::fs::read(support::repository("tests/exports/sixty.xlsx")).unwrap();
    folder.write("a.xlsx", workbook);
    for name in ["a.parquet", "a.arrow", "a.xlsx"] {
        let parts = format!("parts-{name}");
        let split = ["corpus", "split", name, "-o", &parts];
        folder.marsad(&split).done();
        let files: BTreeSet<String> = std::fs::read_dir(folder.path(&parts))
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        let wanted = ["dev.jsonl", "split.json", "test.jsonl", "train.jsonl"];
        assert_eq!(files, wanted.map(str::to_owned).into(), "{name}");
        let mut found = 0;
        for part in ["train", "dev", "test"] {
            for line in lines(&folder, &format!("{parts}/{part}.jsonl")) {
                let row: Value = serde_json::from_str(&line).unwrap();
                let id = row["id"].as_str().unwrap();
                if name == "a.xlsx" {
                    assert_eq!(row["outlet"], json!(format!("o-{id}")), "{line}");
                } else {
                    assert_eq!(row, expected[id], "{name}");
                }
                found += 1;
            }
        }
        assert_eq!(found, 60, "{name}");
    }
}

#[test]
fn split_by_date_tests_on_what_came_later() {
    let folder = Folder::new();
    let mut rows = String::new();
    for number in 0..20 {
        let date = match number {
            0..12 => "2015-03-01",
            12..18 => "٢٠١٦-٠١-٠٢",
            18 => "أمس",
            _ => "2014-01-01",
        };
        let text = match number {
            15 => "خبر قديم عن مستشفى المدينة في عامه رقم 3.".to_owned(),
            _ => format!("خبر قديم عن سوق المدينة في عامه رقم {number}").replace(
                "سوق",
                ["سوق", "مدرسة", "حديقة", "مستشفى", "ملعب"][number % 5],
            ),
        };
        // The last row is of a document of the later side.
        let doc = if number == 19 { 12 } else { number };
        rows += &json!({"doc": doc.to_string(), "text": text, "labels": (["none", "fire"][number % 2]), "date": date}).to_string();
        rows += "\n";
    }
    folder.write("a.jsonl", &rows);
    let arguments = [
        "corpus",
        "split",
        "a.jsonl",
        "-o",
        "parts",
        "--by-date",
        "date",
        "--from",
        "2016",
        "--dev",
        "0.2",
        "--similarity",
        "1",
        "--json",
    ];
    let run = folder.marsad(&arguments).done();
    let summary: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(summary["left_out"]["undated"], 1);
    assert_eq!(summary["documents_on_both_sides"], 1);
    let test: BTreeSet<String> = lines(&folder, "parts/test.jsonl").into_iter().collect();
    let expected: BTreeSet<String> = rows
        .lines()
        .enumerate()
        .filter(|(n, _)| (12..18).contains(n) || *n == 19)
        .map(|(_, line)| line.to_owned())
        .collect();
    assert_eq!(test, expected);
    assert_eq!(summary["repeated_in_test"][0]["line"], 16, "{summary}");
    assert_eq!(
        lines(&folder, "parts/train.jsonl").len() + lines(&folder, "parts/dev.jsonl").len(),
        12
    );
    let without = [
        "corpus",
        "split",
        "a.jsonl",
        "-o",
        "p",
        "--by-date",
        "day",
        "--from",
        "2016",
    ];
    folder.marsad(&without).refused(&["\"day\"", "2015-08-06"]);
}

#[test]
fn agreement_is_measured_between_files_rows_and_columns() {
    let folder = Folder::new();
    let said = |labels: &dyn Fn(usize) -> Vec<&'static str>, annotator: Option<&str>| {
        let mut rows = String::new();
        for number in 0..10 {
            let mut row = json!({"id": format!("r{number}"), "doc": format!("d{number}"),
                "text": format!("خبر عن القصف رقم {number}"), "labels": labels(number)});
            if let Some(name) = annotator {
                row["annotator"] = name.into();
            }
            rows += &(row.to_string() + "\n");
        }
        rows
    };
    // Krippendorff 2011, example A: alpha .095.
    let first = |n: usize| if n == 1 { vec!["fire"] } else { vec![] };
    let second = |n: usize| {
        if [0, 1, 2, 5, 8].contains(&n) {
            vec!["fire"]
        } else {
            vec![]
        }
    };
    folder.write("anna.jsonl", said(&first, None));
    folder.write("omar.jsonl", said(&second, None));
    let both = said(&first, Some("anna")) + &said(&second, Some("omar"));
    folder.write("both.jsonl", &both);
    let mut table = "id\tanna\tomar\n".to_owned();
    for n in 0..10 {
        let cell = |labels: Vec<&str>| labels.first().copied().unwrap_or("none").to_owned();
        table += &format!("r{n}\t{}\t{}\n", cell(first(n)), cell(second(n)));
    }
    folder.write("table.tsv", &table);
    for arguments in [
        &["anna.jsonl", "omar.jsonl"][..],
        &["both.jsonl"],
        &["table.tsv", "--columns", "anna,omar"],
    ] {
        let mut all = vec!["corpus", "agreement", "--json", "--bootstrap", "200"];
        all.extend_from_slice(arguments);
        let run = folder.marsad(&all).done();
        let measured: Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(measured["shared"], 10);
        let label = &measured["labels"][0];
        assert_eq!(label["label"], "fire");
        let alpha = label["alpha"]["value"].as_f64().unwrap();
        assert!((alpha - (1.0 - 76.0 / 84.0)).abs() < 1e-9, "{alpha}");
        assert!(label["alpha"]["low"].as_f64().unwrap() < alpha);
        assert!((label["pairs"][0]["kappa"]["value"].as_f64().unwrap() - 0.2).abs() < 1e-9);
        assert_eq!(measured["disputed"].as_array().unwrap().len(), 4);
        assert_eq!(measured["disputed"][0]["labels"], json!(["fire"]));
        assert_eq!(measured["disputed"][0]["id"], "r0");
    }
    let told = folder
        .marsad(&["corpus", "agreement", "both.jsonl", "-n", "2"])
        .done();
    for words in [
        "10 items in 10 documents",
        "0.095",
        "anna: none; omar: fire",
        "… and 2 more",
    ] {
        assert!(told.out.contains(words), "{words} not in {}", told.out);
    }
    folder
        .marsad(&["corpus", "agreement", "anna.jsonl"])
        .refused(&["no item was read by two"]);
    let missing = ["corpus", "agreement", "table.tsv", "--columns", "anna,lena"];
    folder.marsad(&missing).refused(&["table.tsv", "\"lena\""]);
}

#[test]
fn agreement_loses_no_row_of_a_table_and_tells_what_it_leaves_out() {
    let folder = Folder::new();
    folder.write(
        "semicolons.csv",
        "id;anna;omar\nr1;fire;fire\nr2;none;fire\nr3;none;none\n",
    );
    folder.write(
        "open.csv",
        "id,anna,omar\nr1,fire,fire\nr2,\"none,fire\nr3,none,none\n",
    );
    let agreement = |more: &[&str]| {
        let mut arguments = vec!["corpus", "agreement", "--json", "--bootstrap", "0"];
        arguments.extend_from_slice(more);
        folder.marsad(&arguments)
    };
    let run = agreement(&["semicolons.csv", "--columns", "anna,omar"]).done();
    let measured: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(
        (&measured["shared"], &measured["label_sets"]),
        (&json!(3), &json!(2))
    );
    agreement(&["open.csv", "--columns", "anna,omar"])
        .refused(&["open.csv, line 3", "never closed"]);
    let said = |id: &str, text: &str, annotator: &str, labels: &[&str]| {
        json!({"id": id, "doc": "d", "text": text, "annotator": annotator, "labels": labels})
            .to_string()
            + "\n"
    };
    let rows = [
        said("1", "قصف على السوق", "anna", &["fire"]),
        said("1", "قصف على السوق", "omar", &["fire"]),
        said("1", "قصف على السوق ", "omar", &["fire"]),
        said("2", "زيارة إلى المدرسة", "anna", &[]),
        said("2", "افتتاح الجسر", "omar", &["fire"]),
    ];
    folder.write("twice.jsonl", rows.concat());
    let run = agreement(&["twice.jsonl"]).done();
    let measured: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(
        (&measured["items"], &measured["shared"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(measured["replaced_readings"], 1);
    assert_eq!(measured["same_id_other_text"], 1);
    let told = folder
        .marsad(&["corpus", "agreement", "twice.jsonl"])
        .done();
    for words in [
        "1 readings are left out",
        "1 items have the document and id",
    ] {
        assert!(told.err.contains(words), "{}", told.err);
    }
}

#[test]
fn texts_of_one_name_in_several_folders_of_brat_are_several_documents() {
    let folder = Folder::new();
    for name in ["b1", "b2"] {
        std::fs::create_dir_all(folder.path(&format!("brat/{name}"))).unwrap();
        folder.write(
            &format!("brat/{name}/report.txt"),
            format!("قصف على {name}\n"),
        );
        folder.write(&format!("brat/{name}/report.ann"), "T1\tfire 0 3\tقصف\n");
    }
    let run = folder.marsad(&["convert", "brat", "--to", "jsonl"]).done();
    let rows = run.json_rows();
    let docs: Vec<&str> = rows
        .iter()
        .map(|row| row["doc"].as_str().unwrap())
        .collect();
    assert_eq!(docs, ["b1/report", "b2/report"]);
}

#[test]
fn agreement_of_the_second_reading_is_that_of_the_data_page() {
    let folder = Folder::new();
    let table = support::repository("data/second-reading/labels.tsv");
    let arguments = [
        "corpus",
        "agreement",
        table.to_str().unwrap(),
        "--columns",
        "first,second",
        "--json",
        "--bootstrap",
        "0",
    ];
    let run = folder.marsad(&arguments).done();
    let measured: Value = serde_json::from_str(&run.out).unwrap();
    let found: Vec<(String, String, u64)> = measured["labels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|label| {
            (
                label["label"].as_str().unwrap().to_owned(),
                format!("{:.3}", label["alpha"]["value"].as_f64().unwrap()),
                label["disputed"].as_u64().unwrap(),
            )
        })
        .filter(|(label, ..)| label != "capture")
        .collect();
    let expected = [
        ("airstrike", "0.998", 9),
        ("capture.person", "0.988", 50),
        ("capture.territory", "0.991", 31),
        ("clash", "0.990", 43),
        ("execution", "0.997", 8),
        ("shelling", "0.996", 16),
    ];
    assert_eq!(
        found,
        expected.map(|(label, alpha, differ)| (label.to_owned(), alpha.to_owned(), differ))
    );
    assert_eq!(measured["disputed"].as_array().unwrap().len(), 154);
}

const FAST: &str = "[learner]\nwindow_words = 0\n[features]\nmin_document_frequency = 1\n";

#[test]
fn suspects_come_first_where_labels_were_changed() {
    let folder = Folder::new();
    folder.write("fast.toml", FAST);
    // Row 8 loses its label, row 3 gets one.
    let rows: Vec<String> = small_corpus()
        .lines()
        .enumerate()
        .map(|(number, line)| match number {
            8 => line.replace("[\"air\"]", "[]"),
            3 => line.replace("[]", "[\"air\"]"),
            _ => line.to_owned(),
        })
        .collect();
    folder.write("a.jsonl", rows.join("\n"));
    let arguments = [
        "corpus",
        "suspects",
        "a.jsonl",
        "--config",
        "fast.toml",
        "-n",
        "6",
        "--json",
        "-o",
        "out.jsonl",
    ];
    let run = folder.marsad(&arguments).done();
    let found: Value = serde_json::from_str(&run.out).unwrap();
    let suspects = found["suspects"].as_array().unwrap();
    assert_eq!((suspects.len(), &found["rows"]), (6, &json!(60)));
    let of = |id: &str| {
        suspects
            .iter()
            .find(|row| row["id"] == id)
            .unwrap_or_else(|| panic!("{id} not in {}", run.out))
    };
    let (missing, wrong) = (of("r8"), of("r3"));
    assert_eq!(
        (&missing["direction"], &missing["doubtful_label"]),
        (&json!("missing"), &json!("air"))
    );
    assert_eq!(
        (&wrong["direction"], &wrong["doubtful_label"]),
        (&json!("wrong"), &json!("air"))
    );
    assert_eq!(wrong["labels"], json!(["air"]));
    let text = missing["text"].as_str().unwrap();
    let (start, end) = (
        missing["evidence"]["start"].as_u64().unwrap(),
        missing["evidence"]["end"].as_u64().unwrap(),
    );
    assert!(
        text.get(start as usize..end as usize)
            .is_some_and(|window| !window.is_empty())
    );
    assert_eq!(missing["file"], "a.jsonl");
    assert_eq!(missing["line"], 9);
    assert_eq!(lines(&folder, "out.jsonl").len(), 6);
    let told = folder
        .marsad(&[
            "corpus",
            "suspects",
            "a.jsonl",
            "--config",
            "fast.toml",
            "-n",
            "2",
        ])
        .done();
    for words in [
        "1. a.jsonl:",
        "air",
        "⟦",
        "of 60 rows have a label that is likely an error",
    ] {
        assert!(told.out.contains(words), "{words} not in {}", told.out);
    }
    folder
        .marsad(&["corpus", "suspects", "a.jsonl", "-o", "a.jsonl"])
        .refused(&["is read by this command"]);
}

#[test]
fn next_chooses_unlike_sentences_and_says_why() {
    let folder = Folder::new();
    folder.write("fast.toml", FAST);
    let annotated = small_corpus();
    folder.write("a.jsonl", &annotated);
    let mut pool = String::new();
    for number in 0..40 {
        let place = ["سوق الهال", "مدرسة القرية", "جسر الرستن", "مشفى المدينة"][number % 4];
        let what = [
            "قصفت المدفعية",
            "زار الوفد",
            "شنت طائرات غارات على",
            "افتتح المحافظ",
            "تضررت نوافذ",
        ][number % 5];
        let when = ["صباح السبت", "مساء الأحد"][number % 2];
        pool += &(json!({"id": format!("p{number}"), "text": format!("{what} {place} {when}"), "doc": number.to_string()}).to_string() + "\n");
    }
    pool += annotated.lines().next().unwrap();
    pool += "\n{\"id\":\"bad\",\"text\":5}\n";
    folder.write("pool.jsonl", &pool);
    let choose = |more: &[&str]| {
        let mut arguments = vec![
            "corpus",
            "next",
            "a.jsonl",
            "--config",
            "fast.toml",
            "--from",
            "pool.jsonl",
            "-n",
            "10",
        ];
        arguments.extend_from_slice(more);
        folder.marsad(&arguments)
    };
    let run = choose(&["--random-share", "0.4"]);
    assert_eq!(run.status, 1, "{}", run.err);
    assert!(
        run.err.contains(
            "10 of 41 sentences chosen: 6 uncertain, 4 by chance; 1 nearly repeat an annotated one"
        ),
        "{}",
        run.err
    );
    assert!(
        run.err.contains("marsad: 1 rows could not be read"),
        "{}",
        run.err
    );
    let rows = run.json_rows();
    let texts: BTreeSet<&str> = rows
        .iter()
        .map(|row| row["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts.len(), 10);
    for row in &rows {
        match row["chosen"].as_str().unwrap() {
            "random" => assert_eq!(row["inclusion_probability"], json!(0.1)),
            _ => assert!(row["margin"].as_f64().is_some() && row["uncertain_label"].is_string()),
        }
        assert!(row["id"].as_str().unwrap().starts_with('p'));
        assert_eq!(row["scores"].as_object().unwrap().len(), 2);
    }
    assert_eq!(
        choose(&["--random-share", "0.4", "--threads", "1"]).out,
        run.out
    );
    assert_ne!(
        choose(&["--random-share", "0.4", "--seed", "2"]).out,
        run.out
    );
    choose(&["--to", "csv", "-o", "next.csv"]);
    let table = lines(&folder, "next.csv");
    assert_eq!(
        table[0],
        "id,doc,text,labels,chosen,inclusion_probability,uncertain_label,margin,scores,file,line"
    );
    assert_eq!(table.len(), 11);
    choose(&["-o", "pool.jsonl"]).refused(&["is read by this command"]);
    folder.write("empty.jsonl", "");
    folder
        .marsad(&["corpus", "next", "--from", "empty.jsonl"])
        .refused(&["nothing to choose from"]);
    folder
        .marsad(&["corpus", "next", "--from", "none.jsonl"])
        .refused(&["none.jsonl"]);
    let text = folder.write(
        "article.txt",
        "قصفت المدفعية أطراف البلدة. وزار الوفد المدرسة.\nالمصدر : الجزيرة + وكالات\n",
    );
    let run = folder
        .marsad(&[
            "corpus",
            "next",
            "--from",
            text.to_str().unwrap(),
            "-n",
            "5",
            "--random-share",
            "0",
        ])
        .done();
    assert_eq!(run.json_rows().len(), 2, "{}", run.out);
    let told = "1 lines of page furniture were not looked at";
    assert!(run.err.contains(told), "{}", run.err);
}
