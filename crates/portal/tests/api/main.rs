//! The portal over HTTP on a socket. The clock is moved, never waited for.

mod certificates;
mod http;
mod login;
mod operators;
mod orders;
mod world;
