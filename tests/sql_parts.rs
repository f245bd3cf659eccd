//! `marsad sql` into a folder of many files: all of it or nothing.
#![cfg(feature = "sql")]

#[path = "support/parts.rs"]
mod parts;
mod support;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use parts::{DAYS, archive, contents, manifest, names, rows};
use support::{Folder, repository};

const LABELLED: &str =
    "SELECT id, day, place, event_labels(text) AS labels, event_scores(text) AS scores FROM t";

#[test]
fn a_folder_holds_what_one_file_holds() {
    let folder = archive();
    let table = ["--table", "t=archive/"];
    let single = |statement: &str, format: &str, table: &str| {
        let run = folder.marsad(&["sql", statement, "--table", table, "--to", format]);
        run.done().out
    };
    let expected = single(LABELLED, "jsonl", "t=archive/");
    assert_eq!(expected.lines().count(), 300);
    for format in ["parquet", "jsonl", "csv", "tsv"] {
        let out = format!("out-{format}/");
        let told = folder
            .marsad(&[
                "sql", LABELLED, table[0], table[1], "-o", &out, "--to", format, "--files", "4",
            ])
            .done();
        assert_eq!(told.err, format!("marsad: 300 rows in 4 files in {out}\n"));
        let files: Vec<String> = (0..4)
            .map(|part| format!("part-{part:05}.{format}"))
            .collect();
        let mut all = vec!["_SUCCESS".to_owned()];
        all.extend(files.iter().cloned());
        assert_eq!(names(&folder.path(&out)), all);
        let manifest = manifest(&folder.path(&out));
        let fields: Vec<&String> = manifest.as_object().unwrap().keys().collect();
        let expected_fields = [
            "program",
            "model",
            "statement",
            "format",
            "partition_by",
            "rows",
            "bytes",
            "files",
        ];
        assert_eq!(fields, expected_fields);
        assert_eq!(manifest["model"].as_str().unwrap().len(), 64);
        assert_eq!(manifest["rows"], 300);
        assert_eq!(manifest["statement"], LABELLED);
        assert_eq!(manifest["format"], format);
        assert_eq!(manifest["files"].as_array().unwrap().len(), 4);
        // Parts in their order are the rows in theirs.
        let read: String = match format {
            "parquet" => single("SELECT * FROM t", "jsonl", &format!("t={out}")),
            "jsonl" => files
                .iter()
                .map(|file| std::fs::read_to_string(folder.path(&out).join(file)).unwrap())
                .collect(),
            other => {
                let whole = single(LABELLED, other, "t=archive/");
                let (header, _) = whole.split_once('\n').unwrap();
                let mut text = format!("{header}\n");
                for file in &files {
                    let part = std::fs::read_to_string(folder.path(&out).join(file)).unwrap();
                    text += part.strip_prefix(&format!("{header}\n")).unwrap();
                }
                assert_eq!(text, whole);
                continue;
            }
        };
        assert_eq!(read, expected, "{format}");
    }
}

#[test]
fn threads_change_nothing() {
    let folder = archive();
    let statement = "SELECT place, count(*) AS n FROM (SELECT place, unnest(event_labels(text)) AS label FROM t) GROUP BY place";
    for (name, statement, flags) in [
        ("rows", LABELLED, vec!["--files", "3"]),
        (
            "keys",
            LABELLED,
            vec!["--files", "3", "--partition-by", "day,place"],
        ),
        ("alone", LABELLED, vec![]),
        ("groups", statement, vec!["--files", "3"]),
    ] {
        let mut written = Vec::new();
        for threads in ["1", "3"] {
            let out = format!("{name}-{threads}");
            let mut arguments = vec![
                "sql",
                statement,
                "--table",
                "t=archive/",
                "--threads",
                threads,
                "-o",
            ];
            let with_slash = format!("{out}/");
            arguments.push(&with_slash);
            arguments.extend(&flags);
            folder.marsad(&arguments).done();
            written.push(contents(&folder.path(&out)));
        }
        match name {
            // Which row of a group comes first is nobody's promise; which part it is in is.
            "groups" => assert!(written[0].keys().eq(written[1].keys())),
            _ => assert!(written[0] == written[1], "{name}"),
        }
    }
}

#[test]
fn folders_by_values_are_read_back_with_their_values() {
    let folder = Folder::new();
    let places = [
        Some("حلب"),
        Some("a/b"),
        Some(".."),
        Some("../../x"),
        None,
        Some("100%"),
        Some("x=y"),
        Some(" "),
        Some("#1 ?*"),
    ];
    let mut table = String::new();
    for (id, place) in places.iter().cycle().take(40).enumerate() {
        let day = (id % 4 != 0).then(|| DAYS[id % 3]);
        let row = serde_json::json!({"id": id, "place": place, "day": day, "text": "شنت طائرات غارات على حلب"});
        table += &format!("{row}\n");
    }
    folder.write("rows.jsonl", table);
    let statement = "SELECT id, event_labels(text) AS labels, place, day FROM t";
    for format in ["parquet", "jsonl"] {
        let out = format!("by-{format}");
        folder
            .marsad(&[
                "sql",
                statement,
                "--table",
                "t=rows.jsonl",
                "-o",
                &out,
                "--partition-by",
                "place,day",
                "--to",
                format,
            ])
            .done();
        let found = names(&folder.path(&out));
        assert!(
            found.contains(&format!(
                "place=حلب/day=__HIVE_DEFAULT_PARTITION__/part-00000.{format}"
            )),
            "{found:?}"
        );
        assert!(
            found.contains(&format!("place=a%2Fb/day=2024-01-02/part-00000.{format}")),
            "{found:?}"
        );
        assert_eq!(
            folder
                .names()
                .iter()
                .filter(|name| name.starts_with("by-"))
                .count(),
            if format == "parquet" { 1 } else { 2 }
        );
        let read = |statement: &str, table: &str| {
            folder
                .marsad(&["sql", statement, "--table", table, "--to", "jsonl"])
                .done()
                .out
        };
        let back = read(
            "SELECT id, labels, place, day FROM t ORDER BY id",
            &format!("t={out}"),
        );
        assert_eq!(
            back,
            read(&format!("{statement} ORDER BY id"), "t=rows.jsonl"),
            "{format}"
        );
        let columns = read("SELECT * FROM t LIMIT 1", &format!("t={out}/place=a%2Fb"));
        assert_eq!(columns.matches("\"place\"").count(), 0, "{columns}");
    }
}

#[test]
fn few_files_are_open_whatever_the_number_of_folders() {
    let folder = Folder::new();
    folder.write("rows.jsonl", rows(0..900));
    let program = env!("CARGO_BIN_EXE_marsad");
    let command = format!(
        "ulimit -n 100; exec {program:?} sql 'SELECT id % 300 AS k, place FROM t' --table t=rows.jsonl -o out/ --partition-by k"
    );
    let run = Command::new("sh")
        .arg("-c")
        .arg(command)
        .current_dir(folder.path("."))
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    let found = names(&folder.path("out"));
    assert_eq!(found.len(), 301);
    assert!(found.contains(&"k=299/part-00000.parquet".to_owned()));
}

#[test]
fn a_result_without_rows_has_the_columns() {
    let folder = archive();
    let statement = "SELECT id, day, event_labels(text) AS labels FROM t WHERE id < 0";
    let told = folder
        .marsad(&[
            "sql",
            statement,
            "--table",
            "t=archive/",
            "-o",
            "out/",
            "--partition-by",
            "day",
        ])
        .done();
    assert!(told.err.contains("the result has no rows"), "{}", told.err);
    assert_eq!(
        names(&folder.path("out")),
        ["_SUCCESS", "part-00000.parquet"]
    );
    assert_eq!(manifest(&folder.path("out"))["rows"], 0);
    let read = folder
        .marsad(&["sql", "SELECT * FROM t", "--table", "t=out/", "--to", "csv"])
        .done();
    assert_eq!(read.out, "id,day,labels\n");
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    let folder = archive();
    std::fs::create_dir(folder.path("full")).unwrap();
    folder.write("full/file", "kept");
    folder.write("a-file", "kept");
    let refused = |flags: &[&str], words: &[&str]| {
        let mut arguments = vec![
            "sql",
            "SELECT id, day, id / 2.5 AS share FROM t",
            "--table",
            "t=archive/",
        ];
        arguments.extend(flags);
        folder.marsad(&arguments).refused(words);
    };
    refused(&["-o", "full/"], &["full", "not empty"]);
    refused(&["-o", "full"], &["full", "not empty"]);
    refused(&["-o", "a-file/"], &["a-file", "is a file"]);
    refused(
        &["-o", "a-file", "--partition-by", "day"],
        &["a-file", "is a file"],
    );
    refused(&["-o", "no/such/out/"], &["no/such/out", "create it first"]);
    refused(&["-o", "archive/out/"], &["archive", "read as a table"]);
    refused(
        &["-o", "out", "--partition-by", "nay"],
        &["\"nay\"", "id, day, share"],
    );
    refused(
        &["-o", "out", "--partition-by", "share"],
        &["\"share\"", "cannot name a folder"],
    );
    refused(
        &["-o", "out", "--partition-by", "day,day"],
        &["\"day\"", "twice"],
    );
    refused(&["-o", "out", "--partition-by", "id,day,share"], &["share"]);
    refused(
        &["-o", "out/", "--to", "table"],
        &["Parquet, CSV, TSV or JSON Lines"],
    );
    refused(&["--files", "3"], &["-o OUT/"]);
    refused(&["--partition-by", "day", "-o", "-"], &["-o OUT/"]);
    let all_keys = [
        "sql",
        "SELECT day FROM t",
        "--table",
        "t=archive/",
        "-o",
        "out",
        "--partition-by",
        "day",
    ];
    folder.marsad(&all_keys).refused(&["no column is left"]);
    assert_eq!(folder.names(), ["a-file", "archive", "full"]);
    assert_eq!(names(&folder.path("full")), ["file"]);
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_to_is_told_at_once() {
    use std::os::unix::fs::PermissionsExt;
    let folder = archive();
    std::fs::create_dir(folder.path("closed")).unwrap();
    std::fs::set_permissions(folder.path("closed"), PermissionsExt::from_mode(0o555)).unwrap();
    // Some users may write everywhere; then there is a folder of the system that nobody may write to.
    let out = match std::fs::write(folder.path("closed/probe"), "") {
        Ok(()) => "/proc/self/out/",
        Err(_) => "closed/out/",
    };
    let statement = "SELECT this is no statement";
    folder
        .marsad(&["sql", statement, "--table", "t=archive/", "-o", out])
        .refused(&["out"]);
}

#[test]
fn a_run_that_fails_leaves_nothing() {
    let folder = archive();
    let mut broken = std::fs::read(repository("models/README.md")).unwrap();
    broken.truncate(200);
    for statement in [
        "SELECT id, event_labels(text) AS labels, 1 / (id - 250) AS far FROM t",
        "SELECT day, CASE WHEN id = 290 THEN repeat('غ', 300) ELSE place END AS long FROM t",
    ] {
        let flags = ["-o", "out/", "--files", "4", "--partition-by"];
        let key = if statement.contains("far") {
            "far"
        } else {
            "long"
        };
        let mut arguments = vec!["sql", statement, "--table", "t=archive/"];
        arguments.extend(flags);
        arguments.push(key);
        folder.marsad(&arguments).refused(&[]);
        assert_eq!(folder.names(), ["archive"], "{statement}");
    }
    folder.write("archive/e.parquet", broken);
    let run = folder.marsad(&[
        "sql",
        "SELECT id FROM t",
        "--table",
        "t=archive/e.parquet",
        "-o",
        "out/",
    ]);
    run.refused(&["e.parquet"]);
    assert_eq!(folder.names(), ["archive"]);
}

/// A run with so much to do that it can be stopped in the middle.
fn long_run(folder: &Folder) -> Child {
    let columns: Vec<String> = (0..12)
        .map(|n| format!("event_scores(concat(text, ' {n}')) AS s{n}"))
        .collect();
    let statement = format!(
        "SELECT id, day, event_labels(text) AS labels, {} FROM t",
        columns.join(", ")
    );
    Command::new(env!("CARGO_BIN_EXE_marsad"))
        .args([
            "sql",
            &statement,
            "--table",
            "t=long.jsonl",
            "-o",
            "out/",
            "--files",
            "5",
            "--threads",
            "2",
        ])
        .current_dir(folder.path("."))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until attempts at parts are being written.
fn wait_for_attempts(folder: &Folder, child: &mut Child) {
    let begun = Instant::now();
    loop {
        let staging = folder
            .names()
            .into_iter()
            .find(|name| name.starts_with("out.partial-"));
        let attempts = staging.is_some_and(|staging| {
            std::fs::read_dir(folder.path(&staging))
                .is_ok_and(|mut entries| entries.next().is_some())
        });
        if attempts {
            return;
        }
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it could be stopped"
        );
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "nothing was begun"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(unix)]
#[test]
fn a_killed_run_gives_no_folder_and_hinders_no_other() {
    let folder = Folder::new();
    folder.write("long.jsonl", rows(0..20_000));
    let mut child = long_run(&folder);
    wait_for_attempts(&folder, &mut child);
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    assert!(!folder.path("out").exists());
    let partial: Vec<String> = folder
        .names()
        .into_iter()
        .filter(|name| name.contains("partial"))
        .collect();
    assert_eq!(partial.len(), 1);
    assert!(!folder.path(&partial[0]).join("_SUCCESS").exists());
    folder
        .marsad(&[
            "sql",
            "SELECT id, day FROM t",
            "--table",
            "t=long.jsonl",
            "-o",
            "out/",
            "--partition-by",
            "day",
        ])
        .done();
    assert_eq!(manifest(&folder.path("out"))["rows"], 20_000);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_nothing() {
    let folder = Folder::new();
    folder.write("long.jsonl", rows(0..20_000));
    let mut child = long_run(&folder);
    wait_for_attempts(&folder, &mut child);
    let interrupt = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("out was not written"), "{told}");
    assert_eq!(folder.names(), ["long.jsonl"]);
}
