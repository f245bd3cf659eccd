//! The program `marsad`; see `marsad --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    marsad::cli::run()
}
