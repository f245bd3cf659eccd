//! `marsad completions`.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::console::{Failure, say};

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  marsad completions bash > ~/.local/share/bash-completion/completions/marsad")]
pub(super) struct CompleteArgs {
    /// The shell to write for
    shell: Shell,
}

pub(super) fn run(args: &CompleteArgs) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut super::Cli::command(),
        "marsad",
        &mut script,
    );
    say(String::from_utf8_lossy(&script).trim_end())?;
    Ok(ExitCode::SUCCESS)
}
