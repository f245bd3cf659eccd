//! One query, and nothing else.

use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{Expr, Select, Statement as Parsed, Visit, Visitor};
use datafusion::sql::sqlparser::dialect::GenericDialect;

use super::errors::told;
use crate::error::{Error, Result};

/// Parses a statement, which must be one query.
pub(super) fn parse(text: &str) -> Result<Statement> {
    if text.len() > MOST_BYTES {
        return Err(Error::Sql(format!(
            "the statement has {} bytes, more than {MOST_BYTES}; {LONG_LISTS}",
            text.len()
        )));
    }
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
    if !is_query(&statement) {
        return Err(no_query());
    }
    if is_analysis(&statement) {
        return Err(Error::Sql(
            "EXPLAIN ANALYZE is not answered; EXPLAIN shows the plan, and progress the speed"
                .into(),
        ));
    }
    check_size(&statement)?;
    Ok(statement)
}

/// Refuses what planning would not come to an end with: its time grows with the square of the number of
/// operators in a row, and of queries, and more.
fn check_size(statement: &Statement) -> Result<()> {
    match statement {
        Statement::Explain(explain) => check_size(&explain.statement),
        Statement::Statement(statement) => match statement.visit(&mut Size::default()) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(what) => Err(Error::Sql(format!(
                "the statement has more than {MOST} {what}; {LONG_LISTS}"
            ))),
        },
        _ => Ok(()),
    }
}

/// How large a statement is, as far as it was visited.
#[derive(Default)]
struct Size {
    /// Expressions that the current one is part of.
    depth: usize,
    queries: usize,
}

impl Visitor for Size {
    type Break = &'static str;

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<Self::Break> {
        self.depth += 1;
        match self.depth > MOST {
            true => ControlFlow::Break("operators in a row"),
            false => ControlFlow::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<Self::Break> {
        self.depth = self.depth.saturating_sub(1);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, _: &Select) -> ControlFlow<Self::Break> {
        self.queries += 1;
        match self.queries > MOST {
            true => ControlFlow::Break("queries"),
            false => ControlFlow::Continue(()),
        }
    }
}

/// Operators in a row, as in `a OR b OR c`, and queries in one statement, as with UNION.
const MOST: usize = 1000;

/// Bytes of a statement.
const MOST_BYTES: usize = 1 << 20;

const LONG_LISTS: &str =
    "put long lists of values into a file and join it as a table, or write x IN (…)";

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
