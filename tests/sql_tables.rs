//! `marsad sql`: files as tables, whole and broken ones.
#![cfg(feature = "sql")]

#[path = "support/sql.rs"]
mod statements;
mod support;

use serde_json::{Value, json};
use statements::{gzipped, rows, sentence, sql, values};
use support::Folder;

#[test]
fn folders_of_keys_become_columns_and_choose_files() {
    let folder = Folder::new();
    for (day, numbers) in [("2024-01-02", 10..14), ("2024-01-01", 0..4)] {
        let path = folder.path(&format!("archive/day={day}"));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("part-0.jsonl"), rows(numbers)).unwrap();
        std::fs::write(path.join(".part-0.crc"), "x").unwrap();
    }
    folder.write("archive/_SUCCESS", "");
    let all = values(sql(&folder, "SELECT day, nr FROM t", &["-t", "t=archive"]));
    let expected: Vec<Value> = (0..4)
        .map(|nr| json!({"day": "2024-01-01", "nr": nr}))
        .chain((10..14).map(|nr| json!({"day": "2024-01-02", "nr": nr})))
        .collect();
    assert_eq!(all, expected);
    let some = "SELECT nr FROM t WHERE day = '2024-01-02' AND nr > 11";
    assert_eq!(values(sql(&folder, some, &["-t", "t=archive/"])).len(), 2);
    let none = sql(
        &folder,
        "SELECT nr FROM t WHERE day = 'x'",
        &["-t", "t=archive"],
    )
    .done();
    assert_eq!(
        (none.out.as_str(), none.err.as_str()),
        ("", "marsad: the result has no rows\n")
    );
    let pattern = values(sql(&folder, some, &["-t", "t=archive/day=*/*.jsonl"]));
    assert_eq!(pattern.len(), 2, "a pattern's folders are columns as well");
    std::fs::create_dir_all(folder.path("both/day=a")).unwrap();
    folder.write("both/day=a/x.csv", "day,n\nb,1\n");
    let both = values(sql(&folder, "SELECT n, day FROM t", &["-t", "t=both"]));
    assert_eq!(
        both,
        [json!({"n": "1", "day": "a"})],
        "the folder's value counts"
    );
    let inside = sql(
        &folder,
        "SELECT nr FROM t",
        &["-t", "t=archive", "-o", "archive/out.jsonl"],
    );
    inside.refused(&["archive/out.jsonl", "read as a table"]);
    folder.write("archive/loose.jsonl", rows(0..1));
    sql(&folder, "SELECT nr FROM t", &["-t", "t=archive"]).refused(&["key=value", "day"]);
}

#[test]
fn csv_is_text_with_quotes_line_breaks_and_marks() {
    let folder = Folder::new();
    let csv = "\u{FEFF}id,text,note\n007,\"سطر أول\nسطر ثان\",\"قال \"\"نعم\"\", ثم\"\n8,x,\n";
    folder.write("a.csv", csv);
    let read = values(sql(&folder, "SELECT * FROM 'a.csv'", &[]));
    assert_eq!(
        read,
        [
            json!({"id": "007", "text": "سطر أول\nسطر ثان", "note": "قال \"نعم\", ثم"}),
            json!({"id": "8", "text": "x", "note": null}),
        ]
    );
    let written = sql(&folder, "SELECT * FROM 'a.csv'", &["--to", "csv"]).done();
    assert_eq!(written.out, csv.trim_start_matches('\u{FEFF}'));
    let marked = ["--to", "csv", "--bom"];
    let marked = sql(&folder, "SELECT * FROM 'a.csv'", &marked).done();
    assert_eq!(marked.out, csv, "for spreadsheets");
    for (out, word) in [("out.jsonl", "--to csv"), ("out/", "one file")] {
        let refused = ["--bom", "-o", out];
        sql(&folder, "SELECT * FROM 'a.csv'", &refused).refused(&["--bom", word]);
    }
    folder.write(
        "b.csv.gz",
        gzipped("n,id,part,day,ok\n1,01,0.5,2024-01-02,true\n-2,2,,,false\n"),
    );
    let inferred = values(sql(&folder, "SELECT * FROM 'b.csv.gz'", &["--infer"]));
    assert_eq!(
        inferred,
        [
            json!({"n": 1, "id": "01", "part": 0.5, "day": "2024-01-02", "ok": true}),
            json!({"n": -2, "id": "2", "part": null, "day": null, "ok": false}),
        ]
    );
    folder.write("c.csv", "note,id\nlast,9\n");
    let both = values(sql(
        &folder,
        "SELECT id, text, note FROM t",
        &["-t", "t=a.csv,c.csv"],
    ));
    assert_eq!(
        both[2],
        json!({"id": "9", "text": null, "note": "last"}),
        "put together by name"
    );
    assert_eq!(both.len(), 3);
    folder.write("d.tsv", "id\ttext\n1\tx y\n");
    assert_eq!(
        values(sql(&folder, "SELECT text FROM 'd.tsv'", &[])),
        [json!({"text": "x y"})]
    );
    folder.write("f.csv", "\u{FEFF}text;\"a;b\";id\r\n\"x; y\";1,5;2\r\n");
    assert_eq!(
        values(sql(
            &folder,
            "SELECT * FROM t WHERE text IS NOT NULL ORDER BY id",
            &["-t", "t=c.csv,f.csv"]
        )),
        [json!({"note": null, "id": "2", "text": "x; y", "a;b": "1,5"})],
        "semicolons, as spreadsheets write them and `predict` reads them, beside commas"
    );
    folder.write("e.txt", "id,text\n1,x\n");
    let told = sql(&folder, "SELECT text FROM t", &["-t", "t:csv=e.txt"]);
    assert_eq!(values(told), [json!({"text": "x"})]);
}

#[test]
fn fields_of_json_lines_are_those_of_all_rows() {
    let folder = Folder::new();
    let mut late = rows(0..3000);
    late += "{\"late\": {\"of\": [1.5, 2]}, \"id\": \"x\"}\n\n";
    folder.write("late.jsonl", &late);
    let read = values(sql(
        &folder,
        "SELECT id, nr, late FROM t OFFSET 3000",
        &["-t", "t=late.jsonl"],
    ));
    assert_eq!(
        read,
        [json!({"id": "x", "nr": null, "late": {"of": [1.5, 2.0]}})]
    );
    let sampled = sql(
        &folder,
        "SELECT * FROM t LIMIT 1",
        &["-t", "t=late.jsonl", "--sample-rows", "9"],
    )
    .done();
    assert!(sampled.err.contains("--sample-rows"), "{}", sampled.err);
    assert!(!sampled.out.contains("late"));
    for (name, content, words) in [
        (
            "types.jsonl",
            "{\"a\":1}\n{\"a\":\"x\"}\n",
            ["line 2", "\"a\"", "text", "number"],
        ),
        (
            "cut.jsonl",
            "{\"a\":1}\n{\"a\":\n",
            ["line 2", "no JSON", "cut.jsonl", ""],
        ),
        ("list.jsonl", "[{\"a\":1}]\n", ["line 1", "list", "jq", ""]),
        (
            "text.jsonl",
            "مرحبا\n",
            ["line 1", "no JSON", "text.jsonl", ""],
        ),
        ("number.jsonl", "3\n", ["line 1", "no object", "", ""]),
    ] {
        folder.write(name, content);
        sql(&folder, "SELECT * FROM t", &["-t", &format!("t={name}")]).refused(&words);
    }
    folder.write("one.jsonl", "{\"a\":1}\n");
    folder.write("two.jsonl", "{\"a\":[\"x\"]}\n");
    sql(
        &folder,
        "SELECT * FROM t",
        &["-t", "t=one.jsonl", "-t", "t=two.jsonl"],
    )
    .refused(&[
        "two.jsonl",
        "\"a\"",
        "lists of text",
        "whole numbers",
        "one.jsonl",
    ]);
}

#[test]
fn parquet_files_of_several_schemas_are_one_table() {
    let folder = Folder::new();
    folder.write("rows.jsonl", rows(0..3));
    for (statement, output) in [
        ("SELECT id, nr FROM 'rows.jsonl'", "a.parquet"),
        (
            "SELECT text, id, nr + 0.5 AS nr FROM 'rows.jsonl'",
            "b.parquet",
        ),
        ("SELECT id AS nr FROM 'rows.jsonl'", "c.parquet"),
    ] {
        sql(&folder, statement, &["-o", output]).done();
    }
    let both = values(sql(
        &folder,
        "SELECT id, nr, text FROM t",
        &["-t", "t=a.parquet,b.parquet"],
    ));
    assert_eq!(both[0], json!({"id": "r0", "nr": 0.0, "text": null}));
    assert_eq!(both[5], json!({"id": "r2", "nr": 2.5, "text": sentence(2)}));
    sql(
        &folder,
        "SELECT nr FROM t",
        &["-t", "t=a.parquet,c.parquet"],
    )
    .refused(&["c.parquet", "\"nr\"", "text", "whole numbers", "a.parquet"]);
}

#[test]
fn broken_files_are_named() {
    let folder = Folder::new();
    folder.write("rows.jsonl", rows(0..3000));
    sql(
        &folder,
        "SELECT * FROM 'rows.jsonl'",
        &["-o", "whole.parquet"],
    )
    .done();
    let whole = std::fs::read(folder.path("whole.parquet")).unwrap();
    folder.write("cut.parquet", &whole[..whole.len() / 2]);
    folder.write("garbage.parquet", b"no parquet at all");
    folder.write("empty.parquet", b"");
    let mut damaged = whole.clone();
    for byte in &mut damaged[200..whole.len() / 2] {
        *byte = byte.wrapping_mul(7).wrapping_add(13);
    }
    folder.write("damaged.parquet", &damaged);
    for name in ["cut", "garbage", "empty", "damaged"] {
        let table = format!("t=whole.parquet,{name}.parquet");
        let run = sql(
            &folder,
            "SELECT id, event_labels(text) AS l FROM t",
            &["-t", &table, "-o", "out.jsonl"],
        );
        run.refused(&[&format!("{name}.parquet")]);
        assert!(!folder.path("out.jsonl").exists());
    }
    folder.write("few.csv", "a,b\n1,2\n3\n");
    sql(&folder, "SELECT * FROM 'few.csv'", &[]).refused(&[
        "few.csv, line 3",
        "1 cell,",
        "2 columns",
    ]);
    folder.write("many.csv", "a,b\n1,2,3\n");
    sql(&folder, "SELECT * FROM 'many.csv'", &[]).refused(&["many.csv, line 2", "3 cells"]);
    folder.write("below.csv", "a,b\n1,\"x\ny\nz\"\n3\n");
    sql(&folder, "SELECT * FROM 'below.csv'", &[])
        .refused(&["below.csv, line 5: the row has 1 cell,"]);
    folder.write("below.tsv", "a\tb\n1\t\"x\ny\nz\"\n3\t4\t5\n");
    sql(&folder, "SELECT * FROM 'below.tsv'", &[])
        .refused(&["below.tsv, line 5: the row has 3 cells,"]);
    folder.write("bytes.csv", b"a,b\n0,\"x\ny\"\n1,\xff\n");
    for more in [&[][..], &["--infer"]] {
        sql(&folder, "SELECT * FROM 'bytes.csv'", more)
            .refused(&["bytes.csv, line 4: is not UTF-8; save"]);
    }
    folder.write("header.csv", b"\xff\xfe,b\n");
    sql(&folder, "SELECT * FROM 'header.csv'", &[]).refused(&["header.csv"]);
    folder.write("twice.csv", "a,a\n1,2\n");
    sql(&folder, "SELECT * FROM 'twice.csv'", &[]).refused(&["twice.csv", "two columns \"a\""]);
    folder.write("none.csv", "");
    sql(&folder, "SELECT * FROM 'none.csv'", &[]).refused(&["none.csv", "empty"]);
    let mut gz = gzipped(&rows(0..500));
    gz.truncate(gz.len() / 2);
    folder.write("cut.jsonl.gz", gz);
    sql(&folder, "SELECT * FROM 'cut.jsonl.gz'", &[]).refused(&["cut.jsonl.gz"]);
}

/// Flips bytes here and there: whatever comes of it, the program neither panics nor hangs.
#[test]
fn damaged_bytes_are_no_panic() {
    let folder = Folder::new();
    folder.write("rows.jsonl", rows(0..40));
    sql(
        &folder,
        "SELECT * FROM 'rows.jsonl'",
        &["-o", "whole.parquet"],
    )
    .done();
    let whole = std::fs::read(folder.path("whole.parquet")).unwrap();
    for step in 0..24 {
        let mut damaged = whole.clone();
        let place = step * whole.len() / 24 + step % 3;
        damaged[place] ^= 0x55;
        folder.write("damaged.parquet", &damaged);
        let run = sql(
            &folder,
            "SELECT *, event_labels(text) AS l FROM 'damaged.parquet'",
            &["--threads", "2"],
        );
        assert!([0, 2].contains(&run.status), "{place}: {run:?}");
        assert!(!run.err.contains("panicked"), "{place}: {}", run.err);
        if run.status == 2 {
            run.refused(&["damaged.parquet"]);
        }
    }
}

/// What is read is what the bytes say, however the file is called.
#[test]
fn compression_is_told_by_content_and_every_part_is_read() {
    let folder = Folder::new();
    let all = rows(0..900);
    folder.write("plain.jsonl.gz", &all);
    folder.write("packed.jsonl", gzipped(&all));
    let members = [rows(0..300), String::new(), rows(300..900)].map(|part| gzipped(&part));
    folder.write("members.jsonl.gz", members.concat());
    folder.write("first.jsonl", rows(0..500));
    folder.write("second.jsonl", rows(500..900));
    let mut frames = Vec::new();
    for part in ["first", "second"] {
        let statement = format!("SELECT id, nr, text FROM '{part}.jsonl'");
        sql(&folder, &statement, &["-o", "frame.jsonl.zst"]).done();
        frames.extend(std::fs::read(folder.path("frame.jsonl.zst")).unwrap());
    }
    folder.write("frames.jsonl.zst", &frames);
    folder.write("frames.jsonl", &frames);
    for name in [
        "plain.jsonl.gz",
        "packed.jsonl",
        "members.jsonl.gz",
        "frames.jsonl.zst",
        "frames.jsonl",
    ] {
        let statement = format!("SELECT id, nr, text FROM '{name}'");
        let read = sql(&folder, &statement, &["--to", "jsonl"]).done();
        assert!(read.out == all, "{name}");
    }
    folder.write("packed.csv", gzipped("id,text\n1,x\n"));
    assert_eq!(
        values(sql(&folder, "SELECT * FROM 'packed.csv'", &[])),
        [json!({"id": "1", "text": "x"})]
    );
    let both = ["-t", "t=packed.jsonl,first.jsonl,plain.jsonl.gz"];
    assert_eq!(
        values(sql(&folder, "SELECT count(*) AS n FROM t", &both)),
        [json!({"n": 2300})]
    );
}

#[test]
fn byte_order_marks_of_json_lines_are_read_over() {
    let folder = Folder::new();
    let all = rows(0..700);
    folder.write("marked.jsonl", format!("\u{FEFF}{all}"));
    folder.write("mark.jsonl", "\u{FEFF}");
    for threads in ["1", "3"] {
        let more = ["--threads", threads, "-t", "t=marked.jsonl,mark.jsonl"];
        let read = sql(&folder, "SELECT id, nr, text FROM t", &more).done();
        assert!(read.out == all, "{threads}");
    }
    let into = ["-o", "out/", "--to", "jsonl", "--files", "3"];
    sql(&folder, "SELECT id FROM 'marked.jsonl'", &into).done();
    let written = values(sql(&folder, "SELECT id FROM 'out/'", &[]));
    assert_eq!(written.len(), 700, "ranges of a marked file");
    assert_eq!(written[0], json!({"id": "r0"}));
    folder.write("inner.jsonl", "{\"a\":1}\n\u{FEFF}{\"a\":2}\n");
    sql(&folder, "SELECT * FROM 'inner.jsonl'", &[]).refused(&["inner.jsonl, line 2", "mark"]);
    folder.write("marked.jsonl.gz", gzipped("\u{FEFF}{\"a\":1}\n"));
    sql(&folder, "SELECT * FROM 'marked.jsonl.gz'", &[]).refused(&["line 1", "mark"]);
}
