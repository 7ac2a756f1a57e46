//! Text messages: codes, step-ups, notices, and who sends them.

mod codes;
mod routes;
mod send;

pub use codes::{Scope, Tried, spend_step_up, try_code};
pub(crate) use codes::{forget_old, send as send_code};
pub use routes::routes;
pub(crate) use send::send_waiting;
pub use send::{EmbeddedOutbox, Message, SendError, SmsProvider, queue};
