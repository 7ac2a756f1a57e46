//! Renewals through every layer: a software token behind its PKCS#11 module in a driver host, the flow, the portal over
//! HTTP, its authority, SQLite. One file for each kind of trouble.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod authority;
mod kills;
mod model_traces;
mod modes;
mod modules;
mod network;
mod orders;
mod pins;
mod pulls;
mod registered;
mod straight;
mod which_key;

use ycd_tests::outcome::{ended_well, old_one_still_serves, portal_agrees};
