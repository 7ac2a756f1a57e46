//! Under construction.
pub mod statement;
