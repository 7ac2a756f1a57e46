//! The real program, judged by its output and its exit codes.

#![forbid(unsafe_code)]

#[cfg(test)]
mod driver_reports;
#[cfg(test)]
mod journey;
#[cfg(test)]
mod pin;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod words;
