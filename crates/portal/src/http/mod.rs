//! What every endpoint shares: who is asking, with which body, and whether it has been asked before.

mod auth;
mod change;
mod extract;
mod layers;

pub use auth::{Actor, Operator, User};
pub(crate) use auth::{presented_bearer, presented_secret};
pub use change::{Change, ChangeTx};
pub use extract::{Address, Path, Query, paging};
pub(crate) use layers::{method_not_allowed, no_route, wrap};

pub use crate::error::Halt;

/// What handlers that change something return.
pub type Answer = Result<axum::response::Response, Halt>;
