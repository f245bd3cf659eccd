//! The functions of [`crate::sql`] on many machines, by Apache DataFusion Ballista.

mod endpoint;

pub use endpoint::{Endpoint, SCHEDULER_PORT};
