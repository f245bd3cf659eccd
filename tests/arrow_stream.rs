//! `marsad predict - --from arrow --to arrow` as Spark calls it: rows come out while others go in.

use std::io::BufReader;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

const ROWS_A_BATCH: usize = 100;

/// Rows after which some must have come out: a batch of the output, and what is read ahead.
const ROWS_AHEAD: usize = 16_000;

/// Long enough for a slow machine; a program that waits for the end of its input waits for ever.
const PATIENCE: Duration = Duration::from_secs(120);

/// A child that ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn schema() -> Schema {
    let text = Field::new("text", DataType::Utf8, true);
    Schema::new(vec![Field::new("id", DataType::Utf8, false), text])
}

/// Rows numbered from `first`; every seventh has no text.
fn batch(first: usize) -> RecordBatch {
    let rows = first..first + ROWS_A_BATCH;
    let ids: StringArray = rows.clone().map(|row| Some(row.to_string())).collect();
    let texts = rows.map(|row| (row % 7 != 0).then(|| format!("سقطت {row} قذائف على البلدة")));
    let texts: StringArray = texts.collect();
    RecordBatch::try_new(Arc::new(schema()), vec![Arc::new(ids), Arc::new(texts)]).unwrap()
}

fn streamed(threads: &str) {
    let program = Command::new(env!("CARGO_BIN_EXE_marsad"))
        .args(["predict", "-", "--from", "arrow", "--to", "arrow"])
        .args(["--threads", threads, "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut program = Program(program.unwrap());
    let input = program.0.stdin.take().unwrap();
    let output = BufReader::new(program.0.stdout.take().unwrap());
    let (seen, out) = channel();
    let (fed, given) = std::thread::scope(|scope| {
        let feeder = scope.spawn(move || {
            let mut writer = StreamWriter::try_new(input, &schema()).unwrap();
            for first in (0..ROWS_AHEAD).step_by(ROWS_A_BATCH) {
                writer.write(&batch(first)).unwrap();
            }
            // The input stays open until rows have come out.
            let early = out.recv_timeout(PATIENCE);
            let more = ROWS_AHEAD + 3_000;
            for first in (ROWS_AHEAD..more).step_by(ROWS_A_BATCH) {
                writer.write(&batch(first)).unwrap();
            }
            writer.finish().unwrap();
            assert!(early.is_ok(), "no row came out of {ROWS_AHEAD}");
            more
        });
        let mut given = 0;
        for batch in StreamReader::try_new(output, None).unwrap() {
            // The feeder listens for the first batch only.
            let _ = seen.send(());
            let batch = batch.unwrap();
            let ids = batch.column_by_name("id").unwrap().as_string::<i32>();
            let errors = batch.column_by_name("error").unwrap();
            let texts = batch.column_by_name("text").unwrap();
            for row in 0..batch.num_rows() {
                assert_eq!(ids.value(row), given.to_string());
                assert_eq!(errors.is_valid(row), given % 7 == 0);
                assert_eq!(texts.is_null(row), given % 7 == 0);
                given += 1;
            }
        }
        (feeder.join().unwrap(), given)
    });
    assert_eq!(fed, given);
    assert_eq!(program.0.wait().unwrap().code(), Some(1), "rows in error");
}

#[test]
fn rows_come_out_before_the_input_ends() {
    streamed("1");
    streamed("2");
}

#[test]
fn no_rows_give_the_columns() {
    let mut program = Program(
        Command::new(env!("CARGO_BIN_EXE_marsad"))
            .args(["predict", "-", "--from", "arrow", "--to", "arrow"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let input = program.0.stdin.take().unwrap();
    let mut writer = StreamWriter::try_new(input, &schema()).unwrap();
    writer.finish().unwrap();
    drop(writer);
    let output = BufReader::new(program.0.stdout.take().unwrap());
    let reader = StreamReader::try_new(output, None).unwrap();
    assert!(reader.schema().field_with_name("labels").is_ok());
    assert_eq!(reader.count(), 0);
    assert!(program.0.wait().unwrap().success());
}
