//! The portal over HTTP on a socket. The clock is moved, never waited for.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

mod certificates;
#[path = "../common/mod.rs"]
mod common;
mod driver_reports;
mod http;
mod log;
mod login;
mod operators;
mod orders;
mod sms;
mod world;
