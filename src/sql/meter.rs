//! How many bytes of files have been read, while they are read.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use futures::stream::{self, BoxStream, StreamExt};

use crate::corpus::{BYTE_ORDER_MARK, count_read};

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

/// The files of this machine, what is read of them being counted. A byte order mark is given as blanks.
#[derive(Debug)]
pub(crate) struct MeteredFiles {
    files: LocalFileSystem,
    /// Nothing where nobody looks how far reading has come.
    meter: Option<Arc<Meter>>,
}

impl MeteredFiles {
    pub(super) fn new(meter: &Arc<Meter>) -> Self {
        Self {
            files: LocalFileSystem::new(),
            meter: Some(meter.clone()),
        }
    }

    /// The files of a machine whose tasks are watched elsewhere.
    #[cfg(feature = "cluster")]
    pub(crate) fn unwatched() -> Self {
        Self {
            files: LocalFileSystem::new(),
            meter: None,
        }
    }

    /// What was asked for with blanks in place of a byte order mark, so that all else stays where it is.
    async fn without_mark(
        &self,
        location: &Path,
        options: GetOptions,
        found: GetResult,
    ) -> Result<GetResult> {
        let wanted = found.range.clone();
        let end = wanted.end.min(BYTE_ORDER_MARK.len() as u64);
        let blanks = vec![b' '; end.saturating_sub(wanted.start) as usize];
        let blanks = stream::iter([Ok(blanks.into())]);
        let payload = if wanted.end > end {
            let rest = GetOptions {
                range: Some(GetRange::Bounded(end..wanted.end)),
                ..options
            };
            let rest = self.files.get_opts(location, rest).await?;
            blanks.chain(rest.into_stream()).boxed()
        } else {
            blanks.boxed()
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(payload),
            ..found
        })
    }
}

/// Whether a file begins with a byte order mark; it stands at its beginning afterwards.
fn is_marked(file: &mut File) -> std::io::Result<bool> {
    let mut head = [0; BYTE_ORDER_MARK.len()];
    let read = file.read_exact(&mut head);
    file.rewind()?;
    Ok(read.is_ok() && head == BYTE_ORDER_MARK)
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
        let begins = !options.head;
        let mut found = self.files.get_opts(location, options.clone()).await?;
        if begins
            && found.range.start < BYTE_ORDER_MARK.len() as u64
            && let GetResultPayload::File(file, _) = &mut found.payload
            && is_marked(file).unwrap_or(false)
        {
            count_read(found.range.end.saturating_sub(found.range.start));
            return self.without_mark(location, options, found).await;
        }
        match (&found.payload, &self.meter) {
            (GetResultPayload::File(file, _), Some(meter)) if whole => {
                meter.begins(location, file);
            }
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
