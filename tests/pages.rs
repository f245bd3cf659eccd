//! The commands of the tour and of the cookbook pages give what is printed there.

mod support;

use std::path::Path;
use std::process::Command;

use support::repository;

/// A block of commands and what they print, as a page shows it.
const BLOCK: &str = "```console run";

/// A line that stands for any number of lines.
const LEFT_OUT: &str = "…";

/// A command of a page with the lines under it.
struct Shown {
    line: usize,
    command: String,
    output: Vec<String>,
}

/// The commands of a page that are to be run, in order. A command goes on after a `\`.
fn shown(page: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let (mut inside, mut goes_on) = (false, false);
    for (number, line) in page.lines().enumerate() {
        if !inside {
            inside = line == BLOCK;
        } else if line == "```" {
            inside = false;
        } else if let Some(command) = line.strip_prefix("$ ") {
            found.push(Shown {
                line: number + 1,
                command: command.to_owned(),
                output: Vec::new(),
            });
            goes_on = command.ends_with('\\');
        } else if let Some(last) = found.last_mut() {
            match std::mem::take(&mut goes_on) {
                true => {
                    last.command += &format!("\n{line}");
                    goes_on = line.ends_with('\\');
                }
                false => last.output.push(line.to_owned()),
            }
        }
    }
    found
}

/// Whether lines are those that are expected, where `…` stands for any number of lines.
fn fits(expected: &[String], found: &[&str]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((first, rest)) if first == LEFT_OUT => {
            (0..=found.len()).any(|skipped| fits(rest, &found[skipped..]))
        }
        Some((first, rest)) => found.split_first().is_some_and(|(line, others)| {
            line.trim_end() == first.trim_end() && fits(rest, others)
        }),
    }
}

/// Runs a page's commands one after the other in a folder that holds the files of the tour.
fn run_page(page: &str) {
    let folder = tempfile::tempdir().unwrap();
    for files in ["data/tour", "data/samples"] {
        for entry in std::fs::read_dir(repository(files)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
    }
    std::os::unix::fs::symlink(repository("data"), folder.path().join("data")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_marsad")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let commands = shown(&std::fs::read_to_string(repository(page)).unwrap());
    assert!(!commands.is_empty(), "{page} shows no command");
    for shown in commands {
        let output = Command::new("sh")
            .arg("-c")
            .arg(format!("{{ {}\n}} 2>&1", shown.command))
            .current_dir(folder.path())
            .env("PATH", &path)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let found: Vec<&str> = text.lines().collect();
        assert!(
            fits(&shown.output, &found),
            "{page}, line {}: {} prints\n{text}",
            shown.line,
            shown.command
        );
    }
}

#[test]
fn the_tour_runs_as_printed() {
    run_page("README.md");
}

#[test]
fn the_cookbooks_run_as_printed() {
    run_page("docs/cookbook-research.md");
    run_page("docs/cookbook-engineering.md");
}

#[test]
fn outputs_are_compared_line_by_line() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let expected = lines("a\n…\nd");
    assert!(fits(&expected, &["a", "b", "c", "d"]));
    assert!(fits(&expected, &["a", "d"]));
    assert!(!fits(&expected, &["a", "b"]));
    assert!(!fits(&lines("a"), &["a", "b"]));
    let page = "```console run\n$ marsad x \\\n  y\none\n$ z\n```\n```console\n$ other\n```\n";
    let commands = shown(page);
    assert_eq!(commands.len(), 2);
    assert_eq!(commands[0].command, "marsad x \\\n  y");
    assert_eq!(commands[0].output, ["one"]);
}
