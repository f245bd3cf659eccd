//! `marsad explain` and the features in `marsad inspect` as their users call them.

mod support;

use serde_json::Value;
use support::Folder;

const STRIKE: &str = "شنت طائرات حربية غارات على أطراف المدينة";

fn label<'r>(row: &'r Value, name: &str) -> &'r Value {
    let labels = row["labels"].as_array().unwrap();
    labels.iter().find(|label| label["label"] == name).unwrap()
}

fn part<'t>(text: &'t str, span: &Value) -> &'t str {
    let at = |place: usize| span["bytes"][place].as_u64().unwrap() as usize;
    &text[at(0)..at(1)]
}

#[test]
fn shares_in_json_sum_to_the_score_and_spans_are_of_the_text() {
    let folder = Folder::new();
    folder.write(
        "a.txt",
        format!("{STRIKE}. ولم تقع إصابات.\nبقلم: سالم الأحمد\n"),
    );
    for arguments in [
        &["explain", "a.txt", "--json"][..],
        &["explain", "a.txt", "--json", "--features", "5"],
    ] {
        let rows = folder.marsad(arguments).done().json_rows();
        assert_eq!(rows.len(), 3);
        let file = std::fs::read_to_string(folder.path("a.txt")).unwrap();
        for row in &rows {
            let text = row["text"].as_str().unwrap();
            let at = |name: &str| row[name].as_u64().unwrap() as usize;
            assert_eq!(&file[at("start")..at("end")], text);
            assert_eq!(row["method"], "additive");
            for label in row["labels"].as_array().unwrap() {
                let number = |value: &Value| value.as_f64().unwrap();
                let listed = label["contributions"].as_array().unwrap();
                let sum: f64 = listed.iter().map(|adds| number(&adds["value"])).sum();
                let sum = sum + number(&label["bias"]) + number(&label["rest"]["value"]);
                assert!((sum - number(&label["score"])).abs() < 1e-5, "{label}");
                for adds in listed {
                    let spans = adds["spans"].as_array().unwrap();
                    for span in spans {
                        let slice = part(text, span);
                        let to =
                            |place: usize| span["characters"][place].as_u64().unwrap() as usize;
                        let by_characters: String =
                            text.chars().skip(to(0)).take(to(1) - to(0)).collect();
                        assert_eq!(slice, by_characters);
                    }
                }
            }
        }
        let strike = label(&rows[0], "airstrike");
        assert_eq!(strike["holds"], true);
        assert!(part(rows[0]["text"].as_str().unwrap(), &strike["evidence"]).contains("غارات"));
        assert_eq!(rows[2]["furniture"], "byline");
        let held = rows[2]["labels"].as_array().unwrap().iter();
        assert!({ held }.all(|label| label["holds"] == false));
    }
}

#[test]
fn decisions_are_those_of_predict() {
    let folder = Folder::new();
    let source =
        std::fs::read_to_string(support::repository("data/samples/syria-front.txt")).unwrap();
    folder.write("a.txt", source);
    let predicted = folder.marsad(&["predict", "a.txt"]).done().json_rows();
    let explained = folder
        .marsad(&["explain", "a.txt", "--json", "--features", "0"])
        .done()
        .json_rows();
    assert_eq!(predicted.len(), explained.len());
    for (predicted, explained) in predicted.iter().zip(&explained) {
        for name in ["id", "doc", "line", "start", "end", "text"] {
            assert_eq!(predicted[name], explained[name]);
        }
        let labels = predicted["labels"].as_array().unwrap();
        for label in explained["labels"].as_array().unwrap() {
            let name = &label["label"];
            assert_eq!(labels.contains(name), label["holds"] == true);
            let score = predicted["scores"][name.as_str().unwrap()]
                .as_f64()
                .unwrap();
            assert!((score - label["probability"].as_f64().unwrap()).abs() < 1e-6);
            if let Some(span) = predicted["evidence"].get(name.as_str().unwrap()) {
                let start = predicted["start"].as_u64().unwrap();
                let of_text = |place: usize| label["evidence"]["bytes"][place].as_u64().unwrap();
                assert_eq!(span[0], start + of_text(0));
                assert_eq!(span[1], start + of_text(1));
            }
        }
    }
}

#[test]
fn what_would_have_to_go_is_told_and_true() {
    let folder = Folder::new();
    let arguments = ["explain", "--text", STRIKE, "--against", "airstrike"];
    let told = folder.marsad(&arguments).done().out;
    assert!(
        told.contains("airstrike holds") && told.contains("Without «"),
        "{told}"
    );
    let rows = folder
        .marsad(&[&arguments[..], &["--json"]].concat())
        .done()
        .json_rows();
    let against = &rows[0]["against"][0];
    assert_eq!(
        (&against["holds"], &against["turns"]),
        (&Value::Bool(true), &Value::Bool(true))
    );
    let without = against["text_without"].as_str().unwrap();
    let again = folder
        .marsad(&["explain", "--text", without, "--json"])
        .done()
        .json_rows();
    assert_eq!(label(&again[0], "airstrike")["holds"], false);
    for word in against["removed"].as_array().unwrap() {
        assert_eq!(part(STRIKE, word), word["word"].as_str().unwrap());
        assert!(!without.contains(word["word"].as_str().unwrap()));
    }
    let text = "زار الوزير سوق الخضار في المدينة";
    let told = folder
        .marsad(&["explain", "--text", text, "--against", "airstrike"])
        .done()
        .out;
    assert!(
        told.contains("airstrike does not hold") && told.contains("Missing is"),
        "{told}"
    );
    // A parent falls when all under it do.
    let text = "سيطر المسلحون على البلدة واعتقلوا عشرة مدنيين";
    let rows = folder
        .marsad(&["explain", "--text", text, "--against", "capture", "--json"])
        .done()
        .json_rows();
    assert_eq!(rows[0]["against"][0]["label"], "capture");
}

#[test]
fn people_see_words_features_and_what_is_not_listed() {
    let folder = Folder::new();
    let out = folder
        .marsad(&["explain", "--text", STRIKE, "--features", "4"])
        .done()
        .out;
    for part in [
        STRIKE,
        "probability",
        "airstrike holds",
        "evidence: ",
        "غارات",
        "more",
        "family",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let table = out
        .lines()
        .skip_while(|line| !line.contains("family"))
        .skip(1);
    assert_eq!(
        table.take_while(|line| !line.is_empty()).count(),
        5,
        "{out}"
    );
    // Only what is asked for, be it a parent.
    let rows = folder
        .marsad(&["explain", "--text", STRIKE, "--label", "capture", "--json"])
        .done()
        .json_rows();
    let names: Vec<&str> = rows[0]["labels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["label"].as_str().unwrap())
        .collect();
    assert!(
        !names.is_empty() && names.iter().all(|name| name.starts_with("capture.")),
        "{names:?}"
    );
}

#[test]
fn a_page_needs_nothing_from_elsewhere() {
    let folder = Folder::new();
    folder.write(
        "a.jsonl",
        format!(
            "{}\n",
            serde_json::json!({"id": "<b>1", "text": format!("{STRIKE} <script>")})
        ),
    );
    folder
        .marsad(&["explain", "a.jsonl", "--html", "-o", "a.html"])
        .done();
    let page = std::fs::read_to_string(folder.path("a.html")).unwrap();
    for part in [
        "<style>",
        "dir=\"auto\"",
        "background:rgba(",
        "&lt;script&gt;",
        "&lt;b&gt;1",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for part in ["<script", "http", "url("] {
        assert!(!page.contains(part), "{part}: {page}");
    }
}

#[test]
fn a_page_lists_as_many_features_as_asked_for() {
    let folder = Folder::new();
    let rows = |more: &[&str]| {
        let arguments = [
            "explain",
            "--text",
            STRIKE,
            "--label",
            "airstrike",
            "--html",
        ];
        let page = folder.marsad(&[&arguments[..], more].concat()).done().out;
        page.matches("marsad-value\">").count()
    };
    assert_eq!(rows(&[]), 12);
    assert_eq!(rows(&["--features", "3"]), 3);
    assert_eq!(rows(&["--features", "30"]), 30);
}

#[test]
fn signs_that_turn_directions_are_shown_on_a_page() {
    let folder = Folder::new();
    let text = "شنت طائرات\u{202E} حربية غا\u{2067}رات على \u{2069}المدينة";
    let row = serde_json::json!({"id": "a\u{202E}b", "text": text});
    let broken = serde_json::json!({"id": "c\u{202D}d", "text": 1});
    folder.write("a.jsonl", format!("{row}\n{broken}\n"));
    let arguments = ["explain", "a.jsonl", "--html", "--against", "airstrike"];
    let run = folder.marsad(&arguments);
    assert_eq!(run.status, 1, "{}", run.err);
    let shown = |sign: &str| format!("<span class=\"sign\">{sign}</span>");
    for sign in ["U+202E", "U+202D", "U+2067", "U+2069"] {
        assert!(run.out.contains(&shown(sign)), "{sign}: {}", run.out);
    }
    for sign in ['\u{202D}', '\u{202E}', '\u{2067}'] {
        assert!(!run.out.contains(sign), "{}", run.out);
    }
    // Those that stand around words of our own sentences come in pairs.
    let isolates = |sign: char| run.out.matches(sign).count();
    assert_eq!(isolates('\u{2068}'), isolates('\u{2069}'));
}

#[test]
fn what_cannot_be_explained_is_told_in_one_line() {
    let folder = Folder::new();
    folder
        .marsad(&["explain", "none.txt"])
        .refused(&["none.txt"]);
    folder.write("model", "no model");
    folder
        .marsad(&["explain", "--text", "x", "-m", "model"])
        .refused(&["model"]);
    folder
        .marsad(&["explain", "--text", "x", "--label", "storm"])
        .refused(&["storm", "airstrike"]);
    folder
        .marsad(&["explain", "--text", "x", "--against", "storm"])
        .refused(&["storm"]);
    folder.write("a.csv", "body\nx\n");
    folder
        .marsad(&["explain", "a.csv"])
        .refused(&["a.csv", "text"]);
    folder.write("a.jsonl", "{\"text\":\"قصف\"}\n{\"text\":1}\n");
    folder
        .marsad(&["explain", "a.jsonl", "-o", "a.jsonl"])
        .refused(&["a.jsonl"]);
    for form in [&["--json"][..], &["--html"], &[]] {
        let run = folder.marsad(&[&["explain", "a.jsonl"], form].concat());
        assert_eq!(run.status, 1, "{run:?}");
        assert!(
            run.out.contains("is not a string") && run.err.contains("1 row could not be read"),
            "{run:?}"
        );
    }
    folder.write("empty.txt", "");
    let run = folder.marsad(&["explain", "empty.txt"]).done();
    assert_eq!(
        (run.out.as_str(), run.err.as_str()),
        (
            "",
            "marsad: there was nothing to explain: no row and no line of text was found\n"
        )
    );
    let run = folder.marsad(&["explain", "--text", ""]).done();
    assert!(run.out.contains("probability"), "{}", run.out);
}

#[test]
fn trees_say_what_they_cannot() {
    let folder = Folder::new();
    folder.write("c.jsonl", support::small_corpus());
    folder
        .marsad(&[
            "train",
            "c.jsonl",
            "-o",
            "m",
            "--learner",
            "linfa-tree",
            "--folds",
            "2",
        ])
        .done();
    let text = "شنت طائرات غارات على حلب";
    let out = folder
        .marsad(&["explain", "-m", "m", "--text", text, "--label", "air"])
        .done()
        .out;
    assert!(out.contains("A model of trees has no shares"), "{out}");
    let rows = folder
        .marsad(&[
            "explain",
            "-m",
            "m",
            "--text",
            text,
            "--json",
            "--against",
            "air",
        ])
        .done()
        .json_rows();
    assert_eq!(rows[0]["method"], "leave_one_out");
    assert_eq!(label(&rows[0], "air")["bias"], Value::Null);
}

/// In how many sentences of the bundled corpus a folded word stands.
fn sentences_with(word: &str) -> usize {
    let corpus = marsad::corpus::read_bundled(&marsad::corpus::CorpusReader::default()).unwrap();
    let pipeline = marsad::text::TextPipeline::default();
    let mut tokens = marsad::text::Tokens::default();
    let mut holds = |text: &str| {
        pipeline.tokenize_into(text, &mut tokens);
        (0..tokens.len()).any(|token| tokens.form(token) == word)
    };
    corpus
        .records()
        .iter()
        .filter(|record| holds(&record.text))
        .count()
}

#[test]
fn inspect_counts_the_sentences_of_features() {
    let folder = Folder::new();
    let json = folder
        .marsad(&["inspect", "--json", "--against", "--features", "3000"])
        .done()
        .out;
    let model: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(model["counts_are_estimates"], false);
    for (list, sign) in [("strongest_features", 1.0), ("strongest_against", -1.0)] {
        let listed = model[list]["airstrike"].as_array().unwrap();
        assert_eq!(listed.len(), 3000);
        assert!(
            listed
                .iter()
                .all(|f| sign * f["effect"].as_f64().unwrap() > 0.0)
        );
    }
    let listed = model["strongest_features"]["airstrike"].as_array().unwrap();
    let word = listed
        .iter()
        .find(|feature| feature["family"] == "word")
        .unwrap();
    let counted = sentences_with(word["feature"].as_str().unwrap());
    assert_eq!(word["sentences"], counted, "{word}");
    assert!(counted > 1);
}

#[test]
fn inspect_shows_tables_of_features() {
    let folder = Folder::new();
    let out = folder
        .marsad(&[
            "inspect",
            "--features",
            "8",
            "--label",
            "airstrike",
            "--against",
        ])
        .done()
        .out;
    assert!(
        out.contains("Strongest for airstrike") && out.contains("Strongest against airstrike"),
        "{out}"
    );
    assert!(!out.contains("Strongest for execution"), "{out}");
    let rows: Vec<&str> = out
        .lines()
        .skip_while(|line| !line.starts_with("Strongest for"))
        .skip(3)
        .take(8)
        .collect();
    // Cells of figures end in the same column, a column for each letter.
    let widths: Vec<usize> = rows
        .iter()
        .map(|row| {
            row.chars()
                .filter(|c| !('\u{64B}'..='\u{65F}').contains(c))
                .count()
        })
        .collect();
    assert!(widths.iter().all(|width| *width == widths[0]), "{rows:#?}");
    folder
        .marsad(&["inspect", "--label", "storm"])
        .refused(&["storm"]);
}
