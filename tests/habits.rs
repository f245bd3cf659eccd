//! Habits of the program: quiet, logs, pipes, colours, Ctrl-C, projects, manuals.

mod support;

use std::io::Read;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{Folder, small_corpus};

fn trained(folder: &Folder) {
    folder.write("c.jsonl", small_corpus());
    folder
        .marsad(&["train", "c.jsonl", "-o", "m.safetensors", "--folds", "2"])
        .done();
}

/// So few sentences that the program remarks on it.
fn tiny_corpus() -> String {
    small_corpus()
        .lines()
        .take(40)
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn quiet_silences_remarks_and_keeps_errors() {
    let folder = Folder::new();
    folder.write("c.jsonl", tiny_corpus());
    let train = ["train", "c.jsonl", "-o", "m", "--folds", "2"];
    let told = folder.marsad(&train).done();
    assert!(told.err.contains("marsad: "), "{}", told.err);
    let quiet = folder.marsad(&[&train[..], &["--quiet"]].concat()).done();
    assert_eq!(quiet.err, "");
    assert_eq!(quiet.out, told.out);
    folder
        .marsad(&["--quiet", "predict", "none.txt"])
        .refused(&["none.txt"]);
    folder.write("r.jsonl", "{\"text\":1}\n");
    let run = folder.marsad(&["predict", "--quiet", "-m", "m", "r.jsonl"]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("could not be read"), "{}", run.err);
}

#[test]
fn the_log_is_json_line_by_line() {
    let folder = Folder::new();
    folder.write("c.jsonl", tiny_corpus());
    let train = [
        "train", "c.jsonl", "-o", "m", "--folds", "2", "--log", "json",
    ];
    let run = folder.marsad(&train).done();
    let events: Vec<Value> = run
        .err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |kind: &str| events.iter().filter(move |e| e["event"] == kind).count();
    assert!(of("progress") >= 3 && of("remark") >= 1, "{events:#?}");
    for event in &events {
        assert!(event["level"].is_string() && event["message"].is_string());
        if event["event"] == "progress" {
            assert!(event["done"].is_u64() && event["total"].is_u64(), "{event}");
        }
    }
    let run = folder.marsad(&["predict", "none.txt", "--log", "json"]);
    assert_eq!(run.status, 2);
    let error: Value = serde_json::from_str(run.err.trim_end()).unwrap();
    assert_eq!(error["level"], "error");
    assert!(error["message"].as_str().unwrap().contains("none.txt"));
}

/// Runs the program with a standard output that nobody reads.
fn with_closed_pipe(folder: &Folder, arguments: &[&str]) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_marsad"))
        .args(arguments)
        .current_dir(folder.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    (child.wait().unwrap().code(), err)
}

#[test]
fn a_closed_pipe_is_no_error_in_any_verb() {
    let folder = Folder::new();
    trained(&folder);
    let lines = "شنت طائرات غارات على حلب.\n".repeat(2000);
    folder.write("t.txt", lines);
    let corpus = tiny_corpus();
    let held_out: Vec<&str> = corpus.lines().skip(1).collect();
    folder.write("held-out.jsonl", held_out.join("\n"));
    let model = ["-m", "m.safetensors"];
    for (verb, more) in [
        ("predict", &["t.txt"][..]),
        ("explain", &["t.txt"]),
        ("explain", &["t.txt", "--json"]),
        ("explain", &["t.txt", "--html"]),
        ("evaluate", &["held-out.jsonl"]),
        ("evaluate", &["held-out.jsonl", "--json"]),
    ] {
        let ran = with_closed_pipe(&folder, &[&[verb], more, &model].concat());
        assert_eq!(ran, (Some(0), String::new()), "{verb} {more:?}");
    }
    for arguments in [
        &["train", "c.jsonl", "-o", "n", "--folds", "2", "--quiet"][..],
        &[
            "compact",
            "m.safetensors",
            "-o",
            "n",
            "--bits",
            "4",
            "--on",
            "c.jsonl",
        ],
        &["inspect", "m.safetensors"],
        &["inspect", "m.safetensors", "--json"],
        &["init", "p"],
        &["completions", "bash"],
        &["man"],
        &["man", "-o", "pages"],
    ] {
        let ran = with_closed_pipe(&folder, arguments);
        assert_eq!(ran, (Some(0), String::new()), "{arguments:?}");
    }
}

#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_no_half_file() {
    use std::io::Write;
    let folder = Folder::new();
    trained(&folder);
    folder.write("out.jsonl", "as it was\n");
    let mut child = Command::new(env!("CARGO_BIN_EXE_marsad"))
        .args([
            "predict",
            "-m",
            "m.safetensors",
            "--from",
            "text",
            "-o",
            "out.jsonl",
        ])
        .current_dir(folder.path(""))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input
        .write_all("شنت طائرات غارات على حلب.\n".repeat(100).as_bytes())
        .unwrap();
    input.flush().unwrap();
    // The file is there, under a name of its own, once the program waits for more.
    let is_begun = || {
        folder
            .names()
            .iter()
            .any(|name| name.starts_with(".marsad-"))
    };
    for _ in 0..600 {
        if is_begun() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(is_begun());
    interrupt(&child);
    let mut err = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{err}");
    assert!(err.contains("out.jsonl was not written"), "{err}");
    assert_eq!(folder.names(), ["c.jsonl", "m.safetensors", "out.jsonl"]);
    assert_eq!(
        std::fs::read_to_string(folder.path("out.jsonl")).unwrap(),
        "as it was\n"
    );
    drop(input);
}

/// Ctrl-C during training, the second time where the first is not over yet.
#[cfg(unix)]
#[test]
fn ctrl_c_once_and_twice_ends_training() {
    let folder = Folder::new();
    // Enough sentences that training goes on for some time.
    let corpus = many_sentences();
    folder.write("c.jsonl", corpus);
    for times in [1, 2] {
        folder.write("m", "as it was");
        let mut child = Command::new(env!("CARGO_BIN_EXE_marsad"))
            .args(["train", "c.jsonl", "-o", "m", "--log", "json"])
            .current_dir(folder.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The first line of the log is written when it is at work.
        let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
        let mut err = String::new();
        std::io::BufRead::read_line(&mut log, &mut err).unwrap();
        assert!(err.contains("\"event\""), "{err}");
        for _ in 0..times {
            interrupt(&child);
        }
        log.read_to_string(&mut err).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{err}");
        assert!(times == 2 || err.contains("stopped"), "{err}");
        assert_eq!(folder.names(), ["c.jsonl", "m"]);
        assert_eq!(
            std::fs::read_to_string(folder.path("m")).unwrap(),
            "as it was"
        );
    }
}

#[cfg(unix)]
fn many_sentences() -> String {
    let small = small_corpus();
    let again = (0..100).flat_map(|time| small.lines().map(move |line| (time, line)));
    again
        .map(|(time, line)| {
            let line = line.replace("\"id\":\"", &format!("\"id\":\"{time}-"));
            let line = line.replace("\"doc\":\"", &format!("\"doc\":\"{time}-"));
            line.replace("رقم ", &format!("رقم {time} ثم ")) + "\n"
        })
        .collect()
}

#[test]
fn a_dash_is_standard_output_or_refused() {
    let folder = Folder::new();
    trained(&folder);
    folder.write("t.txt", "شنت طائرات غارات على حلب.\n");
    let model = ["-m", "m.safetensors"];
    for arguments in [
        &["convert", "c.jsonl", "--to", "csv"][..],
        &["predict", "t.txt", "-m", "m.safetensors"],
        &["explain", "t.txt", "-m", "m.safetensors", "--html"],
        &["corpus", "next", "--from", "t.txt", "-m", "m.safetensors"],
        &["man"],
    ] {
        let plain = folder.marsad(arguments).done().out;
        let dashed = folder
            .marsad(&[arguments, &["-o", "-"]].concat())
            .done()
            .out;
        assert!(!plain.is_empty());
        assert_eq!(dashed, plain, "{arguments:?}");
    }
    let suspects = ["corpus", "suspects", "c.jsonl", "-n", "3", "-o"];
    folder.marsad(&[&suspects[..], &["rows"]].concat()).done();
    let rows = std::fs::read_to_string(folder.path("rows")).unwrap();
    let printed = folder.marsad(&[&suspects[..], &["-"]].concat()).done();
    assert_eq!(printed.out, rows);
    assert!(printed.err.contains("likely an error"), "{}", printed.err);
    folder
        .marsad(&[&suspects[..], &["-", "--json"]].concat())
        .refused(&["--json"]);
    for arguments in [
        &["train", "c.jsonl"][..],
        &[&["report", "c.jsonl"][..], &model].concat(),
        &["tune", "c.jsonl"],
        &["compact", "m.safetensors"],
        &["corpus", "split", "c.jsonl"],
    ] {
        folder
            .marsad(&[arguments, &["-o", "-"]].concat())
            .refused(&["-: ", "standard output", "name a file"]);
    }
    folder
        .marsad(&["tune", "c.jsonl", "--trials-log", "-"])
        .refused(&["-: "]);
    assert_eq!(
        folder.names(),
        ["c.jsonl", "m.safetensors", "rows", "t.txt"]
    );
}

#[test]
fn colours_are_for_terminals_unless_told_otherwise() {
    let folder = Folder::new();
    let explain = |name: &str, value: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_marsad"))
            .args(["explain", "--text", "شنت طائرات حربية غارات على المدينة"])
            .current_dir(folder.path(""))
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .env(name, value)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(!explain("LANG", "C").contains('\u{1b}'));
    assert!(!explain("CLICOLOR_FORCE", "0").contains('\u{1b}'));
    let coloured = explain("CLICOLOR_FORCE", "1");
    // Words are coloured whole, so that their letters stay joined.
    assert!(coloured.contains("mغارات\u{1b}[0m"), "{coloured}");
    let plain = explain("NO_COLOR", "1");
    assert!(
        !plain.contains('\u{1b}') && !plain.contains('\u{2068}'),
        "{plain}"
    );
}

#[test]
fn a_model_is_named_alike_in_all_verbs() {
    let folder = Folder::new();
    trained(&folder);
    let by_flag = folder
        .marsad(&["inspect", "-m", "m.safetensors"])
        .done()
        .out;
    let by_place = folder.marsad(&["inspect", "m.safetensors"]).done().out;
    assert_eq!(by_flag, by_place);
    folder
        .marsad(&["compact", "-m", "m.safetensors", "-o", "m.safetensors"])
        .refused(&["m.safetensors", "is read"]);
}

#[test]
fn a_new_project_runs_as_its_commands_say() {
    let folder = Folder::new();
    let told = folder.marsad(&["init", "p"]).done().out;
    assert!(told.contains("commands.txt"), "{told}");
    let commands = std::fs::read_to_string(folder.path("p/commands.txt")).unwrap();
    let commands: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("marsad "))
        .collect();
    for verb in ["corpus check", "corpus split", "corpus suspects", "report"] {
        let named = format!("marsad {verb} ");
        assert!(commands.iter().any(|c| c.starts_with(&named)), "{verb}");
    }
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_marsad"))
        .parent()
        .unwrap();
    let path = std::env::var("PATH").unwrap();
    for command in commands {
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(folder.path("p"))
            .env("PATH", format!("{}:{path}", program.display()))
            .output()
            .unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        // The example is so small that there is a finding.
        let expected = i32::from(command.contains("corpus check"));
        assert_eq!(output.status.code(), Some(expected), "{command}: {err}");
    }
    let made = std::fs::read_dir(folder.path("p")).unwrap();
    let mut names: Vec<String> = made
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            ".gitignore",
            "commands.txt",
            "corpus",
            "explained.html",
            "figures.json",
            "labelled.jsonl",
            "marsad.toml",
            "model.safetensors",
            "new",
            "parts",
            "report.html",
        ]
    );
}

#[test]
fn a_project_overwrites_nothing() {
    let folder = Folder::new();
    folder.write("commands.txt", "mine\n");
    folder
        .marsad(&["init"])
        .refused(&["commands.txt", "nothing was written"]);
    assert_eq!(folder.names(), ["commands.txt"]);
    folder
        .marsad(&["init", "commands.txt"])
        .refused(&["is a file"]);
}

#[test]
fn every_verb_has_its_page() {
    let folder = Folder::new();
    folder.marsad(&["man", "-o", "pages"]).done();
    let pages = std::fs::read_dir(folder.path("pages")).unwrap();
    let mut names: Vec<String> = pages
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let help = folder.marsad(&["--help"]).done().out;
    let (_, verbs) = help.split_once("Commands:\n").unwrap();
    let verbs = verbs.lines().take_while(|line| !line.is_empty());
    let verbs = verbs.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    for verb in verbs.filter_map(|line| line.split_whitespace().next()) {
        if verb != "help" {
            assert!(
                names.contains(&format!("marsad-{verb}.1")),
                "{verb}: {names:?}"
            );
        }
    }
    for verb in ["scheduler", "executor", "status"] {
        let page = format!("marsad-cluster-{verb}.1");
        assert_eq!(names.contains(&page), cfg!(feature = "cluster"), "{page}");
    }
    let page = std::fs::read_to_string(folder.path("pages/marsad-explain.1")).unwrap();
    assert!(
        page.contains(".TH marsad\\-explain") || page.contains(".TH marsad-explain"),
        "{page}"
    );
    assert!(page.contains("against"));
    assert!(folder.marsad(&["man"]).done().out.contains("marsad"));
}

#[test]
fn every_verb_shows_examples_and_says_how_it_speaks() {
    let folder = Folder::new();
    for verb in [
        "train", "predict", "explain", "evaluate", "inspect", "compact", "init", "man",
    ] {
        let help = folder.marsad(&[verb, "--help"]).done().out;
        for part in ["Examples:", &format!("marsad {verb}"), "--quiet", "--log"] {
            assert!(help.contains(part), "{verb} {part}: {help}");
        }
    }
}
