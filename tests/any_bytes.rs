//! Whatever stands in a file, readers give rows or an error and never panic, and no input row is
//! lost on its way through prediction.

mod support;

use marsad::corpus::CorpusReader;
use marsad::predict::{
    Input, InputFields, InputFormat, Labeller, Predictor, Split, UnitCursor, Workspace,
};
use proptest::prelude::*;
use support::Folder;

/// Bytes in which the signs of the formats are frequent.
fn file_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"text,labels\n".to_vec()),
        Just(
            "{\"text\":\"غارة\",\"labels\":[\"x\"]}\n"
                .as_bytes()
                .to_vec()
        ),
        Just("\u{FEFF}".as_bytes().to_vec()),
        Just("غارة. قصف؟ ".as_bytes().to_vec()),
        proptest::sample::select(b"\",;|\t\r\n{}[]:0 1x\\".to_vec()).prop_map(|byte| vec![byte]),
        any::<u8>().prop_map(|byte| vec![byte]),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn corpora_read_or_are_refused(bytes in file_bytes()) {
        let folder = Folder::new();
        for name in ["c.jsonl", "c.csv", "c.tsv", "c.gz", "c.zst", "c"] {
            let path = folder.write(name, &bytes);
            if let Ok(corpus) = CorpusReader::default().read(&[path]) {
                prop_assert!(!corpus.records().is_empty());
            }
        }
    }

    #[test]
    fn every_unit_has_its_row(bytes in file_bytes()) {
        let folder = Folder::new();
        let predictor = Predictor::new(marsad::built_in_model().unwrap());
        let path = folder.write("in", &bytes);
        for format in [InputFormat::Text, InputFormat::Jsonl, InputFormat::Csv, InputFormat::Tsv] {
            let Ok(mut input) = Input::open(&path, format, &InputFields::default(), 1) else {
                continue;
            };
            let mut workspace = Workspace::default();
            let whole = Labeller::new(&predictor, Split::No);
            let splitting = Labeller::new(&predictor, Split::Yes);
            loop {
                let batch = match input.next_batch() {
                    Ok(Some(batch)) => batch,
                    Ok(None) => break,
                    Err(error) => {
                        // What is no list of JSON after all cannot be read any further.
                        prop_assert!(format == InputFormat::Jsonl && bytes.contains(&b'['), "{error}");
                        break;
                    }
                };
                for unit in batch.units() {
                    let mut cursor = UnitCursor::default();
                    let row = whole.next_row(&unit, &mut cursor, &mut workspace).unwrap();
                    prop_assert_eq!(row.outcome.is_ok(), unit.text.is_ok());
                    prop_assert!(whole.next_row(&unit, &mut cursor, &mut workspace).is_none());
                    let mut cursor = UnitCursor::default();
                    let mut end = 0;
                    while let Some(row) = splitting.next_row(&unit, &mut cursor, &mut workspace) {
                        let Ok(labelled) = row.outcome else { continue };
                        let text = unit.text.as_ref().unwrap();
                        let span = labelled.span.start - unit.offset..labelled.span.end - unit.offset;
                        prop_assert!(text[end..span.start].trim().is_empty());
                        prop_assert_eq!(&text[span.clone()], labelled.text);
                        end = span.end;
                    }
                    prop_assert!(unit.text.is_err() || unit.text.as_ref().unwrap()[end..].trim().is_empty());
                }
            }
        }
    }
}
