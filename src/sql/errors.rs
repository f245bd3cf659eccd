//! What DataFusion says, in one plain line.

use datafusion::arrow::error::ArrowError;
use datafusion::common::{DataFusionError, SchemaError};
use datafusion::parquet::errors::ParquetError;

use crate::error::{Error, one_line};

/// An error of DataFusion as one of ours.
pub(crate) fn told(error: DataFusionError) -> Error {
    match ours(error) {
        Ok(error) => error,
        Err(message) => Error::Sql(message),
    }
}

/// The error of ours that lies beneath, or what is to be said.
fn ours(error: DataFusionError) -> std::result::Result<Error, String> {
    match error {
        DataFusionError::External(inner) => match inner.downcast::<Error>() {
            Ok(error) => Ok(*error),
            Err(inner) => match inner.downcast::<DataFusionError>() {
                Ok(error) => ours(*error),
                Err(inner) => Err(one_line(&inner.to_string())),
            },
        },
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => ours(*inner),
        DataFusionError::Collection(errors) => match errors.into_iter().next() {
            Some(first) => ours(first),
            None => Err("the statement could not be run".into()),
        },
        DataFusionError::ArrowError(error, _) => of_arrow(*error),
        DataFusionError::ParquetError(error) => of_parquet(*error),
        DataFusionError::Shared(error) => match error.find_root() {
            DataFusionError::External(inner) => Err(one_line(&inner.to_string())),
            root => Err(plain(root)),
        },
        error => Err(plain(&error)),
    }
}

fn of_arrow(error: ArrowError) -> std::result::Result<Error, String> {
    match error {
        ArrowError::ExternalError(inner) => ours(DataFusionError::External(inner)),
        error => Err(arrow(&error)),
    }
}

fn of_parquet(error: ParquetError) -> std::result::Result<Error, String> {
    match error {
        ParquetError::External(inner) => ours(DataFusionError::External(inner)),
        error => Err(format!(
            "the file is damaged: {}",
            without_crate(&error.to_string())
        )),
    }
}

/// The sentence without the names of the crate's own errors before it.
fn without_crate(message: &str) -> String {
    let message = one_line(message);
    let mut rest = message.as_str();
    loop {
        let prefixes = [
            "Parquet error: ",
            "Arrow: ",
            "Arrow error: ",
            "Parser error: ",
            "Cast error: ",
            "Csv error: ",
            "Json error: ",
            "Invalid argument error: ",
            "Compute error: ",
            "Divide by zero error",
            "EOF: ",
            "General error: ",
            "External error: ",
            "Error during planning: ",
            "Execution error: ",
            "Internal error: ",
            "Schema error: ",
            "SQL error: ",
        ];
        match prefixes.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
            Some("") | None => return rest.to_owned(),
            Some(stripped) => rest = stripped,
        }
    }
}

fn arrow(error: &ArrowError) -> String {
    match error {
        ArrowError::DivideByZero => "a number is divided by zero".into(),
        error => without_crate(&error.to_string()),
    }
}

fn plain(error: &DataFusionError) -> String {
    match error {
        DataFusionError::SQL(error, _) => {
            let message = error.to_string();
            let message = message.trim_start_matches("sql parser error: ");
            format!("the statement cannot be read: {}", one_line(message))
        }
        DataFusionError::SchemaError(error, _) => schema(error),
        DataFusionError::NotImplemented(message) => {
            format!("this is not supported: {}", one_line(message))
        }
        DataFusionError::ResourcesExhausted(message) => format!(
            "there is not enough memory: {}",
            one_line(message.split(". ").next().unwrap_or(message))
        ),
        DataFusionError::Internal(message) => format!(
            "the statement cannot be run: {}",
            one_line(
                message
                    .split("This issue was likely")
                    .next()
                    .unwrap_or(message)
            )
        ),
        error => without_crate(&error.strip_backtrace()),
    }
}

fn schema(error: &SchemaError) -> String {
    match error {
        SchemaError::FieldNotFound {
            field,
            valid_fields,
        } => {
            let known: Vec<String> = valid_fields
                .iter()
                .map(|field| field.name.clone())
                .collect();
            match known.as_slice() {
                [] => format!("there is no column {:?}", field.name),
                known => format!(
                    "there is no column {:?}; there are {}",
                    field.name,
                    nearest(&field.name, known).join(", ")
                ),
            }
        }
        SchemaError::AmbiguousReference { field } => format!(
            "more than one table has a column {:?}; write TABLE.{}",
            field.name, field.name
        ),
        SchemaError::DuplicateUnqualifiedField { name } => two_columns(name),
        SchemaError::DuplicateQualifiedField { name, .. } => two_columns(name),
    }
}

pub(super) fn two_columns(name: &str) -> String {
    format!("two columns of the result are called {name:?}; rename one: … AS {name}_2")
}

/// The names that come nearest first, not more of them than can be read.
pub(super) fn nearest(wanted: &str, known: &[String]) -> Vec<String> {
    const MOST: usize = 12;
    let mut known: Vec<&String> = known.iter().collect();
    if known.len() > MOST {
        known.sort_by_key(|name| {
            datafusion::common::utils::datafusion_strsim::levenshtein(
                &wanted.to_lowercase(),
                &name.to_lowercase(),
            )
        });
        known.truncate(MOST);
        let mut names: Vec<String> = known.into_iter().cloned().collect();
        names.push("…".to_owned());
        return names;
    }
    known.into_iter().cloned().collect()
}

/// What a panic in the code of others is told as.
pub(super) fn panicked(panic: Option<&(dyn std::any::Any + Send)>) -> DataFusionError {
    let told = panic.and_then(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| panic.downcast_ref::<&str>().copied())
    });
    DataFusionError::Execution(match told {
        Some(told) => format!(
            "the statement cannot be run on this data: {}",
            one_line(told)
        ),
        None => "the statement cannot be run on this data".to_owned(),
    })
}
