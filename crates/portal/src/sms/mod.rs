//! Text messages: codes, step-ups, notices, and who sends them.

mod codes;
mod provider;
mod routes;
mod send;

pub use codes::{Scope, Tried, spend_step_up, try_code};
pub(crate) use codes::{forget_old, send as send_code};
pub use provider::{EmbeddedOutbox, Message, SendError, SmsProvider};
pub use routes::routes;
pub use send::queue;
pub(crate) use send::send_waiting;
