//! Bad input: one clear line, exit status 2, nothing written.

mod support;

use support::{Folder, repository, small_corpus};

/// Runs a training that must be refused, and checks that nothing was written.
fn refused_training(corpus: impl AsRef<[u8]>, name: &str, more: &[&str], words: &[&str]) {
    let folder = Folder::new();
    folder.write(name, corpus);
    let mut arguments = vec!["train", name, "-o", "model"];
    arguments.extend(more);
    folder.marsad(&arguments).refused(words);
    assert_eq!(folder.names(), [name]);
}

#[test]
fn missing_files() {
    let folder = Folder::new();
    let missing = |arguments: &[&str], name| folder.marsad(arguments).refused(&[name]);
    missing(&["train", "no.jsonl"], "no.jsonl");
    missing(&["predict", "no.txt"], "no.txt");
    missing(&["evaluate", "no.jsonl"], "no.jsonl");
    missing(&["inspect", "no.safetensors"], "no.safetensors");
    missing(&["predict", "-m", "no.safetensors"], "no.safetensors");
    missing(&["train", "--config", "no.toml"], "no.toml");
    assert_eq!(folder.names(), Vec::<String>::new());
}

#[test]
fn corpora_without_anything_to_learn() {
    refused_training("", "c.jsonl", &[], &["empty"]);
    refused_training("text,labels\n", "c.csv", &[], &["empty"]);
    refused_training(
        "{\"text\":\"نص\"}\n",
        "c.jsonl",
        &[],
        &["empty", "1 rows without annotation"],
    );
    let one_class: String = (0..20)
        .map(|i| format!("{{\"text\":\"غارة {i}\",\"labels\":[\"air\"]}}\n"))
        .collect();
    refused_training(&one_class, "c.jsonl", &[], &["only one class", "air"]);
    refused_training(
        &one_class,
        "c.jsonl",
        &["--single-label"],
        &["only one class"],
    );
    let all_none = one_class.replace("[\"air\"]", "[]");
    refused_training(all_none, "c.jsonl", &[], &["annotated as none"]);
    refused_training("a\tنص\nb\tآخر\n", "c.tsv", &[], &["2 documents", "5 folds"]);
}

#[test]
fn rows_that_cannot_be_understood_name_file_and_line() {
    let good = "{\"text\":\"نص\",\"labels\":[]}\n";
    let row = |bad: &str, words: &[&str]| {
        refused_training(format!("{good}{bad}\n"), "c.jsonl", &[], words);
    };
    row(
        "{\"text\":1,\"labels\":[]}",
        &["c.jsonl, line 2", "not a string"],
    );
    row("{\"labels\":[]}", &["c.jsonl, line 2", "no field \"text\""]);
    row(
        "{\"text\":\"a\",\"labels\":{}}",
        &["c.jsonl, line 2", "neither a list"],
    );
    row(
        "{\"text\":\"a\",\"labels\":[\"x..y\"]}",
        &["c.jsonl, line 2", "x..y"],
    );
    row("oops", &["c.jsonl, line 2", "not a JSON object"]);
    refused_training(
        "text,labels\nنص\n",
        "c.csv",
        &[],
        &["c.csv, line 2", "1 fields where 2"],
    );
    refused_training(
        "body,labels\nنص,x\n",
        "c.csv",
        &[],
        &["c.csv", "body, labels"],
    );
    let odd = "text,air\nا,0\nب,1\nج,0\nد,1\nه,0\nو,maybe\n";
    refused_training(odd, "c.csv", &[], &["c.csv, line 7", "maybe", "air"]);
    let open_quote = "text,labels\n\"نص,x\nنص,y\n";
    refused_training(open_quote, "c.csv", &[], &["c.csv, line 2", "never closed"]);
    row(
        "{\"text\":\"a\",\"labels\":[\"x|y\"]}",
        &["c.jsonl, line 2", "x|y"],
    );
    row(
        "{\"text\":\"a\",\"labels\":[\"\"]}",
        &["c.jsonl, line 2", "without a name"],
    );
    refused_training("text,note\nنص,x\n", "c.csv", &[], &["c.csv", "no column"]);
}

#[test]
fn invalid_utf8_is_told_with_line_and_byte() {
    let mut bytes = b"{\"text\":\"a\",\"labels\":[]}\n{\"text\":\"".to_vec();
    bytes.extend(b"\xd9\xff\"}\n");
    refused_training(&bytes, "c.jsonl", &[], &["c.jsonl, line 2", "byte 10"]);
    refused_training(
        b"text,labels\nab,x\n\xc3(,y\n",
        "c.csv",
        &[],
        &["c.csv, line 3", "byte 1"],
    );
}

#[test]
fn contradictions_name_both_rows() {
    let corpus = small_corpus()
        + "{\"text\":\"نص واحد\",\"labels\":[\"air\"]}\n{\"text\":\"نص واحد\",\"labels\":[]}\n";
    refused_training(
        &corpus,
        "c.jsonl",
        &[],
        &["c.jsonl, line 61", "c.jsonl, line 62", "air against none"],
    );
    let folder = Folder::new();
    folder.write("c.jsonl", &corpus);
    for (how, sentences) in [("keep", "62 annotated"), ("drop", "60 annotated")] {
        let run = folder
            .marsad(&["train", "c.jsonl", "-o", "m", "--contradictions", how])
            .done();
        assert!(run.out.contains(sentences) && run.out.contains("more than one way"));
    }
}

#[test]
fn settings_out_of_bounds_and_unknown_settings() {
    let refused = |toml: &str, words: &[&str]| {
        let folder = Folder::new();
        folder.write("c.jsonl", small_corpus());
        folder.write("s.toml", toml);
        folder
            .marsad(&["train", "c.jsonl", "--config", "s.toml", "-o", "m"])
            .refused(words);
        assert_eq!(folder.names(), ["c.jsonl", "s.toml"]);
    };
    refused("[learner]\nc = -1\n", &["learner.c", "-1"]);
    refused("[learner]\nspeed = 9\n", &["s.toml", "speed"]);
    refused(
        "[features]\nchar_ngram_max = 9\n",
        &["features.char_ngram_max", "9"],
    );
    refused("[training]\nfolds = 1\n", &["folds", "1"]);
    refused("not toml", &["s.toml"]);
    refused("[learner]\nc = nan\n", &["learner.c", "NaN"]);
    refused("[learner]\nc = 1e300\n", &["learner.c"]);
    refused(
        "[learner]\nkind = \"linfa-nb\"\nsmoothing = 0\n",
        &["learner.smoothing"],
    );
    refused(
        "[learner]\nkind = \"linfa-ftrl\"\nc = 0.5\n",
        &["learner.c", "linfa-ftrl"],
    );
    refused("[learner]\ntrees = 100000000\n", &["learner.trees"]);
    refused(
        "[training]\nbootstrap_samples = 99999999999\n",
        &["bootstrap_samples"],
    );
    refused(
        "[features]\nmin_document_frequency = 4294967296\n",
        &["min_document_frequency"],
    );
}

#[test]
fn dense_learners_that_would_need_too_much_memory() {
    let folder = Folder::new();
    let letters: Vec<char> = "بتثجحخدذرزسشصضطظعغفقكلمنهوي".chars().collect();
    let rows: String = (0..600)
        .map(|i| {
            let word: String = [i, i / 7, i / 5, i / 3]
                .map(|n| letters[n % letters.len()])
                .iter()
                .collect();
            format!(
                "{{\"text\":\"غارة {word}\",\"labels\":[{}]}}\n",
                ["", "\"air\""][i % 2]
            )
        })
        .collect();
    folder.write("c.jsonl", rows);
    folder.write("s.toml", "[learner]\nmemory_limit = 1\n");
    for learner in ["linfa-svm", "linfa-logistic", "linfa-forest", "linfa-nb"] {
        let arguments = [
            "train",
            "c.jsonl",
            "--config",
            "s.toml",
            "--learner",
            learner,
            "-o",
            "m",
        ];
        folder
            .marsad(&arguments)
            .refused(&[learner, "MB", "memory_limit"]);
    }
    assert_eq!(folder.names(), ["c.jsonl", "s.toml"]);
}

#[test]
fn folders_that_do_not_exist() {
    let folder = Folder::new();
    folder.write("c.jsonl", small_corpus());
    folder.write("in.txt", "نص");
    let words = ["no/out", "folder does not exist"];
    folder
        .marsad(&["train", "c.jsonl", "-o", "no/out"])
        .refused(&words);
    folder
        .marsad(&["predict", "in.txt", "-o", "no/out"])
        .refused(&words);
    folder
        .marsad(&["train", "c.jsonl", "-o", "."])
        .refused(&["is a folder"]);
    folder.marsad(&["predict", "."]).refused(&["is a folder"]);
    assert_eq!(folder.names(), ["c.jsonl", "in.txt"]);
}

/// A small model's bytes.
fn model(folder: &Folder) -> Vec<u8> {
    folder.write("c.jsonl", small_corpus());
    folder.marsad(&["train", "c.jsonl", "-o", "good"]).done();
    std::fs::read(folder.path("good")).unwrap()
}

#[test]
fn damaged_models_are_refused_by_every_verb() {
    let folder = Folder::new();
    let bytes = model(&folder);
    folder.write("in.txt", "نص");
    folder.write("cut", &bytes[..bytes.len() / 2]);
    let mut flipped = bytes.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    folder.write("flipped", &flipped);
    folder.write("empty", "");
    folder.write("foreign", "this is not a model");
    for name in ["cut", "flipped", "empty", "foreign"] {
        folder
            .marsad(&["predict", "in.txt", "-m", name, "-o", "out"])
            .refused(&[name, "not a usable model"]);
        folder
            .marsad(&["evaluate", "c.jsonl", "-m", name])
            .refused(&[name]);
        folder.marsad(&["inspect", name]).refused(&[name]);
    }
    assert!(!folder.path("out").exists());
}

#[test]
fn models_of_a_newer_version_are_refused_as_such() {
    let folder = Folder::new();
    let text = replaced(
        model(&folder),
        b"\\\"format_version\\\":3",
        b"\\\"format_version\\\":9",
    );
    folder.write("newer", text);
    folder
        .marsad(&["predict", "-m", "newer"])
        .refused(&["newer", "newer Marsad", "update"]);
    let text = replaced(
        model(&folder),
        b"\\\"format_version\\\":3",
        b"\\\"format_version\\\":1",
    );
    folder.write("older", text);
    folder
        .marsad(&["predict", "-m", "older"])
        .refused(&["older", "older Marsad", "train it anew"]);
}

fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let place = bytes
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    bytes[place..place + from.len()].copy_from_slice(to);
    bytes
}

#[test]
fn files_that_are_read_are_not_written_over() {
    let folder = Folder::new();
    folder.write("c.jsonl", small_corpus());
    folder
        .marsad(&["train", "c.jsonl", "-o", "c.jsonl"])
        .refused(&["c.jsonl", "another file"]);
    folder
        .marsad(&["predict", "c.jsonl", "-o", "c.jsonl"])
        .refused(&["c.jsonl", "another file"]);
    assert_eq!(
        std::fs::read_to_string(folder.path("c.jsonl")).unwrap(),
        small_corpus()
    );
}

#[test]
fn messages_stay_short_whatever_the_input() {
    let folder = Folder::new();
    folder.write("long.csv", format!("{}\n", "x".repeat(1 << 20)));
    let run = folder.marsad(&["predict", "long.csv"]);
    run.refused(&["long.csv"]);
    assert!(run.err.len() < 1000);
    folder.write("long.jsonl", format!("\"{}\"\n", "x".repeat(1 << 20)));
    let run = folder.marsad(&["train", "long.jsonl", "-o", "m"]);
    run.refused(&["long.jsonl, line 1"]);
    assert!(run.err.len() < 1000);
}

#[test]
fn aliases_that_name_no_label_are_refused() {
    let folder = Folder::new();
    folder.write("c.jsonl", small_corpus());
    folder.write("a.toml", "[aliases]\nair = \"\"\n");
    folder
        .marsad(&["train", "c.jsonl", "--aliases", "a.toml", "-o", "m"])
        .refused(&["a.toml", "air"]);
}

#[test]
fn evaluation_on_foreign_labels_is_refused() {
    let folder = Folder::new();
    folder.write("c.jsonl", "{\"text\":\"نص\",\"labels\":[\"sports\"]}\n");
    folder
        .marsad(&["evaluate", "c.jsonl"])
        .refused(&["sports", "--aliases"]);
}

#[test]
fn wrong_arguments_end_with_status_two() {
    let folder = Folder::new();
    for arguments in [
        &["frobnicate"][..],
        &["predict", "--to", "xml"],
        &["predict", "--threads", "0"],
        &["train", "--learner", "oracle"],
        &["evaluate"],
        &["evaluate", "c", "--bootstrap", "100000000000"],
        &[],
    ] {
        assert_eq!(folder.marsad(arguments).status, 2, "{arguments:?}");
    }
}

#[test]
fn tables_that_lack_a_field_are_refused() {
    let folder = Folder::new();
    folder.write("in.csv", "body,id\nنص,1\n");
    folder
        .marsad(&["predict", "in.csv"])
        .refused(&["in.csv", "body, id", "--text-field"]);
    folder
        .marsad(&["predict", "in.csv", "--text-field", "body"])
        .done();
    let missing = [
        "predict",
        "in.csv",
        "--text-field",
        "body",
        "--keep",
        "date",
    ];
    folder.marsad(&missing).refused(&["date"]);
}

#[test]
fn fields_of_plain_text_and_foreign_tables_are_refused() {
    let folder = Folder::new();
    folder
        .marsad_with(&["predict", "--keep", "x"], b"text,x\n1,2\n")
        .refused(&["--from"]);
    folder.write("no-format.csv", b"\x89PNG\r\n\x1a\n");
    folder
        .marsad(&["predict", "no-format.csv"])
        .refused(&["no-format.csv", "convert the file to UTF-8"]);
}

#[test]
fn the_shipped_corpus_reads_without_a_finding() {
    let folder = Folder::new();
    let corpus = repository("data/corpus/syria.jsonl");
    let run = folder
        .marsad(&["evaluate", corpus.to_str().unwrap()])
        .done();
    assert_eq!(run.err, "");
}
