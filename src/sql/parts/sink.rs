//! DataFusion's writers of files, one file each.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::config::{MaxRowGroupBytes, TableParquetOptions};
use datafusion::common::{Result, exec_err};
use datafusion::datasource::file_format::parquet::ParquetSink;
use datafusion::datasource::listing::ListingTableUrl;
use datafusion::datasource::physical_plan::{FileGroup, FileOutputMode, FileSinkConfig};
use datafusion::datasource::sink::DataSink;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::dml::InsertOp;

use super::definition::PartFormat;
use super::text::{Lines, TextSink};
use crate::columnar::{GROUP_BYTES, GROUP_ROWS, created_by};

/// A writer of one file.
pub(super) fn one_file(
    format: PartFormat,
    schema: &SchemaRef,
    path: &Path,
) -> Result<Arc<dyn DataSink>> {
    let Ok(url) = url::Url::from_file_path(path) else {
        return exec_err!("{}: is no absolute path", path.display());
    };
    let config = FileSinkConfig {
        original_url: url.to_string(),
        object_store_url: ObjectStoreUrl::local_filesystem(),
        file_group: FileGroup::default(),
        table_paths: vec![ListingTableUrl::try_new(url, None)?],
        output_schema: schema.clone(),
        table_partition_cols: Vec::new(),
        insert_op: InsertOp::Append,
        keep_partition_by_columns: false,
        file_extension: format.extension().to_owned(),
        file_output_mode: FileOutputMode::SingleFile,
    };
    Ok(match format {
        PartFormat::Parquet => Arc::new(ParquetSink::new(config, parquet_options()?)),
        PartFormat::Csv => text(config, Some(b',')),
        PartFormat::Tsv => text(config, Some(b'\t')),
        PartFormat::Jsonl => text(config, None),
    })
}

fn text(config: FileSinkConfig, delimiter: Option<u8>) -> Arc<dyn DataSink> {
    Arc::new(TextSink::new(config, Lines { delimiter }))
}

/// The settings of all Parquet files that the program writes.
fn parquet_options() -> Result<TableParquetOptions> {
    let mut options = TableParquetOptions::default();
    let global = &mut options.global;
    global.compression = Some("snappy".to_owned());
    global.max_row_group_size = GROUP_ROWS;
    global.max_row_group_bytes = Some(MaxRowGroupBytes::try_new(GROUP_BYTES)?);
    global.created_by = created_by();
    // Partitions run side by side already, and one after the other in a file its groups end at the same rows.
    global.allow_single_file_parallelism = false;
    Ok(options)
}
