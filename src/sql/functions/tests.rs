//! Each function against the labeller itself, for all ways in which arrays hold texts.

mod statements;

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, LargeStringArray, NullArray,
    StringArray, StringViewArray, UInt8Array,
};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs};
use proptest::prelude::*;

use super::*;
use crate::predict::{Labeller, Split, Unit, UnitCursor, Workspace};

static MODEL: LazyLock<Arc<EventModel>> = LazyLock::new(new_model);

fn new_model() -> Arc<EventModel> {
    Arc::new(EventModel::new(crate::built_in_model().unwrap()))
}

/// What a function gives, checked to be of the type that was promised.
fn call(name: &str, model: &Arc<EventModel>, given: Vec<ColumnarValue>) -> Result<ColumnarValue> {
    let function = event_function(name, model).unwrap();
    let constants: Vec<Option<&ScalarValue>> = given
        .iter()
        .map(|value| match value {
            ColumnarValue::Scalar(value) => Some(value),
            ColumnarValue::Array(_) => None,
        })
        .collect();
    let fields = given.iter().enumerate();
    let fields: Vec<FieldRef> = fields
        .map(|(place, value)| Arc::new(Field::new(format!("c{place}"), value.data_type(), true)))
        .collect();
    let return_field = function.return_field_from_args(ReturnFieldArgs {
        arg_fields: &fields,
        scalar_arguments: &constants,
    })?;
    let rows = given.iter().find_map(|value| match value {
        ColumnarValue::Array(array) => Some(array.len()),
        ColumnarValue::Scalar(_) => None,
    });
    let found = function.invoke_with_args(ScalarFunctionArgs {
        args: given,
        arg_fields: fields,
        number_rows: rows.unwrap_or(1),
        return_field: return_field.clone(),
        config_options: Arc::new(ConfigOptions::default()),
    })?;
    assert_eq!(&found.data_type(), return_field.data_type());
    Ok(found)
}

fn array(name: &str, texts: &ArrayRef) -> ArrayRef {
    match call(name, &MODEL, vec![ColumnarValue::Array(texts.clone())]).unwrap() {
        ColumnarValue::Array(found) => found,
        ColumnarValue::Scalar(found) => panic!("{name} gave {found} for an array"),
    }
}

fn strings(texts: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(texts.to_vec()))
}

/// The same texts in all the ways that arrays hold texts, parts of longer arrays among them.
fn all_ways(texts: &[Option<String>]) -> Vec<ArrayRef> {
    let plain: StringArray = texts.iter().cloned().collect();
    let distinct: StringViewArray = texts.iter().flatten().map(Some).collect();
    let keys = texts.iter().scan(0, |next, text| {
        let key = text.is_some().then_some(*next);
        *next += i32::from(text.is_some());
        Some(key)
    });
    let by_views = DictionaryArray::new(keys.collect::<Int32Array>(), Arc::new(distinct));
    let of_strings = |kind: &DataType| {
        let key = Box::new(DataType::UInt16);
        let kind = DataType::Dictionary(key, Box::new(kind.clone()));
        arrow::compute::cast(&plain, &kind).unwrap()
    };
    let around = texts.iter().cloned();
    let before = [Some("قبل".to_owned()), None];
    let longer: StringArray = before.into_iter().chain(around).chain([None]).collect();
    vec![
        Arc::new(longer.slice(2, texts.len())),
        Arc::new(texts.iter().cloned().collect::<LargeStringArray>()),
        Arc::new(texts.iter().cloned().collect::<StringViewArray>()),
        Arc::new(by_views),
        of_strings(&DataType::Utf8),
        of_strings(&DataType::LargeUtf8),
        Arc::new(plain),
    ]
}

fn unit(text: &str) -> Unit<'_> {
    Unit {
        file: "file",
        id: None,
        doc: None,
        line: 1,
        offset: 0,
        text: Ok(Cow::Borrowed(text)),
        paragraph: false,
        kept: Vec::new(),
    }
}

/// Asserts that row `row` of what all functions give is what the labeller says.
fn assert_row(found: &Found, row: usize, text: &str, workspace: &mut Workspace) {
    let labeller = Labeller::new(MODEL.predictor().unwrap(), Split::No);
    let unit = unit(text);
    let labelled = labeller.next_row(&unit, &mut UnitCursor::default(), workspace);
    let labelled = labelled.unwrap().outcome.unwrap();
    let (mut labels, mut evidence) = (Vec::new(), Vec::new());
    for (place, label) in MODEL.labels().iter().enumerate() {
        let score = found.scores.as_struct().column_by_name(label).unwrap();
        let score = score.as_primitive::<Float64Type>().value(row);
        let expected = (labelled.scores[place] * 1e6).round() / 1e6;
        assert_eq!(score.to_bits(), expected.to_bits(), "{label} in {text:?}");
        if labelled.holds[place] {
            labels.push(label.as_str());
        }
        if let Some(span) = &labelled.evidence[place] {
            evidence.push((label.as_str(), span.start as i64, span.end as i64));
        }
    }
    assert_eq!(strings_of(&found.labels, row), labels, "{text:?}");
    assert_eq!(spans_of(&found.evidence, row), evidence, "{text:?}");
    let normalized = MODEL.predictor().unwrap().pipeline().normalizer();
    let normalized = normalized.normalize(text);
    let spelling = found.normalized.as_string::<i32>().value(row);
    assert_eq!(spelling, normalized.text());
}

/// Asserts that the sentences of a row are those that a row of input is split into.
fn assert_sentences(found: &Found, row: usize, text: &str, workspace: &mut Workspace) {
    let labeller = Labeller::new(MODEL.predictor().unwrap(), Split::Yes);
    let (unit, mut cursor) = (unit(text), UnitCursor::default());
    let mut expected = Vec::new();
    while let Some(row) = labeller.next_row(&unit, &mut cursor, workspace) {
        let labelled = row.outcome.unwrap();
        let span = (labelled.span.start as i64, labelled.span.end as i64);
        expected.push((labelled.text.to_owned(), span.0, span.1));
    }
    let sentences = spans_of(&found.sentences, row);
    let expected: Vec<_> = expected.iter().map(|(t, s, e)| (&**t, *s, *e)).collect();
    assert_eq!(sentences, expected, "{text:?}");
}

fn strings_of(lists: &ArrayRef, row: usize) -> Vec<String> {
    let items = lists.as_list::<i32>().value(row);
    let items = items.as_string::<i32>().iter();
    items.map(|item| item.unwrap().to_owned()).collect()
}

/// A string, a start and an end from each struct of a list.
fn spans_of(lists: &ArrayRef, row: usize) -> Vec<(&str, i64, i64)> {
    let lists = lists.as_list::<i32>();
    let items = lists.values().as_struct();
    let [start, end] = [row, row + 1].map(|at| lists.value_offsets()[at] as usize);
    let offset = |column: usize, at| items.column(column).as_primitive::<Int64Type>().value(at);
    (start..end)
        .map(|at| {
            let text = items.column(0).as_string::<i32>().value(at);
            (text, offset(1, at), offset(2, at))
        })
        .collect()
}

/// What the functions that take a text give.
struct Found {
    labels: ArrayRef,
    scores: ArrayRef,
    evidence: ArrayRef,
    sentences: ArrayRef,
    normalized: ArrayRef,
}

impl Found {
    fn of(texts: &ArrayRef) -> Self {
        Self {
            labels: array("event_labels", texts),
            scores: array("event_scores", texts),
            evidence: array("event_evidence", texts),
            sentences: array("event_sentences", texts),
            normalized: array("normalize_arabic", texts),
        }
    }

    fn all(&self) -> [&ArrayRef; 5] {
        [
            &self.labels,
            &self.scores,
            &self.evidence,
            &self.sentences,
            &self.normalized,
        ]
    }
}

fn assert_all(texts: &[Option<String>]) {
    let mut workspace = Workspace::default();
    for given in all_ways(texts) {
        let found = Found::of(&given);
        for (row, text) in texts.iter().enumerate() {
            for column in found.all() {
                assert_eq!(column.len(), texts.len());
                assert_eq!(column.is_null(row), text.is_none(), "{column:?}");
            }
            match text {
                Some(text) => {
                    assert_row(&found, row, text, &mut workspace);
                    assert_sentences(&found, row, text, &mut workspace);
                }
                None => {
                    let scores = found.scores.as_struct().columns();
                    assert!(scores.iter().all(|scores| scores.is_null(row)));
                }
            }
        }
        assert_labels_one_by_one(&given, &found);
    }
}

/// `event_holds` and `event_score` say the same as the functions for all labels.
fn assert_labels_one_by_one(given: &ArrayRef, found: &Found) {
    for label in MODEL.labels() {
        let asked = || {
            vec![
                ColumnarValue::Array(given.clone()),
                ColumnarValue::Scalar(label.as_str().into()),
            ]
        };
        let scores = call("event_score", &MODEL, asked()).unwrap();
        let scores = scores.into_array(given.len()).unwrap();
        let column = found.scores.as_struct().column_by_name(label).unwrap();
        assert_eq!(&scores, column);
        let holds = call("event_holds", &MODEL, asked()).unwrap();
        let holds = holds.into_array(given.len()).unwrap();
        for (row, holds) in holds.as_boolean().iter().enumerate() {
            let listed = (!given.is_null(row)).then(|| strings_of(&found.labels, row));
            let listed = listed.filter(|_| holds.is_some());
            assert_eq!(holds, listed.map(|labels| labels.contains(label)));
        }
    }
}

#[test]
fn nasty_texts_are_labelled_as_rows_are() {
    let nasty = [
        "",
        " ",
        "\n\n \t",
        "\0",
        "قصـــف\u{0640}\u{0640} المدينة",
        "\u{202b}دارت اشتباكات\u{202c} عنيفة\u{200f} في البلدة",
        "💥💥 غارة 👨‍👩‍👧‍👦 على حلب",
        "Airstrikes hit the town of Dana. Clashes followed!",
        "ﷺ ﻻ ﻗﺼﻒ",
        "شنت طائرات حربية غارات على أطراف المدينة. ودارت اشتباكات عنيفة؟ نعم!\nوسيطرت القوات على البلدة",
        "شنت طائرات حربية غارات على أطراف المدينة. ودارت اشتباكات عنيفة؟ نعم!\nوسيطرت القوات على البلدة",
        "\u{feff}،؛؟.",
        "e\u{301}\u{301}\u{301}",
    ];
    let mut texts: Vec<Option<String>> = nasty.iter().map(|text| Some((*text).into())).collect();
    texts.push(None);
    texts.push(Some("ق".repeat(1 << 12)));
    assert_all(&texts);
    assert_all(&[]);
    assert_all(&[None, None]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_texts_are_labelled_as_rows_are(
        texts in prop::collection::vec(
            prop::option::weighted(0.85, prop::collection::vec(
                "[ابتجحدرسصطعغفقكلمنهوي]{1,6}|قصفت|غارات|اشتباكات|سيطرت|حاصرت|أسر|على|،|\\.|؟|\n|[0-9]{1,3}|\\PC{0,4}| {0,2}",
                0..14,
            ).prop_map(|words| words.join(" "))),
            0..12,
        ),
        repeated in 0usize..4,
    ) {
        let mut texts = texts;
        let again: Vec<_> = texts.iter().take(repeated).cloned().collect();
        texts.extend(again);
        assert_all(&texts);
    }
}

#[test]
fn constants_give_constants() {
    let text = "دارت اشتباكات عنيفة بين الفصيلين في أطراف البلدة";
    let of_array = array("event_labels", &strings(&[Some(text)]));
    for constant in [
        ScalarValue::Utf8(Some(text.into())),
        ScalarValue::LargeUtf8(Some(text.into())),
        ScalarValue::Utf8View(Some(text.into())),
        ScalarValue::Dictionary(Box::new(DataType::Int8), Box::new(text.into())),
    ] {
        let found = call(
            "event_labels",
            &MODEL,
            vec![ColumnarValue::Scalar(constant)],
        );
        let ColumnarValue::Scalar(found) = found.unwrap() else {
            panic!("an array for a constant");
        };
        assert_eq!(found.to_array().unwrap().to_data(), of_array.to_data());
    }
    let digest = call("marsad_model", &MODEL, Vec::new()).unwrap();
    assert!(
        matches!(digest, ColumnarValue::Scalar(ScalarValue::Utf8(Some(digest))) if digest == MODEL.digest())
    );
}

#[test]
fn null_is_null() {
    let typed = ScalarValue::Utf8View(None);
    let nulls: ArrayRef = Arc::new(NullArray::new(3));
    let empty = DictionaryArray::new(
        UInt8Array::from(vec![None, None, None]),
        Arc::new(StringArray::from(Vec::<&str>::new())),
    );
    for name in FUNCTIONS.into_iter().filter(|name| *name != "marsad_model") {
        let two = matches!(name, "event_holds" | "event_score");
        let more = || two.then(|| ColumnarValue::Scalar(MODEL.labels()[0].as_str().into()));
        for null in [ScalarValue::Null, typed.clone()] {
            let given = [ColumnarValue::Scalar(null)].into_iter().chain(more());
            let found = call(name, &MODEL, given.collect()).unwrap();
            assert!(
                matches!(found, ColumnarValue::Scalar(found) if found.is_null()),
                "{name}"
            );
        }
        for nulls in [nulls.clone(), Arc::new(empty.clone())] {
            let given = [ColumnarValue::Array(nulls)].into_iter().chain(more());
            let found = call(name, &MODEL, given.collect()).unwrap();
            let found = found.into_array(3).unwrap();
            assert_eq!((found.len(), found.null_count()), (3, 3), "{name}");
        }
    }
}

#[test]
fn labels_can_come_from_a_column() {
    let texts = ["غارات على المدينة", "زار الوزير السوق", "غارات على المدينة"];
    let texts = strings(&[Some(texts[0]), Some(texts[1]), None, Some(texts[2])]);
    let label = MODEL.labels()[0].as_str();
    let asked = strings(&[
        Some(label),
        None,
        Some(label),
        Some(MODEL.labels()[1].as_str()),
    ]);
    let scores = array("event_scores", &texts);
    let score = |label: usize, row| {
        let column = scores.as_struct().column(label);
        column.as_primitive::<Float64Type>().value(row)
    };
    let given = vec![
        ColumnarValue::Array(texts.clone()),
        ColumnarValue::Array(asked.clone()),
    ];
    let found = call("event_score", &MODEL, given.clone()).unwrap();
    let found = found.into_array(4).unwrap();
    let found: Vec<Option<f64>> = found.as_primitive::<Float64Type>().iter().collect();
    assert_eq!(found, [Some(score(0, 0)), None, None, Some(score(1, 3))]);
    let holds = call("event_holds", &MODEL, given)
        .unwrap()
        .into_array(4)
        .unwrap();
    let nulls: Vec<bool> = holds
        .as_boolean()
        .iter()
        .map(|held| held.is_none())
        .collect();
    assert_eq!(nulls, [false, true, true, false]);

    let one = ColumnarValue::Scalar(texts.as_string::<i32>().value(0).into());
    let found = call(
        "event_score",
        &MODEL,
        vec![one, ColumnarValue::Array(asked)],
    )
    .unwrap();
    let found = found.into_array(4).unwrap();
    let found: Vec<Option<f64>> = found.as_primitive::<Float64Type>().iter().collect();
    assert_eq!(
        found,
        [
            Some(score(0, 0)),
            None,
            Some(score(0, 0)),
            Some(score(1, 0))
        ]
    );

    let unknown = vec![
        ColumnarValue::Array(texts),
        ColumnarValue::Array(strings(&[Some("x"); 4])),
    ];
    let error = call("event_holds", &MODEL, unknown)
        .unwrap_err()
        .to_string();
    assert!(error.contains("does not know the label \"x\""), "{error}");
}

#[test]
fn a_column_is_labelled_once_for_all_functions() {
    let model = new_model();
    let texts = strings(&[Some("غارات"), None, Some("اشتباكات"), Some("غارات")]);
    let given = || vec![ColumnarValue::Array(texts.clone())];
    for name in [
        "event_labels",
        "event_scores",
        "event_evidence",
        "normalize_arabic",
        "event_labels",
    ] {
        call(name, &model, given()).unwrap();
        assert_eq!(model.texts_labelled(), 3, "{name}");
    }
    // Another array with the same strings is another column.
    let again = texts.slice(0, 4);
    call("event_labels", &model, vec![ColumnarValue::Array(again)]).unwrap();
    assert_eq!(model.texts_labelled(), 6);
    // Strings that rows share are labelled once.
    let kind = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
    let shared = arrow::compute::cast(&texts, &kind).unwrap();
    call("event_labels", &model, vec![ColumnarValue::Array(shared)]).unwrap();
    assert_eq!(model.texts_labelled(), 8);
}

#[test]
fn an_array_where_another_lay_is_labelled_anew() {
    let model = new_model();
    for round in 0..200u64 {
        let text = if round % 2 == 0 {
            "غارات على المدينة"
        } else {
            ""
        };
        let texts = strings(&[Some(text)]);
        let found = call("event_labels", &model, vec![ColumnarValue::Array(texts)]).unwrap();
        let found = found.into_array(1).unwrap();
        assert_eq!(strings_of(&found, 0).is_empty(), text.is_empty());
        assert_eq!(model.texts_labelled(), round + 1);
    }
    let labelling = model.labelling().unwrap();
    assert_eq!(labelling.workers_kept(), 1);
}

#[test]
fn threads_do_not_take_each_others_labels() {
    let model = new_model();
    const THREADS: u64 = 4;
    const BATCHES: u64 = 25;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let model = &model;
            scope.spawn(move || {
                for batch in 0..BATCHES {
                    let text = format!("غارات على حي {thread} يوم {batch}");
                    let texts = strings(&[Some(&text), None]);
                    for name in ["event_scores", "event_labels", "event_evidence"] {
                        let given = vec![ColumnarValue::Array(texts.clone())];
                        let found = call(name, model, given).unwrap();
                        let found = found.into_array(2).unwrap();
                        let expected = array(name, &strings(&[Some(&text), None]));
                        assert_eq!(found.to_data(), expected.to_data());
                        std::thread::yield_now();
                    }
                }
            });
        }
    });
    assert_eq!(model.texts_labelled(), THREADS * BATCHES);
    assert!(model.labelling().unwrap().workers_kept() <= THREADS as usize);
}

#[test]
fn a_described_model_plans_and_does_not_run() {
    let described = EventModel::described(MODEL.digest().into(), MODEL.labels().to_vec());
    let described = Arc::new(described);
    for name in FUNCTIONS {
        let [whole, planned] =
            [&*MODEL, &described].map(|model| event_function(name, model).unwrap());
        assert_eq!(whole, planned);
        assert_eq!(planned.name(), name);
        assert_eq!(event_model_of(&planned).unwrap().labels(), MODEL.labels());
        let kind = planned.return_type(&[DataType::Utf8]).unwrap();
        assert_eq!(kind, whole.return_type(&[DataType::Utf8]).unwrap());
    }
    let texts = ColumnarValue::Array(strings(&[Some("غارات")]));
    let error = call("event_scores", &described, vec![texts])
        .unwrap_err()
        .to_string();
    assert!(error.contains("event_scores cannot run here"), "{error}");
    assert!(error.contains(MODEL.digest()), "{error}");
    let digest = call("marsad_model", &described, Vec::new()).unwrap();
    assert_eq!(
        digest.to_string(),
        call("marsad_model", &MODEL, Vec::new())
            .unwrap()
            .to_string()
    );
}

#[test]
fn functions_of_other_models_or_names_differ() {
    let other = EventModel::described("0".repeat(64), MODEL.labels().to_vec());
    let other = event_function("event_labels", &Arc::new(other)).unwrap();
    let one = event_function("event_labels", &MODEL).unwrap();
    assert_ne!(one, other);
    assert_ne!(one, event_function("event_scores", &MODEL).unwrap());
    assert_eq!(one, event_function("event_labels", &MODEL).unwrap());
    assert!(event_function("length", &MODEL).is_none());
    let foreign = datafusion::functions::string::upper();
    assert!(event_model_of(&foreign).is_none());
}
