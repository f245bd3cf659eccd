//! What is labelled once, and by whom.

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
