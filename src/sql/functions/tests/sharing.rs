//! What is labelled once, and by whom.

use arrow::array::BooleanArray;
use arrow::compute::filter;

use super::*;

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
    // Strings that rows share are labelled once.
    let kind = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
    let other = strings(&[Some("سوق"), Some("غارات"), None, Some("غارات")]);
    let shared = arrow::compute::cast(&other, &kind).unwrap();
    call("event_labels", &model, vec![ColumnarValue::Array(shared)]).unwrap();
    assert_eq!(model.texts_labelled(), 5);
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
fn rows_that_pass_a_condition_are_not_labelled_again() {
    let model = new_model();
    let whole = [
        Some("غارات"),
        None,
        Some(""),
        Some("اشتباكات"),
        Some("غارات"),
        Some("سوق"),
    ];
    for texts in all_ways(&whole.map(|text| text.map(str::to_owned))) {
        for passed in [[true; 6], [false, true, true, false, true, false]] {
            let labelled = |texts: &ArrayRef| {
                let before = model.texts_labelled();
                let given = vec![ColumnarValue::Array(texts.clone())];
                let found = call("event_evidence", &model, given).unwrap();
                let found = found.into_array(texts.len()).unwrap();
                assert_eq!(found.to_data(), array("event_evidence", texts).to_data());
                model.texts_labelled() - before
            };
            assert_eq!(labelled(&strings(&[Some("حصار")])), 1);
            assert!(labelled(&texts) >= 4);
            let passed = filter(&texts, &BooleanArray::from(passed.to_vec())).unwrap();
            assert_eq!(labelled(&passed), 0, "{:?}", texts.data_type());
        }
    }
}

#[test]
fn rows_in_another_order_are_labelled_anew() {
    let model = new_model();
    let label = |texts: &[Option<&str>]| {
        let before = model.texts_labelled();
        let texts = strings(texts);
        let found = call(
            "event_labels",
            &model,
            vec![ColumnarValue::Array(texts.clone())],
        );
        let found = found.unwrap().into_array(texts.len()).unwrap();
        assert_eq!(found.to_data(), array("event_labels", &texts).to_data());
        model.texts_labelled() - before
    };
    assert_eq!(label(&[Some("غارات"), Some("سوق"), Some("اشتباكات")]), 3);
    assert_eq!(label(&[Some("سوق"), Some("غارات"), Some("اشتباكات")]), 2);
    assert_eq!(
        label(&[Some("حصار"), Some("سوق"), None, Some("اشتباكات")]),
        3
    );
    assert_eq!(label(&[Some("سوق"), None, Some("اشتباكات")]), 0);
}

#[test]
fn large_arrays_are_let_go() {
    let texts = strings(&[Some("غارات"), Some(&" ".repeat(1 << 25))]);
    for (large, texts) in [
        (true, texts.slice(0, 1)),
        (false, strings(&[Some("غارات")])),
    ] {
        let model = new_model();
        let given = vec![ColumnarValue::Array(texts.clone())];
        call("event_labels", &model, given).unwrap();
        assert_eq!(Arc::strong_count(&texts), if large { 1 } else { 2 });
    }
}
