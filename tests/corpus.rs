//! The bundled data are what `data/README.md` says of them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use marsad::corpus::{Corpus, CorpusReader, KeptFields, read_bundled};
use marsad::text::Normalizer;

/// Two sentences that share more of their character 5-grams are near-duplicates.
const MOST_ALIKE: f64 = 0.5;
const GRAM: usize = 5;

const LABELS: [&str; 6] = [
    "airstrike",
    "shelling",
    "clash",
    "execution",
    "capture.territory",
    "capture.person",
];

fn bundled() -> Corpus {
    read_bundled(&CorpusReader::default()).unwrap()
}

fn in_data(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data")
        .join(path)
}

fn challenge() -> Corpus {
    let reader = CorpusReader::default().keeping(KeptFields::Named(vec!["kind".into()]));
    reader
        .read(&[in_data("challenge/minimal-pairs.jsonl")])
        .unwrap()
}

/// Fingerprints of the distinct character 5-grams of a normalised sentence without its signs,
/// ascending.
fn grams(normalizer: &Normalizer, text: &str) -> Vec<u64> {
    let text = normalizer.normalize(text);
    let words: Vec<&str> = text
        .text()
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let letters: Vec<char> = words.join(" ").chars().collect();
    let fingerprint = |gram: &[char]| {
        let mut hasher = DefaultHasher::new();
        gram.hash(&mut hasher);
        hasher.finish()
    };
    let mut grams: Vec<u64> = match letters.len() {
        0..=GRAM => vec![fingerprint(&letters)],
        _ => letters.windows(GRAM).map(fingerprint).collect(),
    };
    grams.sort_unstable();
    grams.dedup();
    grams
}

/// Pairs of sentences that share more than half of their grams. Two such sentences share one of
/// the rarer half of each one's grams, so only those are looked up.
fn near_duplicates(texts: &[&str]) -> Vec<(usize, usize)> {
    let normalizer = Normalizer::default();
    let sets: Vec<Vec<u64>> = texts.iter().map(|text| grams(&normalizer, text)).collect();
    let mut frequency: HashMap<u64, usize> = HashMap::new();
    for &gram in sets.iter().flatten() {
        *frequency.entry(gram).or_insert(0) += 1;
    }
    let mut holders: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut found = Vec::new();
    for (number, set) in sets.iter().enumerate() {
        let mut rarest = set.clone();
        rarest.sort_by_key(|gram| (frequency[gram], *gram));
        rarest.truncate(set.len() - (MOST_ALIKE * set.len() as f64).ceil() as usize + 1);
        let alike: BTreeSet<usize> = rarest
            .iter()
            .filter_map(|gram| holders.get(gram))
            .flatten()
            .copied()
            .collect();
        for other in alike {
            let shared = shared(set, &sets[other]);
            let union = set.len() + sets[other].len() - shared;
            if shared as f64 > MOST_ALIKE * union as f64 {
                found.push((other, number));
            }
        }
        for gram in rarest {
            holders.entry(gram).or_default().push(number);
        }
    }
    found
}

/// How many numbers two ascending lists share.
fn shared(a: &[u64], b: &[u64]) -> usize {
    let (mut left, mut right, mut shared) = (0, 0, 0);
    while left < a.len() && right < b.len() {
        match a[left].cmp(&b[right]) {
            Ordering::Less => left += 1,
            Ordering::Greater => right += 1,
            Ordering::Equal => {
                (left, right, shared) = (left + 1, right + 1, shared + 1);
            }
        }
    }
    shared
}

#[test]
fn no_two_sentences_are_near_duplicates_and_none_is_in_the_challenge_set() {
    let (corpus, challenge) = (bundled(), challenge());
    let records = corpus.records().iter().chain(challenge.records());
    let records: Vec<_> = records.collect();
    let texts: Vec<&str> = records.iter().map(|record| record.text.as_str()).collect();
    let pairs: Vec<_> = near_duplicates(&texts)
        .into_iter()
        // Minimal pairs are alike on purpose.
        .filter(|&(first, second)| records[first].doc != records[second].doc)
        .map(|(first, second)| (&records[first].id, &records[second].id))
        .collect();
    assert!(pairs.is_empty(), "{pairs:?}");
}

#[test]
fn near_duplicates_are_found() {
    let sentence = "قصفت المدفعية أطراف البلدة فجر اليوم وسقط عدد من الجرحى بين المدنيين";
    let alike = "قصفت المدفعيه اطراف البلده فجر اليوم، وسقط عدد من الجرحى بين السكان";
    let other = "استعادت القوات الحكومية السيطرة على المطار بعد انسحاب المسلحين منه";
    assert_eq!(near_duplicates(&[sentence, other, alike]), [(0, 2)]);
}

#[test]
fn the_corpus_is_as_large_as_it_says() {
    let corpus = bundled();
    let counts = corpus.label_counts();
    assert!(
        corpus.records().len() >= 14_000,
        "{}",
        corpus.records().len()
    );
    assert!(corpus.documents() >= 1_600, "{}", corpus.documents());
    for label in LABELS {
        assert!(counts[label] >= 1_200, "{label}: {}", counts[label]);
    }
    let none = counts[""] as f64 / corpus.records().len() as f64;
    assert!((0.49..0.52).contains(&none), "{none}");
}

#[test]
fn challenge_pairs_differ_in_their_labels() {
    let challenge = challenge();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut pairs: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for record in challenge.records() {
        *kinds.entry(record.field("kind").unwrap()).or_insert(0) += 1;
        pairs.entry(&record.doc).or_default().push(&record.labels);
    }
    assert_eq!(kinds.len(), 12);
    assert!(
        kinds.values().all(|&sentences| sentences >= 60),
        "{kinds:?}"
    );
    for (doc, labels) in pairs {
        let distinct: BTreeSet<_> = labels.iter().collect();
        assert!(
            (2..=3).contains(&labels.len()) && distinct.len() >= 2,
            "{doc}"
        );
    }
}

/// Krippendorff's alpha for two readers, no value missing and two values (Hayes and Krippendorff,
/// Communication Methods and Measures 1, 2007).
fn alpha(readings: &[(bool, bool)]) -> f64 {
    let values = 2.0 * readings.len() as f64;
    let held = readings
        .iter()
        .map(|&(a, b)| f64::from(u8::from(a) + u8::from(b)))
        .sum::<f64>();
    let differ = readings.iter().filter(|(a, b)| a != b).count() as f64;
    let expected = 2.0 * held * (values - held) / (values * (values - 1.0));
    1.0 - differ / readings.len() as f64 / expected
}

#[test]
fn second_readings_agree_as_the_datasheet_says() {
    let table = std::fs::read_to_string(in_data("second-reading/labels.tsv")).unwrap();
    let datasheet = std::fs::read_to_string(in_data("README.md")).unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(1)
        .map(|l| l.split('\t').collect())
        .collect();
    let holds = |cell: &str, label: &str| cell.split('|').any(|name| name == label);
    for label in LABELS {
        let readings: Vec<(bool, bool)> = rows
            .iter()
            .map(|row| (holds(row[1], label), holds(row[2], label)))
            .collect();
        let differ = readings.iter().filter(|(a, b)| a != b).count();
        let figure = format!("{:.3}", alpha(&readings));
        let line = format!(
            "| {label} | {} | {differ} |",
            figure.trim_start_matches('0')
        );
        assert!(datasheet.contains(&line), "the datasheet lacks {line:?}");
    }
    // Every sentence of the corpus was read twice and has the settled labels.
    let settled: HashMap<&str, &str> = rows.iter().map(|row| (row[0], row[3])).collect();
    for record in bundled().records() {
        let labels: Vec<&str> = record.labels.iter().map(String::as_str).collect();
        let labels = match labels.is_empty() {
            true => "none".to_owned(),
            false => labels.join("|"),
        };
        assert_eq!(
            settled.get(record.id.as_str()),
            Some(&labels.as_str()),
            "{}",
            record.id
        );
    }
}
