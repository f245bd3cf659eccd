//! `marsad init`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::console::{Failure, say};
use crate::error::Error;
use crate::output_file::write_whole;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad init                 a project in the current folder
  marsad init elections       a project in a new folder
  cd elections && cat commands.txt

Nothing is overwritten: where one of the files stands already, none is written.")]
pub(super) struct InitArgs {
    /// Folder of the project; it is made where there is none
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// The files of a new project.
const FILES: [(&str, &str); 6] = [
    (
        "marsad.toml",
        include_str!("../../data/project/marsad.toml"),
    ),
    (
        "corpus/README.md",
        include_str!("../../data/project/corpus.md"),
    ),
    (
        "corpus/example.jsonl",
        include_str!("../../data/project/example.jsonl"),
    ),
    (
        "new/example.txt",
        include_str!("../../data/project/example.txt"),
    ),
    (
        "commands.txt",
        include_str!("../../data/project/commands.txt"),
    ),
    (".gitignore", include_str!("../../data/project/gitignore")),
];

pub(super) fn run(args: &InitArgs) -> std::result::Result<ExitCode, Failure> {
    let folder = &args.folder;
    if folder.exists() && !folder.is_dir() {
        return Err(refusal(folder, "is a file; name a folder").into());
    }
    for (name, _) in FILES {
        let path = folder.join(name);
        if path.exists() {
            return Err(refusal(&path, "is there already; nothing was written").into());
        }
    }
    for (name, content) in FILES {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(|error| Error::io(parent, error))?;
        write_whole(&path, content.as_bytes())?;
    }
    let names: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
    say(&format!(
        "Wrote {} in {}.\nNext: put annotated sentences into corpus, then go through commands.txt.",
        names.join(", "),
        folder.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn refusal(path: &Path, message: &str) -> Error {
    Error::File {
        path: path.into(),
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use crate::Settings;

    /// The settings of a new project are those of a run without a configuration, with the comments
    /// taken off as well.
    #[test]
    fn commented_settings_are_the_defaults() {
        let project = include_str!("../../data/project/marsad.toml");
        let as_written: Settings = toml::from_str(project).unwrap();
        assert_eq!(as_written, Settings::default());
        let lines = project.lines().map(|line| match line.strip_prefix("# ") {
            Some(setting) if is_setting(setting) => setting,
            _ => line,
        });
        let with_all: Vec<&str> = lines.collect();
        let with_all: Settings = toml::from_str(&with_all.join("\n")).unwrap();
        with_all.check().unwrap();
        assert_eq!(with_all, Settings::default());
    }

    fn is_setting(line: &str) -> bool {
        let name = line.split(" = ").next().unwrap_or_default();
        line.contains(" = ")
            && name
                .chars()
                .all(|sign| sign.is_ascii_lowercase() || sign == '_')
    }
}
