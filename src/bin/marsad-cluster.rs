//! The program `marsad-cluster`; see `marsad-cluster --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    marsad::cli::run_cluster()
}
