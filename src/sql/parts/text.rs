//! Files of lines, by DataFusion's writers with the program's own lines.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::common::Result;
use datafusion::common::runtime::SpawnedTask;
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::datasource::file_format::write::BatchSerializer;
use datafusion::datasource::file_format::write::demux::DemuxedStreamReceiver;
use datafusion::datasource::file_format::write::orchestration::spawn_writer_tasks_and_join;
use datafusion::datasource::physical_plan::{FileSink, FileSinkConfig};
use datafusion::datasource::sink::DataSink;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::object_store::ObjectStore;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType};

use super::super::output::{append_lines, append_names};

/// Writes rows as lines that are those of the output to one file.
#[derive(Debug)]
pub(super) struct TextSink {
    config: FileSinkConfig,
    lines: Lines,
}

impl TextSink {
    pub(super) fn new(config: FileSinkConfig, lines: Lines) -> Self {
        Self { config, lines }
    }
}

/// What the lines are: values between commas or tabs under a line of names, or objects of JSON.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines {
    pub(super) delimiter: Option<u8>,
}

impl BatchSerializer for Lines {
    fn serialize(&self, batch: RecordBatch, initial: bool) -> Result<Bytes> {
        let mut text = Vec::with_capacity(batch.num_rows() * 64);
        let schema = batch.schema();
        if initial {
            append_names(&schema, self.delimiter, &mut text);
        }
        append_lines(&batch, &schema, self.delimiter, &mut text)?;
        Ok(text.into())
    }
}

impl DisplayAs for TextSink {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TextSink: {:?}", self.lines)
    }
}

#[async_trait]
impl FileSink for TextSink {
    fn config(&self) -> &FileSinkConfig {
        &self.config
    }

    async fn spawn_writer_tasks_and_join(
        &self,
        context: &Arc<TaskContext>,
        demux_task: SpawnedTask<Result<()>>,
        file_stream_rx: DemuxedStreamReceiver,
        object_store: Arc<dyn ObjectStore>,
    ) -> Result<u64> {
        spawn_writer_tasks_and_join(
            context,
            Arc::new(self.lines),
            FileCompressionType::UNCOMPRESSED,
            None,
            object_store,
            demux_task,
            file_stream_rx,
        )
        .await
    }
}

#[async_trait]
impl DataSink for TextSink {
    fn schema(&self) -> &SchemaRef {
        self.config.output_schema()
    }

    async fn write_all(
        &self,
        data: SendableRecordBatchStream,
        context: &Arc<TaskContext>,
    ) -> Result<u64> {
        FileSink::write_all(self, data, context).await
    }
}
