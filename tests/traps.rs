//! The traps of the annotation rules, each beside a twin in which the event is real, with the
//! model that ships. Sentences of this list that it does not get right are in `models/README.md`.

use marsad::predict::{Predictor, Scratch};

const SENTENCES: &[(&str, &[&str])] = &[
    (
        "عاد الأهالي إلى بلدة الغارية الغربية بعد انتهاء موسم الحصاد",
        &[],
    ),
    (
        "شنت الطائرات غارات على بلدة الغارية الغربية وأوقعت قتلى",
        &["airstrike"],
    ),
    ("ازداد الفقر في صفوف الأسر النازحة مع ارتفاع الأسعار", &[]),
    (
        "أسرت الفصائل ثلاثة جنود خلال المعركة",
        &["capture.person", "clash"],
    ),
    ("فر ثلاثة من الأسر بعد عامين", &[]),
    ("اجتمع الموظفون في مقصف المدرسة لتناول الغداء", &[]),
    ("سقطت قذائف هاون على الأحياء السكنية", &["shelling"]),
    ("حذرت المنظمة من انعدام الأمن الغذائي في المخيمات", &[]),
    (
        "أعدم التنظيم خمسة أسرى رمياً بالرصاص في ساحة المدينة",
        &["execution"],
    ),
    ("أصدرت المحكمة حكماً بالإعدام على ثلاثة متهمين", &[]),
    ("وجه المنتخب ضربة جزاء في الدقيقة الأخيرة من المباراة", &[]),
    ("ألقت المروحية براميل متفجرة على الحي", &["airstrike"]),
    ("أعلن رئيس التحرير صدور العدد الجديد من المجلة", &[]),
    ("قالت هيئة تحرير الشام إنها ترفض الاتفاق", &[]),
    (
        "سيطرت القوات الحكومية على البلدة بعد انسحاب المسلحين",
        &["capture.territory"],
    ),
    ("أطلقت الفصائل سراح عشرين أسيراً في صفقة تبادل", &[]),
    ("اختطف مسلحون مهندساً على الطريق العام", &["capture.person"]),
    ("هدد القائد بقصف العاصمة إذا استمر الحصار", &[]),
    (
        "اعتقلت قوات الأمن ناشطين من منازلهم فجراً",
        &["capture.person"],
    ),
    ("شهدت الانتخابات معركة حامية بين المرشحين", &[]),
    ("أجرت كوريا تجربة صاروخية جديدة في البحر", &[]),
    ("ناقش الوزيران نشر الدرع الصاروخية في أوروبا", &[]),
    ("انفجرت سيارة مفخخة في السوق وقتلت خمسة", &[]),
    ("حلقت طائرات استطلاع فوق المدينة دون أن تنفذ أي غارة", &[]),
    ("ألقت الشرطة القبض على لصوص سرقوا محلاً للهواتف", &[]),
];

#[test]
fn traps_do_not_fool_the_model() {
    let predictor = Predictor::new(marsad::built_in_model().unwrap());
    let mut scratch = Scratch::default();
    for (sentence, expected) in SENTENCES {
        let held = &predictor.predict(sentence, &mut scratch).holds;
        let labels: Vec<&str> = predictor
            .header()
            .labels
            .iter()
            .zip(held)
            .filter(|(_, held)| **held)
            .map(|(label, _)| label.as_str())
            .collect();
        assert_eq!(&labels, expected, "{sentence}");
    }
}

/// Outlets' spellings of one sentence, and words broken up to dodge filters.
#[test]
fn every_spelling_gives_the_same_scores() {
    let predictor = Predictor::new(marsad::built_in_model().unwrap());
    let mut scratch = Scratch::default();
    let expected = predictor
        .predict("أغارت الطائرات على قرية في إدلب", &mut scratch)
        .clone();
    assert!(expected.holds.contains(&true));
    for spelling in [
        "اغارت الطائرات على قرية فى ادلب",
        "أَغَارَتِ الطَّائِراتُ عَلَى قَرْيَةٍ فِي إِدْلِب",
        "أغــارت الطائــرات على قريه في إدلب",
        "أغارت الطائرات علی قریة فی إدلب",
        "أغـ.ـارت الطائر*ات\u{00A0}على قرية في إدلب",
    ] {
        let found = predictor.predict(spelling, &mut scratch);
        assert_eq!(
            (&found.probabilities, &found.holds),
            (&expected.probabilities, &expected.holds),
            "{spelling}"
        );
    }
}
