//! Models as safetensors files: written whole or not at all, checked byte by byte when read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::header::{FORMAT_VERSION, Header, TextVersions};
use super::heads::ModelHeads;
use super::packed::{
    pack_ascending, pack_bigrams, pack_small, pack_strings, unpack_ascending, unpack_bigrams,
    unpack_strings, unpack_values,
};
use super::tensors::{Checked, StoredTensor, divide, ends, numbers, packed};
use super::{Model, map};
use crate::corpus::hex;
use crate::error::{Error, Result};
use crate::evaluate::is_curve;
use crate::features::{Alphabet, ROLES, Subwords, Vocabulary, split_bigram};
use crate::output_file::OutputFile;
use crate::scoring::{Calibration, Forest, LabelMode, Node, WeightBits, Weights};
use sha2::{Digest, Sha256};

/// The one entry of the file's metadata: several would be written in the order of a hash map.
const HEADER_KEY: &str = "marsad";
const CHECKSUM_DIGITS: usize = 64;
const CHECKSUM_FIELD: &[u8] = b"\\\"checksum\\\":\\\"";
/// Half of the longest window that can be trained; sums over places must not overflow.
const LONGEST_RADIUS: usize = 500;
/// Numbers of a model are smaller, so that no product of them is infinite.
const LARGEST: f64 = 1e9;
/// Marks a leaf where a split has its feature.
const LEAF: u32 = u32::MAX;

impl Model {
    /// Writes the model to a file, under another name first, so that no half-written model is seen.
    ///
    /// # Errors
    /// When the folder does not exist or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let bytes = self.to_bytes()?;
        // A model that could not be read again must not pass for trained.
        Self::from_bytes(&bytes, path)?;
        let mut file = OutputFile::create(path)?;
        file.write_all(&bytes)
            .map_err(|error| Error::io(path, error))?;
        file.keep()
    }

    /// Reads a model from a file by mapping it into memory.
    ///
    /// # Errors
    /// When the file cannot be read, is no model, is damaged, or was written by a newer version.
    pub fn load(path: &Path) -> Result<Self> {
        let map = map::map_file(path).map_err(|error| match error {
            Error::Io { path, source } if source.kind() == std::io::ErrorKind::InvalidInput => {
                damaged(&path, "the file is empty")
            }
            other => other,
        })?;
        Self::from_bytes(&map, path)
    }

    /// The model as the bytes of a file.
    ///
    /// # Errors
    /// When a part cannot be serialised.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let failed = |error: &dyn std::fmt::Display| Error::Model {
            path: "the model".into(),
            message: error.to_string(),
        };
        let mut header = self.header.clone();
        header.checksum = "0".repeat(CHECKSUM_DIGITS);
        let json = serde_json::to_string(&header).map_err(|error| failed(&error))?;
        let tensors = self.tensors();
        let views: std::result::Result<Vec<(&str, TensorView<'_>)>, _> = tensors
            .iter()
            .map(|tensor| {
                TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes)
                    .map(|view| (tensor.name, view))
            })
            .collect();
        let views = views.map_err(|error| failed(&error))?;
        let metadata = HashMap::from([(HEADER_KEY.to_owned(), json)]);
        let mut bytes = safetensors::serialize(views, Some(metadata)).map_err(|e| failed(&e))?;
        let digits = checksum_place(&bytes).ok_or_else(|| failed(&"no place for the checksum"))?;
        let checksum = hex(&Sha256::digest(&bytes));
        bytes[digits].copy_from_slice(checksum.as_bytes());
        Ok(bytes)
    }

    /// Reads a model from bytes; `path` stands for them in errors.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self> {
        let header = read_header(bytes, path)?;
        check_checksum(bytes, &header.checksum).map_err(|message| damaged(path, &message))?;
        read_parts(header, bytes, |levels| Cow::Owned(levels.to_vec()))
            .map_err(|message| damaged(path, &message))
    }

    /// Reads a model that is part of the program, leaving weights where they are. Its checksum is
    /// not looked at: what could change these bytes could change the program.
    ///
    /// # Errors
    /// When the bytes are no model that this program can read.
    pub(crate) fn from_program(bytes: &'static [u8], path: &Path) -> Result<Self> {
        let header = read_header(bytes, path)?;
        read_parts(header, bytes, Cow::Borrowed).map_err(|message| damaged(path, &message))
    }

    fn tensors(&self) -> Vec<StoredTensor> {
        let mut tensors = vocabulary_tensors(&self.vocabulary);
        match &self.heads {
            ModelHeads::Linear {
                weights,
                biases,
                assertion,
            } => {
                tensors.extend(weight_tensors(["weights", "weight_scales"], weights));
                tensors.push(StoredTensor::numbers("biases", biases));
                tensors.extend(weight_tensors(["assertion", "assertion_scales"], assertion));
            }
            ModelHeads::Forests(forests) => tensors.extend(forest_tensors(forests)),
        }
        tensors
    }
}

fn vocabulary_tensors(vocabulary: &Vocabulary) -> Vec<StoredTensor> {
    // The rarest features are the most: their values come first and take one byte each.
    let all = vocabulary.idf.iter().chain(&vocabulary.unit_idf);
    let mut values: Vec<f32> = all.copied().collect();
    values.sort_by(|a, b| b.total_cmp(a));
    values.dedup();
    let place = |value: &f32| values.partition_point(|other| other > value);
    let ascending = |numbers: &[u32]| pack_ascending(numbers.iter().map(|&n| n.into()));
    let packed = StoredTensor::packed;
    vec![
        packed(
            "char_ngrams",
            pack_ascending(vocabulary.char_ngrams.iter().copied()),
        ),
        packed("words", pack_strings(&vocabulary.words)),
        packed("units", pack_strings(&vocabulary.units)),
        packed("stems", ascending(&vocabulary.stems)),
        packed("bigrams", pack_bigrams(&vocabulary.bigrams)),
        packed("subword_tokens", ascending(&vocabulary.subword_tokens)),
        packed("idf", pack_small(vocabulary.idf.iter().map(place))),
        packed(
            "unit_idf",
            pack_small(vocabulary.unit_idf.iter().map(place)),
        ),
        StoredTensor::numbers("idf_values", &values),
    ]
}

/// Weights of few bits as bytes with a scale a column; exact ones as they are.
fn weight_tensors(names: [&'static str; 2], weights: &Weights) -> Vec<StoredTensor> {
    let (numbers, levels) = weights.stored();
    if weights.bits() == WeightBits::ThirtyTwo {
        let mut stored = StoredTensor::numbers(names[0], numbers);
        stored.shape = vec![weights.rows(), weights.columns()];
        return vec![stored];
    }
    let dtype = match weights.bits() {
        WeightBits::Four => Dtype::U8,
        _ => Dtype::I8,
    };
    let mut stored = StoredTensor::new(names[0], dtype, levels.to_vec());
    stored.shape = vec![weights.rows(), weights.bits().row_bytes(weights.columns())];
    vec![stored, StoredTensor::numbers(names[1], numbers)]
}

fn forest_tensors(forests: &[Forest]) -> Vec<StoredTensor> {
    let trees = || forests.iter().flat_map(|forest| &forest.trees);
    let nodes: Vec<u32> = trees().flatten().flat_map(node_fields).collect();
    let mut stored = StoredTensor::numbers("nodes", &nodes);
    stored.shape = vec![nodes.len() / 4, 4];
    let tree_ends = ends(trees().map(Vec::len));
    let forest_ends = ends(forests.iter().map(|forest| forest.trees.len()));
    vec![
        stored,
        StoredTensor::numbers("tree_ends", &tree_ends),
        StoredTensor::numbers("forest_ends", &forest_ends),
    ]
}

fn node_fields(node: &Node) -> [u32; 4] {
    match *node {
        Node::Leaf(vote) => [LEAF, vote.to_bits(), 0, 0],
        Node::Split {
            feature,
            split,
            left,
            right,
        } => [feature, split.to_bits(), left, right],
    }
}

fn damaged(path: &Path, message: &str) -> Error {
    Error::Model {
        path: path.into(),
        message: format!("not a usable model ({message}); copy it again or train it anew"),
    }
}

/// Refuses a newer format before anything else of the header is read.
fn check_version(json: &str, path: &Path) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Versions {
        format_version: u32,
        program_version: String,
        text_versions: Option<serde_json::Value>,
    }
    let versions: Versions =
        serde_json::from_str(json).map_err(|error| damaged(path, &format!("header: {error}")))?;
    let current = TextVersions::CURRENT;
    // A version that lacks a step is an older one.
    let text = versions
        .text_versions
        .map(serde_json::from_value::<TextVersions>);
    let newer_text = text.and_then(std::result::Result::ok).is_some_and(|text| {
        text.normalizer > current.normalizer
            || text.splitter > current.splitter
            || text.tokenizer > current.tokenizer
            || text.stemmer > current.stemmer
            || text.furniture > current.furniture
    });
    if versions.format_version < FORMAT_VERSION {
        return Err(Error::Model {
            path: path.into(),
            message: format!(
                "written by an older Marsad ({}) in format {}, which this version cannot read: train it anew",
                versions.program_version, versions.format_version
            ),
        });
    }
    if versions.format_version > FORMAT_VERSION || newer_text {
        return Err(Error::Model {
            path: path.into(),
            message: format!(
                "written by a newer Marsad ({}); this is {}, which reads formats up to {FORMAT_VERSION}: update the program",
                versions.program_version,
                env!("CARGO_PKG_VERSION")
            ),
        });
    }
    Ok(())
}

/// Where the digits of the checksum stand in the file.
fn checksum_place(bytes: &[u8]) -> Option<std::ops::Range<usize>> {
    let start = memchr::memmem::find(bytes, CHECKSUM_FIELD)? + CHECKSUM_FIELD.len();
    (start + CHECKSUM_DIGITS <= bytes.len()).then_some(start..start + CHECKSUM_DIGITS)
}

fn check_checksum(bytes: &[u8], stored: &str) -> std::result::Result<(), String> {
    let place = checksum_place(bytes).ok_or("it has no checksum")?;
    let mut hasher = Sha256::new();
    hasher.update(&bytes[..place.start]);
    hasher.update([b'0'; CHECKSUM_DIGITS]);
    hasher.update(&bytes[place.end..]);
    if bytes[place] == *stored.as_bytes() && hex(&hasher.finalize()) == stored {
        return Ok(());
    }
    Err("its checksum does not fit: some bytes were changed".into())
}

fn read_header(bytes: &[u8], path: &Path) -> Result<Header> {
    let broken = |message: &str| damaged(path, message);
    let (_, metadata) = SafeTensors::read_metadata(bytes)
        .map_err(|error| broken(&format!("not a whole safetensors file: {error}")))?;
    let json = metadata
        .metadata()
        .as_ref()
        .and_then(|entries| entries.get(HEADER_KEY))
        .ok_or_else(|| broken("a safetensors file, but not one of Marsad's"))?;
    check_version(json, path)?;
    serde_json::from_str(json).map_err(|error| broken(&format!("header: {error}")))
}

/// What becomes of the levels of weights: they are copied, or stay where they are.
type Keep<'a> = fn(&'a [u8]) -> Cow<'static, [u8]>;

fn read_parts<'a>(header: Header, bytes: &'a [u8], keep: Keep<'a>) -> Checked<Model> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    check_header(&header)?;
    let vocabulary = read_vocabulary(&header, &file)?;
    let heads = read_heads(&header, &file, &vocabulary, keep)?;
    Ok(Model {
        header,
        vocabulary,
        heads,
    })
}

fn check_header(header: &Header) -> Checked<()> {
    let labels = header.labels.len();
    if labels == 0 || !header.labels.is_sorted_by(|a, b| a < b) {
        return Err("labels missing or not in order".into());
    }
    if header.calibrations.len() != labels || header.thresholds.len() != labels {
        return Err("another number of thresholds or calibrations than of labels".into());
    }
    let highest = match header.mode {
        LabelMode::Multiple => 1.0,
        LabelMode::Single => LARGEST,
    };
    if !header.calibrations.iter().all(Calibration::is_valid) {
        return Err("a calibration with numbers that are none".into());
    }
    if !header.thresholds.iter().all(|&t| t > 0.0 && t <= highest) {
        return Err("a threshold that is no probability".into());
    }
    let mixes = header.mixes.iter().flatten();
    if header.mixes.as_ref().is_some_and(|m| m.len() != labels)
        || !mixes.flatten().all(|share| share.abs() <= LARGEST)
    {
        return Err("the parts of the raw score do not fit the labels".into());
    }
    let shares = header.priors.iter();
    if header.priors.len() != labels || !shares.into_iter().all(|p| (0.0..=1.0).contains(p)) {
        return Err("priors that are no shares, one a label".into());
    }
    if !is_curve(&header.review) {
        return Err("a curve of rows to be read that does not rise".into());
    }
    if header.window_radius > LONGEST_RADIUS {
        return Err("a window of too many words".into());
    }
    header.features.check().map_err(|error| error.to_string())
}

fn read_vocabulary(header: &Header, file: &SafeTensors<'_>) -> Checked<Vocabulary> {
    let alphabet = Alphabet::from_stored(&header.alphabet).ok_or("alphabet not in order")?;
    let char_ngrams = unpack_ascending("char_ngrams", packed(file, "char_ngrams")?)?;
    if !char_ngrams.iter().all(|&key| alphabet.holds_key(key)) {
        return Err("an n-gram with a character outside the alphabet".into());
    }
    let units = unpack_strings("units", packed(file, "units")?)?;
    let among_units = |place: u32| (place as usize) < units.len();
    let stems = read_places(file, "stems")?;
    let bigrams = unpack_bigrams("bigrams", packed(file, "bigrams")?)?;
    let parts = bigrams.iter().flat_map(|&key| split_bigram(key));
    if !stems.iter().copied().chain(parts).all(among_units) {
        return Err("a stem or bigram outside the units".into());
    }
    let subwords = match &header.subwords {
        None => None,
        Some(json) => Some(Subwords::from_json(json).map_err(|error| error.to_string())?),
    };
    let subword_tokens = read_places(file, "subword_tokens")?;
    let tokens = subwords.as_ref().map_or(0, Subwords::len);
    if subword_tokens.iter().any(|&token| token as usize >= tokens) {
        return Err("a subword outside the tokeniser".into());
    }
    let values: Vec<f32> = numbers(file, "idf_values")?;
    let is_idf = |&idf: &f32| (0.0..=LARGEST).contains(&f64::from(idf));
    let vocabulary = Vocabulary {
        settings: header.features.clone(),
        alphabet,
        char_ngrams,
        words: unpack_strings("words", packed(file, "words")?)?,
        unit_idf: unpack_values("unit_idf", packed(file, "unit_idf")?, &values)?,
        idf: unpack_values("idf", packed(file, "idf")?, &values)?,
        bigrams,
        stems,
        subwords,
        subword_tokens,
        units,
    };
    if vocabulary.idf.len() != vocabulary.len()
        || vocabulary.unit_idf.len() != vocabulary.units.len()
        || !values.iter().all(is_idf)
    {
        return Err("idf missing or not a number".into());
    }
    Ok(vocabulary)
}

fn read_places(file: &SafeTensors<'_>, name: &str) -> Checked<Vec<u32>> {
    let places = unpack_ascending(name, packed(file, name)?)?;
    let small = places.into_iter().map(u32::try_from);
    let small: std::result::Result<_, _> = small.collect();
    small.map_err(|_| format!("{name} with too large a number"))
}

fn read_weights<'a>(
    file: &SafeTensors<'a>,
    names: [&str; 2],
    [rows, columns]: [usize; 2],
    keep: Keep<'a>,
) -> Checked<Weights> {
    let wrong = || {
        format!(
            "{} of another size than features and labels ask for",
            names[0]
        )
    };
    let tensor = file.tensor(names[0]).map_err(|error| error.to_string())?;
    let bits = match tensor.dtype() {
        Dtype::F32 => WeightBits::ThirtyTwo,
        Dtype::I8 => WeightBits::Eight,
        Dtype::U8 => WeightBits::Four,
        _ => return Err(wrong()),
    };
    let weights = match bits {
        WeightBits::ThirtyTwo => Weights::exact(columns, numbers(file, names[0])?),
        _ => Weights::from_levels(bits, numbers(file, names[1])?, keep(tensor.data()))
            .ok_or_else(wrong)?,
    };
    if tensor.data().len() != rows * bits.row_bytes(columns) || weights.columns() != columns {
        return Err(wrong());
    }
    // A level is at most 127 in size, and its value at most the square of that.
    let largest = match bits {
        WeightBits::ThirtyTwo => LARGEST,
        _ => LARGEST / (128.0 * 128.0),
    };
    let mut stored = weights.stored().0.iter();
    if !stored.all(|&number| f64::from(number).abs() <= largest) {
        return Err("a weight that is no number".into());
    }
    Ok(weights)
}

fn read_heads<'a>(
    header: &Header,
    file: &SafeTensors<'a>,
    vocabulary: &Vocabulary,
    keep: Keep<'a>,
) -> Checked<ModelHeads> {
    let features = vocabulary.len();
    let labels = header.labels.len();
    if file.tensor("nodes").is_ok() {
        let forests = read_forests(file)?;
        if header.mixes.is_some()
            || forests.len() != labels
            || !forests.iter().all(|forest| forest.is_valid(features))
        {
            return Err("trees with a wrong place or number".into());
        }
        return Ok(ModelHeads::Forests(forests));
    }
    let (columns, local) = match header.mixes {
        Some(_) => (2 * labels, 1),
        None => (labels, 0),
    };
    let biases: Vec<f32> = numbers(file, "biases")?;
    if biases.len() != columns + local
        || !biases.iter().all(|&bias| f64::from(bias).abs() <= LARGEST)
    {
        return Err("biases missing or no numbers".into());
    }
    let asserted = file
        .tensor("assertion")
        .map_err(|error| error.to_string())?;
    let units = match asserted.shape().first() {
        Some(0) => 0,
        _ => vocabulary.units.len() * local,
    };
    Ok(ModelHeads::Linear {
        weights: read_weights(
            file,
            ["weights", "weight_scales"],
            [features, columns],
            keep,
        )?,
        biases,
        assertion: read_weights(
            file,
            ["assertion", "assertion_scales"],
            [units, ROLES],
            keep,
        )?,
    })
}

fn read_forests(file: &SafeTensors<'_>) -> Checked<Vec<Forest>> {
    let fields: Vec<u32> = numbers(file, "nodes")?;
    let nodes: Vec<Node> = fields
        .chunks_exact(4)
        .map(|field| match field[0] {
            LEAF => Node::Leaf(f32::from_bits(field[1])),
            feature => Node::Split {
                feature,
                split: f32::from_bits(field[1]),
                left: field[2],
                right: field[3],
            },
        })
        .collect();
    let trees = divide(&nodes, &numbers::<u32>(file, "tree_ends")?)?;
    let forests = divide(&trees, &numbers::<u32>(file, "forest_ends")?)?;
    Ok(forests.into_iter().map(|trees| Forest { trees }).collect())
}
