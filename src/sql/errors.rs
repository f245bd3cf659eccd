//! What DataFusion says, in one plain line.

mod advice;

use datafusion::arrow::error::ArrowError;
use datafusion::common::utils::datafusion_strsim::levenshtein;
use datafusion::common::{DataFusionError, SchemaError};
use datafusion::parquet::errors::ParquetError;

use super::tables::{odd_row, undecodable_line};
use crate::error::{Error, one_line};
#[cfg(feature = "cluster")]
pub(crate) use advice::advised;

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
            "Parquet argument error: ",
            "External: ",
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
        error => {
            let message = without_crate(&error.to_string());
            advice::advised(&message).unwrap_or(message)
        }
    }
}

fn plain(error: &DataFusionError) -> String {
    match error {
        DataFusionError::SQL(error, _) => {
            let message = error.to_string();
            let message = message.trim_start_matches("sql parser error: ");
            let message = one_line(message).replace("found: EOF", "found: its end");
            format!("the statement cannot be read: {message}")
        }
        DataFusionError::SchemaError(error, _) => schema(error),
        DataFusionError::NotImplemented(message) => advice::advised(message)
            .unwrap_or_else(|| format!("this is not supported: {}", one_line(message))),
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
        error => planned(&without_crate(&error.strip_backtrace())),
    }
}

/// What the planner says, shorter and for those who do not know its types.
fn planned(message: &str) -> String {
    if let Some(told) = advice::advised(message) {
        return told;
    }
    if let Some((_, rest)) =
        message.split_once("require unique expression names but the expression \"")
        && let Some((name, _)) = rest.split_once('"')
    {
        return two_columns(name.rsplit('.').next().unwrap_or(name));
    }
    if let Some((_, rest)) = message.split_once("given name and argument types '")
        && let Some((call, rest)) = rest.split_once('\'')
    {
        let known = rest.split_once("Candidate functions: ");
        let known = known.map_or("", |(_, known)| known);
        return match known.is_empty() {
            true => format!("no function fits {call}; change a type with CAST(… AS …)"),
            false => format!("no function fits {call}; there are {known}"),
        };
    }
    let about_bugs = message.split("This issue was likely caused by").next();
    let message = about_bugs.unwrap_or(message).trim_end_matches([' ', '.']);
    message.replace(", errors: Error during planning: ", ": ")
}

fn schema(error: &SchemaError) -> String {
    match error {
        SchemaError::FieldNotFound {
            field,
            valid_fields,
        } => {
            let mut seen = std::collections::HashSet::new();
            let known: Vec<String> = valid_fields
                .iter()
                .filter(|field| seen.insert(&field.name))
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
            "the name {:?} fits several columns; write TABLE.{}, or rename one: … AS {}_2",
            field.name, field.name, field.name
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
        known.sort_by_key(|name| levenshtein(&wanted.to_lowercase(), &name.to_lowercase()));
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

/// An error that came up while a file was read, with the name of the file.
pub(super) fn in_file(path: &std::path::Path, error: DataFusionError) -> DataFusionError {
    let told = match ours(error) {
        Ok(error @ (Error::File { .. } | Error::Row { .. } | Error::Io { .. })) => error,
        Ok(error) => of_file(path, &error.to_string()),
        Err(message) => of_file(path, &message),
    };
    DataFusionError::External(Box::new(told))
}

/// What a reader says of a row or a file.
fn of_file(path: &std::path::Path, message: &str) -> Error {
    if let Some(told) = message.strip_prefix("line ")
        && let Some((line, told)) = told.split_once(" of a file ")
        && let Ok(line) = line.parse()
    {
        // What is counted there is rows, which may have several lines each.
        return undecodable_line(path).unwrap_or_else(|| Error::Row {
            path: path.to_owned(),
            line,
            message: told.to_owned(),
        });
    }
    // "incorrect number of fields for line 3, expected 2 got 3"
    let columns = message
        .strip_prefix("incorrect number of fields for line ")
        .and_then(|told| told.split_once(", expected ")?.1.split_once(" got "))
        .and_then(|(columns, _)| columns.parse().ok());
    let found = match columns {
        Some(columns) => odd_row(path, columns),
        None if message.contains("invalid UTF-8") => undecodable_line(path),
        None => None,
    };
    found.unwrap_or_else(|| Error::File {
        path: path.to_owned(),
        // What stands in braces is for those who wrote the reader.
        message: format!(
            "cannot be read: {}",
            message.split(" {").next().unwrap_or(message)
        ),
    })
}

/// The name that was most likely meant, where one comes near.
pub(super) fn alike(wanted: &str, known: impl IntoIterator<Item = String>) -> Option<String> {
    let wanted = wanted.to_lowercase();
    let most = (wanted.chars().count() / 3).max(1);
    let known = known
        .into_iter()
        .map(|name| (levenshtein(&wanted, &name), name));
    let nearest = known.filter(|(changes, _)| *changes <= most).min();
    nearest.map(|(_, name)| name)
}
