//! Constants, nulls, labels from columns, and models that are only described.

use arrow::array::{NullArray, UInt8Array};

use super::*;

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
