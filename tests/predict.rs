//! `marsad predict` as its users call it.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use support::{Folder, repository};

const AIR: &str = "شنّت الطائرات الحربية عدة غارات جوية على أطراف البلدة";
const NONE: &str = "عقد المجلس المحلي اجتماعاً لمناقشة ترميم المدارس";

fn labels(row: &serde_json::Value) -> Vec<&str> {
    row["labels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|label| label.as_str().unwrap())
        .collect()
}

#[test]
fn articles_give_one_row_a_sentence_with_offsets_that_slice_the_file() {
    let folder = Folder::new();
    for name in ["syria-front", "sudan-two-cities", "yemen-coast"] {
        let path = repository(&format!("data/samples/{name}.txt"));
        let content = std::fs::read(&path).unwrap();
        let gold = std::fs::read_to_string(path.with_extension("gold.jsonl")).unwrap();
        let gold: Vec<serde_json::Value> = gold
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let run = folder.marsad(&["predict", path.to_str().unwrap()]).done();
        let rows = run.json_rows();
        let texts: Vec<&str> = rows.iter().map(|r| r["text"].as_str().unwrap()).collect();
        let expected: Vec<&str> = gold.iter().map(|r| r["text"].as_str().unwrap()).collect();
        assert_eq!(texts, expected, "{name}");
        let file_lines: Vec<&str> = std::str::from_utf8(&content).unwrap().lines().collect();
        for row in &rows {
            let at = |field: &str| row[field].as_u64().unwrap() as usize;
            assert_eq!(
                &content[at("start")..at("end")],
                row["text"].as_str().unwrap().as_bytes()
            );
            assert!(file_lines[at("line") - 1].contains(row["text"].as_str().unwrap()));
            assert_eq!(row["id"], format!("{}:{}", path.display(), at("line")));
            let evidence = row["evidence"].as_object().unwrap();
            assert_eq!(evidence.keys().collect::<Vec<_>>(), labels(row));
            for span in evidence.values() {
                let (from, to) = (
                    span[0].as_u64().unwrap() as usize,
                    span[1].as_u64().unwrap() as usize,
                );
                assert!(at("start") <= from && from < to && to <= at("end"));
                std::str::from_utf8(&content[from..to]).unwrap();
            }
        }
    }
}

/// What the evidence of labels in the samples must show, in the order of the sentences.
const EVIDENCE: &[(&str, &str, &str)] = &[
    ("yemen-coast.txt", "airstrike", "تقصف"),
    ("yemen-coast.txt", "clash", "معارك"),
    ("yemen-coast.txt", "capture.person", "سلموا انفسهم"),
    ("yemen-coast.txt", "capture.territory", "دخلت البلدة"),
    ("yemen-coast.txt", "shelling", "قصف بمدافعه"),
    ("yemen-coast.txt", "airstrike", "غارات"),
    ("yemen-coast.txt", "shelling", "باطلاق صاروخين"),
    ("yemen-coast.txt", "execution", "واعدموهما شنقا"),
    ("yemen-coast.txt", "capture.person", "خطفته"),
    ("yemen-coast.txt", "execution", "قطعت كذلك راس"),
    (
        "sudan-two-cities.txt",
        "capture.territory",
        "استعادت القوات",
    ),
    ("sudan-two-cities.txt", "clash", "مواجهات"),
    ("sudan-two-cities.txt", "capture.person", "أسروا"),
    ("sudan-two-cities.txt", "shelling", "بقذائف الهاون"),
    ("sudan-two-cities.txt", "capture.person", "باختطاف"),
    ("sudan-two-cities.txt", "execution", "ذبح"),
    ("syria-front.txt", "airstrike", "برميلين"),
    ("syria-front.txt", "capture.person", "اقتادوا"),
    ("syria-front.txt", "shelling", "صاروخاً موجّهاً"),
];

#[test]
fn evidence_shows_the_event() {
    let folder = Folder::new();
    for name in ["yemen-coast.txt", "sudan-two-cities.txt", "syria-front.txt"] {
        let path = repository("data/samples").join(name);
        let text = std::fs::read(&path).unwrap();
        let run = folder.marsad(&["predict", path.to_str().unwrap()]).done();
        let mut shown = Vec::new();
        for row in run.json_rows() {
            for (label, span) in row["evidence"].as_object().unwrap() {
                let at = |end: usize| span[end].as_u64().unwrap() as usize;
                let evidence = String::from_utf8(text[at(0)..at(1)].to_vec()).unwrap();
                shown.push((label.clone(), evidence));
            }
        }
        for (_, label, words) in EVIDENCE.iter().filter(|(file, ..)| *file == name) {
            let found = shown
                .iter()
                .any(|(of, evidence)| of == label && evidence.contains(words));
            assert!(found, "{name}: no evidence of {label} shows {words:?}");
        }
    }
}

#[test]
fn page_furniture_is_marked_and_carries_no_label() {
    let folder = Folder::new();
    let text = format!("{AIR}.\nالمصدر : الجزيرة + وكالات\nاقرأ أيضاً: غارات جوية على حلب\n{AIR}.\n");
    folder.write("page.txt", text);
    let rows = folder.marsad(&["predict", "page.txt"]).done().json_rows();
    let furniture: Vec<_> = rows.iter().map(|row| row["furniture"].as_str()).collect();
    assert_eq!(
        furniture,
        [None, Some("source"), Some("related"), Some("repeated")]
    );
    assert_eq!(labels(&rows[0]), ["airstrike"]);
    assert!(labels(&rows[1]).is_empty());
    assert_eq!(
        labels(&rows[2]),
        ["airstrike"],
        "a headline that is linked to is a headline"
    );
    assert_eq!(labels(&rows[3]), ["airstrike"]);
}

#[test]
fn every_row_has_its_row_in_order_and_errors_say_so() {
    let folder = Folder::new();
    let mut input = format!("{{\"id\":7,\"text\":\"{AIR}\",\"n\":1}}\n").into_bytes();
    input.extend(b"not json\n");
    input.extend(b"{\"id\":\"x\",\"body\":\"\"}\n");
    input.extend(b"{\"text\":\"\xff\"}\n\n");
    input.extend(format!("{{\"text\":\"{NONE}\",\"doc\":\"d\"}}").bytes());
    folder.write("in.jsonl", &input);
    let run = folder.marsad(&["predict", "in.jsonl", "--keep", "n"]);
    assert_eq!(run.status, 1);
    assert_eq!(
        run.err,
        "marsad: 3 rows could not be read; each has its error in the output\n"
    );
    let rows = run.json_rows();
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["7", "in.jsonl:2", "x", "in.jsonl:4", "in.jsonl:6"]);
    assert_eq!(labels(&rows[0]), ["airstrike"]);
    assert_eq!(rows[0]["input"]["n"], 1);
    assert!(
        rows[1]["error"]
            .as_str()
            .unwrap()
            .contains("not a JSON object")
    );
    assert!(rows[2]["error"].as_str().unwrap().contains("\"text\""));
    assert!(rows[3]["error"].as_str().unwrap().contains("UTF-8"));
    assert_eq!(rows[4]["doc"], "d");
    assert!(labels(&rows[4]).is_empty());
}

#[test]
fn json_fields_stand_in_the_documented_order() {
    let folder = Folder::new();
    let input = format!("{{\"id\":\"a\",\"text\":\"{AIR}\"}}\n");
    let run = folder.marsad_with(&["predict"], input.as_bytes()).done();
    let fields = [
        "id", "doc", "line", "start", "end", "text", "labels", "scores", "evidence",
    ];
    let row = &run.json_rows()[0];
    assert_eq!(row.as_object().unwrap().keys().collect::<Vec<_>>(), fields);
    let all = [
        "airstrike",
        "capture",
        "capture.person",
        "capture.territory",
        "clash",
        "execution",
        "shelling",
    ];
    assert_eq!(
        row["scores"]
            .as_object()
            .unwrap()
            .keys()
            .collect::<Vec<_>>(),
        all
    );
    assert_eq!(row["end"].as_u64().unwrap() as usize, AIR.len());
}

#[test]
fn tables_are_read_and_written() {
    let folder = Folder::new();
    folder.write(
        "in.csv",
        format!("\u{FEFF}nr,source,text\r\n1,\"a, b\",\"{AIR}\"\r\n2,c,{NONE}\r\n3,d\r\n"),
    );
    let run = folder.marsad(&[
        "predict",
        "in.csv",
        "--id-field",
        "nr",
        "--keep",
        "source",
        "--to",
        "csv",
    ]);
    assert_eq!(run.status, 1);
    let mut reader = csv::Reader::from_reader(run.out.as_bytes());
    let header: Vec<&str> = "id,doc,line,start,end,text,labels,score.airstrike,score.capture,score.capture.person,\
        score.capture.territory,score.clash,score.execution,score.shelling,evidence.airstrike,evidence.capture,\
        evidence.capture.person,evidence.capture.territory,evidence.clash,evidence.execution,evidence.shelling,\
        furniture,error,input.source"
        .split(',')
        .collect();
    assert_eq!(reader.headers().unwrap(), header);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(
        (&rows[0][0], &rows[0][6], &rows[0][23]),
        ("1", "airstrike", "a, b")
    );
    assert_eq!((&rows[1][0], &rows[1][6]), ("2", "none"));
    assert_eq!(
        (&rows[2][0], &rows[2][22]),
        ("in.csv:4", "2 fields where 3 are expected")
    );

    folder.write("in.tsv", format!("politics\t{NONE}\nwar\t\"{AIR}\n"));
    let run = folder.marsad(&["predict", "in.tsv", "--to", "tsv"]).done();
    let lines: Vec<Vec<&str>> = run
        .out
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|cells| cells.len() == 23));
    assert_eq!(lines[2][5], format!("\"{AIR}"));
    assert_eq!(lines[2][6], "airstrike");
}

#[test]
fn compressed_files_marks_and_line_ends_are_read_through() {
    let folder = Folder::new();
    let text = format!("\u{FEFF}{AIR}\r\n{NONE}\r\n");
    folder.write("plain.txt", &text);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    folder.write("packed.txt.gz", gzip.finish().unwrap());
    let frame = |part: &str| {
        ruzstd::encoding::compress_to_vec(
            part.as_bytes(),
            ruzstd::encoding::CompressionLevel::Fastest,
        )
    };
    // Two frames and a skippable one between them, as parallel compressors write.
    let (first, second) = text.split_at(text.find(NONE).unwrap());
    let mut zstd = frame(first);
    zstd.extend([0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    zstd.extend(frame(second));
    folder.write("packed.txt.zst", &zstd);
    let without_names = |name: &str| {
        folder
            .marsad(&["predict", name])
            .done()
            .out
            .replace(name, "")
    };
    let plain = without_names("plain.txt");
    assert_eq!(plain.lines().count(), 2);
    assert!(plain.starts_with("{\"id\":\":1\",\"doc\":\"\",\"line\":1,\"start\":3,"));
    assert_eq!(without_names("packed.txt.gz"), plain);
    assert_eq!(without_names("packed.txt.zst"), plain);

    zstd.truncate(zstd.len() - 9);
    folder.write("cut.txt.zst", &zstd);
    folder
        .marsad(&["predict", "cut.txt.zst", "-o", "out"])
        .refused(&["cut.txt.zst"]);
    assert!(!folder.path("out").exists());
}

#[test]
fn rows_are_split_only_when_asked() {
    let folder = Folder::new();
    let input = format!("{{\"id\":\"a\",\"text\":\"{AIR}. {NONE}.\"}}\n");
    folder.write("in.jsonl", &input);
    assert_eq!(
        folder
            .marsad(&["predict", "in.jsonl"])
            .done()
            .json_rows()
            .len(),
        1
    );
    let rows = folder
        .marsad(&["predict", "in.jsonl", "--split", "yes"])
        .done()
        .json_rows();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1]["start"].as_u64().unwrap() as usize, AIR.len() + 2);
    assert_eq!(labels(&rows[0]), ["airstrike"]);
    folder.write("in.txt", format!("{AIR}. {NONE}.\n\n"));
    assert_eq!(
        folder
            .marsad(&["predict", "in.txt", "--split", "no"])
            .done()
            .json_rows()
            .len(),
        2
    );
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let folder = Folder::new();
    let corpus = repository("data/corpus/short-and-retold.jsonl");
    let corpus = corpus.to_str().unwrap();
    let run = |threads| {
        folder
            .marsad(&["predict", corpus, "--threads", threads])
            .done()
            .out
    };
    let one = run("1");
    assert_eq!(one.lines().count(), 882);
    assert_eq!(one, run("2"));
    assert_eq!(one, run("5"));
}

#[test]
fn threads_and_blocks_leave_no_trace_in_long_input() {
    let folder = Folder::new();
    let mut text = String::new();
    let mut rows = String::new();
    // Several blocks for one thread; sentences repeat across them, and bad rows stand in between.
    for number in 0..12_000 {
        let sentence = format!("{} رقم {}", [AIR, NONE][number % 2], number % 7_000);
        text += &format!("{sentence}. وقال شهود إن القصف استمر.\n");
        rows += &match number % 1000 {
            7 => "{\"text\": \n".to_owned(),
            8 => "\n".to_owned(),
            _ => format!("{{\"id\":{number},\"text\":\"{sentence}\\n\"}}\n"),
        };
    }
    assert!(text.len() > 1 << 20 && rows.len() > 1 << 20);
    folder.write("in.txt", &text);
    folder.write("in.jsonl", &rows);
    for (input, to) in [
        ("in.txt", "jsonl"),
        ("in.txt", "tsv"),
        ("in.txt", "table"),
        ("in.jsonl", "jsonl"),
    ] {
        let run = |threads| folder.marsad(&["predict", input, "--to", to, "--threads", threads]);
        let one = run("1");
        for threads in ["2", "5"] {
            let more = run(threads);
            assert_eq!((more.status, &more.err), (one.status, &one.err));
            assert!(
                more.out == one.out,
                "{input} to {to} with {threads} threads"
            );
        }
    }
    let repeated = folder.marsad(&["predict", "in.txt"]).done().json_rows();
    assert_eq!(repeated.len(), 24_000);
    let marked: Vec<bool> = repeated
        .iter()
        .map(|row| row["furniture"] == "repeated")
        .collect();
    let first = |number: usize| number < 7_000;
    assert!((0..12_000).all(|number| marked[2 * number] != first(number)));
    assert!((0..12_000).all(|number| marked[2 * number + 1] == (number > 0)));
    let labelled = folder.marsad(&["predict", "in.jsonl"]);
    assert_eq!(
        labelled.err,
        "marsad: 12 rows could not be read; each has its error in the output\n"
    );
    let mut rows = labelled.json_rows().into_iter();
    for number in (0..12_000).filter(|number| number % 1000 != 8) {
        let row = rows.next().unwrap();
        if number % 1000 == 7 {
            assert_eq!(row["id"], format!("in.jsonl:{}", number + 1));
            assert!(row["error"].as_str().unwrap().contains("at column"));
        } else {
            assert_eq!(row["id"], number.to_string());
        }
    }
    assert!(rows.next().is_none());
}

#[test]
fn a_row_that_cannot_be_read_is_told_in_the_singular() {
    let folder = Folder::new();
    let run = folder.marsad_with(&["predict", "--from", "jsonl"], b"x");
    assert_eq!(
        run.err,
        "marsad: 1 row could not be read; it has its error in the output\n"
    );
}

#[test]
fn output_files_are_whole_or_absent() {
    let folder = Folder::new();
    folder.write("in.txt", AIR);
    folder
        .marsad(&["predict", "in.txt", "-o", "out.jsonl"])
        .done();
    let written = std::fs::read_to_string(folder.path("out.jsonl")).unwrap();
    assert_eq!(written, folder.marsad(&["predict", "in.txt"]).done().out);
    folder
        .marsad(&["predict", "in.txt", "missing.txt", "-o", "other"])
        .refused(&["missing.txt"]);
    assert_eq!(folder.names(), ["in.txt", "out.jsonl"]);
}

#[test]
fn a_broken_pipe_ends_quietly() {
    let folder = Folder::new();
    let corpus = repository("data/corpus/syria.jsonl");
    for format in ["jsonl", "csv", "tsv", "table"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_marsad"))
            .args(["predict", corpus.to_str().unwrap(), "--to", format])
            .current_dir(folder.path("."))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{format}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{format}");
        assert!(!line.is_empty());
    }
}

#[test]
fn news_with_its_source_before_it_is_no_furniture() {
    let folder = Folder::new();
    for line in [
        "مراسلنا: قصف مدفعي على بلدة اللطامنة",
        "المصدر الطبي: مقتل خمسة مدنيين في غارة للطيران على دوما",
        "نقلا عن ناشطين: غارات جوية مكثفة على دوما ومقتل عشرة",
    ] {
        folder.write("in.txt", line);
        let rows = folder.marsad(&["predict", "in.txt"]).done().json_rows();
        assert!(!labels(&rows[0]).is_empty(), "{line}");
        assert!(rows[0].get("furniture").is_none(), "{line}");
    }
}

#[test]
fn a_quote_that_never_closes_is_an_error_and_not_a_text() {
    let folder = Folder::new();
    folder.write("in.csv", format!("id,text\n1,{AIR}\n2,\"{AIR}\n3,{NONE}\n"));
    let run = folder.marsad(&["predict", "in.csv"]);
    assert_eq!(run.status, 1);
    let rows = run.json_rows();
    assert_eq!(rows.len(), 2);
    assert!(
        rows[1]["error"]
            .as_str()
            .unwrap()
            .starts_with("line 3: the quote")
    );
}

#[test]
fn formats_are_known_behind_a_mark_and_empty_lines() {
    let folder = Folder::new();
    folder.write(
        "rows",
        format!("\u{FEFF}\n\n  {{\"id\":\"a\",\"text\":\"{AIR}\"}}\n"),
    );
    let rows = folder.marsad(&["predict", "rows"]).done().json_rows();
    assert_eq!(rows[0]["text"], AIR);
}

#[test]
fn rows_without_text_keep_their_row_when_split() {
    let folder = Folder::new();
    folder.write(
        "in.jsonl",
        "{\"id\":1,\"text\":\"\"}\n{\"id\":2,\"text\":\"  \"}\n",
    );
    let rows = folder
        .marsad(&["predict", "in.jsonl", "--split", "yes"])
        .done()
        .json_rows();
    assert_eq!(rows.len(), 2);
}

#[test]
fn ids_that_would_change_are_errors() {
    let folder = Folder::new();
    let row = format!("{{\"id\":123456789012345678901234567890,\"text\":\"{AIR}\"}}\n");
    let run = folder.marsad_with(&["predict"], row.as_bytes());
    assert_eq!(run.status, 1);
    assert!(
        run.json_rows()[0]["error"]
            .as_str()
            .unwrap()
            .contains("in quotes")
    );
}

#[test]
fn long_input_is_read_in_time_that_grows_with_it() {
    let folder = Folder::new();
    // Marks without a space between them once made the splitter read all before each of them.
    folder.write("marks.txt", "ا.".repeat(300_000));
    let rows = folder.marsad(&["predict", "marks.txt"]).done().json_rows();
    assert_eq!(
        rows.iter()
            .map(|row| row["text"].as_str().unwrap().len())
            .sum::<usize>(),
        900_000
    );
}

#[cfg(unix)]
#[test]
fn devices_and_links_stay_what_they_are() {
    let folder = Folder::new();
    folder.write("in.txt", AIR);
    folder
        .marsad(&["predict", "in.txt", "-o", "/dev/null"])
        .done();
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    folder.write("file", "old");
    std::os::unix::fs::symlink("file", folder.path("link")).unwrap();
    folder.marsad(&["predict", "in.txt", "-o", "link"]).done();
    assert!(
        std::fs::symlink_metadata(folder.path("link"))
            .unwrap()
            .is_symlink()
    );
    assert!(
        std::fs::read_to_string(folder.path("file"))
            .unwrap()
            .starts_with('{')
    );
}

#[test]
fn people_get_labels_before_the_sentence() {
    let folder = Folder::new();
    folder.write("in.txt", format!("{AIR}\n{NONE}\n"));
    let run = folder
        .marsad(&["predict", "in.txt", "--to", "table"])
        .done();
    let lines: Vec<&str> = run.out.lines().collect();
    assert!(lines[0].starts_with("airstrike ") && lines[0].ends_with(AIR));
    assert!(lines[1].starts_with('–') && lines[1].ends_with(NONE));
    assert!(!run.out.contains('\u{1b}'));
}

#[test]
fn empty_input_gives_empty_output() {
    let folder = Folder::new();
    for name in ["empty.txt", "empty.jsonl", "empty.tsv"] {
        folder.write(name, "");
        assert_eq!(folder.marsad(&["predict", name]).done().out, "");
    }
    folder.write("rows.jsonl", "{\"text\":\"\"}\n{\"text\":\" ؟؟ 😀 \"}\n");
    let rows = folder.marsad(&["predict", "rows.jsonl"]).done().json_rows();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| labels(row).is_empty()));
}
