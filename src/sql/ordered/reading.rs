//! Scans that name the file that cannot be read.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result as DataResult, exec_err};
use datafusion::datasource::listing::FileRange;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::object_store::local::LocalFileSystem;
use datafusion::object_store::path::Path as StorePath;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::{Stream, StreamExt};

use super::super::errors::{in_file, panicked};
use super::super::meter::Meter;

/// Bytes of a file that are read by one partition where a scan is parted into small pieces.
const PIECE_BYTES: u64 = 1 << 24;

/// A scan of which each partition reads its files, or ranges of them, one after the other.
#[derive(Debug)]
pub(super) struct ReadingExec {
    /// One piece of a file a partition.
    pieces: Arc<dyn ExecutionPlan>,
    files: Arc<Vec<StorePath>>,
    /// The pieces of each partition.
    partitions: Vec<Range<usize>>,
    /// Rows of a partition that are wanted.
    limit: Option<usize>,
    properties: Arc<PlanProperties>,
}

impl ReadingExec {
    /// The same scan as a plan's, in the same order; nothing where the plan scans no files. With
    /// `small`, its partitions are small pieces of files.
    pub(super) fn of(plan: &Arc<dyn ExecutionPlan>, small: bool) -> Option<Arc<dyn ExecutionPlan>> {
        let scan = plan.downcast_ref::<DataSourceExec>()?;
        let config = scan.data_source().downcast_ref::<FileScanConfig>()?;
        let can_be_parted = !config.file_compression_type.is_compressed()
            && config.file_source().supports_repartitioning();
        // How many rows a limit leaves is a matter of whole partitions.
        let small = small && config.limit.is_none();
        let mut pieces = Vec::new();
        let mut partitions = Vec::new();
        for group in &config.file_groups {
            let before = pieces.len();
            for file in group.iter() {
                let (mut start, end) = file.range();
                if !(small && can_be_parted) || end.saturating_sub(start) <= PIECE_BYTES {
                    pieces.push(file.clone());
                    continue;
                }
                while start < end {
                    let stop = end.min(start + PIECE_BYTES);
                    let mut piece = file.clone();
                    piece.range = Some(FileRange {
                        start: start as i64,
                        end: stop as i64,
                    });
                    pieces.push(piece);
                    start = stop;
                }
            }
            match small {
                true => partitions.extend((before..pieces.len()).map(|piece| piece..piece + 1)),
                false => partitions.push(before..pieces.len()),
            }
        }
        let files = pieces
            .iter()
            .map(|piece| piece.object_meta.location.clone());
        let files = Arc::new(files.collect());
        let mut config = config.clone();
        config.file_groups = pieces
            .into_iter()
            .map(|piece| FileGroup::new(vec![piece]))
            .collect();
        let limit = config.limit;
        let properties = PlanProperties::new(
            EquivalenceProperties::new(plan.schema()),
            Partitioning::UnknownPartitioning(partitions.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Some(Arc::new(Self {
            pieces: DataSourceExec::from_data_source(config),
            files,
            partitions,
            limit,
            properties: Arc::new(properties),
        }))
    }
}

impl DisplayAs for ReadingExec {
    fn fmt_as(&self, kind: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ReadingExec: ")?;
        self.pieces.fmt_as(kind, formatter)
    }
}

impl ExecutionPlan for ReadingExec {
    fn name(&self) -> &str {
        "ReadingExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        function: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataResult<TreeNodeRecursion>,
    ) -> DataResult<TreeNodeRecursion> {
        self.pieces.apply_expressions(function)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DataResult<SendableRecordBatchStream> {
        let Some(pieces) = self.partitions.get(partition) else {
            return exec_err!("a part of the input that there is not");
        };
        let reading = Reading {
            meter: context.session_config().get_extension::<Meter>(),
            scan: self.pieces.clone(),
            files: self.files.clone(),
            left: pieces.clone(),
            rows_left: self.limit,
            current: None,
            context,
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            reading.into_stream(),
        )))
    }
}

/// The first file of a plan that is read through gzip or zstd.
#[cfg(feature = "cluster")]
pub(crate) fn compressed_file(plan: &Arc<dyn ExecutionPlan>) -> Option<PathBuf> {
    let scan = plan.downcast_ref::<DataSourceExec>();
    let config = scan.and_then(|scan| scan.data_source().downcast_ref::<FileScanConfig>());
    let file = config
        .filter(|config| config.file_compression_type.is_compressed())
        .and_then(|config| config.file_groups.iter().flat_map(FileGroup::iter).next());
    match file {
        Some(file) => Some(PathBuf::from("/").join(file.object_meta.location.as_ref())),
        None => plan.children().into_iter().find_map(compressed_file),
    }
}

type Caught =
    std::pin::Pin<Box<dyn Stream<Item = std::thread::Result<DataResult<RecordBatch>>> + Send>>;

struct Reading {
    scan: Arc<dyn ExecutionPlan>,
    files: Arc<Vec<StorePath>>,
    left: Range<usize>,
    rows_left: Option<usize>,
    current: Option<(usize, Caught)>,
    context: Arc<TaskContext>,
    meter: Option<Arc<Meter>>,
}

impl Reading {
    fn into_stream(self) -> impl Stream<Item = DataResult<RecordBatch>> {
        futures::stream::try_unfold(self, |mut reading| async move {
            Ok::<_, DataFusionError>(reading.next().await?.map(|batch| (batch, reading)))
        })
    }

    async fn next(&mut self) -> DataResult<Option<RecordBatch>> {
        loop {
            if self.rows_left == Some(0) {
                self.end();
                return Ok(None);
            }
            let (piece, rows) = match &mut self.current {
                Some(current) => (current.0, &mut current.1),
                None => {
                    let Some(piece) = self.left.next() else {
                        return Ok(None);
                    };
                    let rows = self.scan.execute(piece, self.context.clone())?;
                    let caught = std::panic::AssertUnwindSafe(rows).catch_unwind();
                    let current = self.current.insert((piece, Box::pin(caught)));
                    (piece, &mut current.1)
                }
            };
            match rows.next().await {
                None => self.end(),
                Some(Ok(Ok(batch))) => {
                    let Some(left) = &mut self.rows_left else {
                        return Ok(Some(batch));
                    };
                    let rows = batch.num_rows().min(*left);
                    *left -= rows;
                    return Ok(Some(batch.slice(0, rows)));
                }
                Some(Ok(Err(error))) => return Err(in_file(&self.path(piece), error)),
                Some(Err(panic)) => {
                    return Err(in_file(&self.path(piece), panicked(Some(&*panic))));
                }
            }
        }
    }

    /// Ends the piece that is being read.
    fn end(&mut self) {
        if let Some((piece, _)) = self.current.take()
            && let (Some(meter), Some(file)) = (&self.meter, self.files.get(piece))
        {
            meter.ended(file);
        }
    }

    /// The file as the system knows it.
    fn path(&self, piece: usize) -> PathBuf {
        let location = self.files.get(piece).cloned().unwrap_or_default();
        let path = LocalFileSystem::new().path_to_filesystem(&location);
        let path = path.unwrap_or_else(|_| PathBuf::from("/").join(location.as_ref()));
        let here = std::env::current_dir();
        match here.as_deref().map(|here| path.strip_prefix(here)) {
            Ok(Ok(below)) => below.to_owned(),
            _ => path,
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.end();
    }
}
