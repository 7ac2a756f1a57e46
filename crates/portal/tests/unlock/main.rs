//! Unlocking and personalization, over HTTP: key pairs in memory stand for driver hosts and for keys in tokens. The
//! clock is moved, never waited for.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod accounting;
mod bad_input;
mod challenge;
#[path = "../common/mod.rs"]
mod common;
mod completion;
mod log;
mod offer;
mod orders;
mod personalization;
mod release;
mod tickets;
mod walk;
mod world;
