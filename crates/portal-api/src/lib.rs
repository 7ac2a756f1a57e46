//! Under construction.
#![forbid(unsafe_code)]

pub mod problem;
pub mod wire;

pub use problem::Problem;
