//! `marsad compact`: smaller models that say the same.

mod support;

use marsad::model::Model;
use marsad::scoring::WeightBits;
use support::Folder;

/// The share of bundled sentences that get other labels, in percent, as the program tells it.
fn relabelled(told: &str) -> f64 {
    let (_, rest) = told.split_once("get other labels (").unwrap();
    rest.split_once('%').unwrap().0.parse().unwrap()
}

#[test]
fn four_bits_change_few_labels() {
    let folder = Folder::new();
    let told = folder
        .marsad(&["compact", "-o", "four", "--bits", "4"])
        .done()
        .out;
    assert!(relabelled(&told) < 1.5, "{told}");
    let built_in = marsad::built_in_model().unwrap();
    let model = Model::load(&folder.path("four")).unwrap();
    assert_eq!(model.weight_bits(), WeightBits::Four);
    assert_eq!(model.vocabulary().len(), built_in.vocabulary().len());
    assert_eq!(model.header().thresholds, built_in.header().thresholds);
}

#[test]
fn a_size_is_kept_and_the_model_still_tells_events() {
    let folder = Folder::new();
    let told = folder
        .marsad(&["compact", "-o", "small", "--size", "1MB"])
        .done()
        .out;
    assert!(std::fs::metadata(folder.path("small")).unwrap().len() <= 1_000_000);
    assert!(relabelled(&told) < 5.0, "{told}");
    let again = folder.marsad(&["compact", "-o", "again", "--size", "1MB", "--threads", "1"]);
    again.done();
    let [first, second] = ["small", "again"].map(|name| std::fs::read(folder.path(name)).unwrap());
    assert!(first == second, "another model with one thread");
    folder.write("news.txt", "شنت طائرات حربية غارات على أطراف المدينة.\n");
    let rows = folder
        .marsad(&["predict", "news.txt", "-m", "small", "--to", "csv"])
        .done()
        .out;
    assert!(rows.contains("airstrike"), "{rows}");
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    let folder = Folder::new();
    folder
        .marsad(&["compact", "-o", "m", "--size", "1kB"])
        .refused(&["size", "small"]);
    assert!(!folder.path("m").exists());
    folder
        .marsad(&["compact", "none", "-o", "m"])
        .refused(&["none"]);
    folder.write("m", "not a model");
    folder
        .marsad(&["compact", "m", "-o", "n"])
        .refused(&["not a usable model"]);
    folder.marsad(&["compact", "m", "-o", "m"]).refused(&["m"]);
}
