//! The portal: what applicants order, operators review, and the certificate authority signs.
//!
//! One HTTP API (JSON under `/api/v1`, described by `/api/openapi.json`, which is made from this code) on one SQLite
//! file. [`init()`] makes a portal in a folder, [`Portal::open`] opens it, [`serve`] lets it answer.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`orders`] | orders, and in `orders/machine.rs` the one table of what can happen to them |
//! | [`certificates`] | 我的证书 |
//! | [`attempts`] | the work on the token, for which an order is approved |
//! | [`personalization`] | at the personalization workstation: a blank token's first secrets and certificate |
//! | [`tokens`], [`unlock`] | what is kept of a token, and a new PIN for one that is locked |
//! | [`authority`] | root, issuing CA, revocation list |
//! | [`identity`] | the portal's own keys |
//! | [`sms`] | codes, step-ups, messages and who sends them |
//! | [`drivers`] | reports on tokens that no profile knows |
//! | [`login`], [`operator`] | who may do what |
//! | [`http`] | what every endpoint shares: callers, idempotency keys, problems |
//!
//! Invariants:
//! - Time comes from the [`clock::Clock`] that the portal was opened with, and from nowhere else.
//! - An order changes its status through [`orders::transition`] only.
//! - Whatever changes something needs an `Idempotency-Key`; the change and its answer are stored in one transaction.
//! - Session tokens, step-ups and SMS codes are stored as keyed hashes; stored answers are sealed. The one exception is
//!   the embedded SMS outbox, which stands in for the phone.
#![forbid(unsafe_code)]

pub mod attempts;
mod audit;
pub mod authority;
pub mod catalogue;
pub mod certificates;
pub mod clock;
pub mod config;
pub mod db;
pub mod drivers;
mod error;
pub mod http;
pub mod identity;
mod init;
pub mod login;
pub mod operator;
pub mod orders;
pub mod personalization;
mod portal;
pub mod secrets;
mod server;
pub mod sms;
pub mod tokens;
mod trust;
pub mod unlock;

pub use config::Config;
pub use error::Error;
pub use init::{Initialized, init};
pub use portal::Portal;
pub use server::{openapi, serve};
