//! Folders of many files that a cluster writes: those of one machine, or none.
#![cfg(feature = "cluster")]

#[path = "support/cluster.rs"]
mod cluster;
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Output};

use cluster::{Cluster, begin_marsad, finish, signal, wait_until};
use support::Folder;

const FILES: usize = 12;
const ROWS_A_FILE: usize = 400;

/// Files of sentences, so many rows each.
fn archive(folder: &Folder, rows_a_file: usize) {
    std::fs::create_dir(folder.path("archive")).unwrap();
    let places = ["حلب", "إدلب", "تعز", "a/b", ""];
    for file in 0..FILES {
        let mut rows = String::new();
        for row in 0..rows_a_file {
            let id = file * rows_a_file + row;
            let place = places[id % 5];
            let text = match id % 3 {
                0 => format!("شنت طائرات حربية غارات على حلب وقتل {} أشخاص", id % 9 + 3),
                1 => format!("اندلعت اشتباكات عنيفة بين الجيش ومسلحين رقم {id}"),
                _ => format!("زار الوزير السوق صباح اليوم رقم {id}"),
            };
            rows += &format!("{{\"id\":{id},\"place\":\"{place}\",\"text\":\"{text}\"}}\n");
        }
        folder.write(&format!("archive/{file:02}.jsonl"), rows);
    }
}

const STATEMENT: &str =
    "SELECT id, place, event_labels(text) AS labels, event_scores(text) AS scores FROM t";

fn arguments<'a>(statement: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["sql", statement, "--table", "t=archive/"];
    arguments.extend(more);
    arguments
}

fn begin(cluster: &Cluster, folder: &Folder, statement: &str, more: &[&str]) -> Child {
    let mut arguments = arguments(statement, more);
    arguments.extend(["--cluster", cluster.address()]);
    begin_marsad(&folder.path(""), &arguments)
}

/// The content of all files below a folder, by their paths in it.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(folder: &Path, around: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, around, found);
            } else {
                let name = path.strip_prefix(around).unwrap().to_str().unwrap();
                found.insert(name.to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}

fn assert_done(output: &Output) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
}

#[test]
fn a_cluster_writes_the_very_files_of_one_machine() {
    let (cluster, folder) = (Cluster::start(2), Folder::new());
    archive(&folder, ROWS_A_FILE);
    let limited = format!("{STATEMENT} LIMIT 30 OFFSET 390");
    let grouped = "SELECT place, label, count(*) AS n FROM (SELECT place, unnest(event_labels(text)) AS label \
                   FROM t) GROUP BY place, label ORDER BY place, label";
    for (name, statement, flags) in [
        ("rows", STATEMENT, &["--files", "6"][..]),
        (
            "keys",
            STATEMENT,
            &["--files", "6", "--partition-by", "place"],
        ),
        ("csv", STATEMENT, &["--files", "3", "--to", "csv"]),
        ("limit", limited.as_str(), &["--files", "6"]),
        ("none", "SELECT id FROM t WHERE id < 0", &["--files", "6"]),
        ("groups", grouped, &["--files", "6"]),
    ] {
        let (here, there) = (format!("{name}-here/"), format!("{name}-there/"));
        let mut of_one = flags.to_vec();
        of_one.extend(["-o", &here]);
        folder.marsad(&arguments(statement, &of_one)).done();
        let mut of_cluster = flags.to_vec();
        of_cluster.extend(["-o", &there]);
        assert_done(&finish(begin(&cluster, &folder, statement, &of_cluster)));
        let (here, there) = (
            contents(&folder.path(&here)),
            contents(&folder.path(&there)),
        );
        assert!(here.len() > 1, "{name}");
        assert!(
            here.keys().eq(there.keys()),
            "{name}: {:?} {:?}",
            here.keys(),
            there.keys()
        );
        assert!(here == there, "{name}");
    }
    let left = folder
        .names()
        .into_iter()
        .filter(|name| name.contains("partial"));
    assert_eq!(left.count(), 0);
    // Without --files there is work for all cores.
    assert_done(&finish(begin(
        &cluster,
        &folder,
        STATEMENT,
        &["-o", "alone/"],
    )));
    assert!(contents(&folder.path("alone")).len() > 3);
}

/// So much to do for each row that there is time to stop in the middle.
fn much() -> String {
    let columns: Vec<String> = (0..8)
        .map(|n| format!("event_scores(concat(text, ' {n}')) AS s{n}"))
        .collect();
    format!("SELECT id, place, {} FROM t", columns.join(", "))
}

#[test]
fn a_killed_executor_leaves_all_rows_or_no_folder() {
    let (mut cluster, folder) = (Cluster::start(2), Folder::new());
    archive(&folder, ROWS_A_FILE);
    let statement = much();
    let child = begin(
        &cluster,
        &folder,
        &statement,
        &["-o", "out/", "--files", "12", "--partition-by", "place"],
    );
    cluster.wait_for_tasks(2);
    drop(cluster.executors.remove(0));
    let output = finish(child);
    let told = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => {
            let written = contents(&folder.path("out"));
            let manifest: serde_json::Value = serde_json::from_slice(&written["_SUCCESS"]).unwrap();
            assert_eq!(manifest["rows"], FILES * ROWS_A_FILE);
            folder
                .marsad(&arguments(
                    &statement,
                    &["-o", "here/", "--files", "12", "--partition-by", "place"],
                ))
                .done();
            assert!(written == contents(&folder.path("here")));
        }
        status => {
            assert_eq!(status, Some(2), "{told}");
            assert_eq!(told.lines().count(), 1, "{told}");
            assert!(!folder.path("out").exists());
        }
    }
    let left = folder
        .names()
        .into_iter()
        .filter(|name| name.contains("partial"));
    assert_eq!(left.count(), 0, "{told}");
}

#[test]
fn an_interrupted_client_leaves_nothing() {
    let (cluster, folder) = (Cluster::start(1), Folder::new());
    archive(&folder, ROWS_A_FILE);
    let child = begin(&cluster, &folder, &much(), &["-o", "out/", "--files", "12"]);
    cluster.wait_for_tasks(1);
    signal(&child, "INT");
    let output = finish(child);
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    wait_until("the job is no more", || {
        let status = cluster.status();
        status["jobs"][0]["state"] != "running" && status["busy"] == 0
    });
    assert_eq!(folder.names(), ["archive"]);
}
