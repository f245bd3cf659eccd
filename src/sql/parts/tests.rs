//! Parts of plans over rows in memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use futures::TryStreamExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::exec::number_parts;
use super::*;
use crate::output_folder::OutputFolder;

fn batch(rows: &[(i64, Option<&str>)]) -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0)));
    let places: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<StringArray>());
    RecordBatch::try_from_iter_with_nullable([("number", numbers, false), ("place", places, true)])
        .unwrap()
}

fn memory(partitions: &[Vec<RecordBatch>]) -> Arc<dyn ExecutionPlan> {
    let schema = batch(&[]).schema();
    MemorySourceConfig::try_new_exec(partitions, schema, None).unwrap()
}

fn target(folder: &OutputFolder, format: PartFormat, keys: &[&str]) -> PartsTarget {
    let keys = keys.iter().map(|&key| key.to_owned()).collect();
    PartsTarget::new(folder.staging(), format, keys).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

/// Writes partitions and gives what was told.
fn write(
    input: Arc<dyn ExecutionPlan>,
    target: &PartsTarget,
) -> datafusion::common::Result<Vec<PartFile>> {
    let parts = Arc::new(PartsExec::try_new(input, target.clone())?);
    runtime().block_on(gather(
        run(parts, 2, Arc::new(TaskContext::default())),
        |_| (),
    ))
}

fn statement(parts: usize) -> Statement<'static> {
    Statement {
        text: "SELECT",
        model: Some("0123"),
        parts,
    }
}

/// All files below a folder, by their paths in it.
fn files(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, around: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, around, found);
            } else {
                let name = path.strip_prefix(around).unwrap();
                found.push(name.to_str().unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

fn numbers(path: PathBuf) -> Vec<i64> {
    let file = std::fs::File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let batches = reader.build().unwrap().map(Result::unwrap);
    batches
        .flat_map(|batch| {
            batch
                .column(0)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        })
        .collect()
}

#[test]
fn each_partition_with_rows_is_a_file() {
    let around = tempfile::tempdir().unwrap();
    let out = around.path().join("خارج");
    let folder = OutputFolder::create(&out).unwrap();
    let target = target(&folder, PartFormat::Parquet, &[]);
    let input = memory(&[
        vec![batch(&[(1, None)]), batch(&[(2, Some("a"))])],
        vec![],
        vec![batch(&[(3, None)])],
    ]);
    let told = write(input, &target).unwrap();
    assert_eq!(told.len(), 3);
    let written = commit(folder, &target, told, &statement(3)).unwrap();
    assert_eq!((written.rows, written.files), (3, 2));
    let expected = ["_SUCCESS", "part-00000.parquet", "part-00002.parquet"];
    assert_eq!(files(&out), expected);
    assert_eq!(numbers(out.join("part-00000.parquet")), [1, 2]);
    assert_eq!(numbers(out.join("part-00002.parquet")), [3]);
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("_SUCCESS")).unwrap()).unwrap();
    assert_eq!(manifest["rows"], 3);
    assert_eq!(manifest["model"], "0123");
    assert_eq!(manifest["files"][1]["path"], "part-00002.parquet");
    assert_eq!(
        manifest["files"][1]["bytes"],
        std::fs::metadata(out.join("part-00002.parquet"))
            .unwrap()
            .len()
    );
    assert_eq!(std::fs::read_dir(around.path()).unwrap().count(), 1);
    let file = std::fs::File::open(out.join("part-00000.parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let metadata = reader.metadata();
    assert_eq!(
        metadata.file_metadata().created_by(),
        Some(crate::columnar::created_by().as_str())
    );
    assert_eq!(
        metadata.row_group(0).column(0).compression(),
        parquet::basic::Compression::SNAPPY
    );
}

#[test]
fn rows_go_to_the_folders_of_their_values_in_their_order() {
    let around = tempfile::tempdir().unwrap();
    let out = around.path().join("out");
    let folder = OutputFolder::create(&out).unwrap();
    let target = target(&folder, PartFormat::Parquet, &["place"]);
    let input = memory(&[
        vec![
            batch(&[(9, Some("حلب")), (8, Some("a/../b")), (7, Some("حلب"))]),
            batch(&[]),
            batch(&[(6, None), (5, Some("حلب")), (4, Some(""))]),
        ],
        vec![batch(&[(3, Some("حلب"))])],
    ]);
    let told = write(input, &target).unwrap();
    let written = commit(folder, &target, told, &statement(2)).unwrap();
    assert_eq!((written.rows, written.files), (7, 4));
    let expected = [
        "_SUCCESS",
        "place=__HIVE_DEFAULT_PARTITION__/part-00000.parquet",
        "place=a%2F..%2Fb/part-00000.parquet",
        "place=حلب/part-00000.parquet",
        "place=حلب/part-00001.parquet",
    ];
    assert_eq!(files(&out), expected);
    assert_eq!(numbers(out.join("place=حلب/part-00000.parquet")), [9, 7, 5]);
    assert_eq!(numbers(out.join(expected[1])), [6, 4]);
    let file = std::fs::File::open(out.join(expected[2])).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(reader.schema().fields().len(), 1);
}

#[test]
fn two_thousand_folders_take_few_open_files() {
    // In memory, where thousands of files are removed soon.
    let memory_disk = Path::new("/dev/shm");
    let around = match memory_disk.is_dir() {
        true => tempfile::tempdir_in(memory_disk).unwrap(),
        false => tempfile::tempdir().unwrap(),
    };
    let out = around.path().join("out");
    let folder = OutputFolder::create(&out).unwrap();
    let target = target(&folder, PartFormat::Csv, &["place"]);
    let names: Vec<String> = (0..2000).map(|number| format!("م{number}")).collect();
    let rows: Vec<(i64, Option<&str>)> = (0..6000)
        .map(|row| (row, names.get(row as usize * 7 % 2000).map(String::as_str)))
        .collect();
    let input = memory(&[rows.chunks(100).map(batch).collect()]);
    let told = write(input, &target).unwrap();
    let written = commit(folder, &target, told, &statement(1)).unwrap();
    assert_eq!((written.rows, written.files), (6000, 2000));
    let first = std::fs::read_to_string(out.join("place=م0/part-00000.csv")).unwrap();
    assert_eq!(first, "number\n0\n2000\n4000\n");
}

#[test]
fn without_rows_one_file_tells_the_columns() {
    for (format, keys, name) in [
        (PartFormat::Parquet, &["place"][..], "part-00000.parquet"),
        (PartFormat::Csv, &[], "part-00000.csv"),
        (PartFormat::Jsonl, &[], "part-00000.jsonl"),
    ] {
        let around = tempfile::tempdir().unwrap();
        let out = around.path().join("out");
        let folder = OutputFolder::create(&out).unwrap();
        let target = target(&folder, format, keys);
        let told = write(memory(&[vec![], vec![batch(&[])]]), &target).unwrap();
        let written = commit(folder, &target, told, &statement(2)).unwrap();
        assert_eq!((written.rows, written.files), (0, 1));
        assert_eq!(files(&out), ["_SUCCESS", name]);
        match format {
            PartFormat::Parquet => {
                let file = std::fs::File::open(out.join(name)).unwrap();
                let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
                assert_eq!(reader.schema().fields().len(), 2);
            }
            PartFormat::Csv | PartFormat::Tsv => {
                assert_eq!(std::fs::read(out.join(name)).unwrap(), b"number,place\n")
            }
            PartFormat::Jsonl => assert_eq!(std::fs::read(out.join(name)).unwrap(), b""),
        }
    }
}

/// What was told, changed, does not become a folder.
#[test]
fn parts_that_are_missing_doubled_or_changed_are_refused() {
    type Change = fn(&mut Vec<PartFile>, &Path);
    let changes: [(&str, Change); 8] = [
        ("1 of 2 parts", |files, _| {
            files.retain(|file| file.part == 0)
        }),
        ("written twice", |files, _| {
            let mut again = files[0].clone();
            again.attempt = "attempt-00000-again".into();
            files.push(again);
        }),
        ("has 1 files, and 2", |files, _| {
            files.push(files[0].clone())
        }),
        (
            "not to be seen here; the output folder must be shared",
            |files, staging| {
                std::fs::remove_dir_all(staging.join(&files[1].attempt)).unwrap();
            },
        ),
        ("bytes here", |files, staging| {
            let path = staging.join(&files[0].attempt).join(&files[0].file);
            std::fs::write(path, b"short").unwrap();
        }),
        ("cannot be one of it", |files, _| {
            files[0].attempt = "../elsewhere".into()
        }),
        ("cannot be one of it", |files, _| {
            files[0].folders = "place=../..".into()
        }),
        ("cannot be one of it", |files, _| {
            files[0].file = "../../etc".into()
        }),
    ];
    for (words, change) in changes {
        let around = tempfile::tempdir().unwrap();
        let out = around.path().join("out");
        let folder = OutputFolder::create(&out).unwrap();
        let target = target(&folder, PartFormat::Jsonl, &[]);
        let input = memory(&[vec![batch(&[(1, None)])], vec![batch(&[(2, None)])]]);
        let mut told = write(input, &target).unwrap();
        told.sort_by_key(|file| file.part);
        change(&mut told, folder.staging());
        let error = commit(folder, &target, told, &statement(2))
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{words:?} not in {error}");
        assert_eq!(std::fs::read_dir(around.path()).unwrap().count(), 0);
    }
}

#[test]
fn attempts_that_fail_or_are_dropped_leave_nothing() {
    let around = tempfile::tempdir().unwrap();
    let folder = OutputFolder::create(&around.path().join("out")).unwrap();
    let left = || std::fs::read_dir(folder.staging()).unwrap().count();
    // A value that cannot name a folder, after rows that can.
    let long = "غ".repeat(200);
    let input = memory(&[vec![batch(&[(1, Some("a"))]), batch(&[(2, Some(&long))])]]);
    let error = write(input, &target(&folder, PartFormat::Csv, &["place"])).unwrap_err();
    assert!(
        error.to_string().contains("too long for a folder's name"),
        "{error}"
    );
    assert_eq!(left(), 0);
    let input = memory(&[vec![batch(&[(1, None)])]]);
    let parts = PartsExec::try_new(input, target(&folder, PartFormat::Parquet, &[])).unwrap();
    runtime().block_on(async {
        let mut rows = parts.execute(0, Arc::new(TaskContext::default())).unwrap();
        // Once is not enough to end: a file is being written.
        assert!(futures::poll!(rows.try_next()).is_pending());
        drop(rows);
    });
    assert_eq!(left(), 0);
}

#[test]
fn a_folder_that_is_not_here_is_told() {
    let around = tempfile::tempdir().unwrap();
    let folder = OutputFolder::create(&around.path().join("out")).unwrap();
    let target = target(&folder, PartFormat::Csv, &[]);
    drop(folder);
    let error = write(memory(&[vec![batch(&[(1, None)])]]), &target).unwrap_err();
    assert!(
        error.to_string().contains("must be shared by all machines"),
        "{error}"
    );
    assert_eq!(std::fs::read_dir(around.path()).unwrap().count(), 0);
}

/// As the scheduler does: the plan travels, is cut, travels again, and is told its parts.
#[test]
fn slices_write_nothing_before_they_are_told_their_parts() {
    let around = tempfile::tempdir().unwrap();
    let folder = OutputFolder::create(&around.path().join("out")).unwrap();
    let target = target(&folder, PartFormat::Csv, &[]);
    let input = memory(&[vec![batch(&[(1, None)])], vec![batch(&[(2, None)])]]);
    let sent = PartsExec::try_new(input, target)
        .unwrap()
        .to_definition()
        .unwrap();
    let slice = memory(&[vec![batch(&[(2, None)])]]);
    let parts: Arc<dyn ExecutionPlan> = Arc::new(PartsExec::from_definition(&sent, slice).unwrap());
    let context = Arc::new(TaskContext::default());
    let error = parts.execute(0, context.clone()).err().unwrap();
    assert!(error.to_string().contains("which part"), "{error}");
    assert!(number_parts(parts.clone(), &[0, 1]).is_err());
    let numbered = number_parts(parts, &[1]).unwrap();
    let told = runtime()
        .block_on(gather(numbered.execute(0, context).unwrap(), |_| ()))
        .unwrap();
    assert_eq!(told.iter().map(|file| file.part).collect::<Vec<_>>(), [1]);
    let whole = memory(&[vec![], vec![]]);
    let recut =
        datafusion::physical_plan::replace_children_if_necessary(numbered, vec![whole]).unwrap();
    assert!(recut.execute(0, Arc::new(TaskContext::default())).is_err());
}

/// With the codec and the slicing of a real cluster: what a task of the second partition writes is part 1.
#[cfg(feature = "cluster")]
#[test]
fn tasks_of_a_cluster_write_the_parts_of_the_whole_plan() {
    use ballista_scheduler::state::task_builder::restrict_plan_to_partitions;
    use datafusion_proto::physical_plan::AsExecutionPlan;
    use datafusion_proto::protobuf::PhysicalPlanNode;

    use crate::cluster::codec::ClusterCodec;

    let around = tempfile::tempdir().unwrap();
    let out = around.path().join("out");
    let folder = OutputFolder::create(&out).unwrap();
    let target = target(&folder, PartFormat::Parquet, &["place"]);
    let input = memory(&[
        vec![batch(&[(1, Some("تعز"))])],
        vec![batch(&[(2, Some("حلب")), (3, Some("تعز"))])],
    ]);
    let context = Arc::new(TaskContext::default());
    let codec = ClusterCodec::of_planner();
    let sent = |plan: Arc<dyn ExecutionPlan>| {
        let mut bytes = Vec::new();
        let message = PhysicalPlanNode::try_from_physical_plan(plan, &codec).unwrap();
        message.try_encode(&mut bytes).unwrap();
        let message = PhysicalPlanNode::try_decode(&bytes).unwrap();
        message.try_into_physical_plan(&context, &codec).unwrap()
    };
    let whole = sent(Arc::new(PartsExec::try_new(input, target.clone()).unwrap()));
    let mut told = Vec::new();
    for part in [1, 0] {
        let slice = sent(restrict_plan_to_partitions(whole.clone(), &[part]).unwrap());
        let numbered = number_parts(slice, &[part]).unwrap();
        let rows = numbered.execute(0, context.clone()).unwrap();
        told.extend(runtime().block_on(gather(rows, |_| ())).unwrap());
    }
    let written = commit(folder, &target, told, &statement(2)).unwrap();
    assert_eq!((written.rows, written.files), (3, 3));
    assert_eq!(numbers(out.join("place=تعز/part-00000.parquet")), [1]);
    assert_eq!(numbers(out.join("place=تعز/part-00001.parquet")), [3]);
}
