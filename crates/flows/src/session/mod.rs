//! What all flows stand on, and what knows none of them: which token is meant, what people are asked, the lock of a
//! token, the passes of a flow, the journal, the errors.

pub(crate) mod bytes;
pub mod clock;
pub mod error;
pub mod journal;
pub mod lock;
pub mod new_pin;
pub(crate) mod passes;
pub mod prompts;
pub(crate) mod token_in_flow;
pub mod trust;
