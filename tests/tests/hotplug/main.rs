//! Tokens and cards that come and go, on a real PC/SC service with virtual readers.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod cards;
mod commands;
mod service;
mod tokens;

use std::time::Duration;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(30);

/// A card that offers T=0 and T=1: the virtual reader takes no card without T=1.
const ATR: [u8; 5] = [0x3B, 0x80, 0x80, 0x01, 0x01];
