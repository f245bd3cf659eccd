//! `marsad man`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory};

use super::console::{Failure, say};
use crate::error::Error;
use crate::output_file::write_whole;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad man | man -l -
  marsad man -o ~/.local/share/man/man1
  man marsad-train")]
pub(super) struct ManArgs {
    /// Folder in which to write a page for every verb [default: the page of marsad, to standard
    /// output]
    #[arg(short, long, value_name = "FOLDER")]
    pub(super) output: Option<PathBuf>,
}

pub(super) fn run(args: &ManArgs) -> Result<ExitCode, Failure> {
    let mut command = super::Cli::command();
    command.build();
    let Some(folder) = &args.output else {
        say(String::from_utf8_lossy(&page(command)?).trim_end())?;
        return Ok(ExitCode::SUCCESS);
    };
    std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
    let mut pages = Vec::new();
    collect(&command, &mut pages);
    #[cfg(feature = "cluster")]
    {
        let mut cluster = super::cluster::command();
        cluster.build();
        collect(&cluster, &mut pages);
    }
    for (name, page) in &pages {
        let path = folder.join(format!("{name}.1"));
        write_whole(&path, page)?;
    }
    say(&format!(
        "Wrote {} pages to {}.",
        pages.len(),
        folder.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// The pages of a command and of what stands below it, each with its name.
fn collect(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) {
    // `marsad corpus check` has the page marsad-corpus-check.
    let name = match command.get_display_name() {
        Some(name) => name.to_owned(),
        None => command.get_name().to_owned(),
    };
    // Writing to memory does not fail.
    pages.push((name, page(command.clone()).unwrap_or_default()));
    let below = command.get_subcommands();
    for verb in below.filter(|verb| verb.get_name() != "help" && !verb.is_hide_set()) {
        collect(verb, pages);
    }
}

fn page(command: Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let title = command.get_display_name().unwrap_or(command.get_name());
    let title = title.to_owned();
    clap_mangen::Man::new(command)
        .title(title)
        .render(&mut page)?;
    Ok(page)
}
