//! A new PIN for a token whose PIN is locked or forgotten: flow, driver host, module, and the portal on a socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod cuts;
mod model_traces;
mod personalization;
mod scene;
mod straight;
mod trouble;
mod two_machines;
