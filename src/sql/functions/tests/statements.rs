//! The functions in statements.

use arrow::array::{BinaryArray, Date32Array, Int64Array, ListArray, RecordBatch};
use arrow::datatypes::{Int32Type, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::*;

const TEXTS: [Option<&str>; 6] = [
    Some("شنت طائرات حربية غارات على أطراف المدينة. ودارت اشتباكات عنيفة في البلدة!"),
    None,
    Some("زار الوزير السوق"),
    Some(""),
    Some("دارت اشتباكات عنيفة بين الفصيلين في أطراف البلدة"),
    Some("سيطرت القوات على البلدة"),
];

/// A session with a table `news` of several partitions.
fn session(model: &Arc<EventModel>) -> SessionContext {
    let config = SessionConfig::new()
        .with_information_schema(true)
        .with_target_partitions(3);
    let context = SessionContext::new_with_config(config);
    for name in FUNCTIONS {
        context.register_udf(event_function(name, model).unwrap());
    }
    let rows = TEXTS.len() as i64;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(0..rows))),
        ("text", strings(&TEXTS)),
        (
            "day",
            Arc::new(Date32Array::from(vec![19_000; TEXTS.len()])),
        ),
        (
            "bytes",
            Arc::new(BinaryArray::from_vec(vec![b"x"; TEXTS.len()])),
        ),
        (
            "words",
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(
                (0..rows).map(|_| Some([Some(1)])),
            )),
        ),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let schema = Arc::new(Schema::new(batch.schema().fields().clone()));
    let parts = (0..3).map(|part| vec![batch.slice(part * 2, 2)]).collect();
    let table = MemTable::try_new(schema, parts).unwrap();
    context.register_table("news", Arc::new(table)).unwrap();
    context
}

fn run(context: &SessionContext, statement: &str) -> Result<Vec<Vec<String>>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let batches = runtime.block_on(async { context.sql(statement).await?.collect().await })?;
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in &batches {
        let columns: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            rows.push(
                columns
                    .iter()
                    .map(|column| column.value(row).to_string())
                    .collect(),
            );
        }
    }
    Ok(rows)
}

fn refused(statement: &str) -> String {
    run(&session(&MODEL), statement)
        .unwrap_err()
        .strip_backtrace()
}

#[test]
fn several_functions_on_a_column_label_it_once() {
    let model = new_model();
    let context = session(&model);
    let first = &MODEL.labels()[0];
    let statement = format!(
        "SELECT id, event_labels(text), event_scores(text), event_evidence(text), \
         event_holds(text, '{first}'), event_score(text, '{first}'), event_scores(text)['{first}'] \
         FROM news ORDER BY id"
    );
    let rows = run(&context, &statement).unwrap();
    assert_eq!(rows.len(), 6);
    assert!(rows[1][1..].iter().all(|cell| cell == "NULL"), "{rows:?}");
    assert!(rows.iter().all(|row| row[5] == row[6]), "{rows:?}");
    assert_eq!(model.texts_labelled(), 5);
}

#[test]
fn sentences_stand_in_rows_of_their_own() {
    let statement = "SELECT id, s['text'], s['start'], s['end'] \
        FROM (SELECT id, unnest(event_sentences(text)) AS s FROM news) ORDER BY 1, 3";
    let rows = run(&session(&MODEL), statement).unwrap();
    let ids: Vec<&str> = rows.iter().map(|row| &*row[0]).collect();
    assert_eq!(
        ids,
        ["0", "0", "2", "3", "4", "5"],
        "null has no sentence, an empty text has one"
    );
    assert_eq!(rows[0][1], "شنت طائرات حربية غارات على أطراف المدينة.");
    assert_eq!(rows[1][1], "ودارت اشتباكات عنيفة في البلدة!");
    assert_eq!(rows[1][2..], ["76", "133"]);
    assert_eq!(rows[3][1..], ["", "0", "0"]);
}

#[test]
fn constants_are_folded_when_planned() {
    let statement = "EXPLAIN SELECT event_labels('غارات على المدينة') = event_labels(NULL), \
        marsad_model() FROM news";
    let plan = run(&session(&MODEL), statement)
        .unwrap()
        .concat()
        .join("\n");
    assert!(plan.contains("Boolean(NULL) AS event_labels("), "{plan}");
    assert!(
        plan.contains(&format!("Utf8(\"{}\") AS", MODEL.digest())),
        "{plan}"
    );
}

#[test]
fn other_types_are_refused_when_planned_with_advice() {
    for (argument, words) in [
        (
            "id",
            "event_labels takes text, but id is of type Int64; write CAST(id AS VARCHAR)",
        ),
        ("day", "day is of type Date32; write CAST(day AS VARCHAR)"),
        (
            "bytes",
            "bytes is of type Binary; write CAST(bytes AS VARCHAR)",
        ),
        ("words", "; give one element of it, as in words[1]"),
        ("event_scores(text)", "give one field of it"),
        ("5", "but 5 is of type Int64; write CAST(5 AS VARCHAR)"),
        ("true", "but true is of type Boolean"),
    ] {
        let error = refused(&format!(
            "EXPLAIN SELECT event_labels({argument}) FROM news"
        ));
        assert!(error.contains(words), "{error}");
        assert!(
            !error.contains("Candidate functions") && !error.contains('\n'),
            "{error}"
        );
    }
    let cast = "SELECT event_labels(CAST(id AS VARCHAR)) FROM news";
    assert_eq!(run(&session(&MODEL), cast).unwrap().len(), 6);
}

#[test]
fn wrong_numbers_of_arguments_are_refused() {
    for (call, words) in [
        (
            "event_labels()",
            "event_labels was given 0 arguments; write event_labels(text)",
        ),
        ("event_labels(text, text)", "was given 2 arguments"),
        (
            "event_score(text)",
            "was given 1 argument; write event_score(text, label)",
        ),
        (
            "marsad_model(text)",
            "was given 1 argument; write marsad_model()",
        ),
    ] {
        let error = refused(&format!("SELECT {call} FROM news"));
        assert!(error.contains(words) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn labels_that_are_not_known_are_refused_when_planned() {
    for name in ["event_score", "event_holds"] {
        let error = refused(&format!("EXPLAIN SELECT {name}(text, 'klash') FROM news"));
        let words = format!("{name}: the model does not know the label \"klash\"; it knows ");
        assert!(error.contains(&words), "{error}");
        assert!(
            MODEL.labels().iter().all(|label| error.contains(label)),
            "{error}"
        );
        let error = refused(&format!("EXPLAIN SELECT {name}(text, 1) FROM news"));
        assert!(
            error.contains(&format!("{name} takes text, but 1 is of type Int64")),
            "{error}"
        );
    }
    let null = "SELECT event_score(text, NULL), event_holds(text, NULL) FROM news";
    let rows = run(&session(&MODEL), null).unwrap();
    assert!(rows.iter().flatten().all(|cell| cell == "NULL"), "{rows:?}");
    let named = format!(
        "SELECT event_score(label => '{}', text => text) FROM news",
        MODEL.labels()[0]
    );
    assert_eq!(run(&session(&MODEL), &named).unwrap().len(), 6);
}

#[test]
fn every_example_of_the_documentation_runs() {
    let context = session(&MODEL);
    for name in FUNCTIONS {
        let function = event_function(name, &MODEL).unwrap();
        let documentation = function.documentation().unwrap();
        let example = documentation.sql_example.as_deref().unwrap();
        let statement = example
            .trim_start_matches("```sql\n")
            .trim_end_matches("\n```");
        assert!(statement.contains(name), "{statement}");
        run(&context, statement).unwrap();
    }
}

#[test]
fn functions_are_listed_with_what_they_give() {
    let rows = run(&session(&MODEL), "SHOW FUNCTIONS LIKE 'event_%'").unwrap();
    let shown = |name: &str| rows.iter().find(|row| row[0] == name).unwrap();
    assert!(
        shown("event_labels")
            .iter()
            .any(|cell| cell == "event_labels(text)"),
        "{rows:?}"
    );
    assert!(
        shown("event_holds")
            .iter()
            .any(|cell| cell == "[text, label]"),
        "{rows:?}"
    );
    assert_eq!(rows.len(), 6, "{rows:?}");
}
