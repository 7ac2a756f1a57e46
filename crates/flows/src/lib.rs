#![forbid(unsafe_code)]
//! The work on a key, as resumable state machines over a key and the portal.
//!
//! | module | what |
//! | --- | --- |
//! | [`renewal`] | a new certificate on a key in hand; read it from top to bottom |
//! | [`pin`] | a new PIN for a key whose PIN is known |
//! | [`unlock`] | a new PIN for a key whose PIN is locked or forgotten |
//! | [`new_pin`] | how a new PIN is asked for |
//! | [`trust`] | the portal that this machine was set up with |
//! | [`produce`] | a blank key becomes an applicant's, at the operator's station |
//! | [`driver_report`] | what of a key that nobody knows is sent to the portal |
//! | [`conversation`] | how a flow tells and asks, whatever the screen |
//! | [`journal`] | where broken-off work is found again |
//! | [`lock`] | one process of a machine works on a key at a time |
//! | [`store`] | the user's certificate store, where other programs find the new certificate |
//! | [`messages`] | what people are told: one sentence and one remedy per code and language |
//!
//! The truth is on the key and in the portal; the journal is a hint. Every error has a stable code and leaves at least
//! one usable certificate on the key.

pub mod clock;
pub mod conversation;
pub mod driver_report;
mod error;
pub mod journal;
mod key_in_work;
pub mod lock;
pub mod messages;
pub mod new_pin;
pub mod pin;
pub mod produce;
pub mod renewal;
pub mod store;
pub mod trust;
pub mod unlock;

pub use error::{FlowError, Mismatch, OperatorReason, Result};
pub use pin::PinChangeError;
pub use unlock::UnlockError;
