//! Unlocking a PIN: the driver host against the software token, with a portal that the test plays itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests and what they are built from"
)]

mod answers;
#[path = "../common/mod.rs"]
mod common;
mod faults;
mod logins;
mod personalization;
#[cfg(target_os = "linux")]
mod process;
mod setup;
mod time;
mod wrapped;
