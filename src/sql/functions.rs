//! The functions of SQL that apply a model.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::common::{DataFusionError, Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::model::EventModel;
use crate::predict::Scratch;

/// The names of all functions.
pub(crate) const FUNCTIONS: [&str; 1] = ["event_labels"];

/// The function of that name for a model.
pub(crate) fn event_function(name: &str, model: &Arc<EventModel>) -> Option<ScalarUDF> {
    FUNCTIONS.contains(&name).then(|| {
        ScalarUDF::from(EventLabels {
            model: model.clone(),
            signature: Signature::exact(vec![DataType::Utf8], Volatility::Immutable),
        })
    })
}

/// The model that a function applies.
#[cfg(feature = "cluster")]
pub(crate) fn event_model_of(function: &ScalarUDF) -> Option<Arc<EventModel>> {
    let function = function.inner().downcast_ref::<EventLabels>()?;
    Some(function.model.clone())
}

#[derive(Debug)]
struct EventLabels {
    model: Arc<EventModel>,
    signature: Signature,
}

impl PartialEq for EventLabels {
    fn eq(&self, other: &Self) -> bool {
        self.model.digest() == other.model.digest()
    }
}

impl Eq for EventLabels {}

impl Hash for EventLabels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.model.digest().hash(state);
    }
}

impl ScalarUDFImpl for EventLabels {
    fn name(&self) -> &str {
        "event_labels"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new(
            "item",
            DataType::Utf8,
            true,
        ))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(predictor) = self.model.predictor() else {
            return exec_err!("event_labels: this process has no model");
        };
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [texts] = arrays.as_slice() else {
            return exec_err!("event_labels takes one text");
        };
        let mut scratch = Scratch::default();
        let mut labels = ListBuilder::new(StringBuilder::new());
        for text in texts.as_string::<i32>() {
            let Some(text) = text else {
                labels.append_null();
                continue;
            };
            let prediction = predictor.predict(text, &mut scratch);
            for (place, label) in predictor.tree().labels().iter().enumerate() {
                if predictor.tree().holds(place, &prediction.holds) {
                    labels.values().append_value(&label.name);
                }
            }
            labels.append(true);
        }
        let labels: ArrayRef = Arc::new(labels.finish());
        debug_assert_eq!(labels.len(), texts.len());
        Ok::<_, DataFusionError>(ColumnarValue::Array(labels))
    }
}
