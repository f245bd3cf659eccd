//! The files of this machine, for writers that may be left behind.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::object_store::{
    DefaultObjectStoreRegistry, ObjectStoreRegistry, ObjectStoreUrl,
};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as StoreResult,
};
use futures::stream::BoxStream;

/// Files of this machine, written only as long as a folder is there. DataFusion's own store makes the
/// folders around a file that it writes, so that a writer which hears late that all is over would bring back
/// what was removed.
#[derive(Debug)]
struct WhileThere {
    folder: PathBuf,
    files: LocalFileSystem,
}

impl WhileThere {
    fn check(&self) -> StoreResult<()> {
        match self.folder.is_dir() {
            true => Ok(()),
            false => Err(Error::Generic {
                store: "files",
                source: format!("{}: the folder is gone", self.folder.display()).into(),
            }),
        }
    }
}

/// A context whose writers write below a folder that is there, and nowhere else.
pub(super) fn writing_into(
    folder: PathBuf,
    context: &Arc<TaskContext>,
) -> Result<Arc<TaskContext>> {
    let stores = DefaultObjectStoreRegistry::new();
    let store = WhileThere {
        folder,
        files: LocalFileSystem::new(),
    };
    let url = ObjectStoreUrl::local_filesystem();
    stores.register_store(url.as_ref(), Arc::new(store));
    let runtime = RuntimeEnvBuilder::from_runtime_env(&context.runtime_env())
        .with_object_store_registry(Arc::new(stores))
        .build_arc()?;
    let settings = context.session_config().clone();
    let context = TaskContext::default().with_session_config(settings);
    Ok(Arc::new(context.with_runtime(runtime)))
}

impl fmt::Display for WhileThere {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "files below {}", self.folder.display())
    }
}

#[async_trait]
impl ObjectStore for WhileThere {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> StoreResult<PutResult> {
        self.check()?;
        self.files.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        self.check()?;
        self.files.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> StoreResult<GetResult> {
        self.files.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, StoreResult<Path>>,
    ) -> BoxStream<'static, StoreResult<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.files.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.check()?;
        self.files.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use datafusion::object_store::ObjectStoreExt;

    use super::*;

    #[test]
    fn what_was_removed_is_not_brought_back() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let around = tempfile::tempdir().unwrap();
            let folder = around.path().join("attempt");
            std::fs::create_dir(&folder).unwrap();
            let context = writing_into(folder.clone(), &Arc::new(TaskContext::default())).unwrap();
            let url = ObjectStoreUrl::local_filesystem();
            let store = context.runtime_env().object_store(&url).unwrap();
            let path = Path::from_absolute_path(folder.join("file")).unwrap();
            store.put(&path, "rows".into()).await.unwrap();
            assert_eq!(std::fs::read(folder.join("file")).unwrap(), b"rows");
            std::fs::remove_dir_all(&folder).unwrap();
            let error = store.put(&path, "rows".into()).await.unwrap_err();
            assert!(error.to_string().contains("the folder is gone"), "{error}");
            assert!(store.put_multipart(&path).await.is_err());
            assert!(!folder.exists());
        });
    }
}
