//! The work on the token, over HTTP: keys in memory stand for keys in tokens, an authority that can be held up or cut
//! off for a remote one. The clock is moved, never waited for.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod authority;
mod breaks;
#[path = "../common/mod.rs"]
mod common;
mod first_certificate;
mod givenup;
mod modes;
mod refused;
mod renewal;
mod walk;
mod world;
