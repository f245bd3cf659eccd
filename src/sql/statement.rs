//! One query, and nothing else.

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::Statement as Parsed;
use datafusion::sql::sqlparser::dialect::GenericDialect;

use super::errors::told;
use crate::error::{Error, Result};

/// Parses a statement, which must be one query.
pub(super) fn parse(text: &str) -> Result<Statement> {
    let dialect = GenericDialect {};
    let mut statements = DFParserBuilder::new(text)
        .with_dialect(&dialect)
        .with_recursion_limit(DEEPEST)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(told)?;
    let statement = match (statements.pop_front(), statements.len()) {
        (Some(statement), 0) => statement,
        (None, _) => return Err(Error::Sql("the statement is empty; write SELECT …".into())),
        (Some(_), more) => {
            return Err(Error::Sql(format!(
                "these are {} statements; one query is answered at a time",
                more + 1
            )));
        }
    };
    match is_query(&statement) {
        true => Ok(statement),
        false => Err(Error::Sql(
            "only queries are answered: SELECT, WITH, VALUES, EXPLAIN, DESCRIBE or SHOW TABLES; \
             name the files to read with --table NAME=PATH and the file to write with -o"
                .into(),
        )),
    }
}

/// What is nested deeper than any query that people write.
const DEEPEST: usize = 100;

fn is_query(statement: &Statement) -> bool {
    match statement {
        Statement::Explain(explain) => is_query(&explain.statement),
        Statement::Statement(statement) => is_parsed_query(statement),
        _ => false,
    }
}

fn is_parsed_query(statement: &Parsed) -> bool {
    match statement {
        Parsed::Query(_)
        | Parsed::ShowTables { .. }
        | Parsed::ShowColumns { .. }
        | Parsed::ExplainTable { .. } => true,
        Parsed::Explain { statement, .. } => is_parsed_query(statement),
        _ => false,
    }
}
