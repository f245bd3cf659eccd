//! The commands of the tour, of the cookbook pages and of the cluster's manual give what is printed there.

mod support;

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use support::repository;

/// A block of commands and what they print, as a page shows it.
const BLOCK: &str = "```console run";

/// Features that the commands of a block need, named after it, and whether they are built in.
const FEATURES: [(&str, bool); 2] = [
    (" sql", cfg!(feature = "sql")),
    (" cluster", cfg!(feature = "cluster")),
];

/// Ports that pages print. Others that are free are taken in their place.
const PORTS: [&str; 5] = ["50050", "50051", "50052", "50061", "50062"];

/// How long a program in the background may take until it has printed its lines.
const PATIENCE: Duration = Duration::from_secs(60);

/// A line that stands for any number of lines.
const LEFT_OUT: &str = "…";

/// A command of a page with the lines under it.
struct Shown {
    line: usize,
    command: String,
    output: Vec<String>,
}

/// Whether a line begins a block that is to be run with the features that are built in.
fn is_run(line: &str) -> bool {
    line.strip_prefix(BLOCK).is_some_and(|feature| {
        let built_in = FEATURES.iter().find(|(name, _)| *name == feature);
        feature.is_empty() || built_in.is_some_and(|(_, built_in)| *built_in)
    })
}

/// The commands of a page that are to be run, in order. A command goes on after a `\`.
fn shown(page: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let (mut inside, mut goes_on) = (false, false);
    for (number, line) in page.lines().enumerate() {
        if !inside {
            inside = is_run(line);
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

/// The text of a page with ports that are free.
fn with_free_ports(page: &str) -> String {
    let listen = |_: &&str| std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listeners: Vec<_> = PORTS.iter().map(listen).collect();
    let ports = PORTS.iter().zip(&listeners);
    ports.fold(page.to_owned(), |page, (printed, listener)| {
        page.replace(printed, &listener.local_addr().unwrap().port().to_string())
    })
}

/// A program in the background, which ends with the page.
struct Background(Child);

impl Drop for Background {
    fn drop(&mut self) {
        // It is asked first, so that it tidies up.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(10) {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder that holds the files of the tour, and the search path that leads to the program.
struct Place {
    folder: tempfile::TempDir,
    path: String,
}

impl Place {
    fn new() -> Self {
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
        Self { folder, path }
    }

    fn shell(&self, script: String) -> Command {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(script)
            .current_dir(self.folder.path())
            .env("PATH", &self.path);
        command
    }

    /// What a command prints.
    fn run(&self, command: &str) -> String {
        let output = self.shell(format!("{{ {command}\n}} 2>&1")).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }

    /// Starts a command and waits until it has printed some lines; gives what it has printed.
    fn start(&self, command: &str, expected: &[String]) -> (Background, String) {
        let printed = tempfile::NamedTempFile::new().unwrap();
        let output = File::create(printed.path()).unwrap();
        let mut shell = self.shell(format!("exec {command} 2>&1"));
        let mut child = Background(shell.stdout(output).spawn().unwrap());
        let begun = Instant::now();
        loop {
            let ended = child.0.try_wait().unwrap().is_some();
            let text = std::fs::read_to_string(printed.path()).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            if fits(expected, &lines) || ended || begun.elapsed() > PATIENCE {
                return (child, text);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Runs a page's commands one after the other; those that end in `&` go on until the page ends.
fn run_page(page: &str) {
    let place = Place::new();
    let commands = shown(&with_free_ports(
        &std::fs::read_to_string(repository(page)).unwrap(),
    ));
    assert!(!commands.is_empty(), "{page} shows no command");
    let mut background = Vec::new();
    for shown in commands {
        let text = match shown.command.strip_suffix(" &") {
            Some(command) => {
                let (child, text) = place.start(command, &shown.output);
                background.push(child);
                text
            }
            None => place.run(&shown.command),
        };
        let found: Vec<&str> = text.lines().collect();
        assert!(
            fits(&shown.output, &found),
            "{page}, line {}: {} prints\n{text}",
            shown.line,
            shown.command
        );
    }
    // Executors end before their scheduler.
    while background.pop().is_some() {}
}

#[test]
fn the_tour_runs_as_printed() {
    run_page("README.md");
}

#[test]
fn the_cookbook_for_research_runs_as_printed() {
    run_page("docs/cookbook-research.md");
}

#[test]
fn the_cookbook_for_engineers_runs_as_printed() {
    run_page("docs/cookbook-engineering.md");
}

#[test]
#[cfg(feature = "cluster")]
fn the_manual_of_the_cluster_runs_as_printed() {
    run_page("docs/cluster.md");
}

#[test]
fn outputs_are_compared_line_by_line() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let expected = lines("a\n…\nd");
    assert!(fits(&expected, &["a", "b", "c", "d"]));
    assert!(fits(&expected, &["a", "d"]));
    assert!(!fits(&expected, &["a", "b"]));
    assert!(!fits(&lines("a"), &["a", "b"]));
    for (block, run) in [
        ("", true),
        (" sql", cfg!(feature = "sql")),
        (" once", false),
    ] {
        assert_eq!(is_run(&format!("{BLOCK}{block}")), run, "{block}");
    }
    let page = "```console run\n$ marsad x \\\n  y\none\n$ z\n```\n```console\n$ other\n```\n";
    let commands = shown(page);
    assert_eq!(commands.len(), 2);
    assert_eq!(commands[0].command, "marsad x \\\n  y");
    assert_eq!(commands[0].output, ["one"]);
}
