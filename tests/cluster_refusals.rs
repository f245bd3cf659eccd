//! What clusters and their parts refuse, each in one clear line.
#![cfg(feature = "cluster")]

#[path = "support/cluster.rs"]
mod cluster;
mod support;

use std::path::Path;
use std::sync::Arc;

use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use cluster::{Cluster, begin_marsad, finish, marsad_cluster, wait_until};
use support::{Folder, Run, small_corpus};

const LABELS: &str = "SELECT id, event_labels(text) AS labels FROM news";

/// A folder with a small table in two files, and a small model that is not the built-in one.
fn prepared() -> Folder {
    let folder = Folder::new();
    let row = |id: usize| {
        format!("{{\"id\":\"r{id}\",\"text\":\"قصف مدفعي على البلدة\",\"n\":\"{id}\"}}\n")
    };
    folder.write("one.jsonl", (0..40).map(row).collect::<String>());
    folder.write("two.jsonl", (40..80).map(row).collect::<String>());
    folder
}

fn small_model(folder: &Folder) -> String {
    folder.write("corpus.jsonl", small_corpus());
    folder
        .marsad(&[
            "train",
            "corpus.jsonl",
            "-o",
            "small.safetensors",
            "--quiet",
        ])
        .done();
    folder.path("small.safetensors").display().to_string()
}

fn ask(folder: &Folder, cluster: &str, statement: &str, more: &[&str]) -> Run {
    let mut arguments = vec![
        "sql",
        statement,
        "-t",
        "news=one.jsonl,two.jsonl",
        "--cluster",
        cluster,
    ];
    arguments.extend(more);
    folder.marsad(&arguments)
}

/// Asserts that a part of a cluster could not run and said why in one line that holds all `words`.
fn refused(arguments: &[&str], words: &[&str]) {
    let (status, _, told) = marsad_cluster(arguments);
    assert_eq!(status, 2, "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.starts_with("marsad-cluster: "), "{told}");
    for word in words {
        assert!(told.contains(word), "{word:?} not in {told}");
    }
}

#[test]
fn statements_that_cannot_be_run() {
    let (cluster, folder) = (Cluster::start(1), prepared());
    let at = cluster.address();
    ask(&folder, "127.0.0.1:1", LABELS, &[]).refused(&["127.0.0.1:1", "nothing listens there"]);
    ask(&folder, at, "SELECT nothing FROM news", &[]).refused(&["\"nothing\"", "text"]);
    ask(&folder, at, "SELECT event_labels(1) FROM news", &[]).refused(&["event_labels"]);
    ask(&folder, at, LABELS, &["-o", "no/such/folder.parquet"])
        .refused(&["its folder does not exist"]);
    ask(
        &folder,
        at,
        "SELECT CAST(text AS INT) FROM news",
        &["-o", "out.csv"],
    )
    .refused(&["no whole number", "TRY_CAST"]);
    folder.write("broken.parquet", b"PAR1 and no more");
    ask(
        &folder,
        at,
        "SELECT * FROM 'broken.parquet'",
        &["-o", "out.csv"],
    )
    .refused(&["broken.parquet"]);
    assert!(!folder.path("out.csv").exists());
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, b"{\"a\":1}\n").unwrap();
    folder.write("packed.jsonl.gz", packed.finish().unwrap());
    ask(&folder, at, "SELECT a + 1 AS n FROM 'packed.jsonl.gz'", &[]).refused(&[
        "packed.jsonl.gz",
        "compressed",
        "Parquet",
    ]);
    folder.write("marked.jsonl", "\u{FEFF}{\"a\":1}\n");
    let marked = ask(
        &folder,
        at,
        "SELECT a FROM 'marked.jsonl'",
        &["--to", "csv"],
    )
    .done();
    assert_eq!(marked.out, "a\n1\n");
    let folder_out = folder.write("file", b"");
    ask(
        &folder,
        at,
        LABELS,
        &["-o", &format!("{}/", folder_out.display()), "--files", "2"],
    )
    .refused(&["file"]);

    let executor = cluster.executors[0].address.clone();
    ask(&folder, &executor, LABELS, &[]).refused(&[&executor, "not as a scheduler"]);
    let model = small_model(&folder);
    let run = ask(&folder, at, LABELS, &["-m", &model]);
    run.refused(&["marsad-", "holds the model", "--model", &executor]);
}

#[test]
fn a_file_that_the_executors_have_not_is_named() {
    let (cluster, folder) = (Cluster::start(1), prepared());
    // The executor looks at the file when it is gone.
    cluster.executors[0].signal("STOP");
    let arguments = [
        "sql",
        LABELS,
        "-t",
        "news=one.jsonl,two.jsonl",
        "--cluster",
        cluster.address(),
    ];
    let child = begin_marsad(&folder.path(""), &arguments);
    wait_until("the job runs", || {
        cluster.status()["jobs"][0]["state"] == "running"
    });
    std::fs::remove_file(folder.path("one.jsonl")).unwrap();
    cluster.executors[0].signal("CONT");
    one_line(
        finish(child),
        &["one.jsonl", "the same paths", "all machines"],
    );
}

fn one_line(output: std::process::Output, words: &[&str]) {
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    for word in words {
        assert!(told.contains(word), "{word:?} not in {told}");
    }
}

#[test]
fn an_executor_that_joins_later_with_another_model_refuses() {
    let (mut cluster, folder) = (Cluster::start(1), prepared());
    let model = small_model(&folder);
    cluster.executors[0].signal("STOP");
    let arguments = [
        "sql",
        LABELS,
        "-t",
        "news=one.jsonl,two.jsonl",
        "--cluster",
        cluster.address(),
    ];
    let child = begin_marsad(&folder.path(""), &arguments);
    wait_until("the job runs", || {
        cluster.status()["jobs"][0]["state"] == "running"
    });
    cluster.add_executor(&["--model", &model]);
    let status = cluster.status();
    let held: Vec<&str> = status["executors"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["model"].as_str())
        .collect();
    let mut words = vec!["the executor marsad-", "holds the model"];
    words.extend(held);
    one_line(finish(child), &words);
}

#[test]
fn an_executor_of_another_program_is_refused() {
    let (cluster, folder) = (Cluster::start(0), prepared());
    ask(&folder, cluster.address(), LABELS, &[]).refused(&["no executor"]);
    let ports: Vec<u16> = (0..2)
        .map(|_| {
            std::net::TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port()
        })
        .collect();
    let config = ExecutorProcessConfig {
        executor_id: "stock".into(),
        port: ports[0],
        grpc_port: ports[1],
        scheduler_host: "127.0.0.1".into(),
        scheduler_port: cluster
            .address()
            .rsplit(':')
            .next()
            .unwrap()
            .parse()
            .unwrap(),
        vcores: 1,
        work_dir: Some(folder.path("work").display().to_string()),
        executor_heartbeat_interval_seconds: 1,
        ..ExecutorProcessConfig::default()
    };
    std::fs::create_dir(folder.path("work")).unwrap();
    let engine = tokio::runtime::Runtime::new().unwrap();
    engine.spawn(start_executor_process(Arc::new(config)));
    wait_until("the executor is taken in", || {
        cluster.status()["executors"].as_array().unwrap().len() == 1
    });
    assert_eq!(
        cluster.status()["executors"][0]["model"],
        serde_json::Value::Null
    );
    ask(&folder, cluster.address(), LABELS, &[]).refused(&["stock", "does not know the functions"]);
    engine.shutdown_background();
}

#[test]
fn parts_of_a_cluster_that_cannot_run() {
    let (cluster, folder) = (Cluster::start(1), prepared());
    let at = cluster.address();
    let port = at.rsplit(':').next().unwrap();
    refused(
        &["scheduler", "--port", port],
        &[at, "another program listens", "--port"],
    );
    refused(
        &["scheduler", "--bind", "no.such.host.invalid"],
        &["no.such.host.invalid", "--bind"],
    );
    refused(
        &["scheduler", "--bind", "192.0.2.1"],
        &["no address of this machine"],
    );
    refused(&["scheduler", "--bind", "0.0.0.0"], &["--external-host"]);
    refused(
        &["executor", "--scheduler", at, "--port", port],
        &["another program listens", "--port"],
    );
    let same = ["--port", "0", "--grpc-port", port];
    refused(
        &[&["executor", "--scheduler", at], same.as_slice()].concat(),
        &["--grpc-port"],
    );
    let free = [
        "--port",
        "0",
        "--grpc-port",
        "0",
        "--wait",
        "0",
        "--scheduler",
    ];
    let executor =
        |scheduler: &'static str| [&["executor"], free.as_slice(), &[scheduler]].concat();
    refused(
        &executor("127.0.0.1:1"),
        &["127.0.0.1:1", "nothing listens there"],
    );
    let missing = folder.path("none.safetensors").display().to_string();
    refused(
        &["executor", "--scheduler", at, "-m", &missing],
        &[&missing, "no such file"],
    );
    let damaged = folder
        .write("damaged.safetensors", b"not a model")
        .display()
        .to_string();
    refused(
        &["executor", "--scheduler", at, "-m", &damaged],
        &["damaged.safetensors"],
    );
    let file = folder.write("file", b"").join("in").display().to_string();
    let work = ["--port", "0", "--grpc-port", "0", "--work-dir", &file];
    refused(
        &[&["executor", "--scheduler", at], work.as_slice()].concat(),
        &[&file],
    );
    let file = folder.path("file").display().to_string();
    let work = ["--port", "0", "--grpc-port", "0", "--work-dir", &file];
    refused(
        &[&["executor", "--scheduler", at], work.as_slice()].concat(),
        &[&file, "is a file", "--work-dir"],
    );
    refused(
        &["status", "--cluster", "127.0.0.1:1"],
        &["127.0.0.1:1", "nothing listens there"],
    );
    refused(
        &["status", "--cluster", "no.such.host.invalid:1"],
        &["no.such.host.invalid:1", "no machine of this name"],
    );
}

#[test]
fn parts_end_when_they_are_told_and_leave_nothing() {
    let mut cluster = Cluster::start(2);
    let (status, text, _) = marsad_cluster(&["status", "--cluster", cluster.address()]);
    assert_eq!(status, 0);
    for word in [
        "2 executors with 2 cores",
        "executor",
        "address",
        "127.0.0.1:",
    ] {
        assert!(text.contains(word), "{word:?} not in {text}");
    }
    let status = cluster.status();
    let keys: Vec<&String> = status["executors"][0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "id",
            "address",
            "cores",
            "model",
            "last_seen_seconds",
            "memory",
            "peak_memory"
        ]
    );
    let keys: Vec<&String> = status.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["scheduler", "cores", "busy", "executors", "jobs"]);

    let folder = cluster.work_folder(0);
    assert!(is_filled(&folder));
    let mut executor = cluster.executors.remove(0);
    executor.signal("TERM");
    assert_eq!(executor.ended(), 0);
    assert!(!is_filled(&folder));
    wait_until("the scheduler knows", || {
        cluster.status()["executors"].as_array().unwrap().len() == 1
    });
    cluster.scheduler.signal("INT");
    assert_eq!(cluster.scheduler.ended(), 0);
    // An executor without a scheduler gives up, so that whoever watches it starts it again.
    assert_eq!(cluster.executors.remove(0).ended(), 2);
}

fn is_filled(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_some()
}
