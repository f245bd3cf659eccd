//! A table of DataFusion over a fixed list of files, read in its order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::CsvOptions;
use datafusion::common::{DFSchema, Result as DataResult, ScalarValue, exec_datafusion_err};
use datafusion::datasource::TableType;
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    CsvSource, FileGroup, FileScanConfigBuilder, FileSource, JsonSource, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::object_store::path::Path as StorePath;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};
use rayon::prelude::*;

use super::schema::Columns;
use super::{
    TableFile, TableFiles, TableFormat, TableOptions, csv_files, json_fields, parquet_files,
};
use crate::compressed::Compression;
use crate::corpus::compression_of;
use crate::error::{Error, Result};
use crate::output_file::absolute;

/// Files with one schema.
#[derive(Debug)]
pub(crate) struct FilesTable {
    /// The columns of the files, then those of their folders.
    schema: SchemaRef,
    keys: Vec<FieldRef>,
    runs: Vec<Run>,
    /// Bytes that scans are going to read, of all tables of a session.
    to_read: Arc<AtomicU64>,
    sampled: bool,
}

/// Files one after the other that are read in the same way.
#[derive(Debug)]
struct Run {
    format: TableFormat,
    compression: Compression,
    /// The sign between cells of CSV.
    delimiter: u8,
    /// The columns as the reader must know them.
    schema: SchemaRef,
    files: Vec<ScannedFile>,
}

#[derive(Debug)]
struct ScannedFile {
    file: PartitionedFile,
    /// Bytes of each column, where they can be read apart.
    bytes: Option<HashMap<String, u64>>,
}

/// What a look at a file has shown.
struct Looked {
    schema: SchemaRef,
    compression: Compression,
    delimiter: u8,
    /// Bytes of each column, where they can be read apart.
    bytes: Option<HashMap<String, u64>>,
}

impl Looked {
    /// Looks at a file; tells whether it has rows that were not looked at for fields.
    fn at(file: &TableFile, options: TableOptions) -> Result<(Self, bool)> {
        if file.format == TableFormat::Parquet {
            let footer = parquet_files::footer(file)?;
            let looked = Self {
                schema: footer.schema,
                compression: Compression::None,
                delimiter: b',',
                bytes: Some(footer.bytes),
            };
            return Ok((looked, false));
        }
        let compression = compression_of(&file.path)?;
        let ((schema, delimiter), more) = match file.format {
            TableFormat::Jsonl => {
                let (schema, more) = json_fields::fields(file, compression, options)?;
                ((schema, b','), more)
            }
            _ => (csv_files::columns(file, options)?, false),
        };
        let looked = Self {
            schema,
            compression,
            delimiter,
            bytes: None,
        };
        Ok((looked, more))
    }
}

impl FilesTable {
    /// Looks at all files and finds what columns they have.
    pub(crate) fn open(
        found: &TableFiles,
        options: TableOptions,
        to_read: &Arc<AtomicU64>,
    ) -> Result<Self> {
        let sampled = AtomicBool::new(false);
        let looked: Vec<Looked> = found
            .files
            .par_iter()
            .map(|file| {
                let (looked, more) = Looked::at(file, options)?;
                sampled.fetch_or(more, Ordering::Relaxed);
                Ok(looked)
            })
            // One after the other in the end, so that the first fault is told.
            .collect::<Vec<Result<_>>>()
            .into_iter()
            .collect::<Result<_>>()?;
        let mut columns = Columns::default();
        for (file, looked) in found.files.iter().zip(&looked) {
            columns.add(&file.path, &looked.schema)?;
        }
        let schema = columns.schema(&found.keys);
        let keys = found.keys.iter();
        let keys: Vec<FieldRef> = keys
            .map(|key| Arc::new(Field::new(key, DataType::Utf8, true)))
            .collect();
        let mut runs: Vec<Run> = Vec::new();
        for (file, looked) in found.files.iter().zip(looked) {
            let read_as = match file.format {
                TableFormat::Csv | TableFormat::Tsv => {
                    in_order_of(&looked.schema, &schema, &found.keys)
                }
                _ => schema.clone(),
            };
            let scanned = ScannedFile {
                file: partitioned(file)?,
                bytes: looked.bytes,
            };
            match runs.last_mut() {
                Some(run)
                    if run.format == file.format
                        && run.compression == looked.compression
                        && run.delimiter == looked.delimiter
                        && run.schema == read_as =>
                {
                    run.files.push(scanned);
                }
                _ => runs.push(Run {
                    format: file.format,
                    compression: looked.compression,
                    delimiter: looked.delimiter,
                    schema: read_as,
                    files: vec![scanned],
                }),
            }
        }
        let fields = schema.fields().iter().chain(&keys).cloned();
        Ok(Self {
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            keys,
            runs,
            to_read: to_read.clone(),
            sampled: sampled.into_inner(),
        })
    }

    /// Whether there are rows that were not looked at for fields.
    pub(crate) fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// The files that may hold rows for which filters over the keys hold.
    fn wanted<'r>(
        &self,
        state: &dyn Session,
        run: &'r Run,
        filters: &[Expr],
    ) -> DataResult<Vec<&'r ScannedFile>> {
        let filters = filters.iter().filter(|filter| self.is_of_keys(filter));
        let mut keep = vec![true; run.files.len()];
        let schema = Arc::new(Schema::new(self.keys.clone()));
        let described = DFSchema::try_from(schema.clone())?;
        let mut values: Option<RecordBatch> = None;
        for filter in filters {
            let batch = match &values {
                Some(batch) => batch,
                None => values.insert(self.keys_of(run, &schema)?),
            };
            // The filter is applied to the rows as well: what cannot be told here is kept.
            let Ok(filter) = state.create_physical_expr(filter.clone(), &described) else {
                continue;
            };
            let Ok(held) = filter
                .evaluate(batch)
                .and_then(|held| held.into_array(batch.num_rows()))
            else {
                continue;
            };
            if let Some(held) = held.as_boolean_opt() {
                for (keep, place) in keep.iter_mut().zip(0..) {
                    *keep &= held.is_valid(place) && held.value(place);
                }
            }
        }
        let files = run.files.iter().zip(keep);
        Ok(files
            .filter_map(|(file, keep)| keep.then_some(file))
            .collect())
    }

    fn is_of_keys(&self, filter: &Expr) -> bool {
        let columns = filter.column_refs();
        let is_key = |name: &str| self.keys.iter().any(|key| key.name() == name);
        !columns.is_empty()
            && columns.iter().all(|column| is_key(&column.name))
            && !filter.is_volatile()
    }

    fn keys_of(&self, run: &Run, schema: &SchemaRef) -> DataResult<RecordBatch> {
        let columns = (0..self.keys.len()).map(|key| {
            let values = run.files.iter();
            ScalarValue::iter_to_array(
                values.filter_map(|file| file.file.partition_values.get(key).cloned()),
            )
        });
        let columns = columns.collect::<DataResult<Vec<_>>>()?;
        Ok(RecordBatch::try_new(schema.clone(), columns)?)
    }

    /// The plan that reads some columns of the files of a run.
    fn scan_run(
        &self,
        run: &Run,
        files: &[&ScannedFile],
        wanted: &[FieldRef],
        partitions: usize,
    ) -> DataResult<Arc<dyn ExecutionPlan>> {
        let table = TableSchema::builder(run.schema.clone())
            .with_table_partition_cols(self.keys.clone())
            .build();
        let own = table.table_schema().clone();
        let present: Vec<usize> = wanted
            .iter()
            .filter_map(|field| own.index_of(field.name()).ok())
            .collect();
        let config =
            FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), run.source(table))
                .with_file_groups(groups(files, partitions))
                .with_file_compression_type(match run.compression {
                    Compression::None => FileCompressionType::UNCOMPRESSED,
                    Compression::Gzip => FileCompressionType::GZIP,
                    Compression::Zstd => FileCompressionType::ZSTD,
                })
                .with_projection_indices(Some(present.clone()))?
                .build();
        self.to_read.fetch_add(
            files.iter().map(|file| file.bytes_of(wanted)).sum(),
            Ordering::Relaxed,
        );
        let scan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(config);
        if present.len() == wanted.len() {
            return Ok(scan);
        }
        // Columns that these files have not.
        let read = scan.schema();
        let columns = wanted.iter().map(|field| {
            let column: Arc<dyn PhysicalExpr> = match read.index_of(field.name()) {
                Ok(place) => Arc::new(Column::new(field.name(), place)),
                Err(_) => Arc::new(Literal::new(ScalarValue::try_from(field.data_type())?)),
            };
            Ok((column, field.name().clone()))
        });
        let columns = columns.collect::<DataResult<Vec<_>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(columns, scan)?))
    }
}

impl ScannedFile {
    /// Bytes that are read for some columns.
    fn bytes_of(&self, columns: &[FieldRef]) -> u64 {
        match &self.bytes {
            None => self.file.object_meta.size,
            Some(bytes) => columns
                .iter()
                .filter_map(|column| bytes.get(column.name()))
                .sum(),
        }
    }
}

impl Run {
    fn source(&self, table: TableSchema) -> Arc<dyn FileSource> {
        match self.format {
            TableFormat::Parquet => Arc::new(ParquetSource::new(table)),
            TableFormat::Jsonl => Arc::new(JsonSource::new(table)),
            TableFormat::Csv | TableFormat::Tsv => {
                let options = CsvOptions {
                    has_header: Some(true),
                    delimiter: self.delimiter,
                    // Cells hold line breaks now and then, and only a whole file shows where.
                    newlines_in_values: Some(true),
                    ..CsvOptions::default()
                };
                Arc::new(CsvSource::new(table).with_csv_options(options))
            }
        }
    }
}

#[async_trait]
impl TableProvider for FilesTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DataResult<Vec<TableProviderFilterPushDown>> {
        let support = filters.iter().map(|filter| match self.is_of_keys(filter) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        });
        Ok(support.collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> DataResult<Arc<dyn ExecutionPlan>> {
        let wanted: Vec<FieldRef> = match projection {
            None => self.schema.fields().iter().cloned().collect(),
            Some(places) => {
                let fields = places
                    .iter()
                    .map(|&place| self.schema.fields().get(place).cloned());
                let fields: Option<Vec<FieldRef>> = fields.collect();
                fields.ok_or_else(|| exec_datafusion_err!("a column that the table has not"))?
            }
        };
        let partitions = state.config().target_partitions();
        let mut scans = Vec::new();
        for run in &self.runs {
            let files = self.wanted(state, run, filters)?;
            if !files.is_empty() {
                scans.push(self.scan_run(run, &files, &wanted, partitions)?);
            }
        }
        match scans.len() {
            0 => Ok(Arc::new(EmptyExec::new(Arc::new(Schema::new(wanted))))),
            1 => Ok(scans.remove(0)),
            _ => UnionExec::try_new(scans),
        }
    }
}

/// The columns of a file in its own order, with the types of the table. Those that folders give as
/// well are there under a name that nobody asks for.
fn in_order_of(own: &SchemaRef, table: &SchemaRef, keys: &[String]) -> SchemaRef {
    let fields = own.fields().iter().map(|field| {
        if keys.contains(field.name()) {
            let hidden = format!("\u{0}{}", field.name());
            return Arc::new(field.as_ref().clone().with_name(hidden));
        }
        let known = table.field_with_name(field.name());
        known.map_or_else(|_| field.clone(), |known| Arc::new(known.clone()))
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Files one after the other, parted into groups of about the same size.
fn groups(files: &[&ScannedFile], partitions: usize) -> Vec<FileGroup> {
    let size = |file: &ScannedFile| file.file.object_meta.size.max(1);
    let all: u64 = files.iter().map(|file| size(file)).sum();
    let share = all.div_ceil(partitions.max(1) as u64).max(1);
    let mut groups: Vec<FileGroup> = Vec::new();
    let mut before = 0;
    let mut last = None;
    for file in files {
        // A file belongs to the group that its middle lies in.
        let group = (before + size(file) / 2) / share;
        before += size(file);
        match groups.last_mut() {
            Some(files) if last == Some(group) => files.push(file.file.clone()),
            _ => groups.push(FileGroup::new(vec![file.file.clone()])),
        }
        last = Some(group);
    }
    groups
}

fn partitioned(file: &TableFile) -> Result<PartitionedFile> {
    let path = absolute(&file.path).map_err(|error| Error::io(&file.path, error))?;
    let location = StorePath::from_absolute_path(&path)
        .map_err(|_| file.error("its name cannot be used here; rename the file"))?;
    let mut partitioned = PartitionedFile::new(String::new(), file.size);
    partitioned.object_meta.location = location;
    partitioned.partition_values = file.keys.iter().cloned().map(ScalarValue::Utf8).collect();
    Ok(partitioned)
}
