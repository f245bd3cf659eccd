//! The model file under damage: never a panic, never a wrong model.

mod support;

use std::path::Path;

use marsad::model::Model;
use marsad::predict::{Predictor, Scratch};
use proptest::prelude::*;
use support::{Folder, small_corpus};

fn small_model() -> Vec<u8> {
    let folder = Folder::new();
    folder.write("c.jsonl", small_corpus());
    folder.marsad(&["train", "c.jsonl", "-o", "m"]).done();
    std::fs::read(folder.path("m")).unwrap()
}

fn load(bytes: &[u8]) -> marsad::Result<Model> {
    Model::from_bytes(bytes, Path::new("model"))
}

#[test]
fn bytes_survive_a_round_trip() {
    let bytes = small_model();
    let model = load(&bytes).unwrap();
    assert!(model.to_bytes().unwrap() == bytes);
    let predictor = Predictor::new(model);
    let mut scratch = Scratch::default();
    let prediction = predictor.predict("شنت طائرات غارات", &mut scratch);
    assert_eq!(predictor.header().labels, ["air", "fire.gun"]);
    assert_eq!(prediction.holds, [true, false]);
}

#[test]
fn every_single_damaged_byte_and_every_cut_is_noticed() {
    let bytes = small_model();
    assert!(load(&bytes).is_ok());
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize + 8;
    // Every byte of the header and a sample of the arrays.
    let places = (0..header).chain((header..bytes.len()).step_by(97));
    for place in places {
        for mask in [1, 0x20, 0xFF] {
            let mut damaged = bytes.clone();
            damaged[place] ^= mask;
            assert!(load(&damaged).is_err(), "byte {place} of {}", bytes.len());
        }
    }
    for length in (0..bytes.len()).step_by(211) {
        assert!(load(&bytes[..length]).is_err(), "cut at {length}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(load(&longer).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(load(&bytes).is_err());
    }

    #[test]
    fn any_safetensors_header_is_refused_without_a_panic(json in "\\PC{0,200}") {
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend(json.bytes());
        prop_assert!(load(&bytes).is_err());
    }
}
