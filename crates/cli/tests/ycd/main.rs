//! The real program, judged by its output and its exit codes.

#![forbid(unsafe_code)]

mod journey;
mod keys;
#[cfg(test)]
mod support;
mod words;
