//! The functions by name: what each takes and gives.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{ReturnFieldArgs, Signature, TypeSignature, Volatility};

use super::texts::is_text;
use crate::error::{label_not_known, shortened};
use crate::predict::{evidence_fields, list_of};

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Labels,
    Scores,
    Evidence,
    Holds,
    Score,
    Sentences,
    Normalize,
    Digest,
}

/// The names of [`Kind::ALL`].
pub(super) const NAMES: [&str; Kind::ALL.len()] = {
    let mut names = [""; Kind::ALL.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = Kind::ALL[place].name();
        place += 1;
    }
    names
};

/// The fields of a sentence of a document.
pub(super) fn sentence_fields() -> Fields {
    Fields::from(vec![
        Field::new("text", DataType::Utf8, false),
        Field::new("start", DataType::Int64, false),
        Field::new("end", DataType::Int64, false),
    ])
}

/// A field for the score of each label.
pub(super) fn score_fields(labels: &[String]) -> Fields {
    let fields = labels
        .iter()
        .map(|label| Field::new(label, DataType::Float64, true));
    fields.collect()
}

impl Kind {
    pub(super) const ALL: [Self; 8] = [
        Self::Labels,
        Self::Scores,
        Self::Evidence,
        Self::Holds,
        Self::Score,
        Self::Sentences,
        Self::Normalize,
        Self::Digest,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Labels => "event_labels",
            Self::Scores => "event_scores",
            Self::Evidence => "event_evidence",
            Self::Holds => "event_holds",
            Self::Score => "event_score",
            Self::Sentences => "event_sentences",
            Self::Normalize => "normalize_arabic",
            Self::Digest => "marsad_model",
        }
    }

    /// What the arguments are called.
    pub(super) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Labels | Self::Scores | Self::Evidence | Self::Normalize => &["text"],
            Self::Holds | Self::Score => &["text", "label"],
            Self::Sentences => &["document"],
            Self::Digest => &[],
        }
    }

    /// Any arguments are let through, so that [`Self::check`] can say what is wrong with them; the
    /// exact types are what lists of functions show.
    pub(super) fn signature(self) -> Signature {
        let arguments = self.arguments();
        let shown = TypeSignature::Exact(vec![DataType::Utf8; arguments.len()]);
        let any = vec![shown, TypeSignature::Nullary, TypeSignature::UserDefined];
        let mut signature = Signature::one_of(any, Volatility::Immutable);
        let names = arguments.iter().map(|name| (*name).to_owned()).collect();
        signature.parameter_names = Some(names);
        signature
    }

    pub(super) fn return_type(self, labels: &[String]) -> DataType {
        match self {
            Self::Labels => list_of(DataType::Utf8),
            Self::Scores => DataType::Struct(score_fields(labels)),
            Self::Evidence => list_of(DataType::Struct(evidence_fields())),
            Self::Holds => DataType::Boolean,
            Self::Score => DataType::Float64,
            Self::Sentences => list_of(DataType::Struct(sentence_fields())),
            Self::Normalize | Self::Digest => DataType::Utf8,
        }
    }

    /// What is given for arguments that have been checked: null where one of them is.
    pub(super) fn return_field(self, given: &ReturnFieldArgs, labels: &[String]) -> FieldRef {
        let fields = given.arg_fields.iter();
        let nullable = fields
            .into_iter()
            .any(|field| field.is_nullable() || field.data_type().is_null());
        let kind = self.return_type(labels);
        Arc::new(Field::new(self.name(), kind, nullable))
    }

    /// # Errors
    /// When there are too many arguments or too few, one is no text, or a label is not known.
    pub(super) fn check(self, given: &ReturnFieldArgs, labels: &[String]) -> Result<()> {
        let (name, wanted) = (self.name(), self.arguments());
        if given.arg_fields.len() != wanted.len() {
            return plan_err!(
                "{name} was given {} argument{}; write {name}({})",
                given.arg_fields.len(),
                if given.arg_fields.len() == 1 { "" } else { "s" },
                wanted.join(", ")
            );
        }
        for (place, field) in given.arg_fields.iter().enumerate() {
            let constant = given.scalar_arguments.get(place).copied().flatten();
            self.check_text(field, constant)?;
        }
        match given.scalar_arguments.get(1).copied().flatten() {
            Some(label) => self.check_label(label, labels),
            None => Ok(()),
        }
    }

    fn check_text(self, field: &Field, constant: Option<&ScalarValue>) -> Result<()> {
        let kind = field.data_type();
        if is_text(kind) || kind.is_null() {
            return Ok(());
        }
        let name = self.name();
        let given = match constant {
            Some(value) => value.to_string(),
            None => field.name().clone(),
        };
        let advice = match kind {
            DataType::List(_)
            | DataType::LargeList(_)
            | DataType::FixedSizeList(..)
            | DataType::ListView(_)
            | DataType::LargeListView(_) => format!("give one element of it, as in {given}[1]"),
            DataType::Struct(_) => format!("give one field of it, as in {given}['text']"),
            DataType::Map(..) => format!("give one value of it, as in {given}['text']"),
            _ => format!("write CAST({given} AS VARCHAR)"),
        };
        plan_err!(
            "{name} takes text, but {given} is of type {}; {advice}",
            shortened(&kind.to_string())
        )
    }

    fn check_label(self, label: &ScalarValue, labels: &[String]) -> Result<()> {
        let Some(Some(label)) = label.try_as_str() else {
            return Ok(());
        };
        match place_of(label, labels) {
            Some(_) => Ok(()),
            None => plan_err!("{}: {}", self.name(), unknown(label, labels)),
        }
    }
}

/// The place of a label among all.
pub(super) fn place_of(label: &str, labels: &[String]) -> Option<usize> {
    labels.iter().position(|known| known == label)
}

/// What is said of a label that the model does not know.
pub(super) fn unknown(label: &str, labels: &[String]) -> String {
    label_not_known(label, labels.iter().map(String::as_str)).to_string()
}
