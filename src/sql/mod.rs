//! SQL over files with the labels of a model, by Apache DataFusion: [`tables`](self) → statement →
//! plan with [functions](functions) of a model → rows in order → output.
//!
//! The same plan runs in the process and on a cluster; see [`crate::cluster`].

mod functions;
mod model;
mod session;

pub use model::EventModel;
pub use session::SqlSession;

#[cfg(feature = "cluster")]
#[expect(unused_imports)]
pub(crate) use functions::{FUNCTIONS, event_function, event_model_of};
