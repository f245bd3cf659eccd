//! The rows of a job that is done, from the executors that keep them, in the order of the input.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use ballista_core::client::BallistaClient;
use ballista_core::serde::protobuf::PartitionLocation;
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, exec_err};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::connections::watched;
use super::endpoint::Endpoint;
use super::{CONNECTING, LARGEST_MESSAGE, failure};

/// How many partitions are asked for ahead of the one that is read.
const AHEAD: usize = 3;
const ATTEMPTS: u8 = 3;
const BETWEEN_ATTEMPTS: u64 = 500;

/// One partition of a job's rows: where they are kept.
type Kept = Vec<PartitionLocation>;

/// The places of all partitions, in their order.
///
/// A scheduler of Ballista 55 lists partitions as they were finished, and lists one twice whose
/// executor was lost after it was done: the later place is that of the executor which did it again.
pub(super) fn in_order(found: Vec<PartitionLocation>, partitions: usize) -> Result<Vec<Kept>> {
    let mut kept: BTreeMap<usize, Kept> = BTreeMap::new();
    for location in found {
        let Some(partition) = &location.partition_id else {
            return exec_err!("the scheduler names rows of no partition");
        };
        let places = kept.entry(partition.partition_id as usize).or_default();
        places.insert(0, location);
    }
    let missing = (0..partitions).find(|partition| !kept.contains_key(partition));
    match (missing, kept.keys().next_back()) {
        (Some(missing), _) => exec_err!(
            "partition {missing} of {partitions} is missing in the answer of the scheduler; run the \
             statement again"
        ),
        (None, Some(&last)) if last >= partitions => exec_err!(
            "the scheduler names partition {last}, and the statement has {partitions}; use the same \
             version of marsad on all machines"
        ),
        _ => Ok(kept.into_values().collect()),
    }
}

/// The rows of all partitions, in their order.
pub(super) fn rows(schema: SchemaRef, partitions: Vec<Kept>) -> SendableRecordBatchStream {
    let opened = stream::iter(partitions).map(open).buffered(AHEAD);
    Box::pin(RecordBatchStreamAdapter::new(schema, opened.try_flatten()))
}

/// Opens a partition at the first of its places that answers.
async fn open(places: Kept) -> Result<impl Stream<Item = Result<RecordBatch>> + Send + use<>> {
    let mut first_failure = None;
    for place in places {
        match open_at(&place).await {
            Ok(rows) => return Ok(counted(place, rows)),
            Err(failure) => {
                first_failure.get_or_insert(failure);
            }
        }
    }
    Err(first_failure.unwrap_or_else(|| exec_datafusion_err!("a partition is kept nowhere")))
}

async fn open_at(place: &PartitionLocation) -> Result<SendableRecordBatchStream> {
    let unknown = || exec_datafusion_err!("the scheduler does not say where rows are kept");
    let executor = place.executor_meta.as_ref().ok_or_else(unknown)?;
    let partition = place.partition_id.clone().ok_or_else(unknown)?.into();
    let port = u16::try_from(executor.port).map_err(|_| unknown())?;
    let endpoint = Endpoint::new(&executor.host, port);
    let lost = |why: &str| {
        exec_datafusion_err!(
            "the executor at {endpoint}, which keeps rows of the answer, cannot be reached ({why}); \
             run the statement again"
        )
    };
    let connecting = BallistaClient::try_new(
        endpoint.host(),
        port,
        LARGEST_MESSAGE as usize,
        false,
        Some(watched()),
        ATTEMPTS,
        BETWEEN_ATTEMPTS,
        0,
        0,
    );
    let connected = tokio::time::timeout(CONNECTING, connecting).await;
    let mut client = connected
        .map_err(|_| lost("it does not answer"))?
        .map_err(|_| lost("nothing listens there"))?;
    let asked = client.fetch_partition_proxied(
        &executor.id,
        &partition,
        place.file_id,
        place.layout(),
        endpoint.host(),
        port,
        true,
    );
    asked
        .await
        .map_err(|error| lost(&failure::plain(&error.to_string())))
}

/// The rows of a partition, and an error where they are fewer or more than its task had written.
fn counted(
    place: PartitionLocation,
    rows: SendableRecordBatchStream,
) -> impl Stream<Item = Result<RecordBatch>> + Send {
    let written = place.partition_stats.map(|stats| stats.num_rows);
    let executor = place
        .executor_meta
        .map(|executor| Endpoint::new(&executor.host, executor.port as u16));
    let executor: Arc<str> = executor
        .map_or_else(String::new, |at| at.to_string())
        .into();
    let lost = {
        let executor = executor.clone();
        move |error: DataFusionError| {
            exec_datafusion_err!(
                "the executor at {executor} stopped while rows were fetched from it ({}); run the \
                 statement again",
                failure::plain(&error.to_string())
            )
        }
    };
    let ended = stream::once(async { Ok(None) });
    let rows = rows.map_err(lost).map_ok(Some).chain(ended);
    rows.scan(0_i64, move |fetched, batch| {
        let next = match batch {
            Ok(Some(batch)) => {
                *fetched += batch.num_rows() as i64;
                Ok(Some(batch))
            }
            Ok(None) => match written {
                Some(written) if written >= 0 && written != *fetched => exec_err!(
                    "the executor at {executor} gave {fetched} rows of {written}; run the statement \
                     again"
                ),
                _ => Ok(None),
            },
            Err(error) => Err(error),
        };
        futures::future::ready(Some(next))
    })
    .try_filter_map(|batch| futures::future::ready(Ok(batch)))
}

#[cfg(test)]
mod tests {
    use ballista_core::serde::protobuf::{ExecutorMetadata, PartitionId};

    use super::*;

    fn location(partition: u32, executor: &str) -> PartitionLocation {
        PartitionLocation {
            partition_id: Some(PartitionId {
                job_id: "job".into(),
                stage_id: 1,
                partition_id: partition,
            }),
            executor_meta: Some(ExecutorMetadata {
                id: executor.into(),
                ..ExecutorMetadata::default()
            }),
            ..PartitionLocation::default()
        }
    }

    fn executors(kept: &[Kept]) -> Vec<Vec<&str>> {
        fn name(place: &PartitionLocation) -> Option<&str> {
            place.executor_meta.as_ref().map(|one| one.id.as_str())
        }
        let kept = kept.iter();
        kept.map(|places| places.iter().filter_map(name).collect())
            .collect()
    }

    #[test]
    fn partitions_come_in_order_and_once() {
        let found = vec![
            location(2, "a"),
            location(0, "lost"),
            location(1, "b"),
            location(0, "c"),
        ];
        let kept = in_order(found, 3).unwrap();
        assert_eq!(executors(&kept), [vec!["c", "lost"], vec!["b"], vec!["a"]]);
    }

    #[test]
    fn a_partition_too_few_or_too_many_is_an_error() {
        for (found, partitions, word) in [
            (vec![location(0, "a")], 2, "missing"),
            (
                vec![location(0, "a"), location(1, "a")],
                1,
                "names partition 1",
            ),
            (vec![PartitionLocation::default()], 1, "no partition"),
        ] {
            let told = in_order(found, partitions).unwrap_err().to_string();
            assert!(told.contains(word), "{told}");
        }
        assert!(in_order(Vec::new(), 0).unwrap().is_empty());
    }
}
