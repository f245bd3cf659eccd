//! The functions of SQL that apply a model: what each takes and gives.
//!
//! A text is labelled as a row of `marsad predict` is, by the same
//! [`Labeller`](crate::predict::Labeller), and what it gives is rounded and ordered in the same way.

mod documentation;
mod kinds;
mod labelling;
mod outputs;
mod strings;
#[cfg(test)]
mod tests;
mod texts;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, new_null_array};
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature,
};

use super::model::EventModel;
use kinds::Kind;
pub(super) use labelling::Labelling;

/// The names of all functions.
pub(crate) const FUNCTIONS: [&str; Kind::ALL.len()] = kinds::NAMES;

/// The function of that name for a model.
pub(crate) fn event_function(name: &str, model: &Arc<EventModel>) -> Option<ScalarUDF> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name)?;
    Some(ScalarUDF::from(EventFunction {
        kind,
        model: model.clone(),
        signature: kind.signature(),
        documentation: documentation::of(kind, model.labels()),
    }))
}

/// The model that a function applies; none for a function that is not of [`FUNCTIONS`].
#[cfg(any(feature = "cluster", test))]
pub(crate) fn event_model_of(function: &ScalarUDF) -> Option<Arc<EventModel>> {
    let function = function.inner().downcast_ref::<EventFunction>()?;
    Some(function.model.clone())
}

/// A function with the model that it applies.
#[derive(Debug)]
struct EventFunction {
    kind: Kind,
    model: Arc<EventModel>,
    signature: Signature,
    documentation: Documentation,
}

impl PartialEq for EventFunction {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.model.digest() == other.model.digest()
    }
}

impl Eq for EventFunction {}

impl Hash for EventFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kind.hash(state);
        self.model.digest().hash(state);
    }
}

impl EventFunction {
    /// What the function gives for each of some texts, and for a label each where it takes one.
    fn apply(&self, texts: &ArrayRef, label: Option<&ColumnarValue>) -> Result<ArrayRef> {
        let name = self.kind.name();
        let labels = self.model.labels();
        let labelling = self.model.labelling().ok_or_else(|| {
            exec_datafusion_err!(
                "{name} cannot run here: of the model {} only the name and the labels are known; \
                 run it where the model is loaded",
                self.model.digest()
            )
        })?;
        let labelled = || labelling.label(name, texts);
        match (self.kind, label) {
            (Kind::Labels, _) => outputs::held_labels(&*labelled()?, labels),
            (Kind::Scores, _) => outputs::all_scores(&*labelled()?, labels),
            (Kind::Evidence, _) => outputs::all_evidence(&*labelled()?, labels),
            (Kind::Sentences, _) => labelling.split(name, texts),
            (Kind::Normalize, _) => labelling.normalize(name, texts),
            (Kind::Score, Some(label)) => outputs::scores_of(name, &*labelled()?, labels, label),
            (Kind::Holds, Some(label)) => outputs::holds_of(name, &*labelled()?, labels, label),
            (Kind::Score | Kind::Holds | Kind::Digest, _) => {
                internal_err!("{name} was not given what it takes")
            }
        }
    }
}

impl ScalarUDFImpl for EventFunction {
    fn name(&self) -> &str {
        self.kind.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Arguments are taken as they are; [`Self::return_field_from_args`] refuses them in plain words.
    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.kind.return_type(self.model.labels()))
    }

    fn return_field_from_args(&self, given: ReturnFieldArgs) -> Result<FieldRef> {
        self.kind.check(&given, self.model.labels())?;
        Ok(self.kind.return_field(&given, self.model.labels()))
    }

    fn is_strict(&self) -> bool {
        !self.kind.arguments().is_empty()
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }

    fn invoke_with_args(&self, given: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let given = given.args.as_slice();
        let Some((text, more)) = given.split_first() else {
            let digest = self.model.digest().to_owned();
            return Ok(ColumnarValue::Scalar(ScalarValue::Utf8(Some(digest))));
        };
        let gives = self.kind.return_type(self.model.labels());
        let label = more.first();
        let all_constant = given
            .iter()
            .all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let texts = match text {
            ColumnarValue::Array(texts) => texts.clone(),
            ColumnarValue::Scalar(text) => text.to_array()?,
        };
        let found = match (texts.data_type(), label) {
            (DataType::Null, Some(ColumnarValue::Array(labels))) => {
                new_null_array(&gives, labels.len())
            }
            (DataType::Null, _) => new_null_array(&gives, texts.len()),
            _ => self.apply(&texts, label)?,
        };
        if all_constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &found, 0,
            )?));
        }
        Ok(ColumnarValue::Array(found))
    }
}
