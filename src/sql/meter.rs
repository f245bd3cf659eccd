//! How many bytes of files have been read, while they are read.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::Seek;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use futures::stream::BoxStream;

use crate::corpus::count_read;

/// Counts what is read of whole files by looking where their readers stand.
#[derive(Debug, Default)]
pub(super) struct Meter {
    open: Mutex<HashMap<Path, Vec<Open>>>,
}

#[derive(Debug)]
struct Open {
    /// Stands where its reader stands: the system keeps one place for both.
    file: File,
    counted: u64,
}

impl Open {
    fn count(&mut self) {
        let now = self.file.stream_position().unwrap_or(self.counted);
        count_read(now.saturating_sub(self.counted));
        self.counted = self.counted.max(now);
    }
}

impl Meter {
    fn open(&self) -> MutexGuard<'_, HashMap<Path, Vec<Open>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begins(&self, path: &Path, file: &File) {
        // What cannot be watched is not counted; that is for those who wait alone.
        if let Ok(file) = file.try_clone() {
            let open = Open { file, counted: 0 };
            self.open().entry(path.clone()).or_default().push(open);
        }
    }

    /// Nobody reads the file any more who has begun first.
    pub(super) fn ended(&self, path: &Path) {
        let mut all = self.open();
        if let Some(open) = all.get_mut(path) {
            open.iter_mut().for_each(Open::count);
            if !open.is_empty() {
                open.remove(0);
            }
            if open.is_empty() {
                all.remove(path);
            }
        }
    }

    /// Counts what has been read since.
    pub(super) fn look(&self) {
        self.open().values_mut().flatten().for_each(Open::count);
    }
}

/// The files of this machine, what is read of them being counted.
#[derive(Debug)]
pub(super) struct MeteredFiles {
    files: LocalFileSystem,
    meter: Arc<Meter>,
}

impl MeteredFiles {
    pub(super) fn new(meter: &Arc<Meter>) -> Self {
        Self {
            files: LocalFileSystem::new(),
            meter: meter.clone(),
        }
    }
}

impl fmt::Display for MeteredFiles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.fmt(formatter)
    }
}

#[async_trait]
impl ObjectStore for MeteredFiles {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.files.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.files.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let whole = options.range.is_none() && !options.head;
        let found = self.files.get_opts(location, options).await?;
        match &found.payload {
            GetResultPayload::File(file, _) if whole => self.meter.begins(location, file),
            _ if whole => {}
            _ => count_read(found.range.end.saturating_sub(found.range.start)),
        }
        Ok(found)
    }

    async fn get_ranges(
        &self,
        location: &Path,
        ranges: &[Range<u64>],
    ) -> Result<Vec<bytes::Bytes>> {
        let read = self.files.get_ranges(location, ranges).await?;
        count_read(read.iter().map(|part| part.len() as u64).sum());
        Ok(read)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await
    }
}
