//! What the functions of SQL cost beside the predictor alone, on a batch of the bundled corpus:
//! `cargo bench --features sql --bench sql_functions`.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, StringArray, StringViewArray};
use arrow::datatypes::{Field, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF};
use divan::Bencher;
use divan::counter::ItemsCount;
use marsad::corpus::{CorpusReader, read_bundled};
use marsad::predict::{Predictor, Scratch};
use marsad::sql::{EventModel, SqlSession};

/// Rows of a batch, as DataFusion makes them unless told otherwise.
const ROWS: usize = 8_192;

static SENTENCES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let corpus = read_bundled(&CorpusReader::default()).expect("the bundled corpus reads");
    let records = corpus.records().iter().cycle().take(ROWS);
    records.map(|record| record.text.clone()).collect()
});

static SESSION: LazyLock<SqlSession> = LazyLock::new(|| {
    let model = marsad::built_in_model().expect("a model");
    SqlSession::new(&Arc::new(EventModel::new(model)), 1)
});

fn main() {
    divan::main();
}

/// A function as a plan calls it.
struct Call {
    function: Arc<ScalarUDF>,
    arguments: Vec<FieldRef>,
    gives: FieldRef,
    options: Arc<ConfigOptions>,
}

impl Call {
    fn new(name: &str, texts: &ArrayRef) -> Self {
        let function = SESSION.context().udf(name).expect("a function");
        let text = Field::new("text", texts.data_type().clone(), true);
        let arguments = vec![Arc::new(text)];
        let gives = function.return_field_from_args(ReturnFieldArgs {
            arg_fields: &arguments,
            scalar_arguments: &[None],
        });
        Self {
            gives: gives.expect("a type"),
            function,
            arguments,
            options: Arc::default(),
        }
    }

    fn run(&self, texts: &ArrayRef) -> ColumnarValue {
        let found = self.function.invoke_with_args(ScalarFunctionArgs {
            args: vec![ColumnarValue::Array(texts.clone())],
            arg_fields: self.arguments.clone(),
            number_rows: texts.len(),
            return_field: self.gives.clone(),
            config_options: self.options.clone(),
        });
        found.expect("texts are labelled")
    }
}

#[divan::bench]
fn predictor_alone(bencher: Bencher) {
    let predictor = Predictor::new(marsad::built_in_model().expect("a model"));
    let mut scratch = Scratch::default();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        for sentence in SENTENCES.iter() {
            predictor.predict(sentence, &mut scratch);
        }
    });
}

/// Functions of one column. It comes forwards and backwards by turns, so that nothing of the column
/// before helps.
fn functions(bencher: Bencher, names: &[&str], column: impl Fn(&[&str]) -> ArrayRef) {
    let mut texts: Vec<&str> = SENTENCES.iter().map(String::as_str).collect();
    let forwards = column(&texts);
    texts.reverse();
    let mut columns = [column(&texts), forwards];
    let calls: Vec<Call> = names
        .iter()
        .map(|name| Call::new(name, &columns[0]))
        .collect();
    let next = || {
        columns.reverse();
        columns[0].slice(0, ROWS)
    };
    bencher
        .counter(ItemsCount::new(ROWS))
        .with_inputs(next)
        .bench_local_values(|texts| {
            calls
                .iter()
                .map(|call| call.run(&texts))
                .collect::<Vec<_>>()
        });
}

fn strings(texts: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(texts))
}

#[divan::bench(args = ["event_labels", "event_scores", "event_evidence", "normalize_arabic", "event_sentences"])]
fn one_function(bencher: Bencher, name: &str) {
    functions(bencher, &[name], strings);
}

#[divan::bench]
fn one_function_on_views(bencher: Bencher) {
    functions(bencher, &["event_labels"], |texts| {
        Arc::new(StringViewArray::from_iter_values(texts))
    });
}

#[divan::bench]
fn three_functions(bencher: Bencher) {
    functions(
        bencher,
        &["event_labels", "event_scores", "event_evidence"],
        strings,
    );
}
