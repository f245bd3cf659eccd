//! The functions of [`crate::sql`] on many machines, by Apache DataFusion Ballista: a scheduler, its
//! executors, and the client that `marsad sql --cluster` is.
//!
//! A statement is planned by the client. Its physical plan goes to the scheduler, which cuts it into
//! tasks; executors run them and keep the rows until the client has fetched them.

mod api;
mod arranged;
mod client;
pub(crate) mod codec;
mod connections;
mod endpoint;
mod executor;
mod failure;
mod fetch;
mod first_rows;
mod limit;
mod scheduler;
mod status;
mod stop;
mod work_folder;

pub use client::{ClusterClient, ClusterJob, TasksDone};
pub use endpoint::{Endpoint, SCHEDULER_PORT};
pub use executor::{ExecutorSettings, run_executor};
pub use scheduler::{SchedulerSettings, run_scheduler};
pub use status::{ClusterStatus, ExecutorStatus, JobStatus, status};
pub(crate) use stop::{AT_ONCE, SIGNING_OFF, until_told};

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ballista_core::config::BALLISTA_CLIENT_GRPC_MAX_MESSAGE_SIZE;
use ballista_core::extension::SessionConfigExt;
use datafusion::prelude::SessionConfig;
use tokio::net::lookup_host;

use crate::error::{Error, Result};

/// Bytes that one message between the parts of a cluster may have: plans name every file, and the
/// answer to a client every partition.
const LARGEST_MESSAGE: u32 = 256 << 20;

/// How long a connection may take before the other side counts as unreachable.
const CONNECTING: Duration = Duration::from_secs(5);

/// Enough of a digest to tell models apart.
pub(crate) fn digest_start(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// The session settings of all parts of a cluster.
fn session_config() -> SessionConfig {
    SessionConfig::new_with_ballista().set_u64(
        BALLISTA_CLIENT_GRPC_MAX_MESSAGE_SIZE,
        LARGEST_MESSAGE.into(),
    )
}

/// What goes along with every call to a scheduler.
fn call_headers() -> HashMap<String, String> {
    HashMap::from([(
        ballista_core::version::BALLISTA_VERSION_HEADER.to_owned(),
        ballista_core::BALLISTA_VERSION.to_owned(),
    )])
}

/// The address that a name or an address to listen on means.
async fn address_of(bind: &str, port: u16) -> Result<SocketAddr> {
    let bare = bind
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let found = lookup_host((bare.unwrap_or(bind), port)).await;
    let first = found.ok().and_then(|mut addresses| addresses.next());
    first.ok_or_else(|| {
        Error::Cluster(format!(
            "{bind}: is neither an address nor a name that this machine knows; choose an address of \
             this machine with --bind"
        ))
    })
}

/// Why an address cannot be listened on.
fn not_listening(address: SocketAddr, flag: &str, error: &std::io::Error) -> Error {
    let why = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("another program listens there; choose another port with {flag}")
        }
        std::io::ErrorKind::AddrNotAvailable => {
            "that is no address of this machine; choose one with --bind".into()
        }
        std::io::ErrorKind::PermissionDenied => {
            format!("permission is denied; choose a port above 1023 with {flag}")
        }
        _ => error.to_string(),
    };
    Error::Cluster(format!("{address}: {why}"))
}

/// Warns where an address can be reached from other machines.
fn warn_of_strangers(address: IpAddr) {
    if !address.is_loopback() {
        log::warn!(
            target: "marsad",
            "listening on {address}: anyone who can reach this port can run queries and read files \
             this user can read"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_to_listen_on_are_names_or_numbers() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let address = |bind: &str| runtime.block_on(address_of(bind, 7));
        for (bind, read) in [
            ("127.0.0.1", "127.0.0.1:7"),
            ("::1", "[::1]:7"),
            ("[::1]", "[::1]:7"),
        ] {
            assert_eq!(address(bind).unwrap().to_string(), read);
        }
        assert!(address("localhost").unwrap().ip().is_loopback());
        assert!(address("no such host").is_err());
    }
}
