//! The assistant as a screen has it: commands called by name, events heard, real tokens, a real portal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this program is tests: what is not as expected ends them"
)]

mod bad_calls;
mod portal;
mod renewal;
mod screen;
mod secrets;
mod tokens;
mod unlock;
