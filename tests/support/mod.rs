//! What the black-box tests share: running the program in a folder of its own.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder that vanishes with the test.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Runs the program in this folder.
    pub fn marsad(&self, arguments: &[&str]) -> Run {
        self.marsad_with(arguments, b"")
    }

    pub fn marsad_with(&self, arguments: &[&str], input: &[u8]) -> Run {
        use std::io::Write;
        let mut child = Command::new(env!("CARGO_BIN_EXE_marsad"))
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || {
            // A program that refuses its arguments does not read its input.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Run::new(output)
    }
}

/// What a run of the program left.
#[derive(Debug)]
pub struct Run {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    fn new(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub fn done(self) -> Self {
        assert_eq!(self.status, 0, "{}", self.err);
        self
    }

    /// Asserts that the program could not run and said why in one line that holds all `words`.
    pub fn refused(&self, words: &[&str]) {
        assert_eq!(self.status, 2, "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        assert!(self.err.starts_with("marsad: "), "{}", self.err);
        for word in words {
            assert!(self.err.contains(word), "{word:?} not in {}", self.err);
        }
    }

    pub fn json_rows(&self) -> Vec<serde_json::Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A corpus on which any learner does well: two labels, each with its own words.
pub fn small_corpus() -> String {
    let mut rows = String::new();
    for index in 0..60 {
        let place = ["حلب", "إدلب", "تعز", "سرت", "كركوك"][index % 5];
        let (text, labels) = match index % 4 {
            0 => (
                format!("شنت طائرات غارات على {place} رقم {index}"),
                r#"["air"]"#,
            ),
            1 => (
                format!("قصفت المدفعية أطراف {place} رقم {index}"),
                r#"["fire.gun"]"#,
            ),
            2 => (
                format!("غارات للطائرات وقصفت المدفعية {place} رقم {index}"),
                r#"["air","fire.gun"]"#,
            ),
            _ => (format!("زار الوزير سوق {place} رقم {index}"), "[]"),
        };
        rows += &format!(
            "{{\"id\":\"r{index}\",\"doc\":\"d{}\",\"text\":\"{text}\",\"labels\":{labels}}}\n",
            index / 2
        );
    }
    rows
}
