//! Whatever stands in a file, readers give rows or an error and never panic, and no input row is
//! lost on its way through prediction.

mod support;

use marsad::corpus::CorpusReader;
use marsad::predict::{InputFields, InputFormat, Labeller, Predictor, Split, Units};
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
            let Ok(units) = Units::open(&path, format, &InputFields::default()) else {
                continue;
            };
            let units: Vec<_> = units.map(Result::unwrap).collect();
            let rows = Labeller::new(&predictor, Split::No).label(&units);
            let row_ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
            let unit_ids: Vec<&str> = units.iter().map(|unit| unit.id.as_str()).collect();
            prop_assert_eq!(row_ids, unit_ids);
            let split = Labeller::new(&predictor, Split::Yes).label(&units);
            for row in split {
                let Ok(labelled) = row.outcome else { continue };
                let unit = units.iter().find(|unit| unit.line == row.line && unit.id == row.id);
                let unit = unit.unwrap();
                let text = unit.text.as_ref().unwrap();
                let span = labelled.span.start - unit.offset..labelled.span.end - unit.offset;
                prop_assert_eq!(&text[span], &labelled.text);
            }
        }
    }
}
