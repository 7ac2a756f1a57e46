//! Under construction.
#![forbid(unsafe_code)]

mod client;
mod error;
pub mod problem;
pub mod wire;

pub use client::{Client, Patience};
pub use error::ApiError;
pub use problem::Problem;
