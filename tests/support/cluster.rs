//! Clusters of processes on this machine, for tests.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Anything that takes longer than this has hung.
const PATIENCE: Duration = Duration::from_secs(240);

/// A server that is killed with the test.
pub struct Server {
    child: Child,
    pub address: String,
}

impl Server {
    /// Starts a part of a cluster and waits until it says where it listens.
    pub fn start(arguments: &[&str]) -> Self {
        // Nobody reads what they say while they run: a pipe would be full one day.
        let told = tempfile::tempfile().unwrap();
        let mut program = program(arguments);
        let mut child = program.stderr(told.try_clone().unwrap()).spawn().unwrap();
        let output = child.stdout.take().unwrap();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let line = receiver.recv_timeout(Duration::from_secs(60));
        let address = line
            .as_deref()
            .ok()
            .and_then(|line| line.strip_prefix("listening on "));
        let Some(address) = address.map(str::to_owned) else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{arguments:?} did not begin to listen: {}", content(told));
        };
        Self { child, address }
    }

    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Its exit status once it has ended.
    pub fn ended(&mut self) -> i32 {
        let child = &mut self.child;
        let mut status = None;
        wait_until("a server ends", || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        status.and_then(|status| status.code()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn content(mut file: std::fs::File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

pub fn signal(child: &Child, name: &str) {
    let mut command = Command::new("kill");
    let sent = command
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_marsad-cluster"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs `marsad-cluster` to its end.
pub fn marsad_cluster(arguments: &[&str]) -> (i32, String, String) {
    let output = finish(program(arguments).spawn().unwrap());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Begins `marsad` in a folder.
pub fn begin_marsad(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_marsad"));
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null());
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for a program that ends by itself, and kills one that does not.
pub fn finish(mut child: Child) -> Output {
    let id = child.id();
    let (sender, receiver) = mpsc::channel();
    let stdout = child.stdout.take().unwrap();
    let stderr = child.stderr.take().unwrap();
    std::thread::spawn(move || {
        let read = |mut from: Box<dyn std::io::Read + Send>| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                from.read_to_end(&mut bytes).unwrap();
                bytes
            })
        };
        let (stdout, stderr) = (read(Box::new(stdout)), read(Box::new(stderr)));
        let status = child.wait().unwrap();
        let _ = sender.send(Output {
            status,
            stdout: stdout.join().unwrap(),
            stderr: stderr.join().unwrap(),
        });
    });
    receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let _ = Command::new("kill")
            .args(["-KILL", &id.to_string()])
            .status();
        panic!("a program did not end");
    })
}

pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A scheduler with executors of one core each, each with a folder of its own.
pub struct Cluster {
    pub executors: Vec<Server>,
    pub scheduler: Server,
    folder: tempfile::TempDir,
    started: usize,
}

impl Cluster {
    /// With so many executors that hold the built-in model.
    pub fn start(executors: usize) -> Self {
        let scheduler = Server::start(&[
            "scheduler",
            "--port",
            "0",
            "--executor-timeout",
            "4",
            "--without-executors",
            "4",
        ]);
        let mut cluster = Self {
            executors: Vec::new(),
            scheduler,
            folder: tempfile::tempdir().unwrap(),
            started: 0,
        };
        for _ in 0..executors {
            cluster.add_executor(&[]);
        }
        cluster
    }

    pub fn address(&self) -> &str {
        &self.scheduler.address
    }

    /// The folder of an executor, by the order in which they were started.
    pub fn work_folder(&self, executor: usize) -> PathBuf {
        self.folder.path().join(executor.to_string())
    }

    pub fn add_executor(&mut self, more: &[&str]) {
        let folder = self.work_folder(self.started);
        self.started += 1;
        let mut arguments = vec!["executor", "--scheduler", self.address()];
        arguments.extend([
            "--port",
            "0",
            "--grpc-port",
            "0",
            "--cores",
            "1",
            "--heartbeat",
            "1",
        ]);
        arguments.extend(["--work-dir", folder.to_str().unwrap()]);
        arguments.extend(more);
        let executor = Server::start(&arguments);
        self.executors.push(executor);
    }

    pub fn status(&self) -> Value {
        let (status, out, err) = marsad_cluster(&["status", "--cluster", self.address(), "--json"]);
        assert_eq!(status, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    }

    /// Waits until the latest job is on its way and some of its tasks are done.
    pub fn wait_for_tasks(&self, done: u64) {
        wait_until("tasks are done", || {
            let status = self.status();
            let job = &status["jobs"][0];
            job["tasks_done"]
                .as_u64()
                .is_some_and(|tasks| tasks >= done)
        });
    }

    /// Files with rows that an executor keeps or has kept for the latest job.
    pub fn kept_by(&self, executor: usize) -> usize {
        files_below(&self.work_folder(executor), "arrow")
    }
}

/// How many files of an ending there are below a folder.
pub fn files_below(folder: &Path, ending: &str) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let counts = paths.map(|path| match path.is_dir() {
        true => files_below(&path, ending),
        false => usize::from(path.extension().is_some_and(|found| found == ending)),
    });
    counts.sum()
}
