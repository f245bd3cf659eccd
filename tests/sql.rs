//! `marsad sql`: statements, the order and form of rows, and what it says when it cannot.
#![cfg(feature = "sql")]

#[path = "support/sql.rs"]
mod statements;
mod support;

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use statements::{gzipped, rows, sentence, sql, values};
use support::{Folder, Run};

#[test]
fn rows_are_labelled_as_predict_labels_them_in_the_order_of_the_input() {
    let folder = Folder::new();
    folder.write("rows.jsonl", rows(0..50));
    let expected = folder.marsad(&["predict", "rows.jsonl"]).done();
    let labelled = sql(
        &folder,
        "SELECT id, event_labels(text) AS labels, event_scores(text) AS scores, event_evidence(text) AS evidence FROM t",
        &["-t", "t=rows.jsonl"],
    )
    .done();
    assert_eq!(labelled.out.lines().count(), 50);
    for (own, row) in labelled.out.lines().zip(expected.out.lines()) {
        // Fields that both have are the same to the byte.
        let own = own.strip_suffix('}').unwrap();
        let (id, fields) = own.split_once(",\"labels\"").unwrap();
        assert!(row.starts_with(id), "{row}");
        assert!(
            row.contains(&format!(",\"labels\"{fields}")),
            "{own}\n{row}"
        );
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let folder = Folder::new();
    folder.write("rows.jsonl", rows(0..9000));
    folder.write("rows.jsonl.gz", gzipped(&rows(9000..14_000)));
    folder.write("few.jsonl", rows(14_000..14_003));
    let statement = "SELECT id, nr, event_labels(text) AS labels, text FROM t WHERE nr % 5 <> 1";
    let table = "t=rows.jsonl,rows.jsonl.gz,few.jsonl";
    let mut before: Option<[Vec<u8>; 3]> = None;
    for threads in ["1", "2", "5"] {
        let outputs = ["out.jsonl", "out.parquet", "out.csv"].map(|output| {
            let run = sql(
                &folder,
                statement,
                &["-t", table, "--threads", threads, "-o", output],
            );
            assert_eq!(run.done().out, "");
            std::fs::read(folder.path(output)).unwrap()
        });
        let before = before.get_or_insert_with(|| outputs.clone());
        assert!(*before == outputs, "{threads} threads");
    }
    let ids = values(sql(&folder, "SELECT nr FROM 'out.parquet'", &[]));
    let ids: Vec<u64> = ids.iter().map(|row| row["nr"].as_u64().unwrap()).collect();
    let expected: Vec<u64> = (0..14_003).filter(|nr| nr % 5 != 1).collect();
    assert_eq!(ids, expected);
    // One Parquet file, read by several.
    for threads in ["1", "2", "5"] {
        let more = ["--threads", threads, "-o", "again.jsonl"];
        let statement = "SELECT id, nr, event_labels(text) AS labels, text FROM 'out.parquet'";
        sql(&folder, statement, &more).done();
        let again = std::fs::read(folder.path("again.jsonl")).unwrap();
        assert!(before.as_ref().unwrap()[0] == again, "{threads} threads");
    }
}

#[test]
fn limits_give_the_first_rows() {
    let folder = Folder::new();
    folder.write("a.jsonl", rows(0..5000));
    folder.write("b.jsonl", rows(5000..10_000));
    for threads in ["1", "2", "5"] {
        let ask = |statement: &str| -> Vec<u64> {
            let run = sql(
                &folder,
                statement,
                &["-t", "t=a.jsonl,b.jsonl", "--threads", threads],
            );
            values(run)
                .iter()
                .map(|row| row["nr"].as_u64().unwrap())
                .collect()
        };
        assert_eq!(ask("SELECT nr FROM t LIMIT 3"), [0, 1, 2]);
        assert_eq!(
            ask("SELECT nr FROM t LIMIT 4 OFFSET 4998"),
            [4998, 4999, 5000, 5001]
        );
        assert_eq!(
            ask("SELECT nr FROM t WHERE nr > 7000 LIMIT 2"),
            [7001, 7002]
        );
        assert_eq!(ask("SELECT nr FROM t OFFSET 9998"), [9998, 9999]);
        assert_eq!(
            ask("SELECT nr FROM t ORDER BY nr DESC LIMIT 2"),
            [9999, 9998]
        );
        assert_eq!(
            ask("SELECT max(nr) AS nr FROM (SELECT nr FROM t LIMIT 10)"),
            [9]
        );
        assert_eq!(
            ask("SELECT nr, event_labels(text) AS l FROM t LIMIT 6000").len(),
            6000
        );
        let sorted = ask("SELECT nr FROM t ORDER BY nr % 10, nr");
        assert!(sorted.is_sorted_by_key(|nr| (nr % 10, *nr)));
        assert_eq!(sorted.len(), 10_000);
    }
}

#[test]
fn sentences_of_documents_are_unnested_and_counted() {
    let folder = Folder::new();
    let document = |number: usize| {
        let body = format!("{} {}", sentence(4 * number), sentence(4 * number + 2));
        format!(
            "{}\n",
            json!({"day": format!("2024-01-0{}", number % 3 + 1), "body": body})
        )
    };
    folder.write("docs.jsonl", (0..30).map(document).collect::<String>());
    let sentences = "SELECT day, unnest(event_sentences(body)) AS s FROM t";
    let found = values(sql(&folder, sentences, &["-t", "t=docs.jsonl"]));
    assert_eq!(found.len(), 60);
    let statement = format!(
        "SELECT day, label, count(*) AS n FROM (SELECT day, unnest(event_labels(s['text'])) AS label FROM ({sentences})) \
         GROUP BY day, label ORDER BY day, label"
    );
    let counts = sql(&folder, &statement, &["-t", "t=docs.jsonl", "--to", "csv"]).done();
    assert_eq!(
        counts.out,
        "day,label,n\n2024-01-01,airstrike,10\n2024-01-01,shelling,10\n2024-01-02,airstrike,10\n\
         2024-01-02,shelling,10\n2024-01-03,airstrike,10\n2024-01-03,shelling,10\n"
    );
}

#[test]
fn what_is_no_query_or_names_what_there_is_not_is_refused() {
    let folder = Folder::new();
    folder.write("rows.jsonl", rows(0..3));
    for statement in [
        "DROP TABLE t",
        "CREATE TABLE x AS SELECT 1",
        "SELECT * INTO x FROM t",
        "INSERT INTO t VALUES (1)",
        "DELETE FROM t",
        "COPY t TO 'x.csv'",
        "COPY (SELECT 1) TO 'x.csv'",
        "SET datafusion.execution.batch_size = 1",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION 'rows.jsonl'",
        "EXPLAIN INSERT INTO t VALUES (1)",
    ] {
        sql(&folder, statement, &["-t", "t=rows.jsonl"]).refused(&[
            "only queries",
            "--table",
            "-o",
        ]);
    }
    assert_eq!(folder.names(), ["rows.jsonl"]);
    for (statement, words) in [
        ("", vec!["empty"]),
        ("SELECT 1; SELECT 2", vec!["2 statements"]),
        ("SELECT (", vec!["cannot be read", "its end"]),
        ("SELECT foo FROM t", vec!["\"foo\"", "id, nr, text"]),
        (
            "SELECT * FROM u",
            vec!["\"u\"", "there are t", "--table u=PATH"],
        ),
        (
            "SELECT event_label(text) FROM t",
            vec!["event_label", "did you mean \"event_labels\""],
        ),
        (
            "SELECT gibberish(text) FROM t",
            vec!["gibberish", "event_labels"],
        ),
        ("SELECT event_labels(nr) FROM t", vec!["event_labels", "nr"]),
        ("SELECT sum(text) FROM t", vec!["sum takes numbers", "CAST"]),
        ("SELECT id, id FROM t", vec!["two columns", "\"id\"", "AS"]),
        (
            "SELECT nr AS id, id FROM t",
            vec!["several columns", "\"id\"", "AS"],
        ),
        ("SELECT 1 / (nr - nr) FROM t", vec!["divided by zero"]),
        (
            "SELECT CAST(text AS INT) FROM t",
            vec!["is no whole number", "TRY_CAST"],
        ),
        (
            "SELECT id + 1 AS n FROM t",
            vec!["text + whole number", "--infer"],
        ),
        (
            "SELECT nr, count(*) FROM t",
            vec!["\"t.nr\"", "neither in GROUP BY"],
        ),
        (
            "SELECT id FROM t WHERE event_labels(text) = 'clash'",
            vec!["list and text", "event_holds"],
        ),
        (
            "SELECT event_scores(text).clash FROM t",
            vec!["in brackets", "['clash']"],
        ),
        (
            "SELECT event_scores(text)['clsh'] FROM t",
            vec!["no field \"clsh\""],
        ),
        (
            "SELECT CAST('03/02/2024' AS DATE) FROM t",
            vec!["'03/02/2024' is no date", "%d/%m/%Y"],
        ),
        (
            "SELECT to_date(concat('03/02/', id)) FROM t",
            vec!["is no date", "%d/%m/%Y"],
        ),
        (
            "SELECT to_date(id, 'DD/MM/YYYY') FROM t",
            vec!["'r0'", "'%d/%m/%Y' is the form"],
        ),
        (
            "EXPLAIN ANALYZE SELECT id FROM t",
            vec!["EXPLAIN ANALYZE is not answered"],
        ),
        (
            "SELECT * FROM 's3://archive/rows.parquet'",
            vec!["s3://archive/rows.parquet", "no file of this machine"],
        ),
        (
            "SELECT * FROM 'nosuch.parquet'",
            vec!["nosuch.parquet", "no such file"],
        ),
    ] {
        let run = sql(&folder, statement, &["-t", "t=rows.jsonl"]);
        assert!(
            !run.err.contains("DataFusion") && !run.err.contains("caused by"),
            "{}",
            run.err
        );
        run.refused(&words);
    }
    sql(&folder, "SELECT * FROM t", &[]).refused(&["\"t\"", "--table t=PATH"]);
    for (table, words) in [
        ("t=nosuch.csv", vec!["nosuch.csv", "no such file"]),
        ("t=*.csv", vec!["*.csv", "no file fits"]),
        ("t=rows.txt", vec!["rows.txt"]),
        ("t=nothing", vec!["nothing", "holds no file"]),
        ("t=mixed", vec!["mixed", "several formats"]),
        ("t=foreign", vec!["foreign", "no Parquet, CSV"]),
        ("t=untold.dat", vec!["untold.dat", "NAME:FORMAT=PATH"]),
    ] {
        for name in ["nothing", "mixed", "foreign"] {
            std::fs::create_dir_all(folder.path(name)).unwrap();
        }
        folder.write("untold.dat", "x");
        folder.write("mixed/a.csv", "a\n1\n");
        folder.write("mixed/b.jsonl", "{}\n");
        folder.write("foreign/a.docx", "x");
        sql(&folder, "SELECT * FROM t", &["-t", table]).refused(&words);
    }
}

#[test]
fn deeply_nested_statements_are_refused_or_answered() {
    let folder = Folder::new();
    let nested = format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000));
    sql(&folder, &nested, &[]).refused(&["recursion limit"]);
    let denied = format!("SELECT {} true", "NOT ".repeat(20_000));
    assert_eq!(sql(&folder, &denied, &[]).status, 2);
    let long = format!("SELECT 1{} AS n", " + 1".repeat(300));
    assert_eq!(values(sql(&folder, &long, &[])), [json!({"n": 301})]);
    let many = format!("SELECT 1 IN ({}) AS held", vec!["2"; 20_000].join(","));
    assert_eq!(values(sql(&folder, &many, &[])), [json!({"held": false})]);
}

/// Planning takes a time that grows with the square of their number, and more.
#[test]
fn statements_have_a_largest_size() {
    let folder = Folder::new();
    let sum = format!("1{}", " + 1".repeat(8_000));
    for statement in [
        format!("SELECT {sum} AS n"),
        format!("EXPLAIN SELECT 2 AS n WHERE {sum} = 2"),
        format!("SELECT n FROM (SELECT {sum} AS n) AS t"),
    ] {
        sql(&folder, &statement, &[]).refused(&["1000 operators", "file"]);
    }
    let union = vec!["SELECT 1 AS n"; 3_000].join(" UNION ALL ");
    sql(&folder, &union, &[]).refused(&["1000 queries"]);
    folder.write("long.sql", format!("SELECT 1{}", "+1".repeat(500_000)));
    sql_of(&folder, "long.sql").refused(&["1000 operators"]);
    folder.write("longer.sql", format!("SELECT '{}'", "x".repeat(1 << 20)));
    sql_of(&folder, "longer.sql").refused(&["1048576", "bytes"]);
}

fn sql_of(folder: &Folder, file: &str) -> Run {
    folder.marsad(&["sql", "--file", file])
}

#[test]
fn values_have_one_form_in_each_format() {
    let folder = Folder::new();
    let statement = "SELECT 'قال \"نعم\", ثم' AS text, -3 AS n, 0.25 AS share, 1.0 AS one, 1.5e-9 AS small, true AS ok, \
                     DATE '2024-01-02' AS day, TIMESTAMP '2024-01-02 03:04:05' AS at, NULL AS nothing, ['a','b'] AS list, \
                     ['a|b'] AS bars, [1, 2] AS numbers, CAST(1.10 AS DECIMAL(5,2)) AS price";
    let jsonl = sql(&folder, statement, &[]).done();
    assert_eq!(
        jsonl.out,
        "{\"text\":\"قال \\\"نعم\\\", ثم\",\"n\":-3,\"share\":0.25,\"one\":1.0,\"small\":1.5e-9,\"ok\":true,\
         \"day\":\"2024-01-02\",\"at\":\"2024-01-02T03:04:05\",\"nothing\":null,\"list\":[\"a\",\"b\"],\
         \"bars\":[\"a|b\"],\"numbers\":[1,2],\"price\":1.10}\n"
    );
    let csv = sql(&folder, statement, &["--to", "csv"]).done();
    assert_eq!(
        csv.out,
        "text,n,share,one,small,ok,day,at,nothing,list,bars,numbers,price\n\
         \"قال \"\"نعم\"\", ثم\",-3,0.25,1,1.5e-9,true,2024-01-02,2024-01-02T03:04:05,,a|b,\"[\"\"a|b\"\"]\",\"[1,2]\",1.10\n"
    );
    let single = sql(
        &folder,
        "SELECT nullif(n, 1) AS n FROM (VALUES (1), (2)) AS t(n)",
        &["--to", "csv"],
    );
    assert_eq!(single.done().out, "n\n\"\"\n2\n");
    let table = sql(
        &folder,
        "SELECT 'x' AS text, 12 AS n, ['a','b'] AS labels",
        &["--to", "table"],
    )
    .done();
    assert_eq!(table.out, "text   n  labels\nx     12  a, b\n");
    let gz = sql(&folder, statement, &["-o", "out.csv.gz"]).done();
    assert_eq!(gz.out, "");
    let back = values(sql(&folder, "SELECT n, list FROM 'out.csv.gz'", &[]));
    assert_eq!(back, [json!({"n": "-3", "list": "a|b"})]);
    for output in ["out.parquet", "out.jsonl.zst", "out.tsv"] {
        sql(&folder, "SELECT 1 AS n, 'x' AS t", &["-o", output]).done();
        let read = format!("SELECT CAST(n AS INT) AS n, t FROM '{output}'");
        assert_eq!(
            values(sql(&folder, &read, &[])),
            [json!({"n": 1, "t": "x"})],
            "{output}"
        );
    }
    let arrow = sql(&folder, "SELECT 1 AS n", &["-o", "out.arrow"]).done();
    assert_eq!(arrow.err, "");
}

#[test]
fn empty_results_have_a_header_and_are_told() {
    let folder = Folder::new();
    folder.write("rows.jsonl", rows(0..3));
    let none = "SELECT id, nr FROM 'rows.jsonl' WHERE nr > 9";
    for (format, out) in [("csv", "id,nr\n"), ("jsonl", ""), ("table", "id  nr\n")] {
        let run = sql(&folder, none, &["--to", format]).done();
        assert_eq!(
            (run.out.as_str(), run.err.as_str()),
            (out, "marsad: the result has no rows\n")
        );
    }
    sql(&folder, none, &["-o", "none.parquet"]).done();
    let described = values(sql(&folder, "DESCRIBE t", &["-t", "t=none.parquet"]));
    assert_eq!(described[0]["column_name"], "id");
    let quiet = sql(&folder, none, &["--quiet"]).done();
    assert_eq!(quiet.err, "");
}

#[test]
fn tables_for_people_tell_what_they_leave_out() {
    let folder = Folder::new();
    folder.write("rows.jsonl", rows(0..1500));
    let run = sql(&folder, "SELECT nr FROM 'rows.jsonl'", &["--to", "table"]).done();
    assert_eq!(run.out.lines().count(), 1001);
    assert!(
        run.err.contains("the first 1000 of 1500 rows"),
        "{}",
        run.err
    );
}

#[test]
fn statements_come_from_files_and_standard_input() {
    let folder = Folder::new();
    folder.write("query.sql", "-- what is asked\nSELECT 1 AS n;\n");
    assert_eq!(
        values(folder.marsad(&["sql", "--file", "query.sql"])),
        [json!({"n": 1})]
    );
    let read = folder.marsad_with(&["sql", "-"], b"SELECT 2 AS n");
    assert_eq!(values(read), [json!({"n": 2})]);
    folder
        .marsad(&["sql", "--file", "nosuch.sql"])
        .refused(&["nosuch.sql", "no such file"]);
    std::fs::create_dir(folder.path("queries")).unwrap();
    folder
        .marsad(&["sql", "--file", "queries"])
        .refused(&["queries", "is a folder"]);
    folder.write("windows.sql", [b'S', 0xC7, b'\n']);
    folder
        .marsad(&["sql", "--file", "windows.sql"])
        .refused(&["windows.sql", "is not UTF-8"]);
    let neither = folder.marsad(&["sql"]);
    assert_eq!(neither.status, 2);
    let over = folder.marsad(&["sql", "--file", "query.sql", "-o", "query.sql"]);
    over.refused(&["query.sql", "is read by this command"]);
}

#[test]
fn nothing_is_written_over_what_is_read_or_where_nothing_can_be() {
    let folder = Folder::new();
    folder.write("rows.jsonl", rows(0..3));
    let all = "SELECT * FROM t";
    for (table, output, words) in [
        (
            "t=rows.jsonl",
            "rows.jsonl",
            ["rows.jsonl", "is read by this command"],
        ),
        (
            "t=rows.jsonl",
            "nosuch/out.jsonl",
            ["nosuch/out.jsonl", "folder does not exist"],
        ),
        (
            "t=rows.jsonl",
            "out.parquet.gz",
            ["out.parquet.gz", "not compressed as a whole"],
        ),
        ("t=rows.jsonl", ".", [".", "folder"]),
        (
            "t=rows.jsonl",
            "out.xlsx",
            ["out.xlsx", "CSV written with --bom"],
        ),
    ] {
        sql(&folder, all, &["-t", table, "-o", output]).refused(&words);
    }
    sql(&folder, "SELECT * FROM 'rows.jsonl'", &["-o", "rows.jsonl"])
        .refused(&["is read by this command"]);
    assert_eq!(
        std::fs::read_to_string(folder.path("rows.jsonl")).unwrap(),
        rows(0..3)
    );
    assert_eq!(folder.names(), ["rows.jsonl"]);
}

#[test]
fn names_of_tables_and_columns_are_those_that_were_given() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"eventDate\":\"2024\",\"n\":1}\n");
    folder.write("odd, name [1].jsonl", "{\"n\":2}\n");
    let read = sql(
        &folder,
        "SELECT eventDate AS Day FROM Posts",
        &["-t", "posts=a.jsonl"],
    );
    assert_eq!(values(read), [json!({"Day": "2024"})]);
    let odd = sql(&folder, "SELECT n FROM t", &["-t", "t=odd, name [1].jsonl"]);
    assert_eq!(values(odd), [json!({"n": 2})]);
    let joined = "SELECT a.n + b.n AS n FROM a, b";
    let joined = sql(
        &folder,
        joined,
        &["-t", "a=a.jsonl", "-t", "b=odd, name [1].jsonl"],
    );
    assert_eq!(values(joined), [json!({"n": 3})]);
    let tables = sql(&folder, "SHOW TABLES", &["-t", "a=a.jsonl"]);
    assert_eq!(
        values(tables),
        [json!({"table": "a", "files": 1, "bytes": 27})]
    );
    sql(&folder, "SHOW TABLES", &[]).refused(&["--table NAME=PATH"]);
    let plan = sql(
        &folder,
        "EXPLAIN SELECT n FROM a",
        &["-t", "a=a.jsonl", "--to", "table"],
    )
    .done();
    assert!(plan.out.contains("TableScan: a"), "{}", plan.out);
}

#[test]
fn progress_counts_the_bytes_that_are_read() {
    let folder = Folder::new();
    folder.write("rows.jsonl", rows(0..30_000));
    let size = std::fs::metadata(folder.path("rows.jsonl")).unwrap().len();
    let statement = "SELECT id, event_labels(text) AS l FROM 'rows.jsonl'";
    let run = sql(&folder, statement, &["-o", "out.jsonl", "--log", "json"]).done();
    for line in run.err.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["event"], "progress", "{line}");
        assert_eq!(event["total"].as_u64(), Some(size), "{line}");
        assert!(event["done"].as_u64().unwrap() <= size, "{line}");
    }
}

#[test]
fn a_broken_pipe_is_no_error() {
    let folder = Folder::new();
    folder.write("rows.jsonl", rows(0..20_000));
    let mut child = Command::new(env!("CARGO_BIN_EXE_marsad"))
        .args(["sql", "SELECT * FROM 'rows.jsonl'"])
        .current_dir(folder.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
