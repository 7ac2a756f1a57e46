#![forbid(unsafe_code)]
//! The work on a token, as resumable state machines over a token and the portal.
//!
//! | module | what |
//! | --- | --- |
//! | [`renewal`] | a new certificate on a token in hand; read it from top to bottom |
//! | [`pin`] | a new PIN for a token whose PIN is known |
//! | [`unlock`] | a new PIN for a token whose PIN is locked or forgotten |
//! | [`new_pin`] | how a new PIN is asked for |
//! | [`trust`] | the portal that this machine was set up with |
//! | [`produce`] | a blank token becomes an applicant's, at the personalization workstation |
//! | [`driver_report`] | what of a token that nobody knows is sent to the portal |
//! | [`conversation`] | how a flow tells and asks, whatever the screen |
//! | [`journal`] | where broken-off work is found again |
//! | [`lock`] | one process of a machine works on a token at a time |
//! | [`store`] | the user's certificate store, where other programs find the new certificate |
//! | [`messages`] | what people are told: one sentence and one remedy per code and language |
//!
//! The truth is on the token and in the portal; the journal is a hint. Every error has a stable code and leaves at least
//! one usable certificate on the token.

pub mod clock;
pub mod conversation;
pub mod driver_report;
mod error;
pub mod journal;
pub mod lock;
pub mod messages;
pub mod new_pin;
pub mod personalize;
pub mod pin;
pub mod renewal;
pub mod store;
mod token_in_flow;
pub mod trust;
pub mod unlock;

pub use error::{FlowError, Mismatch, OperatorReason, Result};
pub use pin::PinChangeError;
pub use unlock::UnlockError;
