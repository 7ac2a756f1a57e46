//! Keys and cards that come and go, on a real PC/SC service with virtual readers.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod service;
