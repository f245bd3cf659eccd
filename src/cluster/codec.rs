//! How the functions of a model travel in a plan: by the digest and the labels of the model. How the
//! node travels that writes parts: by its own definition.
//!
//! A client writes both into the plan. The scheduler, which has no model, makes functions of them
//! that can be planned and not run. An executor gives the function of its own model when the digest
//! is the same, and else one that fails as soon as it is run: an error here, while a plan is decoded,
//! would reach nobody, because Ballista 55 tells a client no more than that a task was rejected.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use ballista_core::serde::BallistaPhysicalExtensionCodec;
use datafusion::common::{Result, exec_datafusion_err, exec_err};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{
    AggregateUDF, ColumnarValue, HigherOrderUDF, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, WindowUDF,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use serde::{Deserialize, Serialize};

use super::digest_start;
use super::first_rows::FirstRowsExec;
use crate::sql::parts::PartsExec;
use crate::sql::{EventModel, event_function, event_model_of};

/// What is written of a function's model; another version is refused.
#[derive(Debug, Deserialize, Serialize)]
struct Definition {
    version: u32,
    /// Version of the program, which says how texts become features.
    program: String,
    digest: String,
    labels: Vec<String>,
}

const VERSION: u32 = 1;
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// What the definition of a node that writes parts begins with. No node of Ballista does: theirs are
/// protobuf, where no field has the number 0.
const PARTS: &[u8] = b"\0marsad parts\0";

/// The same of a node that gives the first rows of a plan.
const FIRST_ROWS: &[u8] = b"\0marsad first rows\0";

/// A list of labels longer than this is no list of labels.
const MOST_LABELS: usize = 100_000;

impl Definition {
    fn read(name: &str, bytes: &[u8]) -> Result<Self> {
        let wrong = |what: &str| exec_datafusion_err!("the function {name} of the plan {what}");
        let definition: Self = serde_json::from_slice(bytes)
            .map_err(|error| wrong(&format!("cannot be understood: {error}")))?;
        let is_digest = definition.digest.len() == 64
            && definition
                .digest
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit());
        match () {
            () if definition.version != VERSION => Err(wrong(&format!(
                "is written in version {}, and this program reads version {VERSION}; use the same \
                 version of marsad on all machines",
                definition.version
            ))),
            () if !is_digest => Err(wrong("names no model")),
            () if definition.labels.is_empty() || definition.labels.len() > MOST_LABELS => {
                Err(wrong("has no list of labels"))
            }
            () => Ok(definition),
        }
    }
}

/// What a process makes of the functions that it reads.
#[derive(Debug)]
enum Reader {
    /// A client or a scheduler: plans.
    Planner,
    /// An executor: runs them with the model that it holds.
    Executor { id: String, model: Arc<EventModel> },
}

/// Ballista's codec, and the functions of a model.
#[derive(Debug)]
pub(crate) struct ClusterCodec {
    ballista: BallistaPhysicalExtensionCodec,
    reader: Reader,
}

impl ClusterCodec {
    /// For processes that plan and do not run: clients and schedulers.
    pub(crate) fn of_planner() -> Self {
        Self {
            ballista: BallistaPhysicalExtensionCodec::default(),
            reader: Reader::Planner,
        }
    }

    /// For an executor of that name, which holds a model.
    pub(crate) fn of_executor(id: String, model: Arc<EventModel>) -> Self {
        Self {
            ballista: BallistaPhysicalExtensionCodec::default(),
            reader: Reader::Executor { id, model },
        }
    }

    fn function(&self, name: &str, definition: Definition) -> Result<ScalarUDF> {
        let unknown = || {
            exec_datafusion_err!(
                "this version of marsad has no function {name}; use the same version on all machines"
            )
        };
        let described = |definition: Definition| {
            let model = EventModel::described(definition.digest, definition.labels);
            event_function(name, &Arc::new(model)).ok_or_else(unknown)
        };
        let refused = |definition: Definition, message| {
            let program = definition.program.clone();
            let function = Arc::new(described(definition)?);
            Ok(ScalarUDF::from(Refused {
                function,
                program,
                message,
            }))
        };
        match &self.reader {
            // A scheduler of another version passes on what the client said.
            Reader::Planner if definition.program != PROGRAM => {
                refused(definition, "only executors run this function".to_owned())
            }
            Reader::Planner => described(definition),
            Reader::Executor { id, .. } if definition.program != PROGRAM => {
                let message = format!(
                    "the executor {id} is of version {PROGRAM} of marsad, and the statement of {}; use the \
                     same version on all machines",
                    definition.program
                );
                refused(definition, message)
            }
            Reader::Executor { model, .. } if model.digest() == definition.digest => {
                event_function(name, model).ok_or_else(unknown)
            }
            Reader::Executor { id, model } => {
                let message = format!(
                    "the executor {id} holds the model {}…, and the statement needs {}…; start it \
                     with the --model of the client",
                    digest_start(model.digest()),
                    digest_start(&definition.digest),
                );
                refused(definition, message)
            }
        }
    }
}

impl PhysicalExtensionCodec for ClusterCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(definition) = bytes.strip_prefix(PARTS) {
            let [input] = inputs else {
                return exec_err!(
                    "parts are written of one input, and the plan has {}",
                    inputs.len()
                );
            };
            return Ok(Arc::new(PartsExec::from_definition(
                definition,
                input.clone(),
            )?));
        }
        if let Some(definition) = bytes.strip_prefix(FIRST_ROWS) {
            let first = FirstRowsExec::from_definition(definition, context, self)?;
            return Ok(Arc::new(first));
        }
        self.ballista.try_decode(bytes, inputs, context, converter)
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        if let Some(parts) = node.downcast_ref::<PartsExec>() {
            bytes.extend_from_slice(PARTS);
            bytes.extend(parts.to_definition()?);
            return Ok(());
        }
        if let Some(first) = node.downcast_ref::<FirstRowsExec>() {
            bytes.extend_from_slice(FIRST_ROWS);
            return first.to_definition(self, converter, bytes);
        }
        self.ballista.try_encode(node, bytes, converter)
    }

    fn try_decode_udf(&self, name: &str, bytes: &[u8]) -> Result<Arc<ScalarUDF>> {
        if bytes.is_empty() {
            return self.ballista.try_decode_udf(name, bytes);
        }
        let definition = Definition::read(name, bytes)?;
        Ok(Arc::new(self.function(name, definition)?))
    }

    fn try_encode_udf(&self, node: &ScalarUDF, bytes: &mut Vec<u8>) -> Result<()> {
        let Some(model) = model_of(node) else {
            return self.ballista.try_encode_udf(node, bytes);
        };
        let definition = Definition {
            version: VERSION,
            program: program_of(node).to_owned(),
            digest: model.digest().to_owned(),
            labels: model.labels().to_vec(),
        };
        serde_json::to_writer(bytes, &definition)
            .map_err(|error| exec_datafusion_err!("{}: {error}", node.name()))
    }

    fn try_decode_higher_order_function(
        &self,
        name: &str,
        bytes: &[u8],
    ) -> Result<Arc<HigherOrderUDF>> {
        self.ballista.try_decode_higher_order_function(name, bytes)
    }

    fn try_encode_higher_order_function(
        &self,
        node: &HigherOrderUDF,
        bytes: &mut Vec<u8>,
    ) -> Result<()> {
        self.ballista.try_encode_higher_order_function(node, bytes)
    }

    fn try_decode_udaf(&self, name: &str, bytes: &[u8]) -> Result<Arc<AggregateUDF>> {
        self.ballista.try_decode_udaf(name, bytes)
    }

    fn try_encode_udaf(&self, node: &AggregateUDF, bytes: &mut Vec<u8>) -> Result<()> {
        self.ballista.try_encode_udaf(node, bytes)
    }

    fn try_decode_udwf(&self, name: &str, bytes: &[u8]) -> Result<Arc<WindowUDF>> {
        self.ballista.try_decode_udwf(name, bytes)
    }

    fn try_encode_udwf(&self, node: &WindowUDF, bytes: &mut Vec<u8>) -> Result<()> {
        self.ballista.try_encode_udwf(node, bytes)
    }
}

/// The model of a function, refused or not.
fn model_of(function: &ScalarUDF) -> Option<Arc<EventModel>> {
    match function.inner().downcast_ref::<Refused>() {
        Some(refused) => event_model_of(&refused.function),
        None => event_model_of(function),
    }
}

/// The version of the program that wrote a function.
fn program_of(function: &ScalarUDF) -> &str {
    match function.inner().downcast_ref::<Refused>() {
        Some(refused) => &refused.program,
        None => PROGRAM,
    }
}

/// A function of a model that this process does not hold: it fails when it is run.
#[derive(PartialEq, Eq, Hash)]
struct Refused {
    function: Arc<ScalarUDF>,
    /// Version of the program that wrote it.
    program: String,
    message: String,
}

impl fmt::Debug for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (refused)", self.function.name())
    }
}

impl ScalarUDFImpl for Refused {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn signature(&self) -> &Signature {
        self.function.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.function.inner().coerce_types(types)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.function.return_type(types)
    }

    fn return_field_from_args(&self, given: ReturnFieldArgs) -> Result<FieldRef> {
        self.function.return_field_from_args(given)
    }

    fn is_strict(&self) -> bool {
        self.function.inner().is_strict()
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("{}", self.message)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::common::ScalarValue;
    use datafusion::config::ConfigOptions;
    use proptest::prelude::*;

    use super::*;
    use crate::sql::FUNCTIONS;

    fn held() -> Arc<EventModel> {
        Arc::new(EventModel::new(crate::built_in_model().unwrap()))
    }

    fn encoded(codec: &ClusterCodec, function: &ScalarUDF) -> Vec<u8> {
        let mut bytes = Vec::new();
        codec.try_encode_udf(function, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn functions_travel_by_digest_and_labels() {
        let model = held();
        let planner = ClusterCodec::of_planner();
        let executor = ClusterCodec::of_executor("one".into(), model.clone());
        for name in FUNCTIONS {
            let function = event_function(name, &model).unwrap();
            let sent = encoded(&planner, &function);
            let planned = planner.try_decode_udf(name, &sent).unwrap();
            assert_eq!(planned.name(), name);
            let described = event_model_of(&planned).unwrap();
            assert_eq!(described.labels(), model.labels());
            assert!(described.predictor().is_none());
            assert_eq!(
                encoded(&planner, &planned),
                sent,
                "what a scheduler sends on"
            );
            let run = executor.try_decode_udf(name, &sent).unwrap();
            assert!(event_model_of(&run).unwrap().predictor().is_some());
        }
    }

    #[test]
    fn another_model_fails_when_it_is_run_and_names_both() {
        let planner = ClusterCodec::of_planner();
        let executor = ClusterCodec::of_executor("executor-7".into(), held());
        let digest = "ab".repeat(32);
        let other = Arc::new(EventModel::described(digest, held().labels().to_vec()));
        let function = event_function(FUNCTIONS[0], &other).unwrap();
        let sent = encoded(&planner, &function);
        let refused = executor.try_decode_udf(FUNCTIONS[0], &sent).unwrap();
        assert_eq!(encoded(&executor, &refused), sent);
        let texts = [DataType::Utf8];
        assert_eq!(
            refused.return_type(&texts).unwrap(),
            function.return_type(&texts).unwrap()
        );
        let given = ScalarFunctionArgs {
            args: vec![ColumnarValue::Scalar(ScalarValue::from("نص"))],
            arg_fields: Vec::new(),
            number_rows: 1,
            return_field: Arc::new(arrow::datatypes::Field::new("f", DataType::Utf8, true)),
            config_options: Arc::new(ConfigOptions::default()),
        };
        let told = refused.invoke_with_args(given).unwrap_err().to_string();
        for word in ["executor-7", "abababababab…", digest_start(held().digest())] {
            assert!(told.contains(word), "{told}");
        }
    }

    #[test]
    fn another_version_of_the_program_fails_when_it_is_run() {
        let planner = ClusterCodec::of_planner();
        let executor = ClusterCodec::of_executor("executor-7".into(), held());
        let own = encoded(&planner, &event_function(FUNCTIONS[0], &held()).unwrap());
        let own = String::from_utf8(own).unwrap();
        let other = own.replace(&format!("{PROGRAM:?}"), "\"99.0.0\"");
        assert_ne!(own, other);
        let scheduled = planner.try_decode_udf(FUNCTIONS[0], other.as_bytes());
        let sent_on = encoded(&planner, &scheduled.unwrap());
        assert_eq!(sent_on, other.as_bytes());
        let refused = executor.try_decode_udf(FUNCTIONS[0], &sent_on).unwrap();
        let refused = refused.inner().downcast_ref::<Refused>().unwrap();
        for word in ["executor-7", "99.0.0", PROGRAM] {
            assert!(refused.message.contains(word), "{}", refused.message);
        }
    }

    #[test]
    fn other_functions_are_left_to_ballista() {
        let codec = ClusterCodec::of_planner();
        let upper = datafusion::functions::string::upper();
        assert!(encoded(&codec, &upper).is_empty());
    }

    proptest! {
        #[test]
        fn any_definition_gives_a_function_or_an_error(
            name in "event_labels|event_scores|upper|[a-z_]{0,12}",
            bytes in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..200),
                r#"\{"version":[0-9]{1,3},"program":"[0-9.]{0,5}","digest":"[0-9a-f]{0,70}","labels":\["?[a-z]*"?\]\}"#
                    .prop_map(String::into_bytes),
            ],
        ) {
            let codec = ClusterCodec::of_planner();
            if let Ok(function) = codec.try_decode_udf(&name, &bytes) {
                prop_assert_eq!(function.name(), name);
            }
        }
    }
}
