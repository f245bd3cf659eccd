//! Statements on a cluster of processes against the same on one machine.
#![cfg(feature = "cluster")]

#[path = "support/archive.rs"]
mod archive;
#[path = "support/cluster.rs"]
mod cluster;
mod support;

use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::OnceLock;

use archive::{Archive, FILES, ROWS_A_FILE, read};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use cluster::{Cluster, begin_marsad, files_below, finish, signal, wait_until};
use support::Folder;

const STATEMENT: &str =
    "SELECT id, event_labels(text) AS labels, event_scores(text) AS scores FROM news";

/// What `marsad predict` says of the whole archive; it is asked once.
fn predicted() -> &'static RecordBatch {
    static PREDICTED: OnceLock<RecordBatch> = OnceLock::new();
    PREDICTED.get_or_init(|| {
        let folder = Folder::new();
        let archive = Archive::shared();
        let files: Vec<String> = (0..FILES)
            .map(|file| archive.file(file).display().to_string())
            .collect();
        let mut arguments = vec!["predict", "--quiet", "-o", "predicted.parquet"];
        arguments.extend(files.iter().map(String::as_str));
        // Rows without a text are rows in error for predict.
        assert_eq!(folder.marsad(&arguments).status, 1);
        read(&folder.path("predicted.parquet"))
    })
}

/// Asserts that rows from the first of the archive on are those of `marsad predict`, value by value.
fn assert_as_predicted(rows: &RecordBatch) {
    let predicted = predicted().slice(0, rows.num_rows());
    let column = |name: &str| predicted.column_by_name(name).unwrap().clone();
    assert_eq!(rows.column_by_name("id").unwrap(), &column("id"));
    let texts = column("error");
    let labels = rows.column_by_name("labels").unwrap();
    let scores = rows.column_by_name("scores").unwrap().as_struct();
    let mut without_text = 0;
    for row in 0..rows.num_rows() {
        // predict tells an error where SQL has a null.
        let missing = !texts.is_null(row);
        assert_eq!(labels.is_null(row), missing, "row {row}");
        assert_eq!(scores.is_null(row), missing, "row {row}");
        without_text += usize::from(missing);
        if !missing {
            let (told, held) = (labels.as_list::<i32>().value(row), column("labels"));
            assert_eq!(
                told.as_string::<i32>(),
                held.as_list::<i32>().value(row).as_string::<i32>(),
                "row {row}"
            );
        }
    }
    assert!(without_text > 0 && without_text < rows.num_rows() / 500);
    for (name, told) in scores.column_names().into_iter().zip(scores.columns()) {
        let held = column(&format!("score.{name}"));
        let (told, held) = (
            told.as_primitive::<arrow::datatypes::Float64Type>(),
            held.as_primitive::<arrow::datatypes::Float64Type>(),
        );
        for row in (0..rows.num_rows()).filter(|&row| texts.is_null(row)) {
            assert_eq!(told.value(row), held.value(row), "{name} of row {row}");
        }
    }
}

fn begin(cluster: &Cluster, folder: &Folder, files: usize, more: &[&str]) -> Child {
    let table = Archive::shared().table(files);
    let mut arguments = vec![
        "sql",
        STATEMENT,
        "-t",
        &table,
        "--cluster",
        cluster.address(),
    ];
    arguments.extend(more);
    begin_marsad(&folder.path(""), &arguments)
}

/// The rows of a folder of many files, in the order of their names.
fn read_folder(folder: &Path) -> RecordBatch {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "parquet"));
    files.sort();
    let batches: Vec<RecordBatch> = files.iter().map(|path| read(path)).collect();
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

#[test]
fn the_rows_of_a_cluster_are_those_of_one_machine() {
    let (cluster, folder) = (Cluster::start(2), Folder::new());
    let child = begin(
        &cluster,
        &folder,
        FILES,
        &["-o", "labelled.parquet", "--partitions", "16"],
    );
    wait_until("both executors keep rows", || {
        cluster.kept_by(0) > 1 && cluster.kept_by(1) > 1
    });
    let output = finish(child);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let rows = read(&folder.path("labelled.parquet"));
    assert_eq!(rows.num_rows(), FILES * ROWS_A_FILE);
    assert_as_predicted(&rows);
    let status = cluster.status();
    let job = &status["jobs"][0];
    assert_eq!(job["state"], "completed");
    assert_eq!(
        (&job["tasks_done"], &job["tasks_begun"]),
        (&16.into(), &16.into()),
        "{job}"
    );
    wait_until("rows that were fetched are removed", || {
        cluster.kept_by(0) + cluster.kept_by(1) == 0
    });

    // Byte for byte what one process writes, limits and all.
    let table = Archive::shared().table(2);
    let limited = format!("{STATEMENT} WHERE text IS NOT NULL LIMIT 30 OFFSET 24990");
    let grouped = "SELECT label, count(*) AS rows FROM (SELECT unnest(event_labels(text)) AS label \
                   FROM news WHERE id LIKE '%00') GROUP BY label ORDER BY label";
    for (statement, name) in [(limited.as_str(), "rows.parquet"), (grouped, "counts.csv")] {
        let here = format!("here-{name}");
        folder
            .marsad(&["sql", statement, "-t", &table, "-o", &here])
            .done();
        folder
            .marsad(&[
                "sql",
                statement,
                "-t",
                &table,
                "-o",
                name,
                "--cluster",
                cluster.address(),
            ])
            .done();
        let bytes = |name: &str| std::fs::read(folder.path(name)).unwrap();
        assert!(bytes(name) == bytes(&here), "{statement}");
    }
}

#[test]
fn an_executor_that_is_killed_costs_no_row() {
    let (mut cluster, folder) = (Cluster::start(2), Folder::new());
    let child = begin(&cluster, &folder, 4, &["-o", "labelled.parquet"]);
    cluster.wait_for_tasks(1);
    // Rows that it has finished are lost with it.
    drop(cluster.executors.remove(0));
    let output = finish(child);
    assert_whole_or_none(&output, &folder.path("labelled.parquet"), read, 4);

    cluster.add_executor(&[]);
    let child = begin(&cluster, &folder, 2, &["-o", "labelled/", "--files", "6"]);
    cluster.wait_for_tasks(1);
    drop(cluster.executors.remove(0));
    let output = finish(child);
    assert_whole_or_none(&output, &folder.path("labelled"), read_folder, 2);
    let left = folder
        .names()
        .into_iter()
        .filter(|name| name.contains("partial"));
    assert_eq!(left.count(), 0);
}

#[test]
fn an_executor_that_is_killed_in_an_exchange_doubles_no_row() {
    let (mut cluster, folder) = (Cluster::start(2), Folder::new());
    let table = Archive::shared().table(4);
    let statement = "SELECT text, n, event_scores(text) AS scores, event_labels(text) AS labels FROM \
                     (SELECT concat(text, ' ', id) AS text, count(*) AS n FROM news \
                     WHERE id LIKE '%3' GROUP BY 1)";
    let arguments = ["sql", statement, "-t", &table, "--to", "jsonl"];
    let there = [
        arguments.as_slice(),
        &["--cluster", cluster.address(), "--partitions", "4"],
    ]
    .concat();
    let child = begin_marsad(&folder.path(""), &there);
    // Four tasks read, four group and label; one of these is done.
    cluster.wait_for_tasks(5);
    drop(cluster.executors.remove(0));
    let output = finish(child);
    let told = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(0) {
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        return;
    }
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let here = folder.marsad(&arguments).done();
    assert!(sorted(&here.out) == sorted(&String::from_utf8(output.stdout).unwrap()));
}

/// Either all rows or a plain refusal and no output at all.
fn assert_whole_or_none(
    output: &std::process::Output,
    path: &Path,
    read: impl Fn(&Path) -> RecordBatch,
    files: usize,
) {
    if output.status.code() == Some(0) {
        let rows = read(path);
        assert_eq!(rows.num_rows(), files * ROWS_A_FILE);
        assert_as_predicted(&rows);
        return;
    }
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(!path.exists());
}

#[test]
fn a_job_is_cancelled_with_its_client() {
    let (cluster, folder) = (Cluster::start(1), Folder::new());
    let child = begin(&cluster, &folder, FILES, &["-o", "labelled.parquet"]);
    wait_until("the job runs", || {
        cluster.status()["jobs"][0]["state"] == "running"
    });
    signal(&child, "INT");
    let output = finish(child);
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(!folder.path("labelled.parquet").exists());
    wait_until("the job is no more", || {
        let status = cluster.status();
        status["jobs"][0]["state"] != "running" && status["busy"] == 0
    });
    assert_eq!(files_below(&folder.path(""), "parquet"), 0);
}
