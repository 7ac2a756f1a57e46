//! Who sends text messages.

use std::pin::Pin;

/// A message to one phone.
#[derive(Clone)]
pub struct Message {
    pub phone: String,
    pub text: String,
    /// The code in the text, if it brings one.
    pub code: Option<String>,
    /// The order it is about.
    pub order: Option<String>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message").field("order", &self.order).finish_non_exhaustive()
    }
}

/// The provider did not take a message.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct SendError {
    pub reason: String,
    /// Another try may help.
    pub retriable: bool,
}

/// Who sends text messages.
pub trait SmsProvider: Send + Sync + 'static {
    /// Hands one message over. The same message can come twice, when the portal stopped before it noted the first.
    fn send<'a>(
        &'a self,
        message: &'a Message,
    ) -> Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>>;

    /// The outbox itself stands in for the phone: messages stay readable in it, for operators.
    fn keeps_messages(&self) -> bool {
        false
    }
}

/// Sends nothing: the outbox can be read instead.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmbeddedOutbox;

impl SmsProvider for EmbeddedOutbox {
    fn send<'a>(
        &'a self,
        _: &'a Message,
    ) -> Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>> {
        Box::pin(async { Ok(()) })
    }

    fn keeps_messages(&self) -> bool {
        true
    }
}
