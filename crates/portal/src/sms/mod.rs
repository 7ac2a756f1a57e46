//! Text messages: codes, step-ups, notices, and who sends them.

mod send;

pub(crate) use send::send_waiting;
pub use send::{EmbeddedOutbox, Message, SendError, SmsProvider, queue};
use utoipa_axum::router::OpenApiRouter;

use crate::Portal;

pub(crate) fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new()
}
