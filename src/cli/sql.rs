//! `marsad sql`.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::console::Failure;
use super::{ModelArgs, ThreadArgs};
use crate::sql::{EventModel, SqlSession};

#[derive(Debug, Args)]
pub(super) struct SqlArgs {
    /// The statement
    statement: String,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

pub(super) fn run(args: &SqlArgs) -> Result<ExitCode, Failure> {
    let model = Arc::new(EventModel::new(args.model.load()?));
    let session = SqlSession::new(&model, usize::from(args.threads.threads.unwrap_or(2)));
    let runtime =
        tokio::runtime::Runtime::new().map_err(|error| Failure::Told(error.to_string()))?;
    let batches = runtime.block_on(async {
        session
            .context()
            .sql(&args.statement)
            .await?
            .collect()
            .await
    });
    let batches = batches.map_err(|error| Failure::Told(error.to_string()))?;
    println!("{batches:?}");
    Ok(ExitCode::SUCCESS)
}
