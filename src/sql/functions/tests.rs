//! Each function against the labeller itself, for all ways in which arrays hold texts.

mod arguments;
mod sharing;
mod statements;

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, LargeStringArray, StringArray,
    StringViewArray,
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
