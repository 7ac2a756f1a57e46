#![forbid(unsafe_code)]
//! The work on a token, as resumable state machines over a token and the portal.
//!
//! | module | what |
//! | --- | --- |
//! | [`renewal`] | a new certificate on a token in hand; read it from top to bottom |
//! | [`unlock`] | a new PIN for a token whose PIN is locked or forgotten |
//! | [`pin_change`] | a new PIN for a token whose PIN is known |
//! | [`personalization`] | a blank token becomes an applicant's, at the personalization workstation |
//! | [`session`] | what all of them stand on, and what knows none of them: prompts, passes, lock, journal, errors |
//! | [`driver_report`] | what of a token that nobody knows is sent to the portal |
//! | [`store`] | the user's certificate store, where other programs find the new certificate |
//! | [`messages`] | what people are told: one sentence and one remedy per code and language |
//!
//! The truth is on the token and in the portal; the journal is a hint. Every error has a stable code and leaves at
//! least one usable certificate on the token.

pub mod driver_report;
mod explain;
pub mod messages;
pub mod personalization;
pub mod pin_change;
pub mod renewal;
pub mod session;
pub mod store;
pub mod unlock;

pub use pin_change::PinChangeError;
pub use session::{
    clock,
    error::{FlowError, Mismatch, OperatorReason, Result, StepName},
    journal, lock, new_pin, prompts, trust,
};
pub use unlock::UnlockError;
