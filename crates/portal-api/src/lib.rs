//! The portal's API as its callers see it: what travels, what goes wrong, and a client.
//!
//! - [`wire`]: the types in requests and answers, shared with the portal itself.
//! - [`Problem`]: a refusal of the portal, with its stable code; all of them in [`problem::all`].
//! - [`ApiError`]: why a call brought nothing, said so that a caller knows whether to try again.
//! - [`Client`]: one method per endpoint, blocking.
//!
//! Every call that changes something carries an `Idempotency-Key`, so that a repeat after a lost answer has the same
//! answer and no second effect. The client repeats by itself what was lost on the way, a few times; what the portal
//! refused it does not.
#![forbid(unsafe_code)]

mod client;
mod error;
pub mod problem;
pub mod wire;

pub use client::{Client, RetryPolicy};
pub use error::ApiError;
pub use problem::Problem;
pub use wire::login::SessionToken;
