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
        true if is_analysis(&statement) => Err(Error::Sql(
            "EXPLAIN ANALYZE is not answered; EXPLAIN shows the plan, and progress the speed"
                .into(),
        )),
        true => Ok(statement),
        false => Err(no_query()),
    }
}

/// The error of what is no query.
pub(super) fn no_query() -> Error {
    Error::Sql(
        "only queries are answered: SELECT, WITH, VALUES, EXPLAIN, DESCRIBE or SHOW TABLES; \
         name the files to read with --table NAME=PATH and the file to write with -o"
            .into(),
    )
}

/// Whether a statement asks which tables there are.
pub(super) fn asks_for_tables(statement: &Statement) -> bool {
    match statement {
        Statement::Statement(statement) => matches!(**statement, Parsed::ShowTables { .. }),
        _ => false,
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

/// Plans are run in pieces, here and on a cluster: what DataFusion would count is only a part of the work.
fn is_analysis(statement: &Statement) -> bool {
    match statement {
        Statement::Explain(explain) => explain.options.analyze,
        Statement::Statement(statement) => {
            matches!(**statement, Parsed::Explain { analyze: true, .. })
        }
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
