//! A session of DataFusion that knows the functions of a model and files as tables.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::TableReference;
use datafusion::execution::context::SessionContext;
use datafusion::execution::{SessionStateBuilder, TaskContext};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::Statement;
use datafusion::sql::resolve::resolve_table_references;

use super::errors::{told, two_columns};
use super::functions::{FUNCTIONS, event_function};
use super::model::EventModel;
use super::statement::parse;
use super::tables::{FilesTable, TableArgument, TableFiles, TableOptions};
use crate::error::{Error, Result};

/// Tables and functions that statements are run with.
pub struct SqlSession {
    context: SessionContext,
    options: TableOptions,
    tables: Vec<(String, TableFiles)>,
    /// Files that were named in a statement itself.
    named: Mutex<Vec<(String, TableFiles)>>,
    to_read: Arc<AtomicU64>,
}

/// Rows of a batch. Labelling so many sentences takes some milliseconds, long beside what a batch
/// costs, and short enough for all threads to have work.
const BATCH_ROWS: usize = 2048;

impl SqlSession {
    /// A session with the functions of a model and no tables.
    pub fn new(model: &Arc<EventModel>, threads: usize) -> Self {
        let mut config = SessionConfig::new()
            .with_target_partitions(threads.max(1))
            .with_batch_size(BATCH_ROWS)
            .with_information_schema(true)
            // Rows stay in the order of the input as long as a statement leaves them in it.
            .with_round_robin_repartition(false);
        let options = config.options_mut();
        // Which partition reads what must not depend on which thread is first.
        options.execution.enable_file_stream_work_stealing = false;
        // Names are those of the files, capital letters and all.
        options.sql_parser.enable_ident_normalization = false;
        options.sql_parser.map_string_types_to_utf8view = false;
        let rules = PhysicalOptimizer::new().rules;
        // Scans must not compute: what stands above them is shared out among threads.
        let rules = rules
            .into_iter()
            .filter(|rule| rule.name() != "ProjectionPushdown");
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_default_features()
            .with_physical_optimizer_rules(rules.collect())
            .build();
        let context = SessionContext::new_with_state(state);
        for name in FUNCTIONS {
            if let Some(function) = event_function(name, model) {
                context.register_udf(function);
            }
        }
        Self {
            context,
            options: TableOptions::default(),
            tables: Vec::new(),
            named: Mutex::default(),
            to_read: Arc::default(),
        }
    }

    /// The same session, with another way to find the columns of CSV and JSON Lines.
    #[must_use]
    pub fn with_options(self, options: TableOptions) -> Self {
        Self { options, ..self }
    }

    /// The same session, with other settings of the engine.
    #[cfg(feature = "cluster")]
    #[must_use]
    pub(crate) fn with_settings(self, change: impl FnOnce(SessionConfig) -> SessionConfig) -> Self {
        let state = self.context.state();
        let config = change(state.config().clone());
        let state = SessionStateBuilder::new_from_existing(state);
        let context = SessionContext::new_with_state(state.with_config(config).build());
        Self { context, ..self }
    }

    /// Names files as tables; arguments of one name are put together. What the files hold is looked
    /// at when a statement asks for it.
    ///
    /// # Errors
    /// When there are no such files.
    pub fn add_tables(&mut self, arguments: &[TableArgument]) -> Result<()> {
        for argument in arguments {
            if self.tables.iter().any(|(name, _)| *name == argument.name) {
                continue;
            }
            let of_name = arguments.iter().filter(|other| other.name == argument.name);
            let files = TableFiles::find(&of_name.collect::<Vec<_>>())?;
            self.tables.push((argument.name.clone(), files));
        }
        Ok(())
    }

    /// The files of all tables.
    pub fn files(&self) -> Vec<PathBuf> {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let tables = self.tables.iter().chain(named.iter());
        let files = tables.flat_map(|(_, table)| &table.files);
        files.map(|file| file.path.clone()).collect()
    }

    /// The folders that were named as tables.
    pub fn folders(&self) -> Vec<PathBuf> {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let tables = self.tables.iter().chain(named.iter());
        tables
            .flat_map(|(_, table)| table.folders.clone())
            .collect()
    }

    /// Bytes that the plans made so far are going to read.
    pub fn bytes_to_read(&self) -> u64 {
        self.to_read.load(Ordering::Relaxed)
    }

    /// Parts the plans that are made from here on into so many partitions, as far as the files allow: each
    /// has about the same share of what is read, in the order of the input.
    pub(crate) fn set_partitions(&self, partitions: usize) {
        let state = self.context.state_ref();
        let mut state = state.write();
        let options = state.config_mut().options_mut();
        options.execution.target_partitions = partitions.max(1);
        // As many as were asked for, also of small files.
        options.optimizer.repartition_file_min_size = 1;
    }

    /// The plan of a statement, which must be one query.
    ///
    /// # Errors
    /// When it is none, names tables or columns that there are not, or a file cannot be read.
    pub async fn plan(&self, statement: &str) -> Result<Arc<dyn ExecutionPlan>> {
        let statement = parse(statement)?;
        self.open_tables(&statement)?;
        let state = self.context.state();
        let planned = state.statement_to_plan(statement).await.map_err(told)?;
        let mut names = std::collections::HashSet::new();
        for field in planned.schema().fields() {
            if !names.insert(field.name()) {
                return Err(Error::Sql(two_columns(field.name())));
            }
        }
        self.to_read.store(0, Ordering::Relaxed);
        state.create_physical_plan(&planned).await.map_err(told)
    }

    /// Looks at the files of those tables that a statement names.
    fn open_tables(&self, statement: &Statement) -> Result<()> {
        let (references, _) = resolve_table_references(statement, false).map_err(told)?;
        for reference in references {
            if self.context.table_exist(reference.clone()).unwrap_or(false) {
                continue;
            }
            let TableReference::Bare { table: name } = &reference else {
                return Err(self.no_table(&reference.to_string()));
            };
            let files = match self.files_of(name) {
                Some(files) => files,
                None => self.named_files(name)?,
            };
            let table = FilesTable::open(&files, self.options, &self.to_read)?;
            self.context
                .register_table(reference, Arc::new(table))
                .map_err(told)?;
        }
        Ok(())
    }

    /// The files of a table by its name, capital letters or not where that leaves no doubt.
    fn files_of(&self, name: &str) -> Option<TableFiles> {
        let exact = self.tables.iter().find(|(table, _)| table == name);
        let mut alike = self
            .tables
            .iter()
            .filter(|(table, _)| table.eq_ignore_ascii_case(name));
        let only = alike.next().filter(|_| alike.next().is_none());
        exact.or(only).map(|(_, files)| files.clone())
    }

    /// The files that a statement itself names: FROM 'rows.parquet'.
    fn named_files(&self, name: &str) -> Result<TableFiles> {
        let looks_like_path =
            name.contains(['/', '.', '*', '\\']) || std::path::Path::new(name).exists();
        if !looks_like_path {
            return Err(self.no_table(name));
        }
        let argument = TableArgument {
            name: name.to_owned(),
            format: None,
            path: name.into(),
        };
        let files = TableFiles::find(&[&argument])?;
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.push((name.to_owned(), files.clone()));
        Ok(files)
    }

    fn no_table(&self, name: &str) -> Error {
        let known: Vec<&str> = self.tables.iter().map(|(name, _)| name.as_str()).collect();
        Error::Sql(match known.as_slice() {
            [] => format!("there is no table {name:?}; name its files: --table {name}=PATH"),
            known => format!(
                "there is no table {name:?}; there are {}; name others with --table {name}=PATH",
                known.join(", ")
            ),
        })
    }

    /// What plans of this session are run with.
    pub fn task(&self) -> Arc<TaskContext> {
        self.context.task_ctx()
    }

    /// The session of DataFusion.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }
}
