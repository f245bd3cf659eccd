//! Files that no one writes by hand: endless lines, empty rows, signs only. All rows come out, in
//! order, in memory that does not grow with the file.

mod support;

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Command, Stdio};

use support::Folder;

const SENTENCE: &str = "شنّت الطائرات الحربية عدة غارات جوية على أطراف البلدة";

/// Feeds a run of the program and hands on its lines; gives its peak memory in bytes, where the
/// system tells it.
fn labelled(
    arguments: &[&str],
    write: impl FnOnce(&mut dyn Write) + Send + 'static,
    mut line: impl FnMut(usize, &str),
) -> Option<u64> {
    let folder = Folder::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_marsad"))
        .args(["predict", "--threads", "2"])
        .args(arguments)
        .current_dir(folder.path("."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let writer = std::thread::spawn(move || write(&mut BufWriter::new(input)));
    let mut peak = None;
    for (number, text) in BufReader::new(output).lines().enumerate() {
        // While there is output to read the process is still there to ask.
        if number % 20_000 == 0 {
            peak = peak_memory(child.id()).or(peak);
        }
        line(number, &text.unwrap());
    }
    writer.join().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    peak
}

fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes << 10)
}

fn assert_within(peak: Option<u64>, megabytes: u64) {
    if let Some(peak) = peak {
        assert!(peak < megabytes << 20, "{} MB", peak >> 20);
    }
}

#[test]
fn a_million_empty_rows() {
    const ROWS: usize = 1_000_000;
    let mut rows = 0;
    let peak = labelled(
        &["--from", "jsonl", "--to", "tsv"],
        |input| (0..ROWS).for_each(|_| input.write_all(b"{\"text\":\"\"}\n").unwrap()),
        |number, line| {
            if number > 0 {
                assert!(
                    line.starts_with(&format!("-:{number}\t-\t{number}\t0\t0\t\tnone\t")),
                    "{line}"
                );
                rows += 1;
            }
        },
    );
    assert_eq!(rows, ROWS);
    assert_within(peak, 200);
}

#[test]
fn empty_lines_of_text_give_no_row_and_those_between_keep_their_place() {
    let mut lines = Vec::new();
    let peak = labelled(
        &["--to", "tsv"],
        |input| {
            for _ in 0..4 {
                (0..500_000).for_each(|_| input.write_all(b"\n").unwrap());
                input.write_all(SENTENCE.as_bytes()).unwrap();
            }
        },
        |_, line| {
            lines.push(
                line.split('\t')
                    .take(4)
                    .map(str::to_owned)
                    .collect::<Vec<_>>(),
            )
        },
    );
    let places = (1..=4).map(|row| {
        let start = row * 500_000 + (row - 1) * SENTENCE.len();
        let line = (row * 500_000 + 1).to_string();
        [format!("-:{line}"), "-".to_owned(), line, start.to_string()].to_vec()
    });
    assert_eq!(lines[1..], places.collect::<Vec<_>>());
    assert_within(peak, 200);
}

#[test]
fn a_line_of_fifty_megabytes_between_short_ones() {
    const REPEATS: usize = 50_000_000 / (SENTENCE.len() + 2);
    let (mut rows, mut last) = (0, String::new());
    let peak = labelled(
        &["--to", "tsv"],
        |input| {
            input.write_all(format!("{SENTENCE}\n").as_bytes()).unwrap();
            (0..REPEATS).for_each(|_| input.write_all(format!("{SENTENCE}. ").as_bytes()).unwrap());
            input
                .write_all(format!("\nآخر سطر {SENTENCE}").as_bytes())
                .unwrap();
        },
        |_, line| {
            rows += 1;
            line.clone_into(&mut last);
        },
    );
    assert_eq!(rows, 1 + 1 + REPEATS + 1);
    assert!(
        last.starts_with("-:3\t-\t3\t") && last.contains("آخر سطر"),
        "{last}"
    );
    assert_within(peak, 400);
}

#[test]
fn a_row_of_many_megabytes_is_one_sentence() {
    const WORDS: usize = 1_000_000;
    let mut sizes = Vec::new();
    labelled(
        &["--from", "jsonl"],
        |input| {
            input
                .write_all("{\"text\":\"كلمة\"}\n{\"text\":\"".as_bytes())
                .unwrap();
            (0..WORDS).for_each(|_| input.write_all("كلمة ".as_bytes()).unwrap());
            input
                .write_all("\"}\n{\"text\":\"كلمة\"}".as_bytes())
                .unwrap();
        },
        |_, line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            sizes.push(row["text"].as_str().unwrap().chars().count());
        },
    );
    assert_eq!(sizes, [4, 5 * WORDS, 4]);
}

#[test]
fn a_line_of_a_great_many_sentences() {
    // Each of them has a row a hundred times its size.
    const SENTENCES: usize = 300_000;
    let mut rows = 0;
    let peak = labelled(
        &["--to", "jsonl"],
        |input| (0..SENTENCES).for_each(|_| input.write_all("لا؟ ".as_bytes()).unwrap()),
        |_, line| {
            assert!(
                line.starts_with(&format!(
                    "{{\"id\":\"-:1\",\"doc\":\"-\",\"line\":1,\"start\":{},",
                    rows * 7
                )),
                "{line}"
            );
            rows += 1;
        },
    );
    assert_eq!(rows, SENTENCES);
    assert_within(peak, 200);
}

#[test]
fn rows_of_signs_only() {
    let texts = [
        "؟؟؟!!!",
        "😀😀",
        "...",
        "«»()",
        "\u{200F}\u{64B}",
        "،",
        "🇸🇾 ⚠️",
    ];
    let mut found = Vec::new();
    labelled(
        &["--from", "jsonl"],
        move |input| {
            for text in texts {
                input
                    .write_all(format!("{{\"text\":\"{text}\"}}\n").as_bytes())
                    .unwrap();
            }
        },
        |_, line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(row["labels"], serde_json::json!([]));
            found.push(row["text"].as_str().unwrap().to_owned());
        },
    );
    assert_eq!(found, texts);
    let mut lines = 0;
    labelled(
        &["--split", "no", "--to", "tsv"],
        move |input| input.write_all(texts.join("\n").as_bytes()).unwrap(),
        |_, _| lines += 1,
    );
    assert_eq!(lines, 1 + texts.len());
}
