#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this crate is tests: what is not as expected ends them"
)]
//! What the journeys, the demo and the benchmarks are made of: a portal on a socket, software tokens behind their
//! PKCS#11 module in a driver host, a proxy that does what networks do, and a person who has been told what to say.
//!
//! Nothing here stands in for a part of the product; only the person, and the network's misbehaviour, are made up.

pub mod bench;
#[cfg(target_os = "linux")]
pub mod card;
#[cfg(target_os = "linux")]
pub mod chroot;
pub mod cut;
#[cfg(target_os = "linux")]
pub mod deb;
pub mod demo;
pub mod dev;
pub mod outcome;
#[cfg(target_os = "linux")]
pub mod pcscd;
pub mod phone;
pub mod prompter;
pub mod proxy;
pub mod stage;
pub mod user_store;
#[cfg(target_os = "linux")]
pub mod window;
#[cfg(target_os = "linux")]
pub mod wine;
pub mod world;
